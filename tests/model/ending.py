"""Births by hand, votes that come again, and what must hold at the end of every example."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from notifications.channels import CHANNELS
from notifications.planning import plan
from supervision.orders.models import SupervisionOrder
from tests.model import coverage
from tests.model.book import Matter
from tests.model.comparing import compare
from tests.model.days import DAY, today
from tests.model.regulations import MEASURE, ORDER, PLAN, REPORT, STEPS_OF
from tests.model.world import MODELS, Sent, World
from workflows.auditor import find
from workflows.clockwork import SWEEP, beat
from workflows.documents import Conflict
from workflows.fire import start
from workflows.models import Entry, WorkItem
from workflows.verification import verify

BY_THE_CLOCK = (
    (REPORT, "open"), (ORDER, "open_for_late_report"), (PLAN, "open"), (MEASURE, "open"), (MEASURE, "begin_again"),
)  # fmt: skip


def draft(world: World, who: str, source: str, *, demands: bool = False) -> None:
    """Somebody registers an order of two criteria; the same request again is the same order, another one is refused."""
    at, request_id = world.tick(), uuid4()
    day = today(at) + 14 * DAY
    blank = Matter(ORDER, "draft", "town", at, who, "draft_order")
    against = [] if world.book.capacities(blank, "supervisor", who, at) else ["not_yours"]
    content: dict[str, Any] = {
        "title": "甲",
        "source": source,
        "authority": "县政府第3次常务会议",
        "clause": "会议纪要第四条",
    }
    parts = {"criteria": [{"text": "标准0"}, {"text": "标准1"}]}

    def send(**more: Any) -> Any:
        return start(
            SupervisionOrder, "draft_order", actor=world.place.actor(who, at), at=at, request_id=request_id, parts=parts, due_on=day,
            demands_rectification=demands, **world.place.pinned(), **{**content, **more},
        )  # fmt: skip

    order = world.ask(send, against, f"registering an order by {who}")
    for code in against:
        coverage.refused[ORDER, "draft_order", code] += 1
    if order is None:
        return
    coverage.taken[ORDER, "draft_order", "-"] += 1
    fields = {"criteria": 2, "evidence": [], "due_on": day, "demands_rectification": demands, **content}
    blank.fields, blank.pk = fields, order.pk
    world.book.born(blank, who)
    before = world.trace()
    assert send().pk == order.pk
    with pytest.raises(Conflict):
        send(title="乙")
    world.require_no_trace(before, "a repeated registration")


def begin(world: World, kind: str, step: str, who: str) -> None:
    """Somebody tries what only the clock does."""
    if who == "clock":
        return
    at = world.tick()
    actor = world.place.actor(who, at)
    world.ask(
        lambda: start(MODELS[kind], step, actor=actor, at=at, title="甲", **world.place.pinned()), ["not_yours"], f"{kind} {step} by {who}"
    )  # fmt: skip
    coverage.refused[kind, step, "not_yours"] += 1


def vote_once_more(world: World, sent: Sent) -> None:
    """The same vote again is the same vote."""
    world.tick()
    before = world.trace()
    answer = sent.send()
    assert answer.replayed
    assert answer.sequence == sent.answer
    world.require_no_trace(before, "a repeated vote")


def at_the_end(world: World) -> None:
    """The clock ticks once more; then the ledger verifies, the auditor finds what the model says, nobody decided on their
    own work, and no item hangs in the air."""
    from tests.model.doors import run_reroute, run_sweep

    run_sweep(world)
    run_reroute(world)
    run_sweep(world)
    compare(world)
    verdict = verify()
    assert verdict.clean, verdict.faults
    beat(SWEEP, world.at)
    for channel in CHANNELS:
        plan(world.at, channel)
    found = {(fault.kind, fault.document_id, fault.code) for fault in find(world.at)}
    assert found == stuck(world), f"the auditor finds {found}, the model {stuck(world)}"
    living = {(MODELS[m.kind].kind(), m.pk) for m in world.book.matters}
    rows = set(WorkItem.objects.values_list("kind", "document_id"))
    assert rows <= living, f"orphans: {rows - living}"
    nobody_decided_on_their_own_work(world)


def stuck(world: World) -> set[tuple[str, int, str]]:
    """Items that everybody who could decide has handled, up to the highest office: an alarm, and rightly."""
    found = set()
    for matter in world.book.matters:
        for owed in matter.owed:
            if (
                owed.seat is None
                and not owed.claimant
                and not owed.still_since
                and matter.only_decides(owed.role)
            ):
                rows = world.book.register.holding(owed.office, owed.unit, today(world.at))
                if all(matter.is_own_work(s) for s in rows):
                    found.add((MODELS[matter.kind].kind(), matter.pk, "own_work"))
    return found


def nobody_decided_on_their_own_work(world: World) -> None:
    """Read from the ledger alone, entry by entry: whoever had a hand in a matter never decided on it later, in no capacity
    and for nobody. No step of these regulations begins a draft anew."""
    names = {model.kind(): kind for kind, model in MODELS.items()}
    hands: dict[tuple[str, int], set[int]] = {}
    columns = ("kind", "document_id", "step", "actor", "acting_for", "decides")
    for label, pk, name, actor, holder, decides in (
        Entry.objects.filter(kind__in=names).order_by("pk").values_list(*columns)
    ):
        step = STEPS_OF[names[label]].get(name)
        people, theirs = {actor, holder} - {None}, hands.setdefault((label, pk), set())
        if (step and step.decides) or (name == "vote" and decides):
            assert not people & theirs, f"{label} {pk}: {name} by {people}, whose own work it is"
            assert decides
        elif name in ("edit", "attach") or (step and step.how == "handles"):
            theirs |= people

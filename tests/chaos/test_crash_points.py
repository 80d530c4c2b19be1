"""Every named point of a decision × every kind of decision: killed there, the same request sent again leaves what one that was
never killed leaves (T5). The short version takes one point of each third."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from tests.chaos.mortals import fork
from tests.chaos.record import Record
from tests.chaos.scale import FULL, SCALE
from tests.supervision import county as counties
from tests.supervision.county import AT, County, inputs_for, order_of, version_of, walk
from tests.workflows.ground import item_of, orders_of
from workflows import auditor, rounds, worklist
from workflows.failpoints import KILLED
from workflows.fire import edit, fire, fire_many, start
from workflows.models import Entry, Notice, Seat, WorkItem
from workflows.verification import verify

pytestmark = pytest.mark.timeout(600)

Ask = Callable[[UUID], Any]


@dataclass(frozen=True)
class Flow:
    """`ready` makes a document ready; `ask` is given it, and gives the request, which is asked with the same id each time.

    `again` is False for what carries no request id: asked again after a commit, it finds that it is done."""

    ready: Callable[[County, int], Any]
    ask: Callable[[County, Any, int], Ask]
    points: tuple[str, ...] = ("document.locked", "document.written", "document.caused", "document.committed")


def taking(step: str, who: str, **given: Any) -> Callable[[County, Any, int], Ask]:
    def ask(place: County, document: Any, number: int) -> Ask:
        actor, seen, model = place.actor(who), version_of(document), type(document)
        values = {**inputs_for(document, step), **given}
        return lambda request: fire(
            model(pk=document.pk), step, actor=actor, at=AT, seen_version=seen, request_id=request, **values
        )

    return ask


def order_at(route: str, **fields: Any) -> Callable[[County, int], Any]:
    return lambda place, number: walk(
        place, order_of(place, title=f"事项{number}", clause=f"第{number}条", **fields), route
    )


def plan_at(route: str) -> Callable[[County, int], Any]:
    def ready(place: County, number: int) -> Any:
        order = order_of(place, title=f"事项{number}", clause=f"第{number}条", demands_rectification=True)
        walk(place, order, counties.TO_HAND)
        return walk(place, Rectification.objects.get(order=order), route)

    return ready


def voting(place: County, plan: Any, number: int) -> Ask:
    actor = place.actor("second leader")
    seat = Seat.objects.get(
        task__process__document_id=plan.pk,
        task__process__kind=plan.kind(),
        vote="",
        post=place.posts["second leader"],
    )
    return lambda request: rounds.vote(seat, "approve", actor=actor, at=AT, request_id=request)


def editing(place: County, order: Any, number: int) -> Ask:
    actor, seen = place.actor("drafter"), order.version
    return lambda request: edit(
        SupervisionOrder(pk=order.pk), actor=actor, at=AT, seen_version=seen, request_id=request, changes={"demand": "另一要求"},
        parts={"criteria": [{"text": "全部完成"}]},
    )  # fmt: skip


def starting(place: County, nothing: Any, number: int) -> Ask:
    actor = place.actor("drafter")
    return lambda request: start(
        SupervisionOrder, "draft_order", actor=actor, at=AT, request_id=request, parts={"criteria": [{"text": "达标"}]},
        **place.pinned(), title=f"新件{number}", due_on=date(2026, 6, 1),
    )  # fmt: skip


def many(place: County, orders: list[Any], number: int) -> Ask:
    actor, seen = place.actor("drafter"), {order.pk: order.version for order in orders}
    return lambda request: fire_many(SupervisionOrder, seen, "submit", actor=actor, at=AT, request_id=request)


def claiming(place: County, order: Any, number: int) -> Ask:
    item, actor = item_of(order, "order.signature").pk, place.actor("leader")
    return lambda request: worklist.claim(item, actor=actor, at=AT)


FLOWS = {
    "submit": Flow(order_at(""), taking("submit", "drafter")),
    "sign, which gives a number": Flow(order_at("submit:drafter"), taking("sign", "leader")),
    "send back": Flow(order_at("submit:drafter"), taking("send_back", "leader")),
    "recall": Flow(order_at("submit:drafter"), taking("recall", "drafter")),
    "take in hand, which opens a rectification": Flow(
        order_at("submit:drafter, sign:leader, sign_for:head", demands_rectification=True), taking("take_in_hand", "staff")
    ),
    "extend": Flow(order_at(f"{counties.TO_HAND}, ask_extension:head"), taking("grant", "leader", new_date=date(2026, 6, 1))),
    "claim done, which pauses the clock": Flow(order_at(f"{counties.TO_HAND}, prove:staff"), taking("claim_done", "head")),
    "forward, which opens a round": Flow(
        plan_at("plan_two_measures:staff, hand_in:staff, sign:head"), taking("forward", "checker")
    ),
    "the last vote, which opens the measures": Flow(
        plan_at("plan_two_measures:staff, hand_in:staff, sign:head, forward:checker, agree:office, agree:leader"), voting
    ),
    "edit": Flow(order_at(""), editing, ("document.locked", "document.written", "document.committed")),
    "start": Flow(lambda place, number: None, starting, ("document.written", "document.caused", "document.committed")),
    "ten in one go": Flow(lambda place, number: orders_of(place, 10, clause=f"批{number}"), many),
    "claim an item": Flow(order_at("submit:drafter"), claiming, ("document.locked", "document.written")),
}  # fmt: skip


def standing(since: dict[type, int]) -> dict[str, Any]:
    """What has been written since, without ids: to be compared between one that was killed and one that was not."""
    entries = Entry.objects.filter(pk__gt=since[Entry])
    notices = Notice.objects.filter(pk__gt=since[Notice])
    items = WorkItem.objects.filter(pk__gt=since[WorkItem])
    return {
        "entries": Counter(entries.values_list("kind", "step", "from_state", "to_state", "version")),
        "notices": Counter(notices.values_list("kind", "code", "person__name")),
        "items": Counter(items.values_list("kind", "duty", "turn", "due_on", "lamp", "closed_how")),
        "documents": Counter(
            (model.__name__, row) for model in (SupervisionOrder, Rectification, Measure)
            for row in model.objects.filter(pk__gt=since[model]).values_list("state", "version")
        ),
    }  # fmt: skip


def latest() -> dict[type, int]:
    tables: tuple[Any, ...] = (Entry, Notice, WorkItem, SupervisionOrder, Rectification, Measure)
    return {
        table: table.objects.order_by("-pk").values_list("pk", flat=True).first() or 0 for table in tables
    }


def test_killed_at_every_point_and_asked_again_it_is_as_if_it_had_never_been_killed(
    place: County, tmp_path: Path, record: Record
) -> None:
    record.title = "Every named point × every kind of decision"
    pairs, differ, number = 0, [], 0
    for name, flow in list(FLOWS.items())[:: 1 if SCALE is FULL else 3]:
        number += 1
        ready = flow.ready(place, number)
        since = latest()
        flow.ask(place, ready, number)(uuid4())
        wanted = standing(since)
        chosen = flow.points if SCALE is FULL else (flow.points[number % len(flow.points)],)
        for point in chosen:
            number += 1
            ready, request = flow.ready(place, number), uuid4()
            ask = flow.ask(place, ready, number)
            since = latest()
            nothing = standing(since)
            mortal = fork(lambda ask=ask, request=request: ask(request), tmp_path, point)
            assert mortal.wait() == KILLED, (name, point, mortal.how, mortal.words())
            left = standing(since)
            assert left == (wanted if point == "document.committed" else nothing), (name, point, left)
            ask(request)
            after = standing(since)
            pairs += 1
            record.points.add(point)
            record.event("killed", flow=name, point=point, same=after == wanted)
            if after != wanted:
                differ.append((name, point))
    record.figure("T5", "points × decisions, killed and asked again", pairs)
    record.towards("points × flows", pairs)
    record.towards("named point", pairs)
    record.towards("decisions", pairs)
    record.exactly("T5", "that differ from one that was never killed", differ, [])
    record.exactly("T5", "faults of the ledger", verify().faults, [])
    codes = (
        "nobody_owes",
        "entry_differs",
        "version_differs",
        "item_out_of_place",
        "round_out_of_place",
        "seat_without_item",
        "no_next_step",
    )
    record.exactly("T5", "findings of the auditor", [f for f in auditor.find(AT) if f.code in codes], [])

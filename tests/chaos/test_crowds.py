"""A hundred people on one matter at the same instant, fifty times the same request, five hundred documents in one go (T2, T4).

Only in `make chaos`: the short version is tests/workflows/test_races.py."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from supervision.orders.models import SupervisionOrder
from tests.chaos.record import Record, percentile
from tests.chaos.scale import SCALE
from tests.chaos.test_races import leaders
from tests.supervision import county as counties
from tests.supervision.county import AT, County, again, version_of, walk
from tests.workflows.ground import chain, item_of, orders_of, together
from workflows import worklist
from workflows.documents import Refused, Stale
from workflows.fire import Fired, Many, fire, fire_many
from workflows.models import Entry, Notice, WorkItem
from workflows.verification import verify

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

Call = Callable[[], Any]


def decision(place: County, order: Any, step: str, who: str, seen: int, **given: Any) -> Call:
    actor = place.actor(who)
    return lambda: fire(order, step, actor=actor, at=AT, seen_version=seen, request_id=uuid4(), **given)


def against(kind: str, place: County, order: Any, seen: int, number: int, names: list[str]) -> Call:
    """What the other half does against those who sign."""
    who = names[number]
    if kind == "sign":
        return decision(place, order, "sign", who, seen)
    if kind == "send_back":
        return decision(place, order, "send_back", who, seen, reason="缺依据")
    if kind == "recall":
        return decision(place, order, "recall", "drafter", seen)
    if kind == "hand_over":
        item, actor, to = (
            item_of(order, "order.signature").pk,
            place.actor(who),
            place.people[names[number - 1]],
        )
        return lambda: worklist.hand_over(item, to, reason="出差", actor=actor, at=AT)
    actor = place.actor(who)
    return lambda: fire_many(
        SupervisionOrder, {order.pk: seen}, "sign", actor=actor, at=AT, request_id=uuid4()
    )


def won(answer: Any, kind: str) -> bool:
    """Whether this is the one that moved the document; handing over moves nothing."""
    return isinstance(answer, Fired) or (isinstance(answer, Many) and bool(answer.done))


def timed(call: Call, seconds: list[float]) -> Call:
    def run() -> Any:
        begun = time.monotonic()
        try:
            return call()
        finally:
            seconds.append(time.monotonic() - begun)

    return run


@pytest.mark.parametrize("kind", ["sign", "send_back", "recall", "hand_over", "bulk"])
def test_of_a_hundred_on_one_approval_one_wins(crowd: None, kind: str, record: Record) -> None:
    record.title = f"{SCALE.racers} people on one approval: signing against {kind}"
    place = counties.county()
    names = leaders(place, SCALE.racers)
    seconds: list[float] = []
    answered: Counter[str] = Counter()
    not_one = 0
    for order in orders_of(place, SCALE.race_rounds):
        walk(place, order, "submit:drafter")
        seen = version_of(order)
        calls = [
            decision(place, order, "sign", name, seen)
            if n % 2
            else against(kind, place, order, seen, n, names)
            for n, name in enumerate(names)
        ]
        answers = together([timed(call, seconds) for call in calls])
        winners = [a for a in answers if won(a, kind)]
        losers = [e for a in answers if isinstance(a, Many) for e in a.turned_down.values()] + [
            a for a in answers if isinstance(a, Exception)
        ]
        not_one += len(winners) != 1
        strange = [a for a in losers if not isinstance(a, Stale | Refused)]
        assert strange == [], strange[:3]
        stored = again(order)
        for stale in (a for a in losers if isinstance(a, Stale)):
            assert (stale.by, stale.at, stale.step, stale.version) == (
                stored.moved_by_id,
                AT,
                stored.moved_step,
                3,
            )
        assert [e.version for e in chain(order) if e.step != "hand_over"] == [1, 2, 3]
        assert WorkItem.objects.filter(
            document_id=order.pk, kind=order.kind(), closed_at=None
        ).count() == len(stored.lifecycle.states[stored.state].duties)
        answered.update(type(a).__name__ for a in answers)
        record.event("round", answers=dict(Counter(type(a).__name__ for a in answers)), state=stored.state)
    record.exactly("T2", f"{kind}: rounds with other than one winner", not_one, 0)
    record.figure("T2", f"{kind}: answers in all rounds", dict(answered))
    record.most(
        "T2",
        f"{kind}: p99 of an answer, {SCALE.racers} at once in one process",
        percentile(seconds, 0.99),
        SCALE.answer_within,
        " s",
    )
    record.towards("p99", percentile(seconds, 0.99))
    keys = Notice.objects.values_list("key", flat=True)
    assert len(keys) == len(set(keys))
    record.exactly("T2", f"{kind}: faults of the ledger", verify(place.institution.pk).faults, [])


def test_one_request_many_times_at_once_is_answered_alike_and_counts_once(
    crowd: None, record: Record
) -> None:
    record.title = f"The same request {SCALE.same_request} times at once"
    place = counties.county()
    made = orders_of(place, SCALE.race_rounds)
    actor = place.actor("drafter")
    for order in made:
        request = uuid4()

        def ask(order: Any = order, request: Any = request) -> Fired:
            return fire(order, "submit", actor=actor, at=AT, seen_version=1, request_id=request)

        answers = together([ask] * SCALE.same_request)
        assert Counter(type(a).__name__ for a in answers) == {"Fired": SCALE.same_request}, answers
        assert len({(a.version, a.state, a.sequence) for a in answers}) == 1
        assert sum(not a.replayed for a in answers) == 1
    entries = Counter(Entry.objects.filter(step="submit").values_list("document_id", flat=True))
    record.exactly("T4", "entries a request", set(entries.values()), {1})
    record.figure("T4", "requests, each sent at once", f"{len(made)} × {SCALE.same_request}")


def test_a_bulk_with_refused_and_stale_ones_moves_the_rest_in_one_go(crowd: None, record: Record) -> None:
    record.title = f"A bulk step over {SCALE.bulk} documents, three refused and three stale"
    place = counties.county()
    made = orders_of(place, SCALE.bulk)
    refused, stale, rest = made[:3], made[3:6], made[6:]
    for order in refused:
        counties.change(place, order, "drafter", criteria=[])
    seen = {order.pk: version_of(order) for order in made}
    for order in stale:
        counties.change(place, order, "checker", clause="另一条")
    actor, request = place.actor("drafter"), uuid4()
    begun = time.monotonic()
    answers = together(
        [lambda: fire_many(SupervisionOrder, seen, "submit", actor=actor, at=AT, request_id=request)] * 4
    )
    seconds = time.monotonic() - begun
    assert all(isinstance(a, Many) for a in answers), answers
    for many in answers:
        assert {f.document_id for f in many.done} == {order.pk for order in rest}
        assert {pk: type(e) for pk, e in many.turned_down.items()} == {
            **{order.pk: Refused for order in refused}, **{order.pk: Stale for order in stale},
        }  # fmt: skip
    assert sum(not fired.replayed for many in answers for fired in many.done) == len(rest)
    entries = Counter(Entry.objects.filter(step="submit").values_list("document_id", flat=True))
    record.exactly(
        "T2",
        "bulk sent four times at once: entries",
        entries.total(),
        len(rest),
    )
    assert entries == Counter({order.pk: 1 for order in rest})
    told = Counter(Notice.objects.filter(code="submit").values_list("document_id", "person"))
    record.exactly("T2", "bulk: notices a person and document", set(told.values()), {1})
    record.figure("T2", "bulk: seconds for all four", f"{seconds:.2f}")
    assert {again(order).state for order in (*refused, *stale)} == {"draft"}
    assert verify(place.institution.pk).clean

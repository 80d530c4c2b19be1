"""A hundred people on one matter at the same instant: one decides, everybody else is told who and when (T2, T3, T4)."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest

from organisation import changes
from organisation.actors import clock_of
from supervision.orders.models import SupervisionOrder
from tests.chaos.clients import form_for, send, signed_in
from tests.chaos.installation import Installation
from tests.chaos.record import Record, percentile
from tests.chaos.scale import SCALE
from tests.supervision import county as counties
from tests.supervision.county import AT, County, act, again, version_of, walk
from tests.workflows.clock_ground import steps_of
from tests.workflows.ground import act_on_all, chain, item_of, orders_of, together
from workflows import auditor, worklist
from workflows.deadlines import sweep
from workflows.documents import Refused, Stale
from workflows.fire import Fired, Many, fire, fire_many
from workflows.models import Entry, Notice, Payload, WorkItem
from workflows.verification import verify

pytestmark = pytest.mark.timeout(900)

Call = Callable[[], Any]


def leaders(place: County, many: int) -> list[str]:
    """So many people of the leading group."""
    names = [f"leader {n}" for n in range(many)]
    for name in names:
        place.people[name] = counties._person(place.institution, name)
        place.posts[name] = counties._appoint(place.people[name], "leading_group", place.units["county"])
    return names


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
def test_of_a_hundred_on_one_approval_one_wins(own: Installation, kind: str, record: Record) -> None:
    record.title = f"{SCALE.racers} people on one approval: signing against {kind}"
    place = counties.county()
    names = leaders(place, SCALE.racers)
    seconds: list[float] = []
    answered: Counter[str] = Counter()
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
        assert len(winners) == 1, Counter(type(a).__name__ for a in answers)
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
    record.exactly("T2", f"{kind}: rounds with other than one winner", 0, 0)
    record.figure("T2", f"{kind}: answers in all rounds", dict(answered))
    record.most(
        "T2",
        f"{kind}: p99 of an answer, {SCALE.racers} at once in one process",
        percentile(seconds, 0.99),
        5.0,
        " s",
    )
    keys = Notice.objects.values_list("key", flat=True)
    assert len(keys) == len(set(keys))
    record.exactly("T2", f"{kind}: faults of the ledger", verify(place.institution.pk).faults, [])


def test_of_a_hundred_browsers_one_is_told_it_is_done_and_the_others_who_was_first(
    own: Installation, record: Record
) -> None:
    record.title = (
        f"{SCALE.racers} browsers on one approval, and one form sent {SCALE.same_request} times at once"
    )
    place = counties.county()
    names = leaders(place, SCALE.racers)
    cookies = [signed_in(place.people[name]) for name in names]
    own.start("web")
    own.wait_for_web()
    statuses: Counter[int] = Counter()
    seconds: list[float] = []
    made = orders_of(place, SCALE.race_rounds + 1)
    act_on_all(place, made, "submit", "drafter")
    for order in made[:-1]:
        forms = [
            form_for(order, "sign", 2, cookie)
            if n % 2
            else form_for(order, "send_back", 2, cookie, opinion="缺依据")
            for n, cookie in enumerate(cookies)
        ]
        answers = together([lambda form=form: send(own.address, form, 60, part=True) for form in forms])
        told = Counter(answer.status for answer in answers)
        assert told == {200: 1, 409: SCALE.racers - 1}, (
            told,
            [a.text for a in answers if a.status not in (200, 409)][:1],
        )
        stored = again(order)
        first = next(name for name in names if place.people[name].pk == stored.moved_by_id)
        assert all(first in answer.text for answer in answers if answer.status == 409), (
            "the others hear who was first"
        )
        statuses += told
        seconds += [answer.seconds for answer in answers]
        record.event("round", statuses=dict(told), seconds=[round(a.seconds, 3) for a in answers])
    record.figure(
        "T2", "browsers: statuses in all rounds", dict(statuses), "one 200 and 99 × 409 a round, no 5xx"
    )
    record.figure(
        "T2", "browsers: p99 of an answer, one web process of eight threads", f"{percentile(seconds, 0.99)} s"
    )
    form = form_for(made[-1], "sign", 2, cookies[0])
    answers = together([lambda: send(own.address, form, 60)] * SCALE.same_request)
    record.exactly(
        "T4",
        "one form sent many times at once: statuses",
        dict(Counter(a.status for a in answers)),
        {302: SCALE.same_request},
    )
    record.exactly(
        "T4", "entries of that request", Entry.objects.filter(request_id=form.request_id).count(), 1
    )
    assert verify(place.institution.pk).clean


def test_one_request_many_times_at_once_is_answered_alike_and_counts_once(
    own: Installation, record: Record
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


def test_a_bulk_with_refused_and_stale_ones_moves_the_rest_in_one_go(
    own: Installation, record: Record
) -> None:
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
        entries == Counter({order.pk: 1 for order in rest}),
        True,
    )
    told = Counter(Notice.objects.filter(code="submit").values_list("document_id", "person"))
    record.exactly("T2", "bulk: notices a person and document", set(told.values()), {1})
    record.figure("T2", "bulk: seconds for all four", f"{seconds:.2f}")
    assert {again(order).state for order in (*refused, *stale)} == {"draft"}
    assert verify(place.institution.pk).clean


def test_an_extension_and_an_escalation_at_the_same_instant_leave_one_truth(
    own: Installation, record: Record
) -> None:
    """Granted in the second in which the next step falls due: it was taken before the grant, or never for the old date."""
    record.title = "An extension against the escalation"
    place = counties.county()
    firsts: Counter[str] = Counter()
    for number in range(SCALE.race_rounds * 3):
        order = walk(
            place, counties.order_of(place, title=f"延期{number}", clause=f"第{number}条"), counties.TO_HAND
        )
        walk(place, order, "ask_extension:head")
        item = item_of(order, "order.finish")
        at = item.next_step_at
        assert at
        at += timedelta(seconds=1)
        actor, seen = place.actor("leader", at), version_of(order)

        def grant(order: Any = order, actor: Any = actor, seen: int = seen, at: Any = at) -> Fired:
            return fire(
                order,
                "grant",
                actor=actor,
                at=at,
                seen_version=seen,
                request_id=uuid4(),
                new_date=date(2026, 6, 1),
            )

        granted, swept = together([grant, lambda at=at: sweep(at, institution_id=place.institution.pk)])
        assert isinstance(granted, Fired), granted
        assert not isinstance(swept, Exception), swept
        item = item_of(order, "order.finish")
        assert (item.due_on, item.original_due_on) == (date(2026, 6, 1), date(2026, 3, 16))
        granted_as = next(e.sequence for e in chain(order) if e.step == "grant")
        taken = dict(steps_with_duty(order, "order.finish"))
        before = [key for sequence, key in taken.items() if sequence < granted_as]
        after = [key for sequence, key in taken.items() if sequence > granted_as]
        assert before in ([], ["remind"])
        assert after == [], "a reminder of the old date after the new one was granted"
        firsts["the step" if before else "the grant"] += 1
        sweep(at, institution_id=place.institution.pk)
        assert len(steps_of(order)) == len(set(steps_of(order)))
        record.event("race", before=before, after=after)
    record.figure("T2", "extension against escalation: who was first", dict(firsts))
    found = [
        f
        for f in auditor.find(AT)
        if f.code in ("no_next_step", "entry_differs", "version_differs", "item_out_of_place")
    ]
    record.exactly("T2", "extension against escalation: findings of the auditor", found, [])
    assert verify(place.institution.pk).clean


def steps_with_duty(order: Any, duty: str) -> list[tuple[int, str]]:
    """The steps of one duty's ladder in the order's chain, with their places in it."""
    rows = Payload.objects.filter(kind=order.kind(), document_id=order.pk).order_by("sequence")
    contents = {row.sequence: json.loads(bytes(row.content)) for row in rows}
    return [(n, said["step"]) for n, said in contents.items() if said.get("duty") == duty and "tells" in said]


CHANGES = ("delegation revoked", "approver dismissed", "absence begun")


def test_a_delegation_revoked_an_approver_dismissed_and_an_absence_begun_in_the_middle_of_a_decision(
    own: Installation, record: Record
) -> None:
    """Whoever is first: the decision counts as made by somebody who held the post that day, or it is refused; the item is
    somebody's afterwards."""
    record.title = "Posts change while their holders decide"
    place = counties.county()
    outcomes: Counter[str] = Counter()
    what = cycle(CHANGES)
    for number in range(SCALE.race_rounds * 3):
        change = next(what)
        name = f"someone {number}"
        place.people[name] = counties._person(place.institution, name)
        at = AT + timedelta(days=number // 3)
        yesterday = (at - timedelta(days=1)).date()
        by = clock_of(place.institution.pk)
        post = counties._appoint(place.people[name], "leading_group", place.units["county"])
        order = counties.order_of(place, title=f"变动{number}", clause=f"第{number}条", at=at)
        act(place, order, "submit", "drafter", at)
        if change == "delegation revoked":
            stand_in = f"stand-in {number}"
            place.people[stand_in] = counties._person(place.institution, stand_in)
            given = changes.delegate(
                post,
                to=place.people[stand_in],
                begins=date(2026, 1, 1),
                ends=date(2026, 12, 31),
                by=by,
                at=at,
                reason="代理",
            )
            who = stand_in

            def alter(given: Any = given, by: Any = by, at: Any = at, day: date = yesterday) -> Any:
                return changes.end_delegation(given, ends=day, by=by, at=at, reason="收回")
        elif change == "approver dismissed":
            who = name

            def alter(post: Any = post, by: Any = by, at: Any = at, day: date = yesterday) -> Any:
                return changes.end_post(post, ends=day, by=by, at=at, reason="免职")
        else:
            who = name

            def alter(post: Any = post, by: Any = by, at: Any = at) -> Any:
                return changes.record_absence(
                    post, begins=at.date(), ends=at.date() + timedelta(days=30), by=by, at=at, reason="学习"
                )

        def decide(order: Any = order, who: str = who, at: Any = at) -> Any:
            return fire(order, "sign", actor=place.actor(who, at), at=at, seen_version=2, request_id=uuid4())

        decided, altered = together([decide, alter])
        assert not isinstance(altered, Exception), altered
        assert isinstance(decided, Fired | Refused), decided
        outcomes[f"{change}: {'decided first' if isinstance(decided, Fired) else 'refused'}"] += 1
        if change != "absence begun":  # whoever is away may still act
            later = decision_refused(place, order, who, at) if isinstance(decided, Refused) else None
            assert later is None or isinstance(later, Refused), later
        assert WorkItem.objects.filter(kind=order.kind(), document_id=order.pk, closed_at=None).exists()
        record.event("race", change=change, decided=type(decided).__name__)
    record.figure("T2", "posts changed in the middle of a decision", dict(outcomes))
    codes = ("no_eligible_person", "claimant_gone", "nobody_owes", "entry_differs", "version_differs")
    record.exactly(
        "T2", "posts changed: findings of the auditor", [f for f in auditor.find(at) if f.code in codes], []
    )
    assert verify(place.institution.pk).clean


def decision_refused(place: County, order: Any, who: str, at: Any) -> Any:
    """What comes of the same decision after the change."""
    try:
        return fire(order, "sign", actor=place.actor(who, at), at=at, seen_version=2, request_id=uuid4())
    except Refused as refused:
        return refused

"""Browsers at the same instant, an extension against an escalation, posts that change in the middle of a decision (T2, T4)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from itertools import cycle
from typing import Any
from uuid import uuid4

import pytest

from organisation import changes
from organisation.actors import clock_of
from tests.chaos.clients import form_for, send, signed_in
from tests.chaos.record import Record, percentile
from tests.chaos.scale import SCALE
from tests.supervision import county as counties
from tests.supervision.county import AT, County, act, again, version_of, walk
from tests.workflows.clock_ground import steps_of
from tests.workflows.ground import act_on_all, chain, item_of, orders_of, together
from workflows import auditor
from workflows.deadlines import sweep
from workflows.documents import Refused
from workflows.fire import Fired, fire
from workflows.models import Entry, Payload, WorkItem
from workflows.verification import verify

pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

Call = Callable[[], Any]


def leaders(place: County, many: int) -> list[str]:
    """So many people of the leading group."""
    names = [f"leader {n}" for n in range(many)]
    for name in names:
        place.people[name] = counties._person(place.institution, name)
        place.posts[name] = counties._appoint(place.people[name], "leading_group", place.units["county"])
    return names


def test_of_a_hundred_browsers_one_is_told_it_is_done_and_the_others_who_was_first(
    web_address: str, record: Record
) -> None:
    record.title = (
        f"{SCALE.racers} browsers on one approval, and one form sent {SCALE.same_request} times at once"
    )
    place = counties.county()
    names = leaders(place, SCALE.racers)
    cookies = [signed_in(place.people[name]) for name in names]
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
        answers = together([lambda form=form: send(web_address, form, 60, part=True) for form in forms])
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
    record.most(
        "T2",
        "browsers: p99 of an answer, one web process of eight threads",
        percentile(seconds, 0.99),
        SCALE.answer_within,
        " s",
    )
    record.towards("p99", percentile(seconds, 0.99))
    form = form_for(made[-1], "sign", 2, cookies[0])
    answers = together([lambda: send(web_address, form, 60)] * SCALE.same_request)
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


def test_an_extension_and_an_escalation_at_the_same_instant_leave_one_truth(
    crowd: None, record: Record
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
    crowd: None, record: Record
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

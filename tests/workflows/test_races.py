"""Several people at once, on real commits."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

from supervision.orders.models import Series, SupervisionOrder
from supervision.rectification.models import Measure
from tests.supervision.county import (
    AT,
    GIVEN,
    TO_APPROVED,
    County,
    act,
    again,
    finish_measures,
    order_of,
    plan_of,
    version_of,
    walk,
)
from tests.workflows.ground import act_on_all, chain, item_of, orders_of, together
from workflows.documents import Refused, Stale
from workflows.fire import Fired, edit, fire, fire_many
from workflows.models import Notice, WorkItem
from workflows.verification import verify


def firing(place: County, document: Any, step: str, who: str, **given: Any) -> Any:
    """A call that takes the step as seen now, for `together`."""
    actor, seen = place.actor(who), version_of(document)
    return lambda: fire(document, step, actor=actor, at=AT, seen_version=seen, request_id=uuid4(), **given)


def kinds(answers: list[Any]) -> Counter[str]:
    return Counter(type(answer).__name__ for answer in answers)


def test_of_sixteen_who_decide_one_wins_and_fifteen_are_told_who_and_when(real_place: County) -> None:
    order = order_of(real_place)
    walk(real_place, order, "submit:drafter")
    calls = [
        firing(real_place, order, step, who, **given)
        for step, given in (("sign", {}), ("send_back", {"reason": "缺依据"}))
        for who in ("leader", "second leader")
        for _ in range(4)
    ]
    answers = together(calls)
    assert kinds(answers) == {"Fired": 1, "Stale": 15}, answers
    stored = again(order)
    for stale in (a for a in answers if isinstance(a, Stale)):
        assert (stale.by, stale.at, stale.step) == (stored.moved_by_id, AT, stored.moved_step)
        assert (stale.state, stale.version) == (stored.state, 3)
    assert [e.version for e in chain(order)] == [1, 2, 3]
    sets = Notice.objects.filter(document_id=order.pk).values_list("key", flat=True)
    assert len(sets) == len(set(sets))
    assert WorkItem.objects.filter(document_id=order.pk, closed_at=None).count() == len(
        stored.lifecycle.states[stored.state].duties
    )
    assert verify(real_place.institution.pk).clean


def test_one_request_sent_sixteen_times_at_once_moves_once_and_answers_all_alike(real_place: County) -> None:
    order = order_of(real_place)
    actor, request_id = real_place.actor("drafter"), uuid4()

    def send() -> Fired:
        return fire(order, "submit", actor=actor, at=AT, seen_version=order.version, request_id=request_id)

    answers = together([send] * 16)
    assert kinds(answers) == {"Fired": 16}, answers
    assert Counter(a.replayed for a in answers) == {False: 1, True: 15}
    assert {(a.version, a.state, a.sequence) for a in answers} == {(2, "for_signature", 2)}
    assert len(chain(order)) == 2


def test_an_edit_and_a_submission_at_once_leave_one_of_them(real_place: County) -> None:
    order = order_of(real_place)
    editor, request = real_place.actor("checker"), uuid4()
    answers = together([
        firing(real_place, order, "submit", "drafter"),
        lambda: edit(order, actor=editor, at=AT, seen_version=order.version, request_id=request, changes={"clause": "另一条"}),
    ])  # fmt: skip
    assert kinds(answers) == {"Fired": 1, "Stale": 1}
    assert len(chain(order)) == 2
    assert (again(order).clause == "另一条") == (again(order).state == "draft")


def test_a_parent_cannot_count_on_a_child_that_is_moving(real_place: County) -> None:
    """Acceptance is asked for when all measures are accepted; the last of them is accepted at the same moment."""
    plan = walk(real_place, plan_of(real_place), TO_APPROVED)
    first, last = Measure.objects.filter(rectification=plan).order_by("place")
    walk(real_place, first, "add_evidence:staff, claim_done:staff, take_up:checker, accept:checker")
    walk(real_place, last, "add_evidence:staff, claim_done:staff, take_up:checker")
    given = {name: GIVEN[name] for name in ("conclusion", "how_checked")}
    claim = firing(real_place, plan, "ask_acceptance", "head")
    answers = together([claim, firing(real_place, last, "accept", "checker", **given)])
    assert isinstance(answers[1], Fired)
    if isinstance(answers[0], Refused):
        assert answers[0].reasons[0].code == "all_accepted"
        act(real_place, plan, "ask_acceptance", "head")
    assert (again(plan).state, again(last).state) == ("claimed", "accepted")


def test_no_rectification_is_accepted_with_a_measure_begun_again(real_place: County) -> None:
    """One checker accepts the whole while another returns a measure: whoever is second finds the document moved."""
    from tests.supervision.county import _appoint, _person

    person = _person(real_place.institution, "second checker")
    _appoint(person, "supervisor", real_place.units["county"])
    real_place.people["second checker"] = person
    plan = walk(real_place, plan_of(real_place), TO_APPROVED)
    finish_measures(real_place, plan, "staff")
    walk(real_place, plan, "ask_acceptance:head, take_up:checker")
    answers = together([
        firing(real_place, plan, "accept", "checker", conclusion="达到", how_checked="实地核验"),
        firing(real_place, plan, "return_measure", "second checker", reason="第一条反弹", failed=1, how_checked="实地核验"),
    ])  # fmt: skip
    assert kinds(answers) == {"Fired": 1, "Stale": 1}, answers
    open_ones = Measure.objects.filter(rectification=plan).exclude(state="accepted").count()
    assert (again(plan).state, open_ones) in {("accepted", 0), ("in_progress", 1)}


def test_an_order_is_not_claimed_done_while_its_rectification_reopens(real_place: County) -> None:
    """The order's guard reads its rectification: child and parent are moved at once, in both orders of arrival."""
    plan = walk(real_place, plan_of(real_place), TO_APPROVED)
    finish_measures(real_place, plan, "staff")
    walk(real_place, plan, "ask_acceptance:head, take_up:checker")
    order = walk(real_place, plan.order, "prove:staff")
    answers = together([
        firing(real_place, order, "claim_done", "head", closing_report="完成"),
        firing(real_place, plan, "accept", "checker", conclusion="达到", how_checked="实地核验"),
    ])  # fmt: skip
    assert isinstance(answers[1], Fired)
    if isinstance(answers[0], Refused):
        assert [r.code for r in answers[0].reasons] == ["rectified"]
        assert again(order).state == "in_hand"
    else:
        assert again(order).state == "claimed_done"
    assert again(plan).state == "accepted"


def test_numbers_have_no_gap_and_no_double_whoever_signs_at_once_and_whatever_is_rolled_back(
    real_place: County,
) -> None:
    orders = orders_of(real_place, 12)
    act_on_all(real_place, orders, "submit", "drafter")
    calls = [firing(real_place, order, "sign", "leader") for order in orders[:10]]

    def sign_and_fail() -> None:
        from django.db import transaction

        with transaction.atomic():
            firing(real_place, orders[10], "sign", "second leader")()
            raise RuntimeError("after the number was given")

    answers = together([*calls, sign_and_fail])
    assert kinds(answers) == {"Fired": 10, "RuntimeError": 1}, answers
    act(real_place, orders[11], "sign", "leader")
    numbers = SupervisionOrder.objects.exclude(number="").values_list("number", flat=True)
    assert sorted(numbers) == sorted(f"和督〔2026〕{n}号" for n in range(1, 12))
    assert Series.objects.get().last == 11
    assert again(orders[10]).number == ""


def test_the_same_matter_is_not_issued_twice_by_two_who_sign_at_once(real_place: County) -> None:
    orders = [order_of(real_place) for _ in range(2)]
    for order in orders:
        walk(real_place, order, "submit:drafter")
    answers = together([firing(real_place, order, "sign", "leader") for order in orders])
    assert kinds(answers) == {"Fired": 1, "Refused": 1}, answers
    assert Counter(again(order).state for order in orders) == {"issued": 1, "for_signature": 1}


def test_bulk_steps_over_the_same_documents_in_opposite_order_do_not_lock_each_other_out(
    real_place: County,
) -> None:
    orders = orders_of(real_place, 40)
    seen = {order.pk: order.version for order in orders}
    backwards = dict(reversed(seen.items()))
    calls = []
    for who, versions in (
        ("drafter", seen),
        ("checker", backwards),
        ("drafter", backwards),
        ("checker", seen),
    ):
        actor = real_place.actor(who)
        calls.append(lambda actor=actor, versions=versions: fire_many(
            SupervisionOrder, versions, "submit", actor=actor, at=AT + timedelta(minutes=1), request_id=uuid4()))  # fmt: skip
    answers = together(calls)
    assert sum(len(answer.done) for answer in answers) == 40
    assert sum(len(answer.turned_down) for answer in answers) == 120
    assert {type(e) for answer in answers for e in answer.turned_down.values()} == {Stale}
    assert {item_of(order, "order.signature").turn for order in orders} == {1}


def test_parents_and_children_taken_at_once_do_not_lock_each_other_out(real_place: County) -> None:
    plan = walk(real_place, plan_of(real_place), TO_APPROVED)
    measures = list(Measure.objects.filter(rectification=plan))
    for measure in measures:
        walk(real_place, measure, "add_evidence:staff")
    calls = [
        firing(real_place, measure, "claim_done", "staff", done="完成")
        for measure in measures
        for _ in range(3)
    ]
    order = plan.order
    calls += [firing(real_place, order, "feed_back", "head", progress="过半") for _ in range(3)]
    answers = together(calls)
    assert kinds(answers) == {"Fired": 3, "Stale": 6}, answers
    assert {again(m).state for m in measures} == {"claimed"}
    assert again(order).state == "fed_back"

"""整改 (practice B5): a plan with owner and date, approval by the leadership, measures checked one by one, acceptance."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from supervision.rectification.models import Measure, Rectification
from tests.supervision.county import (
    AT,
    TO_APPROVED,
    TO_HAND,
    County,
    act,
    again,
    change,
    measure_of,
    moment,
    order_of,
    owed,
    plan_of,
    walk,
)  # fmt: skip
from workflows.documents import Refused
from workflows.models import Round, Seat, WorkItem

TO_LEADERSHIP = "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker"


def refusal(place: County, document: Any, step: str, who: str, **given: Any) -> list[Any]:
    with pytest.raises(Refused) as refused:
        act(place, document, step, who, **given)
    return [(reason.code, dict(reason.params)) for reason in refused.value.reasons]


def planned(**fields: Any) -> dict[str, Any]:
    return {"problem": "问题", "measure": "措施", "owner": "张三", "due_on": date(2026, 3, 13), **fields}


def test_only_an_order_that_demands_it_opens_a_rectification(place: County) -> None:
    walk(place, order_of(place, title="另一事项"), TO_HAND)
    assert not Rectification.objects.exists()
    plan = plan_of(place)
    assert (plan.title, plan.due_on) == ("和什托洛盖镇供热管网漏损整治整改", date(2026, 3, 16))
    assert owed(plan) == {"rectification.plan": date(2026, 3, 9)}


def test_an_empty_plan_is_not_handed_in(place: County) -> None:
    assert refusal(place, plan_of(place), "hand_in", "staff") == [("has_measures", {})]


def test_every_measure_needs_its_owner_and_its_date(place: County) -> None:
    plan = plan_of(place)
    change(place, plan, "staff", planned=[planned(), planned(owner=""), planned(due_on=None)])
    assert refusal(place, plan, "hand_in", "staff") == [
        ("has_owners", {"count": 1}),
        ("has_dates", {"count": 1}),
    ]


def test_a_measure_that_ends_after_the_order_needs_a_reason(place: County) -> None:
    plan = plan_of(place)
    change(place, plan, "staff", planned=[planned(due_on=date(2026, 3, 17))])
    said = {"last": date(2026, 3, 17), "due": date(2026, 3, 16)}
    assert refusal(place, plan, "hand_in", "staff") == [("ends_with_order", said)]
    change(place, plan, "staff", why_later="管材四月才能到货")
    act(place, plan, "hand_in", "staff")


@pytest.mark.parametrize(("day", "why"), [(1, ["ends_ahead"]), (2, [])])
def test_a_measure_s_date_lies_ahead(place: County, day: int, why: list[str]) -> None:
    plan = plan_of(place)
    change(place, plan, "staff", planned=[planned(), planned(due_on=date(2026, 3, day))])
    if why:
        assert [code for code, _ in refusal(place, plan, "hand_in", "staff")] == why
    else:
        act(place, plan, "hand_in", "staff")


def test_the_day_for_the_plan_runs_until_the_head_has_signed(place: County) -> None:
    plan = walk(place, plan_of(place), "plan_two_measures:staff, hand_in:staff", moment(3, 4))
    assert owed(plan) == {"rectification.plan": date(2026, 3, 9), "rectification.sign": date(2026, 3, 6)}
    walk(place, plan, "send_back:head", moment(3, 5))
    assert owed(plan) == {"rectification.plan": date(2026, 3, 9)}


def test_the_leadership_s_approval_opens_every_measure_with_its_own_date(place: County) -> None:
    plan = plan_of(place)
    change(
        place, plan, "staff", planned=[planned(measure="甲"), planned(measure="乙", due_on=date(2026, 3, 16))]
    )
    plan = walk(
        place,
        plan,
        "hand_in:staff, sign:head, forward:checker, agree:office, agree:leader, agree:second leader",
    )
    assert (plan.state, plan.due_on, owed(plan)) == (
        "in_progress", date(2026, 3, 16), {"rectification.measures": date(2026, 3, 16)},
    )  # fmt: skip
    measures = Measure.objects.filter(rectification=plan).order_by("place")
    assert [(m.place, m.measure, m.owner, m.due_on, m.state) for m in measures] == [
        (1, "甲", "张三", date(2026, 3, 13), "to_do"), (2, "乙", "张三", date(2026, 3, 16), "to_do"),
    ]  # fmt: skip
    assert owed(measures[0]) == {"measure.finish": date(2026, 3, 13)}


def test_a_refusal_by_the_leadership_returns_the_plan_to_the_unit(place: County) -> None:
    plan = walk(place, plan_of(place), f"{TO_LEADERSHIP}, disagree:office")
    assert (plan.state, plan.times_returned, owed(plan)) == (
        "returned",
        1,
        {"rectification.correction": date(2026, 3, 5)},
    )
    assert not Measure.objects.exists()
    plan = walk(place, plan, "hand_in_correction:staff, sign_correction:head, forward:drafter")
    assert plan.state == "for_leadership"
    assert Round.objects.filter(document_id=plan.pk).count() == 2


def test_a_plan_that_is_withdrawn_closes_its_round_with_every_seat(place: County) -> None:
    plan = walk(place, plan_of(place), f"{TO_LEADERSHIP}, agree:office, agree:leader, withdraw_plan:checker")
    assert plan.state == "for_review"
    assert Round.objects.get().finished is not None
    assert not Seat.objects.filter(vote="").exists()
    assert not WorkItem.objects.filter(closed_at=None, seat__isnull=False).exists()


def test_the_acceptance_waits_for_every_measure(place: County) -> None:
    plan = walk(place, plan_of(place), TO_APPROVED)
    assert refusal(place, plan, "ask_acceptance", "head") == [("all_accepted", {"count": 2})]
    walk(
        place,
        Measure.objects.get(place=1),
        "add_evidence:staff, claim_done:staff, take_up:checker, accept:checker",
    )
    assert refusal(place, plan, "ask_acceptance", "head") == [("all_accepted", {"count": 1})]


def test_the_order_waits_for_its_rectification(place: County) -> None:
    plan = plan_of(place)
    order = walk(place, plan.order, "prove:staff")
    assert refusal(place, order, "claim_done", "head") == [("rectified", {})]
    walk(
        place,
        plan,
        f"{TO_APPROVED}, finish_measures:staff, ask_acceptance:head, take_up:checker, accept:checker",
    )
    act(place, order, "claim_done", "head")


def test_a_measure_that_fails_the_acceptance_is_begun_again_and_the_first_attempt_stands(
    place: County,
) -> None:
    plan = walk(
        place, plan_of(place), f"{TO_APPROVED}, finish_measures:staff, ask_acceptance:head, take_up:checker"
    )
    act(place, plan, "return_measure", "checker", moment(3, 4), failed=2)
    plan = again(plan)
    assert (plan.state, plan.failed_measure, plan.times_returned) == ("in_progress", 2, 1)
    first, second = Measure.objects.filter(place=2).order_by("again")
    assert (first.state, second.state, second.again, second.measure) == (
        "accepted",
        "sent_back",
        1,
        first.measure,
    )
    assert owed(second) == {"measure.correction": date(2026, 3, 9)}
    assert refusal(place, plan, "ask_acceptance", "head") == [("all_accepted", {"count": 1})]
    plan = walk(
        place,
        plan,
        "finish_measures:staff, ask_acceptance:head, take_up:checker, accept:checker",
        moment(3, 5),
    )
    assert plan.state == "accepted"


def test_only_a_measure_of_the_plan_can_fail(place: County) -> None:
    plan = walk(
        place, plan_of(place), f"{TO_APPROVED}, finish_measures:staff, ask_acceptance:head, take_up:checker"
    )
    assert refusal(place, plan, "return_measure", "checker", failed=3) == [("given.failed.0", {})]


def test_the_clock_of_the_measures_stands_while_they_are_accepted(place: County) -> None:
    plan = walk(
        place, plan_of(place), f"{TO_APPROVED}, finish_measures:staff, ask_acceptance:head", moment(3, 10)
    )
    assert owed(plan) == {
        "rectification.measures": None,
        "rectification.acceptance_take_up": date(2026, 3, 12),
    }
    plan = walk(place, plan, "take_up:checker", moment(3, 11))
    act(place, plan, "return_measure", "checker", moment(3, 12))
    assert owed(plan) == {
        "rectification.measures": date(2026, 3, 16)
    }  # due on Friday the 13th, two days stood still


def test_a_measure_is_not_claimed_without_evidence(place: County) -> None:
    measure = measure_of(place)
    assert refusal(place, measure, "claim_done", "staff") == [("has_evidence", {})]
    walk(place, measure, "add_evidence:staff, claim_done:staff")
    assert again(measure).done == "已更换阀门三处"


def test_a_measure_that_did_not_pass_is_mended_by_its_own_date(place: County) -> None:
    measure = walk(
        place, measure_of(place), "add_evidence:staff, claim_done:staff, take_up:checker, return_work:checker"
    )
    assert owed(measure) == {"measure.correction": date(2026, 3, 5)}
    measure = walk(place, measure, "claim_done:staff, take_up:drafter, accept:drafter", AT)
    assert (measure.state, measure.times_returned) == ("accepted", 1)

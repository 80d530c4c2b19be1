"""Every document can be carried from its beginning to its end by the people of a county."""

from __future__ import annotations

from supervision.goals.models import Goal
from supervision.rectification.models import Measure
from tests.supervision.county import (
    TO_APPROVED,
    TO_HAND,
    TO_ISSUED,
    County,
    again,
    measure_of,
    moment,
    order_of,
    owed,
    plan_of,
    report_of,
    sheet_of,
    walk,
)  # fmt: skip


def test_a_report_is_filled_in_signed_and_accepted(place: County) -> None:
    report = report_of(place)
    report = walk(place, report, "fill_in:staff, hand_in:staff, sign:head, accept:office", moment(4, 2))
    assert report.state == "accepted"
    assert owed(report) == {}
    assert report.signers == [f"head:{place.people['head'].pk}"]


def test_an_order_is_issued_worked_on_checked_and_closed(place: County) -> None:
    order = walk(
        place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker, close:checker"
    )
    assert (order.state, order.number) == ("closed", "和督〔2026〕1号")
    assert owed(order) == {}


def test_a_rectification_is_planned_approved_done_and_accepted(place: County) -> None:
    plan = walk(
        place,
        plan_of(place),
        f"{TO_APPROVED}, finish_measures:staff, ask_acceptance:head, take_up:checker, accept:checker",
    )
    assert plan.state == "accepted"
    assert {m.state for m in Measure.objects.filter(rectification=plan)} == {"accepted"}
    order = walk(place, plan.order, "prove:staff, claim_done:head, take_up:checker, close:checker")
    assert order.state == "closed"


def test_a_measure_is_done_and_accepted(place: County) -> None:
    measure = walk(
        place, measure_of(place), "add_evidence:staff, claim_done:staff, take_up:checker, accept:checker"
    )
    assert again(measure).state == "accepted"


def test_goals_are_written_reviewed_issued_concluded_and_the_year_is_closed(place: County) -> None:
    sheet = walk(place, sheet_of(place), f"{TO_ISSUED}, goals_concluded:office, close:office")
    assert sheet.state == "closed"
    assert owed(sheet) == {}
    assert [(goal.state, goal.verdict) for goal in Goal.objects.filter(sheet=sheet)] == [("concluded", "met")]

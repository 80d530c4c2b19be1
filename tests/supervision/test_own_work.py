"""Nobody decides on what they drafted, handled or signed: not in another capacity, not by delegation, not after a return."""

from __future__ import annotations

from datetime import date

import pytest

from organisation import changes
from tests.supervision.county import (
    AT,
    TO_HAND,
    County,
    act,
    moment,
    order_of,
    plan_of,
    report_of,
    walk,
)  # fmt: skip
from workflows.documents import Refused


def also(place: County, who: str, role: str, unit: str) -> None:
    """This person holds a second post."""
    changes.appoint(
        person=place.people[who], role=role, unit=place.units[unit], begins=date(2026, 1, 1), by=place.actor("clock"),
        at=moment(1, 1), reason="兼任",
    )  # fmt: skip


def assert_own_work(place: County, document: object, step: str, who: str, at: object = AT) -> None:
    with pytest.raises(Refused) as refused:
        act(place, document, step, who, at)  # type: ignore[arg-type]
    assert [reason.code for reason in refused.value.reasons] == ["own_work"]


def test_who_drafted_the_report_does_not_sign_it_by_delegation(place: County) -> None:
    also(place, "deputy", "unit_staff", "town")
    changes.end_delegation(
        place.posts["head"].delegations.get(), ends=date(2026, 3, 31), by=place.actor("clock"), at=AT, reason="返岗"
    )  # fmt: skip
    changes.delegate(
        place.posts["head"], to=place.people["deputy"], begins=date(2026, 4, 1), ends=date(2026, 4, 30),
        by=place.actor("clock"), at=AT, reason="外出",
    )  # fmt: skip
    at = moment(4, 2)
    report = walk(place, report_of(place), "fill_in:deputy, hand_in:staff", at)
    assert_own_work(place, report, "sign", "deputy", at)
    act(place, report, "sign", "head", at)


def test_who_signed_the_report_does_not_accept_it_in_another_capacity(place: County) -> None:
    also(place, "head", "performance_office", "county")
    also(place, "delegate", "performance_office", "county")
    at = moment(4, 2)
    report = walk(place, report_of(place), "fill_in:staff, hand_in:staff, sign:delegate", at)
    assert_own_work(place, report, "accept", "delegate", at)
    assert_own_work(place, report, "accept", "head", at)  # it was signed in the head's place
    act(place, report, "accept", "office", at)


def test_the_head_may_sign_again_after_a_return_and_still_not_accept(place: County) -> None:
    also(place, "head", "performance_office", "county")
    at = moment(4, 2)
    report = walk(
        place, report_of(place),
        "fill_in:staff, hand_in:staff, sign:head, return_report:office, hand_in_correction:staff, sign_correction:head", at,
    )  # fmt: skip
    assert_own_work(place, report, "accept", "head", at)


def test_a_return_does_not_wash_off_that_one_handled_the_order(place: County) -> None:
    also(place, "colleague", "supervisor", "county")
    order = walk(
        place, order_of(place),
        "submit:drafter, sign:leader, sign_for:head, take_in_hand:colleague, prove:staff, claim_done:head", AT,
    )  # fmt: skip
    assert_own_work(place, order, "take_up", "colleague")
    order = walk(place, order, "take_up:checker, return_work:checker, claim_done:head")
    assert_own_work(place, order, "take_up", "colleague")
    assert_own_work(place, order, "take_up", "drafter")
    act(place, order, "take_up", "checker")


def test_a_return_to_the_draft_does_not_wash_it_off_either(place: County) -> None:
    order = walk(
        place, order_of(place), "submit:drafter, send_back:leader, submit:checker, sign:leader, dispute:head"
    )
    assert_own_work(place, order, "uphold", "drafter")
    assert_own_work(place, order, "uphold", "checker")


def test_adding_evidence_makes_the_matter_ones_own(place: County) -> None:
    also(place, "colleague", "supervisor", "county")
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, add_evidence:colleague, claim_done:head")
    assert_own_work(place, order, "take_up", "colleague")


def test_reading_feedback_neither_bars_from_the_check_nor_is_barred(place: County) -> None:
    order = walk(
        place,
        order_of(place),
        f"{TO_HAND}, feed_back:head, note_feedback:checker, feed_back:head, ask_again:checker",
    )
    order = walk(
        place, order, "feed_back:head, note_feedback:drafter, prove:staff, claim_done:head, take_up:checker"
    )
    assert order.state == "under_check"


def test_who_may_not_conclude_the_check_may_not_take_it_up(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head")
    assert_own_work(place, order, "take_up", "drafter")


def test_one_who_delegates_to_a_handler_gains_nobody_who_may_decide(place: County) -> None:
    delegate = changes.delegate(
        place.posts["checker"], to=place.people["drafter"], begins=date(2026, 1, 1), ends=date(2026, 12, 31),
        by=place.actor("clock"), at=AT, reason="休假",
    )  # fmt: skip
    assert delegate.to == place.people["drafter"]
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head")
    assert_own_work(place, order, "take_up", "drafter")
    act(place, order, "take_up", "checker")


def test_who_planned_the_measures_does_not_review_the_plan(place: County) -> None:
    also(place, "colleague", "supervisor", "county")
    also(place, "head", "supervisor", "county")
    plan = walk(place, plan_of(place), "plan_two_measures:colleague, hand_in:staff, sign:head")
    assert_own_work(place, plan, "forward", "colleague")
    assert_own_work(place, plan, "forward", "head")
    act(place, plan, "forward", "checker")

"""The clocks of a supervision order (practice B3): what runs, what stands still, what moves a date and what never does."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from supervision.orders.models import SupervisionOrder
from tests.supervision.county import AT, TO_HAND, County, act, again, moment, order_of, owed, walk
from workflows.documents import Refused
from workflows.models import WorkItem

DUE = date(2026, 3, 16)


def finish(order: SupervisionOrder) -> WorkItem:
    return WorkItem.objects.get(document_id=order.pk, kind=order.kind(), duty="order.finish")


def test_the_clock_of_the_matter_runs_from_issue_on(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    assert owed(order) == {"order.signature": date(2026, 3, 4)}
    walk(place, order, "sign:leader")
    assert owed(order) == {"order.finish": DUE, "order.receipt": date(2026, 3, 3)}
    walk(place, order, "dispute:head")
    assert owed(order) == {"order.finish": DUE, "order.dispute": date(2026, 3, 4)}
    walk(place, order, "uphold:checker, sign_for:head", moment(3, 5))
    assert owed(order) == {"order.finish": DUE, "order.plan": date(2026, 3, 10)}
    walk(place, order, "take_in_hand:staff", moment(3, 6))
    assert owed(order) == {"order.finish": DUE, "order.feedback": date(2026, 3, 20)}


@pytest.mark.parametrize("asked_at", [AT, moment(3, 16, 23, 59)])
def test_an_extension_is_asked_for_before_the_due_date_ends(place: County, asked_at: datetime) -> None:
    order = walk(place, order_of(place), TO_HAND)
    act(place, order, "ask_extension", "head", asked_at)
    assert again(order).asked_due_on == date(2026, 6, 1)


@pytest.mark.parametrize("asked_at", [moment(3, 17, 0, 0), moment(4, 20)])
def test_asking_late_is_refused_with_the_words_that_it_counts_as_overdue(
    place: County, asked_at: datetime
) -> None:
    order = walk(place, order_of(place), TO_HAND)
    with pytest.raises(Refused) as refused:
        act(place, order, "ask_extension", "head", asked_at)
    (reason,) = refused.value.reasons
    assert (reason.code, reason.params) == ("is_in_time", {"due": DUE})
    assert "逾期申请按逾期论" in reason.text.in_language("zh-hans")
    assert "counts as overdue" in reason.text.in_language("en")


def test_until_an_extension_is_decided_the_old_date_counts_and_a_refusal_keeps_it(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, ask_extension:head")
    assert owed(order) == {"order.finish": DUE, "order.feedback": None, "order.extension": date(2026, 3, 4)}
    walk(place, order, "refuse:leader", moment(3, 4))
    assert owed(order) == {"order.finish": DUE, "order.feedback": date(2026, 3, 18)}
    assert (again(order).due_on, again(order).times_extended) == (DUE, 0)


def test_a_granted_extension_moves_the_date_and_never_overwrites_the_original(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, ask_extension:head")
    act(place, order, "grant", "leader", new_date=date(2026, 4, 17))
    order = again(order)
    assert (order.due_on, order.original_due_on, order.times_extended) == (date(2026, 4, 17), DUE, 1)
    assert (finish(order).due_on, finish(order).original_due_on) == (date(2026, 4, 17), DUE)


@pytest.mark.parametrize("step", ["ask_extension", "grant"])
def test_an_extension_names_a_later_date(place: County, step: str) -> None:
    order = walk(place, order_of(place), TO_HAND)
    if step == "grant":
        order = walk(place, order, "ask_extension:head")
    given = {"ask_extension": "asked_date", "grant": "new_date"}[step]
    with pytest.raises(Refused) as refused:
        act(place, order, step, "head" if step == "ask_extension" else "leader", **{given: DUE})
    assert [reason.code for reason in refused.value.reasons] == [f"given.{given}.0"]


def test_a_date_that_has_passed_is_neither_granted_nor_set_for_a_review(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, ask_extension:head")
    late = moment(4, 20)
    with pytest.raises(Refused) as refused:
        act(place, order, "grant", "leader", late, new_date=date(2026, 4, 20))
    assert [reason.code for reason in refused.value.reasons] == ["given.new_date.1"]
    walk(place, order, "refuse:leader", late)
    with pytest.raises(Refused) as refused:
        act(place, order, "suspend", "leader", late, review_date=date(2026, 4, 20))
    assert [reason.code for reason in refused.value.reasons] == ["given.review_date.0"]


def test_whoever_asked_may_withdraw_and_go_on(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, ask_extension:head, drop_extension:delegate")
    assert (order.state, owed(order)["order.finish"]) == ("in_hand", DUE)


def test_a_suspended_matter_stands_still_until_it_is_resumed(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, suspend:leader", moment(3, 4))
    assert owed(order) == {"order.finish": None, "order.feedback": None, "order.suspension": date(2026, 5, 8)}
    act(place, order, "keep_suspended", "leader", moment(5, 8), review_date=date(2026, 5, 29))
    assert owed(order)["order.suspension"] == date(2026, 5, 29)
    walk(place, order, "resume:leader", moment(5, 15))
    # 72 days stood still: 16 March becomes 27 May
    assert owed(order)["order.finish"] == date(2026, 5, 27)
    assert (again(order).original_due_on, finish(order).original_due_on) == (DUE, DUE)
    with pytest.raises(Refused):
        act(place, order, "ask_extension", "head", moment(5, 18), asked_date=date(2026, 5, 27))


def test_the_claim_stops_the_clock_and_a_return_sets_it_going_again(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head", moment(3, 10))
    assert owed(order) == {"order.finish": None, "order.take_up": date(2026, 3, 12)}
    walk(place, order, "take_up:checker", moment(3, 11))
    assert owed(order) == {"order.finish": None, "order.check": date(2026, 3, 18)}
    walk(place, order, "return_work:checker", moment(3, 12))
    assert owed(order) == {"order.finish": date(2026, 3, 18), "order.feedback": date(2026, 3, 26)}
    assert again(order).times_returned == 1


def test_a_claim_after_the_due_date_is_still_taken(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    walk(place, order, "prove:staff, claim_done:head", moment(4, 20))
    assert again(order).claimed_at == moment(4, 20)


def test_a_leader_s_new_instruction_sets_the_clock_going_again(place: County) -> None:
    order = order_of(place, source="leaders_instruction")
    order = walk(
        place, order, f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker, submit_for_closing:checker"
    )
    assert owed(order) == {"order.finish": None, "order.closing": date(2026, 3, 5)}
    order = walk(place, order, "instruct_again:leader")
    assert (order.state, order.times_returned, owed(order)["order.finish"]) == ("in_hand", 1, DUE)


def test_feedback_is_owed_again_once_it_was_read(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, feed_back:head", moment(3, 6))
    assert owed(order) == {"order.finish": DUE, "order.feedback_reading": date(2026, 3, 10)}
    walk(place, order, "note_feedback:drafter", moment(3, 9))
    assert owed(order) == {"order.finish": DUE, "order.feedback": date(2026, 3, 23)}
    assert (again(order).feedback, again(order).feedback_at) == ("已完成六成", moment(3, 6))

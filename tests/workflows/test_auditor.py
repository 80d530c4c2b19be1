"""The auditor: silent while everything goes its way, and each thing that can be wrong is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from organisation.models import Institution
from supervision.goals.models import GoalSheet
from supervision.orders.models import SupervisionOrder
from supervision.reports.models import QuarterlyReport
from supervision.reports.opening import open_quarterly_reports
from tests.supervision import county as counties
from tests.supervision.county import AT, County, goal_of, moment, order_of, plan_of, report_of, walk
from tests.workflows.clock_ground import DRAFTED, item_of, orders, stage
from workflows import auditor, clockwork, openings, rounds, windows
from workflows.auditor import Fault, audit, find
from workflows.clockwork import tick
from workflows.deadlines import sweep
from workflows.models import Finding, Heartbeat, Round, WorkItem
from workflows.words import Text

DUE_DAY = moment(3, 4)


@pytest.fixture
def place(db: None) -> County:
    return stage()


@pytest.fixture(autouse=True)
def _only_the_engines_own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other rooms have registered is tested by them."""
    monkeypatch.setattr(auditor, "_checks", {})


@contextmanager
def damage() -> Iterator[None]:
    """Something that no door of the engine would do; undone afterwards, before the triggers speak."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def codes(at: Any = AT) -> list[tuple[str, int]]:
    return sorted((fault.code, fault.document_id) for fault in find(at))


def sql(statement: str, *given: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)


# --- Silence ------------------------------------------------------------------------------------------------

ROADS = {
    "order": (
        "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff, feed_back:head, note_feedback:checker, ask_extension:head,"
        "grant:leader, suspend:leader, resume:leader, prove:staff, claim_done:head, take_up:checker, close:checker"
    ),
    "report": (
        "fill_in:staff, hand_in:staff, take_back:staff, hand_in:staff, sign:head, return_report:office, hand_in_correction:staff,"
        "sign_correction:head, accept:office"
    ),
    "plan": (
        "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker, agree:office, agree:leader, agree:second leader,"
        "finish_measures:staff"
    ),
}


@pytest.mark.parametrize("kind", ROADS)
def test_nothing_is_wrong_anywhere_on_the_way(place: County, kind: str) -> None:
    document, at = {
        "order": (lambda: order_of(place), AT),
        "report": (lambda: report_of(place), moment(4, 2)),
        "plan": (lambda: plan_of(place), AT),
    }[kind]
    made = document()
    assert find(at) == []
    for leg in ROADS[kind].split(","):
        made = walk(place, made, leg, at)
        assert find(at) == [], leg
        sweep(at)
        assert find(at) == [], leg


def test_a_swept_and_a_paused_and_an_exhausted_item_are_as_they_should_be(place: County) -> None:
    orders(place, 3)
    order = walk(place, order_of(place), counties.TO_HAND + ", prove:staff, claim_done:head")
    assert item_of(order, "order.finish").paused_at
    for at in (DUE_DAY, moment(3, 5, 0), moment(3, 5), moment(12, 1)):
        sweep(at)
        assert find(at) == []
    assert item_of(order, "order.take_up").next_step_at is None


# --- What can be wrong --------------------------------------------------------------------------------------


def test_an_open_document_that_nobody_owes_anything_on(place: County) -> None:
    order = order_of(place)
    WorkItem.objects.filter(document_id=order.pk).update(closed_at=AT, next_step_at=None)
    assert codes() == [("nobody_owes", order.pk)]


def test_a_document_that_waits_with_its_parent_and_one_whose_parent_has_ended(place: County) -> None:
    goal = goal_of(place, "goal_is_ready:staff")
    assert (goal.state, codes()) == ("ready", [])
    with damage():
        GoalSheet.objects.filter(pk=goal.sheet_id).update(state="closed")
        assert ("left_behind", goal.pk) in codes()


@pytest.mark.parametrize("wrong", [None, moment(12, 31)])
def test_an_item_whose_next_step_is_not_its_ladders(place: County, wrong: Any) -> None:
    order = order_of(place)
    WorkItem.objects.filter(document_id=order.pk).update(next_step_at=wrong)
    assert codes() == [("no_next_step", order.pk)]


def test_a_paused_item_that_would_be_swept(place: County) -> None:
    order = order_of(place)
    WorkItem.objects.filter(document_id=order.pk).update(paused_at=AT)
    assert codes() == [("no_next_step", order.pk)]


def test_an_item_that_does_not_fit_where_the_document_stands(place: County) -> None:
    order = order_of(place)
    WorkItem.objects.filter(document_id=order.pk).update(state="issued")
    assert codes() == [("item_out_of_place", order.pk)]
    WorkItem.objects.filter(document_id=order.pk).update(state="draft", document_id=order.pk + 1000)
    assert codes() == [("item_out_of_place", order.pk + 1000), ("nobody_owes", order.pk)]


def test_an_item_of_a_document_that_has_ended(place: County) -> None:
    order = order_of(place)
    counties.act(place, order, "set_aside", "drafter")
    WorkItem.objects.filter(document_id=order.pk).update(closed_at=None, next_step_at=DUE_DAY)
    assert codes() == [("item_out_of_place", order.pk)]


def test_an_item_about_nothing_that_is_known(place: County) -> None:
    order = order_of(place)
    WorkItem.objects.filter(document_id=order.pk).update(kind="orders.gone")
    assert codes() == [("nobody_owes", order.pk), ("unknown_kind", order.pk)]


def test_a_step_that_was_missed_while_a_sweep_is_alive(place: County) -> None:
    order = order_of(place)
    late = DUE_DAY + timedelta(minutes=5, seconds=1)
    assert codes(late) == []  # no sweep has been heard of: that is an alarm of its own
    clockwork.beat("sweep", late)
    assert codes(late) == [("step_missed", order.pk)]
    assert codes(late - timedelta(seconds=2)) == []
    clockwork.beat("sweep", late, {"catching_up_from": AT.isoformat()})
    assert codes(late) == []


def test_a_frozen_institution_has_missed_nothing_by_the_real_clock(place: County) -> None:
    order = order_of(place)
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=AT)
    clockwork.beat("sweep", moment(6, 1))
    assert codes(moment(6, 1)) == []
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=moment(3, 6))
    assert codes(moment(6, 1)) == [("step_missed", order.pk)]


def test_what_the_sweep_has_set_aside_stays_shown_until_it_is_mended(place: County) -> None:
    order = order_of(place)
    ladder = item_of(order, DRAFTED).ladder
    WorkItem.objects.filter(document_id=order.pk).update(
        ladder=[{**step, "tells": ["nobody"]} for step in ladder]
    )
    sweep(DUE_DAY)
    clockwork.beat("sweep", DUE_DAY)
    [fault] = audit(DUE_DAY)
    assert (fault.code, fault.document_id) == ("set_aside", order.pk)
    assert fault.params["error"].startswith("NoSuchRole")
    WorkItem.objects.filter(document_id=order.pk).update(ladder=ladder)
    sweep(DUE_DAY + timedelta(minutes=1))
    assert audit(DUE_DAY + timedelta(minutes=1)) == []
    assert Finding.objects.count() == 0


def test_a_document_that_stands_where_no_entry_left_it(place: County) -> None:
    order = order_of(place)
    with damage():
        sql("UPDATE orders_supervisionorder SET state = 'issued' WHERE id = %s", order.pk)
        assert codes() == [("entry_differs", order.pk), ("item_out_of_place", order.pk)]
    with damage():
        sql("UPDATE orders_supervisionorder SET ledger_head = 'x' WHERE id = %s", order.pk)
        assert codes() == [("entry_differs", order.pk)]
    with damage():
        sql("UPDATE orders_supervisionorder SET version = version + 1 WHERE id = %s", order.pk)
        assert codes() == [("entry_differs", order.pk), ("version_differs", order.pk)]
    with damage():
        sql("UPDATE orders_supervisionorder SET state = 'nowhere' WHERE id = %s", order.pk)
        assert ("unknown_state", order.pk) in codes()


def test_a_round_that_does_not_fit_its_document(place: County) -> None:
    plan = plan_of(place)
    plan = walk(place, plan, "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker")
    opened = Round.objects.get(finished=None)
    assert codes() == []
    with damage():
        sql("UPDATE workflows_round SET name = 'another' WHERE id = %s", opened.pk)
        assert ("round_out_of_place", plan.pk) in codes()
        assert ("round_step_orphaned", plan.pk) in codes()
    with damage():
        sql("UPDATE workflows_round SET finished = now() WHERE id = %s", opened.pk)
        assert {("round_out_of_place", plan.pk), ("seat_without_item", plan.pk)} <= set(codes())
    with damage():
        WorkItem.objects.filter(seat__isnull=False).update(closed_at=AT)
        assert {("nobody_owes", plan.pk), ("seat_without_item", plan.pk)} <= set(codes())
    rounds.withdraw(plan, at=AT, by="test")
    assert ("nobody_owes", plan.pk) in codes()


def test_a_seat_whose_post_has_ended(place: County) -> None:
    from organisation import changes

    plan = plan_of(place)
    walk(place, plan, "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker, agree:office")
    day = moment(3, 3).date()
    changes.end_post(
        place.posts["second leader"], ends=day, by=place.actor("clock"), at=moment(3, 3), reason="调离"
    )
    assert codes(moment(3, 3, 20)) == []
    assert codes(moment(3, 4, 0)) == [("no_eligible_person", plan.pk)]


def test_a_table_whose_triggers_are_switched_off(place: County) -> None:
    with damage():
        sql("SET CONSTRAINTS ALL IMMEDIATE")
        sql("ALTER TABLE orders_supervisionorder DISABLE TRIGGER moved_with_entry")
        assert [(fault.kind, fault.code) for fault in find(AT)] == [
            ("orders.supervisionorder", "unprotected")
        ]


def test_a_clock_that_went_back(place: County) -> None:
    clockwork.beat("worker", AT + timedelta(hours=1))
    assert codes() == [("clock_went_back", 0)]


def test_other_rooms_bring_their_own_checks(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditor, "FAULT_WORDS", dict(auditor.FAULT_WORDS))
    lost = [Fault("notifications.delivery", 7, "lease_lost_in_test", {"since": "09:00"})]
    auditor.register_check("lease_lost_in_test", Text("租约过期", "a lease expired"), lambda at: lost)
    assert audit(AT) == lost
    assert Finding.objects.get(kind="notifications.delivery").params == {"since": "09:00"}
    lost.clear()
    assert audit(AT) == []
    assert Finding.objects.count() == 0


# --- Writing it down ----------------------------------------------------------------------------------------


def test_findings_keep_their_first_instant_and_go_when_they_are_gone(place: County) -> None:
    order = order_of(place)
    due = item_of(order, DRAFTED).next_step_at
    WorkItem.objects.filter(document_id=order.pk).update(next_step_at=None)
    audit(AT)
    audit(AT + timedelta(minutes=5))
    finding = Finding.objects.get()
    assert (finding.kind, finding.document_id, finding.code, finding.found_at) == (
        order.kind(),
        order.pk,
        "no_next_step",
        AT,
    )
    beat = Heartbeat.objects.get(component="audit")
    assert (beat.at, beat.detail["faults"], beat.detail["codes"]) == (
        AT + timedelta(minutes=5),
        1,
        {"no_next_step": 1},
    )
    WorkItem.objects.filter(document_id=order.pk).update(next_step_at=due)
    audit(AT + timedelta(minutes=10))
    assert Finding.objects.count() == 0
    assert Heartbeat.objects.get(component="audit").detail["faults"] == 0


def test_findings_of_others_are_left_and_counted(place: County) -> None:
    Finding.objects.create(
        kind="organisation.institution", document_id=1, code="opening_failed:x", found_at=AT
    )
    audit(AT)
    assert Heartbeat.objects.get(component="audit").detail["faults"] == 1


def test_a_great_many_are_looked_at_in_turn(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """In windows of four every document is seen once in three looks; what one look found another does not remove."""
    made = orders(place, 9)
    WorkItem.objects.update(next_step_at=None)
    monkeypatch.setattr(windows, "WIDTH", 4)
    found = []
    for minute in range(3):
        found += auditor.audit_in_turn(AT + timedelta(minutes=minute))
        assert Heartbeat.objects.get(component="audit").detail["whole"] is False
    assert sorted(fault.document_id for fault in found) == [order.pk for order in made]
    assert Finding.objects.filter(code="no_next_step").count() == 9
    WorkItem.objects.update(closed_at=AT)
    auditor.audit_in_turn(AT)
    assert 0 < Finding.objects.filter(code="no_next_step").count() < 9
    audit(AT)
    assert set(Finding.objects.values_list("code", flat=True)) == {"nobody_owes"}


def test_the_outermost_windows_see_what_points_at_no_document(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = orders(place, 3)
    monkeypatch.setattr(windows, "WIDTH", 2)
    for nowhere in (made[0].pk - 1, made[-1].pk + 100):
        with damage():
            WorkItem.objects.filter(document_id=made[0].pk).update(document_id=nowhere)
            seen = {
                f.document_id
                for turn in range(2)
                for f in find(AT, windows.in_turn(turn))
                if f.code == "item_out_of_place"
            }
            assert seen == {nowhere}


def test_the_same_thing_wrong_a_thousand_times_is_told_five_hundred_times(place: County) -> None:
    orders(place, 600)
    WorkItem.objects.update(next_step_at=None)
    assert len(find(AT)) == auditor.MOST_OF_EACH == 500


def test_it_writes_nothing_but_what_it_found(place: County) -> None:
    from django.test.utils import CaptureQueriesContext

    orders(place, 5)
    report_of(place)
    with CaptureQueriesContext(connection) as queries:
        find(AT)
    assert [q["sql"] for q in queries if not q["sql"].strip().upper().startswith(("SELECT", "WITH"))] == []


def test_every_code_has_words_in_both_languages() -> None:
    for code, words in auditor.FAULT_WORDS.items():
        assert words.zh, code
        assert words.en, code
        assert words.zh != words.en


def test_after_two_months_of_the_clock_alone_nothing_is_wrong(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Day by day: reminders, lamps, escalations, a new quarter, and orders for its late reports."""
    monkeypatch.setattr(openings, "_openings", {"reports.quarterly": open_quarterly_reports})
    order_of(place)
    for day in range(62):
        at = AT + timedelta(days=day)
        assert tick(at).halted == ""
        assert find(at) == [], at
    assert QuarterlyReport.objects.count() == 2
    assert SupervisionOrder.objects.filter(source="late_report").count() == 2


# --- The command --------------------------------------------------------------------------------------------


def test_the_command_tells_and_its_status_says_whether(place: County) -> None:
    order = order_of(place, at=moment(11, 20))
    Institution.objects.update(frozen_at=moment(11, 20))
    out = StringIO()
    call_command("audit", stdout=out)
    assert len(out.getvalue().splitlines()) == 1
    WorkItem.objects.filter(document_id=order.pk).update(next_step_at=None)
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("audit", "--json", stdout=out)
    assert refused.value.returncode == 1
    [row] = json.loads(out.getvalue())
    assert (row["code"], row["kind"], row["id"], row["duty"]) == (
        "no_next_step",
        order.kind(),
        order.pk,
        DRAFTED,
    )

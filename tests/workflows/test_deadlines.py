"""The sweep on real documents: what is due is taken once, at its true instant, whatever happens around it."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from organisation import changes
from organisation.actors import clock_of
from organisation.models import Institution, Person, Post
from supervision.orders import late_reports
from supervision.orders.models import SupervisionOrder
from supervision.reports.models import QuarterlyReport
from supervision.schemes.rulebooks import SchemeBook
from tests.supervision import county as counties
from tests.supervision.county import AT, County, act, moment, order_of, report_of, walk
from tests.workflows.clock_ground import (
    DRAFTED,
    everything,
    in_threads,
    item_of,
    orders,
    run,
    stage,
    steps_of,
    told,
)
from workflows import deadline_writing, effects, worklist
from workflows.deadlines import sweep
from workflows.documents import Refused
from workflows.models import Finding, Notice, WorkItem
from workflows.setting_aside import retry
from workflows.statements import rows_of, value_of
from workflows.verification import verify

DUE_DAY = moment(3, 4)  # 09:00 on the day the draft is due: "due_today"
OVERDUE = moment(3, 5, 0)
URGED = moment(3, 5, 9)
ESCALATED = moment(3, 9, 9)


@pytest.fixture
def place(db: None) -> County:
    return stage()


@pytest.fixture
def committed(committed_db: Any) -> County:
    return stage()


# --- A step -------------------------------------------------------------------------------------------------


def test_a_step_is_taken_at_its_instant_and_once(place: County) -> None:
    order = order_of(place)
    assert sweep(DUE_DAY - timedelta(seconds=1)).steps == 0
    assert sweep(DUE_DAY).steps == 1
    assert sweep(DUE_DAY).steps == 0
    item = item_of(order, DRAFTED)
    assert (item.lamp, item.ladder_at, item.next_step_at) == ("yellow", 1, OVERDUE)
    assert steps_of(order) == [("due_today", DUE_DAY, DUE_DAY)]
    assert told(order) == [("checker", "ladder:due_today"), ("drafter", "ladder:due_today")]
    assert Notice.objects.get(code="ladder:due_today", person=place.people["drafter"]).params == {
        "due_on": "2026-03-04",
        "duty": DRAFTED,
    }


def test_each_step_says_in_the_ledger_what_it_was(place: County) -> None:
    from workflows.models import Payload

    order = order_of(place)
    sweep(URGED)
    contents = [
        json.loads(bytes(p.content)) for p in Payload.objects.filter(kind=order.kind()).order_by("sequence")
    ]
    urge = contents[-1]
    assert (urge["actor"], urge["duty"], urge["turn"], urge["step"]) == ("clock", DRAFTED, 1, "urge")
    assert (urge["due_on"], urge["lamp"], urge["tells"], urge["action"]) == (
        "2026-03-04",
        None,
        ["owner"],
        None,
    )
    assert verify().clean


def test_the_ladder_tells_each_role_of_the_highest_step_that_tells_it(place: County) -> None:
    """A week missed: the office is told of the last step that tells it, the leaders only of theirs."""
    order = order_of(place)
    sweep(ESCALATED + timedelta(days=7))
    assert told(order) == [
        ("leader", "ladder:escalate"),
        ("second leader", "ladder:escalate"),
        ("checker", "ladder:urge"),
        ("drafter", "ladder:urge"),
    ]
    assert item_of(order, DRAFTED).next_step_at is None


def test_a_claimed_item_is_its_claimants_while_they_hold_the_post(place: County) -> None:
    order = order_of(place)
    item = item_of(order, DRAFTED)
    worklist.claim(item.pk, actor=place.actor("checker"), at=AT)
    sweep(DUE_DAY)
    assert told(order) == [("checker", "ladder:due_today")]
    changes.end_post(
        place.posts["checker"], ends=date(2026, 3, 4), by=place.actor("clock"), at=DUE_DAY, reason="调离"
    )
    sweep(OVERDUE)
    assert told(order, "drafter") == [("drafter", "ladder:overdue")]
    assert told(order, "checker") == [("checker", "ladder:due_today")]


def test_every_seat_of_a_round_is_reminded_by_its_own_post(place: County) -> None:
    plan = counties.plan_of(place)
    walk(place, plan, "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker, agree:office")
    seats = WorkItem.objects.filter(seat__isnull=False, closed_at=None)
    assert seats.count() == 2
    assert seats.first().next_step_at  # type: ignore[union-attr]
    sweep(seats.first().next_step_at)  # type: ignore[union-attr]
    assert [name for name, code in told(plan) if code.startswith("ladder:")] == ["leader", "second leader"]


def test_reminders_that_are_not_urgent_keep_their_distance(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scheme's `urge_minimum_interval` of two working days spares the office the second, not the urgent third."""
    number = SchemeBook.number
    monkeypatch.setattr(
        SchemeBook, "number", lambda book, key: 2 if key == "urge_minimum_interval" else number(book, key)
    )
    order = order_of(place)
    for at in (DUE_DAY, OVERDUE, URGED):
        sweep(at)
    assert [code for _, code in told(order, "drafter")] == ["ladder:due_today", "ladder:urge"]
    assert [key for key, _, _ in steps_of(order)] == ["due_today", "overdue", "urge"]


# --- What it costs ------------------------------------------------------------------------------------------


def test_nothing_due_is_one_probe_of_the_index(place: County, django_assert_num_queries: Any) -> None:
    orders(place, 3000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflows_workitem")
        with django_assert_num_queries(1):
            assert sweep(AT).steps == 0
        given = {"at": AT, "limit": 1000, "institution": None, "without": []}
        cursor.execute("EXPLAIN (ANALYZE, COSTS OFF) " + deadline_writing.DUE, given)
        plan = [line.strip() for (line,) in cursor.fetchall() if "never executed" not in line]
    assert [line for line in plan if "Index Scan using due_to_step" in line]
    assert [line for line in plan if "Seq Scan on workflows_workitem" in line] == []


def test_how_many_hold_an_office_costs_the_items_of_one_of_them_nothing(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred in an office, one of whom has claimed its fifty items: the staff are read once, not once an item."""
    persons = Person.objects.bulk_create(
        Person(username=f"holder{n}", name=f"同事{n}", institution=place.institution) for n in range(200)
    )
    office = place.posts["drafter"]
    Post.objects.bulk_create(
        Post(institution=place.institution, person=person, role=office.role, unit=office.unit, begins=office.begins)
        for person in persons
    )  # fmt: skip
    orders(place, 50)
    WorkItem.objects.update(claimed_by=persons[0], claimed_at=AT)
    sent: list[tuple[str, Any]] = []

    def sending(sql: str, given: Any) -> Any:
        sent.append((sql, given))
        return value_of(sql, given)

    monkeypatch.setattr(deadline_writing, "value_of", sending)
    sweep(DUE_DAY)
    told_each = Notice.objects.filter(code="ladder:due_today")
    assert [told_each.filter(person=persons[0]).count(), told_each.count()] == [50, 50]
    [(sql, given)] = [(sql, given) for sql, given in sent if "workflows_notice" in sql]
    plan = "\n".join(line for (line,) in rows_of(f"EXPLAIN (ANALYZE, TIMING OFF) {sql}", given))
    read = re.findall(r"organisation_post.*actual rows=([\d.]+) loops=(\d+)", plan)
    assert read
    assert sum(float(rows) * int(loops) for rows, loops in read) < 1000, plan


def test_ten_thousand_due_at_one_second_cost_ten_batches_of_statements(place: County) -> None:
    """Eight statements a batch of a thousand, one for each version of a scheme, and one to see that nothing is left."""
    made = orders(place, 10_000)
    with CaptureQueriesContext(connection) as queries:
        swept = sweep(DUE_DAY, budget=300)
    assert (swept.documents, swept.steps, swept.held, swept.set_aside) == (10_000, 10_000, 0, 0)
    assert len(queries) <= 10 * 8 + 2
    assert Notice.objects.filter(code="ladder:due_today").count() == 20_000
    assert WorkItem.objects.filter(lamp="yellow", ladder_at=1).count() == 10_000
    assert steps_of(made[0]) == steps_of(made[-1]) == [("due_today", DUE_DAY, DUE_DAY)]


def test_a_stream_that_is_always_due_lets_go_after_its_budget(place: County) -> None:
    orders(place, 20)
    swept = sweep(DUE_DAY, batch=5, budget=0.0)
    assert (swept.unfinished, swept.documents) == (True, 5)
    assert sweep(DUE_DAY).documents == 15


def test_a_busy_institution_does_not_keep_another_waiting(place: County) -> None:
    many = orders(place, 30)
    elsewhere = orders(place, 1, at=AT + timedelta(minutes=1))[0]
    other = Institution.objects.get(slug="elsewhere")
    WorkItem.objects.filter(document_id=elsewhere.pk, kind=elsewhere.kind()).update(institution=other)
    first = deadline_writing.due_items(OVERDUE, 2, institution_id=None, without=())
    assert [due.document_id for due in first] == [many[0].pk, elsewhere.pk]


# --- Late, and after a silence ------------------------------------------------------------------------------


def test_a_week_without_workers_is_recorded_at_its_true_instants(place: County) -> None:
    order, service = order_of(place), moment(3, 12, 15)
    sweep(service)
    assert steps_of(order) == [
        ("due_today", DUE_DAY, service),
        ("overdue", OVERDUE, service),
        ("urge", URGED, service),
        ("escalate", ESCALATED, service),
    ]
    assert len(told(order, "drafter")) == 1
    assert Notice.objects.get(code="ladder:urge", person=place.people["drafter"]).params["missed"] == 4
    assert verify().clean


def test_what_a_missed_step_opens_runs_from_actual_service(place: County) -> None:
    """The report was due on 10 April; the order for it is drafted when the workers are back, and is not born overdue."""
    report_of(place)
    service = moment(5, 11, 14)
    assert sweep(service).actions == 2
    order = SupervisionOrder.objects.get(unit=place.units["town"])
    item = item_of(order, DRAFTED)
    assert item.opened_at == service
    assert item.due_at > service
    assert item.lamp == "green"
    assert order.due_on
    assert order.due_on > service.date()


def test_an_outage_is_told_in_one_notice_a_person(place: County) -> None:
    """Five documents in batches of two: one notice for each person, which names all five."""
    made = orders(place, 5)
    swept = sweep(moment(3, 20), batch=2, alive_at=AT)
    assert swept.steps == 20
    notices = {
        notice.person.name: notice for notice in Notice.objects.filter(code="outage").select_related("person")
    }
    assert set(notices) == {"drafter", "checker", "leader", "second leader"}
    assert Notice.objects.filter(code__startswith="ladder:").count() == 0
    params = notices["drafter"].params
    assert params["count"] == 5
    assert {line["document_id"] for line in params["items"]} == {order.pk for order in made}
    assert {line["code"] for line in params["items"]} == {"ladder:urge"}
    assert notices["leader"].urgent
    assert (params["from"], params["to"]) == (AT.astimezone(UTC).isoformat(), "2026-03-20T01:00:00+00:00")


def test_a_short_silence_is_no_outage(place: County) -> None:
    order = order_of(place)
    sweep(DUE_DAY, alive_at=DUE_DAY - timedelta(minutes=59))
    assert told(order, "drafter") == [("drafter", "ladder:due_today")]


# --- What people do meanwhile -------------------------------------------------------------------------------


def test_a_decision_between_picking_and_locking_wins(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """The item was picked as due; before its row is locked the draft is submitted: no step is taken."""
    order, other = orders(place, 2)
    counties.change(
        place,
        order,
        "drafter",
        criteria=[{"text": "达标"}],
        source="meeting",
        authority="县政府",
        clause="一",
    )
    picked = deadline_writing.due_items(OVERDUE, 10, institution_id=None, without=())
    assert len(picked) == 2
    act(place, order, "submit", "drafter", OVERDUE)
    rounds_of_picks = iter([picked])
    monkeypatch.setattr(deadline_writing, "due_items", lambda *a, **k: next(rounds_of_picks, []))
    sweep(OVERDUE)
    assert steps_of(order) == []
    assert len(steps_of(other)) == 2


def test_the_ladder_stops_when_the_document_closes(place: County) -> None:
    order = order_of(place)
    sweep(DUE_DAY)
    act(place, order, "set_aside", "drafter", DUE_DAY)
    assert sweep(moment(6, 1)).steps == 0
    assert WorkItem.objects.filter(document_id=order.pk, closed_at=None).count() == 0


def test_a_second_turn_after_a_return_is_told_again(place: County) -> None:
    """A report comes back twice: both corrections are reminded of, each under its own turn."""
    report = report_of(place)
    report = walk(
        place, report, "fill_in:staff, hand_in:staff, sign:head, return_report:office", moment(4, 2)
    )
    first = item_of(report, "report.correction")
    sweep(first.due_at - timedelta(hours=8))
    report = walk(
        place, report, "hand_in_correction:staff, sign_correction:head, return_report:office", moment(4, 8)
    )
    second = item_of(report, "report.correction")
    assert (first.turn, second.turn) == (1, 2)
    assert first.pk != second.pk
    sweep(second.due_at - timedelta(hours=8))
    reminded = [c for n, c in told(report, "staff") if c == "ladder:due_today"]
    assert len(reminded) == 2


def test_a_paused_clock_is_not_swept_and_goes_on_where_it_stood(place: County) -> None:
    """Due on 16 March; reminded on the 9th, claimed done on the 10th, returned on the 12th: the lamp is the new date's."""
    order = walk(place, order_of(place), counties.TO_HAND)
    sweep(moment(3, 9, 9))
    assert [key for key, _, _ in steps_of(order)] == ["remind"]
    walk(place, order, "prove:staff, claim_done:head", moment(3, 10))
    item = item_of(order, "order.finish")
    assert item.paused_at
    assert item.next_step_at is None
    sweep(moment(3, 11, 9))
    assert [key for key, _, _ in steps_of(order)] == ["remind"]
    walk(place, order, "take_up:checker, return_work:checker", moment(3, 12))
    item = item_of(order, "order.finish")
    assert item.paused_at is None
    assert item.due_on == date(2026, 3, 18)
    before = [key for key, _, _ in steps_of(order)]
    sweep(moment(3, 12, 23))
    assert [key for key, _, _ in steps_of(order)].count("remind") == before.count("remind")


def test_an_extension_sends_nobody_the_steps_it_left_behind(place: County) -> None:
    order = walk(place, order_of(place), counties.TO_HAND)
    sweep(moment(3, 13, 9))
    assert item_of(order, "order.finish").lamp == "yellow"
    walk(place, order, "ask_extension:head", moment(3, 13, 10))
    act(place, order, "grant", "leader", moment(3, 13, 11), new_date=date(2026, 3, 18))
    item = item_of(order, "order.finish")
    assert item.due_on == date(2026, 3, 18)
    assert item.original_due_on == date(2026, 3, 16)
    taken = len([key for key, _, _ in steps_of(order) if key in ("remind", "near")])
    sweep(moment(3, 13, 12))
    assert len([key for key, _, _ in steps_of(order) if key in ("remind", "near")]) == taken
    assert item_of(order, "order.finish").lamp == "yellow"  # less than three working days are left
    sweep(moment(3, 18, 9))
    assert [key for key, _, _ in steps_of(order)][-1] == "due_today"


# --- Clocks that stand --------------------------------------------------------------------------------------


def test_a_frozen_institution_is_swept_by_its_own_clock(place: County) -> None:
    order = order_of(place)
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=DUE_DAY)
    sweep(moment(9, 1))
    assert steps_of(order) == [("due_today", DUE_DAY, DUE_DAY)]
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=OVERDUE)
    sweep(moment(9, 1))
    assert steps_of(order)[1:] == [("overdue", OVERDUE, OVERDUE)]


# --- What raises --------------------------------------------------------------------------------------------


def _spoil(order: Any, **wrong: Any) -> None:
    """Make an item's ladder one that nobody can climb."""
    item = item_of(order, DRAFTED)
    WorkItem.objects.filter(pk=item.pk).update(ladder=[{**step, **wrong} for step in item.ladder])


def test_one_that_raises_is_set_aside_and_the_others_go_on(place: County) -> None:
    made = orders(place, 50)
    _spoil(made[17], tells=["nobody"])
    swept = sweep(DUE_DAY)
    assert (swept.documents, swept.set_aside) == (49, 1)
    item = item_of(made[17], DRAFTED)
    assert (item.attempts, item.ladder_at, item.retry_at) == (1, 0, DUE_DAY + timedelta(seconds=30))
    assert item.last_error.startswith("NoSuchRole: the ladder of order.draft tells 'nobody'")
    finding = Finding.objects.get(code="set_aside")
    assert (finding.document_id, finding.params["attempts"]) == (made[17].pk, 1)


def test_one_that_the_database_refuses_is_found_by_halving(place: County) -> None:
    """Its entry does not fit the column: the statement of the whole batch fails, and only this document stays behind."""
    made = orders(place, 37)
    _spoil(made[5], key="k" * 90)
    swept = sweep(DUE_DAY)
    assert (swept.documents, swept.set_aside) == (36, 1)
    assert item_of(made[5], DRAFTED).last_error.startswith("DataError")
    assert all(len(steps_of(order)) == 1 for order in made if order != made[5])
    assert verify().clean


def test_it_is_tried_again_after_a_growing_while_and_forgotten_when_it_succeeds(place: County) -> None:
    order = order_of(place)
    ladder = item_of(order, DRAFTED).ladder
    _spoil(order, tells=["nobody"])
    at, waits = DUE_DAY, []
    for _ in range(12):
        sweep(at)
        item = item_of(order, DRAFTED)
        assert item.retry_at
        assert sweep(item.retry_at - timedelta(seconds=1)).set_aside == 0
        waits.append((item.retry_at - at).total_seconds())
        at = item.retry_at
    assert waits[:4] == [30.0, 60.0, 120.0, 240.0]
    assert max(waits) == waits[-1] == 6 * 3600.0
    WorkItem.objects.filter(pk=item_of(order, DRAFTED).pk).update(ladder=ladder)
    sweep(at)
    item = item_of(order, DRAFTED)
    assert (item.attempts, item.retry_at, item.last_error) == (0, None, "")
    assert Finding.objects.count() == 0
    assert steps_of(order)[0] == ("due_today", DUE_DAY, at)


def test_an_operator_has_it_tried_again_at_once(place: County) -> None:
    order = order_of(place)
    item = item_of(order, DRAFTED)
    _spoil(order, tells=["nobody"])
    sweep(DUE_DAY)
    assert not retry(item.pk, institution_id=place.institution.pk + 1)
    WorkItem.objects.filter(pk=item.pk).update(ladder=item.ladder)
    assert sweep(DUE_DAY).steps == 0
    assert retry(item.pk, institution_id=place.institution.pk)
    assert sweep(DUE_DAY).steps == 1
    assert not retry(item.pk, institution_id=place.institution.pk)


def test_an_action_that_raises_undoes_its_own_document_only(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, bureau = report_of(place), report_of(place, "bureau")
    real = late_reports.open_for_late_report

    def fails_for_the_bureau(report: Any, actor: Any, at: datetime) -> None:
        real(report, actor, at)
        if report.pk == bureau.pk:
            raise Refused()

    monkeypatch.setitem(effects._causes, late_reports.LATE_REPORT, fails_for_the_bureau)
    swept = sweep(moment(4, 20))
    assert (swept.actions, swept.set_aside) == (1, 1)
    assert [order.report_id for order in SupervisionOrder.objects.all()] == [town.pk]
    assert steps_of(bureau) == []
    assert len(steps_of(town)) == 5


def test_an_unknown_kind_is_set_aside(place: County) -> None:
    order = order_of(place)
    WorkItem.objects.filter(pk=item_of(order, DRAFTED).pk).update(kind="orders.gone")
    assert sweep(DUE_DAY).set_aside == 1
    assert Finding.objects.get().kind == "orders.gone"


def test_an_action_sees_the_document_as_the_steps_before_it_left_it(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An action that closes its document ends the ladder: the steps after it are not taken."""
    order = order_of(place)
    item = item_of(order, DRAFTED)
    ladder = [{**step, "action": "close.it" if step["key"] == "overdue" else None} for step in item.ladder]
    WorkItem.objects.filter(pk=item.pk).update(ladder=ladder)

    def close(document: Any, actor: Any, at: datetime) -> None:
        assert [key for key, _, _ in steps_of(document)] == ["due_today", "overdue"]
        assert actor == clock_of(place.institution.pk)
        act(place, document, "set_aside", "drafter", at)

    monkeypatch.setitem(effects._causes, "close.it", close)
    assert sweep(moment(4, 1)).steps == 2
    assert [key for key, _, _ in steps_of(order)] == ["due_today", "overdue"]
    assert verify().clean


# --- At once, and killed ------------------------------------------------------------------------------------


def test_two_sweepers_take_each_step_once(committed: County) -> None:
    orders(committed, 120)
    report_of(committed)
    both = in_threads(*[lambda: sweep(moment(5, 11), batch=7) for _ in range(2)])
    while (rest := sweep(moment(5, 11))).steps:
        both = [*both, rest]
    # 120 drafts of four steps, two reports of five, each of which opens an order.
    assert sum(swept.steps for swept in both) == 120 * 4 + 2 * 5
    assert SupervisionOrder.objects.filter(source="late_report").count() == 2
    for report in QuarterlyReport.objects.all():
        assert [key for key, _, _ in steps_of(report)] == ["remind", "due_today", "overdue", "urge", "order"]
    keys = list(
        Notice.objects.filter(code__startswith="ladder:").values_list("kind", "document_id", "person")
    )
    assert len(keys) == len(set(keys)) == 120 * 4 + 5 + 3 + 2 + 3
    assert verify().clean


def test_what_somebody_holds_is_left_and_taken_the_next_time(committed: County) -> None:
    held, free = orders(committed, 2)
    with transaction.atomic():
        SupervisionOrder.objects.select_for_update().get(pk=held.pk)
        [swept] = in_threads(lambda: sweep(DUE_DAY))
        assert (swept.documents, swept.held) == (1, 1)
    assert steps_of(held) == []
    assert len(steps_of(free)) == 1
    assert sweep(DUE_DAY).documents == 1


def test_a_child_is_left_while_somebody_holds_its_parent(committed: County) -> None:
    plan = counties.plan_of(committed)
    due = item_of(plan, "rectification.plan").next_step_at
    assert due
    with transaction.atomic():
        SupervisionOrder.objects.select_for_update().get(pk=plan.order_id)
        [swept] = in_threads(lambda: sweep(due))
        assert swept.held == 2  # the order itself, of which something is due too, and its plan
        assert steps_of(plan) == []
    sweep(due)
    assert len(steps_of(plan)) == 1


@pytest.mark.parametrize("failpoint", ["sweep.locked", "sweep.written", "sweep.acted"])
def test_a_killed_sweeper_leaves_nothing_half_done(
    committed: County, committed_db: Any, failpoint: str
) -> None:
    orders(committed, 5)
    report_of(committed)
    at = moment(5, 11)
    before = everything()
    killed = run(committed_db.environment, "sweep", "--at", at.isoformat(), failpoint=failpoint)
    assert killed.returncode == 137, killed.stderr
    halfway = everything()
    if failpoint != "sweep.acted":  # what falls due together is taken first, and committed
        assert halfway == before
    done = run(committed_db.environment, "sweep", "--at", at.isoformat(), "--json")
    assert done.returncode == 0, done.stderr
    assert SupervisionOrder.objects.filter(source="late_report").count() == 2
    assert all(len(steps_of(report)) == 5 for report in QuarterlyReport.objects.all())
    assert all(len(steps_of(order)) == 4 for order in SupervisionOrder.objects.exclude(source="late_report"))
    after = everything()
    assert sweep(at).steps == 0
    assert everything() == after
    assert verify().clean


def test_one_that_kills_every_sweeper_waits_longer_each_time(committed: County, committed_db: Any) -> None:
    """Attempts are counted before they are made, each when its turn comes: those behind it have not been tried."""
    killer, behind = report_of(committed), report_of(committed, "bureau")
    assert killer.pk < behind.pk
    at = moment(4, 20)
    for died in (1, 2, 3):
        killed = run(committed_db.environment, "sweep", "--at", at.isoformat(), failpoint="sweep.acted")
        assert killed.returncode == 137, killed.stderr
        item = item_of(killer, "quarterly_report")
        assert (item.attempts, bool(item.retry_at)) == (died, died == 3)
        assert item_of(behind, "quarterly_report").attempts == 0
    swept = sweep(at)
    assert (swept.documents, swept.actions) == (1, 1), "the report behind it goes on, and opens its order"
    assert [bool(steps_of(report)) for report in (killer, behind)] == [False, True]

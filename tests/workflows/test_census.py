"""The census is what the items say: at once, whatever is folded in, whoever is killed, and after a rebuild."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import EmptyResultSet
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction

from organisation.models import Institution
from supervision.orders.models import SupervisionOrder
from tests.supervision import county as counties
from tests.supervision.county import (
    CAST,
    County,
    act,
    change_of,
    measure_of,
    moment,
    order_of,
    report_of,
    walk,
)
from tests.workflows.clock_ground import in_threads, orders
from tests.workflows.ground import behind_its_back, run_sql
from workflows import auditor, census, tasks
from workflows.census import close_days, days_counted, differences, fold, recount
from workflows.deadlines import sweep
from workflows.documents import document_kinds
from workflows.models import Census, CensusChange, CensusOfDay, CensusOfDue, Finding, WorkItem
from workflows.scope import oversees

KIND = "orders.supervisionorder"
OVERDUE = moment(3, 5, 0)


def standing() -> Counter[tuple[str, int, int]]:
    """What census and changes say together: (status, level, year) -> items, without what is nought."""
    found: Counter[tuple[str, int, int]] = Counter()
    for model in (Census, CensusChange):
        for status, level, year, n in model.objects.values_list("status", "level", "year", "n"):
            found[status, level, year] += n
    return Counter({key: n for key, n in found.items() if n})


# --- What is counted ----------------------------------------------------------------------------------------


def test_an_item_is_counted_by_lamp_level_and_closing(place: County) -> None:
    order = order_of(place)
    assert standing() == {("green", 0, 0): 1}
    sweep(moment(3, 4, 9))
    assert standing() == {("yellow", 0, 0): 1}
    sweep(OVERDUE)
    [red] = standing()
    assert (red[0], red[2]) == ("red", 0)
    sweep(moment(3, 9, 9))
    assert standing() == {("red", WorkItem.objects.get().level, 0): 1}
    assert WorkItem.objects.get().level > red[1]
    act(place, order, "submit", "drafter", moment(3, 9, 10))
    assert standing() == {("late", 0, 2026): 1, ("green", 0, 0): 1}
    act(place, order, "sign", "leader", moment(3, 9, 11))
    assert standing() == {("late", 0, 2026): 1, ("in_time", 0, 2026): 1, ("green", 0, 0): 2}


def test_what_is_paused_is_not_counted(place: County) -> None:
    order = walk(place, order_of(place), counties.TO_HAND)
    before = standing()
    act(place, order, "suspend", "leader", moment(3, 3), review_date=date(2026, 4, 20))
    paused = WorkItem.objects.filter(closed_at=None, paused_at__isnull=False).count()
    assert paused == 2
    assert standing()["green", 0, 0] == before["green", 0, 0] - paused + 1
    act(place, order, "resume", "leader", moment(3, 3, 10))
    assert standing()["green", 0, 0] == before["green", 0, 0]
    assert differences() == []


def test_the_year_of_closing_is_the_local_one(place: County) -> None:
    """Half past midnight of New Year's Day in Hoboksar is still the old year in Greenwich."""
    at = moment(12, 31, 10)
    order = order_of(place, at=at, due_on=date(2027, 1, 20))
    act(place, order, "submit", "drafter", moment(1, 1, 0, 30, year=2027))
    assert standing()["in_time", 0, 2027] == 1


def test_changes_that_change_nothing_leave_none(place: County) -> None:
    order_of(place)
    fold()
    WorkItem.objects.update(attempts=3, last_error="x")
    assert not CensusChange.objects.exists()


def test_one_statement_for_many_items_leaves_a_handful_of_changes(place: County) -> None:
    orders(place, 200)
    assert CensusChange.objects.count() == 1
    fold()
    WorkItem.objects.update(lamp="red")
    assert sorted(CensusChange.objects.values_list("status", "n")) == [("green", -200), ("red", 200)]


def test_rows_taken_away_are_no_longer_counted(place: County) -> None:
    orders(place, 3)
    run_sql("DELETE FROM workflows_workitem")
    assert standing() == {}


# --- Folding ------------------------------------------------------------------------------------------------


def test_folding_changes_no_figure_and_leaves_no_change(place: County) -> None:
    orders(place, 5)
    sweep(OVERDUE)
    before = standing()
    assert fold() > 0
    assert (standing(), CensusChange.objects.count(), differences()) == (before, 0, [])
    assert CensusOfDue.objects.get().n == 5
    assert fold() == 0


def test_folding_goes_in_bounded_batches(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        orders(place, 1)
    monkeypatch.setattr(census, "BATCH", 2)
    monkeypatch.setattr(census, "FEW", 2)
    assert fold() == 4
    assert (fold(), CensusChange.objects.count(), differences()) == (1, 0, [])


def test_a_fold_that_is_undone_loses_nothing(place: County) -> None:
    orders(place, 5)
    before, waiting = standing(), CensusChange.objects.count()
    with transaction.atomic():
        assert fold() == waiting
        transaction.set_rollback(True)
    assert (standing(), CensusChange.objects.count()) == (before, waiting)


def test_while_people_work_and_bells_fold_every_look_is_exact(real_place: County) -> None:
    """Items go from lamp to lamp in one statement: at any instant all of them are counted once."""
    orders(real_place, 40)
    ids = list(WorkItem.objects.order_by("pk").values_list("pk", flat=True))
    over = threading.Event()
    looks: list[int] = []

    def works(share: int) -> None:
        lamps = ("yellow", "red", "green")
        for turn in range(30):
            for pk in ids[share::2][:5]:
                WorkItem.objects.filter(pk=pk).update(lamp=lamps[turn % 3])

    def work() -> None:
        try:
            in_threads(lambda: works(0), lambda: works(1))
        finally:
            over.set()

    def folds() -> None:
        while not over.is_set():
            fold()

    def looking() -> None:
        while not over.is_set():
            with connection.cursor() as cursor:
                given = {
                    "institution": real_place.institution.pk,
                    "kinds": [KIND],
                    "unit": None,
                    "year": 2026,
                }
                cursor.execute(f"SELECT sum(n) FROM ({census.COUNTED}) c", given)
                looks.append(int(cursor.fetchone()[0]))

    in_threads(work, folds, folds, looking)
    assert len(looks) > 10
    assert set(looks) == {40}
    fold()
    assert (differences(), CensusChange.objects.count()) == ([], 0)


def test_a_writer_never_waits_for_a_fold(real_place: County) -> None:
    orders(real_place, 2)
    with transaction.atomic():
        fold()

        def writes() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 2000")
            changed = WorkItem.objects.update(lamp="red")
            assert fold() == 0, "one folds at a time; who finds another at it leaves it"
            return changed

        assert in_threads(writes) == [2]
    assert differences() == []


def test_the_bell_folds_and_counts_the_day(place: County) -> None:
    order_of(place)
    tasks.count()
    assert not CensusChange.objects.exists()
    assert CensusOfDay.objects.filter(kind="", institution=place.institution).count() == 1


# --- What the auditor says, and putting right ----------------------------------------------------------------


def found() -> list[tuple[str, int]]:
    return [(f.code, f.document_id) for f in Finding.objects.filter(code__startswith="census")]


def test_rows_written_past_the_triggers_are_found_and_counted_anew(place: County) -> None:
    orders(place, 4)
    fold()
    with behind_its_back():
        WorkItem.objects.filter(pk=WorkItem.objects.earliest("pk").pk).update(lamp="red")
    assert len(differences()) == 3  # green, red, and the day it was due
    auditor.audit(moment(3, 2))
    assert found() == [("census_differs", place.institution.pk)]
    with pytest.raises(CommandError):
        call_command("audit", stdout=StringIO())
    call_command("audit", "--recount", stdout=StringIO())
    assert (found(), differences()) == ([], [])
    assert standing() == {("green", 0, 0): 3, ("red", 0, 0): 1}
    assert recount() is None
    assert differences() == []


def test_each_institution_is_compared_in_its_turn_and_its_finding_stays_until_then(place: County) -> None:
    order_of(place)
    fold()
    with behind_its_back():
        WorkItem.objects.update(lamp="red")
    turns = {turn: census.institution_in_turn(turn) for turn in range(census.LOOKS)}
    assert sorted(pk for turn in turns.values() for pk in turn) == sorted(
        Institution.objects.values_list("pk", flat=True)
    )
    ours = next(turn for turn, pks in turns.items() if pks == [place.institution.pk])
    begun = moment(3, 2) - timedelta(minutes=int(moment(3, 2).timestamp() // 60) % census.LOOKS)
    auditor.audit_in_turn(begun + timedelta(minutes=ours))
    assert found() == [("census_differs", place.institution.pk)]
    auditor.audit_in_turn(begun + timedelta(minutes=(ours + 5) % census.LOOKS))
    assert found() == [("census_differs", place.institution.pk)]
    recount(place.institution.pk)
    auditor.audit_in_turn(begun + timedelta(minutes=census.LOOKS + ours))
    assert found() == []


def test_counting_anew_takes_in_what_is_written_meanwhile(real_place: County) -> None:
    orders(real_place, 30)
    ids = list(WorkItem.objects.values_list("pk", flat=True))

    def works() -> None:
        for lamp in ("red", "yellow", "green", "red"):
            for pk in ids:
                WorkItem.objects.filter(pk=pk).update(lamp=lamp)

    def recounts() -> None:
        for _ in range(15):
            recount()
            fold()

    in_threads(works, recounts)
    assert differences() == []


def test_a_missing_trigger_and_a_bell_that_does_not_ring_are_told(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "TOO_MANY", 1)
    order_of(place)
    order_of(place, title="另一件")
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")
    run_sql("ALTER TABLE workflows_workitem DISABLE TRIGGER count_changed")
    codes = {(f.code, f.kind) for f in auditor.find(moment(3, 2))}
    assert {("unprotected", "workflows_workitem"), ("census_behind", "organisation.institution")} <= codes


def test_the_migration_goes_back_and_forth_and_counts_what_there_is(real_place: County) -> None:
    orders(real_place, 3)
    sweep(OVERDUE)
    before = standing()
    connections["default"].close()
    call_command("migrate", "workflows", "0002", verbosity=0)
    assert "workflows_census" not in connection.introspection.table_names()
    assert run_sql(
        "SELECT count(*) FROM pg_proc WHERE proname LIKE 'duban_count%%' OR proname = 'duban_level'"
    ) == [(0,)]
    call_command("migrate", "workflows", verbosity=0)
    assert (standing(), differences()) == (before, [])


# --- Days that are over -------------------------------------------------------------------------------------


def day(place: County, on: date, unit: int | None = None) -> tuple[int, int]:
    return days_counted(place.institution.pk, [on], [KIND], unit)[on]


def test_a_day_is_counted_as_it_stood_when_it_was_over(place: County) -> None:
    """Due on 4 March, yellow from that morning: red from the midnight after, until it is done on the 6th."""
    order = order_of(place)
    order_of(place, title="另一件", unit="bureau")
    for month_day in (3, 4, 5):
        sweep(moment(3, month_day, 23))
    act(place, order, "submit", "drafter", moment(3, 6, 10))
    sweep(moment(3, 6, 23))
    while close_days(moment(3, 7, 0, 1), institution_id=place.institution.pk):
        pass
    town = place.units["town"].pk
    assert {n: day(place, date(2026, 3, n)) for n in range(1, 7)} == {
        1: (0, 0), 2: (0, 0), 3: (0, 0), 4: (0, 2), 5: (2, 0), 6: (1, 0),
    }  # fmt: skip
    assert [day(place, date(2026, 3, n), town) for n in (4, 5, 6)] == [(0, 1), (1, 0), (0, 0)]


def test_yesterday_comes_first_then_what_the_board_shows_then_the_rest(place: County) -> None:
    at = moment(6, 10, 9)
    for _ in range(3):
        close_days(at, institution_id=place.institution.pk)
    counted = sorted(CensusOfDay.objects.filter(kind="").values_list("day", flat=True))
    assert counted == [date(2026, 5, 27), date(2026, 6, 3), date(2026, 6, 9)]
    for _ in range(census.KEPT - 3):
        assert close_days(at, institution_id=place.institution.pk) == 1
    assert close_days(at, institution_id=place.institution.pk) == 0


def test_each_institution_has_days_of_its_own_clock(place: County) -> None:
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=moment(3, 20))
    close_days(moment(6, 10))
    assert set(CensusOfDay.objects.values_list("institution__slug", "day")) == {
        ("hoboksar", date(2026, 3, 19)), ("elsewhere", date(2026, 6, 9)),
    }  # fmt: skip


def test_days_that_have_not_come_are_forgotten_and_old_ones_keep_their_sums(place: County) -> None:
    order_of(place)
    sweep(OVERDUE)
    close_days(moment(3, 10), institution_id=place.institution.pk)
    assert CensusOfDay.objects.filter(unit__isnull=False).count() == 1
    close_days(moment(3, 8), institution_id=place.institution.pk)
    assert set(CensusOfDay.objects.values_list("day", flat=True)) == {date(2026, 3, 7)}
    close_days(moment(3, 7) + timedelta(days=census.KEPT + 2), institution_id=place.institution.pk)
    assert not CensusOfDay.objects.filter(unit__isnull=False, day=date(2026, 3, 7)).exists()
    assert CensusOfDay.objects.filter(unit=None, kind=KIND, day=date(2026, 3, 7)).get().red == 1


# --- Who may read it ----------------------------------------------------------------------------------------


def sql_of(rows: Any) -> str:
    try:
        return str(rows.query)
    except EmptyResultSet:
        return ""


def test_whoever_sees_everything_is_asked_about_no_row_and_nobody_else(place: County) -> None:
    """Of all kinds and all posts: `sees_everything` says so exactly when `visible_to` is the whole institution."""
    report_of(place)
    measure_of(place)
    order_of(place, title="拟办的一件", unit="bureau")
    change_of(place)
    for model in document_kinds():
        whole: Any = model._default_manager.filter(institution_id=place.institution.pk)
        assert whole.exists(), model
        for who in CAST:
            actor = place.actor(who)
            if who == "outsider":
                continue
            seen = model.visible_to(actor)
            assert model.sees_everything(actor) == (sql_of(seen) == sql_of(whole)), (model, who)
            if model.sees_everything(actor):
                assert set(seen) == set(whole)
        assert {who for who in CAST if model.sees_everything(place.actor(who))} == {
            who for who in CAST if oversees(place.actor(who))
        }


def test_a_clerk_of_a_unit_does_not_see_everything(place: County) -> None:
    assert not SupervisionOrder.sees_everything(place.actor("head"))
    assert SupervisionOrder.sees_everything(place.actor("office"))

"""The tick that the bell rings: watched over, harmless when doubled, and honest after a silence."""

from __future__ import annotations

import json
import time
from datetime import date, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organisation.models import Institution
from supervision.reports.models import QuarterlyReport
from supervision.reports.opening import open_quarterly_reports
from tests.supervision.county import AT, County, moment, order_of
from tests.workflows.clock_ground import DRAFTED, in_threads, item_of, orders, stage, steps_of
from workflows import clockwork, deadlines, openings, tasks
from workflows.clockwork import catching_up_from, tick
from workflows.models import Finding, Heartbeat, Notice, Seal
from workflows.rerouting import Rerouted

DUE_DAY = moment(3, 4)


@pytest.fixture
def place(db: None) -> County:
    return stage()


@pytest.fixture
def only_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """The openings of this test: quarterly reports, and what the test adds."""
    monkeypatch.setattr(openings, "_openings", {"reports.quarterly": open_quarterly_reports})


def beat_of(component: str) -> Heartbeat:
    return Heartbeat.objects.get(component=component)


# --- One tick -----------------------------------------------------------------------------------------------


def test_a_tick_takes_what_is_due_and_says_how_late_it_was(place: County) -> None:
    order = order_of(place)
    tick(DUE_DAY + timedelta(seconds=3))
    assert steps_of(order) == [("due_today", DUE_DAY, DUE_DAY + timedelta(seconds=3))]
    beat = beat_of("sweep")
    assert beat.at == DUE_DAY + timedelta(seconds=3)
    assert beat.detail["now"]["steps"] == 1
    assert 3.0 <= beat.detail["now"]["dwell"]["p50"] <= beat.detail["now"]["dwell"]["max"] < 10.0
    tick(DUE_DAY + timedelta(seconds=8))
    beat = beat_of("sweep")
    assert (beat.detail["now"]["steps"], beat.detail["last"]["steps"]) == (0, 1)


def test_a_tick_with_nothing_to_do_is_a_handful_of_statements(place: County) -> None:
    orders(place, 50)
    tick(AT)
    with CaptureQueriesContext(connection) as queries:
        assert tick(AT + timedelta(seconds=5)).swept.steps == 0
    assert len(queries) <= 6


def test_a_hundred_ticks_at_one_instant_are_one(place: County) -> None:
    order = order_of(place)
    for _ in range(100):
        tick(DUE_DAY)
    assert len(steps_of(order)) == 1


def test_the_dwell_is_told_by_percentiles() -> None:
    swept = deadlines.Swept(dwell=[float(n) for n in range(1, 101)])
    assert (swept.percentile(0.5), swept.percentile(0.99)) == (51.0, 100.0)
    assert deadlines.Swept().figures()["dwell"] == {"p50": 0.0, "p99": 0.0, "max": 0.0}


# --- A clock that cannot be right ---------------------------------------------------------------------------


def test_a_clock_that_goes_back_stops_everything_and_is_shown(place: County) -> None:
    order = order_of(place)
    tick(DUE_DAY - timedelta(minutes=1))
    clockwork.beat("worker", DUE_DAY + timedelta(hours=1))
    assert tick(DUE_DAY).halted == "clock_went_back"
    assert steps_of(order) == []
    assert beat_of("sweep").at == DUE_DAY - timedelta(minutes=1)  # silent, so that /healthz fails
    assert Finding.objects.get().code == "clock_went_back"
    assert tick(DUE_DAY + timedelta(minutes=56)).halted == ""
    assert len(steps_of(order)) == 1


def test_a_small_step_back_is_borne(place: County) -> None:
    order = order_of(place)
    tick(DUE_DAY)
    assert tick(DUE_DAY - timedelta(minutes=4)).halted == ""
    assert len(steps_of(order)) == 1


@pytest.mark.parametrize("leap", [timedelta(days=32), timedelta(days=3650)])
def test_a_leap_of_more_than_a_month_waits_for_an_operator(place: County, leap: timedelta) -> None:
    """What would be written can never be taken back, so nobody is told they are ten years late."""
    order = order_of(place)
    tick(AT)
    assert tick(AT + leap).halted == "clock_leapt"
    assert (steps_of(order), Notice.objects.filter(code="outage").count()) == ([], 0)
    assert Finding.objects.get().code == "clock_leapt"
    clockwork.accept_clock(AT + leap)
    assert Finding.objects.count() == 0
    assert tick(AT + leap + timedelta(seconds=5)).halted == ""
    assert len(steps_of(order)) == 4
    assert Notice.objects.filter(code="outage", person=place.people["drafter"]).count() == 1


def test_an_hour_ahead_is_not_taken_for_a_leap(place: County) -> None:
    tick(AT)
    assert tick(AT + timedelta(days=30)).halted == ""


def test_accepting_a_clock_that_went_back_lets_the_sweep_go_on(place: County) -> None:
    order = order_of(place)
    tick(DUE_DAY - timedelta(hours=1))
    clockwork.beat("sweep", moment(12, 1))
    assert tick(DUE_DAY).halted == "clock_went_back"
    clockwork.accept_clock(DUE_DAY)
    assert tick(DUE_DAY).halted == ""
    assert len(steps_of(order)) == 1


# --- After a silence ----------------------------------------------------------------------------------------


def test_after_an_outage_each_person_has_one_notice_of_all_that_was_missed(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven documents, four a tick: the outage goes on until the last is done, and the notice grows."""
    orders(place, 7)
    tick(AT)
    real = deadlines.sweep
    monkeypatch.setattr(deadlines, "sweep", partial(real, batch=4, budget=0.0))
    back = moment(3, 11, 10)
    tick(back)
    assert catching_up_from() == AT
    assert beat_of("sweep").detail["now"]["unfinished"] is True
    notice = Notice.objects.get(code="outage", person=place.people["drafter"])
    assert notice.params["count"] == 4
    Notice.objects.update(read_at=back)
    tick(back + timedelta(seconds=5))
    monkeypatch.setattr(deadlines, "sweep", real)
    tick(back + timedelta(seconds=10))
    notice.refresh_from_db()
    assert (notice.params["count"], len(notice.params["items"]), notice.read_at) == (7, 7, None)
    assert catching_up_from() is None
    assert datetime.fromisoformat(beat_of("sweep").detail["outage"]["from"]) == AT
    assert Notice.objects.filter(code__startswith="ladder:").count() == 0


def test_what_falls_due_after_the_outage_is_told_as_always(place: County) -> None:
    order = order_of(place)
    tick(AT)
    tick(moment(3, 5, 8))
    assert Notice.objects.get(code="outage", person=place.people["drafter"]).params["count"] == 1
    tick(moment(3, 5, 8, 1))
    tick(moment(3, 5, 8, 50))
    tick(moment(3, 5, 9))
    assert [
        n.code for n in Notice.objects.filter(person=place.people["drafter"], code__startswith="ladder:")
    ] == ["ladder:urge"]
    assert len(steps_of(order)) == 3


# --- What a date opens --------------------------------------------------------------------------------------


def test_a_quarter_opens_its_reports_once(place: County, only_reports: None) -> None:
    assert tick(moment(3, 31, 23, 59)).opened == 0
    assert tick(moment(4, 1, 0)).opened == 2
    assert tick(moment(4, 1, 0, 1)).opened == 0
    assert QuarterlyReport.objects.count() == 2
    assert {r.moved_at for r in QuarterlyReport.objects.all()} == {moment(4, 1, 0)}


def test_what_is_set_up_during_the_day_is_seen_within_ten_minutes(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def opening(institution_id: int, at: datetime) -> int:
        if institution_id == place.institution.pk:
            asked.append(at)
        return 0

    monkeypatch.setattr(openings, "_openings", {"probe": opening})
    for minute in range(31):
        tick(moment(3, 2, 10, minute))
    assert asked == [moment(3, 2, 10, minute) for minute in (0, 10, 20, 30)]


def test_an_opening_that_raises_holds_nothing_back(
    place: County, only_reports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(institution_id: int, at: datetime) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        return 0

    monkeypatch.setitem(openings._openings, "broken", raises)
    order = order_of(place)
    done = tick(moment(4, 1))
    assert done.opened == 2
    assert len(steps_of(order)) == 4
    finding = Finding.objects.get(document_id=place.institution.pk)
    assert (finding.code, finding.params["error"].split(":")[0]) == ("opening_failed:broken", "DataError")
    openings.register_opening("broken", lambda institution_id, at: 0)
    tick(moment(4, 1, 9, 10))
    assert Finding.objects.count() == 0


def test_an_institution_without_a_day_holds_back_no_other(place: County, only_reports: None) -> None:
    """PostgreSQL reads "CST-8" as a zone, Python does not: only a bulk load can bring one. It is asked first."""
    stray = Institution.objects.create(pk=-1, slug="stray", name_zh="别处", time_zone="CST-8")
    order = order_of(place)
    done = tick(moment(4, 1))
    assert done.opened == 2
    assert len(steps_of(order)) == 4
    finding = Finding.objects.get(document_id=stray.pk)
    assert (finding.code, finding.params["error"].split(":")[0]) == ("zone_unknown", "ZoneInfoNotFoundError")
    tasks.seal()
    sealed = [seal.day for seal in Seal.objects.filter(institution=place.institution)]
    assert sealed == [date(2026, 1, 1), date(2026, 3, 2), date(2026, 4, 1)]


def test_a_frozen_institution_opens_by_its_own_clock(place: County, only_reports: None) -> None:
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=moment(3, 31))
    assert tick(moment(4, 1)).opened == 0
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=moment(4, 1))
    assert tick(moment(4, 1, 9, 1)).opened == 2


def test_two_ticks_at_once_open_once(committed_db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openings, "_openings", {"reports.quarterly": open_quarterly_reports})
    place = stage()
    order_of(place)
    done = in_threads(*[lambda: tick(moment(4, 1)) for _ in range(3)])
    assert sum(ticked.opened for ticked in done) == 2
    assert sum(ticked.swept.steps for ticked in done) == 4
    assert QuarterlyReport.objects.count() == 2


def test_passing_time_does_all_of_it_unwatched(place: County, only_reports: None) -> None:
    order = order_of(place)
    done = clockwork.pass_time(moment(4, 1))
    assert (done.opened, done.swept.steps, done.rerouted) == (2, 4, Rerouted())
    assert Heartbeat.objects.filter(component="sweep").count() == 0
    assert item_of(order, DRAFTED).lamp == "red"


# --- The bells ----------------------------------------------------------------------------------------------


def test_every_bell_of_the_engine_has_its_task() -> None:
    from config.celery import app

    app.loader.import_default_modules()
    wanted = {
        entry["task"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if entry["task"].startswith("workflows.")
    }
    assert wanted == {f"workflows.tasks.{name}" for name in ("sweep", "count", "heartbeat", "audit", "seal")}
    assert wanted <= set(app.tasks)


def test_the_tasks_beat_by_the_databases_clock(place: County) -> None:
    for task in (tasks.heartbeat, tasks.sweep, tasks.audit):
        task()
    now = clockwork.database_clock()
    for component in ("worker", "sweep", "audit"):
        assert timedelta(0) <= now - beat_of(component).at < timedelta(seconds=30)
    assert beat_of("audit").detail["faults"] == 0


def test_the_seal_is_set_for_each_day_that_is_over(place: County) -> None:
    """The county's first entries are of January; they are sealed by its own clock."""
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=moment(1, 2))
    tasks.seal()
    tasks.seal()
    assert [seal.day for seal in Seal.objects.filter(institution=place.institution)] == [date(2026, 1, 1)]


def test_an_audit_comes_after_the_rerouting(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change of posts alarms nobody; and a rerouting that raises does not silence the auditor."""
    called: list[str] = []

    def reroute(*given: Any, **more: Any) -> None:
        called.append("reroute")
        raise RuntimeError("no")

    monkeypatch.setattr(clockwork, "reroute_in_turn", reroute)
    tasks.audit()
    assert called == ["reroute"]
    assert beat_of("audit").detail["faults"] == 0


def test_a_real_worker_answers_the_bells(celery_worker_process: Any) -> None:
    """Rung five times each: one heartbeat each, and what has been overdue for long is done once."""
    order = order_of(stage(), at=moment(3, 3, year=2025))
    for _ in range(5):
        for name in ("heartbeat", "sweep", "audit"):
            celery_worker_process.send(f"workflows.tasks.{name}")
    until = time.monotonic() + 30
    while Heartbeat.objects.filter(component__in=("worker", "sweep", "audit")).count() < 3 or not steps_of(
        order
    ):
        assert time.monotonic() < until, celery_worker_process.log
        time.sleep(0.1)
    assert [key for key, _, _ in steps_of(order)] == ["due_today", "overdue", "urge", "escalate"]


# --- The command --------------------------------------------------------------------------------------------


def swept(*arguments: str) -> str:
    out = StringIO()
    call_command("sweep", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_simulates_an_instant(place: County) -> None:
    order = order_of(place)
    told = swept("--at", "2026-03-04T09:00+08:00", "--institution", "hoboksar")
    assert "1 步" in told
    assert len(steps_of(order)) == 1
    figures = json.loads(swept("--at", "2026-03-05T09:00+08:00", "--json"))
    assert (figures["steps"], figures["halted"]) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--at", "tomorrow"),
        ("--at", "2026-03-04T09:00"),
        ("--at", "2026-03-04T09:00+08:00", "--institution", "nowhere"),
        ("--institution", "hoboksar"),
    ],
)
def test_what_the_command_does_not_understand_it_refuses(place: County, arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        swept(*arguments)
    assert refused.value.returncode == 2


def test_a_frozen_clock_is_not_simulated_past(place: County) -> None:
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=moment(3, 2))
    with pytest.raises(CommandError) as refused:
        swept("--at", "2026-03-04T09:00+08:00", "--institution", "hoboksar")
    assert "hoboksar" in str(refused.value)


def test_production_is_not_simulated(place: County, settings: Any) -> None:
    settings.DUBAN_DEMO = False
    with pytest.raises(CommandError) as refused:
        swept("--at", "2026-03-04T09:00+08:00")
    assert refused.value.returncode == 2


def test_the_command_says_when_the_clock_cannot_be_right_and_accepts_it(place: County) -> None:
    clockwork.beat("sweep", clockwork.database_clock() + timedelta(days=1))
    with pytest.raises(CommandError) as refused:
        swept()
    assert refused.value.returncode == 1
    swept("--accept-clock")
    assert abs(beat_of("sweep").at - clockwork.database_clock()) < timedelta(seconds=30)

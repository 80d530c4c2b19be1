"""A week without anybody, clocks that go wrong, the night on which a clock is put forward, a calendar published in the middle
(T10, T11, T12)."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from calendars.edition_files import shipped_editions
from calendars.models import Edition
from calendars.publishing import publish_edition
from calendars.state_years import Span
from config.home import ROOT
from notifications.models import Delivery
from notifications.sending import deliver
from organisation.models import Institution, Unit
from supervision.orders.models import SupervisionOrder
from supervision.reports.opening import open_quarterly_reports
from tests.chaos import ground
from tests.chaos.record import Record
from tests.chaos.scale import FULL, SCALE
from tests.conftest import Clone
from tests.notifications.ground import Sink, use
from tests.supervision import county as counties
from tests.supervision.county import County, moment
from tests.workflows.clock_ground import DRAFTED, everything, in_threads, item_of, orders, steps_of
from workflows import auditor
from workflows.calendar_changes import rederive
from workflows.clockwork import catching_up_from, database_clock, tick
from workflows.deadlines import sweep
from workflows.models import Notice, WorkItem
from workflows.verification import verify

pytestmark = pytest.mark.timeout(900)

EVERY = timedelta(minutes=30) if SCALE is FULL else timedelta(hours=3)
AFTERWARDS = timedelta(seconds=5)


def towns(place: County, many: int) -> None:
    """So many towns, each with somebody who owes reports and somebody above them."""
    for n in range(many):
        unit = Unit.objects.create(
            institution=place.institution, parent=place.units["county"], kind="township", name_zh=f"第{n}镇", begins=date(2020, 1, 1)
        )  # fmt: skip
        for role in ("unit_staff", "head"):
            counties._appoint(counties._person(place.institution, f"{role} {n}"), role, unit)


def test_a_week_without_anybody_is_recorded_as_it_was_and_told_once(
    place: County, sink: Sink, settings: Any, record: Record
) -> None:
    many = SCALE.outage_items
    record.title = f"A week's outage of {many} documents"
    use(settings, sink.port)
    towns(place, many // 50)
    begun = ground.days_ago(8)
    tick(begun)
    made = orders(place, many, begun)
    assert open_quarterly_reports(place.institution.pk, moment(4, 1)) > 0
    back = database_clock()
    ticks = 0
    while ticks == 0 or catching_up_from():
        deliver(back)  # nothing leaves before all is known
        at = database_clock()
        tick(at)
        ticks += 1
        record.event("tick", at=at, catching_up=catching_up_from())
        assert ticks < 50
    now = database_clock()
    for _ in range(3):
        deliver(now, budget=300)
    steps = ground.assert_nothing_lost(now)
    missed = {pk: key for pk, key, _ in ground.due_steps(back)}
    record.figure("T10", "documents whose clock went on during the outage", len(made))
    record.figure("T10", "missed steps, each recorded once at its true instant", steps)
    record.figure("T10", "ticks to catch up", ticks)
    assert len(missed) >= many
    outage = Counter(Notice.objects.filter(code="outage").values_list("person__name", flat=True))
    record.exactly("T10", "notices of the outage a person", sorted(set(outage.values())), [1])
    mailed = Counter(
        Delivery.objects.filter(notice__code="outage", status="sent").values_list("address", flat=True)
    )
    record.most("T10", "mails of what was missed, most a person", max(mailed.values()), 1)
    record.figure("T10", "mails in all", len(sink.taken))
    assert not Notice.objects.filter(code__startswith="ladder:", at__gt=begun + AFTERWARDS).exists()
    opened = SupervisionOrder.objects.filter(source="late_report")
    born = [item_of(order, DRAFTED) for order in opened]
    record.least("T10", "orders that missed steps opened", len(born), 2)
    record.exactly(
        "T10", "of them born overdue", sum(item.due_at <= back or item.lamp != "green" for item in born), 0
    )
    record.exactly("T10", "steps of a second tick", tick(database_clock()).swept.steps, 0)


def test_a_clock_that_goes_back_an_hour_or_on_ten_years_takes_nothing(place: County, record: Record) -> None:
    record.title = "A clock that goes back an hour, and on ten years"
    orders(place, min(SCALE.outage_items, 500), ground.days_ago(20))
    now = database_clock()
    tick(now)
    before = everything()
    for what, wrong, fault in (
        ("an hour back", -timedelta(hours=1), "clock_went_back"), ("ten years on", timedelta(days=3652), "clock_leapt"),
    ):  # fmt: skip
        record.exactly("T11", f"{what}: halted", tick(now + wrong).halted, fault)
        record.exactly("T11", f"{what}: rows written", everything() == before, True)
    assert tick(now + timedelta(seconds=1)).halted == ""
    record.exactly("T11", "steps taken again by the right clock", everything() == before, True)
    five = tick(now - timedelta(minutes=4))
    record.exactly("T11", "two workers whose clocks are four minutes apart: halted", five.halted, "")
    assert everything() == before


@pytest.mark.parametrize(
    ("zone", "drafted", "name"),
    [
        ("Europe/Berlin", datetime(2026, 3, 26, 8, tzinfo=UTC), "put forward"),
        ("Europe/Berlin", datetime(2026, 10, 22, 8, tzinfo=UTC), "put back"),
        ("America/Santiago", datetime(2026, 9, 3, 14, tzinfo=UTC), "put forward at midnight"),
    ],
)
def test_a_step_keeps_its_hour_when_the_clock_is_changed(
    committed_db: Clone,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    drafted: datetime,
    name: str,
    record: Record,
) -> None:
    """Swept again and again through the change: each step once, at nine or at midnight of the place's own clock."""
    record.title = f"Clocks {name} ({zone})"
    create = Institution.objects.create
    monkeypatch.setattr(Institution.objects, "create", lambda **given: create(**{**given, "time_zone": zone}))
    place = counties.county()
    [order] = orders(place, 1, drafted)
    item = item_of(order, DRAFTED)
    there = ZoneInfo(zone)
    at = drafted
    while at < drafted + timedelta(days=14):
        sweep(at)
        at += EVERY
    taken = [(key, effective.astimezone(there), recorded) for key, effective, recorded in steps_of(order)]
    record.event("taken", steps=[(key, str(local)) for key, local, _ in taken])
    assert [key for key, _, _ in taken] == ["due_today", "overdue", "urge", "escalate"]
    hours = {key: (local.hour, local.minute) for key, local, _ in taken}
    record.exactly(
        "T11",
        f"clocks {name}: local hours of the steps",
        set(hours.values()) <= {(9, 0), (0, 0), (1, 0)},
        True,
    )
    assert all(timedelta(0) <= recorded - local < EVERY for _, local, recorded in taken)
    assert len({local.utcoffset() for _, local, _ in taken} | {drafted.astimezone(there).utcoffset()}) == 2, (
        "the clock was changed"
    )
    assert item.due_at.astimezone(there).date() == taken[1][1].date(), (
        "the due day ends where the next day begins"
    )
    assert verify().clean


def test_without_the_systems_time_zones_everything_runs(
    place: County, committed_db: Clone, record: Record
) -> None:
    record.title = "A machine without time zone data"
    orders(place, 3, ground.days_ago(20))
    environment = {**committed_db.environment, "PYTHONTZPATH": "/nonexistent", "DUBAN_FAILPOINT": ""}
    done = subprocess.run(
        [sys.executable, "manage.py", "sweep"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    record.exactly(
        "T11", "without the system's zones: exit status of a sweep", done.returncode, 0, done.stderr
    )
    assert ground.assert_nothing_lost(database_clock()) >= 12


def test_an_edition_published_during_a_sweep_and_a_pause_moves_what_it_moves_and_loses_nothing(
    place: County, record: Record
) -> None:
    many = min(SCALE.outage_items // 5, 400)
    record.title = "An edition of the calendar published during a sweep, and while clocks stand still"
    made = orders(place, many, moment(3, 2))
    paused = counties.walk(place, counties.order_of(place), counties.TO_HAND)
    counties.walk(place, paused, "prove:staff, claim_done:head", moment(3, 3))
    shipped = next(edition for edition in shipped_editions() if edition.year == 2026)
    latest = Edition.objects.filter(year=2026).latest("number")
    snow = Span(date(2026, 3, 16), date(2026, 3, 17), "调休", "Moved rest day")
    later = replace(shipped, number=latest.number + 1, issued_on=date(2026, 3, 4), off=(*shipped.off, snow))
    at = moment(3, 4, 9)

    def sweeps() -> int:
        return sum(sweep(at, batch=max(many // 8, 1)).steps for _ in range(3))

    _published, *_steps = in_threads(lambda: publish_edition(later, None, at), sweeps, sweeps)
    item = item_of(paused, "order.finish")
    record.exactly(
        "T12",
        "a paused clock follows the edition",
        (item.paused_at is not None, item.due_on),
        (True, date(2026, 3, 18)),
    )
    record.exactly("T12", "dates that a second derivation would move", rederive(None, at), [])
    sweep(at)
    counted = Counter(len(steps_of(order)) for order in made)
    record.exactly("T12", "steps a document, taken once", dict(counted), {1: many})
    for turn in range(14 * 24 * 60 * 60 // int(EVERY.total_seconds())):
        sweep(at + turn * EVERY, batch=max(many // 8, 1))
    counted = Counter(len(set(steps_of(order))) for order in made)
    record.exactly("T12", "steps a document after the ladder's end", dict(counted), {4: many})
    codes = ("no_next_step", "entry_differs", "version_differs", "item_out_of_place")
    record.exactly("T12", "findings of the auditor", [f for f in auditor.find(at) if f.code in codes], [])
    assert WorkItem.objects.filter(kind=paused.kind(), document_id=paused.pk, closed_at=None).exists()
    assert verify().clean

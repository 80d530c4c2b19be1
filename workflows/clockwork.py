"""One tick: what time alone causes, in order, watched over. Called every few seconds by beat; doubled or missed, it does no harm.

The clock is the database's, so that two workers never disagree. It is not believed blindly: when it has gone back, or has
leapt ahead by more than a month, nothing is taken until somebody has looked, because a ledger cannot be taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from calendars.queries import current_stamp
from workflows import census, deadlines, rerouting
from workflows.calendar_changes import rederive
from workflows.deadlines import OUTAGE, Swept
from workflows.models import Finding, Heartbeat
from workflows.openings import OPENINGS, open_what_is_due
from workflows.rerouting import Rerouted
from workflows.windows import in_turn

SWEEP, WORKER, AUDIT, REROUTE, CALENDAR = "sweep", "worker", "audit", "reroute", "calendar"
BACKWARDS = timedelta(minutes=5)
LEAP = timedelta(days=31)
REROUTE_EVERY = timedelta(seconds=60)
SETTLED_AFTER = timedelta(minutes=2)
"""After a calendar was published, whatever transaction had read the one before has ended."""
THE_CLOCK = "workflows.heartbeat"
"""The kind under which findings about the clock stand."""


@dataclass
class Ticked:
    """What one tick did; `halted` is the code of what is wrong with the clock, when something is."""

    swept: Swept = field(default_factory=Swept)
    rerouted: Rerouted | None = None
    opened: int = 0
    moved: int = 0
    halted: str = ""


def database_clock() -> datetime:
    """The one clock of all processes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def beat(component: str, at: datetime, detail: dict[str, Any] | None = None) -> None:
    """Say that a component lives, and what it last did."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(component=component, at=at, detail=detail or {})], update_conflicts=True, unique_fields=["component"],
        update_fields=["at", "detail"],
    )  # fmt: skip


def pass_time(at: datetime, *, institution_id: int | None = None) -> Ticked:
    """All that the clock causes at `at`, unwatched: for simulations and tests. An institution with a frozen clock uses it."""
    opened = open_what_is_due(at, institution_id=institution_id)
    rerouted = rerouting.reroute(at, institution_id=institution_id)
    swept = deadlines.sweep(at, institution_id=institution_id, budget=float("inf"))
    census.fold()
    census.close_days(at, institution_id=institution_id)
    return Ticked(swept, rerouted, opened)


def tick(at: datetime) -> Ticked:
    """All that the clock causes at `at`, which is the database's clock. Nothing to do: six statements.

    After an outage (a silence of more than an hour) what was missed is told in one notice a person, until all of it is done.
    """
    beats = {row.component: row for row in Heartbeat.objects.all()}
    if fault := clock_fault(beats, at):
        _report(fault, beats, at)
        return Ticked(halted=fault)
    before = beats.get(SWEEP)
    done = Ticked()
    silent_since = _silent_since(before, at)
    if before and silent_since and not before.detail.get("catching_up_from"):
        beat(SWEEP, before.at, {**before.detail, "catching_up_from": silent_since.isoformat()})
    looked = beats[OPENINGS].detail if OPENINGS in beats else {}
    done.opened = open_what_is_due(at, looked=looked)
    done.rerouted = reroute_in_turn(beats.get(REROUTE), at)
    done.moved = _settle_calendar(beats.get(CALENDAR), at)
    done.swept = deadlines.sweep(at, alive_at=silent_since)
    beat(SWEEP, at, _detail(before, done.swept, silent_since, at))
    return done


def reroute_in_turn(
    before: Heartbeat | None, at: datetime, *, every: timedelta = REROUTE_EVERY
) -> Rerouted | None:
    """Send on what nobody can act on, once a minute."""
    if before is not None and at - before.at < every:
        return None
    rerouted = rerouting.reroute(at, windows=in_turn(minute_of(at)))
    beat(REROUTE, at, vars(rerouted))
    return rerouted


def minute_of(at: datetime) -> int:
    """Which look this is, for what is looked at in turn."""
    return int(at.timestamp() // 60)


def _silent_since(before: Heartbeat | None, at: datetime) -> datetime | None:
    """Since when nothing was swept, while an outage is being caught up with; else None."""
    if before is None:
        return None
    if since := before.detail.get("catching_up_from"):
        return datetime.fromisoformat(since)
    return before.at if at - before.at > OUTAGE else None


def _detail(
    before: Heartbeat | None, swept: Swept, silent_since: datetime | None, at: datetime
) -> dict[str, Any]:
    """What the sweep's heartbeat tells: this sweep, the last that found something, and the last outage."""
    known = before.detail if before else {}
    detail = {"now": swept.figures(), "last": known.get("last"), "outage": known.get("outage")}
    if swept.steps:
        detail["last"] = {**swept.figures(), "at": at.isoformat()}
    if silent_since:
        if swept.unfinished or swept.held:
            detail["catching_up_from"] = silent_since.isoformat()
        else:
            detail["outage"] = {"from": silent_since.isoformat(), "to": at.isoformat()}
    return detail


def catching_up_from() -> datetime | None:
    """Since when nothing had been swept, while what was missed is still being taken; None at all other times.

    Until it is None, a notice of the outage may still grow: who sends it outside waits.
    """
    since = (
        Heartbeat.objects.filter(component=SWEEP).values_list("detail__catching_up_from", flat=True).first()
    )
    return datetime.fromisoformat(since) if since else None


def clock_fault(beats: dict[str, Heartbeat], at: datetime) -> str:
    """What is wrong with the clock: "clock_went_back", "clock_leapt", or nothing."""
    heard = [row.at for name, row in beats.items() if name in (SWEEP, WORKER, AUDIT)]
    if heard and at < max(heard) - BACKWARDS:
        return "clock_went_back"
    if SWEEP in beats and at - beats[SWEEP].at > LEAP:
        return "clock_leapt"
    return ""


def _report(fault: str, beats: dict[str, Heartbeat], at: datetime) -> None:
    heard = max(row.at for row in beats.values())
    params = {"now": at.isoformat(), "last": heard.isoformat()}
    Finding.objects.update_or_create(
        kind=THE_CLOCK, document_id=0, code=fault, defaults={"params": params, "found_at": at}
    )


def accept_clock(at: datetime) -> None:
    """An operator has looked: the clock is right. What was due meanwhile is caught up with as after any outage."""
    before = Heartbeat.objects.filter(component=SWEEP).first()
    detail = before.detail if before else {}
    if before and at - before.at > OUTAGE:
        detail = {**detail, "catching_up_from": detail.get("catching_up_from") or before.at.isoformat()}
    Heartbeat.objects.filter(at__gt=at).update(at=at)
    beat(SWEEP, at, detail)
    Finding.objects.filter(kind=THE_CLOCK, code__startswith="clock_").delete()


def _settle_calendar(before: Heartbeat | None, at: datetime) -> int:
    """Derive again, once, what was opened by transactions that still read the calendar before the last one published."""
    stamp = current_stamp()
    settled, seen = (before.detail.get("settled"), before.detail.get("seen")) if before else (None, None)
    if settled == stamp:
        return 0
    if before is None or seen != stamp:
        beat(CALENDAR, at, {"settled": stamp if before is None else settled, "seen": stamp})
        return 0
    if at - before.at < SETTLED_AFTER:
        return 0
    moved = rederive(None, at)
    beat(CALENDAR, at, {"settled": stamp, "seen": stamp})
    return len(moved)

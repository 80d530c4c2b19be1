"""Opening the quarterly reports that a quarter's end brings (R36): one for each unit that owes one, all at once.

A report begins with a line for every goal of the unit that is in force.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from calendars import periods
from calendars.periods import Period
from calendars.queries import current_stamp
from organisation.actors import clock_of
from organisation.models import Unit
from organisation.queries import local_day
from supervision.reports.drafting import lines_of_goals
from supervision.reports.models import QuarterlyReport
from supervision.schemes.models import Cycle, CycleState
from supervision.schemes.queries import units_of_scheme
from supervision.schemes.rulebooks import book_of_cycle
from workflows.fire import start_many
from workflows.rulebook import RuleMissing

DAYS_BEFORE = "report.opens_days_before"
"""Number of the scheme: how many days before the day after the quarter its reports are opened. Not given: on that day."""
AT_ONCE = 500
"""Reports held in memory together; all of an institution are opened in one transaction."""


def open_quarterly_reports(institution_id: int, at: datetime) -> int:
    """Open what is missing for the latest quarter whose day has come. Returns how many; nothing the second time.

    Only the latest: an institution that begins to use the system in August is not late with its first quarter.
    """
    day, opened = local_day(institution_id, at), 0
    for cycle in Cycle.objects.filter(institution_id=institution_id, state=CycleState.OPEN).order_by("year"):
        if quarter := _latest_quarter(cycle, day):
            opened += _open(cycle, quarter, day, at)
    return opened


def _open(cycle: Cycle, quarter: Period, day: date, at: datetime) -> int:
    if not _owing(cycle, quarter, day).exists():
        return 0
    with transaction.atomic():
        # Of two that open at once the second waits here, and then finds nothing missing.
        Cycle.objects.select_for_update(no_key=True).get(pk=cycle.pk)
        owing = list(_owing(cycle, quarter, day).values_list("pk", flat=True))
        for first in range(0, len(owing), AT_ONCE):
            units = owing[first : first + AT_ONCE]
            lines = lines_of_goals(cycle, units, quarter, at)
            rows = [
                {
                    "institution_id": cycle.institution_id,
                    "cycle_id": cycle.pk,
                    "unit_id": unit,
                    "period": quarter.text,
                    "title": f"{quarter.zh}工作目标任务落实情况季报表",
                }
                for unit in units
            ]
            start_many(
                QuarterlyReport, "open", rows, actor=clock_of(cycle.institution_id), at=at,
                parts=[{"lines": lines[unit]} if unit in lines else {} for unit in units],
            )  # fmt: skip
    return len(owing)


def _owing(cycle: Cycle, quarter: Period, day: date) -> QuerySet[Unit]:
    """The units of the scheme that have no report on the quarter yet."""
    has_one = QuarterlyReport.objects.filter(unit=OuterRef("pk"), period=quarter.text)
    return units_of_scheme(cycle, day).exclude(Exists(has_one))


def _latest_quarter(cycle: Cycle, day: date) -> Period | None:
    try:
        before = book_of_cycle(cycle.pk, current_stamp()).number(DAYS_BEFORE)
    except RuleMissing:
        before = 0
    come = [q for q in _quarters(cycle) if q.ends + timedelta(days=1) - timedelta(days=before) <= day]
    latest = come[-1] if come else None
    return latest if latest and day <= latest.day_after(3, 31) else None  # by then the next quarter has ended


def _quarters(cycle: Cycle) -> Iterable[Period]:
    quarters = (periods.parse(f"{cycle.year}Q{number}") for number in (1, 2, 3, 4))
    return [quarter for quarter in quarters if cycle.begins <= quarter.ends <= cycle.ends]

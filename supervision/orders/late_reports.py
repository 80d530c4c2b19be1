"""An overdue quarterly report becomes a supervision order: drafted by the clock, decided on by people (promise 9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from calendars import periods
from calendars.queries import current_stamp
from organisation.actors import Actor, clock_of
from supervision.orders.models import Level, Method, Source, SupervisionOrder
from supervision.schemes.rulebooks import book_for
from workflows.fire import start

LATE_REPORT = "order.open_for_late_report"
"""The action by which a ladder of the scheme asks for it."""


def open_for_late_report(report: Any, actor: Actor, at: datetime) -> None:
    """Draft one order for this report; when there is one already, whatever became of it, nothing happens.

    The report's row is locked by whoever calls, so that two ladders cannot draft two.
    """
    if SupervisionOrder.objects.filter(report_id=report.pk).exists():
        return
    quarter, unit = periods.parse(report.period), report.unit.name_zh
    book, scheme = book_for(report, current_stamp()), report.cycle.scheme_version.scheme
    start(
        SupervisionOrder,
        "open_for_late_report",
        actor=clock_of(report.institution_id),
        at=at,
        institution_id=report.institution_id,
        cycle_id=report.cycle_id,
        unit_id=report.unit_id,
        report_id=report.pk,
        title=f"关于督促{unit}报送{quarter.zh}季报的督办单",
        source=Source.LATE_REPORT,
        authority=f"《{scheme.name_zh}》",
        clause=book.rules.deadlines["quarterly_report"].clause_zh,
        level=Level.UNIT,
        method=Method.PERIODIC,
        demand=f"{unit}未在规定时限内报送{quarter.zh}工作目标任务落实情况季报表，须限期补报，查明原因并整改。",
        due_on=book.due_on("order.due", at),
        demands_rectification=True,
        parts={
            "criteria": [
                {"text": f"{quarter.zh}季报已报送并经绩效办接收"},
                {"text": "已查明逾期原因，并制定防止再次逾期的措施"},
            ]
        },
    )

"""How late a report is, to the minute (R36)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from supervision.reports.models import QuarterlyReport
from workflows.models import WorkItem


def with_statutory_date(reports: QuerySet[QuarterlyReport]) -> QuerySet[Any]:
    """The reports with `statutory_due_on` and `statutory_due_at`, as the duty to report carries them (exclusive)."""
    item = WorkItem.objects.filter(
        kind=QuarterlyReport.kind(), document_id=OuterRef("pk"), duty="quarterly_report"
    ).order_by("-turn")
    return reports.annotate(
        statutory_due_on=Subquery(item.values("due_on")[:1]),
        statutory_due_at=Subquery(item.values("due_at")[:1]),
    )


def lateness(report: Any, at: datetime) -> timedelta:
    """How long after its date the report was first submitted, or has not been submitted by `at`; zero when in time.

    `report` comes from `with_statutory_date`. A return for correction makes no report late that was submitted in time.
    """
    late: timedelta = (report.first_submitted_at or at) - report.statutory_due_at
    return max(late, timedelta(0))

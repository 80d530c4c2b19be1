"""季报 Quarterly report: what a unit did towards its goals in one quarter (R36)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from organisation.actors import Actor
from supervision import facts
from supervision.goals.models import Goal, Indicator
from supervision.schemes.documents import Supervised
from workflows.lifecycle import StateField
from workflows.scope import within_reach


class QuarterlyReport(Supervised):
    """One unit's report on one quarter. `period` is written `2025Q4`."""

    content: ClassVar[tuple[str, ...]] = ("summary",)
    parts: ClassVar[dict[str, str]] = {"lines": "report"}

    state = StateField("supervision.reports.lifecycle.QuarterlyReportLifecycle")
    period = models.CharField(_("quarter"), max_length=10)
    summary = models.TextField(_("summary of the quarter"), blank=True)
    opened_at = models.DateTimeField(_("opened"), null=True, editable=False)
    first_submitted_at = models.DateTimeField(_("first submitted"), null=True, editable=False)
    submitted_at = models.DateTimeField(_("submitted"), null=True, editable=False)
    accepted_at = models.DateTimeField(_("accepted"), null=True, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    line_count: int
    lines_without_result: int
    goals_without_value: int
    goals_unreported: list[str]

    class Meta:
        verbose_name = _("quarterly report")
        verbose_name_plural = _("quarterly reports")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit", "period"], name="one_report_per_unit_and_quarter")
        ]
        indexes: ClassVar = [models.Index(fields=["institution", "period"], name="reports_of_quarter")]

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        return {
            "unopened": facts.unopened(cls),
            "line_count": facts.parts(cls, "lines"),
            "lines_without_result": facts.parts(cls, "lines", actual=""),
            "goals_unreported": ArraySubquery(
                Goal.objects.filter(
                    unit=OuterRef("unit"),
                    cycle=OuterRef("cycle"),
                    state="in_force",
                    issued_at__lt=OuterRef("opened_at"),
                )
                .exclude(
                    Exists(ReportLine.objects.filter(goal=OuterRef("pk"), report=OuterRef(OuterRef("pk"))))
                )
                .order_by("pk")
                .values("title")
            ),
            "goals_without_value": facts.parts(
                cls, "lines", value=None, goal__indicator__in=(Indicator.NUMBER, Indicator.SURVEY)
            ),
        }

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[QuarterlyReport]:
        return within_reach(cls.objects.all(), actor)


class ReportLine(models.Model):
    """One goal or task in a report: what was planned for the quarter, what was done, and what is to be done about the gap."""

    report = models.ForeignKey(QuarterlyReport, models.CASCADE, related_name="lines")
    goal = models.ForeignKey(
        "goals.Goal",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="report_lines",
        verbose_name=_("goal"),
    )
    task = models.CharField(_("goal or task"), max_length=500)
    planned = models.CharField(_("planned for the quarter"), max_length=500, blank=True)
    actual = models.TextField(_("done in the quarter"), blank=True)
    value = models.DecimalField(
        _("value reached so far"), max_digits=18, decimal_places=4, null=True, blank=True
    )
    share = models.DecimalField(
        _("share of the plan (%)"), max_digits=6, decimal_places=2, null=True, blank=True
    )
    gap = models.TextField(_("gap and its cause"), blank=True)
    measure = models.TextField(_("measure"), blank=True)

    class Meta:
        verbose_name = _("line of a report")
        verbose_name_plural = _("lines of a report")
        ordering: ClassVar = ["pk"]

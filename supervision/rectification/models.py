"""整改 Rectification: a plan, its measures, and their acceptance (practice B5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.utils.translation import gettext_lazy as _

from organisation.actors import Actor
from supervision import facts
from supervision.schemes.documents import Supervised
from workflows.lifecycle import StateField
from workflows.scope import within_reach


class Rectification(Supervised):
    """What one supervision order demands to be put right. `due_on` is when all measures must be done."""

    content: ClassVar[tuple[str, ...]] = ("summary", "why_later")
    parts: ClassVar[dict[str, str]] = {"planned": "rectification"}
    parent: ClassVar[str] = "order"

    state = StateField("supervision.rectification.lifecycle.RectificationLifecycle")
    order = models.OneToOneField(
        "orders.SupervisionOrder",
        models.PROTECT,
        related_name="rectification",
        verbose_name=_("supervision order"),
    )
    summary = models.TextField(_("what is wrong, and why"), blank=True)
    why_later = models.TextField(_("why a measure ends later than the order"), blank=True)
    due_on = models.DateField(_("all measures done by"), null=True, editable=False)
    failed_measure = models.PositiveSmallIntegerField(_("measure that failed"), null=True, editable=False)
    signed_at = models.DateTimeField(_("plan signed by the head"), null=True, editable=False)
    approved_at = models.DateTimeField(_("plan approved"), null=True, editable=False)
    claimed_at = models.DateTimeField(_("acceptance asked for"), null=True, editable=False)
    accepted_at = models.DateTimeField(_("accepted"), null=True, editable=False)
    conclusion = models.TextField(_("conclusion of the acceptance"), blank=True, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    planned_count: int
    planned_without_owner: int
    planned_without_date: int
    first_planned: date | None
    last_planned: date | None
    order_due_on: date
    unfinished: int
    measure_numbers: list[int]

    class Meta:
        verbose_name = _("rectification")
        verbose_name_plural = _("rectifications")

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        dates = PlannedMeasure.objects.filter(rectification=OuterRef("pk")).order_by().values("rectification")
        return {
            "unopened": facts.unopened(cls),
            "planned_count": facts.parts(cls, "planned"),
            "planned_without_owner": facts.parts(cls, "planned", owner=""),
            "planned_without_date": facts.parts(cls, "planned", due_on__isnull=True),
            "first_planned": Subquery(dates.annotate(day=models.Min("due_on")).values("day")),
            "last_planned": Subquery(dates.annotate(day=models.Max("due_on")).values("day")),
            "order_due_on": F("order__due_on"),
            "unfinished": facts.unfinished_children(cls),
            "measure_numbers": ArraySubquery(
                Measure.objects.filter(rectification=OuterRef("pk"))
                .order_by("place")
                .values("place")
                .distinct()
            ),
        }

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Rectification]:
        return within_reach(cls.objects.all(), actor)


class PlannedMeasure(models.Model):
    """One row of the plan: problem, cause, measure, owner, date."""

    rectification = models.ForeignKey(Rectification, models.CASCADE, related_name="planned")
    problem = models.TextField(_("problem"))
    cause = models.TextField(_("cause"), blank=True)
    measure = models.TextField(_("measure"))
    owner = models.CharField(_("person responsible"), max_length=100, blank=True)
    due_on = models.DateField(_("done by"), null=True, blank=True)

    class Meta:
        verbose_name = _("planned measure")
        verbose_name_plural = _("planned measures")
        ordering: ClassVar = ["pk"]


class Measure(Supervised):
    """整改措施 One approved measure, done and checked by itself. `place` is its number in the plan."""

    parent: ClassVar[str] = "rectification"

    state = StateField("supervision.rectification.lifecycle.MeasureLifecycle")
    rectification = models.ForeignKey(
        Rectification, models.PROTECT, related_name="measures", verbose_name=_("rectification")
    )
    place = models.PositiveSmallIntegerField(_("number in the plan"))
    problem = models.TextField(_("problem"))
    cause = models.TextField(_("cause"), blank=True)
    measure = models.TextField(_("measure"))
    owner = models.CharField(_("person responsible"), max_length=100)
    due_on = models.DateField(_("done by"))
    again = models.PositiveSmallIntegerField(_("times begun again after acceptance failed"), default=0)
    done = models.TextField(_("what was done"), blank=True, editable=False)
    claimed_at = models.DateTimeField(_("claimed done"), null=True, editable=False)
    accepted_at = models.DateTimeField(_("accepted"), null=True, editable=False)
    conclusion = models.TextField(_("conclusion of the check"), blank=True, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    evidence_count: int

    class Meta:
        verbose_name = _("rectification measure")
        verbose_name_plural = _("rectification measures")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rectification", "place", "again"], name="one_measure_per_place")
        ]

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        return {"unopened": facts.unopened(cls), "evidence_count": facts.attachments(cls)}

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[Measure]:
        return within_reach(cls.objects.all(), actor)

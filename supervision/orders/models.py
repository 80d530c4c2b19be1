"""督办单 Supervision order: one matter, one order (practice B3), with its criteria, evidence and co-operating units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from organisation.actors import Actor
from supervision import facts
from supervision.schemes.documents import Supervised
from workflows.lifecycle import StateField
from workflows.scope import oversees, within_reach


class Source(models.TextChoices):
    """Where the matter comes from (R26, R82; Regulation 733 art. 11)."""

    LEADERS_INSTRUCTION = "leaders_instruction", _("leader's instruction")
    SUPERIOR_DECISION = "superior_decision", _("decision of a superior body")
    MEETING = "meeting", _("decision of a meeting")
    LATE_REPORT = "late_report", _("report that is overdue")
    INSPECTION = "inspection", _("finding of an inspection")
    COMPLAINT = "complaint", _("complaint or petition")
    DELEGATES = "delegates", _("deputies' or members' proposal")
    PLAN = "plan", _("goal plan of the year")


class Category(models.TextChoices):
    """The five kinds of government inspection (Regulation 733 art. 14)."""

    COMPREHENSIVE = "comprehensive", _("comprehensive inspection")
    SPECIAL = "special", _("special inspection")
    INCIDENT = "incident", _("investigation of an incident")
    DAILY = "daily", _("daily supervision")
    CLUE = "clue", _("verification of a clue")


class Level(models.TextChoices):
    """The three levels of supervision (R42)."""

    LEADER = "leader", _("key supervision by leaders")
    UNIT = "unit", _("supervision of the whole unit")
    SECTION = "section", _("follow-up by the section")


class Method(models.TextChoices):
    """The three methods of supervision (R43)."""

    FOLLOW_UP = "follow_up", _("follow-up")
    TASK_FORCE = "task_force", _("special supervision")
    PERIODIC = "periodic", _("periodic supervision")


NOT_YET_ISSUED = ("draft", "for_signature", "not_opened")
"""Until an order is issued, and if it never is, it is the supervision office's own affair."""


class SupervisionOrder(Supervised):
    """One matter given to one lead unit, `unit`. `due_on` is the date that the order names, as issued or extended;
    `original_due_on` the first one: without an approved extension an order is assessed on it (practice B3). A suspension
    or a check moves neither: the clock that stands still is the work item's."""

    content: ClassVar[tuple[str, ...]] = (
        "title", "unit", "source", "authority", "reference", "clause", "category", "level", "method", "demand", "due_on",
        "demands_rectification",
    )  # fmt: skip
    parts: ClassVar[dict[str, str]] = {
        "criteria": "order",
        "co_operating_units": "order",
        "evidence": "order",
    }

    state = StateField("supervision.orders.lifecycle.SupervisionOrderLifecycle")
    source = models.CharField(_("source"), max_length=30, choices=Source.choices, blank=True)
    authority = models.CharField(
        _("authority"), max_length=300, blank=True, help_text=_("Who decided it or gave the instruction.")
    )
    reference = models.CharField(
        _("reference of the source"), max_length=100, blank=True, help_text=_("Such as a document number.")
    )
    clause = models.TextField(_("clause"), blank=True)
    category = models.CharField(
        _("category"), max_length=20, choices=Category.choices, default=Category.DAILY
    )
    level = models.CharField(_("level"), max_length=10, choices=Level.choices, default=Level.UNIT)
    method = models.CharField(_("method"), max_length=20, choices=Method.choices, default=Method.FOLLOW_UP)
    demand = models.TextField(_("what is demanded"), blank=True)
    due_on = models.DateField(_("due date"), null=True, blank=True)
    original_due_on = models.DateField(_("original due date"), null=True, editable=False)
    demands_rectification = models.BooleanField(_("a rectification plan is demanded"), default=False)
    report = models.OneToOneField(
        "reports.QuarterlyReport",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="order",
        verbose_name=_("overdue report"),
    )
    plan = models.TextField(_("plan of the work"), blank=True, editable=False)
    feedback = models.TextField(_("latest feedback"), blank=True, editable=False)
    feedback_at = models.DateTimeField(_("latest feedback given"), null=True, editable=False)
    asked_due_on = models.DateField(_("date asked for"), null=True, editable=False)
    review_on = models.DateField(_("suspension reviewed on"), null=True, editable=False)
    claim = models.TextField(_("closing report"), blank=True, editable=False)
    conclusion = models.TextField(_("conclusion of the check"), blank=True, editable=False)
    issued_at = models.DateTimeField(_("issued"), null=True, editable=False)
    received_at = models.DateTimeField(_("signed for"), null=True, editable=False)
    claimed_at = models.DateTimeField(_("claimed done"), null=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, editable=False)
    times_extended = models.PositiveSmallIntegerField(_("times extended"), default=0, editable=False)
    times_returned = models.PositiveSmallIntegerField(_("times returned"), default=0, editable=False)

    # What facts() gives to the conditions.
    same_matter: list[str]
    finish_due_on: date | None
    finish_due_at: datetime | None
    criteria_count: int
    unproven: int
    unfinished: int

    class Meta:
        verbose_name = _("supervision order")
        verbose_name_plural = _("supervision orders")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["institution", "number"], condition=~Q(number=""), name="one_order_per_number"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["unit", "issued_at"], name="orders_of_unit"),
            models.Index(fields=["unit", "title"], name="orders_by_title"),
            models.Index(
                fields=["unit", "reference"], condition=~Q(reference=""), name="orders_by_reference"
            ),
        ]

    @classmethod
    def facts(cls) -> Mapping[str, Any]:
        return {
            "unopened": facts.unopened(cls),
            "same_matter": ArraySubquery(_same_matter(cls).values("number")),
            "finish_due_on": facts.of_open_item(cls, "order.finish", "due_on"),
            "finish_due_at": facts.of_open_item(cls, "order.finish", "due_at"),
            "criteria_count": facts.parts(cls, "criteria"),
            "unproven": facts.parts(cls, "criteria", evidence__isnull=True),
            "unfinished": facts.unfinished_children(cls),
        }

    @classmethod
    def visible_to(cls, actor: Actor) -> models.QuerySet[SupervisionOrder]:
        """Units see their orders and those they co-operate in, once issued; oversight sees all."""
        own = within_reach(cls.objects.all(), actor, hidden=Q(state__in=NOT_YET_ISSUED))
        if oversees(actor):
            return own
        mine = {c.unit_id for c in actor.capacities if c.unit_id is not None}
        shared = Exists(CoOperatingUnit.objects.filter(order=OuterRef("pk"), unit__in=mine))
        theirs = cls.objects.filter(shared, institution_id=actor.institution_id).exclude(
            state__in=NOT_YET_ISSUED
        )
        return cls.objects.filter(pk__in=own.values("pk").union(theirs.values("pk")))


def _same_matter(model: type[SupervisionOrder]) -> models.QuerySet[SupervisionOrder]:
    """Orders to the same unit on the same matter that are out and not closed (Regulation 733 art. 15)."""
    same = Q(title=OuterRef("title")) | (
        ~Q(reference="") & Q(reference=OuterRef("reference"), clause=OuterRef("clause"))
    )
    out = model._base_manager.filter(same, institution=OuterRef("institution"), unit=OuterRef("unit"))
    ended = [name for name, state in model.lifecycle.states.items() if state.final]
    return out.exclude(pk=OuterRef("pk")).exclude(state__in=[*NOT_YET_ISSUED, *ended]).order_by("pk")


class Criterion(models.Model):
    """办结标准: one thing that must be true before the matter counts as done."""

    order = models.ForeignKey(SupervisionOrder, models.CASCADE, related_name="criteria")
    text = models.CharField(_("what counts as done"), max_length=500)

    class Meta:
        verbose_name = _("criterion")
        verbose_name_plural = _("criteria")
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return self.text


class CoOperatingUnit(models.Model):
    """配合单位: contacts go through the lead unit, which writes the one report (practice B3)."""

    order = models.ForeignKey(SupervisionOrder, models.CASCADE, related_name="co_operating_units")
    unit = models.ForeignKey(
        "organisation.Unit", models.PROTECT, related_name="+", verbose_name=_("co-operating unit")
    )
    task = models.CharField(_("its share of the work"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("co-operating unit")
        verbose_name_plural = _("co-operating units")
        ordering: ClassVar = ["pk"]


class Evidence(models.Model):
    """佐证: what shows that one criterion is met. The day of the fact stands apart from the day it was entered (B7)."""

    order = models.ForeignKey(SupervisionOrder, models.CASCADE, related_name="evidence")
    criterion = models.ForeignKey(
        Criterion, models.CASCADE, related_name="evidence", verbose_name=_("criterion")
    )
    text = models.TextField(_("what shows that it is met"))
    fact_on = models.DateField(_("date of the fact"))

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering: ClassVar = ["pk"]


class Series(models.Model):
    """The last number given in one series of one institution and year; its row is held while a number is given."""

    institution = models.ForeignKey("organisation.Institution", models.PROTECT, related_name="+")
    key = models.CharField(max_length=50)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["institution", "key", "year"], name="one_series_a_year")
        ]

"""考核方案 An institution's rules as versioned data, and 考核年度 the year to which one version is applied."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from organisation.models import in_reader_language


class Scheme(models.Model):
    """考核方案 One institution's rules under one name; what they say stands in its versions."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", verbose_name=_("institution")
    )
    slug = models.SlugField(_("short name"))
    name_zh = models.CharField(_("Chinese name"), max_length=200)
    name_en = models.CharField(_("English name"), max_length=300)

    class Meta:
        verbose_name = _("scheme")
        verbose_name_plural = _("schemes")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["institution", "slug"], name="one_scheme_per_name")
        ]

    def __str__(self) -> str:
        return in_reader_language(self.name_zh, self.name_en)


class SchemeVersion(models.Model):
    """One version of a scheme, as its pack said it. A database trigger refuses to change or remove it, so that a
    running document is pinned to its rules by their version alone."""

    scheme = models.ForeignKey(Scheme, models.PROTECT, related_name="versions", verbose_name=_("scheme"))
    number = models.PositiveIntegerField(_("version"))
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    published_at = models.DateTimeField(_("published at"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("published by")
    )

    class Meta:
        verbose_name = _("scheme version")
        verbose_name_plural = _("scheme versions")
        ordering: ClassVar = ["scheme", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scheme", "number"], name="one_version_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.scheme.slug}@{self.number}"


class CycleState(models.TextChoices):
    OPEN = "open", _("open")
    CLOSED = "closed", _("closed")


class Cycle(models.Model):
    """考核年度 One version of a scheme applied to one year. Closed only by a recorded decision (R41), and never reopened;
    a trigger refuses any other change, above all another version."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", verbose_name=_("institution")
    )
    scheme_version = models.ForeignKey(
        SchemeVersion, models.PROTECT, related_name="cycles", verbose_name=_("scheme version")
    )
    year = models.PositiveSmallIntegerField(_("year"))
    begins = models.DateField(_("first day"))
    ends = models.DateField(_("last day"))
    state = models.CharField(_("state"), max_length=10, choices=CycleState.choices, default=CycleState.OPEN)
    decision = models.TextField(_("decision to close"), blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("closed by")
    )

    class Meta:
        verbose_name = _("appraisal year")
        verbose_name_plural = _("appraisal years")
        ordering: ClassVar = ["-year", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["scheme_version", "year"], name="one_cycle_per_version_and_year"),
            models.CheckConstraint(condition=Q(ends__gte=F("begins")), name="cycle_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True, decision="")
                | Q(state="closed", closed_at__isnull=False) & ~Q(decision=""),
                name="cycle_is_closed_by_a_decision",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year}"

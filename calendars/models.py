"""What has been published about days. Rows are added, never changed: a database trigger refuses anything else."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from calendars import state_years
from calendars.state_years import OwnDays, Span, StateYear


class Publication(models.Model):
    """When something was published, by whom (nobody: it came with the product), and at which stamp it took effect."""

    stamp = models.BigIntegerField(editable=False)
    published_at = models.DateTimeField(_("published at"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("published by")
    )

    class Meta:
        abstract = True


class Edition(Publication):
    """The State's calendar of one year in one edition; a correction is the next number of the same year."""

    year = models.PositiveSmallIntegerField(_("year"))
    number = models.PositiveSmallIntegerField(_("edition"))
    notice = models.CharField(_("notice"), max_length=100)
    issued_on = models.DateField(_("issued on"))
    content = models.JSONField()
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("edition of the State's calendar")
        verbose_name_plural = _("editions of the State's calendar")
        ordering: ClassVar = ["year", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["year", "number"], name="one_edition_per_number")
        ]

    def __str__(self) -> str:
        return f"cn-{self.year}#{self.number}"

    def as_state_year(self) -> StateYear:
        """The edition as a value to calculate with."""
        return StateYear.from_json(self.content)


class OverlayKind(models.TextChoices):
    LOCAL_HOLIDAY = state_years.LOCAL_HOLIDAY, _("local or ethnic holiday")
    CLOSURE = state_years.CLOSURE, _("closure")
    OWN_WORKING_DAY = state_years.OWN_WORKING_DAY, _("own working day")
    WITHDRAWN = state_years.WITHDRAWN, _("withdrawn: as the State's calendar again")


class Overlay(Publication):
    """What one institution says about its own days, on top of the State's calendar. The last word about a day counts."""

    institution = models.ForeignKey(
        "organisation.Institution", models.PROTECT, related_name="+", verbose_name=_("institution")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=OverlayKind.choices)
    begins = models.DateField(_("first day"))
    ends = models.DateField(_("last day"))
    name_zh = models.CharField(_("Chinese name"), max_length=100)
    name_en = models.CharField(_("English name"), max_length=200)
    source = models.CharField(_("source"), max_length=200)

    class Meta:
        verbose_name = _("the institution's own days")
        verbose_name_plural = _("the institution's own days")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends__gte=F("begins")),
                name="overlay_ends_after_it_begins",
                violation_error_message=_("The last day must not be before the first day."),
            ),
            models.CheckConstraint(condition=~Q(source=""), name="overlay_has_a_source"),
        ]

    def __str__(self) -> str:
        return f"overlay-{self.pk}"

    def as_own_days(self) -> OwnDays:
        """The overlay as a value to calculate with."""
        return OwnDays(
            str(self), self.kind, Span(self.begins, self.ends, self.name_zh, self.name_en), self.source
        )


class Stamp(models.Model):
    """One row: the number of the latest publication. It grows with each, and no number is ever used twice."""

    number = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="one_calendar_stamp")]

    def __str__(self) -> str:
        return str(self.number)

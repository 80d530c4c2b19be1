"""Supervised: what every document of supervision has in common."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from workflows.documents import Document


class Supervised(Document):
    """A document that is pinned to one appraisal year, hence to one version of the scheme's rules (promise 6)."""

    cycle = models.ForeignKey(
        "schemes.Cycle", models.PROTECT, related_name="+", verbose_name=_("appraisal year")
    )

    cycle_id: int

    class Meta:
        abstract = True

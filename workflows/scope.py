"""Scope: which rows an actor may see. Every `Document.visible_to` is built from this one place (promise 10)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, StrIndex

from organisation.actors import Actor
from organisation.models import Unit
from organisation.roles import PostRole

M = TypeVar("M", bound=Model)

OVERSIGHT = frozenset({
    PostRole.PERFORMANCE_OFFICE, PostRole.SUPERVISOR, PostRole.LEADING_GROUP, PostRole.DISCIPLINE_INSPECTION, PostRole.AUDITOR,
})  # fmt: skip
"""Posts that see the whole institution."""


def oversees(actor: Actor, oversight: Collection[str] = OVERSIGHT) -> bool:
    """Whether one of the actor's posts of the day sees the whole institution."""
    return actor.clock or any(capacity.role in oversight for capacity in actor.capacities)


def within_reach(
    rows: QuerySet[M],
    actor: Actor,
    *,
    oversight: Collection[str] = OVERSIGHT,
    unit: str = "unit",
    hidden: Q | None = None,
) -> QuerySet[M]:
    """Rows of the actor's institution: all for oversight posts, else those of the units below one's own posts' units.

    `unit` names the field that says whose row it is; `hidden` are rows that only oversight posts see.
    Someone without a post of the day sees nothing.
    """
    mine = rows.filter(institution_id=actor.institution_id)
    if oversees(actor, oversight):
        return mine
    units = sorted({c.unit_id for c in actor.capacities if c.unit_id is not None})
    if not units:
        return mine.none()
    if hidden is not None:
        mine = mine.exclude(hidden)
    # The units are found first, and then the rows by their unit: never each row's unit by itself.
    own = Unit.objects.filter(pk__in=units).annotate(whole=Concat(OuterRef("path"), Value("")))
    below: Any = Exists(own.annotate(place=StrIndex(F("whole"), F("path"))).filter(place=1))
    within = Unit.objects.filter(below, institution_id=actor.institution_id)
    return mine.filter(**{f"{unit}__in": within.values("pk")})

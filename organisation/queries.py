"""Who holds what on a day, and where an item goes that nobody can act on. Reads only; every answer is of one institution."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import DateField, DateTimeField, F, Func, Q, Value
from django.db.models.functions import Cast

from organisation.actors import Actor, Capacity
from organisation.models import Institution, Person, Standing, Unit
from organisation.offices import NEXT_OFFICE_UP, Office, Where
from organisation.roles import Via

if TYPE_CHECKING:
    from django.db.models import QuerySet

_OWN_POST_FIRST = {Via.POST: 0, Via.DELEGATION: 1, Via.ABSENCE: 2}


def zone_of(institution_id: int) -> ZoneInfo:
    """The institution's time zone. Kept for the life of the process: the database refuses to change it."""
    return _zone_in(connection.settings_dict["NAME"], institution_id)


@cache
def _zone_in(database: str, institution_id: int) -> ZoneInfo:
    # By database too: tests work on several in one process, where one id names different institutions.
    return ZoneInfo(Institution.objects.values_list("time_zone", flat=True).get(pk=institution_id))


def local_day(institution: Institution | int, at: datetime) -> date:
    """The calendar day in the time zone of the institution (a row or its id) at the instant `at`.

    Raises ValueError for a naive datetime.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs its time zone: a naive datetime names no day")
    zone = zone_of(institution) if isinstance(institution, int) else institution.zone
    return at.astimezone(zone).date()


def now_of(institution: Institution, real_now: datetime) -> datetime:
    """What the institution's clock shows: `real_now`, or the instant it is frozen at."""
    return institution.frozen_at or real_now


def actor_for(person: Person, at: datetime) -> Actor:
    """The person with every capacity of that day, own posts first (R9). One query; no capacity when not active.

    The day is worked out by the database from the institution's zone, so that no institution is loaded for it.
    """
    if at.tzinfo is None:
        raise ValueError("an instant needs its time zone: a naive datetime names no day")
    there = Func(F("institution__time_zone"), Value(at), function="timezone", output_field=DateTimeField())
    day = Cast(there, DateField())
    rows = Standing.objects.filter(
        Q(ends__isnull=True) | Q(ends__gte=day), person_id=person.pk, begins__lte=day
    )
    capacities = [
        Capacity(*row) for row in rows.values_list("post_id", "role", "unit_id", "holder_id", "via")
    ]
    capacities.sort(key=lambda capacity: (_OWN_POST_FIRST[Via(capacity.via)], capacity.post_id or 0))
    return Actor(person.pk, person.institution_id, person.name, tuple(capacities))


def holders_of(
    role: str, unit_id: int | None, on: date, *, institution_id: int | None = None
) -> QuerySet[Standing]:
    """Who may act in `role` on that day, in one unit, or (`unit_id` None) anywhere in the institution.

    `institution_id` is then required (ValueError): a role without a unit must never be looked up across institutions.
    """
    rows = Standing.objects.on(on).filter(role=role)
    if unit_id is None and institution_id is None:
        raise ValueError(
            "holders of a role without a unit are looked up inside one institution: give institution_id"
        )
    if institution_id is not None:
        rows = rows.filter(institution_id=institution_id)
    return rows if unit_id is None else rows.filter(unit_id=unit_id)


def subtree_of(unit: Unit, on: date | None = None) -> QuerySet[Unit]:
    """The unit with everything below it, parents before children; only what existed on `on` if a day is given.

    Raises ValueError for a unit that was made in bulk and not read back: without its path it would be everybody's.
    """
    if not unit.path:
        raise ValueError("this unit's path is not known yet: read it from the database first")
    units = Unit.objects.filter(institution_id=unit.institution_id, path__startswith=unit.path).order_by(
        "path"
    )
    return units if on is None else units.on(on)


def units_as_of(institution: Institution, day: date) -> QuerySet[Unit]:
    """The tree as it stood on that day, parents before children."""
    return Unit.objects.on(day).filter(institution=institution).order_by("path")


def unit_above(unit: Unit) -> Unit | None:
    """The parent unit, or None at the top."""
    return unit.parent


def office_above(role: str, unit: Unit, day: date, *, without: Collection[int] = ()) -> Office | None:
    """Where an item of `role` in `unit` goes that day when nobody there can act: the first office of NEXT_OFFICE_UP
    that somebody holds, not counting the people in `without` (whose own work it is). None: nobody at all. One query.

    Several offices of one kind: the one nearest in the tree.
    """
    places = NEXT_OFFICE_UP[role]
    above = unit.ancestor_ids[::-1]
    line = {place.role for place in places if place.where is not Where.NEAREST}
    wide = {place.role for place in places if place.where is Where.NEAREST}
    held = (
        Standing.objects.on(day)
        .filter(Q(role__in=line, unit_id__in=above) | Q(role__in=wide), institution_id=unit.institution_id)
        .exclude(person_id__in=list(without))
        .values_list("role", "unit_id", "unit__path")
        .distinct()
    )
    rank: dict[tuple[str, int], tuple[int, int, int]] = {}
    for held_role, unit_id, path in held:
        distance = _distance(unit.path, path)
        for order, place in enumerate(places):
            if place.role == held_role and place.reaches(unit.pk, unit_id, above):
                rank.setdefault((held_role, unit_id), (order, distance, unit_id))
    if not rank:
        return None
    nearest_role, nearest_unit = min(rank, key=lambda key: rank[key])
    return Office(nearest_role, nearest_unit)


def _distance(one: str, other: str) -> int:
    """How many steps up from `one` until `other` is below: 0 for the same unit or one below it."""
    mine, theirs = one.split("/")[:-1], other.split("/")[:-1]
    shared = 0
    for a, b in zip(mine, theirs, strict=False):
        if a != b:
            break
        shared += 1
    return len(mine) - shared

"""Institutions for tests, and the shortest words for what tests do over and over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from organisation import changes
from organisation.actors import Actor, clock_of
from organisation.models import Institution, Person, Post, Unit

YEAR_BEGINS = date(2026, 1, 1)
NOON = datetime(2026, 1, 5, 4, 0, tzinfo=UTC)  # Monday 12:00 in the county


class Told(NamedTuple):
    """One call of the registry of changes."""

    institution_id: int
    what: str
    facts: Mapping[str, Any]
    by: Actor
    at: datetime


@dataclass
class Place:
    """One institution of a test. `person()` makes a person once and then gives the same one."""

    institution: Institution
    root: Unit
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def clock(self) -> Actor:
        return clock_of(self.institution.pk)

    def unit(self, name: str, parent: Unit | None = None, kind: str = "department", **more: Any) -> Unit:
        return Unit.objects.create(
            institution=self.institution,
            parent=parent or self.root,
            kind=kind,
            name_zh=name,
            **{"begins": YEAR_BEGINS, **more},
        )

    def person(self, name: str, **more: Any) -> Person:
        if name not in self.people:
            username = f"{self.institution.slug}-{name}"
            self.people[name] = Person.objects.create_user(
                username, institution=self.institution, name=name, **more
            )
        return self.people[name]

    def post(
        self, name: str, role: str, unit: Unit, begins: date = YEAR_BEGINS, ends: date | None = None
    ) -> Post:
        return changes.appoint(
            person=self.person(name),
            role=role,
            unit=unit,
            begins=begins,
            ends=ends,
            by=self.clock,
            at=NOON,
            reason="任职通知",
        )


def place(slug: str, name: str, **more: Any) -> Place:
    institution = Institution.objects.create(slug=slug, name_zh=name, **more)
    root = Unit.objects.create(institution=institution, kind="county", name_zh=name, begins=YEAR_BEGINS)
    return Place(institution, root)

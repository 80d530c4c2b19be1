"""Who is told how, when neither the person nor the institution has said otherwise, and the SQL that reads all three."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from notifications.models import Preference
from organisation.actors import Actor
from organisation.models import Person
from workflows.ledger import record_institution

PRODUCT: Mapping[str, Any] = {
    "urgent_by_mail": True,
    "digest_by_mail": True,
    "digest_at": time(8, 30),
    "quiet_from": time(20, 0),
    "quiet_until": time(8, 0),
}
"""In force where nobody has laid down anything else. Equal ends mean that no hour is quiet."""

# For a statement that has a person `p` and an institution `i`; JOINS before, the columns after SELECT.
JOINS = """
  LEFT JOIN notifications_preference own ON own.institution_id = i.id AND own.person_id = p.id
  LEFT JOIN notifications_preference usual ON usual.institution_id = i.id AND usual.person_id IS NULL"""


def wish(name: str) -> str:
    """SQL: the value of one preference for the person at hand; takes the product's own as parameter `name`."""
    return f"coalesce(own.{name}, usual.{name}, %({name})s)"


QUIET = f"""(CASE WHEN {wish("quiet_from")} <= {wish("quiet_until")}
      THEN l.clock >= {wish("quiet_from")} AND l.clock < {wish("quiet_until")}
      ELSE l.clock >= {wish("quiet_from")} OR l.clock < {wish("quiet_until")} END)"""
"""SQL: whether the institution's local time `l.clock` lies in the person's quiet hours; they may pass midnight."""


def wishes_of(person: Person) -> dict[str, Any]:
    """What is in force for a person: every preference by name. One query."""
    rows = {
        row.person_id: row
        for row in Preference.objects.filter(institution_id=person.institution_id)
        if row.person_id in (None, person.pk)
    }
    return {
        name: next(
            (
                value
                for key in (person.pk, None)
                if key in rows and (value := getattr(rows[key], name)) is not None
            ),
            usual,
        )
        for name, usual in PRODUCT.items()
    }


def set_wishes(person: Person, **wishes: Any) -> Preference:
    """Keep what a person wants, by the names of PRODUCT; None: as the institution. Raises TypeError for another name."""
    return _keep(person.institution_id, person, wishes)


def lay_down(institution_id: int, *, by: Actor, at: datetime, **wishes: Any) -> Preference:
    """What the institution wants for everybody who has not said otherwise; entered in its ledger. Raises TypeError."""
    row = _keep(institution_id, None, wishes)
    record_institution(institution_id, "notifications", "lay_down", wishes, by=by, at=at)
    return row


def _keep(institution_id: int, person: Person | None, wishes: Mapping[str, Any]) -> Preference:
    if unknown := wishes.keys() - PRODUCT.keys():
        raise TypeError(f"no such preference: {', '.join(sorted(unknown))}")
    row, _ = Preference.objects.update_or_create(
        institution_id=institution_id, person=person, defaults=dict(wishes)
    )
    return row

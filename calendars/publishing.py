"""Publishing an edition of the State's calendar, or an institution's own days: the only writers of this room."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from calendars.edition_files import faults_of
from calendars.models import Edition, Overlay, OverlayKind, Stamp
from calendars.state_years import StateYear


class CannotPublish(Exception):
    """The edition or overlay may not be published; the sentence says why."""


@dataclass(frozen=True)
class Published:
    """What was published: `institution_id` None means the State's calendar, hence every institution.

    `content` is in JSON's own types, for the ledger; `by` is a person's id, None when it came with the product.
    """

    key: str
    institution_id: int | None
    stamp: int
    content: Mapping[str, Any]
    by: int | None
    at: datetime


on_published: list[Callable[[Published], None]] = []
"""Filled at start-up by the rooms above: each is called in the publishing transaction, after the row and the new stamp.
There the ledger is written and the dates of open items are derived anew."""


def publish_edition(edition: StateYear, by: int | None, at: datetime) -> tuple[Edition, bool]:
    """Publish an edition. Returns the row, and False when exactly this one was published before (nothing happens then).

    Raises CannotPublish for faults, for other content under a number already used, and for a number out of turn.
    """
    if faults := list(faults_of(edition)):
        raise CannotPublish("; ".join(faults))
    with transaction.atomic():
        _take_turn()
        earlier = {row.number: row for row in Edition.objects.filter(year=edition.year)}
        if same := earlier.get(edition.number):
            if same.digest == edition.digest:
                return same, False
            raise CannotPublish(
                f"{edition.key} is published with other content; a correction is number {max(earlier) + 1}"
            )
        if edition.number != len(earlier) + 1:
            raise CannotPublish(
                f"the next edition of {edition.year} is number {len(earlier) + 1}, not {edition.number}"
            )
        stamp = _next_stamp()
        row = Edition.objects.create(
            year=edition.year, number=edition.number, notice=edition.notice, issued_on=edition.issued_on,
            content=edition.as_json(), digest=edition.digest, stamp=stamp, published_at=at, published_by_id=by,
        )  # fmt: skip
        _tell(Published(edition.key, None, stamp, row.content, by, at))
    return row, True


def publish_overlay(
    institution_id: int,
    kind: str,
    begins: date,
    ends: date,
    *,
    name_zh: str,
    name_en: str,
    source: str,
    by: int | None,
    at: datetime,
) -> Overlay:
    """Publish an institution's own days (one of OverlayKind), with who says so as `source`. Raises CannotPublish."""
    if kind not in OverlayKind.values:
        raise CannotPublish(f"{kind!r} is none of {', '.join(OverlayKind.values)}")
    if ends < begins:
        raise CannotPublish(f"the last day {ends} is before the first day {begins}")
    if missing := [
        name
        for name, text in (("name_zh", name_zh), ("name_en", name_en), ("source", source))
        if not text.strip()
    ]:
        raise CannotPublish(f"{', '.join(missing)} must be given")
    with transaction.atomic():
        _take_turn()
        stamp = _next_stamp()
        row = Overlay.objects.create(
            institution_id=institution_id, kind=kind, begins=begins, ends=ends, name_zh=name_zh, name_en=name_en,
            source=source, stamp=stamp, published_at=at, published_by_id=by,
        )  # fmt: skip
        content = {
            "kind": kind, "begins": begins.isoformat(), "ends": ends.isoformat(), "zh": name_zh, "en": name_en, "source": source,
        }  # fmt: skip
        _tell(Published(str(row), institution_id, stamp, content, by, at))
    return row


def _take_turn() -> None:
    """One publication at a time: the row is held to the end of the transaction."""
    Stamp.objects.select_for_update().get(pk=1)


def _next_stamp() -> int:
    """The next stamp, from a sequence: a number that a rolled-back transaction has seen is never given again, so that
    a calendar which some process has kept under it can never be mistaken for another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE calendars_stamp SET number = nextval('calendars_stamp_numbers') WHERE id = 1 RETURNING number"
        )
        number: int = cursor.fetchone()[0]
    return number


def _tell(published: Published) -> None:
    for listener in on_published:
        listener(published)

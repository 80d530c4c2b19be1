"""The calendar as it stood at a stamp. A process reads each stamp's publications once."""

from __future__ import annotations

from functools import lru_cache

from django.db import connection
from django.db.models import Subquery, Value
from django.db.models.functions import Coalesce

from calendars.models import Edition, Overlay, Stamp
from calendars.state_years import OwnDays, StateYear, calendar_from
from calendars.working_days import Calendar

STAMP = Coalesce(Subquery(Stamp.objects.filter(pk=1).values("number")[:1]), Value(0))
"""The current stamp as an expression, for a statement that needs it beside its own rows."""


def current_stamp() -> int:
    """The number of the latest publication; 0 when nothing is published. One query."""
    return Stamp.objects.filter(pk=1).values_list("number", flat=True).first() or 0


def calendar_of(institution_id: int | None, stamp: int) -> Calendar:
    """The calendar of an institution (None: the State's alone) as it stood at `stamp`; no query the second time.

    What was published later is left out, so that the answer for a stamp never changes.
    """
    return _calendar(connection.settings_dict["NAME"], institution_id, stamp)


@lru_cache(maxsize=1024)
def _calendar(database: str, institution_id: int | None, stamp: int) -> Calendar:
    own: list[OwnDays] = []
    if institution_id is not None:
        overlays = Overlay.objects.filter(institution_id=institution_id, stamp__lte=stamp).order_by(
            "stamp", "id"
        )
        own = [overlay.as_own_days() for overlay in overlays]
    return calendar_from(_state_years(database, stamp), own)


@lru_cache(maxsize=8)
def _state_years(database: str, stamp: int) -> tuple[StateYear, ...]:
    return tuple(edition.as_state_year() for edition in Edition.objects.filter(stamp__lte=stamp))

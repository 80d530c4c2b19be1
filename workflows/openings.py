"""Documents that a date opens: quarterly reports and the like. The rooms above register what opens them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from organisation.models import Institution
from organisation.queries import local_day
from workflows.models import Finding, Heartbeat

log = logging.getLogger(__name__)

Opening = Callable[[int, datetime], int]
"""Takes an institution and its instant; opens what is missing and says how many. Finds nothing the second time."""

EVERY = timedelta(minutes=10)
"""A new day is looked at once; within the day, what people have set up meanwhile."""
OPENINGS = "openings"
INSTITUTION = "organisation.institution"
ZONE_UNKNOWN = "zone_unknown"
"""This machine has no data of the institution's time zone: it has no day, and nothing of it is opened or sealed."""

_openings: dict[str, Opening] = {}


def register_opening(key: str, opening: Opening) -> None:
    """Called once at start-up by the room whose documents a date opens."""
    _openings[key] = opening


def open_what_is_due(
    at: datetime, *, institution_id: int | None = None, looked: Mapping[str, Any] | None = None
) -> int:
    """Ask every opening, for every institution by its own clock; how many documents were opened.

    `looked` is the heartbeat's detail, "day@instant" by institution: who was looked at on this day and lately is left out.
    One that raises is shown to an operator and asked again the next time; it holds back neither the others nor the sweep.
    So does an institution whose time zone this machine does not know.
    """
    opened = 0
    institutions = Institution.objects.order_by("pk")
    if institution_id is not None:
        institutions = institutions.filter(pk=institution_id)
    for pk, frozen_at in institutions.values_list("pk", "frozen_at") if _openings else ():
        now = frozen_at or at
        try:
            day = local_day(pk, now).isoformat()
        except Exception as error:
            _tell(pk, ZONE_UNKNOWN, error, at)
            continue
        if looked is not None and not _is_time(looked.get(str(pk)), day, at):
            continue
        with transaction.atomic():
            if not _is_our_turn(at):
                continue
            opened += sum(_ask(key, opening, pk, now) for key, opening in _openings.items())
            _looked(pk, day, at)
            _take_back(pk, ZONE_UNKNOWN)
    return opened


def _is_time(looked: Any, day: str, at: datetime) -> bool:
    before, _, when = str(looked or "").partition("@")
    return before != day or at - datetime.fromisoformat(when) >= EVERY


def _is_our_turn(at: datetime) -> bool:
    """One at a time: who finds the row held lets the other do it."""
    Heartbeat.objects.bulk_create([Heartbeat(component=OPENINGS, at=at, detail={})], ignore_conflicts=True)
    return Heartbeat.objects.select_for_update(skip_locked=True).filter(component=OPENINGS).exists()


def _ask(key: str, opening: Opening, institution_id: int, now: datetime) -> int:
    code = f"opening_failed:{key}"
    try:
        with transaction.atomic():
            opened = opening(institution_id, now)
    except Exception as error:
        _tell(institution_id, code, error, now)
        return 0
    _take_back(institution_id, code)
    return opened


def _tell(institution_id: int, code: str, error: Exception, at: datetime) -> None:
    """Show an operator what stands in an institution's way. A server that is gone is nobody's fault: raised on."""
    if not connection.is_usable():
        raise error
    told = {"error": f"{type(error).__name__}: {error}"[:2000]}
    _, is_new = Finding.objects.update_or_create(
        kind=INSTITUTION, document_id=institution_id, code=code, defaults={"params": told, "found_at": at}
    )
    if is_new:  # asked again every tick: the log would hold nothing else
        log.error("%s of institution %s", code, institution_id, exc_info=error)


def _take_back(institution_id: int, code: str) -> None:
    Finding.objects.filter(kind=INSTITUTION, document_id=institution_id, code=code).delete()


def _looked(institution_id: int, day: str, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE workflows_heartbeat SET at = %s, detail = detail || jsonb_build_object(%s::text, %s::text) WHERE component = %s",
            [at, str(institution_id), f"{day}@{at.isoformat()}", OPENINGS],
        )

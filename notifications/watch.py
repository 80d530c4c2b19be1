"""One pass of delivering, watched over: one at a time, held while the clock is not believed, thorough from time to time,
heard of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import Error, connection

from notifications.sending import LEASE, Delivered, deliver
from workflows.clockwork import THE_CLOCK, beat
from workflows.models import Finding, Heartbeat

DELIVER, PLACE = "deliver", "deliver_place"
THOROUGH_EVERY = timedelta(minutes=10)

# Passes may overlap without harm, but a slow server would hold one worker after the other, and the sweep would wait. A pass
# that was killed holds the place for no longer than a lease.
TAKE_PLACE = """
INSERT INTO workflows_heartbeat AS h (component, at, detail)
VALUES (%(place)s, %(at)s, jsonb_build_object('by', %(by)s::text, 'until', clock_timestamp() + %(lease)s * interval '1 second'))
ON CONFLICT (component) DO UPDATE SET at = excluded.at, detail = excluded.detail
 WHERE h.detail->>'until' IS NULL OR (h.detail->>'until')::timestamptz < clock_timestamp()"""
LEAVE_PLACE = "UPDATE workflows_heartbeat SET detail = '{}' WHERE component = %s AND detail->>'by' = %s"


def deliver_in_turn(at: datetime) -> Delivered | None:
    """One pass at `at`, the database's clock; None while another one is at it.

    Nothing leaves while the clock is in doubt: a mail cannot be taken back.
    """
    if Finding.objects.filter(kind=THE_CLOCK, code__startswith="clock_").exists():
        return Delivered()
    with _place(at) as ours:
        if not ours:
            return None
        before = Heartbeat.objects.filter(component=DELIVER).first()
        looked = before.detail.get("thorough_at") if before else None
        thorough = looked is None or at - datetime.fromisoformat(looked) >= THOROUGH_EVERY
        done = deliver(at, thorough=thorough)
        beat(DELIVER, at, {"now": done.figures(), "thorough_at": at.isoformat() if thorough else looked})
    return done


@contextmanager
def _place(at: datetime) -> Iterator[bool]:
    """The one place of a pass, and whether it was free."""
    by = str(uuid4())
    with connection.cursor() as cursor:
        cursor.execute(TAKE_PLACE, {"place": PLACE, "at": at, "by": by, "lease": LEASE.total_seconds()})
        ours = cursor.rowcount == 1
    try:
        yield ours
    finally:
        # A database that is gone is told by whoever found it so; the place is free when the lease ends.
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute(LEAVE_PLACE, [PLACE, by])

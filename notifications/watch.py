"""One pass of delivering, watched over: held while the clock is not believed, thorough from time to time, heard of."""

from __future__ import annotations

from datetime import datetime, timedelta

from notifications.sending import Delivered, deliver
from workflows.clockwork import THE_CLOCK, beat
from workflows.models import Finding, Heartbeat

DELIVER = "deliver"
THOROUGH_EVERY = timedelta(minutes=10)


def deliver_in_turn(at: datetime) -> Delivered:
    """One pass at `at`, the database's clock. Nothing leaves while the clock is in doubt: a mail cannot be taken back."""
    if Finding.objects.filter(kind=THE_CLOCK, code__startswith="clock_").exists():
        return Delivered()
    before = Heartbeat.objects.filter(component=DELIVER).first()
    looked = before.detail.get("thorough_at") if before else None
    thorough = looked is None or at - datetime.fromisoformat(looked) >= THOROUGH_EVERY
    done = deliver(at, thorough=thorough)
    detail = {"now": done.figures(), "thorough_at": at.isoformat() if thorough else looked}
    beat(DELIVER, at, detail)
    return done

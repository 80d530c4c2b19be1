"""The Celery faces: argument-less, expiring bells that say "look now". Names and intervals: CELERY_BEAT_SCHEDULE."""

from __future__ import annotations

import logging
import os
import socket
from datetime import timedelta

from celery import shared_task
from django.db import connection

from organisation.models import Institution
from organisation.queries import now_of
from workflows import attachments, auditor, census, clockwork
from workflows.models import Heartbeat
from workflows.verification import seal_days

log = logging.getLogger(__name__)

AT_MOST_EVERY = timedelta(seconds=5)


@shared_task(name="workflows.tasks.sweep")
def sweep() -> None:
    """What is due now."""
    clockwork.tick(clockwork.database_clock())


@shared_task(name="workflows.tasks.count")
def count() -> None:
    """What has changed in the census, and a day that is over."""
    census.fold()
    census.close_days(clockwork.database_clock())


@shared_task(name="workflows.tasks.heartbeat")
def heartbeat() -> None:
    """A worker lives."""
    clockwork.beat(
        clockwork.WORKER, clockwork.database_clock(), {"host": socket.gethostname(), "pid": os.getpid()}
    )


@shared_task(name="workflows.tasks.audit")
def audit() -> None:
    """What should not be. What can be sent on is sent on first, so that the day's changes of posts alarm nobody."""
    now = clockwork.database_clock()
    try:
        before = Heartbeat.objects.filter(component=clockwork.REROUTE).first()
        clockwork.reroute_in_turn(before, now, every=AT_MOST_EVERY)
    except Exception:
        log.exception("rerouting before the audit")
    auditor.audit_in_turn(now)


@shared_task(name="workflows.tasks.seal")
def seal() -> None:
    """Every day that is over and not sealed, of every institution by its own clock; and the attachments' files."""
    now = clockwork.database_clock()
    for institution in Institution.objects.order_by("pk"):
        try:
            seal_days(institution, at=now_of(institution, now))
        except Exception:  # the others' days are over all the same; the auditor finds what stays unsealed
            if not connection.is_usable():
                raise
            log.exception("the seals of %s", institution.slug)
    attachments.look_after_files(now)

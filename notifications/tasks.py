"""The Celery face: an argument-less bell that says "look now". Name and interval: CELERY_BEAT_SCHEDULE."""

from __future__ import annotations

from celery import shared_task

from notifications import watch
from workflows.clockwork import database_clock


@shared_task(name="notifications.tasks.deliver")
def deliver() -> None:
    """What is to be sent now."""
    watch.deliver_in_turn(database_clock())

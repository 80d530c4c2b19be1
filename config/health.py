"""`/healthz`: is Duban doing its work, and if not, why not.

200 when the database and the broker answer, a worker has lived, the deadlines have been swept and the auditor has found
nothing wrong, each recently; 503 with the reasons otherwise. During the first minute of a web process a worker that
has not been heard of yet counts as starting. Open to everybody, so it tells states and ages, no addresses.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workflows.models import Heartbeat

logger = logging.getLogger(__name__)
STARTED = time.monotonic()
START_SECONDS = 60.0
# Component of workflows.Heartbeat -> (what it is, seconds after which its silence is a fault). Each is several ticks
# of the schedule in settings.CELERY_BEAT_SCHEDULE, so that one lost tick alarms nobody.
LIMITS: dict[str, tuple[str, int]] = {
    "worker": ("a worker", 60),
    "sweep": ("the sweep of deadlines", 60),
    "audit": ("the auditor", 300),
}


def broker_answers(url: str) -> bool:
    """Whether the broker answers within a second; a frozen one counts as none."""
    client = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def read_heartbeats() -> dict[str, Heartbeat] | None:
    """The last sign of life of every component; None when the database does not answer or has no tables yet."""
    try:
        with transaction.atomic():
            return {row.component: row for row in Heartbeat.objects.all()}
    except DatabaseError as fault:
        logger.warning("healthz: the database: %s", fault)
        connection.close()
        return None


def judge(
    heartbeats: dict[str, Heartbeat] | None, *, broker: bool, at: datetime, uptime: float
) -> tuple[int, dict[str, Any]]:
    """The answer's status and body. `uptime` is in seconds since this web process started."""
    reasons: list[str] = []
    waiting: list[str] = []
    components: dict[str, Any] = {}
    if heartbeats is None:
        reasons.append("The database does not answer or is not migrated.")
    if not broker:
        reasons.append("The broker does not answer.")
    for name, (label, limit) in LIMITS.items() if heartbeats is not None else ():
        row = (heartbeats or {}).get(name)
        age = None if row is None else max(0, round((at - row.at).total_seconds()))
        components[name] = {"age_seconds": age, "limit_seconds": limit}
        if age is None or age > limit:
            told = (
                f"Nothing has been heard of {label}."
                if age is None
                else f"Last sign of {label}: {age} s ago."
            )
            (waiting if uptime < START_SECONDS else reasons).append(told)
        elif name == "audit" and row is not None and (faults := row.detail.get("faults", 0)):
            components[name]["faults"] = faults
            reasons.append(f"The auditor has found {faults} faults.")
    status = "failing" if reasons else "starting" if waiting else "ok"
    body = {
        "status": status,
        "reasons": reasons + waiting,
        "database": heartbeats is not None,
        "broker": broker,
        "components": components,
    }
    return (503 if reasons else 200), body


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The judgement as JSON."""
    status, body = judge(
        read_heartbeats(),
        broker=broker_answers(settings.REDIS_URL),
        at=timezone.now(),
        uptime=time.monotonic() - STARTED,
    )
    return JsonResponse(body, status=status)

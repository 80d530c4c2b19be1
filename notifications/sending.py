"""deliver(): plan, then hand over what is due, one lease at a time.

A lease and its token are rows, and they end by the database's clock: a process that dies or freezes is overtaken, and
what it says afterwards is not believed. The channel is talked to outside every transaction. Nothing can make the step
between "the server has it" and "we have written that it has" one step: killed there, a message leaves twice, and both
copies carry one Message-ID.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F

from notifications.channels import CHANNELS
from notifications.channels.base import Channel, ChannelDown, Message, Session, Undeliverable
from notifications.models import Breaker, Delivery
from notifications.planning import OVERTAKEN, plan
from notifications.preferences import JOINS, PRODUCT, QUIET
from workflows.failpoints import reached

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""More than twice the longest that the channel may keep silent (settings.EMAIL_TIMEOUT)."""
MOST_ATTEMPTS = 8
RETRY_FIRST, RETRY_LONGEST = 30.0, 6 * 3600.0
"""Seconds before a message is tried again: doubled each time, up to the longest."""
REST_FIRST, REST_LONGEST = 30.0, 15 * 60.0
"""Seconds that a channel rests after a fault of its own: doubled each time, up to the longest."""
BUDGET = 20.0
"""Seconds after which a pass leaves the rest to the next."""

LEASE_NEXT = f"""
WITH picked AS (
  SELECT d.id FROM notifications_delivery d
    JOIN organisation_institution i ON i.id = d.institution_id JOIN organisation_person p ON p.id = d.person_id{JOINS}
    CROSS JOIN LATERAL (SELECT (%(at)s::timestamptz AT TIME ZONE i.time_zone)::time AS clock) l
   WHERE d.channel = %(channel)s AND d.status = 'pending' AND d.next_attempt_at <= %(at)s AND i.frozen_at IS NULL AND NOT {QUIET}
   ORDER BY d.urgent DESC, d.next_attempt_at, d.id LIMIT 1 FOR UPDATE OF d SKIP LOCKED)
UPDATE notifications_delivery d
   SET status = 'leased', lease_token = %(token)s, lease_until = clock_timestamp() + %(lease)s * interval '1 second', attempts = d.attempts + 1
  FROM picked WHERE d.id = picked.id
RETURNING d.id, d.attempts, d.message_id, d.address, d.subject, d.body, d.created_at"""

# Still ours, and still worth saying? What an operator sends again is always worth it.
LOOK_AGAIN = f"""
SELECT d.lease_until > clock_timestamp(), d.resend_of_id IS NULL AND n.id IS NOT NULL AND {OVERTAKEN}
  FROM notifications_delivery d LEFT JOIN workflows_notice n ON n.id = d.notice_id
 WHERE d.id = %(id)s AND d.lease_token = %(token)s AND d.status = 'leased'"""

# Whoever held these has died or frozen. They go to the end of the line, so that one that kills its process stops nobody.
TAKE_BACK = """
UPDATE notifications_delivery d
   SET status = CASE WHEN d.attempts >= %(most)s THEN 'dead' ELSE 'pending' END, next_attempt_at = %(at)s,
       dead_at = CASE WHEN d.attempts >= %(most)s THEN %(at)s::timestamptz END,
       lease_token = NULL, lease_until = NULL, last_error = 'The process that was sending it ended or stood still.'
 WHERE d.id IN (SELECT id FROM notifications_delivery WHERE channel = %(channel)s AND status = 'leased' AND lease_until < clock_timestamp()
                 ORDER BY id FOR UPDATE SKIP LOCKED)"""


@dataclass
class Delivered:
    """What one pass did."""

    planned: int = 0
    digests: int = 0
    sent: int = 0
    suppressed: int = 0
    put_off: int = 0
    dead: int = 0
    overtaken: int = 0
    taken_back: int = 0
    channels_down: int = 0
    unfinished: bool = False

    def figures(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Leased:
    """A delivery that is ours until its lease ends."""

    pk: int
    attempts: int
    message: Message
    token: UUID


def deliver(at: datetime, *, thorough: bool = True, budget: float = BUDGET) -> Delivered:
    """Plan what is new and send what is due at `at`, in every channel that is not at rest; `budget` in seconds.

    Safe at any time, in any number, killed anywhere. Must not be called inside a transaction of the caller's: what is
    leased must be seen by others before the channel is talked to.
    """
    done, ends = Delivered(), time.monotonic() + budget
    for channel in CHANNELS.values():
        planned = plan(at, channel.key, thorough=thorough)
        done.planned, done.digests = done.planned + planned.notices, done.digests + planned.digests
        done.taken_back += _write(TAKE_BACK, {"channel": channel.key, "at": at, "most": MOST_ATTEMPTS})
        breaker = Breaker.objects.filter(channel=channel.key).first()
        if breaker is not None and breaker.open_until is not None and breaker.open_until > at:
            done.channels_down += 1
            continue
        _send_through(channel, breaker, at, ends, done)
    return done


def _send_through(
    channel: Channel, breaker: Breaker | None, at: datetime, ends: float, done: Delivered
) -> None:
    failing = breaker is not None and breaker.failures > 0
    with channel.session() as session:
        while leased := lease_next(channel.key, at):
            reached("after_lease")
            try:
                _hand_over(session, leased, at, done)
            except ChannelDown as error:
                log.warning("channel %s is given a rest: %s", channel.key, error)
                _give_back(leased, _rest(channel.key, str(error), at))
                done.channels_down += 1
                return
            if failing:
                Breaker.objects.filter(channel=channel.key).update(
                    failures=0, open_until=None, opened_at=None
                )
                failing = False
            if time.monotonic() > ends:
                done.unfinished = True
                return


def lease_next(channel: str, at: datetime) -> Leased | None:
    """The delivery that is due first, for LEASE by the database's clock; its attempt is counted. One statement."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            LEASE_NEXT,
            {**PRODUCT, "channel": channel, "at": at, "token": token, "lease": LEASE.total_seconds()},
        )
        row = cursor.fetchone()
    return Leased(row[0], row[1], Message(*row[2:]), token) if row else None


def _hand_over(session: Session, leased: Leased, at: datetime, done: Delivered) -> None:
    """One message and what became of it. Raises ChannelDown."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK_AGAIN, {"id": leased.pk, "token": leased.token})
        ours, overtaken = cursor.fetchone() or (False, False)
    if not ours:
        done.overtaken += 1
        return
    if overtaken:
        done.suppressed += mark(leased, {"status": "suppressed", "why": "closed"})
        return
    try:
        session.send(leased.message)
    except ChannelDown:
        raise
    except Exception as error:
        # Whatever a message makes go wrong is its own affair, and the next one's turn comes.
        _has_failed(leased, error, at, done)
        return
    reached("after_smtp_accept")
    if mark(leased, {"status": "sent", "sent_at": at, "last_error": ""}):
        done.sent += 1
    else:
        done.overtaken += 1


def _has_failed(leased: Leased, error: Exception, at: datetime, done: Delivered) -> None:
    told = f"{error}"[:2000] if str(error) else type(error).__name__
    log.warning("delivery %s, attempt %s: %s", leased.pk, leased.attempts, told)
    if isinstance(error, Undeliverable) or leased.attempts >= MOST_ATTEMPTS:
        done.dead += mark(leased, {"status": "dead", "dead_at": at, "last_error": told})
    else:
        again = at + timedelta(seconds=back_off(leased.attempts))
        done.put_off += mark(leased, {"status": "pending", "next_attempt_at": again, "last_error": told})


def back_off(attempts: int) -> float:
    """Seconds until the next attempt, after so many: between half and all of 30 s, 1 min, 2 min ... 6 h."""
    longest: float = min(RETRY_LONGEST, RETRY_FIRST * 2 ** min(attempts - 1, 20))
    return longest * random.uniform(0.5, 1.0)


def mark(leased: Leased, changes: Mapping[str, Any]) -> int:
    """Write what became of a delivery, and end its lease: 1, or 0 when somebody else holds it by now (fencing)."""
    marked = Delivery.objects.filter(pk=leased.pk, lease_token=leased.token, status="leased").update(
        lease_token=None, lease_until=None, **changes
    )
    if not marked:
        log.warning(
            "delivery %s was overtaken; what became of it here is not written: %s", leased.pk, dict(changes)
        )
    return marked


def _give_back(leased: Leased, until: datetime) -> None:
    """The channel's fault is not the message's: its attempt does not count, and others go first next time."""
    mark(leased, {"status": "pending", "attempts": F("attempts") - 1, "next_attempt_at": until})


def _rest(channel: str, error: str, at: datetime) -> datetime:
    """Open the channel's breaker; until when."""
    Breaker.objects.bulk_create([Breaker(channel=channel)], ignore_conflicts=True)
    before = Breaker.objects.get(channel=channel)
    until = at + timedelta(seconds=min(REST_LONGEST, REST_FIRST * 2 ** min(before.failures, 20)))
    Breaker.objects.filter(channel=channel).update(
        failures=F("failures") + 1,
        open_until=until,
        opened_at=before.opened_at or at,
        last_error=error[:2000],
    )
    return until


def _write(sql: str, given: Mapping[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        count: int = cursor.rowcount
    return count

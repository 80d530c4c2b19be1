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
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F

from notifications.channels import CHANNELS
from notifications.channels.base import (
    Channel,
    ChannelDown,
    Doubtful,
    Message,
    Session,
    TryLater,
    Undeliverable,
)
from notifications.models import Breaker, Delivery, Status
from notifications.planning import OVERTAKEN, plan
from notifications.preferences import JOINS, PRODUCT, QUIET
from workflows.failpoints import reached

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
"""More than twice the longest that handing over one message may take (channels.mail.CONVERSATION)."""
MOST_ATTEMPTS = 8
RETRY_FIRST, RETRY_LONGEST = 30.0, 6 * 3600.0
"""Seconds before a message is tried again: doubled each time, up to the longest."""
REST_FIRST, REST_LONGEST = 30.0, 15 * 60.0
"""Seconds that a channel rests after a fault of its own: doubled each time, up to the longest."""
BUDGET = 20.0
"""Seconds after which a pass leaves the rest to the next."""
DOUBTS = 3
"""So many doubtful failures on end are the channel's fault, and no message's."""
PERHAPS = "perhaps"
"""Why a delivery is uncertain: the other side may have it."""

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
RETURNING d.id, d.attempts, d.why, d.message_id, d.address, d.subject, d.body, d.created_at"""

# Still ours? Then for a whole lease from now on. And still worth saying? What an operator sends again is always worth it.
LOOK_AGAIN = f"""
UPDATE notifications_delivery d SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
 WHERE d.id = %(id)s AND d.lease_token = %(token)s AND d.status = 'leased' AND d.lease_until > clock_timestamp()
RETURNING d.resend_of_id IS NULL AND EXISTS (SELECT FROM workflows_notice n WHERE n.id = d.notice_id AND {OVERTAKEN})"""

# Whoever held these has died or frozen, perhaps after the other side had the message. They go to the end of the line, so
# that one that kills its process stops nobody.
TAKE_BACK = """
UPDATE notifications_delivery d
   SET status = CASE WHEN d.attempts >= %(most)s THEN 'uncertain' ELSE 'pending' END, next_attempt_at = %(at)s,
       dead_at = CASE WHEN d.attempts >= %(most)s THEN %(at)s::timestamptz END, why = %(perhaps)s,
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
    """A delivery that is ours until its lease ends; `perhaps` when an earlier attempt may have reached the other side."""

    pk: int
    attempts: int
    perhaps: bool
    message: Message
    token: UUID


def deliver(at: datetime, *, thorough: bool = True, budget: float = BUDGET) -> Delivered:
    """Plan what is new and send what is due at `at`, in every channel that is not at rest; `budget` in seconds.

    Safe at any time, in any number, killed anywhere. Must not be called inside a transaction of the caller's: what is
    leased must be seen by others before the channel is talked to.
    """
    done, ends = Delivered(), time.monotonic() + budget
    for channel in CHANNELS.values():
        breaker = Breaker.objects.filter(channel=channel.key).first()
        planned = plan(at, channel.key, thorough=thorough, digests=not _is_waiting(channel.key, breaker, at))
        done.planned, done.digests = done.planned + planned.notices, done.digests + planned.digests
        given = {"channel": channel.key, "at": at, "most": MOST_ATTEMPTS, "perhaps": PERHAPS}
        done.taken_back += _write(TAKE_BACK, given)
        if breaker is not None and breaker.open_until is not None and breaker.open_until > at:
            done.channels_down += 1
            continue
        _send_through(channel, breaker, at, ends, done)
    return done


def _is_waiting(channel: str, breaker: Breaker | None, at: datetime) -> bool:
    """Whether the channel fails and rests, or has something due to be tried with. Digests made meanwhile would all leave at
    once when it works again; what waits until then goes into one."""
    if breaker is None or not breaker.failures:
        return False
    if breaker.open_until is not None and breaker.open_until > at:
        return True
    return Delivery.objects.filter(channel=channel, status=Status.PENDING, next_attempt_at__lte=at).exists()


def _send_through(
    channel: Channel, breaker: Breaker | None, at: datetime, ends: float, done: Delivered
) -> None:
    """One message after the other, until nothing is due, the time is up, or the channel turns out not to work.

    A doubtful failure is the message's own when another one, before or after it, is answered properly, and the channel's
    when none is, or DOUBTS come on end.
    """
    failing, worked, doubtful = (
        breaker is not None and breaker.failures > 0,
        False,
        list[tuple[Leased, Doubtful]](),
    )
    with channel.session() as session:
        while len(doubtful) < DOUBTS and (leased := lease_next(channel.key, at)):
            reached("after_lease")
            try:
                answered = _hand_over(session, leased, at, done)
            except ChannelDown as error:
                until = _rest(channel.key, str(error), at)
                mark(leased, {"status": "pending", "attempts": F("attempts") - 1, "next_attempt_at": until})
                _give_back([one for one, _ in doubtful], at, until)
                done.channels_down += 1
                return
            except Doubtful as error:
                _has_failed(leased, error, at, done)
                doubtful.append((leased, error))
            else:
                if answered:
                    worked, doubtful = True, []
                    if failing:
                        _works_again(channel.key)
                        failing = False
            if time.monotonic() > ends:
                done.unfinished = True
                break
    if doubtful and (len(doubtful) == DOUBTS or not worked):
        until = _rest(channel.key, str(doubtful[-1][1]), at)
        _give_back([one for one, error in doubtful if not error.handed_over], at, until)
        done.channels_down += 1


def lease_next(channel: str, at: datetime) -> Leased | None:
    """The delivery that is due first, for LEASE by the database's clock; its attempt is counted. One statement."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(
            LEASE_NEXT,
            {**PRODUCT, "channel": channel, "at": at, "token": token, "lease": LEASE.total_seconds()},
        )
        row = cursor.fetchone()
    return Leased(row[0], row[1], row[2] == PERHAPS, Message(*row[3:]), token) if row else None


def _hand_over(session: Session, leased: Leased, at: datetime, done: Delivered) -> bool:
    """One message and what became of it; whether the other side has answered it. Raises ChannelDown, Doubtful."""
    session.open()
    with connection.cursor() as cursor:
        cursor.execute(LOOK_AGAIN, {"id": leased.pk, "token": leased.token, "lease": LEASE.total_seconds()})
        found = cursor.fetchone()
    if found is None:
        done.overtaken += 1
        return False
    if found[0]:
        done.suppressed += mark(leased, {"status": "suppressed", "why": "closed"})
        return False
    try:
        session.send(leased.message)
    except (ChannelDown, Doubtful):
        raise
    except Exception as error:
        # Whatever a message makes go wrong is its own affair, and the next one's turn comes.
        _has_failed(leased, error, at, done)
        return isinstance(error, Undeliverable | TryLater)
    reached("after_smtp_accept")
    if mark(leased, {"status": "sent", "sent_at": at, "last_error": "", "why": ""}):
        done.sent += 1
    else:
        done.overtaken += 1
    reached("delivery.marked")
    return True


def _has_failed(leased: Leased, error: Exception, at: datetime, done: Delivered) -> None:
    told = f"{error}"[:2000] if str(error) else type(error).__name__
    log.warning("delivery %s, attempt %s: %s", leased.pk, leased.attempts, told)
    perhaps = leased.perhaps or (isinstance(error, Doubtful) and error.handed_over)
    changes: dict[str, Any] = {"last_error": told, "why": PERHAPS if perhaps else ""}
    if isinstance(error, Undeliverable) or leased.attempts >= MOST_ATTEMPTS:
        changes |= {"status": "uncertain" if perhaps else "dead", "dead_at": at}
        done.dead += mark(leased, changes)
    else:
        again = at + timedelta(seconds=back_off(leased.attempts))
        done.put_off += mark(leased, {"status": "pending", "next_attempt_at": again, **changes})


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


def _give_back(doubtful: Sequence[Leased], at: datetime, until: datetime) -> None:
    """The channel's fault is not the messages': their attempts do not count. They are tried again a rest later than the
    channel is, so that one that is to blame after all does not stop the others for ever."""
    for leased in doubtful:
        Delivery.objects.filter(
            pk=leased.pk, attempts=leased.attempts, status__in=(Status.PENDING, Status.DEAD)
        ).update(
            status=Status.PENDING,
            dead_at=None,
            attempts=F("attempts") - 1,
            next_attempt_at=until + (until - at),
        )


def _works_again(channel: str) -> None:
    Breaker.objects.filter(channel=channel).update(failures=0, open_until=None, opened_at=None)


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

"""From notices to deliveries: one row a notice and channel, and one digest a person and working day.

What is still to be planned is what has no row: a transaction that commits late, with a low id, is found all the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from calendars.queries import calendar_of, current_stamp
from notifications import letters
from notifications.models import Delivery, Status
from notifications.preferences import JOINS, PRODUCT, wish
from organisation.models import Institution
from workflows.clockwork import SWEEP
from workflows.failpoints import reached
from workflows.models import Notice
from workflows.notices import day_in_words, wordings

BATCH = 1000
"""Notices, and people with a digest, in one transaction."""
NEAR = 5_000
"""A pass that is not thorough looks at the notices since this many before the last one planned."""

# What was mailed cannot grow any more; the notice of an outage does, until all that was missed has been taken. Asked in the
# same statement: whoever sees such a notice sees the heartbeat that was written before it.
GROWING = f"EXISTS (SELECT FROM workflows_heartbeat h WHERE h.component = '{SWEEP}' AND h.detail ? 'catching_up_from')"

# The bound stands on both sides, so that a pass over the latest reads only the ends of both indexes.
UNPLANNED = f"""
SELECT n.id, i.frozen_at IS NOT NULL, p.is_active, p.email, p.language, p.name, p.name_en, {wish("urgent_by_mail")}, {wish("digest_by_mail")}
  FROM (SELECT n.id, n.person_id, n.institution_id FROM workflows_notice n
         WHERE n.id > %(since)s AND NOT (n.code = 'outage' AND {GROWING}) AND NOT EXISTS (
           SELECT FROM notifications_delivery d
            WHERE d.notice_id = n.id AND d.notice_id > %(since)s AND d.channel = %(channel)s AND d.resend_of_id IS NULL)
         ORDER BY n.id LIMIT %(limit)s) n
  JOIN organisation_person p ON p.id = n.person_id JOIN organisation_institution i ON i.id = n.institution_id{JOINS}
 ORDER BY n.id"""

NEAR_BEGINS = """
SELECT greatest(coalesce(max(notice_id), 0) - %s, 0) FROM notifications_delivery WHERE notice_id IS NOT NULL AND resend_of_id IS NULL"""

# A notice that speaks of an open item has nothing to say once the item is closed, or stands under another date.
OVERTAKEN = """(
  (n.code LIKE 'ladder:%%' OR n.code IN ('round.open', 'round.moved', 'rerouted', 'came_back', 'claim_released', 'rederived'))
  AND NOT EXISTS (
    SELECT FROM workflows_workitem w WHERE w.kind = n.kind AND w.document_id = n.document_id AND w.duty = n.params->>'duty'
       AND w.closed_at IS NULL AND (n.params->>'due_on' IS NULL OR w.due_on = (n.params->>'due_on')::date)))"""

# Who is due a digest, by the institution's clock, and whose it becomes; what was read or overtaken meanwhile is left out.
GATHER = f"""
WITH l AS (
  SELECT * FROM jsonb_to_recordset(%(places)s::jsonb) AS l(institution_id bigint, day date, clock time)),
due AS (
  SELECT DISTINCT i.id AS institution_id, p.id AS person_id, l.day
    FROM l JOIN organisation_institution i ON i.id = l.institution_id
    JOIN notifications_delivery d ON d.institution_id = i.id AND d.status = 'waiting' AND d.channel = %(channel)s
    JOIN organisation_person p ON p.id = d.person_id{JOINS}
   WHERE l.clock >= {wish("digest_at")}
     AND NOT EXISTS (SELECT FROM notifications_digestrun r WHERE r.person_id = p.id AND r.channel = %(channel)s AND r.day = l.day)
   LIMIT %(limit)s),
runs AS (
  INSERT INTO notifications_digestrun (institution_id, person_id, channel, day, at)
  SELECT institution_id, person_id, %(channel)s, day, %(at)s FROM due ORDER BY person_id
  ON CONFLICT (person_id, channel, day) DO NOTHING RETURNING id, institution_id, person_id, day),
gathered AS (
  UPDATE notifications_delivery d
     SET digest_id = r.id, status = CASE WHEN n.read_at IS NOT NULL OR {OVERTAKEN} THEN 'suppressed' ELSE 'gathered' END,
         why = CASE WHEN n.read_at IS NOT NULL THEN 'read' WHEN {OVERTAKEN} THEN 'closed' ELSE '' END
    FROM runs r, workflows_notice n
   WHERE d.person_id = r.person_id AND d.institution_id = r.institution_id AND d.status = 'waiting' AND d.channel = %(channel)s
     AND n.id = d.notice_id
  RETURNING r.id AS run, CASE WHEN d.status = 'gathered' THEN d.notice_id END AS notice)
SELECT r.id, r.institution_id, r.person_id, r.day, p.is_active, p.email, p.language, p.name, p.name_en, {wish("digest_by_mail")},
       array_agg(g.notice ORDER BY g.notice) FILTER (WHERE g.notice IS NOT NULL)
  FROM runs r JOIN gathered g ON g.run = r.id JOIN organisation_person p ON p.id = r.person_id
  JOIN organisation_institution i ON i.id = r.institution_id{JOINS}
 GROUP BY r.id, r.institution_id, r.person_id, r.day, p.id, own.digest_by_mail, usual.digest_by_mail ORDER BY r.id"""


@dataclass
class Planned:
    """What a pass has planned: notices given a row, and digests made."""

    notices: int = 0
    digests: int = 0


def plan(at: datetime, channel: str, *, thorough: bool = True, digests: bool = True) -> Planned:
    """Give every notice its row, and (`digests`) everybody who is due one their digest of the day.

    A pass that is not `thorough` looks at the latest notices only. Any number of passes may run at once.
    """
    return Planned(_plan_notices(at, channel, thorough), _gather(at, channel) if digests else 0)


def _plan_notices(at: datetime, channel: str, thorough: bool) -> int:
    count, since = 0, 0 if thorough else _near_begins()
    while rows := _rows(UNPLANNED, {"since": since, "channel": channel, "limit": BATCH}):
        # At once or with the digest is decided of all of them; only what goes out now is worded now.
        notices = Notice.objects.in_bulk([row[0] for row in rows])
        people = [_Reader(*row[1:]) for row in rows]
        found = [(notices[row[0]], reader) for row, reader in zip(rows, people, strict=True)]
        at_once = [pair for pair in found if pair[0].urgent and not pair[1].refuses(pair[0])]
        said = wordings([n for n, _ in at_once], [r.language for _, r in at_once])
        texts = {
            notice.pk: letters.of_notice(notice, wording, reader.called, reader.language)
            for (notice, reader), wording in zip(at_once, said, strict=True)
        }
        Delivery.objects.bulk_create(
            [_delivery(n, r, channel, texts.get(n.pk), at) for n, r in found], ignore_conflicts=True
        )
        reached("plan.written")
        count += len(rows)
        since = rows[-1][0]
    return count


@dataclass(frozen=True)
class _Reader:
    """What planning reads of a person; the fields are the columns of UNPLANNED after the first."""

    frozen: bool
    is_active: bool
    email: str
    language: str
    name: str
    name_en: str
    urgent_by_mail: bool
    digest_by_mail: bool

    @property
    def called(self) -> str:
        return self.name_en if self.name_en and self.language.startswith("en") else self.name

    def refuses(self, notice: Notice) -> str:
        """Why nothing is sent, as a code of `deliveries.WHY_WORDS`; empty when something is."""
        if self.frozen:
            return "simulation"
        if not self.is_active:
            return "inactive"
        if not self.email:
            return "no_address"
        return "" if (self.urgent_by_mail if notice.urgent else self.digest_by_mail) else "switched_off"


def _delivery(
    notice: Notice, reader: _Reader, channel: str, text: tuple[str, str] | None, at: datetime
) -> Delivery:
    key, why = f"{channel}:{notice.key}", reader.refuses(notice)
    subject, body = text or ("", "")
    return Delivery(
        key=key, channel=channel, institution_id=notice.institution_id, person_id=notice.person_id, notice=notice,
        urgent=notice.urgent, address=reader.email, subject=subject, body=body, message_id=letters.message_id(key),
        status=Status.SUPPRESSED if why else Status.PENDING if notice.urgent else Status.WAITING, why=why, created_at=at,
        next_attempt_at=None if why or not notice.urgent else at,
    )  # fmt: skip


def _near_begins() -> int:
    with connection.cursor() as cursor:
        cursor.execute(NEAR_BEGINS, [NEAR])
        begins: int = cursor.fetchone()[0]
    return begins


def _gather(at: datetime, channel: str) -> int:
    places, count = _places(at, channel), 0
    while places and (made := _gather_some(at, channel, json.dumps(places))):
        count += made
    return count


def _gather_some(at: datetime, channel: str, places: str) -> int:
    """Digests of up to BATCH people, in one transaction: either the run, its notices and its mail stand, or none."""
    with transaction.atomic():
        runs = _rows(GATHER, {"places": places, "channel": channel, "at": at, "limit": BATCH})
        notices = Notice.objects.in_bulk([pk for run in runs for pk in run[-1] or ()]) if runs else {}
        digests = [_Digest(*(*run[:10], [notices[pk] for pk in run[10] or ()])) for run in runs]
        told = [(n, digest.language) for digest in digests if not digest.why for n in digest.notices]
        said = dict(
            zip(
                [n.pk for n, _ in told],
                wordings([n for n, _ in told], [tongue for _, tongue in told]),
                strict=True,
            )
        )
        Delivery.objects.bulk_create(
            [digest.delivery(channel, at, lambda notice: said[notice.pk]) for digest in digests]
        )
        reached("digest.written")
    return len(runs)


@dataclass(frozen=True)
class _Digest:
    """One person's digest; the fields are the columns of GATHER, with the notices themselves."""

    run: int
    institution_id: int
    person_id: int
    day: date
    is_active: bool
    email: str
    language: str
    name: str
    name_en: str
    by_mail: bool
    notices: Sequence[Notice]

    @property
    def why(self) -> str:
        if not self.is_active:
            return "inactive"
        if not self.email:
            return "no_address"
        if not self.by_mail:
            return "switched_off"
        return "" if self.notices else "nothing_left"

    def delivery(self, channel: str, at: datetime, said: Callable[[Notice], Any]) -> Delivery:
        key = f"{channel}:digest:{self.person_id}:{self.day}"
        subject, body = "", ""
        if not self.why:
            called = self.name_en if self.name_en and self.language.startswith("en") else self.name
            subject, body = letters.of_day(
                self.notices, [said(n) for n in self.notices], called, day_in_words(self.day, self.language),
                self.language,
            )  # fmt: skip
        return Delivery(
            key=key, channel=channel, institution_id=self.institution_id, person_id=self.person_id, digest_id=self.run,
            address=self.email, subject=subject, body=body, message_id=letters.message_id(key),
            status=Status.SUPPRESSED if self.why else Status.PENDING, why=self.why, created_at=at,
            next_attempt_at=None if self.why else at,
        )  # fmt: skip


def _places(at: datetime, channel: str) -> list[dict[str, Any]]:
    """Where something waits for a digest, the clock is real and today is a working day: local day and time."""
    waiting = Delivery.objects.filter(institution_id=OuterRef("pk"), status=Status.WAITING, channel=channel)
    institutions = list(Institution.objects.filter(Exists(waiting), frozen_at__isnull=True).order_by("pk"))
    stamp, places = current_stamp() if institutions else 0, []
    for institution in institutions:
        there = at.astimezone(institution.zone)
        if calendar_of(institution.pk, stamp).is_working(there.date()):
            places.append(
                {"institution_id": institution.pk, "day": f"{there:%Y-%m-%d}", "clock": f"{there:%H:%M:%S}"}
            )
    return places


def _rows(sql: str, given: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {**PRODUCT, **given})
        rows: list[Any] = cursor.fetchall()
    return rows


__all__ = ["OVERTAKEN", "Planned", "plan"]

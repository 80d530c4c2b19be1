"""The sweep of a crowd's items that fall due at one second, beside raw SQL that writes the same rows and beside a loop over
objects; and the verification of the crowd's ledger beside bare hashing of the same bytes."""

from __future__ import annotations

import hashlib
import resource
import time
from datetime import timedelta
from typing import Any

import psycopg

from benchmarks.systems import duban_crowd  # first: it sets Django up

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from benchmarks.crowd import DUE_AT
from supervision.orders.models import SupervisionOrder
from workflows import ledger, verification
from workflows.deadlines import sweep
from workflows.models import Entry, Notice, Payload, WorkItem

# The rows of a sweep in one statement over everything that is due, with no value computed but what the database must.
RAW = """
WITH due AS MATERIALIZED (
  SELECT w.id AS item, w.claimed_by_id AS person, w.title, d.id, d.version, d.state, d.ledger_sequence + 1 AS sequence, d.ledger_head AS previous,
         sha256(w.id::text::bytea) AS digest
    FROM workflows_workitem w JOIN orders_supervisionorder d ON d.id = w.document_id
   WHERE w.institution_id = $1 AND w.closed_at IS NULL AND w.next_step_at <= $2 ORDER BY d.id FOR UPDATE OF d),
entries AS (
  INSERT INTO workflows_entry (kind, document_id, institution_id, sequence, version, step, from_state, to_state, as_role, decides,
      effective_at, recorded_at, rules, payload_digest, previous, digest)
  SELECT 'orders.supervisionorder', id, $1, sequence, version, 'ladder:overdue', state, state, 'clock', false, $2, $2, $3, digest, previous, digest
    FROM due),
payloads AS (
  INSERT INTO workflows_payload (kind, document_id, sequence, salt, content)
  SELECT 'orders.supervisionorder', id, sequence, substr(digest, 1, 16), $4::bytea FROM due),
documents AS (
  UPDATE orders_supervisionorder d SET ledger_sequence = due.sequence, ledger_head = due.digest FROM due WHERE d.id = due.id),
notices AS (
  INSERT INTO workflows_notice (kind, document_id, institution_id, person_id, key, code, params, title, urgent, at)
  SELECT 'orders.supervisionorder', id, $1, person, 'orders.supervisionorder:' || id || ':order.draft:1:overdue:2026-04-01:' || person,
         'ladder:overdue', '{"due_on": "2026-04-01", "duty": "order.draft"}', title, false, $2 FROM due),
items AS (
  UPDATE workflows_workitem w SET ladder_at = 2, next_step_at = $5, lamp = 'red', attempts = 0, retry_at = NULL, last_error = ''
    FROM due WHERE w.id = due.item RETURNING w.id)
SELECT count(*) FROM items"""


class System(duban_crowd.System):
    def open(self, number: int) -> None:
        super().open(number)
        # By the real clock, so that a sweep at an instant is a sweep at that instant.
        from organisation.models import Institution

        Institution.objects.filter(slug="hoboksar").update(frozen_at=None)
        items = WorkItem.objects.filter(next_step_at=DUE_AT, closed_at=None, claimed_by__isnull=False)
        self.items = list(items.order_by("pk").values_list("pk", flat=True))
        WorkItem.objects.filter(next_step_at=DUE_AT, closed_at=None).exclude(pk__in=self.items).update(
            next_step_at=DUE_AT + timedelta(days=1)
        )
        before = self.written()
        self.swept(sample := self.items[:1])  # the pattern of what a step writes
        self.wrote = {table: after - before[table] for table, after in self.written().items()}
        item = WorkItem.objects.get(pk=sample[0])
        entry = Entry.objects.filter(document_id=item.document_id, kind=item.kind).latest("sequence")
        self.next, self.rules = item.next_step_at, entry.rules
        self.content = bytes(
            Payload.objects.get(document_id=item.document_id, kind=item.kind, sequence=entry.sequence).content
        )
        self.plain = psycopg.connect(self.url, autocommit=True, cursor_factory=psycopg.RawCursor)

    def written(self) -> dict[str, int]:
        """Rows of the tables that a sweep adds to."""
        return {model._meta.db_table: model._base_manager.count() for model in (Entry, Payload, Notice)}

    def arm(self, items: list[int]) -> None:
        """Have these items, and no others, fall due again at DUE_AT, as if nobody had been told."""
        WorkItem.objects.filter(pk__in=self.items, next_step_at=DUE_AT).update(
            next_step_at=DUE_AT + timedelta(days=1)
        )
        rows = WorkItem.objects.filter(pk__in=items)
        rows.update(ladder_at=1, lamp="yellow", next_step_at=DUE_AT)
        Notice.objects.filter(
            kind=SupervisionOrder.kind(), document_id__in=rows.values("document_id")
        ).delete()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM workflows_workitem, workflows_notice, orders_supervisionorder")

    def arm_all(self, most: int) -> None:
        """Arm so many items."""
        self.arm(self.items[:most])

    def swept(self, items: list[int]) -> dict[str, Any]:
        """Arm these and sweep."""
        self.arm(items)
        return self._sweep(len(items))

    def _sweep(self, many: int) -> dict[str, Any]:
        begun = time.perf_counter()
        swept = sweep(DUE_AT, budget=3600)
        seconds = time.perf_counter() - begun
        if swept.documents != many or swept.steps != many:
            raise RuntimeError(f"swept {swept.figures()} of {many}")
        dwell = {"p50": swept.percentile(0.5), "p99": swept.percentile(0.99), "max": max(swept.dwell)}
        return {"seconds": seconds, "rate": many / seconds} | {
            f"dwell_{name}": value for name, value in dwell.items()
        }

    def fall_due(self, way: str, most: int) -> dict[str, Any]:
        """Arm so many items at most (all of those in the crowd, if fewer), take their step in this way; rate is items a second."""
        self.arm_all(most)
        return self.take(way, most)

    def take(self, way: str, most: int) -> dict[str, Any]:
        """Take the step of what is armed."""
        many = len(self.items[:most])
        if way == "sweep":
            return self._sweep(many)
        begun = time.perf_counter()
        done = self.in_raw_sql() if way == "raw" else self.one_by_one()
        seconds = time.perf_counter() - begun
        if done != many:
            raise RuntimeError(f"{way}: {done} of {many}")
        return {"seconds": seconds, "rate": done / seconds}

    def in_raw_sql(self) -> int:
        given = [self.actor.institution_id, DUE_AT, self.rules, self.content, self.next]
        row: Any = self.plain.execute(RAW, given, prepare=True).fetchone()
        return int(row[0])

    def one_by_one(self) -> int:
        """As it is written without thinking of thousands: each item loaded, its rows created and saved in a transaction."""
        due = WorkItem.objects.filter(
            closed_at=None, institution_id=self.actor.institution_id, next_step_at__lte=DUE_AT
        )
        ids = list(due.order_by("next_step_at").values_list("pk", flat=True))
        for pk in ids:
            with transaction.atomic():
                item = (
                    WorkItem.objects.select_for_update(of=("self",)).select_related("claimed_by").get(pk=pk)
                )
                order = SupervisionOrder.objects.select_for_update().get(pk=item.document_id)
                person = item.claimed_by
                assert person is not None  # armed are claimed ones only
                digest = hashlib.sha256(bytes(order.ledger_head) + self.content).digest()
                subject = {"kind": item.kind, "document_id": item.document_id}
                sequence = order.ledger_sequence + 1
                Entry.objects.create(
                    **subject, institution_id=item.institution_id, sequence=sequence, version=order.version, step="ladder:overdue", from_state=order.state,
                    to_state=order.state, as_role="clock", effective_at=DUE_AT, recorded_at=DUE_AT, rules=self.rules, payload_digest=digest,
                    previous=bytes(order.ledger_head), digest=digest,
                )  # fmt: skip
                Payload.objects.create(**subject, sequence=sequence, salt=digest[:16], content=self.content)
                SupervisionOrder._base_manager.filter(pk=order.pk).update(
                    ledger_sequence=sequence, ledger_head=digest
                )
                Notice.objects.create(
                    **subject, institution_id=item.institution_id, person=person, key=f"{item.kind}:{item.document_id}:loop", code="ladder:overdue",
                    params={"due_on": "2026-04-01", "duty": item.duty}, title=item.title, at=DUE_AT,
                )  # fmt: skip
                item.ladder_at, item.next_step_at, item.lamp = 2, self.next, "red"
                item.save(update_fields=["ladder_at", "next_step_at", "lamp"])
        return len(ids)

    def sweep_statements(self, most: int) -> list[str]:
        """What a sweep of so many items sends."""
        self.arm(self.items[:most])
        with CaptureQueriesContext(connection) as taken:
            sweep(DUE_AT, budget=3600)
        return [query["sql"][:4000] for query in taken]

    def idle(self) -> dict[str, float]:
        """A sweep that finds nothing due."""
        begun = time.perf_counter()
        swept = sweep(DUE_AT - timedelta(minutes=1))
        seconds = time.perf_counter() - begun
        if swept.documents:
            raise RuntimeError("something was due")
        return {"seconds": seconds, "rate": 1 / seconds}

    def verify(self) -> dict[str, float]:
        """Verify the whole ledger, and hash the very bytes that this hashes with nothing else; peak memory in MiB."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        verdict = verification.verify()
        seconds = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if not verdict.clean:
            raise RuntimeError(f"{len(verdict.faults)} faults, such as {verdict.faults[0]}")
        return {
            "seconds": seconds,
            "entries": float(verdict.entries),
            "rate": verdict.entries / seconds,
            "peak": after / 1024,
            "before": before / 1024,
        }

    def hash_alone(self) -> dict[str, float]:
        """The digests of every entry and payload, with the bytes at hand: only hashing is timed."""
        hashing, entries = 0.0, 0
        chunk: list[bytes] = []
        for row in verification._entries(None):
            columns = {name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()}
            chunk += [ledger.canonical(ledger.header(columns)), bytes(row["salt"]) + bytes(row["content"])]
            entries += 1
            if len(chunk) >= 4000:
                hashing, chunk = hashing + _hash(chunk), []
        hashing += _hash(chunk)
        return {"seconds": hashing, "entries": float(entries), "rate": entries / hashing}


def _hash(chunk: list[bytes]) -> float:
    begun = time.perf_counter()
    for content in chunk:
        hashlib.sha256(content).digest()
    return time.perf_counter() - begun

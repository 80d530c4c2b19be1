"""The own floor: the very rows that Duban writes for the same steps, on Duban's migrated tables with their triggers, by
psycopg alone with everything prepared and computed beforehand; a locking read, then all writes as one statement.

With BENCHMARK_APART=1 a statement for each table instead.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any
from uuid import uuid4

import django.db
import psycopg

from benchmarks.systems import duban  # first: it sets Django up

from benchmarks.floor_sql import Statement, parameters, texts
from benchmarks.recorded import Recorded, record
from supervision.reports.models import QuarterlyReport

APART = bool(os.environ.get("BENCHMARK_APART"))


class System(duban.System):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
        self.fired = self.steps
        self.steps = tuple(partial(self.take, number) for number in range(len(duban.ROUTE)))
        self.patterns: dict[int, list[Recorded]] = {}
        self.locks: list[Statement] = []
        self.writes: list[list[Statement]] = []

    def open(self, number: int) -> None:
        super().open(number)
        self.connection = psycopg.connect(
            self.url, autocommit=True, prepare_threshold=0, cursor_factory=psycopg.RawCursor
        )
        django.db.connection.close()

    def prepare(self, documents: int) -> None:
        """Drafts through Duban's own door, and every value of every step beforehand."""
        for report in self.county.reports(documents):
            ready = []
            for number, step in enumerate(self.pattern(report.unit_id)):
                given = parameters(step, report.pk, report.title, uuid4())
                ready.append((
                    (given["before"], given["seen"]), self.locks[number].values(given),
                    [write.values(given) for write in self.writes[number]],
                ))  # fmt: skip
            self.documents.append(ready)
        django.db.connection.close()  # the server has not connections for both of everybody

    def pattern(self, unit_id: int) -> list[Recorded]:
        """What each step writes in this unit, recorded once with a report of its own that is walked by fire()."""
        while unit_id not in self.patterns:
            (report,) = self.county.reports(1)
            recorded = [record(QuarterlyReport, report.pk, partial(step, report)) for step in self.fired]
            self.patterns.setdefault(report.unit_id, recorded)
        if not self.locks:
            for text in map(texts, self.patterns[unit_id]):
                self.locks.append(Statement(text.lock))
                self.writes.append([Statement(each) for each in (text.writes if APART else [text.at_once()])])
        return self.patterns[unit_id]

    def take(self, number: int, document: Any) -> None:
        """One step: the locking read, a look at what it gave, the writes."""
        stands, lock, writes = document[number]
        execute = self.connection.execute
        with self.connection.transaction():
            row: Any = execute(self.locks[number].sql, lock).fetchone()
            if row[:2] != stands:
                raise RuntimeError(f"{lock} is {row[:2]}")
            for statement, values in zip(self.writes[number], writes, strict=True):
                done = execute(statement.sql, values)
            if not APART and done.fetchone() != (1,):
                raise RuntimeError(f"{lock} did not move")

    def report(self) -> None:
        super().report()
        self.connection.execute("SELECT pg_stat_force_next_flush()")

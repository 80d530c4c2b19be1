"""The own floor for 1,000 documents at once: all of them locked by one read, the rows of the 970 that go written by one
statement over arrays, everything prepared and computed beforehand."""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

import django.db
import psycopg

from benchmarks.systems import duban_each, duban_many  # first: they set Django up

from benchmarks.floor_sql import Statement, parameters_of_many, texts_of_many
from benchmarks.recorded import Recorded, record
from supervision.orders.models import SupervisionOrder

TYPES = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped"""
TABLES = ["workflows_entry", "workflows_payload", "workflows_workitem", "workflows_notice"]


class System(duban_many.System):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url
        self.steps = (self.write,)

    def open(self, number: int) -> None:
        super().open(number)
        types: dict[str, dict[str, str]] = {}
        with psycopg.connect(self.url) as connection:
            for table, column, kind in connection.execute(TYPES, [TABLES]):
                types.setdefault(table, {})[column] = kind
        self.pattern = self._recorded()
        texts = texts_of_many(self.pattern, types)
        self.lock, self.writing = Statement(texts.lock), Statement(texts.writes[0])
        self.connection = psycopg.connect(
            self.url, autocommit=True, prepare_threshold=0, cursor_factory=psycopg.RawCursor
        )

    def _recorded(self) -> Recorded:
        each = duban_each.System(self.url)
        each.county = self.county
        (order,) = self.county.orders(1)
        return record(SupervisionOrder, order.pk, lambda: each.submit(order))

    def prepare(self, documents: int) -> None:
        refused, pattern = round(duban_many.MANY * duban_each.REFUSED), self.pattern
        for _ in range(documents):
            orders = self.county.orders(duban_many.MANY, without_criteria=refused)
            own = [
                (
                    order.pk, order.title,
                    {name: os.urandom(32) for name in ("digest", "previous", "payload_digest")},
                    {"salt": os.urandom(16), "content": pattern.payload["content"]},
                )
                for order in orders[refused:]
            ]  # fmt: skip
            given = parameters_of_many(pattern, own, [order.pk for order in orders[:refused]], uuid4())
            self.documents.append((len(own), self.lock.values(given), self.writing.values(given)))
        django.db.connection.close()  # the server has not connections for both of everybody

    def write(self, batch: Any) -> None:
        many, lock, values = batch
        with self.connection.transaction():
            rows = self.connection.execute(self.lock.sql, lock).fetchall()
            if len(rows) != duban_many.MANY:
                raise RuntimeError(f"{len(rows)} were found")
            done: Any = self.connection.execute(self.writing.sql, values).fetchone()
            if done[0] != many:
                raise RuntimeError(f"{done[0]} of {many} moved")

    def report(self) -> None:
        super().report()
        self.connection.execute("SELECT pg_stat_force_next_flush()")

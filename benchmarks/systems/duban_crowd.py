"""Duban with a crowd of open items: what reading and sweeping cost, each beside raw SQL that reads or writes the same rows."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from benchmarks.systems.duban_ground import DubanSystem  # first: it sets Django up

from django.conf import settings
from django.db import connection, reset_queries
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks import crowd
from benchmarks.county import AT
from organisation.models import Institution, Person
from organisation.queries import actor_for
from workflows import deadline_writing, worklist
from workflows.models import WorkItem

KEYSET = """
SELECT * FROM ((SELECT * FROM workflows_workitem WHERE claimed_by_id = $1 AND closed_at IS NULL AND paused_at IS NULL ORDER BY due_at, id LIMIT 50)
UNION ALL (SELECT * FROM workflows_workitem WHERE institution_id = $2 AND post_role = 'supervisor' AND owner_unit_id IS NULL AND closed_at IS NULL
  AND paused_at IS NULL AND claimed_by_id IS NULL AND post_id IS NULL ORDER BY owner_unit_id, due_at, id LIMIT 50)) q ORDER BY due_at, id LIMIT 50"""
"""The first page of the same person's own and role items, prepared, by its keyset: what the database allows."""


class System(DubanSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.documents, self.steps, self.url = deque(), (), url
        settings.ALLOWED_HOSTS = ["testserver"]

    def seed(self, items: int) -> float:
        """Gives the seconds it took."""
        begun = time.perf_counter()
        crowd.seed(items)
        crowd.check(items)
        return time.perf_counter() - begun

    def open(self, number: int) -> None:
        # The institution's clock stands at AT, so that every page is of that day; a sweep is given its instant all the same.
        Institution.objects.filter(slug="hoboksar").update(frozen_at=AT)
        self.person = Person.objects.get(username="crowd-supervisor1")
        self.actor = actor_for(self.person, AT)
        self.browsers = {}
        for who in ("crowd-supervisor1", "hoboksar-office"):
            self.browsers[who] = Client()
            self.browsers[who].force_login(Person.objects.get(username=who))

    def readings(self) -> dict[str, Callable[[], Any]]:
        return {
            "page": lambda: worklist.queue(self.actor), "counts": lambda: worklist.queue_counts(self.actor), "raw": self.raw,
            "queue": lambda: self.get("crowd-supervisor1", "/queue/?size=50"), "board": lambda: self.get("hoboksar-office", "/board/"),
        }  # fmt: skip

    def read(self, what: str, times: int) -> dict[str, float]:
        """The median seconds of one such reading, and how many it was taken over."""
        work, taken = self.readings()[what], []
        for _ in range(times):
            begun = time.perf_counter()
            work()
            taken.append(time.perf_counter() - begun)
        return {"seconds": sorted(taken)[len(taken) // 2], "rate": 1 / sorted(taken)[len(taken) // 2]}

    def statements(self, what: str) -> list[str]:
        """What a reading sends, after one that does not count."""
        work = self.readings()[what]
        work()
        reset_queries()
        with CaptureQueriesContext(connection) as taken:
            work()
        return [query["sql"] for query in taken]

    def raw(self) -> int:
        connection.ensure_connection()
        if not hasattr(self, "raw_cursor"):
            import psycopg

            self.raw_connection = psycopg.connect(self.url, autocommit=True)
            self.raw_cursor = psycopg.RawCursor(self.raw_connection)
        rows = self.raw_cursor.execute(
            KEYSET, [self.actor.person_id, self.actor.institution_id], prepare=True
        ).fetchall()
        if len(rows) != 50:
            raise RuntimeError(f"{len(rows)} rows on the page")
        return len(rows)

    def get(self, who: str, address: str) -> int:
        answer = self.browsers[who].get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code} {answer.headers.get('Location', '')}")
        return len(answer.content)

    def explained(self, what: str) -> str:
        """EXPLAIN (ANALYZE, BUFFERS) of a reading's statement, for whoever looks for what is slow."""
        sql, given = {
            "page": (worklist.PAGE.format(narrow=worklist.NARROW), {"limit": 50}),
            "counts": (worklist.COUNTS.format(narrow=worklist.NARROW), {"limit": worklist.MOST_COUNTED}),
        }[what]
        with connection.cursor() as cursor:
            cursor.execute(
                f"EXPLAIN (ANALYZE, BUFFERS) {sql}",
                {**worklist._parameters(self.actor, worklist.Narrowing()), **given},
            )
            return "\n".join(row[0] for row in cursor.fetchall())

    def nothing_due(self) -> dict[str, Any]:
        """The plan of the sweep's own question when nothing is due: which nodes read work items, and buffers touched."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {deadline_writing.DUE}",
                {"at": AT, "limit": 1000, "institution": None, "without": []},
            )
            found = cursor.fetchone()[0]
        plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
        on_items = [node for node in _nodes(plan) if node.get("Relation Name") == "workflows_workitem"]
        return {
            "buffers": plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
            "reads": [f"{node['Node Type']} {node.get('Index Name', '')}" for node in on_items],
            "rows": sum(node["Actual Rows"] * node["Actual Loops"] for node in on_items), "milliseconds": plan["Actual Total Time"],
        }  # fmt: skip

    def open_items(self) -> int:
        return WorkItem.objects.filter(closed_at=None).count()


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)

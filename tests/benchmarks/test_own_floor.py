"""The own floor writes the rows that Duban writes: as many in the same tables, and the same but for what is each one's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.clients import Client, run
from tests.conftest import Clone

WRITTEN = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"""

OWN = ("id", "document_id", "report_id", "key", "title", "request_id", "transaction", "period")
BORN_WITH = ("due_at", "due_on", "original_due_on", "derivation", "ladder", "provisional", "content")
"""What depends on the quarter, in the rows of a report's birth: both are opened by Duban itself."""
RANDOM = ("digest", "previous", "salt", "payload_digest", "ledger_head")


@pytest.fixture
def laid(committed_db: Clone, tmp_path: Path) -> Iterator[Any]:
    """Starts a client of a system on a database with the county."""
    started = []

    def client(module: str, number: int, **variables: str) -> Client:
        made = Client(
            f"benchmarks.systems.{module}",
            committed_db.url,
            Path(sys.executable),
            tmp_path / "log",
            variables,
        )
        started.append(made)
        made.do("open", number=number)
        return made

    first = Client(
        "benchmarks.systems.duban", committed_db.url, Path(sys.executable), tmp_path / "log", {"BENCHMARK_UNITS": "4"}
    )  # fmt: skip
    first.do("lay")
    first.close()
    yield client
    for each in started:
        each.close()


@contextmanager
def written(url: str) -> Iterator[dict[str, tuple[int, ...]]]:
    """Rows inserted, updated and deleted by table, by sessions that report at the end."""
    counted: dict[str, tuple[int, ...]] = {}
    before = _statistics(url)
    yield counted
    for table, after in _statistics(url).items():
        difference = tuple(a - b for a, b in zip(after, before.get(table, (0, 0, 0)), strict=True))
        if any(difference):
            counted[table] = difference


def _statistics(url: str) -> dict[str, tuple[int, ...]]:
    with psycopg.connect(url) as connection:
        return {table: tuple(counts) for table, *counts in connection.execute(WRITTEN)}


def walked(client: Client, url: str, documents: int) -> dict[str, tuple[int, ...]]:
    """What it wrote while taking so many documents through all steps."""
    client.do("prepare", documents=documents)
    client.do("report")
    with written(url) as counted:
        ran = run([client], 60)
        client.do("report")
    assert ran.steps % documents == 0
    assert ran.steps > 0
    return counted


def rows_of(url: str, table: str, document: int) -> list[dict[str, Any]]:
    """A document's rows without what differs between any two documents."""
    column = "id" if table == "reports_quarterlyreport" else "document_id"
    where = "" if column == "id" else " AND kind = 'reports.quarterlyreport'"
    query = f"SELECT to_jsonb(t) - %s::text[] FROM {table} t WHERE {column} = %s{where} ORDER BY t.id"
    with psycopg.connect(url) as connection:
        rows = [row for (row,) in connection.execute(query.encode(), [[*OWN, *RANDOM], document])]
    return [
        {name: value for name, value in row.items() if name not in BORN_WITH}
        if row.get("duty") == "quarterly_report" or row.get("sequence") == 1
        else row
        for row in rows
    ]


def accepted(url: str, period: str) -> dict[int, int]:
    """The accepted reports on this quarter by unit."""
    query = "SELECT unit_id, id FROM reports_quarterlyreport WHERE period = %s AND state = 'accepted'"
    with psycopg.connect(url) as connection:
        return dict(connection.execute(query, [period]).fetchall())


@pytest.mark.parametrize(
    "variables", [{}, {"BENCHMARK_APART": "1"}], ids=["in one statement", "a statement a table"]
)
def test_the_own_floor_writes_the_rows_of_fire(
    laid: Any, committed_db: Clone, variables: dict[str, str]
) -> None:
    url = committed_db.url
    fired = walked(laid("duban", 0), url, 3)
    assert set(fired) == {
        "reports_quarterlyreport", "workflows_entry", "workflows_payload", "workflows_workitem", "workflows_notice",
    }  # fmt: skip
    assert walked(laid("floor_own", 1, **variables), url, 3) == fired
    # The pattern of a unit is a report on the next quarter that fire() walked; so even the people are the same.
    patterns, floors = accepted(url, "2126Q2"), accepted(url, "2126Q1")
    unit = min(set(patterns) & set(floors))
    for table in fired:
        expected = rows_of(url, table, patterns[unit])
        assert len(expected) > 0
        assert rows_of(url, table, floors[unit]) == expected, table


def test_the_set_based_floor_writes_the_rows_of_fire_many(laid: Any, committed_db: Clone) -> None:
    fired = walked(laid("duban_many", 0, BENCHMARK_MANY="40"), committed_db.url, 1)
    assert fired["orders_supervisionorder"] == (0, 39, 0)
    assert walked(laid("floor_many", 1, BENCHMARK_MANY="40"), committed_db.url, 1) == fired

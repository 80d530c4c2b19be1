"""The crowd of the benchmark is what Duban itself would have written, and raw SQL writes what its sweep writes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from benchmarks.clients import Client
from tests.conftest import Clone

ITEMS = 1000
DUE = ITEMS // 100
WRITTEN = """
SELECT (SELECT count(*) FROM workflows_entry), (SELECT count(*) FROM workflows_payload), (SELECT count(*) FROM workflows_notice),
       (SELECT count(*) FROM workflows_workitem WHERE lamp = 'red'), (SELECT sum(ledger_sequence) FROM orders_supervisionorder)"""
LATEST = """
SELECT to_jsonb(e) - '{id,document_id,digest,previous,payload_digest,transaction}'::text[] FROM workflows_entry e
 WHERE step = 'ladder:overdue' ORDER BY id DESC LIMIT 1"""
ITEM = "SELECT ladder_at, next_step_at, lamp FROM workflows_workitem WHERE lamp = 'red' ORDER BY due_at DESC, id LIMIT 1"
NOTICE = "SELECT to_jsonb(n) - '{id,document_id,person_id,title}'::text[] || jsonb_build_object('key', replace(key, document_id::text || ':', '')) - 'key' FROM workflows_notice n WHERE code = 'ladder:overdue' ORDER BY id DESC LIMIT 1"


@pytest.fixture
def crowd(committed_db: Clone, tmp_path: Path) -> Iterator[Client]:
    """A client of the sweep's cell on a database with the crowd, not opened yet."""
    variables = {"BENCHMARK_UNITS": "2", "BENCHMARK_CROWD_UNITS": "50"}

    def started() -> Client:
        return Client(
            "benchmarks.systems.duban_sweep",
            committed_db.url,
            Path(sys.executable),
            tmp_path / "log",
            variables,
        )

    for call, given in (("lay", {}), ("seed", {"items": ITEMS})):
        with closing(started()) as client:
            client.do(call, **given)
    with closing(started()) as client:
        yield client


def test_the_ledger_of_the_crowd_verifies_and_nothing_is_due_before_its_second(crowd: Client) -> None:
    assert crowd.do("verify")["entries"] >= ITEMS  # raises for a fault
    plan = crowd.do("nothing_due")
    assert plan["rows"] == 0
    assert plan["buffers"] > 0


def test_raw_sql_writes_the_rows_of_a_sweep(crowd: Client, committed_db: Clone) -> None:
    crowd.do("open", number=0)

    def written(way: str) -> tuple[list[int], list[object]]:
        crowd.do("arm_all", most=DUE)
        with psycopg.connect(committed_db.url) as connection:
            before = connection.execute(WRITTEN).fetchone()
        crowd.do("take", way=way, most=DUE)
        with psycopg.connect(committed_db.url) as connection:
            after = connection.execute(WRITTEN).fetchone()
            latest: list[object] = [
                connection.execute(query.encode()).fetchone() for query in (LATEST, ITEM, NOTICE)
            ]
        assert before is not None
        assert after is not None
        return [int(b - a) for a, b in zip(before, after, strict=True)], latest

    swept, raw = written("sweep"), written("raw")
    assert swept[0] == [DUE] * 5
    assert raw[0] == swept[0]
    for one, other in zip(swept[1], raw[1], strict=True):
        assert one is not None
        assert other is not None
    assert [_but_sequence(row) for row in raw[1]] == [_but_sequence(row) for row in swept[1]]
    assert written("loop")[0] == swept[0]


def _but_sequence(row: object) -> object:
    """A row without its place in the chain: the second time everything stands one further."""
    assert isinstance(row, tuple)
    return tuple(
        {k: v for k, v in value.items() if k != "sequence"} if isinstance(value, dict) else value
        for value in row
    )

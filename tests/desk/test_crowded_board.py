"""With 20,000 open items in 200 units the board reads pages of indexes and the census, never the backlog."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from organisation.models import Unit
from supervision.desk.queries.board import board_page
from supervision.desk.queries.queue import SIZES, Address
from supervision.desk.queries.reader import Reader
from tests.desk.test_statements_of_pages import statements
from tests.supervision.county import County, moment, order_of
from tests.workflows.ground import run_sql
from workflows import census
from workflows.deadlines import sweep
from workflows.documents import document_kinds
from workflows.models import WorkItem

MANY, UNITS = 20_000, 200
AT = moment(6, 10)


@pytest.fixture
def crowded(place: County) -> County:
    """20,000 open items of all kinds, lamps, levels and ages in 200 units, and as many closed ones."""
    order_of(place)
    there = place.units["county"]
    Unit.objects.bulk_create(
        Unit(institution=place.institution, parent=there, kind="department", name_zh=f"单位{n}", begins=date(2020, 1, 1))
        for n in range(UNITS)
    )  # fmt: skip
    units = list(Unit.objects.filter(name_zh__startswith="单位").values_list("pk", flat=True))
    run_sql(
        """INSERT INTO workflows_workitem (kind, document_id, institution_id, title, number, unit_id, state, duty, turn, role, post_role,
              owner_unit_id, rerouted_from, opened_at, due_on, due_at, original_due_on, derivation, provisional, lamp, ladder, ladder_at,
              closed_how, attempts, last_error, closed_at)
           SELECT (%s::text[])[1 + n %% 4], 1000000 + n, %s, '第' || n || '件', '', (%s::bigint[])[1 + n %% %s], 'draft', 'order.draft', 1,
              'supervisor', 'supervisor', NULL, '', timestamptz '2026-01-05', d.day, (d.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai',
              d.day, '{}', false, CASE WHEN d.day >= '2026-06-10' THEN 'green' ELSE 'red' END,
              '[{"key": "overdue", "at": "2026-01-05T00:00:00Z"}, {"key": "urge", "at": "2026-01-06T00:00:00Z", "level": 1},
                {"key": "escalate", "at": "2026-01-07T00:00:00Z", "level": 3}]', 1 + n %% 3, '', 0, '', CASE WHEN n > %s THEN timestamptz '2026-06-01' END
             FROM generate_series(1, %s) AS n, LATERAL (SELECT date '2026-03-01' + n %% 200 AS day) d""",
        [model.kind() for model in document_kinds()], place.institution.pk, units, UNITS, MANY, 2 * MANY,
    )  # fmt: skip
    at_work(place)
    run_sql("ANALYZE")
    return place


def at_work(place: County) -> None:
    """The county's clock stands at AT, and its bells have rung."""
    place.institution.frozen_at = AT
    place.institution.save()
    sweep(AT)
    census.fold()
    for _ in range(12):
        census.close_days(AT, institution_id=place.institution.pk)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def sent(place: County, who: str = "office", **query: Any) -> list[str]:
    """The board's own statements."""
    address = QueryDict(mutable=True)
    address.update({name: str(value) for name, value in query.items()})
    with CaptureQueriesContext(connection) as captured:
        board_page(Reader(place.actor(who, AT), AT), Address("/board/", address))
    return [q["sql"] for q in captured if "workflows_" in q["sql"]]


def on_items(sql: str) -> list[dict[str, Any]]:
    """What a statement really did with the table of the items."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return [node for node in nodes(plan) if node.get("Relation Name") == "workflows_workitem"]


QUERIES: dict[str, dict[str, Any]] = {
    "as it opens": {}, "green": {"lamp": "green"}, "a later page": {"page": 4}, "one kind": {"kind": "rectification.measure"},
    "a degree": {"level": 3}, "the oldest": {"age": 4}, "the latest": {"age": 0}, "between": {"age": 2},
}  # fmt: skip


def test_a_page_of_the_list_reads_a_page_of_each_kind_and_no_more(
    crowded: County, subtests: pytest.Subtests
) -> None:
    for name, query in QUERIES.items():
        with subtests.test(name):
            [listed] = [sql for sql in sent(crowded, **query) if "claimed_by" in sql]
            found = on_items(listed)
            assert {node["Node Type"] for node in found} == {"Index Scan"}
            # Where there is nothing of a kind, one index is as good as the other.
            used = {node["Index Name"] for node in found if node["Actual Rows"]}
            assert used <= {"board_by_level" if name == "a degree" else "board_by_lamp"}
            assert used or name == "one kind"
            most = SIZES[0] * int(query.get("page", 1)) + 1
            for node in found:
                assert node["Actual Rows"] + node.get("Rows Removed by Filter", 0) <= most, node


def test_who_sees_everything_has_no_item_counted(crowded: County, subtests: pytest.Subtests) -> None:
    for name, query in QUERIES.items():
        with subtests.test(name):
            others = [sql for sql in sent(crowded, **query) if "claimed_by" not in sql]
            assert len(others) == 2
            assert [on_items(sql) for sql in others] == [[], []]


def test_of_one_unit_its_red_items_are_read_by_its_index(crowded: County) -> None:
    unit = Unit.objects.get(name_zh="单位7").pk
    for sql in sent(crowded, unit=unit):
        for node in on_items(sql):
            assert node["Node Type"] in ("Index Scan", "Bitmap Heap Scan"), node
            assert node["Actual Rows"] + node.get("Rows Removed by Filter", 0) <= 1 + MANY // UNITS, node


def test_the_board_takes_at_most_twelve_statements_crowded_or_empty(place: County, request: Any) -> None:
    urls = (
        "/board/",
        "/board/?lamp=green&page=2",
        "/board/?level=3",
        "/board/?unit=1&kind=orders.supervisionorder&age=1",
    )
    order_of(place)
    at_work(place)
    few = [statements(place, who, url) for url in urls for who in ("office", "head")]
    request.getfixturevalue("crowded")
    assert [statements(place, who, url) for url in urls for who in ("office", "head")] == few
    assert max(few) <= 12


def test_figures_of_a_crowd_are_what_counting_says(crowded: County) -> None:
    board = board_page(Reader(crowded.actor("office", AT), AT), Address("/board/", QueryDict()))
    red = WorkItem.objects.filter(lamp="red", closed_at=None)
    assert (board.units, board.open) == (UNITS + 1, MANY + 1)
    assert {rung.level: rung.count for rung in board.ladder if rung.count} == {
        level: red.filter(level=level).count() for level in red.values_list("level", flat=True).distinct()
    }
    assert sum(age.count for age in board.ages) == red.count()
    assert board.league[-1].open == board.open - sum(line.open for line in board.league[:-1])

"""The engine's small parts, without a database: words, rows as text, windows of ids, reach, tallies, the rule books' door."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import translation

from organisation.actors import Actor, Capacity, clock_of
from supervision.orders.models import SupervisionOrder
from workflows import rows, rulebook, windows
from workflows.models import Vote
from workflows.round_reading import Tally, tally_of, verdict_of
from workflows.rulebook import LadderStep, RuleMissing
from workflows.scope import OVERSIGHT, oversees
from workflows.windows import BEYOND, WIDTH, Window
from workflows.words import Reason, Text

# --- Words -------------------------------------------------------------------------------------------------

LATE = Text("已超期{days}天。", "{days} days late.")


@pytest.mark.parametrize(
    ("active", "said"),
    [("zh-hans", "已超期3天。"), ("en", "3 days late."), ("en-gb", "3 days late."), (None, "已超期3天。")],
)
def test_a_phrase_is_said_in_the_reader_s_language_and_in_chinese_where_there_is_none(
    active: str | None, said: str
) -> None:
    with translation.override(active):
        assert LATE.format(days=3) == said
        assert str(Reason("late", LATE, {"days": 3})) == said
        assert str(LATE) == said.replace("3", "{days}")


def test_a_phrase_is_said_in_a_named_language_whoever_reads() -> None:
    with translation.override("en"):
        assert LATE.in_language("zh-hans") == "已超期{days}天。"
    assert LATE.in_language("en-us") == "{days} days late."


def test_a_phrase_within_a_phrase_follows_the_reader() -> None:
    reason = Reason("x", Text("由{role}办理", "for {role}"), {"role": Text("县长", "the county head")})
    with translation.override("en"):
        assert str(reason) == "for the county head"
    with translation.override("zh-hans"):
        assert str(reason) == "由县长办理"


# --- Rows --------------------------------------------------------------------------------------------------

BEIJING = timezone(timedelta(hours=8))
EIGHT = datetime(2026, 3, 1, 8, 30, tzinfo=BEIJING)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (EIGHT, "2026-03-01T00:30:00+00:00"),
        (date(2026, 2, 28), "2026-02-28"),
        (time(8, 30), "08:30:00"),
        (timedelta(minutes=1), 60.0),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Decimal("12.50"), "12.50"),
        (b"\x00\xff", "00ff"),
        (memoryview(b"\x00\xff"), "00ff"),
    ],
)
def test_what_a_decision_is_made_on_is_kept_in_json_s_own_types(value: object, written: object) -> None:
    assert rows.plain(value) == written


def test_anything_else_is_refused_and_named() -> None:
    with pytest.raises(TypeError, match=r"^\{1\} cannot stand in the ledger$"):
        rows.plain({1})


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        ("督办", "text", "督办"),
        (2**53 + 1, "bigint", "9007199254740993"),
        (1.5, "float8", "1.5"),
        (True, "boolean", "true"),
        (False, "boolean", "false"),
        (date(2026, 2, 28), "date", "2026-02-28"),
        (EIGHT, "timestamptz", "2026-03-01T00:30:00+00:00"),
        (Decimal("12.50"), "numeric(7,2)", "12.50"),
        (b"\x00\xff", "text", "00ff"),
        ([3, 2**40], "bigint[]", "{3,1099511627776}"),
        ((3, None), "bigint[]", "{3,NULL}"),
        (["a", "NULL", ""], "varchar(80)[]", '{"a","NULL",""}'),
        (['head:1"\\'], "varchar(80)[]", '{"head:1\\"\\\\"}'),
        ([], "bigint[]", "{}"),
        ({"日": date(2026, 1, 1)}, "jsonb", '{"\\u65e5": "2026-01-01"}'),
        (["a", None], "jsonb", '["a", null]'),
        ("a", "jsonb", '"a"'),
        (Vote.APPROVE, "varchar(10)", "approve"),
        (UUID(int=7), "uuid", "00000000-0000-0000-0000-000000000007"),
        (memoryview(b"\x00\xff"), "text", "00ff"),
    ],
)
def test_a_value_is_written_as_the_server_reads_it(value: object, kind: str, written: str) -> None:
    assert rows.literal(value, kind) == written


def test_a_column_that_a_row_does_not_have_is_null() -> None:
    columns = {"id": "bigint", "title": "varchar(200)"}
    assert rows.parameters("r", columns, [{"id": 1, "title": "甲"}, {"id": 2}, {"id": 3, "title": None}]) == {
        "r_0_id": "1", "r_0_title": "甲", "r_1_id": "2", "r_1_title": None, "r_2_id": "3", "r_2_title": None,
    }  # fmt: skip


def test_a_column_of_json_is_written_as_json_among_parameters_too() -> None:
    assert rows.parameters("r", {"why": "jsonb"}, [{"why": ["a"]}, {"why": "a"}]) == {
        "r_0_why": '["a"]',
        "r_1_why": '"a"',
    }


def test_every_parameter_that_a_statement_asks_for_is_given() -> None:
    columns = {"id": "bigint", "share": "numeric(7, 2)", "title": "varchar(200)"}
    sql = rows.few("r", columns, 2)
    given = rows.parameters("r", columns, [{"id": 1}, {"id": 2}])
    assert sql % {name: name for name in given} == (
        "r AS NOT MATERIALIZED (SELECT * FROM (VALUES"
        " (r_0_id::bigint, r_0_share::numeric, r_0_title::varchar),"
        ' (r_1_id::bigint, r_1_share::numeric, r_1_title::varchar)) AS r("id", "share", "title"))'
    )
    assert rows.few("r", columns).count("::bigint") == 1


def test_rows_as_one_text_keep_their_columns_types() -> None:
    assert rows.many("r", {"id": "bigint", "title": "varchar(200)"}) % {"r": "TEXT"} == (
        'r AS (SELECT * FROM jsonb_to_recordset(TEXT::jsonb) AS r("id" bigint, "title" varchar(200)))'
    )
    assert json.loads(rows.as_json([{"id": 1, "at": EIGHT}])) == [
        {"id": 1, "at": "2026-03-01T00:30:00+00:00"}
    ]


# --- Windows -----------------------------------------------------------------------------------------------


def turns(lowest: int, highest: int, count: int) -> list[tuple[int, int]]:
    found = [windows._window(SupervisionOrder, lowest, highest, turn) for turn in range(count)]
    assert {window.model for window in found} == {SupervisionOrder}
    return [(window.first, window.last) for window in found]


def test_a_kind_that_fits_into_one_window_is_seen_whole_at_every_turn() -> None:
    assert turns(0, 0, 2) == [(0, BEYOND)] * 2
    assert turns(7, 6 + WIDTH, 2) == [(0, BEYOND)] * 2
    assert Window(SupervisionOrder) == Window(SupervisionOrder, 0, BEYOND)


def test_windows_join_without_a_gap_reach_beyond_both_ends_and_begin_anew() -> None:
    assert turns(7, 7 + 2 * WIDTH, 4) == [
        (0, 6 + WIDTH),
        (7 + WIDTH, 6 + 2 * WIDTH),
        (7 + 2 * WIDTH, BEYOND),
        (0, 6 + WIDTH),
    ]


# --- Reach -------------------------------------------------------------------------------------------------


def test_one_post_of_oversight_among_others_is_enough() -> None:
    head, auditor = Capacity(1, "head", 5, 7), Capacity(2, "auditor", None, 7)
    assert not oversees(Actor(7, 1, "x"))
    assert not oversees(Actor(7, 1, "x", (head,)))
    assert oversees(Actor(7, 1, "x", (head, auditor)))
    assert not oversees(Actor(7, 1, "x", (auditor,)), OVERSIGHT - {"auditor"})
    assert oversees(clock_of(1))


# --- Tallies -----------------------------------------------------------------------------------------------


def test_a_step_is_counted_by_seats() -> None:
    votes = ["approve", "approve", "approve", "refuse", "refuse", "recuse", ""]
    assert tally_of(votes, 4) == Tally(agreed=3, against=2, recused=1, waiting=1, need=4)
    assert tally_of(votes, 4).live == 6


def test_without_a_number_all_who_sit_must_agree() -> None:
    assert tally_of(["approve", "recuse", ""], 0).need == 2
    assert verdict_of(["approve", "recuse", ""], 0) is None
    assert verdict_of(["approve", "recuse", "approve"], 0) == "approve"


def test_where_nobody_is_left_to_agree_nothing_is_approved() -> None:
    """The engine refuses such a withdrawal; were there one all the same, the step would be lost, not won."""
    assert verdict_of(["recuse", "recuse"], 0) == "refuse"
    assert verdict_of(["approve", "recuse"], 2) == "refuse"


# --- Rule books --------------------------------------------------------------------------------------------


def test_the_room_that_registered_is_asked_with_the_document_and_the_stamp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rulebook, "_resolver", None)
    document: Any = object()
    with pytest.raises(RuleMissing, match=r"^no room has registered its rule books; see workflows\."):
        rulebook.rulebook_of(document, 3)
    book: Any = object()
    asked: list[Any] = []
    rulebook.register_rulebooks(lambda *given: (asked.append(given), book)[1])
    assert rulebook.rulebook_of(document, 3) is book
    assert asked == [(document, 3)]


def test_a_step_of_a_ladder_is_quiet_unless_it_says_otherwise() -> None:
    assert LadderStep("remind", EIGHT.astimezone(UTC)) == LadderStep(
        "remind", EIGHT, tells=(), lamp=None, action=None, urgent=False, level=0
    )

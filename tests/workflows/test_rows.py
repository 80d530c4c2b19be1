"""A row means the same to the server whether it comes as parameters or within a JSON text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, connection, transaction

from supervision.orders.models import SupervisionOrder
from tests.supervision.county import County, order_of
from workflows import rows
from workflows.models import Vote
from workflows.statements import rows_of

COLUMNS = {
    "n": "bigint", "words": "text", "short": "varchar(3)", "day": "date", "instant": "timestamptz", "yes": "boolean", "people": "bigint[]",
    "signers": "varchar(80)[]", "why": "jsonb", "share": "numeric(7,2)", "request": "uuid", "small": "smallint", "digest": "text",
}  # fmt: skip
FULL = {
    "n": 2**53 + 1, "words": 'a "quoted" \\ back\nslash 督办 {1,2}', "short": "abc", "day": date(2026, 2, 28),
    "instant": datetime(2026, 3, 1, 8, 30, 1, 5, tzinfo=timezone(timedelta(hours=8))), "yes": True, "people": [3, 2**40],
    "signers": ['head:1"\\', "leader, second:7", "{}", "", "NULL"], "why": {"a": [1, None, "x"], "日": date(2026, 1, 1)},
    "share": Decimal("12.50"), "request": UUID(int=7), "small": 3, "digest": b"\x00\xff",
}  # fmt: skip
BARE: dict[str, Any] = {
    "n": 0, "words": "", "yes": False, "people": [], "signers": [], "why": [], "instant": datetime(2026, 1, 1, tzinfo=UTC),
    "digest": Vote.APPROVE,
}  # fmt: skip


@pytest.mark.parametrize("given", [[FULL], [BARE], [FULL, BARE, {}]], ids=["full", "bare", "three"])
def test_parameters_and_json_give_the_same_row(db: None, given: list[dict[str, Any]]) -> None:
    by_parameters = rows_of(
        f"WITH {rows.few('r', COLUMNS, len(given))} SELECT * FROM r", rows.parameters("r", COLUMNS, given)
    )
    by_json = rows_of(f"WITH {rows.many('r', COLUMNS)} SELECT * FROM r", {"r": rows.as_json(given)})
    assert by_parameters == by_json
    assert len(by_json) == len(given)


def test_values_arrive_as_they_are(db: None) -> None:
    [row] = rows_of(f"WITH {rows.few('r', COLUMNS)} SELECT * FROM r", rows.parameters("r", COLUMNS, [FULL]))
    found = dict(zip(COLUMNS, row, strict=True))
    for name in (
        "n",
        "words",
        "short",
        "day",
        "instant",
        "yes",
        "people",
        "signers",
        "share",
        "request",
        "small",
    ):
        assert found[name] == FULL[name], name
    assert found["digest"] == "00ff"


@pytest.mark.parametrize("step", ["alone", "together"])
def test_what_is_too_long_is_refused_and_not_cut(place: County, step: str) -> None:
    """A cast to varchar(3) would cut it; the column must refuse it."""
    orders = [order_of(place), order_of(place)][: 2 if step == "together" else 1]
    with pytest.raises(DataError, match="too long"), transaction.atomic():
        write_numbers(orders, "x" * 500)


def write_numbers(orders: list[SupervisionOrder], number: str) -> None:
    fields = {"number": str(SupervisionOrder._meta.get_field("number").db_type(connection))}
    columns = {"id": "bigint", **fields}
    given = [{"id": order.pk, "number": number} for order in orders]
    several = len(orders) > 1
    source = rows.many("r", columns) if several else rows.few("r", columns)
    rows_of(
        f"WITH {source} UPDATE orders_supervisionorder o SET number = r.number FROM r WHERE o.id = r.id RETURNING o.id",
        {"r": rows.as_json(given)} if several else rows.parameters("r", columns, given),
    )

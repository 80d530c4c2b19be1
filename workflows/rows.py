"""How rows reach a writing statement: a few as parameters, any number as one JSON text.

Of parameters the server knows how many rows they are and finds what belongs to them by index, whatever it was planned for;
a JSON text is quicker than thousands of parameters. Both mean the same to the last digit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

Columns = Mapping[str, str]
"""A row's columns: name -> the database's type."""

LENGTH = re.compile(r"\([\d, ]+\)")
"""Left out of a cast, which would cut what is too long; the column itself refuses it."""


def plain(value: object) -> object:
    """JSON's own types for the values a decision is made on; raises TypeError for anything else."""
    for kind in type(value).__mro__:
        if write := PLAIN.get(kind):
            return write(value)
    raise TypeError(f"{value!r} cannot stand in the ledger")


@lru_cache(maxsize=1024)
def _instant(value: datetime) -> str:
    """An instant in UTC: the documents of one call share most of theirs."""
    return value.astimezone(UTC).isoformat()


PLAIN: Mapping[type, Callable[[Any], object]] = {
    datetime: _instant, date: date.isoformat, time: time.isoformat, timedelta: timedelta.total_seconds, UUID: str, Decimal: str,
    bytes: bytes.hex, memoryview: memoryview.hex,
}  # fmt: skip

JSON = json.JSONEncoder(default=plain)


def few(name: str, columns: Columns, count: int = 1) -> str:
    """`name AS (...)` for WITH, of exactly `count` rows that come as parameters; what `parameters` gives."""
    rows = ", ".join(f"({_row(f'{name}_{n}', columns)})" for n in range(count))
    names = ", ".join(f'"{column}"' for column in columns)
    return f"{name} AS NOT MATERIALIZED (SELECT * FROM (VALUES {rows}) AS r({names}))"


def _row(prefix: str, columns: Columns) -> str:
    casts = {column: LENGTH.sub("", kind) for column, kind in columns.items()}
    return ", ".join(f"%({prefix}_{column})s::{cast}" for column, cast in casts.items())


def many(name: str, columns: Columns) -> str:
    """The same of any number of rows that come as the JSON text `name`; what `as_json` gives."""
    typed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
    return f"{name} AS (SELECT * FROM jsonb_to_recordset(%({name})s::jsonb) AS r({typed}))"


def parameters(name: str, columns: Columns, rows: Sequence[Mapping[str, Any]]) -> dict[str, str | None]:
    """What `few` asks for; a column that a row does not have is NULL."""
    given: dict[str, str | None] = {}
    for n, row in enumerate(rows):
        prefix = f"{name}_{n}_"
        for column, kind in columns.items():
            value = row.get(column)
            given[prefix + column] = None if value is None else literal(value, kind)
    return given


def as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """What `many` asks for."""
    return JSON.encode(rows)


def literal(value: object, kind: str) -> str:
    """A value as the server reads it from text, so that a statement's types do not depend on what is in it."""
    if kind == "jsonb":
        return JSON.encode(value)
    write = WRITTEN.get(type(value))
    if write is None:
        write = str if isinstance(value, str) else _plainly
    return write(value)


def _array(values: Any) -> str:
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _plainly(value: object) -> str:
    return str(plain(value))


WRITTEN: Mapping[type, Callable[[Any], str]] = {
    str: str, int: str, float: str, bool: {True: "true", False: "false"}.__getitem__, list: _array, tuple: _array, datetime: _instant,
    date: date.isoformat, bytes: bytes.hex,
}  # fmt: skip
"""How values of the commonest types are written; all others as JSON has them."""

"""What one step through the real fire() writes, read back from the rows: the pattern after which the own floor writes.

So the floor's rows have the columns, sizes and numbers of Duban's own, whatever these become.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

MOVED = (
    "state",
    "version",
    "workers",
    "moved_by_id",
    "moved_step",
    "moved_at",
    "ledger_sequence",
    "ledger_head",
)
"""The columns of a document that every step writes."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Recorded:
    """One step of one document."""

    table: str
    kind: str
    before: Row
    document: Row  # the columns that it wrote, as they are after
    entry: Row
    payload: Row
    closed: tuple[str, ...]  # duties
    closing: Row  # the columns of a closed item that it wrote
    kept: tuple[str, ...]  # duties that go on under the new state
    opened: tuple[Row, ...]
    notices: tuple[Row, ...]


def record(model: Any, pk: int, act: Callable[[], None]) -> Recorded:
    """Let `act` take one step with this document and say what it wrote. Raises AssertionError when the floor could not
    write the same, because a step does more than the floor knows of."""
    table, kind = model._meta.db_table, model.kind()
    before, old = _document(table, pk), _items(kind, pk)
    act()
    after, new = _document(table, pk), _items(kind, pk)
    changed = {name for name in after if after[name] != before[name]}
    touched = {pk: {name for name in new[pk] if new[pk][name] != old[pk][name]} for pk in old}
    closed = [pk for pk in old if "closed_at" in touched[pk]]
    kept = [pk for pk in old if old[pk]["closed_at"] is None and pk not in closed]
    closing = {"closed_at", "closed_by_id", "closed_how", "next_step_at"}
    assert all(touched[pk] <= closing for pk in closed)
    assert all(touched[pk] == {"state"} for pk in kept)
    assert not any(touched[pk] for pk in old if pk not in closed and pk not in kept)
    sequence = after["ledger_sequence"]
    assert sequence == before["ledger_sequence"] + 1
    entry, payload = (
        _one(
            f"SELECT * FROM {name} WHERE kind = %s AND document_id = %s AND sequence = %s", kind, pk, sequence
        )
        for name in ("workflows_entry", "workflows_payload")
    )
    notices = _all(
        "SELECT * FROM workflows_notice WHERE kind = %s AND document_id = %s AND key LIKE %s ORDER BY id",
        kind, pk, f"{kind}:{pk}:{sequence}:%",
    )  # fmt: skip
    return Recorded(
        table, kind, before, {name: after[name] for name in after if name in changed or name in MOVED}, entry, payload,
        tuple(old[pk]["duty"] for pk in closed), {name: new[closed[0]][name] for name in sorted(closing)} if closed else {},
        tuple(old[pk]["duty"] for pk in kept), tuple(new[pk] for pk in new if pk not in old), tuple(notices),
    )  # fmt: skip


def _document(table: str, pk: int) -> Row:
    return _one(f"SELECT * FROM {table} WHERE id = %s", pk)


def _items(kind: str, pk: int) -> Mapping[int, Row]:
    rows = _all("SELECT * FROM workflows_workitem WHERE kind = %s AND document_id = %s ORDER BY id", kind, pk)
    return {row["id"]: row for row in rows}


def _one(query: str, *parameters: Any) -> Row:
    (row,) = _all(query, *parameters)
    return row


def _all(query: str, *parameters: Any) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        names = [column.name for column in cursor.description or ()]
        return [
            {name: bytes(value) if isinstance(value, memoryview) else value for name, value in zip(names, row, strict=True)}
            for row in cursor.fetchall()
        ]  # fmt: skip

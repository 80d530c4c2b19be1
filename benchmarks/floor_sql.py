"""The own floor's SQL: the rows of a recorded step for another document, as somebody would write them by hand who knows
beforehand what is to be written. Parameters are named; those of a row's columns begin with the place they belong to."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from benchmarks.recorded import Recorded, Row

UNWRITTEN = {"id", "transaction"}
"""Columns that the database fills."""

CLOSE = """UPDATE workflows_workitem SET closed_at = %(c_closed_at)s, closed_by_id = %(c_closed_by_id)s, closed_how = %(c_closed_how)s,
 next_step_at = %(c_next_step_at)s WHERE kind = %(kind)s AND document_id = %(id)s AND closed_at IS NULL AND duty = ANY(%(closed)s::text[])"""
KEEP = """UPDATE workflows_workitem SET state = %(d_state)s
 WHERE kind = %(kind)s AND document_id = %(id)s AND closed_at IS NULL AND duty = ANY(%(kept)s::text[])"""


NAMED = re.compile(r"%\((\w+)\)s")


class Statement:
    """A text with numbered parameters, as the server itself has them: psycopg then reads none of it (RawCursor)."""

    def __init__(self, text: str) -> None:
        self.names = tuple(dict.fromkeys(NAMED.findall(text)))
        place = {name: f"${number}" for number, name in enumerate(self.names, start=1)}
        self.sql = NAMED.sub(lambda found: place[found[1]], text).encode()

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """What goes into the places."""
        return [given[name] for name in self.names]


@dataclass(frozen=True)
class Texts:
    """What one step sends: the locking read, then its writes, the document's first."""

    lock: str
    writes: tuple[str, ...]

    def at_once(self) -> str:
        """All writes as one statement, which tells how many documents moved."""
        moved, *others = self.writes
        parts = [f"moved AS ({moved} RETURNING id)", *(f"w{n} AS ({text})" for n, text in enumerate(others))]
        return f"WITH {', '.join(parts)} SELECT count(*) FROM moved"


def texts(recorded: Recorded) -> Texts:
    """The SQL of one recorded step for one document."""
    table = recorded.table
    sets = ", ".join(f"{name} = %(d_{name})s" for name in recorded.document)
    writes = [
        f"UPDATE {table} SET {sets} WHERE id = %(id)s AND version = %(seen)s AND state = %(before)s",
        _insert("workflows_entry", "e", [recorded.entry]),
        _insert("workflows_payload", "p", [recorded.payload]),
    ]
    if recorded.closed:
        writes.append(CLOSE)
    if recorded.kept:
        writes.append(KEEP)
    if recorded.opened:
        writes.append(_insert("workflows_workitem", "o", recorded.opened))
    if recorded.notices:
        writes.append(_insert("workflows_notice", "n", recorded.notices))
    lock = f"SELECT state, version, ledger_sequence, ledger_head, workers, signers FROM {table} WHERE id = %(id)s FOR UPDATE"
    return Texts(lock, tuple(writes))


def _insert(table: str, prefix: str, rows: Sequence[Row]) -> str:
    names = [name for name in rows[0] if name not in UNWRITTEN]
    given = ", ".join(f"({', '.join(f'%({prefix}{n}_{name})s' for name in names)})" for n in range(len(rows)))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {given}"


def parameters(recorded: Recorded, pk: int, title: str, request_id: UUID) -> dict[str, Any]:
    """Every value of that step for this document, precomputed. The digests are those of the recorded step: nobody who
    measures reads them, and the database does not."""
    own = {"document_id": pk, "title": title}
    given: dict[str, Any] = {
        "id": pk, "kind": recorded.kind, "seen": recorded.before["version"], "before": recorded.before["state"],
        "closed": list(recorded.closed), "kept": list(recorded.kept),
    }  # fmt: skip
    given |= {f"d_{name}": _plain(value) for name, value in recorded.document.items()}
    given |= {f"c_{name}": _plain(value) for name, value in recorded.closing.items()}
    for prefix, rows in (
        ("e", [recorded.entry | {"request_id": request_id}]),
        ("p", [recorded.payload]),
        ("o", recorded.opened),
        ("n", [row | {"key": key_of(row, pk)} for row in recorded.notices]),
    ):
        for number, row in enumerate(rows):
            mine = row | {name: value for name, value in own.items() if name in row}
            given |= {
                f"{prefix}{number}_{name}": _plain(v) for name, v in mine.items() if name not in UNWRITTEN
            }
    return given


def key_of(notice: Row, pk: int) -> str:
    """A notice's key for another document: kind, document, sequence, person."""
    kind, _, sequence, person = str(notice["key"]).rsplit(":", 3)
    return f"{kind}:{pk}:{sequence}:{person}"


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def texts_of_many(recorded: Recorded, types: Mapping[str, Mapping[str, str]]) -> Texts:
    """The same for many documents at once; `types` are the columns' types by table. All writes are one statement."""
    table = recorded.table
    own = {"ledger_head": "g.digest"}
    sets = ", ".join(f"{name} = {own.get(name, f'%(d_{name})s')}" for name in recorded.document)
    entry = {
        "document_id": "g.id", "digest": "g.digest", "previous": "g.previous", "payload_digest": "g.payload_digest",
    }  # fmt: skip
    moved = f"UPDATE {table} d SET {sets} FROM given g WHERE d.id = g.id AND d.version = %(seen)s AND d.state = %(before)s"
    close, keep = (
        text.replace("WHERE", "FROM given g WHERE").replace("%(id)s", "g.id") for text in (CLOSE, KEEP)
    )
    parts = [
        "given AS (SELECT * FROM unnest(%(ids)s::bigint[], %(titles)s::text[], %(digests)s::bytea[], %(previous)s::bytea[],"
        " %(payload_digests)s::bytea[], %(salts)s::bytea[], %(contents)s::bytea[])"
        " AS g(id, title, digest, previous, payload_digest, salt, content))",
        f"moved AS ({moved} RETURNING d.id)",
        f"entries AS ({_select('workflows_entry', 'e0', recorded.entry, entry, types)})",
        "payloads AS ("
        + _select(
            "workflows_payload", "p0", recorded.payload,
            {"document_id": "g.id", "salt": "g.salt", "content": "g.content"}, types,
        )
        + ")",
    ]  # fmt: skip
    if recorded.closed:
        parts.append(f"closed AS ({close})")
    if recorded.kept:
        parts.append(f"kept AS ({keep})")
    mine = {"document_id": "g.id", "title": "g.title"}
    for number, row in enumerate(recorded.opened):
        parts.append(f"o{number} AS ({_select('workflows_workitem', f'o{number}', row, mine, types)})")
    if recorded.notices:
        told = mine | {
            "person_id": "t.person",
            "key": "%(kind)s || ':' || g.id || ':' || %(d_ledger_sequence)s::bigint || ':' || t.person",
        }
        parts.append(
            f"told AS ({_select('workflows_notice', 'n0', recorded.notices[0], told, types)}"
            " CROSS JOIN unnest(%(told)s::bigint[]) AS t(person))"
        )
    lock = (
        f"SELECT id, state, version, ledger_sequence, ledger_head, workers, signers FROM {table}"
        " WHERE id = ANY(%(all)s) ORDER BY id FOR UPDATE"
    )
    return Texts(lock, (f"WITH {', '.join(parts)} SELECT count(*) FROM moved",))


def _select(
    table: str, prefix: str, row: Row, own: Mapping[str, str], types: Mapping[str, Mapping[str, str]]
) -> str:
    names = [name for name in row if name not in UNWRITTEN]
    given = ", ".join(own.get(name, f"%({prefix}_{name})s::{types[table][name]}") for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {given} FROM given g"


def parameters_of_many(
    recorded: Recorded,
    documents: Sequence[tuple[int, str, Row, Row]],
    also_locked: Sequence[int],
    request_id: UUID,
) -> dict[str, Any]:
    """The values for these documents, each with its id, title, and the entry and payload that are to be its own;
    `also_locked` are documents that are locked and then left as they are."""
    pk, title, _, _ = documents[0]
    given = parameters(recorded, pk, title, request_id)
    return given | {
        "ids": [pk for pk, *_ in documents], "titles": [title for _, title, *_ in documents],
        "all": sorted([*(pk for pk, *_ in documents), *also_locked]), "told": [row["person_id"] for row in recorded.notices],
        **{
            f"{name}s" if name != "previous" else name: [entry[name] for *_, entry, _ in documents]
            for name in ("digest", "previous", "payload_digest")
        },
        "salts": [payload["salt"] for *_, payload in documents], "contents": [payload["content"] for *_, payload in documents],
    }  # fmt: skip

"""The statements that `fire.py` writes with: each of fixed text per kind of document, so that the server plans it once.

One data-modifying statement moves the documents by compare-and-set, appends the entries and their payloads, closes,
keeps, pauses, shifts and opens work items, and tells people by the posts they hold that day.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from workflows import ladders, ledger
from workflows.lifecycle import Duty
from workflows.roles import Role
from workflows.rulebook import Deadline
from workflows.statements import numbers, value_of


@dataclass(frozen=True)
class Owed:
    """A duty with its deadline; `shifts` when it goes on under a new date instead of being opened."""

    duty: Duty
    deadline: Deadline
    shifts: bool = False


@dataclass
class Write:
    """One document's share of a statement; `document` is already up to date in memory."""

    document: Any
    before: str
    seen: int
    link: ledger.Link
    values: dict[str, Any]
    owed: Sequence[Owed]
    tells: tuple[Role, ...]


@dataclass(frozen=True)
class Leaving:
    """What all documents of one call share: the step, and which duties outlive it."""

    step: str
    after: str
    keep: Sequence[str]
    paused: Sequence[str]
    urgent: bool
    actor_id: int | None
    at: datetime
    day: date


MOVED_COLUMNS = """id bigint, seen bigint, version bigint, before text, after text, workers bigint[], moved_by_id bigint, moved_step text,
    moved_at timestamptz, sequence bigint, head text"""

OWED_COLUMNS = """kind text, document_id bigint, institution_id bigint, title text, number text, unit_id bigint, state text, duty text,
    role text, post_role text, owner_unit_id bigint, due_on date, due_at timestamptz, derivation jsonb, provisional boolean, ladder jsonb,
    next_step_at timestamptz, ladder_at smallint, lamp text, shifts boolean"""

TOLD_COLUMNS = """kind text, document_id bigint, institution_id bigint, sequence bigint, title text, post text, unit bigint"""

ITEMS_AND_NOTICES = (
    """
closed AS (
  UPDATE workflows_workitem w SET closed_at = %(at)s, closed_by_id = %(actor)s, closed_how = %(step)s, next_step_at = NULL
    FROM moved WHERE w.kind = %(kind)s AND w.document_id = moved.id AND w.closed_at IS NULL AND w.duty <> ALL(%(keep)s::text[])),
kept AS (
  UPDATE workflows_workitem w
     SET state = %(after)s,
         paused_at = CASE WHEN w.duty = ANY(%(paused)s::text[]) THEN coalesce(w.paused_at, %(at)s::timestamptz) ELSE w.paused_at END,
         next_step_at = CASE WHEN w.duty = ANY(%(paused)s::text[]) THEN NULL ELSE w.next_step_at END
    FROM moved WHERE w.kind = %(kind)s AND w.document_id = moved.id AND w.closed_at IS NULL AND w.duty = ANY(%(keep)s::text[])
     AND NOT EXISTS (SELECT FROM owed o WHERE o.document_id = w.document_id AND o.duty = w.duty AND o.shifts)),
shifted AS (
  UPDATE workflows_workitem w
     SET state = o.state, due_on = o.due_on, due_at = o.due_at, derivation = o.derivation, provisional = o.provisional,
         ladder = o.ladder, ladder_at = o.ladder_at, next_step_at = o.next_step_at, lamp = o.lamp, paused_at = NULL
    FROM owed o JOIN moved ON moved.id = o.document_id
   WHERE o.shifts AND w.kind = o.kind AND w.document_id = o.document_id AND w.duty = o.duty AND w.closed_at IS NULL),
opened AS (
  INSERT INTO workflows_workitem (kind, document_id, institution_id, title, number, unit_id, state, duty, turn, role, post_role,
      owner_unit_id, rerouted_from, opened_at, due_on, due_at, original_due_on, derivation, provisional, lamp, ladder, ladder_at,
      next_step_at, closed_how, attempts, last_error)
  SELECT o.kind, o.document_id, o.institution_id, o.title, o.number, o.unit_id, o.state, o.duty,
      1 + (SELECT count(*) FROM workflows_workitem w WHERE w.kind = o.kind AND w.document_id = o.document_id AND w.duty = o.duty),
      o.role, o.post_role, o.owner_unit_id, '', %(at)s, o.due_on, o.due_at, o.due_on, o.derivation, o.provisional, 'green', o.ladder, 0,
      o.next_step_at, '', 0, ''
    FROM owed o JOIN moved ON moved.id = o.document_id WHERE NOT o.shifts),
told AS (
  INSERT INTO workflows_notice (kind, document_id, institution_id, person_id, key, code, params, title, urgent, at)
  SELECT DISTINCT t.kind, t.document_id, t.institution_id, s.person_id,
      t.kind || ':' || t.document_id || ':' || t.sequence || ':' || s.person_id, %(step)s::text, '{}'::jsonb, t.title, %(urgent)s::boolean,
      %(at)s::timestamptz
    FROM jsonb_to_recordset(%(told)s::jsonb) AS t("""
    + TOLD_COLUMNS
    + """)
    JOIN moved ON moved.id = t.document_id
    JOIN organisation_standing s ON s.institution_id = t.institution_id AND s.role = t.post AND (t.unit IS NULL OR s.unit_id = t.unit)
     AND s.begins <= %(day)s::date AND (s.ends IS NULL OR s.ends >= %(day)s::date)
   WHERE s.person_id IS DISTINCT FROM %(actor)s::bigint
  ON CONFLICT (key) DO NOTHING)"""
)

COMPARE_AND_SET = """
moved AS (
  UPDATE {table} d
     SET state = m.after, version = m.version, workers = m.workers, moved_by_id = m.moved_by_id, moved_step = m.moved_step,
         moved_at = m.moved_at, ledger_sequence = m.sequence, ledger_head = decode(m.head, 'hex'){sets}
    FROM moves m WHERE d.id = m.id AND d.version = m.seen AND d.state = m.before RETURNING d.id)"""

EDITED = """
moved AS (
  UPDATE {table} d
     SET version = m.version, workers = m.workers, ledger_sequence = m.sequence, ledger_head = decode(m.head, 'hex'){sets}
    FROM moves m WHERE d.id = m.id AND d.version = m.seen AND d.state = m.before RETURNING d.id),
retitled AS (
  UPDATE workflows_workitem w SET title = %(title)s, unit_id = %(unit)s FROM moved
   WHERE w.kind = %(kind)s AND w.document_id = moved.id AND w.closed_at IS NULL AND (w.title, w.unit_id) <> (%(title)s, %(unit)s))"""

APPENDED = """
moved AS (
  UPDATE {table} d
     SET ledger_sequence = m.sequence, ledger_head = decode(m.head, 'hex'),
         workers = d.workers || ARRAY(SELECT unnest(%(workers)s::bigint[]) EXCEPT SELECT unnest(d.workers))
    FROM (SELECT document_id AS id, max(sequence) AS sequence, (array_agg(digest ORDER BY sequence DESC))[1] AS head
            FROM links GROUP BY document_id) m
   WHERE d.id = m.id RETURNING d.id)"""

BORN = """
moved AS (INSERT INTO {table} ({columns}) SELECT {selected} FROM moves m RETURNING id)"""


class Lost(RuntimeError):
    """A locked row did not move: it was written by something other than this module."""


def _column(model: type[models.Model], name: str) -> tuple[str, str]:
    """The database's name and type of a field."""
    field = model._meta.get_field(name)
    kind = field.db_type(connection) if isinstance(field, models.Field) else None
    if not isinstance(field, models.Field) or kind is None:
        raise TypeError(f"{model.__name__}.{name} has no column")
    return field.column, kind


def _prefix(extra: str) -> str:
    return (
        f"WITH moves AS (SELECT * FROM jsonb_to_recordset(%(moves)s::jsonb) AS m({MOVED_COLUMNS}{extra})),\n"
        f"links AS (SELECT * FROM jsonb_to_recordset(%(links)s::jsonb) AS e({ledger.ENTRY_COLUMNS})),\n"
    )


OWED = f"owed AS (SELECT * FROM jsonb_to_recordset(%(owed)s::jsonb) AS o({OWED_COLUMNS})),"
CHAINED = f"entries AS ({ledger.INSERT_ENTRIES}),\npayloads AS ({ledger.INSERT_PAYLOADS})"
COUNT = "\nSELECT count(*) FROM moved"


@cache
def _moving(model: type[models.Model], fields: tuple[str, ...]) -> str:
    """One text per kind and set of recorded fields."""
    columns = {name: _column(model, name) for name in fields}
    extra = "".join(f', "set_{name}" {kind}' for name, (_, kind) in columns.items())
    sets = "".join(f', "{column}" = m."set_{name}"' for name, (column, _) in columns.items())
    moved = COMPARE_AND_SET.format(table=model._meta.db_table, sets=sets)
    return f"{_prefix(extra)}{OWED}{moved},\n{CHAINED},{ITEMS_AND_NOTICES}{COUNT}"


@cache
def _editing(model: type[models.Model], fields: tuple[str, ...]) -> str:
    columns = {name: _column(model, name) for name in fields}
    extra = "".join(f', "set_{name}" {kind}' for name, (_, kind) in columns.items())
    sets = "".join(f', "{column}" = m."set_{name}"' for name, (column, _) in columns.items())
    return f"{_prefix(extra)}{EDITED.format(table=model._meta.db_table, sets=sets)},\n{CHAINED}{COUNT}"


@cache
def _appending(model: type[models.Model]) -> str:
    links = (
        f"WITH links AS (SELECT * FROM jsonb_to_recordset(%(links)s::jsonb) AS e({ledger.ENTRY_COLUMNS})),"
    )
    return f"{links}{APPENDED.format(table=model._meta.db_table)},\n{CHAINED}{COUNT}"


@cache
def _opening(model: type[models.Model]) -> str:
    own = [f for f in model._meta.concrete_fields if f.attname not in {"id", "ledger_head"}]
    extra = "".join(f', "set_{f.attname}" {f.db_type(connection)}' for f in own)
    columns = ", ".join(["id", "ledger_head", *(f'"{f.column}"' for f in own)])
    selected = ", ".join(["m.id", "decode(m.head, 'hex')", *(f'm."set_{f.attname}"' for f in own)])
    moved = BORN.format(table=model._meta.db_table, columns=columns, selected=selected)
    return f"{_prefix(extra)}{OWED}{moved},\n{CHAINED},{ITEMS_AND_NOTICES}{COUNT}"


def move(model: type[models.Model], writes: Sequence[Write], leaving: Leaving) -> None:
    """Move locked documents: one statement. Raises Lost when a row is not as it was locked."""
    fields = tuple(sorted(writes[0].values))
    _execute(
        _moving(model, fields),
        [_moved(w, leaving.after, w.values) for w in writes],
        writes,
        _shared(model, writes, leaving),
    )


def open_new(model: type[models.Model], writes: Sequence[Write], leaving: Leaving) -> None:
    """Insert new documents with their entries, items and notices: one statement."""
    fields = [f for f in model._meta.concrete_fields if f.attname not in {"id", "ledger_head"}]
    rows = [
        _moved(w, leaving.after, {f.attname: getattr(w.document, f.attname) for f in fields}) for w in writes
    ]
    _execute(_opening(model), rows, writes, _shared(model, writes, leaving))


def edit(model: type[models.Model], write: Write) -> None:
    """Write a locked document's changed content: one statement."""
    fields = tuple(sorted(write.values))
    shared = {"kind": write.link.kind, "title": write.document.title, "unit": write.document.unit_id}
    _execute(_editing(model, fields), [_moved(write, write.before, write.values)], [write], shared)


def append(model: type[models.Model], links: Sequence[ledger.Link], *, workers: Sequence[int] = ()) -> None:
    """Append entries that are no transition to locked documents' chains: one statement.

    `workers` are people whose own work these documents now are, because the entry is a part of handling them.
    """
    append_rows(model, ledger.rows_json(links), len({link.document_id for link in links}), workers=workers)


def append_rows(model: type[models.Model], rows: str, documents: int, *, workers: Sequence[int] = ()) -> None:
    """The same for links that are JSON already, as `ledger.rows_json` gives them, of so many documents."""
    if value_of(_appending(model), {"links": rows, "workers": numbers(workers)}) != documents:
        raise Lost(model.__name__)


def _execute(
    sql: str, rows: Sequence[Mapping[str, Any]], writes: Sequence[Write], shared: Mapping[str, Any]
) -> None:
    links = ledger.rows_json([w.link for w in writes])
    given = {"moves": json.dumps(rows, default=ledger.plain), "links": links, **shared}
    if value_of(sql, given) != len(writes):
        raise Lost(f"{writes[0].link.kind}: {[w.document.pk for w in writes]}")


def _moved(write: Write, after: str, values: Mapping[str, Any]) -> dict[str, Any]:
    document = write.document
    return {
        "id": document.pk, "seen": write.seen, "version": document.version, "before": write.before, "after": after,
        "workers": document.workers, "moved_by_id": document.moved_by_id, "moved_step": document.moved_step, "moved_at": document.moved_at,
        "sequence": write.link.sequence, "head": write.link.digest, **{f"set_{name}": value for name, value in values.items()},
    }  # fmt: skip


def _shared(model: type[models.Model], writes: Sequence[Write], leaving: Leaving) -> dict[str, Any]:
    owed = [item for w in writes for item in _owed(w, leaving)]
    told = [row for w in writes for row in _told(w)]
    return {
        "kind": writes[0].link.kind, "owed": json.dumps(owed, default=ledger.plain), "told": json.dumps(told), "keep": list(leaving.keep),
        "paused": list(leaving.paused), "after": leaving.after, "step": leaving.step, "urgent": leaving.urgent,
        "actor": leaving.actor_id and str(leaving.actor_id), "at": leaving.at, "day": leaving.day,
    }  # fmt: skip


def _owed(write: Write, leaving: Leaving) -> list[dict[str, Any]]:
    document = write.document
    return [
        {
            "kind": write.link.kind, "document_id": document.pk, "institution_id": document.institution_id, "title": document.title,
            "number": document.number, "unit_id": document.unit_id, "state": leaving.after, "duty": o.duty.rule, "role": o.duty.role.key,
            "post_role": o.duty.role.post, "owner_unit_id": o.duty.role.unit_of(document), "shifts": o.shifts,
            **deadline_columns(o.deadline), **(_position(o.deadline, leaving.at) if o.shifts else {}),
        }
        for o in write.owed
    ]  # fmt: skip


def deadline_columns(deadline: Deadline) -> dict[str, Any]:
    """The columns of a work item that a deadline fills."""
    return {
        "due_on": deadline.due_on, "due_at": deadline.due_at, "derivation": deadline.derivation, "provisional": deadline.provisional,
        "ladder": [vars(step) for step in deadline.ladder], "next_step_at": deadline.ladder[0].at if deadline.ladder else None,
    }  # fmt: skip


def _position(deadline: Deadline, at: datetime) -> dict[str, Any]:
    """Where an item stands on the ladder of a new date: what lies before the shift is not taken again."""
    position = ladders.passed(deadline.ladder, at)
    return {"ladder_at": position.taken, "next_step_at": position.next_step_at, "lamp": position.lamp}


def _told(write: Write) -> list[dict[str, Any]]:
    document = write.document
    return [
        {
            "kind": write.link.kind, "document_id": document.pk, "institution_id": document.institution_id,
            "sequence": write.link.sequence, "title": document.title, "post": role.post, "unit": role.unit_of(document),
        }
        for role in write.tells
        if not role.unit or role.unit_of(document) is not None
    ]  # fmt: skip


def reserve(model: type[models.Model], count: int) -> tuple[list[int], int]:
    """Ids for new rows, and the calendar stamp: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')), coalesce((SELECT number FROM calendars_stamp), 0) FROM generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        rows = cursor.fetchall()
    return [row[0] for row in rows], rows[0][1]


def storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Field values as the ledger keeps them: a related row by its id."""
    return {name: value.pk if isinstance(value, models.Model) else value for name, value in values.items()}


def hold_request(person_id: int | None, request_id: UUID) -> None:
    """Let one of several identical requests for a birth go first: there is no row yet that they could wait for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{person_id}:{request_id}"])


def part_columns(document: Any, name: str) -> list[str]:
    """The columns of a part's rows that are the part's own: neither its id nor whose part it is."""
    owner = document.parts[name]
    fields = getattr(document, name).model._meta.concrete_fields
    return [f.attname for f in fields if f.name != owner and not f.primary_key]


def rows_to_name(document: Any, name: str) -> dict[str, set[int]]:
    """By column of this part: the rows of the document's other parts that its rows may refer to."""
    models_of = {getattr(document, part).model: part for part in document.parts}
    fields = getattr(document, name).model._meta.concrete_fields
    return {
        field.attname: set(getattr(document, models_of[field.related_model]).values_list("pk", flat=True))
        for field in fields
        if field.related_model in models_of
    }


def part_rows(document: Any, name: str) -> list[dict[str, Any]]:
    """A part's rows as they stand, without the foreign key to the document."""
    return list(getattr(document, name).order_by("pk").values("id", *part_columns(document, name)))


def same_rows(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the rows handed over say what stands already; a field that is not handed over counts as unchanged."""
    if len(before) != len(after):
        return False
    known = {row["id"]: row for row in before}
    return all(
        row.get("id") in known and all(known[row["id"]].get(k) == v for k, v in row.items()) for row in after
    )


def replace_parts(document: Any, parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Make each named part consist of these rows: at most three statements a part."""
    for name, rows in parts.items():
        manager, owner = getattr(document, name), document.parts[name]
        model: Any = manager.model
        kept = {row["id"]: row for row in rows if row.get("id")}
        manager.exclude(pk__in=kept).delete()
        stored = {part.pk: part for part in manager.filter(pk__in=kept)}
        for pk, part in stored.items():
            for field, value in kept[pk].items():
                setattr(part, field, value)
        fields = sorted({field for row in kept.values() for field in row if field != "id"})
        if stored and fields:
            model._base_manager.bulk_update(stored.values(), fields)
        model._base_manager.bulk_create(
            model(**{owner: document}, **{k: v for k, v in row.items() if k != "id"})
            for row in rows
            if not row.get("id")
        )

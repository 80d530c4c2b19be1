"""The texts of the statements that write documents: fixed per kind, recorded fields and shape, so that each is planned once.

A text contains only what its step has to do. One that kept, shifted and told nobody would cost as much as one that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models

from workflows import ledger, rows
from workflows.rows import Columns

MOVES: Columns = {
    "id": "bigint", "seen": "bigint", "version": "bigint", "before": "text", "after": "text", "workers": "bigint[]",
    "moved_by_id": "bigint", "moved_step": "text", "moved_at": "timestamptz", "sequence": "bigint", "head": "text",
}  # fmt: skip
OWED: Columns = {
    "kind": "text", "document_id": "bigint", "institution_id": "bigint", "title": "text", "number": "text", "unit_id": "bigint",
    "state": "text", "duty": "text", "role": "text", "post_role": "text", "owner_unit_id": "bigint", "due_on": "date",
    "due_at": "timestamptz", "derivation": "jsonb", "provisional": "boolean", "ladder": "jsonb", "next_step_at": "timestamptz",
}  # fmt: skip
SHIFTS: Columns = {
    "kind": "text", "document_id": "bigint", "duty": "text", "state": "text", "due_on": "date", "due_at": "timestamptz",
    "derivation": "jsonb", "provisional": "boolean", "ladder": "jsonb", "ladder_at": "smallint", "next_step_at": "timestamptz",
    "lamp": "text",
}  # fmt: skip
TOLD: Columns = {
    "kind": "text", "document_id": "bigint", "institution_id": "bigint", "sequence": "bigint", "title": "text", "post": "text",
    "unit": "bigint",
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What a statement has to do, and how its rows come: of one document as parameters, of `several` as JSON texts."""

    several: bool
    closes: bool = False
    keeps: bool = False
    owed: int = 0
    shifts: int = 0
    tells: tuple[bool, ...] = ()
    """For each office that is told: whether it is one unit's. Of several documents' offices nothing is known beforehand."""

    def source(self, name: str, columns: Columns, count: int = 1) -> str:
        """The rows `name` for WITH."""
        return rows.many(name, columns) if self.several else rows.few(name, columns, count)


CHAINED = f"entries AS ({ledger.INSERT_ENTRIES}),\npayloads AS ({ledger.INSERT_PAYLOADS})"
COUNT = "\nSELECT count(*) FROM moved"

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

CLOSED = """
closed AS (
  UPDATE workflows_workitem w SET closed_at = %(at)s, closed_by_id = %(actor)s, closed_how = %(step)s, next_step_at = NULL
    FROM moved WHERE w.kind = %(kind)s AND w.document_id = moved.id AND w.closed_at IS NULL AND w.duty <> ALL(%(keep)s::text[]))"""

KEPT = """
kept AS (
  UPDATE workflows_workitem w
     SET state = %(after)s,
         paused_at = CASE WHEN w.duty = ANY(%(paused)s::text[]) THEN coalesce(w.paused_at, %(at)s::timestamptz) ELSE w.paused_at END,
         next_step_at = CASE WHEN w.duty = ANY(%(paused)s::text[]) THEN NULL ELSE w.next_step_at END
    FROM moved WHERE w.kind = %(kind)s AND w.document_id = moved.id AND w.closed_at IS NULL AND w.duty = ANY(%(keep)s::text[]){but})"""

BUT_WHAT_SHIFTS = (
    "\n     AND NOT EXISTS (SELECT FROM shifts o WHERE o.document_id = w.document_id AND o.duty = w.duty)"
)

SHIFTED = """
shifted AS (
  UPDATE workflows_workitem w
     SET state = o.state, due_on = o.due_on, due_at = o.due_at, derivation = o.derivation, provisional = o.provisional,
         ladder = o.ladder, ladder_at = o.ladder_at, next_step_at = o.next_step_at, lamp = o.lamp, paused_at = NULL
    FROM shifts o JOIN moved ON moved.id = o.document_id
   WHERE w.kind = o.kind AND w.document_id = o.document_id AND w.duty = o.duty AND w.closed_at IS NULL)"""

OPENED = """
opened AS (
  INSERT INTO workflows_workitem (kind, document_id, institution_id, title, number, unit_id, state, duty, turn, role, post_role,
      owner_unit_id, rerouted_from, opened_at, due_on, due_at, original_due_on, derivation, provisional, lamp, ladder, ladder_at,
      next_step_at, closed_how, attempts, last_error)
  SELECT o.kind, o.document_id, o.institution_id, o.title, o.number, o.unit_id, o.state, o.duty,
      1 + (SELECT count(*) FROM workflows_workitem w WHERE w.kind = o.kind AND w.document_id = o.document_id AND w.duty = o.duty),
      o.role, o.post_role, o.owner_unit_id, '', %(at)s, o.due_on, o.due_at, o.due_on, o.derivation, o.provisional, 'green', o.ladder, 0,
      o.next_step_at, '', 0, ''
    FROM owed o JOIN moved ON moved.id = o.document_id)"""

NOTICED = """
noticed AS (
  INSERT INTO workflows_notice (kind, document_id, institution_id, person_id, key, code, params, title, urgent, at)
  SELECT DISTINCT t.kind, t.document_id, t.institution_id, t.person_id,
      t.kind || ':' || t.document_id || ':' || t.sequence || ':' || t.person_id, %(step)s::text, '{{}}'::jsonb, t.title,
      %(urgent)s::boolean, %(at)s::timestamptz
    FROM ({holders}) t WHERE t.person_id IS DISTINCT FROM %(actor)s::bigint
  ON CONFLICT (key) DO NOTHING)"""

HOLDERS = """
    SELECT t.*, s.person_id FROM {told} t JOIN moved ON moved.id = t.document_id
      JOIN organisation_standing s ON s.institution_id = t.institution_id AND s.role = t.post{of_unit}
       AND s.begins <= %(day)s::date AND (s.ends IS NULL OR s.ends >= %(day)s::date)"""
OF_ITS_UNIT, OF_ITS_UNIT_IF_ANY = " AND s.unit_id = t.unit", " AND (t.unit IS NULL OR s.unit_id = t.unit)"


@cache
def moving(model: type[models.Model], fields: tuple[str, ...], shape: Shape) -> str:
    """Compare and set, with the entries, the items and the notices; `fields` are recorded with the step."""
    moved = COMPARE_AND_SET.format(table=model._meta.db_table, sets=_sets(model, fields))
    return _statement(_sources(model, fields, shape), moved, CHAINED, *_consequences(shape))


@cache
def editing(model: type[models.Model], fields: tuple[str, ...]) -> str:
    """A changed content of one document, with its entry."""
    moved = EDITED.format(table=model._meta.db_table, sets=_sets(model, fields))
    return _statement(_sources(model, fields, Shape(several=False)), moved, CHAINED)


@cache
def appending(model: type[models.Model], several: bool) -> str:
    """Entries that move nothing."""
    links = Shape(several).source("links", ledger.LINKS)
    return _statement([links], APPENDED.format(table=model._meta.db_table), CHAINED)


@cache
def appending_from(model: type[models.Model], *links: str) -> str:
    """The same, from entries that come otherwise: sources for WITH, the last of which gives the rows `links`."""
    return _statement([*links], APPENDED.format(table=model._meta.db_table), CHAINED)


@cache
def opening(model: type[models.Model], shape: Shape) -> str:
    """New rows with all their fields, and the rest as in `moving`."""
    fields = tuple(field.attname for field in born_with(model))
    names = {f'"{_column(model, name)[0]}"': f'm."set_{name}"' for name in fields}
    columns = ", ".join(["id", "ledger_head", *names])
    selected = ", ".join(["m.id", "decode(m.head, 'hex')", *names.values()])
    moved = BORN.format(table=model._meta.db_table, columns=columns, selected=selected)
    return _statement(_sources(model, fields, shape), moved, CHAINED, *_consequences(shape))


def born_with(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """The fields that a new row is written with, beside its id and the head of its chain."""
    return [field for field in model._meta.concrete_fields if field.attname not in {"id", "ledger_head"}]


@cache
def moves_of(model: type[models.Model], fields: tuple[str, ...]) -> Columns:
    """The columns of the rows `moves`: what every step sets, and what this one records."""
    return {**MOVES, **{f"set_{name}": _column(model, name)[1] for name in fields}}


def _statement(sources: list[str], *parts: str) -> str:
    return "WITH " + ",\n".join([*sources, *parts]) + COUNT


def _sources(model: type[models.Model], fields: tuple[str, ...], shape: Shape) -> list[str]:
    found = [shape.source("moves", moves_of(model, fields)), shape.source("links", ledger.LINKS)]
    if shape.owed:
        found.append(shape.source("owed", OWED, shape.owed))
    if shape.shifts:
        found.append(shape.source("shifts", SHIFTS, shape.shifts))
    return found + [shape.source(name, TOLD) for name in told_names(shape)]


def _consequences(shape: Shape) -> list[str]:
    parts = []
    if shape.closes:
        parts.append(CLOSED)
    if shape.keeps:
        parts.append(KEPT.format(but=BUT_WHAT_SHIFTS if shape.shifts else ""))
    if shape.shifts:
        parts.append(SHIFTED)
    if shape.owed:
        parts.append(OPENED)
    if shape.tells:
        parts.append(NOTICED.format(holders="\n    UNION ALL".join(_holders(shape))))
    return parts


def told_names(shape: Shape) -> list[str]:
    """Each office of one document is a source of its own, so that its holders are found by index."""
    return [f"told{n}" for n in range(len(shape.tells))]


def _holders(shape: Shape) -> list[str]:
    if shape.several:
        return [HOLDERS.format(told="told0", of_unit=OF_ITS_UNIT_IF_ANY)]
    return [
        HOLDERS.format(told=name, of_unit=OF_ITS_UNIT if of_unit else "")
        for name, of_unit in zip(told_names(shape), shape.tells, strict=True)
    ]


def _sets(model: type[models.Model], fields: tuple[str, ...]) -> str:
    return "".join(f', "{_column(model, name)[0]}" = m."set_{name}"' for name in fields)


def _column(model: type[models.Model], name: str) -> tuple[str, str]:
    """The database's name and type of a field."""
    field = model._meta.get_field(name)
    kind = field.db_type(connection) if isinstance(field, models.Field) else None
    if not isinstance(field, models.Field) or kind is None:
        raise TypeError(f"{model.__name__}.{name} has no column")
    return field.column, kind

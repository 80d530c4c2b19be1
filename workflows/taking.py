"""Taking documents: locking their rows in the order of the house, and reading what their steps are judged by.

The texts are made once per kind of document. What guards need from other rows is declared as expressions of Django's
(`Document.facts()`); compiling them again for each step would cost more than the database takes to answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models

from organisation.actors import Actor
from workflows.documents import Document, parent_of
from workflows.failpoints import reached
from workflows.models import Entry
from workflows.statements import numbers, rows_of

D = TypeVar("D", bound=Document)

PARENTS = """
SELECT p.id FROM {above} p WHERE p.id IN (SELECT d.{column} FROM {table} d WHERE d.id = ANY(%(ids)s::bigint[]))
 ORDER BY p.id FOR UPDATE OF p"""

ROWS = """
SELECT {columns}, coalesce((SELECT number FROM calendars_stamp WHERE id = 1), 0),
       EXISTS (SELECT FROM workflows_entry e WHERE e.actor = %(actor)s::bigint AND e.request_id = %(request)s::uuid),
       (SELECT jsonb_agg(jsonb_build_object('duty', w.duty, 'post', w.post_role, 'unit', w.owner_unit_id)) FROM workflows_workitem w
         WHERE w.kind = %(kind)s::text AND w.document_id = d.id AND w.closed_at IS NULL AND w.rerouted_from <> '')
  FROM {table} d WHERE d.id = ANY(%(ids)s::bigint[]) ORDER BY d.id FOR UPDATE OF d"""

EARLIER = """
SELECT {columns} FROM workflows_entry e WHERE e.actor = %(actor)s::bigint AND e.request_id = %(request)s::uuid"""

LATEST = """
SELECT DISTINCT ON (e.document_id) e.document_id, e.step, e.actor, e.recorded_at FROM workflows_entry e
 WHERE e.kind = %(kind)s::text AND e.document_id = ANY(%(ids)s::bigint[]) ORDER BY e.document_id, e.version DESC, e.sequence"""

ANY_ID = 7_777_777_777_777
"""Stands for the ids while a text is made."""

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Part:
    """One kind of row among the columns of a reading statement: `sql` names its columns there, `read` makes an instance."""

    model: type[Any]
    sql: str
    names: tuple[str, ...]
    converts: tuple[tuple[int, Convert], ...]

    @classmethod
    def of(cls, model: type[models.Model], alias: str) -> Part:
        """All columns of the model, from the table that the statement calls `alias`."""
        fields, quote = model._meta.concrete_fields, connection.ops.quote_name
        sql = ", ".join(f"{alias}.{quote(str(field.column))}" for field in fields)
        return cls(
            model,
            sql,
            tuple(field.attname for field in fields),
            _converts(field.get_col(alias) for field in fields),
        )

    def read(self, values: Sequence[Any]) -> Any:
        """The instance of one row's values; None where an outer join found nothing."""
        if all(value is None for value in values):
            return None
        return self.model.from_db(connection.alias, self.names, _converted(values, self.converts))


def read_parts(parts: Sequence[Part], row: Sequence[Any]) -> list[Any]:
    """The instances of a row that consists of these parts, one after the other."""
    found, place = [], 0
    for part in parts:
        found.append(part.read(row[place : place + len(part.names)]))
        place += len(part.names)
    return found


def _converted(values: Sequence[Any], converts: Iterable[tuple[int, Convert]]) -> list[Any]:
    changed = list(values)
    for place, convert in converts:
        changed[place] = convert(changed[place])
    return changed


@dataclass(frozen=True)
class Facts:
    """The reading statement of some facts: the document's id first, then each of `names`."""

    sql: str
    names: tuple[str, ...]
    converts: tuple[tuple[int, Convert], ...]


def take(
    model: type[D], ids: Mapping[int, int] | Sequence[int], actor: Actor, request_id: UUID | None
) -> list[D]:
    """Lock the rows in the order of the house: the parents' first, then these by id. Raises the kind's DoesNotExist.

    Each comes with `calendar_stamp`; `answered`, whether this person's request was seen before (as of before the wait for
    the lock); and `rerouted`, which open duties the next office up holds (see `Role.capacities`).
    """
    given = numbers(ids)
    if sql := _parents_text(model):
        rows_of(sql, {"ids": given})
    (sql, part), found = _rows_text(model), []
    asked = {
        "ids": given,
        "kind": model.kind(),
        "actor": actor.person_id,
        "request": request_id,
    }
    for *values, stamp, answered, rerouted in rows_of(sql, asked):
        document = part.read(values)
        document.calendar_stamp, document.answered = stamp, answered
        document.rerouted = json.loads(rerouted) if rerouted else ()
        found.append(document)
    if len(found) < len(ids):
        raise model.DoesNotExist(f"{model.kind()}: {sorted(set(ids) - {d.pk for d in found})}")
    reached("document.locked")
    return found


def read_facts(model: type[Document], documents: Iterable[Document], names: frozenset[str]) -> None:
    """Read what guards need from other rows, after the lock: a subquery of the locking SELECT would be stale."""
    by_id = {document.pk: document for document in documents}
    if not names or not by_id:
        return
    text = _facts_text(model, names)
    for row in rows_of(text.sql, {"ids": numbers(by_id)}):
        pk, *values = _converted(row, text.converts)
        for name, value in zip(text.names, values, strict=True):
            setattr(by_id[pk], name, value)


def answered_before(actor: Actor, request_id: UUID) -> list[Entry]:
    """The entries that this person's request has led to already: one of each document."""
    sql, part = _earlier_text()
    asked = {"actor": actor.person_id, "request": request_id}
    return [part.read(row) for row in rows_of(sql, asked)]


def latest_moves(kind: str, ids: Iterable[int]) -> dict[int, tuple[str, int | None, datetime]]:
    """By document: what gave it its present version, by whom and when."""
    return {pk: (step, by, at) for pk, step, by, at in rows_of(LATEST, {"kind": kind, "ids": numbers(ids)})}


@cache
def _earlier_text() -> tuple[str, Part]:
    part = Part.of(Entry, "e")
    return EARLIER.format(columns=part.sql), part


@cache
def _parents_text(model: type[Document]) -> str:
    if not (above := parent_of(model)):
        return ""
    quote, column = connection.ops.quote_name, model._meta.get_field(model.parent).column  # type: ignore[union-attr]
    return PARENTS.format(
        above=quote(above._meta.db_table), table=quote(model._meta.db_table), column=quote(str(column))
    )


@cache
def _rows_text(model: type[Document]) -> tuple[str, Part]:
    part = Part.of(model, "d")
    table = connection.ops.quote_name(model._meta.db_table)
    return ROWS.format(columns=part.sql, table=table), part


@cache
def _facts_text(model: type[Document], names: frozenset[str]) -> Facts:
    """Django's own statement for these facts, its constants written out and the ids left open."""
    facts = {name: expression for name, expression in model.facts().items() if name in names}
    query = model._base_manager.filter(pk__in=[ANY_ID]).annotate(**facts).values_list("pk", *facts).query
    compiler = query.get_compiler("default")
    sql, parameters = compiler.as_sql()
    written = connection.ops.compose_sql(sql, parameters).replace("%", "%%")  # type: ignore[attr-defined]
    before, _, after = written.partition(f" IN ({ANY_ID})")
    if (not after and not written.endswith(f" IN ({ANY_ID})")) or str(ANY_ID) in before + after:
        raise TypeError(f"the facts of {model.kind()} cannot be read for several documents: {written}")
    selected = [expression for expression, _, _ in compiler.select]
    return Facts(f"{before} = ANY(%(ids)s::bigint[]){after}", tuple(facts), _converts(selected))


def _converts(expressions: Iterable[Any]) -> tuple[tuple[int, Convert], ...]:
    """What Django does to the values of these columns, by place; most need nothing."""
    found = []
    for place, expression in enumerate(expressions):
        steps = [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)]
        found += [(place, _converting(step, expression)) for step in steps]
    return tuple(found)


def _converting(step: Any, expression: models.Expression) -> Convert:
    return lambda value: step(value, expression, connection)

"""Taking documents: locking their rows in the order of the house, and reading what their steps are judged by.

The texts are made once per kind of document. What guards need from other rows is declared as expressions of Django's
(`Document.facts()`); compiling them again for each step would cost more than the database takes to answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection

from organisation.actors import Actor
from workflows.documents import Document, parent_column, parent_of
from workflows.failpoints import reached
from workflows.models import Entry
from workflows.reading import Convert, Reading, converted, converts_of, reading
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
    found = []
    asked = {
        "ids": given,
        "kind": model.kind(),
        "actor": actor.person_id,
        "request": request_id,
    }
    for document, stamp, answered, rerouted in _rows_text(model).rows(asked):
        document.calendar_stamp, document.answered = stamp, answered
        document.rerouted = json.loads(rerouted) if rerouted else ()
        found.append(document)
    if len(found) < len(ids):
        raise model.DoesNotExist(f"{model.kind()}: {sorted(set(ids) - {d.pk for d in found})}")
    reached("document.locked")
    return found


def hold_parents(model: type[Document], rows: Iterable[Mapping[str, Any]]) -> None:
    """Lock the parents of documents that are about to be born, which their conditions are judged by."""
    if above := parent_of(model):
        named = sorted({row[f"{model.parent}_id"] for row in rows})
        list(
            above._base_manager.select_for_update(of=("self",))
            .filter(pk__in=named)
            .order_by("pk")
            .values_list("pk")
        )


def read_facts(model: type[Document], documents: Iterable[Document], names: frozenset[str]) -> None:
    """Read what guards need from other rows, after the lock: a subquery of the locking SELECT would be stale."""
    by_id = {document.pk: document for document in documents}
    if not names or not by_id:
        return
    text = _facts_text(model, names)
    for row in rows_of(text.sql, {"ids": numbers(by_id)}):
        pk, *values = converted(row, text.converts)
        for name, value in zip(text.names, values, strict=True):
            setattr(by_id[pk], name, value)


def answered_before(actor: Actor, request_id: UUID) -> list[Entry]:
    """The entries that this person's request has led to already: one of each document."""
    asked = {"actor": actor.person_id, "request": request_id}
    return [entry for (entry,) in reading(EARLIER, e=Entry).rows(asked)]


def latest_moves(kind: str, ids: Iterable[int]) -> dict[int, tuple[str, int | None, datetime]]:
    """By document: what gave it its present version, by whom and when."""
    return {pk: (step, by, at) for pk, step, by, at in rows_of(LATEST, {"kind": kind, "ids": numbers(ids)})}


@cache
def _parents_text(model: type[Document]) -> str:
    if not (above := parent_of(model)):
        return ""
    quote = connection.ops.quote_name
    return PARENTS.format(
        above=quote(above._meta.db_table),
        table=quote(model._meta.db_table),
        column=quote(parent_column(model)),
    )


@cache
def _rows_text(model: type[Document]) -> Reading:
    return reading(ROWS.replace("{table}", connection.ops.quote_name(model._meta.db_table)), d=model)


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
    return Facts(f"{before} = ANY(%(ids)s::bigint[]){after}", tuple(facts), converts_of(selected))

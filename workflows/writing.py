"""What `fire.py` writes with. One data-modifying statement moves the documents by compare-and-set, appends the entries and
their payloads, closes, keeps, pauses, shifts and opens work items, and tells people by the posts they hold that day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

from workflows import ladders, ledger
from workflows import writing_texts as texts
from workflows.lifecycle import Duty
from workflows.roles import Role
from workflows.rows import as_json, parameters
from workflows.rulebook import Deadline
from workflows.statements import numbers, value_of
from workflows.writing_texts import Shape


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


class Lost(RuntimeError):
    """A locked row did not move: it was written by something other than this module."""


def move(model: type[models.Model], writes: Sequence[Write], leaving: Leaving) -> None:
    """Move locked documents: one statement. Raises Lost when a row is not as it was locked."""
    fields = tuple(sorted(writes[0].values))
    rows = _rows(writes, leaving, [_moved(w, leaving.after, w.values) for w in writes])
    shape = rows.shape(closes=True, keeps=bool(leaving.keep))
    _execute(texts.moving(model, fields, shape), rows.given(model, fields) | _shared(writes, leaving), writes)


def open_new(model: type[models.Model], writes: Sequence[Write], leaving: Leaving) -> None:
    """Insert new documents with their entries, items and notices: one statement."""
    fields = tuple(field.attname for field in texts.born_with(model))
    born = [_moved(w, leaving.after, {name: getattr(w.document, name) for name in fields}) for w in writes]
    rows = _rows(writes, leaving, born)
    _execute(texts.opening(model, rows.shape()), rows.given(model, fields) | _shared(writes, leaving), writes)


def edit(model: type[models.Model], write: Write) -> None:
    """Write a locked document's changed content: one statement."""
    fields = tuple(sorted(write.values))
    rows = Rows([_moved(write, write.before, write.values)], [write.link])
    shared = {"kind": write.link.kind, "title": write.document.title, "unit": write.document.unit_id}
    _execute(texts.editing(model, fields), rows.given(model, fields) | shared, [write])


def append(model: type[models.Model], links: Sequence[ledger.Link], *, workers: Sequence[int] = ()) -> None:
    """Append entries that are no transition to locked documents' chains: one statement.

    `workers` are people whose own work these documents now are, because the entry is a part of handling them.
    """
    if len(links) > 1:
        documents = len({link.document_id for link in links})
        append_rows(model, ledger.rows_json(links), documents, workers=workers)
        return
    given = parameters("links", ledger.LINKS, [link.row() for link in links])
    if value_of(texts.appending(model, False), given | {"workers": numbers(workers)}) != 1:
        raise Lost(model.__name__)


def append_rows(model: type[models.Model], rows: str, documents: int, *, workers: Sequence[int] = ()) -> None:
    """The same for links that are JSON already, as `ledger.rows_json` gives them, of so many documents."""
    given = {"links": rows, "workers": numbers(workers)}
    if value_of(texts.appending(model, True), given) != documents:
        raise Lost(model.__name__)


@dataclass(frozen=True)
class Rows:
    """What a statement writes, by table: each row a mapping of the columns named in `writing_texts`."""

    moves: Sequence[Mapping[str, Any]]
    links: Sequence[ledger.Link]
    owed: Sequence[Mapping[str, Any]] = ()
    shifts: Sequence[Mapping[str, Any]] = ()
    told: Sequence[Mapping[str, Any]] = ()

    @property
    def several(self) -> bool:
        """Whether they are of more than one document."""
        return len(self.moves) > 1

    def shape(self, *, closes: bool = False, keeps: bool = False) -> Shape:
        """Which text writes them."""
        if self.several:
            return Shape(True, closes, keeps, bool(self.owed), bool(self.shifts), (True,) * bool(self.told))
        tells = tuple(row["unit"] is not None for row in self.told)
        return Shape(False, closes, keeps, len(self.owed), len(self.shifts), tells)

    def given(self, model: type[models.Model], fields: tuple[str, ...]) -> dict[str, Any]:
        """The parameters of that text."""
        links = [link.row() for link in self.links]
        if self.several:
            rows = {
                "moves": self.moves,
                "links": links,
                "owed": self.owed,
                "shifts": self.shifts,
                "told0": self.told,
            }
            return {name: as_json(of_table) for name, of_table in rows.items()}
        given = parameters("moves", texts.moves_of(model, fields), self.moves) | parameters(
            "links", ledger.LINKS, links
        )
        given |= parameters("owed", texts.OWED, self.owed) | parameters("shifts", texts.SHIFTS, self.shifts)
        for n, row in enumerate(self.told):
            given |= parameters(f"told{n}", texts.TOLD, [row])
        return given


def _rows(writes: Sequence[Write], leaving: Leaving, moves: Sequence[Mapping[str, Any]]) -> Rows:
    return Rows(
        moves,
        [w.link for w in writes],
        owed=[_owed(w, o, leaving) for w in writes for o in w.owed if not o.shifts],
        shifts=[_shifting(w, o, leaving) for w in writes for o in w.owed if o.shifts],
        told=[row for w in writes for row in _told(w)],
    )


def _execute(sql: str, given: Mapping[str, Any], writes: Sequence[Write]) -> None:
    if value_of(sql, given) != len(writes):
        raise Lost(f"{writes[0].link.kind}: {[w.document.pk for w in writes]}")


def _moved(write: Write, after: str, values: Mapping[str, Any]) -> dict[str, Any]:
    document = write.document
    return {
        "id": document.pk, "seen": write.seen, "version": document.version, "before": write.before, "after": after,
        "workers": document.workers, "moved_by_id": document.moved_by_id, "moved_step": document.moved_step, "moved_at": document.moved_at,
        "sequence": write.link.sequence, "head": write.link.digest, **{f"set_{name}": value for name, value in values.items()},
    }  # fmt: skip


def _shared(writes: Sequence[Write], leaving: Leaving) -> dict[str, Any]:
    return {
        "kind": writes[0].link.kind, "keep": list(leaving.keep), "paused": list(leaving.paused), "after": leaving.after,
        "step": leaving.step, "urgent": leaving.urgent, "actor": leaving.actor_id, "at": leaving.at,
        "day": leaving.day,
    }  # fmt: skip


def _owed(write: Write, owed: Owed, leaving: Leaving) -> dict[str, Any]:
    document, duty = write.document, owed.duty
    return {
        "kind": write.link.kind, "document_id": document.pk, "institution_id": document.institution_id, "title": document.title,
        "number": document.number, "unit_id": document.unit_id, "state": leaving.after, "duty": duty.rule, "role": duty.role.key,
        "post_role": duty.role.post, "owner_unit_id": duty.role.unit_of(document), **deadline_columns(owed.deadline),
    }  # fmt: skip


def _shifting(write: Write, owed: Owed, leaving: Leaving) -> dict[str, Any]:
    return {
        "kind": write.link.kind, "document_id": write.document.pk, "duty": owed.duty.rule, "state": leaving.after,
        **deadline_columns(owed.deadline), **_position(owed.deadline, leaving.at),
    }  # fmt: skip


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


def open_parts(documents: Sequence[Any], parts: Sequence[Mapping[str, Sequence[Mapping[str, Any]]]]) -> None:
    """The rows that new documents of one kind begin with: one statement a part."""
    rows: dict[str, list[Any]] = {}
    for document, own in zip(documents, parts, strict=False):
        for name, given in own.items():
            model, owner = getattr(document, name).model, document.parts[name]
            rows.setdefault(name, []).extend(model(**{owner: document}, **row) for row in given)
    for name, made in rows.items():
        getattr(documents[0], name).model._base_manager.bulk_create(made)


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

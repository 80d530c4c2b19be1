"""What a published calendar does to deadlines that are running: they are derived again, and every one that moves is told.

The calendar is pinned in each deadline's derivation, as it stood. Only here does it change, under the document's lock,
with an entry that holds both dates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Coalesce

from calendars.publishing import Published
from calendars.queries import STAMP
from organisation.actors import Actor, clock_of
from organisation.models import Institution, Person
from organisation.queries import local_day
from workflows import deadline_writing, ladders, writing
from workflows.deadline_writing import Telling, What
from workflows.documents import Document, document_kinds, parent_of
from workflows.fire import Request, link_of
from workflows.ledger import Link, record_institution
from workflows.models import WorkItem
from workflows.rulebook import Deadline, RuleMissing, rulebook_of
from workflows.words import Text

CHUNK = 2000

NOTICE_WORDS = {
    "rederived": Text(
        "因日历更新，时限由{due_was}调整为{due_on}",
        "A new calendar moves the due date from {due_was} to {due_on}",
    ),
}
"""What the notices of this module say, by code."""


@dataclass(frozen=True)
class Moved:
    """A running deadline that a calendar has moved, or settled: `due_was` and `due_on` are then the same."""

    item_id: int
    kind: str
    document_id: int
    title: str
    duty: str
    due_was: date
    due_on: date
    provisional: bool


def rederive(institution_id: int | None, at: datetime) -> list[Moved]:
    """Derive every open deadline again under the calendar as it is now, of one institution or (None) of all.

    Paused ones too: their clocks go on from the new date. Only what changes is locked and written. Returns what moved and
    what was provisional and no longer is. All or nothing.
    """
    with transaction.atomic():
        affected = {model: list(_affected(model, institution_id)) for model in document_kinds()}
        wanted: dict[type[Document], set[int]] = defaultdict(set)
        for model, ids in affected.items():
            wanted[model].update(ids)
            if ids and (above := parent_of(model)):
                parents = model._base_manager.filter(pk__in=ids).values_list(f"{model.parent}_id", flat=True)
                wanted[above].update(pk for pk in parents if pk)
        locked = {model: _locked(model, wanted[model]) for model in document_kinds() if wanted[model]}
        clocks = dict(
            Institution.objects.annotate(now=Coalesce("frozen_at", Value(at))).values_list("pk", "now")
        )
        return [
            moved
            for model, documents in locked.items()
            for moved in _rewrite(model, affected[model], documents, clocks)
        ]


def _affected(model: type[Document], institution_id: int | None) -> Iterator[int]:
    """The documents of this kind with an open deadline that would change, found without a lock."""
    last = 0
    while items := list(
        _open(model, institution_id).filter(document_id__gt=last).order_by("document_id")[:CHUNK]
    ):
        last = items[-1].document_id
        items = list(_open(model, institution_id).filter(document_id__range=(items[0].document_id, last)))
        documents = model._base_manager.annotate(calendar_stamp=STAMP).in_bulk({i.document_id for i in items})
        for item in items:
            if (document := documents.get(item.document_id)) and _new(item, document):
                yield item.document_id


def _open(model: type[Document], institution_id: int | None) -> Any:
    rows = WorkItem.objects.filter(kind=model.kind(), closed_at__isnull=True, due_on__isnull=False)
    return rows if institution_id is None else rows.filter(institution_id=institution_id)


def _locked(model: type[Document], ids: Collection[int]) -> dict[int, Any]:
    rows = model._base_manager.filter(pk__in=list(ids)).annotate(calendar_stamp=STAMP).order_by("pk")
    return {document.pk: document for document in rows.select_for_update(of=("self",))}


def _new(item: WorkItem, document: Any) -> Deadline | None:
    """The item's deadline under the calendar of now; None when nothing about it changes, or it follows no rule."""
    if not item.derivation:
        return None
    try:
        fresh = rulebook_of(document, document.calendar_stamp).rederive(item.derivation, document)
    except RuleMissing:
        return None
    dates = [(step.key, step.at) for step in ladders.read(item.ladder)]
    same = (fresh.due_on, fresh.due_at, fresh.provisional) == (item.due_on, item.due_at, item.provisional)
    return None if same and dates == [(step.key, step.at) for step in fresh.ladder] else fresh


def _rewrite(
    model: type[Document], ids: Collection[int], documents: Mapping[int, Any], clocks: Mapping[int, datetime]
) -> Iterator[Moved]:
    """Write new dates, entries and notices of one kind: three statements. Each institution has its own clock."""
    rows: list[dict[str, Any]] = []
    links: list[Link] = []
    tellings: list[Telling] = []
    for item in _open(model, None).filter(document_id__in=list(ids)).order_by("document_id", "pk"):
        document, at = documents[item.document_id], clocks[item.institution_id]
        if (fresh := _new(item, document)) is None:
            continue
        moved = Moved(
            item.pk,
            item.kind,
            item.document_id,
            item.title,
            item.duty,
            item.due_on,
            fresh.due_on,
            fresh.provisional,
        )
        rows.append(_row(item, fresh, at))
        links.append(_link(document, item, fresh, at))
        if moved.due_was != moved.due_on:
            tellings.append(_telling(document, item, moved, at))
        yield moved
    if rows:
        writing.append(model, links)
        deadline_writing.redate(rows)
        deadline_writing.tell(tellings)


def _row(item: WorkItem, fresh: Deadline, at: datetime) -> dict[str, Any]:
    """The item's columns. Its ladder keeps what was pinned in it: a new calendar moves instants, nothing else."""
    old = ladders.read(item.ladder)
    pinned = {step.key: step.action for step in old}
    new = [replace(step, action=pinned.get(step.key, step.action)) for step in fresh.ladder]
    steps, position = ladders.on_new_dates(old, item.ladder_at, new, at)
    return {
        "id": item.pk, "due_on": fresh.due_on, "due_at": fresh.due_at, "derivation": fresh.derivation, "provisional": fresh.provisional,
        "ladder": [asdict(step) for step in steps], "ladder_at": position.taken, "next_step_at": position.next_step_at,
        "lamp": position.lamp,
    }  # fmt: skip


def _link(document: Any, item: WorkItem, fresh: Deadline, at: datetime) -> Link:
    actor, state = clock_of(document.institution_id), document.state
    content = {
        "item": item.pk, "duty": item.duty, "turn": item.turn, "due_was": item.due_on, "due_on": fresh.due_on,
        "provisional": fresh.provisional, "derivation_was": item.derivation, "derivation": fresh.derivation,
        "calendar": document.calendar_stamp,
    }  # fmt: skip
    rules = rulebook_of(document, document.calendar_stamp).version
    return link_of(
        document, "rederived", state, state, actor.capacities[0], Request(actor, at, at, None, None, {}), version=document.version,
        content=content, rules=rules,
    )  # fmt: skip


def _telling(document: Any, item: WorkItem, moved: Moved, at: datetime) -> Telling:
    what = What(
        kind=item.kind, institution_id=item.institution_id, about=f"{item.duty}:{item.turn}", rank=0, code="rederived",
        suffix=f"rederived:{document.calendar_stamp}", params={"duty": item.duty, "due_was": moved.due_was, "due_on": moved.due_on},
        urgent=False, at=at, day=local_day(item.institution_id, at),
    )  # fmt: skip
    return Telling(
        what,
        item.document_id,
        item.title,
        item.post_role,
        item.owner_unit_id,
        item.post_id,
        item.claimed_by_id,
    )


def calendar_published(published: Published) -> None:
    """Called in the publishing transaction: the dates of open items, then the institutions' own chains."""
    rederive(published.institution_id, published.at)
    concerned = Institution.objects.filter(
        Q() if published.institution_id is None else Q(pk=published.institution_id)
    )
    name = (
        Person.objects.filter(pk=published.by).values_list("name", flat=True).first()
        if published.by
        else None
    )
    for pk, frozen_at in concerned.order_by("pk").values_list("pk", "frozen_at"):
        by = clock_of(pk) if published.by is None else Actor(published.by, pk, name or "")
        content = {"key": published.key, "stamp": published.stamp, "content": published.content}
        record_institution(pk, "calendars", "published", content, by=by, at=frozen_at or published.at)

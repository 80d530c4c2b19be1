"""What falls due: the sweep that takes ladder steps, and the dates that a new calendar moves.

A deadline is a row, never a message. Nothing remembers when the last sweep was: what is due is asked of the rows, so
that a doubled, missed, killed or week-late sweep finds exactly what is left to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from calendars.derivation import midnight_after
from calendars.queries import STAMP, calendar_of
from organisation.actors import clock_of
from organisation.queries import local_day, zone_of
from workflows import deadline_writing, ladders, writing
from workflows.deadline_writing import Due, Telling
from workflows.documents import Document, document_kinds, model_of, parent_of
from workflows.effects import bring_about
from workflows.failpoints import reached
from workflows.fire import Request, link_of
from workflows.ledger import Link
from workflows.models import Finding, WorkItem
from workflows.rulebook import LadderStep, RuleBook, RuleMissing, rulebook_of
from workflows.words import Text

log = logging.getLogger(__name__)

BATCH = 1000
"""Documents a transaction; those whose step causes something elsewhere have a transaction each."""
BUDGET = 20.0
"""Seconds after which a sweep leaves the rest to the next tick."""
RETRY_FIRST, RETRY_LONGEST = 30.0, 6 * 3600.0
"""Seconds that a document which raised is left alone: doubled each time, up to the longest."""
OUTAGE = timedelta(hours=1)
"""A silence of the sweep longer than this is an outage: what it missed is told in one notice a person."""
MOST_STEPS = 100
"""Steps of one document in one sweep: more means that its actions and its ladder drive each other."""
OWNER = "owner"

NOTICE_WORDS = {
    "outage": Text(
        "系统停运期间到期的事项（{count} 项）", "What fell due while the system was down ({count})"
    ),
}
"""What the notices of this module say, by code. A ladder step's, `ladder:<key>`, are the scheme's own words."""


class NoSuchRole(LookupError):
    """A ladder tells a role that the document's lifecycle does not know; the sentence names both."""


@dataclass
class Swept:
    """What one sweep did. `dwell` is in seconds, from each step's true instant to when it was recorded."""

    documents: int = 0
    steps: int = 0
    actions: int = 0
    set_aside: int = 0
    held: int = 0
    unfinished: bool = False
    dwell: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """The dwell that this share of the steps did not exceed, in seconds; 0.0 when nothing was due."""
        ordered = sorted(self.dwell)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def figures(self) -> dict[str, Any]:
        """What the heartbeat and the command tell."""
        dwell = {
            "p50": self.percentile(0.5),
            "p99": self.percentile(0.99),
            "max": max(self.dwell, default=0.0),
        }
        return {
            "documents": self.documents, "steps": self.steps, "actions": self.actions, "set_aside": self.set_aside, "held": self.held,
            "unfinished": self.unfinished, "dwell": {name: round(seconds, 3) for name, seconds in dwell.items()},
        }  # fmt: skip


@dataclass(frozen=True)
class Sweep:
    """What all documents of one sweep share: whether it finds what was missed in an outage, and which it is done with."""

    begun: float
    outage_from: datetime | None
    taken: set[tuple[str, int]] = field(default_factory=set)

    def dwell(self, step: LadderStep, at: datetime) -> float:
        return (at - step.at).total_seconds() + time.monotonic() - self.begun


@dataclass(slots=True)
class Item:
    """What a sweep reads of a work item; `ladder` as it is stored."""

    pk: int
    kind: str
    document_id: int
    institution_id: int
    title: str
    duty: str
    turn: int
    post_role: str
    owner_unit_id: int | None
    post_id: int | None
    claimed_by_id: int | None
    opened_at: datetime
    due_on: date | None
    lamp: str
    ladder: Sequence[Mapping[str, Any]]
    ladder_at: int
    next_step_at: datetime
    attempts: int


ITEM_COLUMNS = (
    "pk", "kind", "document_id", "institution_id", "title", "duty", "turn", "post_role", "owner_unit_id", "post_id", "claimed_by_id",
    "opened_at", "due_on", "lamp", "ladder", "ladder_at", "next_step_at", "attempts",
)  # fmt: skip


@dataclass(slots=True)
class Climb:
    """One item on its way up: the steps that are due now, and when the one after them comes."""

    item: Item
    due: list[LadderStep]
    next_step_at: datetime | None

    @classmethod
    def of(cls, item: Item, at: datetime, *, to_action: bool = False) -> Climb:
        """All steps due at `at`, or (`to_action`) only up to the first that causes something."""
        due, next_step_at = ladders.due_of(item.ladder, item.ladder_at, at)
        upto = next((n for n, step in enumerate(due, 1) if step.action), len(due)) if to_action else len(due)
        return cls(item, due[:upto], due[upto].at if upto < len(due) else next_step_at)

    def row(self) -> dict[str, Any]:
        """Where the steps leave the item."""
        item = self.item
        lamp = next((step.lamp for step in reversed(self.due) if step.lamp), item.lamp)
        return {
            "id": item.pk, "before": item.ladder_at, "taken": item.ladder_at + len(self.due), "next_step_at": self.next_step_at, "lamp": lamp,
        }  # fmt: skip


def sweep(
    at: datetime,
    *,
    batch: int = BATCH,
    budget: float = BUDGET,
    institution_id: int | None = None,
    alive_at: datetime | None = None,
) -> Swept:
    """Take every ladder step that is due at `at`; an institution whose clock is frozen is swept by its own clock.

    `batch` is documents a transaction, `budget` seconds, `alive_at` when a sweep was last alive (None: as far as anybody
    knows, just now). Safe at any time, in any number, killed anywhere. A document that raises is left alone for a while
    and shown to an operator; one that somebody holds is left to the next tick. Nothing due: one statement.
    """
    common = Sweep(time.monotonic(), alive_at if alive_at and at - alive_at > OUTAGE else None)
    swept, left = Swept(), set[int]()
    while picked := deadline_writing.due_items(at, batch, institution_id=institution_id, without=left):
        for kind, rows in _in_lock_order(picked):
            _sweep_kind(kind, rows, common, swept)
        # What was taken is no longer due. What is left is held by somebody, or was set aside.
        left |= {due.item_id for due in picked if (due.kind, due.document_id) not in common.taken}
        if time.monotonic() - common.begun > budget:
            swept.unfinished = True
            break
    return swept


def _in_lock_order(picked: Iterable[Due]) -> Iterator[tuple[str, list[Due]]]:
    by_kind: dict[str, list[Due]] = {}
    for due in picked:
        by_kind.setdefault(due.kind, []).append(due)
    known = [model.kind() for model in document_kinds()]
    for kind in (*known, *sorted(by_kind.keys() - set(known))):
        if kind in by_kind:
            yield kind, by_kind[kind]


def _sweep_kind(kind: str, rows: Sequence[Due], common: Sweep, swept: Swept) -> None:
    """First all whose steps only light lamps and tell people, together; then those that cause something, one by one."""
    clocks = {due.document_id: due.at for due in rows}
    acting = [due for due in rows if due.acts]
    together = sorted(clocks.keys() - {due.document_id for due in acting})
    if together:
        _halve(kind, together, clocks, common, swept)
    if acting:
        going_on = deadline_writing.trying(acting, first=RETRY_FIRST, longest=RETRY_LONGEST)
        for pk in sorted({due.document_id for due in acting if due.item_id in going_on}):
            try:
                _take_acting(kind, pk, clocks[pk], common, swept)
            except Exception as error:
                _set_aside(kind, pk, clocks[pk], error, swept, counted=True)


def _halve(
    kind: str, ids: Sequence[int], clocks: Mapping[int, datetime], common: Sweep, swept: Swept
) -> None:
    """Take them in one transaction; when that raises, each half in its own, until the one that raises is alone."""
    try:
        _take_together(kind, ids, clocks, common, swept)
    except Exception as error:
        if len(ids) == 1:
            _set_aside(kind, ids[0], clocks[ids[0]], error, swept, counted=False)
            return
        if not connection.is_usable():
            raise
        middle = len(ids) // 2
        _halve(kind, ids[:middle], clocks, common, swept)
        _halve(kind, ids[middle:], clocks, common, swept)


def _set_aside(kind: str, pk: int, at: datetime, error: Exception, swept: Swept, *, counted: bool) -> None:
    """Leave a document alone for a while and show it to an operator. A server that is gone is nobody's fault: raised on."""
    if not connection.is_usable():
        raise error
    log.error("%s %s is set aside by the sweep", kind, pk, exc_info=error)
    told = f"{type(error).__name__}: {error}"[:2000]
    deadline_writing.set_aside(kind, pk, told, at, counted=counted, first=RETRY_FIRST, longest=RETRY_LONGEST)
    swept.set_aside += 1


def _take_together(
    kind: str, ids: Sequence[int], clocks: Mapping[int, datetime], common: Sweep, swept: Swept
) -> None:
    """Take the due steps of documents that cause nothing elsewhere: a few statements, however many they are."""
    faults: dict[int, Exception] = {}
    with transaction.atomic():
        documents: dict[int, Any] = {document.pk: document for document in lock(model_of(kind), ids)}
        reached("sweep.locked")
        climbs: dict[int, list[Climb]] = {}
        links: list[Link] = []
        tellings: list[Telling] = []
        for pk, items in _due_items(kind, documents, clocks).items():
            try:
                found = [Climb.of(item, clocks[pk]) for item in items]
                if any(step.action for climb in found for step in climb.due):
                    continue  # its ladder was changed since it was picked: the next tick takes it alone
                rules = rulebook_of(documents[pk], documents[pk].calendar_stamp)
                told = _tellings(documents[pk], found, clocks[pk], rules)
                links += _record(documents[pk], found, clocks[pk], rules)
            except Exception as error:
                faults[pk] = error
            else:
                climbs[pk] = found
                tellings += told
        if climbs:
            _write(model_of(kind), [climb for found in climbs.values() for climb in found], links)
            deadline_writing.tell(tellings, outage_from=common.outage_from)
        reached("sweep.written")
    common.taken.update((kind, pk) for pk in documents.keys() - faults.keys())
    swept.held += len(ids) - len(documents)
    _count(swept, climbs, clocks, common)
    for pk, fault in faults.items():
        _set_aside(kind, pk, clocks[pk], fault, swept, counted=False)


def _take_acting(kind: str, pk: int, at: datetime, common: Sweep, swept: Swept) -> None:
    """Take a document's due steps in order; each action sees the document as the steps before it left it."""
    taken: list[Climb] = []
    tellings: list[Telling] = []
    with transaction.atomic():
        if not (documents := lock(model_of(kind), [pk])):
            swept.held += 1
            return
        document: Any = documents[0]
        while climb := _next_climb(kind, document, at):
            if len(taken) == MOST_STEPS:
                raise RuntimeError(f"the steps of {kind} {pk} go round in a circle")
            rules = rulebook_of(document, document.calendar_stamp)
            _write(type(document), [climb], _record(document, [climb], at, rules))
            tellings += _tellings(document, [climb], at, rules)
            taken.append(climb)
            if action := climb.due[-1].action:
                bring_about(action, document, actor=clock_of(document.institution_id), at=at)
                reached("sweep.acted")
                document = lock(type(document), [pk])[0]
        deadline_writing.tell(tellings, outage_from=common.outage_from)
        reached("sweep.written")
    common.taken.add((kind, pk))
    _count(swept, {pk: taken}, {pk: at}, common)


def _next_climb(kind: str, document: Any, at: datetime) -> Climb | None:
    """The document's next item with a due step, up to the first step that causes something."""
    due = _due_items(kind, [document.pk], {document.pk: at}).get(document.pk)
    return Climb.of(due[0], at, to_action=True) if due else None


def _due_items(
    kind: str, documents: Collection[int], clocks: Mapping[int, datetime]
) -> dict[int, list[Item]]:
    """The items with a due step, oldest first, of locked documents; read after the lock: nobody else writes them now."""
    if not documents:
        return {}
    rows = WorkItem.objects.filter(
        kind=kind, document_id__in=list(documents), closed_at__isnull=True, paused_at__isnull=True,
        next_step_at__lte=max(clocks[pk] for pk in documents),
    )  # fmt: skip
    due: dict[int, list[Item]] = {}
    for row in rows.order_by("next_step_at", "pk").values_list(*ITEM_COLUMNS):
        item = Item(*row)
        if item.next_step_at <= clocks[item.document_id]:
            due.setdefault(item.document_id, []).append(item)
    return due


def lock(model: type[Document], ids: Collection[int]) -> list[Document]:
    """Lock what of these nobody holds, the parents first; what is held, or whose parent is, is left out."""
    rows = model._base_manager.filter(pk__in=ids)
    if above := parent_of(model):
        column = f"{model.parent}_id"
        parents = above._base_manager.filter(pk__in=rows.values(column)).order_by("pk")
        free = list(parents.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True))
        rows = rows.filter(Q(**{f"{column}__in": free}) | Q(**{f"{column}__isnull": True}))
    rows = rows.annotate(calendar_stamp=STAMP).order_by("pk")
    return list(rows.select_for_update(of=("self",), skip_locked=True))


def _record(document: Any, climbs: Sequence[Climb], at: datetime, rules: RuleBook) -> list[Link]:
    """The entries of the steps, each counting from its true instant, or from when the item was opened if that is later."""
    actor, state, version = clock_of(document.institution_id), document.state, rules.version
    in_order = sorted(((climb, step) for climb in climbs for step in climb.due), key=lambda pair: pair[1].at)
    links = []
    for climb, step in in_order:
        item = climb.item
        request = Request(actor, at, max(step.at, item.opened_at), None, None, {})
        content = {
            "item": item.pk, "duty": item.duty, "turn": item.turn, "step": step.key, "due_on": item.due_on, "lamp": step.lamp,
            "tells": step.tells, "action": step.action,
        }  # fmt: skip
        link = link_of(
            document, f"ladder:{step.key}", state, state, actor.capacities[0], request, version=document.version, content=content,
            rules=version,
        )  # fmt: skip
        links.append(link)
    return links


def _write(model: type[Document], climbs: Sequence[Climb], links: Sequence[Link]) -> None:
    writing.append(model, links)
    deadline_writing.step([climb.row() for climb in climbs])
    if any(climb.item.attempts for climb in climbs):
        mended = {climb.item.document_id for climb in climbs if climb.item.attempts}
        Finding.objects.filter(kind=model.kind(), document_id__in=mended, code="set_aside").delete()


def _tellings(document: Any, climbs: Sequence[Climb], at: datetime, rules: RuleBook) -> list[Telling]:
    """Each role that a step tells is told of the highest step that tells it; one person never twice of one item."""
    day = local_day(document.institution_id, at)
    since = _told_since(document, day, rules)
    tellings = []
    for climb in climbs:
        item = climb.item
        before = {"missed": len(climb.due)} if len(climb.due) > 1 else {}
        for rank, step in enumerate(climb.due, item.ladder_at):
            for whom in (_whom(document, item, key) for key in step.tells):
                if whom is None:
                    continue
                tellings.append(
                    Telling(
                        kind=item.kind, document_id=item.document_id, institution_id=item.institution_id, title=item.title,
                        about=f"{item.duty}:{item.turn}", rank=rank, code=f"ladder:{step.key}", suffix=f"{step.key}:{item.due_on}",
                        params={"due_on": item.due_on, "duty": item.duty, **before}, urgent=step.urgent, at=at, day=day,
                        since=since, **whom,
                    )
                )  # fmt: skip
    return tellings


def _whom(document: Any, item: Item, key: str) -> dict[str, Any] | None:
    """Who is meant by a ladder's word: the owner of the item, or a role of the document's lifecycle.

    None for a role in a unit that this document does not name. Raises NoSuchRole.
    """
    if key == OWNER:
        return {
            "post_role": item.post_role,
            "unit": item.owner_unit_id,
            "place": item.post_id,
            "claimant": item.claimed_by_id,
        }
    role = document.lifecycle.roles.get(key)
    if role is None:
        raise NoSuchRole(
            f"the ladder of {item.duty} tells {key!r}, whom the lifecycle of {item.kind} does not know"
        )
    unit = role.unit_of(document)
    return None if role.unit and unit is None else {"post_role": role.post, "unit": unit}


def _told_since(document: Any, day: date, rules: RuleBook) -> datetime | None:
    """From when on an earlier notice of the ladder is recent enough to spare people another that is not urgent.

    The scheme's number `urge_minimum_interval` is in working days; without it, every step tells.
    """
    with suppress(RuleMissing):
        days = rules.number("urge_minimum_interval")
        calendar = calendar_of(document.institution_id, document.calendar_stamp)
        return midnight_after(calendar.shift(day, -days), zone_of(document.institution_id))
    return None


def _count(
    swept: Swept, climbs: Mapping[int, Sequence[Climb]], clocks: Mapping[int, datetime], common: Sweep
) -> None:
    for pk, found in climbs.items():
        swept.documents += bool(found)
        for climb in found:
            swept.steps += len(climb.due)
            swept.actions += sum(1 for step in climb.due if step.action)
            swept.dwell += [common.dwell(step, clocks[pk]) for step in climb.due]


def retry(item_id: int, *, institution_id: int) -> bool:
    """Let the next sweep look at an item again that was set aside. False when it is not set aside any more."""
    aside = WorkItem.objects.filter(
        pk=item_id, institution_id=institution_id, closed_at__isnull=True, retry_at__isnull=False
    )
    return aside.update(retry_at=None) > 0

"""What taking the due steps of locked documents writes: entries, positions on ladders, and who is told.

A document is read as the few columns that a step needs, and items whose steps are alike share what they have in common:
ten thousand that fall due together cost little more than their rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from calendars.derivation import midnight_after
from calendars.queries import STAMP, calendar_of
from organisation.actors import clock_of
from organisation.queries import local_day, zone_of
from workflows import deadline_writing, ladders, ledger, ledger_forms, rounds
from workflows.deadline_writing import Telling, What
from workflows.documents import Document
from workflows.fire import Request, link_of
from workflows.ledger_forms import Filled, Form, form_of
from workflows.models import Finding
from workflows.roles import Role
from workflows.rulebook import LadderStep, RuleMissing, rulebook_of

OWNER = "owner"
MOST_GROUPS = 5000
"""Groups that are remembered within a sweep; each is a few kilobytes."""


class NoSuchRole(LookupError):
    """A ladder tells a role that the document's lifecycle does not know; the sentence names both."""


class Footing:
    """A locked document as far as a step needs it: where it stands, its chain's end, and the units its roles name."""

    def __init__(self, kind: str, values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        self._kind = kind
        self.__dict__.update(values)

    pk: int
    institution_id: int
    state: str
    version: int
    ledger_sequence: int
    ledger_head: bytes

    def kind(self) -> str:
        """As a document's."""
        return self._kind


@dataclass(slots=True)
class Item:
    """What a step needs of a work item; `ladder` and `opened_at` are texts, `scheme` is what its derivation names."""

    pk: int
    title: str
    duty: str
    turn: int
    post_role: str
    owner_unit_id: int | None
    post_id: int | None
    claimed_by_id: int | None
    opened_at: str
    due_on: date | None
    lamp: str
    ladder_at: int
    attempts: int
    scheme: str | None
    ladder: str


@dataclass(frozen=True, slots=True)
class Group:
    """What items share whose due steps are alike. `told` pairs what is said with to whom, None being the item's owner."""

    steps: tuple[LadderStep, ...]
    next_step_at: str | None
    lamp: str | None
    forms: tuple[Form, ...]
    told: tuple[tuple[What, Role | None], ...]


@dataclass(frozen=True, slots=True)
class Pin:
    """Of the rules that a document is pinned to: their version, and working days between reminders (None: none)."""

    version: str
    interval: int | None
    stamp: int


@dataclass
class Taken:
    """What taking steps wrote, or will: `entries` and `rows` are for the writing statements."""

    documents: int = 0
    entries: list[tuple[Form, Filled]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    steps: list[LadderStep] = field(default_factory=list)
    mended: list[int] = field(default_factory=list)

    def __iadd__(self, other: Taken) -> Taken:
        self.documents += other.documents
        self.entries += other.entries
        self.rows += other.rows
        self.tellings += other.tellings
        self.steps += other.steps
        self.mended += other.mended
        return self

    def write(self, model: type[Document]) -> None:
        """The entries and the items' positions: two statements, and one more when what had raised has succeeded."""
        ledger_forms.append(model, self.entries)
        deadline_writing.step(self.rows)
        if self.mended:
            Finding.objects.filter(kind=model.kind(), document_id__in=self.mended, code="set_aside").delete()


class Climber:
    """Takes steps on paper. One for a sweep: it remembers what is alike."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Any, ...], Group] = {}
        self._pins: dict[tuple[Any, ...], Pin] = {}

    def due(
        self, model: type[Document], ids: Iterable[int], clocks: Mapping[int, datetime]
    ) -> list[tuple[Footing, list[Item]]]:
        """Locked documents with their items that have a due step, oldest first: one statement."""
        found: dict[int, tuple[Footing, list[Item]]] = {}
        kind, units = model.kind(), deadline_writing.unit_columns(model)
        names = ("pk", "institution_id", "state", "version", "ledger_sequence", "ledger_head", *units)
        for head, row in deadline_writing.due_rows(model, units, [(pk, clocks[pk]) for pk in ids]):
            if head[0] not in found:
                found[head[0]] = Footing(kind, zip(names, head, strict=True)), []
            found[head[0]][1].append(Item(*row))
        return list(found.values())

    def climb(
        self,
        model: type[Document],
        footing: Footing,
        items: Sequence[Item],
        at: datetime,
        *,
        to_action: bool = False,
    ) -> Taken:
        """Take all due steps of these items, in order of their instants, or (`to_action`) those of one item up to the first
        that causes something. Moves the footing along its chain. Raises what a faulty ladder or scheme raises."""
        groups = [(item, self._group(model, footing, item, at, to_action)) for item in items]
        taken = Taken(documents=1)
        steps = [
            (step, form, item)
            for item, group in groups
            for step, form in zip(group.steps, group.forms, strict=True)
        ]
        if len(items) > 1:
            steps.sort(key=lambda one: one[0].at)
        for step, form, item in steps:
            footing.ledger_sequence += 1
            filled, footing.ledger_head = form.fill(
                footing.pk, footing.ledger_sequence, footing.version, footing.state, _counts_from(step.at, item.opened_at), footing.ledger_head, {"item": item.pk}
            )  # fmt: skip
            taken.entries.append((form, filled))
            taken.steps.append(step)
        for item, group in groups:
            taken.rows.append({
                "id": item.pk, "before": item.ladder_at, "taken": item.ladder_at + len(group.steps), "next_step_at": group.next_step_at,
                "lamp": group.lamp or item.lamp,
            })  # fmt: skip
            taken.tellings += _tellings(footing, item, group)
            if item.attempts:
                taken.mended.append(footing.pk)
        return taken

    def _group(
        self, model: type[Document], footing: Footing, item: Item, at: datetime, to_action: bool
    ) -> Group:
        key = (
            model, footing.institution_id, footing.state, item.duty, item.turn, item.due_on, item.ladder_at, item.scheme or footing.pk, at,
            to_action, item.ladder,
        )  # fmt: skip
        if (group := self._groups.get(key)) is None:
            if len(self._groups) >= MOST_GROUPS:
                self._groups.clear()
            group = self._groups[key] = self._new_group(model, footing, item, at, to_action)
        return group

    def _new_group(
        self, model: type[Document], footing: Footing, item: Item, at: datetime, to_action: bool
    ) -> Group:
        due, coming = ladders.due_of(json.loads(item.ladder), item.ladder_at, at)
        if to_action:
            upto = next((n for n, step in enumerate(due, 1) if step.action), len(due))
            due, coming = due[:upto], due[upto].at if upto < len(due) else coming
        pin = self._pin(model, footing, item)
        day = local_day(footing.institution_id, at)
        since = _told_since(footing.institution_id, pin, day)
        forms = tuple(form_of(_sample(footing, item, step, at, pin), ("item",)) for step in due)
        told = [
            (_what(footing, item, step, rank, len(due), at, day, since), role)
            for rank, step in enumerate(due, item.ladder_at)
            for role in (_role(model, footing, item, key) for key in step.tells)
        ]
        lamp = next((step.lamp for step in reversed(due) if step.lamp), None)
        return Group(tuple(due), str(ledger.plain(coming)) if coming else None, lamp, forms, tuple(told))

    def _pin(self, model: type[Document], footing: Footing, item: Item) -> Pin:
        """Documents whose derivations name the same scheme version are pinned to the same rules; without one, each asks."""
        key = (model, footing.institution_id, item.scheme or footing.pk)
        if key not in self._pins:
            document: Any = model._base_manager.annotate(calendar_stamp=STAMP).get(pk=footing.pk)
            rules = rulebook_of(document, document.calendar_stamp)
            interval = None
            with suppress(RuleMissing):
                interval = rules.number("urge_minimum_interval")
            self._pins[key] = Pin(rules.version, interval, document.calendar_stamp)
        return self._pins[key]


@lru_cache(maxsize=1024)
def _counts_from(at: datetime, opened_at: str) -> str:
    """When a step counts, as the ledger has it: at its instant, but not before its item was opened."""
    return str(ledger.plain(max(at, datetime.fromisoformat(opened_at))))


def _sample(footing: Footing, item: Item, step: LadderStep, at: datetime, pin: Pin) -> ledger.Link:
    """One entry as `note()` would write it, of which the others of its group are copies."""
    actor = clock_of(footing.institution_id)
    content = {
        "item": item.pk, "duty": item.duty, "turn": item.turn, "step": step.key, "due_on": item.due_on, "lamp": step.lamp,
        "tells": step.tells, "action": step.action,
    }  # fmt: skip
    copy = Footing(footing.kind(), vars(footing))
    return link_of(
        copy, f"ladder:{step.key}", footing.state, footing.state, actor.capacities[0], Request(actor, at, step.at, None, None, {}),
        version=footing.version, content=content, rules=pin.version,
    )  # fmt: skip


def _what(
    footing: Footing, item: Item, step: LadderStep, rank: int, missed: int, at: datetime, day: date, since: datetime | None
) -> What:  # fmt: skip
    params = {"due_on": item.due_on, "duty": item.duty, **({"missed": missed} if missed > 1 else {})}
    return What(
        kind=footing.kind(), institution_id=footing.institution_id, about=f"{item.duty}:{item.turn}", rank=rank,
        code=f"ladder:{step.key}", suffix=f"{step.key}:{item.due_on}", params=params, urgent=step.urgent, at=at, day=day, since=since,
    )  # fmt: skip


def _role(model: type[Document], footing: Footing, item: Item, key: str) -> Role | None:
    """Who is meant by a ladder's word: None for the owner of the item, else a role of the lifecycle or of its round.

    Raises NoSuchRole.
    """
    if key == OWNER:
        return None
    lifecycle = model.lifecycle
    state = lifecycle.states.get(footing.state)
    role = lifecycle.roles.get(key) or (
        rounds.roles_of(state.round).get(key) if state and state.round else None
    )
    if role is None:
        raise NoSuchRole(
            f"the ladder of {item.duty} tells {key!r}, whom the lifecycle of {model.kind()} does not know"
        )
    return role


def _tellings(footing: Footing, item: Item, group: Group) -> list[Telling]:
    """Each role that a step tells is told of the highest step that tells it; one person never twice of one item."""
    tellings = []
    for what, role in group.told:
        if role is None:
            telling = Telling(
                what,
                footing.pk,
                item.title,
                item.post_role,
                item.owner_unit_id,
                item.post_id,
                item.claimed_by_id,
            )
        elif role.unit and role.unit_of(footing) is None:
            continue  # a role in a unit that this document does not name
        else:
            telling = Telling(what, footing.pk, item.title, role.post, role.unit_of(footing))
        tellings.append(telling)
    return tellings


def _told_since(institution_id: int, pin: Pin, day: date) -> datetime | None:
    """From when on an earlier notice of the ladder is recent enough to spare people another that is not urgent.

    The scheme's number `urge_minimum_interval` is in working days; without it, every step tells.
    """
    if pin.interval is None:
        return None
    return midnight_after(
        calendar_of(institution_id, pin.stamp).shift(day, -pin.interval), zone_of(institution_id)
    )

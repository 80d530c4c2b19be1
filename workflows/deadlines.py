"""What falls due: the sweep that takes ladder steps, and the dates that a new calendar moves.

A deadline is a row, never a message. Nothing remembers when the last sweep was: what is due is asked of the rows, so
that a doubled, missed, killed or week-late sweep finds exactly what is left to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from calendars.queries import STAMP
from organisation.actors import clock_of
from workflows import deadline_writing
from workflows.climbing import Climber, Taken
from workflows.deadline_writing import Due, Telling
from workflows.documents import document_kinds, model_of
from workflows.effects import bring_about
from workflows.failpoints import reached
from workflows.rulebook import LadderStep
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

NOTICE_WORDS = {
    "outage": Text(
        "系统停运期间到期的事项（{count} 项）", "What fell due while the system was down ({count})"
    ),
}
"""What the notices of this module say, by code. A ladder step's, `ladder:<key>`, are the scheme's own words."""


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
    climber: Climber = field(default_factory=Climber)

    def count(self, swept: Swept, steps: Sequence[tuple[LadderStep, datetime]]) -> None:
        """Count steps that are committed, each with the clock it was taken by."""
        late = time.monotonic() - self.begun
        swept.steps += len(steps)
        swept.actions += sum(1 for step, _ in steps if step.action)
        swept.dwell += [(at - step.at).total_seconds() + late for step, at in steps]


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
    acting: dict[int, list[Due]] = {}
    for due in rows:
        if due.acts:
            acting.setdefault(due.document_id, []).append(due)
    together = sorted(clocks.keys() - acting.keys())
    if together:
        _halve(kind, together, clocks, common, swept)
    for pk in sorted(acting):
        # Counted one at a time: whoever stands behind a document that kills its process has not been tried.
        if not deadline_writing.trying(acting[pk], first=RETRY_FIRST, longest=RETRY_LONGEST):
            continue
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
    model, faults, all_taken = model_of(kind), dict[int, Exception](), Taken()
    steps: list[tuple[LadderStep, datetime]] = []
    with transaction.atomic():
        locked = deadline_writing.lock(model, ids)
        reached("sweep.locked")
        for footing, items in common.climber.due(model, locked, clocks) if locked else ():
            at = clocks[footing.pk]
            try:
                taken = common.climber.climb(model, footing, items, at)
            except Exception as error:
                faults[footing.pk] = error
                continue
            if not any(
                step.action for step in taken.steps
            ):  # else it was changed since it was picked: the next tick has it alone
                all_taken += taken
                steps += [(step, at) for step in taken.steps]
        if all_taken.documents:
            all_taken.write(model)
            deadline_writing.tell(all_taken.tellings, outage_from=common.outage_from)
        reached("sweep.written")
    reached("sweep.committed")
    common.taken.update((kind, pk) for pk in locked if pk not in faults)
    swept.held += len(ids) - len(locked)
    swept.documents += all_taken.documents
    common.count(swept, steps)
    for pk, fault in faults.items():
        _set_aside(kind, pk, clocks[pk], fault, swept, counted=False)


def _take_acting(kind: str, pk: int, at: datetime, common: Sweep, swept: Swept) -> None:
    """Take a document's due steps in order; each action sees the document as the steps before it left it."""
    model, climber = model_of(kind), common.climber
    steps: list[tuple[LadderStep, datetime]] = []
    tellings: list[Telling] = []
    with transaction.atomic():
        if not deadline_writing.lock(model, [pk]):
            swept.held += 1
            return
        while due := climber.due(model, [pk], {pk: at}):
            if len(steps) > MOST_STEPS:
                raise RuntimeError(f"the steps of {kind} {pk} go round in a circle")
            [(footing, items)] = due
            taken = climber.climb(model, footing, items[:1], at, to_action=True)
            taken.write(model)
            tellings += taken.tellings
            steps += [(step, at) for step in taken.steps]
            if action := taken.steps[-1].action:
                document: Any = model._base_manager.annotate(calendar_stamp=STAMP).get(pk=pk)
                bring_about(action, document, actor=clock_of(footing.institution_id), at=at)
                reached("sweep.acted")
        deadline_writing.tell(tellings, outage_from=common.outage_from)
        reached("sweep.written")
    reached("sweep.committed")
    common.taken.add((kind, pk))
    swept.documents += bool(steps)
    common.count(swept, steps)

"""Reading rounds: how a step stands, what its votes amount to, and the step as it is under the document's lock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from organisation.actors import Actor, clock_of
from organisation.models import Person, Post
from workflows.documents import Conflict, Document, Refused, Stale, model_of
from workflows.models import Entry, Round, RoundTask, Seat, Vote, WorkItem
from workflows.reading import reading
from workflows.round_nodes import Panel
from workflows.statements import rows_of
from workflows.taking import take
from workflows.words import Reason, Text

LOCK_TIMEOUT = "5s"
"""How long a voter waits for others who are deciding on the same document."""

PLACE = """
SELECT s.id, s.task_id, r.kind, r.document_id, r.institution_id
  FROM workflows_seat s JOIN workflows_roundtask t ON t.id = s.task_id JOIN workflows_round r ON r.id = t.process_id
 WHERE s.id = %(seat)s::bigint"""

SITTING = """
SELECT {columns},
       EXISTS (SELECT FROM workflows_entry e WHERE e.actor = %(actor)s::bigint AND e.request_id = %(request)s::uuid)
  FROM workflows_seat s JOIN workflows_roundtask t ON t.id = s.task_id JOIN workflows_round r ON r.id = t.process_id
  LEFT JOIN organisation_post p ON p.id = s.post_id LEFT JOIN workflows_workitem w ON w.seat_id = s.id
 WHERE s.task_id = %(task)s::bigint ORDER BY s.id"""

WAIT = "SELECT set_config('lock_timeout', %(timeout)s::text, true)"

ORPHANED = Text(
    "该审批步骤已不在现行流程中，请联系管理员。",
    "This step is no longer part of the policy; tell the administrator.",
)


class SeatTaken(Stale):
    """The seat was decided, or is no longer needed: `vote` says how, `by` and `name` who, `at` when. Nothing was written."""

    def __init__(self, document: Any, vote: str, by: int | None, name: str, at: datetime | None) -> None:
        super().__init__(state=document.state, version=document.version, step="vote", by=by, at=at)
        self.vote, self.name = vote, name


class Busy(Exception):
    """Others kept the document for longer than LOCK_TIMEOUT. Nothing was written; try again."""


@dataclass(frozen=True)
class Tally:
    """How a step stands, in seats. `need` is how many must agree."""

    agreed: int
    against: int
    recused: int
    waiting: int
    need: int

    @property
    def live(self) -> int:
        """Seats of those who have not withdrawn from deciding, while the step is open."""
        return self.agreed + self.against + self.waiting


def tally_of(votes: Sequence[str], need: int) -> Tally:
    """Count the votes of a step; `need` is the pinned one (0: all who sit)."""
    recused = votes.count(Vote.RECUSE)
    return Tally(
        votes.count(Vote.APPROVE),
        votes.count(Vote.REFUSE),
        recused,
        votes.count(""),
        need or len(votes) - recused,
    )


def verdict_of(votes: Sequence[str], need: int) -> str | None:
    """What the votes of a step amount to, as soon as the rest cannot change it; "" is a seat still open.

    Whoever withdrew from deciding does not sit. `need` of those who sit must agree; 0: all of them.
    """
    live = [vote for vote in votes if vote != Vote.RECUSE]
    wanted = need or max(len(live), 1)
    if live.count(Vote.APPROVE) >= wanted:
        return Vote.APPROVE.value
    if live.count(Vote.REFUSE) > len(live) - wanted:
        return Vote.REFUSE.value
    return None


@dataclass
class Sitting:
    """One step of a round with its seats, oldest first, as read in one statement."""

    task: RoundTask
    seats: list[Seat]
    answered: bool = False

    @property
    def round(self) -> Round:
        return self.task.process

    @property
    def panel(self) -> Panel:
        """The step's policy. Raises Refused when the policy no longer knows the step."""
        if not isinstance(self.task.flow_task, Panel):
            raise Refused(Reason("round_orphaned", ORPHANED))
        return self.task.flow_task

    @property
    def is_open(self) -> bool:
        return self.task.finished is None

    def seat(self, seat_id: int) -> Seat:
        """Raises StopIteration for a seat of another step."""
        return next(seat for seat in self.seats if seat.pk == seat_id)

    def tally(self) -> Tally:
        return tally_of([seat.vote for seat in self.seats], self.task.need)


def sittings_of(document: Document) -> list[Sitting]:
    """Every step of every round of a document with its seats, in the order in which they opened: one statement."""
    rows = Seat.objects.filter(task__process__kind=document.kind(), task__process__document_id=document.pk)
    seats = rows.select_related("task__process", "post__person", "voted_by", "work_item").order_by(
        "task_id", "pk"
    )
    return [_gather(list(group)) for _, group in groupby(seats, key=lambda seat: seat.task_id)]


def tallies_of(seat_ids: Collection[int]) -> dict[int, Tally]:
    """How the step of each of these seats stands, for a page of work items: one statement."""
    steps = Seat.objects.filter(pk__in=seat_ids).values("task")
    rows = (
        Seat.objects.filter(task__in=steps)
        .order_by("task_id")
        .values_list("task_id", "task__need", "pk", "vote")
    )
    found: dict[int, Tally] = {}
    for (_, need), group in groupby(rows, key=lambda row: row[:2]):
        seats = list(group)
        tally = tally_of([vote for *_, vote in seats], need)
        found |= {pk: tally for _, _, pk, _ in seats if pk in seat_ids}
    return found


def _gather(seats: list[Seat], answered: bool = False) -> Sitting:
    task = seats[0].task
    for seat in seats:
        seat.task = task
    return Sitting(task, seats, answered)


@dataclass(frozen=True)
class Place:
    """Where a seat belongs; none of it ever changes."""

    FIELDS = ("pk", "task_id", "task__process__kind", "task__process__document_id")

    seat_id: int
    task_id: int
    kind: str
    document_id: int


def place_of(seat: Seat | WorkItem, actor: Actor) -> Place:
    """Raises Seat.DoesNotExist for what is no seat, or none of the actor's institution."""
    seat_id = seat.seat_id if isinstance(seat, WorkItem) else seat.pk
    for *place, institution_id in rows_of(PLACE, {"seat": seat_id or 0}):
        if institution_id == actor.institution_id:
            return Place(*place)
    raise Seat.DoesNotExist(f"seat {seat_id} of institution {actor.institution_id}")


def hold(place: Place) -> Any:
    """Lock the document of a seat, and nothing else: all that follows is read after it. Raises Busy."""
    rows_of(WAIT, {"timeout": LOCK_TIMEOUT})
    try:
        return take(model_of(place.kind), [place.document_id], clock_of(0), None)[0]
    except OperationalError as fault:
        if isinstance(fault.__cause__, LockNotAvailable):
            raise Busy from fault
        raise


def sit(place: Place, actor: Actor | None = None, request_id: UUID | None = None) -> Sitting:
    """The step as it stands under the lock, and whether this request was answered before: one statement."""
    text = reading(SITTING, s=Seat, t=RoundTask, r=Round, p=Post, w=WorkItem)
    asked = {
        "task": str(place.task_id),
        "actor": actor.person_id if actor else None,
        "request": request_id,
    }
    rows, seats = text.rows(asked), []
    for seat, task, task.process, seat.post, item, _ in rows:
        seat.task = task
        if item:
            seat.work_item = item
        seats.append(seat)
    return _gather(seats, answered=rows[0][-1])


def require_open(document: Any, sitting: Sitting, seat: Seat) -> None:
    """Raises SeatTaken: by whom, when; for a seat that was overtaken, who ended the step."""
    if seat.vote == "" and sitting.is_open:
        return
    overtaken = seat.vote in ("", Vote.OVERTAKEN)
    by, at = (
        (sitting.task.owner_id, sitting.task.finished) if overtaken else (seat.voted_by_id, seat.voted_at)
    )
    name = Person.objects.filter(pk=by or 0).values_list("name", flat=True).first() or ""
    raise SeatTaken(document, Vote.OVERTAKEN.value if overtaken else seat.vote, by, name, at)


def first_entry(document: Any, actor: Actor, request_id: UUID, digest: bytes) -> Entry:
    """The entry of a request that was answered before. Raises Conflict when it asked for something else."""
    rows = Entry.objects.filter(
        actor=actor.person_id, request_id=request_id, kind=document.kind(), document_id=document.pk
    )
    first = rows.first()
    if first is None or bytes(first.request_digest or b"") != digest:
        raise Conflict(str(request_id))
    return first

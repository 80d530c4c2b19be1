"""Whose seat it is: a seat follows its post to the successor, and the convening office may give it to somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import DateField, DateTimeField, F, Func, Value
from django.db.models.functions import Cast

from organisation.actors import Actor, Capacity, clock_of
from organisation.models import Institution, Post, Standing
from organisation.queries import local_day
from organisation.roles import PostRole
from workflows import ledger, round_writing
from workflows.documents import Refused
from workflows.fire import note
from workflows.judgement import OWN_WORK, capacity_for
from workflows.models import Seat, WorkItem
from workflows.round_policies import policy_of
from workflows.round_reading import Busy, Place, Sitting, first_entry, hold, place_of, require_open, sit
from workflows.words import Reason, Text

ANY_HOLDER = Text(
    "此席位由{role}中任何一人表决，无需指定。",
    "Any holder of “{role}” may decide this seat; nobody need be named.",
)
REASON_NEEDED = Text("指定替代席位须写明理由。", "Say why somebody else is to sit.")
NOT_IN_FORCE = Text(
    "该职务当日无人在任，不能担任席位。", "Nobody can act for this post today, so it cannot take the seat."
)
SITS_ALREADY = Text("该职务在本步骤已有席位。", "This post already has a seat in this step.")
ONLY_READS = Text("审计职务只查阅，不表决。", "An auditor reads and does not decide.")


@dataclass(frozen=True)
class Move:
    """Why a seat goes to another post: the ledger's entry, by whom in which capacity, and on which request."""

    entry: str
    actor: Actor
    capacity: Capacity | None = None
    reason: str = ""
    request_id: UUID | None = None
    digest: bytes | None = None


def replace_seat(
    seat: Seat | WorkItem, post: Post, *, actor: Actor, at: datetime, reason: str, request_id: UUID
) -> Seat:
    """Give an open seat to another post, by the office that convenes the round; both its people are told.

    For someone who must withdraw where too few would be left. Raises SeatTaken, Refused (every reason), Conflict, Busy.
    """
    place = place_of(seat, actor)
    digest = ledger.digest_of(
        {"step": "seat_replaced", "seat": place.seat_id, "post": post.pk, "reason": reason}
    )
    with transaction.atomic():
        document = hold(place)
        sitting = sit(place, actor, request_id)
        mine = sitting.seat(place.seat_id)
        if sitting.answered:
            first_entry(document, actor, request_id, digest)
            return mine
        require_open(document, sitting, mine)
        convenes = capacity_for(actor, policy_of(sitting.round.name).convenes, document, decides=False)
        reasons = convenes.reasons or tuple(_faults(document, sitting, mine, post, reason, at))
        if reasons:
            raise Refused(*reasons)
        _move(
            document,
            sitting,
            mine,
            post,
            at,
            Move("seat_replaced", actor, convenes.capacity, reason.strip(), request_id, digest),
        )
        return mine


def _faults(
    document: Any, sitting: Sitting, seat: Seat, post: Post, reason: str, at: datetime
) -> Iterable[Reason]:
    if seat.post_id is None:
        yield Reason("any_holder", ANY_HOLDER, {"role": sitting.panel.role.text})
    if not reason.strip():
        yield Reason("given.reason", REASON_NEEDED)
    standing = Standing.objects.on(local_day(document.institution_id, at))
    if not standing.filter(institution_id=document.institution_id, post_id=post.pk).exists():
        yield Reason("post_not_in_force", NOT_IN_FORCE)
    if any(other.post_id == post.pk for other in sitting.seats):
        yield Reason("sits_already", SITS_ALREADY)
    if post.role == PostRole.AUDITOR:
        yield Reason("only_reads", ONLY_READS)
    if post.person_id in document.workers:
        yield Reason("own_work", OWN_WORK)


@dataclass
class Reseated:
    """Seats that followed their posts, and seats whose post ended and has no successor yet."""

    moved: list[int] = field(default_factory=list)
    vacant: list[int] = field(default_factory=list)


def reseat(at: datetime, institution: Institution | None = None) -> Reseated:
    """Give every open seat of an ended post to whoever holds that role in that unit since: a document at a time.

    For the sweep and the auditor; a vote does the same for its own seat. Documents that others hold are left for
    the next call. A seat without a successor stays open, for the convening office to name somebody.
    """
    there = Func(
        F("task__process__institution__time_zone"),
        Value(at),
        function="timezone",
        output_field=DateTimeField(),
    )
    rows = Seat.objects.filter(vote="", task__finished=None, post__ends__lt=Cast(there, DateField()))
    if institution:
        rows = rows.filter(task__process__institution=institution)
    ended = rows.order_by("task__process__kind", "task__process__document_id", "pk").values_list(
        *Place.FIELDS
    )
    found = Reseated()
    for _, group in groupby(
        (Place(*row) for row in ended), key=lambda place: (place.kind, place.document_id)
    ):
        try:
            with transaction.atomic():
                one = _reseat_document(list(group), at)
        except Busy:
            continue
        found.moved += one.moved
        found.vacant += one.vacant
    return found


def _reseat_document(places: Sequence[Place], at: datetime) -> Reseated:
    document, found = hold(places[0]), Reseated()
    for place in places:
        sitting = sit(place)
        seat = sitting.seat(place.seat_id)
        if seat.vote == "" and sitting.is_open:
            moved = follow_post(document, sitting, seat, at)
            (found.moved if moved else found.vacant).append(seat.pk)
    return found


def follow_post(document: Any, sitting: Sitting, seat: Seat, at: datetime) -> bool:
    """Move a seat whose post has ended to its successor: same role, same unit, in office since the step opened.

    True when it moved. The document is locked.
    """
    day = local_day(document.institution_id, at)
    old = seat.post
    if old is None or old.ends is None or old.ends >= day:
        return False
    opened_on = local_day(document.institution_id, sitting.task.created)
    newer = Post.objects.on(day).filter(role=old.role, unit_id=old.unit_id, begins__gt=opened_on)
    seated = [other.post_id for other in sitting.seats if other.post_id]
    successor = newer.exclude(pk__in=seated).order_by("begins", "pk").first()
    if successor is None:
        return False
    _move(document, sitting, seat, successor, at, Move("seat_moved", clock_of(document.institution_id)))
    return True


def _move(document: Any, sitting: Sitting, seat: Seat, to: Post, at: datetime, move: Move) -> None:
    old, name, step = seat.post, sitting.round.name, sitting.panel.name
    round_writing.move_seat(document, seat, to, move.actor, at)
    note(
        document, move.entry, actor=move.actor, capacity=move.capacity, at=at, request_id=move.request_id, digest=move.digest,
        content={
            "round": sitting.round.pk, "name": name, "step": step, "seat": seat.pk, "reason": move.reason,
            "from": {"post": old.pk, "holder": old.person_id} if old else None, "to": {"post": to.pk, "holder": to.person_id},
        },
    )  # fmt: skip
    seat.post = to
    seat.work_item.post, seat.work_item.post_role, seat.work_item.owner_unit_id = to, to.role, to.unit_id

"""What people do besides moving documents: items, votes, absences and delegations; each predicted and compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from organisation import changes
from organisation.models import Absence, Delegation
from tests.model import coverage, sitting, timekeeping
from tests.model.book import Matter, Owed, Seat
from tests.model.days import today
from tests.model.people import Cover, Standing
from tests.model.world import MODELS, Sent, World
from workflows import rounds, worklist
from workflows.deadlines import sweep
from workflows.models import WorkItem
from workflows.rerouting import reroute
from workflows.round_reading import SeatTaken


def _fitting(world: World, matter: Matter, owed: Owed, who: str) -> list[Standing]:
    """In which ways somebody may take an item up."""
    book, at = world.book, world.at
    if owed.seat is not None:
        seat = next(s for s in matter.seats if s.number == owed.seat)
        return sitting.fitting(book, matter, seat, who, at)
    if owed.came_from:
        rows = book.register.holding(owed.office, owed.unit, today(at))
        return [s for s in rows if s.person == who]
    return book.capacities(matter, owed.role, who, at)


def against_taking(world: World, matter: Matter, owed: Owed, who: str) -> str:
    fitting = _fitting(world, matter, owed, who)
    if not fitting:
        return "not_eligible"
    deciding = owed.seat is not None or matter.only_decides(owed.role)
    return "their_own_work" if deciding and all(matter.is_own_work(s) for s in fitting) else ""


def open_item(world: World, matter: Matter, owed: Owed, who: str) -> None:
    """Somebody looks at an item; the first look of somebody who may take it up is noted."""
    at, row = world.tick(), world.item(matter, owed)
    notes = not owed.was_opened and not against_taking(world, matter, owed, who)
    before = world.trace()
    assert worklist.open_item(row.pk, actor=world.place.actor(who, at), at=at) == notes
    if notes:
        owed.was_opened = True
        matter.entries += 1
    else:
        world.require_no_trace(before, f"a look by {who}")
    coverage.doors["open", "" if notes else "nothing"] += 1


def claim(world: World, matter: Matter, owed: Owed, who: str) -> None:
    """Somebody takes an item to themselves."""
    at, row = world.tick(), world.item(matter, owed)
    against = against_taking(world, matter, owed, who)
    if not against and owed.claimant not in (None, who):
        against = "item_claimed"
    before = world.trace()
    actor = world.place.actor(who, at)
    world.ask(
        lambda: worklist.claim(row.pk, actor=actor, at=at), [against] if against else [], f"claim by {who}"
    )
    if not against and owed.claimant == who:
        world.require_no_trace(before, "a second claim")
        against = "unchanged"
    elif not against:
        owed.claimant, owed.was_opened = who, True
        matter.entries += 1
    coverage.doors["claim", against] += 1


def claim_what_is_closed(world: World, who: str) -> bool:
    """Somebody reaches for an item that has been done. False when there is none."""
    row = WorkItem.objects.filter(closed_at__isnull=False).order_by("-pk").first()
    if row is None:
        return False
    at = world.tick()
    actor = world.place.actor(who, at)
    world.ask(lambda: worklist.claim(row.pk, actor=actor, at=at), ["item_closed"], f"claim by {who}")
    coverage.doors["claim", "item_closed"] += 1
    return True


def release(world: World, matter: Matter, owed: Owed, who: str) -> None:
    """Somebody gives an item back."""
    at, row = world.tick(), world.item(matter, owed)
    against = "" if owed.claimant == who else "not_claimed"
    actor = world.place.actor(who, at)
    world.ask(
        lambda: worklist.release(row.pk, actor=actor, at=at),
        [against] if against else [],
        f"release by {who}",
    )
    if not against:
        owed.claimant = None
        matter.entries += 1
    coverage.doors["release", against] += 1


def hand_over(world: World, matter: Matter, owed: Owed, who: str, to: str, reason: str) -> None:
    """Somebody gives an item to a colleague."""
    at, row = world.tick(), world.item(matter, owed)
    against = against_taking(world, matter, owed, who)
    if not against and not reason.strip():
        against = "given.reason"
    if not against and owed.claimant not in (None, who):
        against = "item_claimed"
    if not against:
        theirs = _given_to(world, matter, owed, to)
        deciding = owed.seat is not None or matter.only_decides(owed.role)
        if not theirs:
            against = "not_theirs"
        elif deciding and all(matter.is_own_work(s) for s in theirs):
            against = "their_own_work"
    actor, person = world.place.actor(who, at), world.place.people[to]
    world.ask(
        lambda: worklist.hand_over(row.pk, person, reason=reason, actor=actor, at=at), [against] if against else [],
        f"handing over by {who} to {to}",
    )  # fmt: skip
    if not against:
        owed.claimant, owed.was_opened = to, True
        matter.entries += 1
        matter.told.append((to, "hand_over", at))
    coverage.doors["hand_over", against] += 1


def _given_to(world: World, matter: Matter, owed: Owed, to: str) -> list[Standing]:
    seat = next((s for s in matter.seats if s.number == owed.seat), None)
    if seat is not None and seat.post is not None:
        return [
            s
            for s in world.book.register.standing(today(world.at))
            if (s.person, s.post.number) == (to, seat.post)
        ]
    return [s for s in world.book.register.holding(owed.office, owed.unit, today(world.at)) if s.person == to]


def look_at_queue(world: World, who: str) -> None:
    """Somebody's queue holds what they may take up and nobody has, what they have taken, and nothing else."""
    book, at = world.book, world.tick()
    mine = [s for s in book.register.standing(today(at)) if s.person == who]
    ours = []
    for matter in book.matters:
        for owed in matter.owed:
            seat = next((s for s in matter.seats if s.number == owed.seat), None)
            if seat is not None and seat.post is not None:
                fits = any(s.post.number == seat.post for s in mine)
            else:
                fits = any(s.post.role == owed.office and owed.unit in (None, s.post.unit) for s in mine)
            if not owed.still_since and (owed.claimant == who or (owed.claimant is None and fits)):
                ours.append((MODELS[matter.kind].kind(), matter.pk, owed.duty))
    rows = worklist.queue(world.place.actor(who, at), limit=500)
    assert sorted((row.kind, row.document_id, row.duty) for row in rows) == sorted(ours), (
        f"the queue of {who}"
    )
    coverage.doors["queue", ""] += 1


def vote(world: World, matter: Matter, seat: Seat, who: str, choice: str, opinion: str) -> None:
    """Somebody votes on a seat."""
    at, row, request_id = world.tick(), world.seat(matter, seat.number), uuid4()
    against = sitting.refusal(world.book, matter, seat, who, choice, opinion, at)
    actor = world.place.actor(who, at)

    def send() -> Any:
        return rounds.vote(row, choice, actor=actor, at=world.at, opinion=opinion, request_id=request_id)

    what = f"{choice} by {who} on the seat of {seat.panel} {seat.post}"
    for code in against or [""]:
        coverage.doors[f"vote {choice}", code] += 1
    if against == ["taken"]:
        before = world.trace()
        with pytest.raises(SeatTaken) as taken:
            send()
        assert taken.value.vote == seat.vote
        world.require_no_trace(before, what)
        return
    voted = world.ask(send, against, what)
    if voted is None:
        return
    outcome = sitting.vote(world.book, matter, seat, who, choice, at)
    assert (voted.outcome or "") == outcome
    if outcome:
        coverage.taken[matter.kind, outcome, "for_leadership"] += 1
    world.adopt()
    world.sent.append(Sent(who, request_id, send, voted.sequence))


def cover(world: World, row: Cover) -> None:
    """A post is given to somebody else for a while, or its holder is away."""
    at, against = world.tick(), world.book.register.refusal(row)
    post, to = world.posts[row.post.number], world.place.people[row.to] if row.to else None
    days: dict[str, Any] = {
        "begins": row.begins,
        "ends": row.ends,
        "by": world.place.actor("clock"),
        "at": at,
        "reason": "外出",
    }

    def change() -> None:
        if row.way == "delegation":
            changes.delegate(post, to=to, **days)
        else:
            changes.record_absence(post, substitute=to, **days)

    if _changed(world, change, against):
        world.book.register.covers.append(row)
    coverage.doors[row.way, against] += 1


def end_cover(world: World, row: Cover, ends: date) -> None:
    """A delegation or an absence ends earlier than was agreed."""
    at, post = world.tick(), world.posts[row.post.number]
    against = "ends_first" if ends < row.begins else "ended" if ends >= row.ends else ""
    rest: dict[str, Any] = {"ends": ends, "by": world.place.actor("clock"), "at": at, "reason": "返岗"}

    def change() -> None:
        if row.way == "delegation":
            changes.end_delegation(
                Delegation.objects.get(post=post, begins=row.begins, ends=row.ends), **rest
            )
        else:
            changes.end_absence(Absence.objects.get(post=post, begins=row.begins, ends=row.ends), **rest)

    if _changed(world, change, against):
        world.book.register.end(row, ends)
    coverage.doors[row.way, against] += 1


def _changed(world: World, change: Callable[[], None], against: str) -> bool:
    """Whether a change of posts was made, as it must be when nothing is against it."""
    before = world.trace()
    try:
        change()
    except changes.NotPossible as refused:
        code = refused.code
    else:
        code = ""
    assert code == against
    if code:
        world.require_no_trace(before, "a change of posts that was refused")
    return not code


def run_sweep(world: World) -> None:
    """The clock's tick: what is due is done, and the second time there is nothing left."""
    at = world.at
    steps = timekeeping.sweep(world.book, at)
    swept = sweep(at)
    assert (swept.steps, swept.set_aside, swept.held) == (steps, 0, 0)
    world.adopt()
    before = world.trace()
    assert sweep(at).steps == 0
    world.require_no_trace(before, "a second sweep")
    coverage.doors["sweep", "" if steps else "nothing"] += 1


def run_reroute(world: World) -> None:
    """What nobody can act on goes up and comes back; claims of those who may no longer act end."""
    timekeeping.reroute(world.book, world.at)
    reroute(world.at)
    before = world.trace()
    reroute(world.at)
    world.require_no_trace(before, "a second reroute")
    coverage.doors["reroute", ""] += 1

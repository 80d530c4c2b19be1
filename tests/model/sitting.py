"""The model's round: the performance office gives its opinion, then the leading group decides; two of it must agree."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tests.model.days import today
from tests.model.regulations import STEPS_OF

if TYPE_CHECKING:
    from tests.model.book import Book, Matter, Seat
    from tests.model.people import Standing

OF_PANEL = {"office": "performance_office", "leaders": "leading_group"}
NEED = {"office": 1, "leaders": 2}


def convene(book: Book, matter: Matter, panel: str, at: datetime) -> None:
    """Open a panel's seats: any one of the office, or each post of the leading group that is held that day."""
    from tests.model.book import Seat

    role, duty = OF_PANEL[panel], f"round:rectification.leadership:{panel}"
    if panel == "office":
        matter.rounds += 1
    posts = sorted({s.post.number for s in book.register.holding(role, None, today(at))})
    matter.entries += 1
    for post in [None] if panel == "office" else posts:
        book.seats_given += 1
        seat = Seat(book.seats_given, matter.rounds, panel, post)
        matter.seats.append(seat)
        unit = None if post is None else book.register.posts[post].unit
        book.open(matter, duty, role, at, unit=unit, seat=seat.number, turn=matter.rounds)
        _tell(book, matter, seat, "round.open", at, None)


def people(book: Book, seat: Seat, at: datetime) -> set[str]:
    """Whoever may act for a seat's post that day, or for its office."""
    rows = book.register.standing(today(at))
    if seat.post is None:
        return {s.person for s in rows if s.post.role == OF_PANEL[seat.panel]}
    return {s.person for s in rows if s.post.number == seat.post}


def _tell(book: Book, matter: Matter, seat: Seat, code: str, at: datetime, actor: str | None) -> None:
    matter.told += [(person, code, at) for person in people(book, seat, at) - {actor}]


def sitting(matter: Matter) -> list[Seat]:
    """The seats of the panel that decides now; none when no round is open."""
    if matter.state != "for_leadership":
        return []
    last = matter.seats[-1]
    return [seat for seat in matter.seats if (seat.turn, seat.panel) == (last.turn, last.panel)]


def fitting(book: Book, matter: Matter, seat: Seat, who: str, at: datetime) -> list[Standing]:
    if seat.post is None:
        return book.capacities(matter, OF_PANEL[seat.panel], who, at)
    return [s for s in book.register.standing(today(at)) if s.person == who and s.post.number == seat.post]


def refusal(
    book: Book, matter: Matter, seat: Seat, who: str, choice: str, opinion: str, at: datetime
) -> list[str]:
    """The codes against a vote; "taken" for a seat that is decided or no longer needed."""
    seats = sitting(matter)
    if seat.vote or seat not in seats:
        return ["taken"]
    capacities = fitting(book, matter, seat, who, at)
    if not capacities:
        return ["not_yours"]
    if choice == "recuse":
        if len([s for s in seats if s.vote != "recuse"]) - 1 < NEED[seat.panel]:
            return ["too_few_left"]
    elif all(matter.is_own_work(s) for s in capacities):
        return ["own_work"]
    return ["given.opinion"] if choice != "approve" and not opinion.strip() else []


def vote(book: Book, matter: Matter, seat: Seat, who: str, choice: str, at: datetime) -> str:
    """Count it; returns the step that the document takes, or an empty text."""
    seats = sitting(matter)
    seat.vote = choice
    matter.owed = [o for o in matter.owed if o.seat != seat.number]
    matter.entries += 1
    live = [s.vote for s in seats if s.vote != "recuse"]
    if live.count("approve") >= NEED[seat.panel]:
        agreed = True
    elif live.count("refuse") > len(live) - NEED[seat.panel]:
        agreed = False
    else:
        return ""
    _overtake(book, matter, "round.overtaken", at, who)
    if agreed and seat.panel == "office":
        convene(book, matter, "leaders", at)
        return ""
    outcome = "approve" if agreed else "refuse"
    book.take(matter, STEPS_OF[matter.kind][outcome], None, at, {})
    return outcome


def withdraw(book: Book, matter: Matter, at: datetime) -> None:
    """The matter left by another step: every seat that is still open is closed, and its people are told."""
    _overtake(book, matter, "round.withdrawn", at, matter.by)


def _overtake(book: Book, matter: Matter, code: str, at: datetime, actor: str | None) -> None:
    for seat in matter.seats:
        if seat.vote == "":
            seat.vote = "overtaken"
            _tell(book, matter, seat, code, at, actor)
            matter.owed = [o for o in matter.owed if o.seat != seat.number]

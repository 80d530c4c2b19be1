"""What time does to the model's matters: ladder steps, who is told of them, and items that nobody can act on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from tests.model.days import DAY, Rung, after, midnight_after, opened, today
from tests.model.regulations import ORDER

if TYPE_CHECKING:
    from tests.model.book import Book, Matter, Owed


def next_instants(book: Book) -> list[datetime]:
    """When something is due next, in order."""
    return sorted({o.next_at for m in book.matters for o in m.owed if o.next_at})


def sweep(book: Book, at: datetime) -> int:
    """Take every ladder step that is due; returns how many."""
    steps = 0
    while due := [m for m in book.matters if any(o.next_at and o.next_at <= at for o in m.owed)]:
        for matter in due:
            steps += _climb(book, matter, at)
    return steps


def _climb(book: Book, matter: Matter, at: datetime) -> int:
    candidates: dict[tuple[str, int, str], tuple[int, Rung, Owed]] = {}
    count = 0
    for owed in list(matter.owed):
        while owed.next_at and owed.next_at <= at:
            rank = owed.clock.taken
            rung, owed.clock = owed.clock.step()
            count += 1
            matter.entries += 1
            for role in rung.tells:
                for person in _whom(book, matter, owed, role, at):
                    key = (owed.duty, owed.turn, person)
                    if rung.urgent or not _told_lately(matter, owed.duty, person, at):
                        best = candidates.get(key)
                        if best is None or rank > best[0]:
                            candidates[key] = (rank, rung, owed)
            if rung.key == "order":
                _order_for_late_report(book, matter, at)
    for (duty, turn, person), (_, rung, owed) in candidates.items():
        key = (duty, turn, rung.key, owed.clock.due_on, person)
        if key not in matter.ladder_told:
            matter.ladder_told[key] = at
            matter.told.append((person, f"ladder:{rung.key}", at))
    return count


def _whom(book: Book, matter: Matter, owed: Owed, role: str, at: datetime) -> set[str]:
    """The people of a role; of the item's own office only the claimant, while that person may still act."""
    if role != "owner":
        return book.people(matter, role, at)
    people = holders(book, matter, owed, at)
    return {owed.claimant} if owed.claimant in people else people


def holders(book: Book, matter: Matter, owed: Owed, at: datetime) -> set[str]:
    """Who may act for the office (or the seat's post) that an item is with."""
    if seat := next((s for s in matter.seats if s.number == owed.seat), None):
        from tests.model.sitting import people

        return people(book, seat, at)
    return {s.person for s in book.register.holding(owed.office, owed.unit, today(at))}


def _told_lately(matter: Matter, duty: str, person: str, at: datetime) -> bool:
    """Within the working day before: then only what is urgent is told again."""
    since = midnight_after(after(today(at), -1))
    return any(
        (key[0], key[-1]) == (duty, person) and since < when < at for key, when in matter.ladder_told.items()
    )


def _order_for_late_report(book: Book, report: Matter, at: datetime) -> None:
    """Five working days late: an order is drafted, once for each report."""
    from tests.model.book import Matter

    if any(m.fields.get("late report") is report for m in book.matters):
        return
    fields = {
        "late report": report, "title": f"late {report.unit}", "source": "late_report", "authority": "scheme", "clause": "clause",
        "criteria": 2, "evidence": [], "due_on": opened(today(at) + 15 * DAY), "demands_rectification": True,
    }  # fmt: skip
    book.born(Matter(ORDER, "draft", report.unit, at, None, "open_for_late_report", fields), None)


# --- Items that nobody can act on ----------------------------------------------------------------------------


def reroute(book: Book, at: datetime) -> None:
    """Free what somebody claimed who may no longer act; bring back what its own office can do again; send up what nobody
    of its office may decide."""
    for matter in book.matters:
        for owed in matter.owed:
            if owed.claimant and owed.claimant not in holders(book, matter, owed, at):
                owed.claimant = None
                _note(book, matter, owed, "claim_released", at)
    for matter in book.matters:
        for owed in matter.owed:
            if owed.came_from and not owed.claimant and _can_act(book, matter, owed, *owed.came_from, at):
                (owed.office, owed.unit), owed.came_from = owed.came_from, None
                _note(book, matter, owed, "came_back", at)
    for matter in book.matters:
        for owed in matter.owed:
            if not owed.claimant and not owed.still_since and owed.seat is None:
                _send_up(book, matter, owed, at)


def _can_act(book: Book, matter: Matter, owed: Owed, office: str, unit: str | None, at: datetime) -> bool:
    rows = book.register.holding(office, unit, today(at))
    return any(not (matter.only_decides(owed.role) and matter.is_own_work(s)) for s in rows)


def _send_up(book: Book, matter: Matter, owed: Owed, at: datetime) -> None:
    if _can_act(book, matter, owed, owed.office, owed.unit, at):
        return
    origin = owed.came_from or (owed.office, owed.unit)
    bound = (
        matter.hands | {person for _, person in matter.signed} if matter.only_decides(owed.role) else set()
    )
    above = book.register.office_above(origin[0], origin[1] or matter.unit, today(at), bound)
    if above is None or above == (owed.office, owed.unit):
        return
    owed.came_from, (owed.office, owed.unit) = origin, above
    _note(book, matter, owed, "rerouted", at)


def _note(book: Book, matter: Matter, owed: Owed, code: str, at: datetime) -> None:
    matter.entries += 1
    matter.told += [(person, code, at) for person in holders(book, matter, owed, at)]

"""What the regulations demand, as the model reads it; and what is wrong with what somebody hands over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.model.days import midnight_after, today
from tests.model.regulations import DATED, Step

if TYPE_CHECKING:
    from tests.model.book import Book, Matter

Holds = Callable[["Book", "Matter", datetime], bool]


def _unopened(book: Book, matter: Matter, at: datetime) -> bool:
    """Nobody has opened what the last step gave out."""
    return not any(o.was_opened and o.given_out >= matter.at for o in matter.owed if o.seat is None)


def _same_matter(book: Book, matter: Matter, at: datetime) -> bool:
    inside = ("draft", "for_signature", "not_opened", "closed")
    return any(
        m is not matter and m.kind == matter.kind and (m.unit, m.fields["title"]) == (matter.unit, matter.fields["title"])
        and m.state not in inside
        for m in book.matters
    )  # fmt: skip


def _finish(matter: Matter) -> date:
    owed = matter.owing("order.finish")
    assert owed is not None
    return owed.clock.due_on


def _dates(matter: Matter) -> list[date]:
    return [row["due_on"] for row in matter.fields["planned"] if row["due_on"]]


def _ends_with_order(book: Book, matter: Matter, at: datetime) -> bool:
    dates = _dates(matter)
    assert matter.parent is not None
    return bool(matter.fields["why_later"]) or not dates or max(dates) <= matter.parent.fields["due_on"]


def _has_evidence(book: Book, matter: Matter, at: datetime) -> bool:
    """An order: for every criterion. A measure: one file."""
    if matter.kind == "measure":
        return bool(matter.fields["files"])
    return set(range(matter.fields["criteria"])) <= set(matter.fields["evidence"])


HOLDS: dict[str, Holds] = {
    "says_something": lambda book, m, at: bool(m.fields["summary"].strip() and m.fields["lines"]),
    "has_results": lambda book, m, at: all(row["actual"] for row in m.fields["lines"]),
    "unopened": _unopened,
    "recent": lambda book, m, at: at <= m.at + timedelta(hours=24),
    "has_authority": lambda book, m, at: bool(m.fields["source"] and m.fields["authority"].strip() and m.fields["clause"].strip()),
    "has_criteria": lambda book, m, at: m.fields["criteria"] > 0,
    "has_due_date": lambda book, m, at: m.fields["due_on"] is not None,
    "is_no_instruction": lambda book, m, at: m.fields["source"] != "leaders_instruction",
    "is_instruction": lambda book, m, at: m.fields["source"] == "leaders_instruction",
    "is_not_repeated": lambda book, m, at: not _same_matter(book, m, at),
    "is_in_time": lambda book, m, at: at < midnight_after(_finish(m)),
    "still_runs": lambda book, m, at: m.owing("order.finish") is not None,
    "has_evidence": _has_evidence,
    "rectified": lambda book, m, at: all(child.state == "accepted" for child in book.children(m)),
    "has_measures": lambda book, m, at: bool(m.fields["planned"]),
    "has_owners": lambda book, m, at: all(row["owner"] for row in m.fields["planned"]),
    "has_dates": lambda book, m, at: all(row["due_on"] for row in m.fields["planned"]),
    "ends_ahead": lambda book, m, at: all(day >= today(at) for day in _dates(m)),
    "ends_with_order": _ends_with_order,
    "is_dated": lambda book, m, at: bool(_dates(m)),
    "all_accepted": lambda book, m, at: all(child.state == "accepted" for child in book.children(m)),
    "has_numbers": lambda book, m, at: bool(book.children(m)),
}  # fmt: skip


def faults(matter: Matter, step: Step, given: dict[str, Any], at: datetime) -> list[str]:
    """The codes of what is missing or wrong in what is handed over."""
    found = []
    for name in step.given:
        value, shown = given.get(name), "failed" if name == "failed_number" else name
        if not _is_of_its_kind(name, value):
            found.append(f"given.{shown}")
            continue
        for number, check in enumerate(DATED.get(name, ())):
            if not _passes(check, matter, value, at):
                found.append(f"given.{shown}.{number}")
    return found


def _is_of_its_kind(name: str, value: Any) -> bool:
    if name == "failed_number":
        return type(value) is int
    if name.endswith("_date"):
        return type(value) is date
    return isinstance(value, str) and bool(value.strip()) and "\x00" not in value


def _passes(check: str, matter: Matter, value: Any, at: datetime) -> bool:
    if check == "ahead":
        return bool(value > today(at))
    if check == "later":
        return bool(value > _finish(matter))
    return 1 <= value <= len(matter.fields["planned"])

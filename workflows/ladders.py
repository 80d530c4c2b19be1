"""Where an item stands on its ladder (催办升级阶梯). Pure: the ladder as it was written into the item with its date."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from workflows.rulebook import LadderStep

GREEN = "green"


@dataclass(frozen=True)
class Position:
    """How many steps have been taken, when the next one is due (None: the ladder is exhausted), and the lamp."""

    taken: int
    next_step_at: datetime | None
    lamp: str


def read(ladder: Iterable[Mapping[str, Any]]) -> tuple[LadderStep, ...]:
    """The steps as a work item stores them. Raises KeyError or ValueError for what is no ladder."""
    return tuple(_step(row) for row in ladder)


def _step(row: Mapping[str, Any]) -> LadderStep:
    return LadderStep(
        row["key"], datetime.fromisoformat(row["at"]), tuple(row.get("tells") or ()), row.get("lamp"), row.get("action"),
        bool(row.get("urgent")), row.get("level") or 0,
    )  # fmt: skip


def due_of(
    ladder: Sequence[Mapping[str, Any]], taken: int, at: datetime
) -> tuple[list[LadderStep], datetime | None]:
    """Of a stored ladder, the steps due at `at`, and when the one after them comes (None: there is none)."""
    steps: list[LadderStep] = []
    for row in ladder[taken:]:
        step = _step(row)
        if step.at > at:
            return steps, step.at
        steps.append(step)
    return steps, None


def due(steps: Sequence[LadderStep], taken: int, at: datetime) -> Sequence[LadderStep]:
    """The steps that are due at `at` and not taken yet, in order; their `at` is their true instant."""
    waiting = steps[taken:]
    count = next((n for n, step in enumerate(waiting) if step.at > at), len(waiting))
    return waiting[:count]


def after(steps: Sequence[LadderStep], taken: int, lamp: str) -> Position:
    """Where the item stands once the first `taken` steps are taken; `lamp` is what it showed before the last of them."""
    return Position(taken, steps[taken].at if taken < len(steps) else None, lamp)


def passed(steps: Sequence[LadderStep], at: datetime) -> Position:
    """Where an item stands that gets a new ladder at `at` (extended, resumed): what lies before `at` is not taken again."""
    count = len(due(steps, 0, at))
    return after(steps, count, _lamp_after(steps[:count]))


def on_new_dates(
    old: Sequence[LadderStep], taken: int, new: Sequence[LadderStep], at: datetime
) -> tuple[tuple[LadderStep, ...], Position]:
    """The ladder when a new calendar has moved its dates, and where the item stands on it.

    A step that was taken and whose new instant has passed stays taken. One that was taken too early, by the new date,
    will be taken again when that date comes, but without its action: what it caused has been caused. One that was not
    taken is due as its new instant says.
    """
    had = {step.key for step in old[:taken]}
    count = next((n for n, s in enumerate(new) if s.key not in had or s.at > at), len(new))
    again = tuple(replace(step, action=None) if step.key in had else step for step in new[count:])
    steps = (*new[:count], *again)
    return steps, after(steps, count, _lamp_after(steps[:count]))


def _lamp_after(steps: Sequence[LadderStep]) -> str:
    return next((step.lamp for step in reversed(steps) if step.lamp), GREEN)

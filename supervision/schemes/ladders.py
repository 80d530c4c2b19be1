"""From a ladder's steps to instants. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from calendars.working_days import Calendar
from supervision.schemes.pack import AT_DUE, BEFORE
from workflows.rulebook import LadderStep


@dataclass(frozen=True)
class StepRule:
    """One step of a ladder as its pack states it: `days` working days `when` (before or after the due date, at `time`
    local), or at the due instant itself."""

    key: str
    when: str
    days: int
    time: time
    tells: tuple[str, ...]
    lamp: str | None
    action: str | None
    urgent: bool
    level: int = 0


def climb(
    rules: Iterable[StepRule],
    due_on: date,
    due_at: datetime,
    starts_at: datetime | None,
    calendar: Calendar,
    tz: ZoneInfo,
) -> tuple[LadderStep, ...]:
    """The steps of one clock with their instants in UTC, in order of time.

    Nothing is born overdue: a reminder that would lie before `starts_at`, when the clock began to run, is left out, except
    that the lamp it would have lit is lit at once, without telling anybody. When the due date itself is over at that
    moment, being overdue begins with the clock, and the steps after it count from that day.
    """
    late = starts_at is not None and starts_at >= due_at
    counted_from = starts_at.astimezone(tz).date() if starts_at and late else due_on
    steps: list[LadderStep] = []
    lit: LadderStep | None = None
    for rule in rules:
        if rule.when == AT_DUE:
            at = starts_at if starts_at and late else due_at
        else:
            day = (
                calendar.shift(due_on, -rule.days)
                if rule.when == BEFORE
                else calendar.shift(counted_from, rule.days)
            )
            at = datetime.combine(day, rule.time, tz)
        if starts_at and rule.when == BEFORE and at < starts_at:
            lit = LadderStep(rule.key, starts_at.astimezone(UTC), (), rule.lamp) if rule.lamp else lit
            continue
        steps.append(
            LadderStep(
                rule.key, at.astimezone(UTC), rule.tells, rule.lamp, rule.action, rule.urgent, rule.level
            )
        )
    if lit and not late:
        steps.append(lit)
    return tuple(sorted(steps, key=lambda step: step.at))

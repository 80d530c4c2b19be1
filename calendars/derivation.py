"""Deriving a due date from a rule, and keeping how it came about. Pure: takes dates, gives dates and JSON's own types.

Counting follows 民法典 201 to 204: the starting day is not counted, a last day that is no working day moves to the next
working day, and the last day runs to its end, so `due_at` is midnight after it. A derivation is stored with the deadline it
explains, as codes and parameters; `explain` reads it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from calendars import periods
from calendars.explanation import explain
from calendars.working_days import ONE_DAY, Calendar, Day

__all__ = [
    "Base",
    "Derived",
    "Rule",
    "derive",
    "explain",
    "extend",
    "midnight_after",
    "rederive",
    "resume",
    "rule_of",
]

EVENT, PERIOD_END, FIELD = "event", "period_end", "field"
WORKING_DAYS, NATURAL_DAYS = "working_days", "natural_days"
NEXT_WORKING_DAY, PREVIOUS_WORKING_DAY, AS_IT_FALLS = "next_working_day", "previous_working_day", "none"
PAUSE, EXTENSION = "pause", "extension"


@dataclass(frozen=True, slots=True)
class Rule:
    """One deadline rule of a scheme version.

    `base` is what the clock starts from: EVENT (an instant), PERIOD_END (the last day of the document's period) or FIELD
    (a date that the document's `field` names). From there either `count` of `unit`, or, after a period, day `day` of the
    `month`-th month; with neither, the named date itself. `roll` says what happens on a rest day. `clause_zh` and
    `clause_en` are the rule in words; `source` where its numbers come from; `scheme` the version, as `slug@number`.
    """

    key: str
    base: str
    clause_zh: str
    clause_en: str
    source: str
    field: str = ""
    count: int | None = None
    unit: str = ""
    month: int | None = None
    day: int | None = None
    roll: str = NEXT_WORKING_DAY
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """What one clock starts from: the local day, and what names it. `name` is the period, or the document's field."""

    code: str
    on: date
    name: str = ""
    at: datetime | None = None

    @classmethod
    def event(cls, at: datetime, tz: ZoneInfo) -> Base:
        """The local day of an instant. Raises ValueError for one without a zone."""
        if at.tzinfo is None:
            raise ValueError(f"{at} has no time zone")
        return cls(EVENT, at.astimezone(tz).date(), at=at)

    @classmethod
    def period_end(cls, period: str, at: datetime | None = None) -> Base:
        """The last day of a period such as 2025Q4; `at` is when the clock began to be watched. Raises NotAPeriod."""
        return cls(PERIOD_END, periods.parse(period).ends, period, at)

    @classmethod
    def named(cls, field: str, day: date, at: datetime | None = None) -> Base:
        """The date that a document's field names."""
        return cls(FIELD, day, field, at)


@dataclass(frozen=True, slots=True)
class Derived:
    """A due date and how it came about. `due_at` is exclusive and in UTC; `derivation` is safe to store as JSON."""

    due_on: date
    due_at: datetime
    provisional: bool
    derivation: dict[str, Any]


def midnight_after(day: date, tz: ZoneInfo) -> datetime:
    """The instant at which `day` ends in the zone, in UTC."""
    return datetime.combine(day + ONE_DAY, time(), tz).astimezone(UTC)


def derive(rule: Rule, base: Base, calendar: Calendar, tz: ZoneInfo) -> Derived:
    """The due date that `rule` gives from `base`. Raises ValueError for a base of another kind, and NoWorkingDay."""
    if base.code != rule.base or (base.code == FIELD and base.name != rule.field):
        wanted, given = f"{rule.base} {rule.field}".strip(), f"{base.code} {base.name}".strip()
        raise ValueError(f"rule {rule.key} starts from {wanted}, not from {given}")
    stored: dict[str, Any] = {
        "rule": rule.key,
        "scheme": rule.scheme,
        "clause": {"zh": rule.clause_zh, "en": rule.clause_en},
        "source": rule.source,
        "base": {
            "code": base.code,
            "on": base.on.isoformat(),
            "name": base.name,
            "at": base.at.astimezone(UTC).isoformat() if base.at else None,
        },
        "count": rule.count,
        "unit": rule.unit,
        "month": rule.month,
        "day": rule.day,
        "roll": rule.roll,
        "changes": [],
        "recalculated": [],
    }
    return _replay(stored, calendar, tz)


def resume(
    derivation: Mapping[str, Any],
    paused_on: date,
    resumed_on: date,
    calendar: Calendar,
    tz: ZoneInfo,
    *,
    at: datetime | None = None,
) -> Derived:
    """The deadline after its clock stood still from one local day to another; `at` is the instant it went on.

    A clock of working days goes on with the working days that were left; any other date moves by the natural days that
    passed. A deadline that was over before the pause stays where it was. Raises ValueError for a pause that ends before it begins.
    """
    if resumed_on < paused_on:
        raise ValueError(f"a pause from {paused_on} cannot end on {resumed_on}")
    pause = {"code": PAUSE, "from": paused_on.isoformat(), "to": resumed_on.isoformat(), "at": _instant(at)}
    return _replay({**derivation, "changes": [*derivation["changes"], pause]}, calendar, tz)


def extend(
    derivation: Mapping[str, Any],
    due_on: date,
    calendar: Calendar,
    tz: ZoneInfo,
    *,
    at: datetime | None = None,
    by: str = "",
    reason: str = "",
) -> Derived:
    """The deadline after an approved extension to a named date; `original_due_on` stays. Raises ValueError for no later date."""
    if due_on <= date.fromisoformat(derivation["due_on"]):
        raise ValueError(f"{due_on} is no extension of {derivation['due_on']}")
    extension = {
        "code": EXTENSION,
        "named": due_on.isoformat(),
        "at": _instant(at),
        "by": by,
        "reason": reason,
    }
    return _replay({**derivation, "changes": [*derivation["changes"], extension]}, calendar, tz)


def rederive(derivation: Mapping[str, Any], calendar: Calendar, tz: ZoneInfo) -> Derived:
    """The same derivation under another calendar: same base, rule, pauses and extensions. A date that moves says so."""
    fresh = _replay(derivation, calendar, tz)
    if fresh.due_on.isoformat() == derivation["due_on"]:
        return fresh
    moved = {
        "due_was": derivation["due_on"],
        "original_was": derivation["original_due_on"],
        "due_on": fresh.due_on.isoformat(),
        "bases_were": derivation["bases"],
    }
    fresh.derivation["recalculated"] = [*derivation["recalculated"], moved]
    return fresh


def rule_of(derivation: Mapping[str, Any]) -> Rule:
    """The rule as it stood when the derivation was made."""
    base, clause = derivation["base"], derivation["clause"]
    return Rule(
        derivation["rule"], base["code"], clause["zh"], clause["en"], derivation["source"],
        base["name"] if base["code"] == FIELD else "", derivation["count"], derivation["unit"], derivation["month"],
        derivation["day"], derivation["roll"], derivation["scheme"],
    )  # fmt: skip


def _replay(derivation: Mapping[str, Any], calendar: Calendar, tz: ZoneInfo) -> Derived:
    """Base, rule and changes, gone through from the beginning under one calendar."""
    rule, base = rule_of(derivation), derivation["base"]
    on = date.fromisoformat(base["on"])
    nominal = _nominal(rule, on, base["name"], calendar)
    original = due = _rolled(nominal, rule, calendar)
    counted = rule.unit == WORKING_DAYS
    first = min(nominal, due) if not counted else min(on + ONE_DAY, nominal)
    changes = []
    for change in derivation["changes"]:
        before, (due, told) = due, _changed(change, due, rule, calendar)
        changes.append({**change, **told, "due_was": before.isoformat(), "due_on": due.isoformat()})
    last = max(nominal, due)
    provisional = any(calendar.is_provisional(date(year, 1, 1)) for year in range(first.year, last.year + 1))
    stored = {
        **derivation,
        "zone": tz.key,
        "nominal_on": nominal.isoformat(),
        "skipped": _runs(calendar.explain_skipped(on, nominal)) if counted else [],
        "added": _runs(calendar.explain_added(on, nominal)) if counted else [],
        "rolled": _runs(_rest_from(nominal, original, calendar)),
        "original_due_on": original.isoformat(),
        "changes": changes,
        "due_on": due.isoformat(),
        "bases": [{"key": basis.key, "notice": basis.notice} for basis in calendar.bases(first, last)],
        "provisional": provisional,
    }
    return Derived(due, midnight_after(due, tz), provisional, stored)


def _nominal(rule: Rule, on: date, period: str, calendar: Calendar) -> date:
    """Where the rule's own words point, before a rest day moves it."""
    if rule.month is not None and rule.day is not None:
        return periods.parse(period).day_after(rule.month, rule.day)
    if rule.count is None:
        return on
    return calendar.shift(on, rule.count) if rule.unit == WORKING_DAYS else on + timedelta(days=rule.count)


def _rolled(day: date, rule: Rule, calendar: Calendar) -> date:
    if rule.roll == NEXT_WORKING_DAY:
        return calendar.roll(day)
    return calendar.roll_back(day) if rule.roll == PREVIOUS_WORKING_DAY else day


def _changed(
    change: Mapping[str, Any], due: date, rule: Rule, calendar: Calendar
) -> tuple[date, dict[str, Any]]:
    """Where a pause or an extension puts a due date, and what is worth telling about it."""
    if change["code"] == EXTENSION:
        # A new calendar may have put the date before it later than the one that was granted.
        return max(due, _rolled(date.fromisoformat(change["named"]), rule, calendar)), {}
    paused, resumed = date.fromisoformat(change["from"]), date.fromisoformat(change["to"])
    if due < paused:
        return due, {"left": 0, "skipped": []}
    if rule.unit != WORKING_DAYS:
        days = (resumed - paused).days
        return _rolled(due + timedelta(days=days), rule, calendar), {"moved_by": days, "skipped": []}
    left = calendar.count(paused, due)
    after = max(due, calendar.shift(resumed, left) if left else calendar.roll(resumed))
    return after, {"left": left, "skipped": _runs(calendar.explain_skipped(resumed, after))}


def _rest_from(nominal: date, due: date, calendar: Calendar) -> tuple[tuple[date, Day], ...]:
    """The rest days that a roll passed over."""
    if nominal < due:
        return calendar.explain_skipped(nominal - ONE_DAY, due)
    return calendar.explain_skipped(due, nominal)


def _runs(days: Iterable[tuple[date, Day]]) -> list[dict[str, str]]:
    """Neighbouring days with the same reason as one entry, in JSON's own types."""
    runs: list[tuple[date, date, Day]] = []
    for day, why in days:
        if runs and runs[-1][1] + ONE_DAY == day and runs[-1][2] == why:
            runs[-1] = (runs[-1][0], day, why)
        else:
            runs.append((day, day, why))
    return [
        {
            "from": a.isoformat(),
            "to": b.isoformat(),
            "code": why.code,
            "zh": why.zh,
            "en": why.en,
            "source": why.source,
        }
        for a, b, why in runs
    ]


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None

"""Which days are working days, and counting them. Pure: no row is read and no clock.

Monday to Friday, unless the State's yearly notice or the institution itself says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
LONGEST_REST = 366
"""Days without a working day after which a calendar is held to have none."""
FARTHEST = 10_000
"""The most working days that `shift` counts, about 40 years: a larger number is a mistake, not a deadline."""


class NoWorkingDay(Exception):
    """The calendar has no working day where one is looked for; the sentence names the day the search began."""


@dataclass(frozen=True, slots=True)
class Day:
    """Why a day is a working day or not, and whose word that is.

    `code` is "holiday", "make_up" (both by the State's notice), "local_holiday", "closure", "own_working_day" (all three
    by the institution) or "weekend"; `source` is the key of the edition or overlay that says so, empty for a weekend.
    """

    works: bool
    code: str
    zh: str
    en: str
    source: str = ""


WEEKEND = Day(False, "weekend", "周末", "weekend")


@dataclass(frozen=True, slots=True)
class Basis:
    """A publication that a calendar rests on: an edition of the State's calendar or an overlay of the institution."""

    key: str
    notice: str


class Calendar:
    """One institution's calendar as it stood at one stamp.

    `days` holds the days that differ from Monday to Friday; `years` the edition published for each year;
    `overlays` the institution's own publications, by key.
    """

    def __init__(
        self,
        days: Mapping[date, Day] | None = None,
        years: Mapping[int, Basis] | None = None,
        overlays: Mapping[str, Basis] | None = None,
    ) -> None:
        self._days = dict(days or {})
        self._years = dict(years or {})
        self._overlays = dict(overlays or {})

    def why(self, day: date) -> Day | None:
        """What is said about a day: a holiday, a make-up day, a weekend. None for an ordinary working day."""
        return self._days.get(day) or (WEEKEND if day.weekday() >= 5 else None)

    def is_working(self, day: date) -> bool:
        """True on a working day."""
        said = self._days.get(day)
        return said.works if said else day.weekday() < 5

    def is_provisional(self, day: date) -> bool:
        """True when no calendar of the day's year is published, so that the day is judged by Monday to Friday alone."""
        return day.year not in self._years

    def shift(self, day: date, n: int) -> date:
        """The `n`-th working day after `day`, or before it when `n` is negative; the start day is not counted (民法典 201).

        `shift(day, 0)` is `day` itself. Raises NoWorkingDay, and ValueError beyond FARTHEST.
        """
        if abs(n) > FARTHEST:
            raise ValueError(f"{n} working days are more than the {FARTHEST} that can be counted")
        step = ONE_DAY if n > 0 else -ONE_DAY
        for _ in range(abs(n)):
            day = self._next(day, step)
        return day

    def roll(self, day: date) -> date:
        """`day` if it is a working day, else the next one (民法典 203). Raises NoWorkingDay."""
        return day if self.is_working(day) else self._next(day, ONE_DAY)

    def roll_back(self, day: date) -> date:
        """`day` if it is a working day, else the last one before it. Raises NoWorkingDay."""
        return day if self.is_working(day) else self._next(day, -ONE_DAY)

    def count(self, a: date, b: date) -> int:
        """Working days after `a` up to and including `b`; when `b` is before `a`, minus those from `b` to before `a`.

        The inverse of `shift`: `count(a, shift(a, n)) == n`.
        """
        if b < a:
            return -sum(map(self.is_working, _days(b.toordinal(), a.toordinal())))
        return sum(map(self.is_working, days_after(a, b)))

    def explain_skipped(self, a: date, b: date) -> tuple[tuple[date, Day], ...]:
        """The days after `a` up to and including `b` that are not working days, each with the reason."""
        return tuple((day, why) for day in days_after(a, b) if (why := self.why(day)) and not why.works)

    def explain_added(self, a: date, b: date) -> tuple[tuple[date, Day], ...]:
        """The days after `a` up to and including `b` that are working days because somebody says so, such as make-up Saturdays."""
        return tuple((day, why) for day in days_after(a, b) if (why := self.why(day)) and why.works)

    def bases(self, first: date, last: date) -> tuple[Basis, ...]:
        """What the days from `first` to `last` rest on: the editions of their years, then overlays that speak about them."""
        editions = [self._years[y] for y in range(first.year, last.year + 1) if y in self._years]
        spoken = {why.source for day in days_between(first, last) if (why := self._days.get(day))}
        # A December day may rest on the notice of the year after.
        later = [b for y, b in sorted(self._years.items()) if y > last.year and b.key in spoken]
        return (*editions, *later, *(b for key, b in self._overlays.items() if key in spoken))

    def _next(self, day: date, step: timedelta) -> date:
        start = day
        try:
            for _ in range(LONGEST_REST):
                day += step
                if self.is_working(day):
                    return day
        except OverflowError:
            pass
        raise NoWorkingDay(
            f"no working day within {LONGEST_REST} days {'after' if step > timedelta(0) else 'before'} {start}"
        )


def _days(first: int, end: int) -> Iterator[date]:
    return map(date.fromordinal, range(first, end))


def days_after(a: date, b: date) -> Iterator[date]:
    """The days after `a` up to and including `b`."""
    return _days(a.toordinal() + 1, b.toordinal() + 1)


def days_between(first: date, last: date) -> Iterator[date]:
    """The days from `first` to `last`, both included."""
    return _days(first.toordinal(), last.toordinal() + 1)

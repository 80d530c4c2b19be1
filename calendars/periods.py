"""Periods of a year that reports are about: a year, a half, a quarter, a month. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

FORM = re.compile(r"(?P<year>[12]\d{3})(?:H(?P<half>[12])|Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?")
QUARTERS = ("第一季度", "第二季度", "第三季度", "第四季度")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class NotAPeriod(ValueError):
    """The text is no period; the sentence says what one looks like."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `begins` to `ends`, both included. `text` is `2026`, `2026H1`, `2026Q1` or `2026-01`."""

    text: str
    begins: date
    ends: date
    zh: str
    en: str

    def day_after(self, month: int, day: int) -> date:
        """Day `day` of the `month`-th month after the period; month 0 is its last one.

        A month that is too short gives its last day: day 31 always means the month's end.
        """
        first = _first_of(self.ends, month)
        last = _first_of(self.ends, month + 1) - timedelta(days=1)
        return min(first + timedelta(days=day - 1), last)


def _first_of(day: date, months_later: int) -> date:
    months = day.year * 12 + day.month - 1 + months_later
    return date(months // 12, months % 12 + 1, 1)


def parse(text: str) -> Period:
    """The period that `text` names. Raises NotAPeriod."""
    found = FORM.fullmatch(text)
    if found is None:
        raise NotAPeriod(f"{text!r} is not a period: write 2026, 2026H1, 2026Q1 or 2026-01")
    year, half, quarter, month = (
        int(part) if part else 0 for part in found.group("year", "half", "quarter", "month")
    )
    if half:
        first, last, zh, en = (
            6 * half - 5,
            6 * half,
            f"{year}年{'上' if half == 1 else '下'}半年",
            f"half {half} of {year}",
        )
    elif quarter:
        first, last, zh, en = (
            3 * quarter - 2,
            3 * quarter,
            f"{year}年{QUARTERS[quarter - 1]}",
            f"Q{quarter} {year}",
        )
    elif month:
        first, last, zh, en = month, month, f"{year}年{month}月", f"{MONTHS[month - 1]} {year}"
    else:
        first, last, zh, en = 1, 12, f"{year}年度", f"the year {year}"
    begins = date(year, first, 1)
    return Period(text, begins, _first_of(date(year, last, 1), 1) - timedelta(days=1), zh, en)

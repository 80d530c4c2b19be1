"""What the State and the institution publish about days, and the calendar that follows from it. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from calendars.working_days import Basis, Calendar, Day, days_between

HOLIDAY, MAKE_UP = "holiday", "make_up"
LOCAL_HOLIDAY, CLOSURE, OWN_WORKING_DAY, WITHDRAWN = (
    "local_holiday",
    "closure",
    "own_working_day",
    "withdrawn",
)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `begins` to `ends`, both included, with the name of what they are."""

    begins: date
    ends: date
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class StateYear:
    """The State's calendar of one year in one edition: 国务院办公厅关于…年部分节假日安排的通知.

    `year` is that of the notice's title: its days may lie in December of the year before. `number` counts the editions
    of that year, from 1; the highest is in force.
    """

    year: int
    number: int
    notice: str
    title_zh: str
    title_en: str
    issued_on: date
    off: tuple[Span, ...]
    work: tuple[Span, ...]

    @property
    def key(self) -> str:
        """Such as `cn-2026#1`."""
        return f"cn-{self.year}#{self.number}"

    def as_json(self) -> dict[str, Any]:
        """The edition in JSON's own types; `from_json` reads it back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=date.isoformat))
        return plain

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> StateYear:
        """The edition that `as_json` wrote."""

        def spans(rows: Iterable[Mapping[str, str]]) -> tuple[Span, ...]:
            return tuple(
                Span(date.fromisoformat(r["begins"]), date.fromisoformat(r["ends"]), r["zh"], r["en"])
                for r in rows
            )

        issued_on, off, work = (
            date.fromisoformat(content["issued_on"]),
            spans(content["off"]),
            spans(content["work"]),
        )
        return cls(**{**content, "issued_on": issued_on, "off": off, "work": work})

    @property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(
            json.dumps(self.as_json(), sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class OwnDays:
    """What an institution publishes about its own days: a local or ethnic holiday, a closure, an own working day.

    `kind` WITHDRAWN takes back what the institution said earlier: those days are again as the State has them.
    """

    key: str
    kind: str
    days: Span
    source: str


def calendar_from(years: Iterable[StateYear], own: Iterable[OwnDays] = ()) -> Calendar:
    """The calendar that these publications make.

    Of several editions of a year the highest number counts. A later year's notice prevails over an earlier one about
    the same December day. `own` comes in the order of publication; the last word about a day prevails, also over the State's.
    """
    in_force: dict[int, StateYear] = {}
    for year in sorted(years, key=lambda y: (y.year, y.number)):
        in_force[year.year] = year
    days: dict[date, Day] = {}
    for year in in_force.values():
        for spans, works, code in ((year.off, False, HOLIDAY), (year.work, True, MAKE_UP)):
            for span in spans:
                days |= dict.fromkeys(
                    days_between(span.begins, span.ends), Day(works, code, span.zh, span.en, year.key)
                )
    state, overlays = dict(days), {}
    for said in own:
        overlays[said.key] = Basis(said.key, said.source)
        day = Day(said.kind == OWN_WORKING_DAY, said.kind, said.days.zh, said.days.en, said.key)
        for each in days_between(said.days.begins, said.days.ends):
            if said.kind != WITHDRAWN:
                days[each] = day
            elif each in state:
                days[each] = state[each]
            else:
                days.pop(each, None)
    return Calendar(days, {y.year: Basis(y.key, y.notice) for y in in_force.values()}, overlays)

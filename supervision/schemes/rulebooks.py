"""RuleBook: how the engine reads a scheme's deadlines, ladders and numbers. No query once a process has read them.

Kept per process: the version a cycle is pinned to (it never changes), a version's rules (neither), and the book that joins
them with the calendar of one stamp. The names of the databases are part of every key, because tests have several.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from calendars import derivation
from calendars.derivation import Base, Derived, Rule
from calendars.queries import calendar_of
from calendars.working_days import Calendar
from supervision.schemes.ladders import StepRule, climb
from supervision.schemes.models import Cycle, SchemeVersion
from workflows.documents import model_of
from workflows.rulebook import Deadline, RuleMissing
from workflows.words import Text


class BaseMissing(RuleMissing):
    """The document does not carry what its rule starts from: a period, or a named date; the sentence names both."""


@dataclass(frozen=True)
class VersionRules:
    """What one scheme version says, ready for use.

    `name` is `slug@number`; `ladders` are by the rule that climbs them; `steps` are the names of their steps by key, which
    a notice of the code `ladder:<key>` is told in, `levels` how high they stand on the board (0: not escalated); `lamps` are name and meaning by "green", "yellow" and "red";
    `goal_fields` what the fields of work are called that goals must cover.
    """

    name: str
    deadlines: Mapping[str, Rule]
    ladders: Mapping[str, tuple[StepRule, ...]]
    numbers: Mapping[str, int]
    steps: Mapping[str, Text]
    levels: Mapping[str, int]
    lamps: Mapping[str, tuple[Text, Text]]
    goal_fields: Mapping[str, Text]

    @classmethod
    def of(cls, name: str, content: Mapping[str, Any]) -> VersionRules:
        """From a pack's content."""
        usual = time.fromisoformat(content["time_of_day"]["at"])
        levels = {key: row["level"] for key, row in content["steps"].items()}
        ladders = {
            key: tuple(_step(row, usual, levels) for row in rows) for key, rows in content["ladders"].items()
        }
        return cls(
            name,
            {key: _rule(key, row, name) for key, row in content["deadlines"].items()},
            {key: ladders[row["ladder"]] for key, row in content["deadlines"].items()},
            {key: row["value"] for key, row in content["numbers"].items()},
            {key: Text(row["zh"], row["en"]) for key, row in content["steps"].items()},
            levels,
            {key: (Text(**row["name"]), Text(**row["meaning"])) for key, row in content["lamps"].items()},
            {row["key"]: Text(row["zh"], row["en"]) for row in content.get("goal_fields", ())},
        )


def _rule(key: str, row: Mapping[str, Any], version: str) -> Rule:
    return Rule(
        key, row["base"], row["clause"]["zh"], row["clause"]["en"], row["source"], row["field"], row["count"],
        row["unit"], row["month"], row["day"], row["roll"], version,
    )  # fmt: skip


def _step(row: Mapping[str, Any], usual: time, levels: Mapping[str, int]) -> StepRule:
    at = time.fromisoformat(row["time"]) if row["time"] else usual
    return StepRule(
        row["key"],
        row["when"],
        row["days"],
        at,
        tuple(row["tells"]),
        row["lamp"],
        row["action"],
        row["urgent"],
        levels[row["key"]],
    )


@dataclass(frozen=True, eq=False)
class SchemeBook:
    """One version of a scheme with one calendar: a RuleBook. A process has one of each; what it derives is never changed."""

    rules: VersionRules
    calendar: Calendar
    tz: ZoneInfo

    @property
    def version(self) -> str:
        """`slug@number`."""
        return self.rules.name

    def derive(self, rule: str, document: Any, at: datetime) -> Deadline:
        """The deadline that `rule` gives this document when its clock starts at `at`.

        Raises RuleMissing when the scheme has no such rule, and BaseMissing when the document lacks what it starts from.
        """
        return self.deadline_from(rule, self._base(self._rule(rule), document, at))

    def deadline_from(self, rule: str, base: Base) -> Deadline:
        """The deadline that `rule` gives from a base: for proposals, before there is a document. Raises RuleMissing."""
        return _derived(self, rule, base)

    def due_on(self, rule: str, at: datetime) -> date:
        """The due date that a rule based on an event proposes at `at`, such as `order.due`. Raises RuleMissing."""
        return self.deadline_from(rule, Base.event(at, self.tz)).due_on

    def resume(
        self, deadline: Mapping[str, Any], document: Any, paused_at: datetime, resumed_at: datetime
    ) -> Deadline:
        """The stored derivation, moved by the time its clock stood still; its ladder begins anew at `resumed_at`."""
        days = paused_at.astimezone(self.tz).date(), resumed_at.astimezone(self.tz).date()
        return self._deadline(derivation.resume(deadline, *days, self.calendar, self.tz, at=resumed_at))

    def extend(
        self, deadline: Mapping[str, Any], due_on: date, *, at: datetime, by: str = "", reason: str = ""
    ) -> Deadline:
        """The stored derivation with an approved extension to a named date; its original date is kept.
        Raises ValueError when the date is no later."""
        return self._deadline(
            derivation.extend(deadline, due_on, self.calendar, self.tz, at=at, by=by, reason=reason)
        )

    def rederive(self, deadline: Mapping[str, Any], document: Any) -> Deadline:
        """The stored derivation again, under this book's calendar; a date that moves says what it was."""
        return self._deadline(derivation.rederive(deadline, self.calendar, self.tz))

    def number(self, key: str) -> int:
        """A number of the institution. Raises RuleMissing."""
        if key not in self.rules.numbers:
            raise RuleMissing(f"scheme {self.version} has no number {key!r}")
        return self.rules.numbers[key]

    def _rule(self, key: str) -> Rule:
        if key not in self.rules.deadlines:
            raise RuleMissing(f"scheme {self.version} has no deadline rule {key!r}")
        return self.rules.deadlines[key]

    def _base(self, rule: Rule, document: Any, at: datetime) -> Base:
        if rule.base == derivation.EVENT:
            return Base.event(at, self.tz)
        if rule.base == derivation.PERIOD_END:
            if not (period := getattr(document, "period", "")):
                raise BaseMissing(
                    f"rule {rule.key} of {self.version} starts from a period, and {document} has none"
                )
            return Base.period_end(period, at)
        named = getattr(document, rule.field, None)
        if isinstance(named, datetime):
            named = named.astimezone(self.tz).date()
        if not isinstance(named, date):
            raise BaseMissing(
                f"rule {rule.key} of {self.version} starts from {rule.field}, and {document} names none"
            )
        return Base.named(rule.field, named, at)

    def _deadline(self, derived: Derived) -> Deadline:
        key = derived.derivation["rule"]
        ladder = self.rules.ladders.get(key, ())
        return Deadline(
            key, derived.due_on, derived.due_at, derived.derivation,
            climb(ladder, derived.due_on, derived.due_at, _started(derived.derivation), self.calendar, self.tz),
            derived.provisional,
        )  # fmt: skip


@lru_cache(maxsize=512)
def _derived(book: SchemeBook, rule: str, base: Base) -> Deadline:
    """Documents that move together begin the same clocks."""
    return book._deadline(derivation.derive(book._rule(rule), base, book.calendar, book.tz))


def _started(stored: Mapping[str, Any]) -> datetime | None:
    """When the clock last began to run: after its last pause, or at its base."""
    resumed = [
        change["at"] for change in stored["changes"] if change["code"] == derivation.PAUSE and change["at"]
    ]
    text = resumed[-1] if resumed else stored["base"]["at"]
    return datetime.fromisoformat(text) if text else None


def book_for(document: Any, calendar_stamp: int) -> SchemeBook:
    """The book of a document's cycle. Raises RuleMissing for a document without one."""
    if getattr(document, "cycle_id", None) is None:
        raise RuleMissing(f"{document} belongs to no appraisal year, hence to no scheme")
    return book_of_cycle(document.cycle_id, calendar_stamp)


def book_of_cycle(cycle_id: int, calendar_stamp: int) -> SchemeBook:
    """The book of an appraisal year with the calendar of a stamp. Raises Cycle.DoesNotExist."""
    database = connection.settings_dict["NAME"]
    return _book(database, *_pinned(database, cycle_id), calendar_stamp)


def rules_of_cycle(cycle_id: int) -> VersionRules:
    """What an appraisal year's scheme says, whatever the calendar: for its words. Raises Cycle.DoesNotExist."""
    database = connection.settings_dict["NAME"]
    return _rules(database, _pinned(database, cycle_id)[0])


def fields_of_cycle(cycle_id: int) -> Mapping[str, Text]:
    """The fields of work that goals of an appraisal year must cover (R14), with their names."""
    return rules_of_cycle(cycle_id).goal_fields


def names_of_ladder_steps(kind: str, ids: Collection[int]) -> dict[int, Mapping[str, Text]]:
    """What the steps of these documents' ladders are called, for the notices that speak of them: one statement."""
    every: Any = model_of(kind)._base_manager
    rows = every.filter(pk__in=ids).values_list("pk", "cycle_id")
    return {pk: rules_of_cycle(cycle_id).steps for pk, cycle_id in rows if cycle_id is not None}


def rules_named(institution_id: int, version: str) -> VersionRules | None:
    """What an institution's scheme version `slug@number` says, as ledger entries and derivations name it; None for a
    name that it has not."""
    return _rules_named(connection.settings_dict["NAME"], institution_id, version)


def rules_in_force(institution_id: int) -> VersionRules | None:
    """What the newest appraisal year's scheme says; None before the first year is opened. One statement."""
    newest = Cycle.objects.filter(institution_id=institution_id).order_by("-year", "-pk")
    cycle_id = newest.values_list("pk", flat=True).first()
    return rules_of_cycle(cycle_id) if cycle_id else None


@lru_cache(maxsize=4096)
def _pinned(database: str, cycle_id: int) -> tuple[int, int, str]:
    """Version, institution and its time zone: the database lets none of them change."""
    row = Cycle.objects.values_list("scheme_version_id", "institution_id", "institution__time_zone").get(
        pk=cycle_id
    )
    return row[0], row[1], row[2]


@lru_cache(maxsize=256)
def _rules(database: str, version_id: int) -> VersionRules:
    version = SchemeVersion.objects.select_related("scheme").get(pk=version_id)
    return VersionRules.of(str(version), version.content)


@lru_cache(maxsize=256)
def _rules_named(database: str, institution_id: int, name: str) -> VersionRules | None:
    slug, _, number = name.rpartition("@")
    if not number.isdigit():
        return None
    versions = SchemeVersion.objects.filter(
        scheme__institution_id=institution_id, scheme__slug=slug, number=int(number)
    )
    pk = versions.values_list("pk", flat=True).first()
    return _rules(database, pk) if pk else None


@lru_cache(maxsize=1024)
def _book(database: str, version_id: int, institution_id: int, zone: str, stamp: int) -> SchemeBook:
    return SchemeBook(_rules(database, version_id), calendar_of(institution_id, stamp), ZoneInfo(zone))

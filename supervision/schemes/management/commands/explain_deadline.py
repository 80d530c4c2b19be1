"""Say when something is due under a scheme, and why."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from calendars import derivation
from calendars.derivation import Base, Rule
from calendars.edition_files import shipped_editions
from calendars.explanation import explain
from calendars.management.commands.working_days import NO_DATABASE, parse_day
from calendars.periods import NotAPeriod
from calendars.queries import calendar_of, current_stamp
from calendars.state_years import calendar_from
from calendars.working_days import Calendar, NoWorkingDay
from supervision.schemes.models import SchemeVersion
from supervision.schemes.pack import read_pack, shipped_pack
from supervision.schemes.rulebooks import SchemeBook, VersionRules
from workflows.rulebook import Deadline, RuleMissing


class Command(BaseCommand):
    """`explain_deadline --scheme hoboksar-county --rule quarterly_report --period 2025Q4`."""

    help = (
        "Prints the due date that a rule of a scheme gives, and how it comes about, in Chinese and in English. "
        "The scheme's latest version counts; one that nobody has loaded is read from the pack shipped under its name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--scheme", required=True, help="short name of the scheme, such as hoboksar-county"
        )
        parser.add_argument(
            "--institution", help="short name of the institution, when several have this scheme"
        )
        parser.add_argument("--rule", required=True, help="the rule's key, such as quarterly_report")
        start = parser.add_mutually_exclusive_group(required=True)
        start.add_argument("--period", help="for rules that start from a period: 2025Q4, 2026H1, 2026-01")
        start.add_argument(
            "--from", dest="start", help="for all other rules: the day of the event, or the named date"
        )
        parser.add_argument("--json", action="store_true", help="print the stored form instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        book = self.book(options["scheme"], options["institution"])
        rule = book.rules.deadlines.get(options["rule"])
        if rule is None:
            raise refusal(
                f"{book.version} has no rule {options['rule']!r}; it has {', '.join(sorted(book.rules.deadlines))}."
            )
        try:
            deadline = book.deadline_from(
                rule.key, base_of(rule, options["period"], options["start"], book.tz)
            )
        except (NotAPeriod, NoWorkingDay, RuleMissing) as error:
            raise refusal(f"{error}.") from None
        if options["json"]:
            self.stdout.write(json.dumps(stored(deadline), ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(lines(deadline)))

    def book(self, slug: str, institution: str | None) -> SchemeBook:
        """The scheme and the calendar as they are now; without a database as they are shipped, which is said."""
        try:
            return book_of(slug, institution)
        except OperationalError:
            if institution or not (path := shipped_pack(slug)):
                raise refusal("The database cannot be reached.") from None
            self.stderr.write(NO_DATABASE)
            return shipped_book(path, calendar_from(shipped_editions()))


def refusal(sentence: str) -> CommandError:
    """One clear sentence, and exit code 2."""
    return CommandError(sentence, returncode=2)


def book_of(slug: str, institution: str | None) -> SchemeBook:
    """The latest version of the scheme with the calendar as it is now. Raises CommandError."""
    versions = SchemeVersion.objects.filter(scheme__slug=slug).select_related("scheme__institution")
    if institution:
        versions = versions.filter(scheme__institution__slug=institution)
    latest = {version.scheme_id: version for version in versions.order_by("number")}
    if len(latest) > 1:
        names = ", ".join(sorted(version.scheme.institution.slug for version in latest.values()))
        raise refusal(f"Several institutions have a scheme {slug!r}: name one of {names} with --institution.")
    if latest:
        version = next(iter(latest.values()))
        owner = version.scheme.institution
        rules, tz, owner_id = VersionRules.of(str(version), version.content), owner.zone, owner.pk
        return SchemeBook(rules, calendar_of(owner_id, current_stamp()), tz)
    if institution or not (path := shipped_pack(slug)):
        owner_of = f" of {institution}" if institution else ""
        raise refusal(f"There is no scheme {slug!r}{owner_of}: load its pack with load_pack.")
    return shipped_book(path, calendar_of(None, current_stamp()))


def shipped_book(path: Path, calendar: Calendar) -> SchemeBook:
    """The scheme as a shipped pack states it, in the zone of the State's calendar."""
    return SchemeBook(
        VersionRules.of(f"{path.stem} (as shipped)", read_pack(path)), calendar, ZoneInfo("Asia/Shanghai")
    )


def base_of(rule: Rule, period: str | None, start: str | None, tz: ZoneInfo) -> Base:
    """What the rule starts from, as the command line gives it. Raises CommandError for the wrong kind, and NotAPeriod."""
    if rule.base == derivation.PERIOD_END:
        if period is None:
            raise refusal(f"{rule.key} starts from a period: give --period, such as 2025Q4.")
        return Base.period_end(period)
    if start is None:
        what = f"the date {rule.field} of a document" if rule.field else "an event"
        raise refusal(f"{rule.key} starts from {what}: give --from, such as 2026-09-30.")
    day = parse_day(start)
    if rule.base == derivation.FIELD:
        return Base.named(rule.field, day)
    return Base.event(datetime.combine(day, time(), tz), tz)


def stored(deadline: Deadline) -> dict[str, Any]:
    """The deadline in JSON's own types."""
    return {
        "rule": deadline.rule,
        "due_on": deadline.due_on.isoformat(),
        "due_at": deadline.due_at.isoformat(),
        "provisional": deadline.provisional,
        "derivation": deadline.derivation,
        "ladder": [{**asdict(step), "at": step.at.isoformat()} for step in deadline.ladder],
    }


def lines(deadline: Deadline) -> list[str]:
    """The explanation in words, Chinese first, after a line with the date alone."""
    said = [deadline.due_on.isoformat()]
    for language in ("zh-hans", "en"):
        colon = "：" if language == "zh-hans" else ": "
        said += ["", *(f"{label}{colon}{text}" for label, text in explain(deadline.derivation, language))]
    return said

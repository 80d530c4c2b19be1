"""Count working days on the command line."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from datetime import date

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from calendars.edition_files import shipped_editions
from calendars.queries import calendar_of, current_stamp
from calendars.state_years import calendar_from
from calendars.working_days import FARTHEST, ONE_DAY, Calendar, NoWorkingDay, days_after, days_between

NO_DATABASE = "The database cannot be reached: counted by the editions that come with the product."


class Command(BaseCommand):
    """`working_days 2026-09-30 +5` prints the fifth working day after the date, in the State's calendar."""

    help = "Prints the day that lies N working days after (or, negative, before) a date; the date itself is not counted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("date", help="the day to count from, such as 2026-09-30")
        parser.add_argument("days", help="how many working days, such as +5 or -3")
        parser.add_argument(
            "--institution", help="short name of an institution, for its own holidays and closures"
        )

    def handle(self, *args: object, **options: object) -> None:
        start = parse_day(str(options["date"]))
        if not re.fullmatch(r"[+-]?\d{1,6}", str(options["days"]), re.ASCII):
            raise CommandError(
                f"{options['days']!r} is not a number of working days: write it as +5 or -3.", returncode=2
            )
        days = int(str(options["days"]))
        if abs(days) > FARTHEST:
            raise CommandError(
                f"{days} working days are too many: at most {FARTHEST} can be counted.", returncode=2
            )
        calendar = self.calendar(options["institution"])
        try:
            found = calendar.shift(start, days)
        except NoWorkingDay as error:
            raise CommandError(f"{error}.", returncode=2) from None
        self.stdout.write(found.isoformat())
        if years := unpublished_years(calendar, start, found):
            span = str(years[0]) if len(years) == 1 else f"{years[0]} to {years[-1]}"
            self.stderr.write(
                f"Provisional: no calendar is published for {span}; Monday to Friday were taken as working days."
            )

    def calendar(self, institution: object) -> Calendar:
        """The calendar as it is now; without a database the shipped editions, which is said."""
        try:
            return calendar_of(institution_of(institution), current_stamp())
        except OperationalError:
            if institution is not None:
                raise CommandError("The database cannot be reached.", returncode=2) from None
            self.stderr.write(NO_DATABASE)
            return calendar_from(shipped_editions())


def unpublished_years(calendar: Calendar, start: date, found: date) -> list[int]:
    """The years without an edition that were gone through, `start` itself not being counted."""
    years = {
        day.year
        for day in (days_after(start, found) if start < found else days_between(found, start - ONE_DAY))
    }
    return sorted(year for year in years if calendar.is_provisional(date(year, 1, 1)))


def parse_day(text: str) -> date:
    """The day that `text` names as YYYY-MM-DD. Raises CommandError with exit code 2."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise CommandError(f"{text!r} is not a date: write it as 2026-09-30.", returncode=2)


def institution_of(slug: object) -> int | None:
    """The id of the institution with this short name; None for no name. Raises CommandError with exit code 2."""
    if slug is None:
        return None
    institutions = apps.get_model("organisation", "Institution")._default_manager
    found: int | None = institutions.filter(slug=slug).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no institution {slug!r}.", returncode=2)
    return found

"""Publish an edition of the State's calendar from a file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from calendars.edition_files import EditionFault, read_edition
from calendars.publishing import CannotPublish, publish_edition


class Command(BaseCommand):
    """`publish_edition cn-2027.yaml`: the dates of open items follow from it at once."""

    help = "Publishes an edition of the State's calendar, laid out as calendars/editions/cn-2026.yaml."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: object, **options: object) -> None:
        try:
            edition = read_edition(Path(str(options["file"])))
            row, new = publish_edition(edition, None, timezone.now())
        except (EditionFault, CannotPublish) as error:
            raise CommandError(str(error), returncode=2) from None
        if new:
            self.stdout.write(
                f"Published {edition.key} ({edition.notice}); the calendar is at stamp {row.stamp}."
            )
        else:
            self.stdout.write(f"{edition.key} is published already, with the same content; nothing to do.")

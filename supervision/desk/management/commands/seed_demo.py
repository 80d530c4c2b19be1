"""`python manage.py seed_demo [--until INSTANT] [--quarters N]`: fill an empty database with the demonstration, all of it or nothing."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from organisation.models import Institution
from supervision.desk.demonstration.story import QUARTERS, live
from workflows.models import Entry


class Command(BaseCommand):
    help = "Let the demonstration's county live up to now. Only under DUBAN_DEMO=1, and only in an empty database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--until", metavar="INSTANT", help="such as 2026-11-24T15:00+08:00; otherwise now"
        )
        parser.add_argument(
            "--quarters", type=int, choices=(2, 3), default=QUARTERS, help="how many closed quarters it tells"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DUBAN_DEMO:
            raise CommandError(_("Demonstration data belongs only where DUBAN_DEMO=1 is set."), returncode=2)
        if Institution.objects.exists():
            raise CommandError(_("There is an institution already: nothing was filled in."), returncode=1)
        until, begun = self._until(options["until"]), time.monotonic()
        # One transaction: killed half way, it leaves nothing.
        with transaction.atomic():
            live(until, quarters=options["quarters"])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        self.stdout.write(
            _("The demonstration is in place: %(entries)d entries in the ledger, %(seconds).0f seconds.")
            % {"entries": Entry.objects.count(), "seconds": time.monotonic() - begun}
        )

    def _until(self, text: str | None) -> datetime:
        if text is None:
            return timezone.now()
        try:
            until = datetime.fromisoformat(text)
        except ValueError:
            raise self._no_instant(text) from None
        if until.tzinfo is None:
            raise self._no_instant(text)
        return until

    def _no_instant(self, text: str) -> CommandError:
        said = _("%(at)s is not an instant with its time zone; write it as 2026-11-24T15:00+08:00.")
        return CommandError(said % {"at": text}, returncode=2)

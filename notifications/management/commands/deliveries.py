"""`python manage.py deliveries [--dead]`: what stands where, and what could not be sent. Exit 1 when anything is dead."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.deliveries import channels, page_of_deliveries
from notifications.models import Status
from organisation.models import Institution
from workflows.clockwork import database_clock


class Command(BaseCommand):
    help = "How many deliveries of each institution stand where; with --dead each that could not be sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dead", action="store_true", help="list what could not be sent")

    def handle(self, *args: Any, **options: Any) -> None:
        at, dead = database_clock(), 0
        for institution in Institution.objects.order_by("pk"):
            for state in channels(institution.pk, at):
                dead += state.dead
                counts = ", ".join(f"{Status(key).label}: {n}" for key, n in sorted(state.counts.items()))
                self.stdout.write(f"{institution.slug} {state.key}: {counts or _('nothing yet')}")
                if state.resting_until:
                    self.stdout.write(f"  {state.error}")
            if options["dead"]:
                self._list(institution.pk)
        if dead:
            raise CommandError(
                ngettext("%(n)d delivery could not be sent.", "%(n)d deliveries could not be sent.", dead)
                % {"n": dead},
                returncode=1,
            )

    def _list(self, institution_id: int) -> None:
        after: int | None = None
        while True:
            page = page_of_deliveries(institution_id, status=Status.DEAD, after=after)
            for row in page.rows:
                self.stdout.write(f"  {row.id} {row.address} {row.subject}: {row.error}")
            if (after := page.after) is None:
                return

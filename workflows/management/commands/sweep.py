"""`python manage.py sweep [--at INSTANT] [--institution SLUG] [--accept-clock] [--json]`: one tick of the clock."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from organisation.models import Institution
from workflows import clockwork
from workflows.clockwork import Ticked


class Command(BaseCommand):
    help = (
        "Take whatever is due now; with --at (demonstration data only), as if the clock showed that instant."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--at", metavar="INSTANT", help="such as 2026-01-13T00:00+08:00")
        parser.add_argument("--institution", metavar="SLUG", help="only this institution; with --at")
        parser.add_argument(
            "--accept-clock", action="store_true", help="the clock is right, although it leapt or went back"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clockwork.database_clock()
        if options["accept_clock"]:
            clockwork.accept_clock(now)
        if options["institution"] and not options["at"]:
            raise CommandError(_("--institution is for a simulation: give --at too."), returncode=2)
        done = self._simulated(options) if options["at"] else clockwork.tick(now)
        if options["json"]:
            rerouted = vars(done.rerouted) if done.rerouted else None
            self.stdout.write(
                json.dumps({
                    "halted": done.halted, "opened": done.opened, "rerouted": rerouted, "moved": done.moved, **done.swept.figures(),
                })
            )  # fmt: skip
        elif not done.halted:
            self._tell(done)
        if done.halted:
            raise CommandError(
                _(
                    "Nothing was taken: the clock cannot be right (%(code)s). Look, then run sweep --accept-clock."
                )
                % {"code": done.halted},
                returncode=1,
            )

    def _simulated(self, options: dict[str, Any]) -> Ticked:
        if not settings.DUBAN_DEMO:
            raise CommandError(
                _("--at would write a ledger that is not true: only demonstration data may be simulated."),
                returncode=2,
            )
        try:
            at = datetime.fromisoformat(options["at"])
        except ValueError:
            raise CommandError(
                _("%(at)s is not an instant; write it as 2026-01-13T00:00+08:00.") % options, returncode=2
            ) from None
        if at.tzinfo is None:
            raise CommandError(
                _("%(at)s names no time zone; write it as 2026-01-13T00:00+08:00.") % options, returncode=2
            )
        chosen = self._institution(options["institution"])
        if chosen and chosen.frozen_at and chosen.frozen_at != at:
            raise CommandError(
                _("The clock of %(institution)s stands at %(frozen)s; move it there first.")
                % {"institution": chosen.slug, "frozen": chosen.frozen_at.isoformat()},
                returncode=2,
            )
        return clockwork.pass_time(at, institution_id=chosen.pk if chosen else None)

    def _institution(self, slug: str | None) -> Institution | None:
        if slug is None:
            return None
        found = Institution.objects.filter(slug=slug).first()
        if found is None:
            known = ", ".join(Institution.objects.values_list("slug", flat=True)) or "—"
            raise CommandError(
                _("There is no institution %(slug)s. Known: %(known)s.") % {"slug": slug, "known": known},
                returncode=2,
            )
        return found

    def _tell(self, done: Ticked) -> None:
        swept = done.swept
        self.stdout.write(
            ngettext(
                "%(n)d step of %(documents)d documents.",
                "%(n)d steps of %(documents)d documents.",
                swept.steps,
            )
            % {"n": swept.steps, "documents": swept.documents}
        )
        for count, text in (
            (swept.actions, _("Caused elsewhere: %(n)d.")), (done.opened, _("Opened: %(n)d.")),
            (swept.set_aside, _("Set aside because they raised: %(n)d.")), (swept.held, _("Left because somebody holds them: %(n)d.")),
            (done.rerouted.up if done.rerouted else 0, _("Sent to the next office up: %(n)d.")),
            (done.rerouted.back if done.rerouted else 0, _("Came back: %(n)d.")),
        ):  # fmt: skip
            if count:
                self.stdout.write(text % {"n": count})

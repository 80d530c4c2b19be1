"""`python manage.py verify_ledger [--institution SLUG] [--json]`: exit 0 when every chain and seal holds, 1 when not."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from organisation.models import Institution
from workflows.verification import verify


class Command(BaseCommand):
    help = "Verify every chain of the ledger, its payloads and its daily seals."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--institution", metavar="SLUG", help="only this institution")
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = verify(self._institution(options["institution"]))
        if options["json"]:
            figures = {
                "entries": verdict.entries,
                "chains": verdict.chains,
                "erased": verdict.erased,
                "seals": verdict.seals,
            }
            faults = [
                {"kind": f.kind, "id": f.document_id, "sequence": f.sequence, "fault": f.code}
                for f in verdict.faults
            ]
            self.stdout.write(
                json.dumps({"clean": verdict.clean, **figures, "faults": faults}, ensure_ascii=False)
            )
        else:
            self.stdout.write(
                _("%(entries)d entries in %(chains)d chains, %(seals)d seals, %(erased)d payloads erased.")
                % {
                    "entries": verdict.entries,
                    "chains": verdict.chains,
                    "seals": verdict.seals,
                    "erased": verdict.erased,
                }
            )
            for fault in verdict.faults:
                self.stdout.write(str(fault))
        if not verdict.clean:
            raise CommandError(
                _("The ledger does not verify: %(n)d faults.") % {"n": len(verdict.faults)}, returncode=1
            )

    def _institution(self, slug: str | None) -> int | None:
        if slug is None:
            return None
        found = Institution.objects.filter(slug=slug).values_list("pk", flat=True).first()
        if found is None:
            known = ", ".join(Institution.objects.values_list("slug", flat=True)) or "—"
            raise CommandError(
                _("There is no institution %(slug)s. Known: %(known)s.") % {"slug": slug, "known": known},
                returncode=2,
            )
        return found

"""`python manage.py audit [--recount] [--json]`: exit 0 when nothing is wrong with any open document, 1 when something is."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows import auditor, census, clockwork


class Command(BaseCommand):
    help = "Look at every open document for what should not be, and write it down for the operator's page."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--recount", action="store_true", help="first count anew for the boards what the items say"
        )
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["recount"]:
            census.recount()
        faults = auditor.audit(clockwork.database_clock())
        if options["json"]:
            rows = [{"kind": f.kind, "id": f.document_id, "code": f.code, **f.params} for f in faults]
            self.stdout.write(json.dumps(rows, ensure_ascii=False, default=str))
        else:
            for fault in faults:
                self.stdout.write(
                    f"{fault.kind} {fault.document_id}: {auditor.FAULT_WORDS[fault.code]} {dict(fault.params)}"
                )
        if faults:
            raise CommandError(
                ngettext("%(n)d fault found.", "%(n)d faults found.", len(faults)) % {"n": len(faults)},
                returncode=1,
            )
        if not options["json"]:
            self.stdout.write(_("Nothing is wrong."))

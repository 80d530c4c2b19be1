"""`python manage.py check_lifecycles [--live] [--json]`: exit 0 when no document can get stuck, 1 with each reason."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from organisation.models import Institution
from organisation.queries import now_of
from workflows.documents import document_kinds
from workflows.effects import registered_effects
from workflows.round_policies import faults_of_rounds
from workflows.soundness import faults, model_faults
from workflows.staffing import gaps


class Command(BaseCommand):
    help = "Prove that every lifecycle can be carried to its end; --live: by today's staff."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--live", action="store_true", help="with today's posts, absences and the refusal of own work"
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        kinds = document_kinds()
        found = [
            f"{kind.kind()}: {fault}"
            for kind in kinds
            for fault in (*faults(kind.lifecycle), *model_faults(kind), *faults_of_rounds(kind))
        ]
        found += [
            f"{kind.kind()}: {step.name} causes {effect.key}, which no room has registered"
            for kind in kinds for step in kind.lifecycle.steps.values() for effect in step.causes
            if effect.key not in registered_effects()
        ]  # fmt: skip
        if options["live"]:
            for institution in Institution.objects.order_by("pk"):
                found += [str(gap) for gap in gaps(institution, at=now_of(institution, timezone.now()))]
        if options["json"]:
            self.stdout.write(
                json.dumps({"kinds": [k.kind() for k in kinds], "faults": found}, ensure_ascii=False)
            )
        else:
            for kind in kinds:
                states, steps = len(kind.lifecycle.states), len(kind.lifecycle.steps)
                self.stdout.write(
                    _("%(kind)s: %(states)d states, %(steps)d steps")
                    % {"kind": kind.kind(), "states": states, "steps": steps}
                )
            for line in found:
                self.stdout.write(line)
        if found:
            raise CommandError(
                _("%(n)d reasons why a document could get stuck.") % {"n": len(found)}, returncode=1
            )

"""`python manage.py deliver_notices`: one pass of planning and sending, as the worker does every few seconds."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from notifications.watch import deliver_in_turn
from workflows.clockwork import database_clock


class Command(BaseCommand):
    help = "Plan what is new and send what is due, once."

    def handle(self, *args: Any, **options: Any) -> None:
        done = deliver_in_turn(database_clock())
        self.stdout.write(json.dumps(done.figures()) if done else _("Another pass is at work."))

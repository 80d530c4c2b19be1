"""Duban itself in a client process: its own settings on the database of BENCHMARK_URL. Importing it sets Django up."""

from __future__ import annotations

import os
from collections import deque
from typing import Any

from benchmarks.ground import FOLDER

os.environ.update(
    DUBAN_DEMO="1",
    DUBAN_HOME=str(FOLDER / "home"),
    DATABASE_URL=os.environ["BENCHMARK_URL"],
    REDIS_URL="unix:///nowhere",  # no step speaks to the broker
    DJANGO_SETTINGS_MODULE="config.settings",
    LOG_LEVEL="WARNING",
)

import django

django.setup()

from django.core.management import call_command
from django.db import connection

from benchmarks import county


class DubanSystem:
    """What is the same in all cells on Duban's tables; `documents` and `steps` are each one's own."""

    documents: deque[Any]

    def __init__(self, url: str) -> None:
        self.documents = deque()

    def lay(self) -> None:
        """Migrate and make the county; done once, other databases are copies."""
        call_command("migrate", verbosity=0)
        county.lay()

    def open(self, number: int) -> None:
        self.county = county.County(number)

    def report(self) -> None:
        """Have the server count by now what this session did."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")

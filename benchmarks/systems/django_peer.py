"""What the peers that run on Django have in common: settings, tables, and the people who may do a step.

Importing it sets Django up, because models can be declared only afterwards. The peer's applications stand in `APPS`
of its module's environment variable BENCHMARK_APPS; this package is the application of the peer's own models.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

STEPS = ("submit", "review", "approve")
"""The three steps; each has a person and a permission of its own."""


def set_up(*apps: str, **more: Any) -> None:
    """Django on the database of BENCHMARK_URL with these applications."""
    address = urlsplit(os.environ["BENCHMARK_URL"])
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql", "NAME": address.path.lstrip("/"), "USER": address.username,
                "HOST": parse_qs(address.query)["host"][0],
            }
        },
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", *apps, "benchmarks.systems"],
        MIGRATION_MODULES={"systems": "benchmarks.systems.migrations"}, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True, SECRET_KEY="benchmark", ROOT_URLCONF=__name__, **more,
    )  # fmt: skip
    django.setup()


urlpatterns: list[Any] = []


def lay(*models: Any) -> None:
    """The tables of all applications and of these models, and a person with a permission for every step."""
    from django.contrib.auth.models import Permission, User
    from django.contrib.contenttypes.models import ContentType
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    kind = ContentType.objects.get_for_model(User)
    for step in STEPS:
        permission = Permission.objects.create(codename=f"do_{step}", name=step, content_type=kind)
        User.objects.create_user(step).user_permissions.add(permission)


def permission_of(step: str) -> str:
    return f"auth.do_{step}"


class People:
    """The person of each step, loaded once; each time as a new object, because a request has an empty permission cache."""

    def __init__(self) -> None:
        from django.contrib.auth.models import User

        self.kind = User
        self.names = [field.attname for field in User._meta.concrete_fields]
        self.rows = {user.username: user for user in User.objects.all()}

    def of(self, step: str) -> Any:
        """Who does this step, as fresh as if just read; no query."""
        row = self.rows[step]
        return self.kind.from_db("default", self.names, [getattr(row, name) for name in self.names])


class DjangoSystem:
    """What is the same in every one of them; `documents` and `steps` are each one's own."""

    def __init__(self, url: str) -> None:
        self.documents: deque[Any] = deque()

    def open(self, number: int) -> None:
        self.people = People()

    def report(self) -> None:
        """Have the server know by now what this session did."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")


class Request:
    """As much of a request as the peers' own views look at."""

    method = "POST"

    def __init__(self, user: Any) -> None:
        self.user = user

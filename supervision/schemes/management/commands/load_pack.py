"""Load a pack as the next version of its scheme."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from organisation.actors import Actor
from organisation.models import Institution
from supervision.schemes.pack import read_pack
from supervision.schemes.pack_reading import PackError
from supervision.schemes.publishing import CannotPublish, publish_version


class Command(BaseCommand):
    """`load_pack supervision/schemes/packs/hoboksar-county.yaml --institution hoboksar`."""

    help = "Loads a pack as the next version of its scheme; a pack that says the same as the latest version changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)
        parser.add_argument(
            "--institution", required=True, help="short name of the institution whose rules these are"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        institution = Institution.objects.filter(slug=options["institution"]).first()
        if institution is None:
            raise CommandError(f"There is no institution {options['institution']!r}.", returncode=2)
        operator = Actor(None, institution.pk, "load_pack")
        try:
            version, new = publish_version(read_pack(options["path"]), by=operator, at=timezone.now())
        except PackError as error:
            raise CommandError(f"The pack cannot be loaded:\n{error}", returncode=2) from None
        except CannotPublish as error:
            raise CommandError(f"The pack cannot be loaded: {error}.", returncode=2) from None
        if new:
            self.stdout.write(f"Loaded {version} for {institution.slug}.")
        else:
            self.stdout.write(f"{version} says the same already; nothing to do.")

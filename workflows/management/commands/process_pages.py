"""`python manage.py process_pages [--check]`: write `docs/processes/`, or say which page is stale (exit 1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from workflows.diagrams import file_name, page
from workflows.documents import document_kinds


class Command(BaseCommand):
    help = "Write one page per lifecycle, and one drawing per round, under docs/processes/."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only compare what is there")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "docs" / "processes"
        wanted = {folder / file_name(kind): page(kind) for kind in document_kinds()}
        wanted |= {folder / "rounds" / f"{name}.svg": svg for name, svg in _round_drawings()}
        stale = [
            path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text
        ]
        extra = [path for path in folder.rglob("*.*") if path not in wanted]
        if options["check"]:
            if stale or extra:
                names = ", ".join(str(path.relative_to(folder)) for path in (*stale, *extra))
                raise CommandError(
                    _("Stale: %(names)s. Run `python manage.py process_pages`.") % {"names": names},
                    returncode=1,
                )
            return
        for path, text in wanted.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        for path in extra:
            path.unlink()
        self.stdout.write(_("%(n)d pages in %(folder)s.") % {"n": len(wanted), "folder": "docs/processes"})


def _round_drawings() -> list[tuple[str, str]]:
    from workflows.rounds import policy_drawings

    return policy_drawings()

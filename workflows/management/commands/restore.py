"""`python manage.py restore ARCHIVE [--check]`: exit 0 when all is back and verifies, 1 when it does not verify, 2 when
nothing was restored."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.backup import CannotRestore, check, restore
from workflows.words import Text

WHOLE = Text(
    "备份文件完好：制作时间 {made_at}，文件 {members} 个。",
    "The archive is whole: made at {made_at}, {members} members.",
)
DONE = Text(
    "已恢复 {made_at} 的备份：台账条目 {entries}，链 {chains}，日封 {seals}，附件 {files}。台账核验无误。",
    "Restored the archive of {made_at}: {entries} entries in {chains} chains, {seals} seals, {files} files. The ledger verifies.",
)
LACKING = Text(
    "备份时已缺失或损坏的附件文件：{names}",
    "Files that were missing or altered when the archive was made: {names}",
)
UNVERIFIED = Text(
    "数据已恢复，但台账核验不通过：{what}", "The data are restored, but the ledger does not verify: {what}"
)


class Command(BaseCommand):
    help = (
        "Restore an archive into the empty database and folder that the settings name, and verify its ledger."
    )
    requires_system_checks = []  # the database is empty

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("archive", type=Path)
        parser.add_argument(
            "--check", action="store_true", help="only read the archive and compare its digests"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["archive"].absolute()
        try:
            if options["check"]:
                manifest = check(path)
                told = {"made_at": manifest["made_at"], "members": len(manifest["members"])}
                self.stdout.write(WHOLE.format(**told))
                return
            done = restore(path)
        except (CannotRestore, OSError) as reason:
            raise CommandError(str(reason), returncode=2) from None
        if lacking := (*done.missing, *done.damaged):
            self.stdout.write(LACKING.format(names=", ".join(lacking)))
        if not done.clean:
            what = "; ".join([*map(str, done.verdict.faults[:10]), *done.differs])
            raise CommandError(UNVERIFIED.format(what=what), returncode=1)
        figures = {
            "entries": done.verdict.entries,
            "chains": done.verdict.chains,
            "seals": done.verdict.seals,
        }
        self.stdout.write(DONE.format(made_at=done.made_at.isoformat(), files=done.files, **figures))

"""`python manage.py backup FOLDER [--json]`: exit 0 when the archive stands and is whole, 1 when a file was missing."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflows.backup import CannotBackUp, back_up
from workflows.clockwork import database_clock
from workflows.words import Text

DONE = Text(
    "已备份到 {path}：台账条目 {entries}，附件 {files}，共 {size} 字节。清单摘要（请另处保存）：{digest}",
    "Backed up to {path}: {entries} entries of the ledger, {files} files, {size} bytes. Digest of the manifest, to be kept"
    " elsewhere: {digest}",
)
INCOMPLETE = Text(
    "备份已完成，但有附件文件缺失 {missing} 个、与登记摘要不符 {damaged} 个：{names}",
    "The archive stands, but of the attachments' files {missing} are missing and {damaged} are not as recorded: {names}",
)


class Command(BaseCommand):
    help = "Write one archive of the database and every attachment into a folder; people may go on working."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = back_up(options["folder"].absolute(), database_clock())
        except (CannotBackUp, OSError) as reason:
            raise CommandError(str(reason), returncode=2) from None
        if options["json"]:
            self.stdout.write(json.dumps({**vars(made), "path": str(made.path)}))
        else:
            self.stdout.write(DONE.format(**vars(made)))
        if wrong := (*made.missing, *made.damaged):
            told = {"missing": len(made.missing), "damaged": len(made.damaged), "names": ", ".join(wrong[:5])}
            raise CommandError(INCOMPLETE.format(**told), returncode=1)

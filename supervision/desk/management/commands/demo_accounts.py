"""`python manage.py demo_accounts [--json]`: who may sign in to the demonstration, and what to try as each."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from supervision.desk.demo import PASSWORD
from supervision.desk.demonstration.accounts import TRY, demo_institutions
from supervision.desk.pages import DemoAccount, Words
from workflows.words import Text


class Command(BaseCommand):
    help = "Tell the sign-in names of the demonstration, in Chinese and English. Nothing outside the demonstration."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print them as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        institutions = demo_institutions()
        if options["json"]:
            rows = [
                {"institution": _both(institution.name), **_row(account)}
                for institution in institutions
                for account in institution.accounts
            ]
            self.stdout.write(
                json.dumps({"password": PASSWORD if rows else "", "accounts": rows}, ensure_ascii=False)
            )
            return
        if institutions:
            self.stdout.write(f"登录密码 / password: {PASSWORD}\n")
        for institution in institutions:
            name = _both(institution.name)
            self.stdout.write(f"\n{name['zh']} / {name['en']}")
            for account in institution.accounts:
                row = _row(account)
                for language in ("zh", "en"):
                    said = "  ".join(row[key][language] for key in ("name", "unit", "role"))
                    username = account.username if language == "zh" else ""
                    self.stdout.write(f"  {username:<12} {said}: {row['try'][language]}")


def _row(account: DemoAccount) -> dict[str, Any]:
    return {
        "username": account.username, "name": _both(account.name), "unit": _both(account.unit), "role": _both(account.role),
        "try": _both(TRY[account.username]),
    }  # fmt: skip


def _both(words: Words) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en} if isinstance(words, Text) else {"zh": words, "en": words}

"""Brings the demonstration's database to where the web server can begin: migrations, and data where there is none.

A program of its own, started by the supervisor, so that the supervisor itself never holds Django.

    python -m config.prepare MARKER ACCOUNTS

MARKER exists exactly while data is being filled in; the sign-in names are written to ACCOUNTS.
"""

import os
import sys
from pathlib import Path


def main() -> int:
    """Migrate, seed once, tell the accounts."""
    marker, accounts = Path(sys.argv[1]), Path(sys.argv[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command, get_commands

    django.setup()
    from organisation.models import Institution

    call_command("migrate", interactive=False, verbosity=0)
    if "seed_demo" in get_commands() and not Institution.objects.exists():
        marker.touch()
        call_command("seed_demo")
        marker.unlink()
    with accounts.open("w", encoding="utf-8") as output:
        if "demo_accounts" in get_commands():
            call_command("demo_accounts", stdout=output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

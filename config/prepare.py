"""Brings the demonstration's database to where the web server can begin: migrations, and data where there is none.

A program of its own, started by the supervisor, so that the supervisor itself never holds Django. Prints the sign-in
names at the end.
"""

import os
import sys
from pathlib import Path


def main() -> int:
    """Migrate, seed once, tell the accounts. The argument is a file that exists exactly while data is being filled in."""
    marker = Path(sys.argv[1])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command, get_commands

    django.setup()
    from organisation.models import Institution

    call_command("migrate", interactive=False, verbosity=0)
    if "seed_demo" in get_commands() and not Institution.objects.exists():
        print("Filling in the demonstration data (only at the first start)", file=sys.stderr)
        marker.touch()
        call_command("seed_demo")
        marker.unlink()
    if "demo_accounts" in get_commands():
        call_command("demo_accounts")
    return 0


if __name__ == "__main__":
    sys.exit(main())

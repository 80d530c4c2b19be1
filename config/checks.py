"""`make check`: everything about the tree that can be judged without running a test. One line for each, all of them run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from config import home, keeper
from config.embedded import CannotStart

BIN = Path(sys.executable).parent


def _steps(root: Path = home.ROOT) -> Iterator[tuple[str, list[str]]]:
    manage = [sys.executable, "manage.py"]
    yield "format", [str(BIN / "ruff"), "format", "--check", "--quiet", "."]
    yield "lint", [str(BIN / "ruff"), "check", "--quiet", "."]
    yield "imports run one way", [str(BIN / "lint-imports"), "--no-logo"]
    yield "types", [str(BIN / "mypy"), "--no-error-summary"]
    yield "settings and lifecycles", [*manage, "check", "--fail-level", "WARNING"]
    yield "migrations are complete", [*manage, "makemigrations", "--check", "--dry-run"]
    yield "translations compile", [sys.executable, "-m", "config.catalogue", "--check"]
    yield "translations are complete", [sys.executable, "tools/catalogue.py", "--check"]
    yield "licences of what is pinned", [sys.executable, "tools/licences.py", "--check"]
    if any(
        found
        for depth in ("*", "*/*")
        for found in root.glob(f"{depth}/management/commands/process_pages.py")
    ):
        yield "process pages are current", [*manage, "process_pages", "--check"]


def main() -> int:
    """Run all; 0 when all are well. The embedded servers are there for what asks the database."""
    os.environ["DUBAN_DEMO"] = "1"
    os.environ.setdefault("DUBAN_HOME", str(home.ROOT / "var" / "test"))
    folder = home.home_folder()
    failed = []
    try:
        with keeper.servers(folder):
            os.environ.setdefault("DATABASE_URL", home.database_url(folder))
            os.environ.setdefault("REDIS_URL", home.broker_url(folder))
            for name, command in _steps():
                begun = time.monotonic()
                done = subprocess.run(
                    command,
                    cwd=home.ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                well = done.returncode == 0
                print(f"{'ok  ' if well else 'FAIL'} {name} ({time.monotonic() - begun:.1f} s)", flush=True)
                if not well:
                    failed.append(name)
                    print(done.stdout, flush=True)
    except (CannotStart, home.HomeInUse) as reason:
        print(reason, file=sys.stderr)
        return 1
    if failed:
        print(f"Not well: {', '.join(failed)}. `make fix` mends format and lint.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

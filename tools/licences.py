#!/usr/bin/env python3
"""Writes licenses/ and the table in THIRD_PARTY_NOTICES.md from what requirements.txt pins and pip has installed.

    python tools/licences.py           write
    python tools/licences.py --check   only say whether what is written is current

Only what Duban runs on is listed; what the tests need is not passed on to anybody.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "licenses"
NOTICES = ROOT / "THIRD_PARTY_NOTICES.md"
BEGIN, END = "<!-- written by tools/licences.py -->\n", "<!-- end -->\n"
# Texts that no wheel brings; kept by hand.
BY_HAND = {"viewflow-LICENSE_EXCEPTION.txt", "PostgreSQL.txt", "Valkey.txt"}


def pinned(root: Path = ROOT) -> list[str]:
    """Names of the distributions in requirements.txt, in its order."""
    lines = (line.partition("#")[0].strip() for line in (root / "requirements.txt").read_text().splitlines())
    return [re.split(r"[\[=]", line)[0] for line in lines if "==" in line]


def licence_name(distribution: importlib.metadata.Distribution) -> str:
    """The licence as the distribution's own metadata names it."""
    known = distribution.metadata.json
    if expression := known.get("license_expression"):
        return str(expression)
    classified = [
        name.rsplit(" :: ", 1)[-1] for name in known.get("classifier", []) if name.startswith("License ::")
    ]
    return ", ".join(classified) or str(known.get("license", "see the file")).splitlines()[0]


def licence_text(distribution: importlib.metadata.Distribution) -> str:
    """Every licence file inside its wheel, one after the other."""
    wanted = re.compile(r"dist-info/(licenses/)*(licen[cs]e|copying|notice)[^/]*$", re.IGNORECASE)
    files = sorted(
        (file for file in distribution.files or [] if wanted.search(str(file))), key=lambda file: str(file)
    )
    if not files:
        raise SystemExit(f"{distribution.name} brings no licence file: add it to licenses/ by hand")
    return "\n\n".join(file.read_text().rstrip() for file in files) + "\n"


def wanted_files() -> dict[Path, str]:
    """What should be written where."""
    table = ["| package | version | licence | text |\n", "| --- | --- | --- | --- |\n"]
    files: dict[Path, str] = {}
    for name in pinned():
        distribution = importlib.metadata.distribution(name)
        files[FOLDER / f"{name}.txt"] = licence_text(distribution)
        table.append(
            f"| {name} | {distribution.version} | {licence_name(distribution)} |"
            f" [licenses/{name}.txt](licenses/{name}.txt) |\n"
        )
    before, _, rest = NOTICES.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    files[NOTICES] = f"{before}{BEGIN}{''.join(table)}{END}{after}"
    return files


def main() -> int:
    """The command line; returns the exit status."""
    files = wanted_files()
    surplus = [path for path in FOLDER.iterdir() if path not in files and path.name not in BY_HAND]
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale + surplus:
            print(f"{path.relative_to(ROOT)} is not current: run `make fix`")
        return 1 if stale or surplus else 0
    for path in stale:
        path.write_text(files[path])
    for path in surplus:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

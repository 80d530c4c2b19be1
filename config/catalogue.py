"""Compiles the translations. A bare machine has no gettext, so polib does what msgfmt would."""

import sys
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent


def catalogues(root: Path = ROOT) -> list[Path]:
    """Every source catalogue of the project, in a fixed order."""
    return sorted(root.glob("locale/*/LC_MESSAGES/*.po"))


def compiled(source: Path) -> bytes:
    """The binary catalogue that belongs to `source`; fuzzy and obsolete entries are left out."""
    return polib.pofile(str(source), check_for_duplicates=True).to_binary()


def compile_all(root: Path = ROOT) -> list[Path]:
    """Write each catalogue that changed next to its source; returns those written."""
    written = []
    for source in catalogues(root):
        target, content = source.with_suffix(".mo"), compiled(source)
        if not target.exists() or target.read_bytes() != content:
            # Another process may be reading the old one: replace it whole.
            draft = target.with_suffix(".mo.new")
            draft.write_bytes(content)
            draft.replace(target)
            written.append(target)
    return written


def faults(root: Path = ROOT) -> list[str]:
    """What keeps the catalogues from being shipped: one sentence each, none when all is well."""
    found = []
    for source in catalogues(root):
        name = source.relative_to(root)
        entries = polib.pofile(str(source))
        for entry in entries.untranslated_entries():
            found.append(f"{name}:{entry.linenum}: not translated: {entry.msgid!r}")
        for entry in entries.fuzzy_entries():
            found.append(f"{name}:{entry.linenum}: marked fuzzy: {entry.msgid!r}")
        target = source.with_suffix(".mo")
        if not target.exists() or target.read_bytes() != compiled(source):
            found.append(f"{name}: its compiled catalogue is missing or old: run `make install`")
    return found


def main() -> int:
    """Compile; with --check only report."""
    if "--check" in sys.argv[1:]:
        found = faults()
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    for path in compile_all():
        print(f"Compiled {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

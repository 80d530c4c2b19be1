#!/usr/bin/env python3
"""Keeps locale/*/LC_MESSAGES/django.po in step with the sentences in Python and in the templates, without gettext.

    python tools/catalogue.py            write the catalogues: new sentences in, unused ones out, translations kept
    python tools/catalogue.py --check    write nothing: every sentence in, none unused, untranslated or fuzzy, and
                                         every placeholder of a sentence in its translation

Compiling is the affair of `python -m config.catalogue`, which needs nothing but polib either.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
CODE = ("calendars", "config", "notifications", "organisation", "supervision", "workflows")

# Function -> which arguments are (msgid, plural, context), counted from 0.
CALLS: dict[str, tuple[int, int | None, int | None]] = {
    "_": (0, None, None),
    "gettext": (0, None, None),
    "gettext_lazy": (0, None, None),
    "gettext_noop": (0, None, None),
    "ngettext": (0, 1, None),
    "ngettext_lazy": (0, 1, None),
    "pgettext": (1, None, 0),
    "pgettext_lazy": (1, None, 0),
    "npgettext": (1, 2, 0),
    "npgettext_lazy": (1, 2, 0),
}

_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(rf"\b(_|n?p?gettext)\(\s*{_STRING}(?:\s*,\s*{_STRING})?(?:\s*,\s*{_STRING})?")
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


@dataclass
class Sentence:
    """One sentence to translate: its context ("" for none), its plural ("" for none) and where it is said."""

    msgid: str
    context: str = ""
    plural: str = ""
    places: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.msgid


def _sentence(name: str, given: list[str | None]) -> Sentence | None:
    msgid, plural, context = ("" if at is None or at >= len(given) else given[at] for at in CALLS[name])
    return Sentence(msgid, context or "", plural or "") if msgid else None


def said_in_python(source: str) -> Iterator[tuple[int, Sentence]]:
    """(line, sentence) of every translating call with a literal argument."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in CALLS:
            continue
        given = [
            arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None
            for arg in node.args
        ]
        if found := _sentence(name, given):
            yield node.lineno, found


def said_in_template(source: str) -> Iterator[tuple[int, Sentence]]:
    """(line, sentence) of every translated text, read the way makemessages reads a template."""
    from django.utils.translation.template import templatize  # needs settings, which only this half needs

    code = templatize(source)
    for call in _TEMPLATE_CALL.finditer(code):
        given = [ast.literal_eval(text) if text else None for text in call.groups()[1:]]
        if found := _sentence(call[1], given):
            yield code.count("\n", 0, call.start()) + 1, found


def sentences(root: Path = ROOT) -> dict[tuple[str, str], Sentence]:
    """Every sentence of the product by (context, msgid), in the order of its first place."""
    found: dict[tuple[str, str], Sentence] = {}
    sources = [(path, said_in_template) for path in sorted((root / "templates").rglob("*.html"))]
    sources += [(path, said_in_python) for folder in CODE for path in sorted((root / folder).rglob("*.py"))]
    for path, said in sources:
        for line, sentence in said(path.read_text(encoding="utf-8")):
            known = found.setdefault(sentence.key, sentence)
            known.plural = known.plural or sentence.plural
            known.places.append(f"{path.relative_to(root)}:{line}")
    return found


def catalogues(root: Path = ROOT) -> list[Path]:
    """The source catalogue of every language."""
    return sorted(root.glob("locale/*/LC_MESSAGES/django.po"))


def update(path: Path, wanted: dict[tuple[str, str], Sentence]) -> None:
    """Write the catalogue anew in the order of `wanted`; what was translated stays translated."""
    old = polib.pofile(str(path), wrapwidth=0)
    known = {(entry.msgctxt or "", entry.msgid): entry for entry in old}
    fresh = polib.POFile(wrapwidth=0)
    fresh.metadata = old.metadata
    for key, sentence in wanted.items():
        was = known.get(key)
        entry = polib.POEntry(msgid=sentence.msgid, msgctxt=sentence.context or None)
        # A file without its line: moving code must not rewrite the catalogue.
        entry.occurrences = [
            (place, "") for place in sorted({place.rpartition(":")[0] for place in sentence.places})
        ]
        if sentence.plural:
            entry.msgid_plural = sentence.plural
            entry.msgstr_plural = (was.msgstr_plural if was else None) or {0: was.msgstr if was else ""}
        else:
            entry.msgstr = (was.msgstr or (was.msgstr_plural or {}).get(0, "")) if was else ""
        if "%(" in sentence.msgid:
            entry.flags = ["python-format"]
        fresh.append(entry)
    fresh.save(str(path))


def faults(path: Path, wanted: dict[tuple[str, str], Sentence], root: Path = ROOT) -> list[str]:
    """One sentence for each way in which a catalogue cannot be shipped."""
    name = path.relative_to(root)
    entries = {(entry.msgctxt or "", entry.msgid): entry for entry in polib.pofile(str(path))}
    found = [f"{wanted[key].places[0]}: not in {name}: {key[1]!r}" for key in wanted if key not in entries]
    found += [f"{name}: said nowhere any more: {key[1]!r}" for key in entries if key not in wanted]
    for key in wanted.keys() & entries.keys():
        entry = entries[key]
        texts = list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]
        if not all(texts):
            found.append(f"{name}:{entry.linenum}: not translated: {entry.msgid!r}")
            continue
        if entry.fuzzy:
            found.append(f"{name}:{entry.linenum}: marked fuzzy: {entry.msgid!r}")
        if bool(entry.msgid_plural) != bool(wanted[key].plural):
            found.append(f"{name}:{entry.linenum}: plural in one place and not in the other: {entry.msgid!r}")
        names = set(_PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        if any(set(_PLACEHOLDER.findall(text)) != names for text in texts):
            found.append(f"{name}:{entry.linenum}: other placeholders than in {entry.msgid!r}")
    return sorted(found)


def main() -> int:
    """Write, or with --check report; the exit status is 1 when there is something to report."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=True)
        django.setup()
    wanted = sentences()
    if "--check" in sys.argv[1:]:
        found = [fault for path in catalogues() for fault in faults(path, wanted)]
        print("\n".join(found), end="\n" if found else "")
        return 1 if found else 0
    for path in catalogues():
        update(path, wanted)
        entries = polib.pofile(str(path))
        print(
            f"{path.relative_to(ROOT)}: {len(entries)} sentences, {len(entries.untranslated_entries())} to translate"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

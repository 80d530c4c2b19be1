"""Reading an edition of the State's calendar from a file, and refusing one that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from calendars.state_years import Span, StateYear
from calendars.working_days import days_between

SHIPPED = Path(__file__).parent / "editions"
TOP = {"year": int, "number": int, "notice": str, "title": dict, "issued_on": date, "off": list, "work": list}


class EditionFault(Exception):
    """The file is no edition; every fault is one sentence in `faults`."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__("\n".join(f"{path.name}: {fault}" for fault in faults))
        self.faults = faults


def read_edition(path: Path) -> StateYear:
    """The edition in the YAML file `path`, laid out as calendars/editions/cn-2026.yaml. Raises EditionFault."""
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EditionFault(path, [f"cannot be read: {error.strerror}"]) from None
    except (YAMLError, ValueError) as error:
        raise EditionFault(path, [f"is not YAML: {' '.join(str(error).split())}"]) from None
    if faults := list(_shape(content)):
        raise EditionFault(path, faults)
    title = content["title"]
    edition = StateYear(
        content["year"], content["number"], content["notice"], title["zh"], title["en"], content["issued_on"],
        tuple(Span(row["from"], row["to"], row["zh"], row["en"]) for row in content["off"]),
        tuple(Span(row["on"], row["on"], row["zh"], row["en"]) for row in content["work"]),
    )  # fmt: skip
    if faults := list(faults_of(edition)):
        raise EditionFault(path, faults)
    return edition


def shipped_editions() -> list[StateYear]:
    """The editions that come with the product, oldest first."""
    return [read_edition(path) for path in sorted(SHIPPED.glob("*.yaml"))]


def _shape(content: Any) -> Iterator[str]:
    if not isinstance(content, Mapping):
        yield f"must hold the keys {', '.join(TOP)}"
        return
    yield from (f"unknown key {key!r}: remove it" for key in content if key not in TOP)
    for key, kind in TOP.items():
        if type(content.get(key)) is not kind:
            yield f"{key} must be given, as {kind.__name__}"
    if isinstance(content.get("title"), Mapping):
        yield from _fields(content["title"], "title", {"zh": str, "en": str})
    for key, fields in (("off", {"from": date, "to": date}), ("work", {"on": date})):
        if isinstance(content.get(key), list):
            for number, row in enumerate(content[key], 1):
                yield from _fields(row, f"{key} {number}", {**fields, "zh": str, "en": str})


def _fields(row: Any, where: str, fields: Mapping[str, type]) -> Iterator[str]:
    if not isinstance(row, Mapping):
        yield f"{where} must hold {', '.join(fields)}"
        return
    yield from (f"{where}: unknown key {key!r}: remove it" for key in row if key not in fields)
    for key, kind in fields.items():
        if type(row.get(key)) is not kind or not row[key]:
            yield f"{where}: {key} must be given, as {kind.__name__}"


def faults_of(edition: StateYear) -> Iterator[str]:
    """Why this edition cannot be right: impossible numbers, days out of its year, days named twice, needless make-up days."""
    if not 2000 <= edition.year <= 2100:
        yield f"year {edition.year} is not a year of this century: write the year of the notice's title"
    if edition.number < 1:
        yield "number must be 1 for the first edition of a year, and one more for each correction"
    if edition.issued_on >= date(edition.year, 12, 31):
        yield f"issued_on {edition.issued_on} is not before the end of {edition.year}"
    first, last = date(edition.year - 1, 12, 1), date(edition.year, 12, 31)
    named: set[date] = set()
    for span in (*edition.off, *edition.work):
        if span.ends < span.begins:
            yield f"{span.zh}: ends {span.ends} before it begins {span.begins}"
            continue
        if span.begins < first or span.ends > last:
            yield f"{span.zh}: {span.begins} to {span.ends} is outside {edition.year} and the December before"
            continue
        days = set(days_between(span.begins, span.ends))
        yield from (f"{day} is named twice" for day in sorted(days & named))
        named |= days
    for span in edition.work:
        if span.begins.weekday() < 5:
            yield f"{span.begins} under work is a {span.begins:%A}, a working day already"

"""What happened to a document, read from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models

from organisation.models import Unit
from supervision.desk import wording
from supervision.desk.pages import Change, Entry, Opinion, Who
from supervision.desk.queries import reader as said
from supervision.desk.queries.reader import Reader
from workflows import models as rows
from workflows.ledger import read_chain
from workflows.lifecycle import Given
from workflows.notices import LADDER
from workflows.words import Text

UNSAID = frozenset({"open_item", "seats_open"})
"""Acts that stand in the ledger but are no news on the page."""


def entries_of(document: Any, reader: Reader) -> tuple[Entry, ...]:
    """The document's entries, latest first: two statements."""
    found = read_chain(document)
    units = _units(found)
    return tuple(
        _entry(document, row, content, units, reader)
        for row, content in reversed(found)
        if row.step not in UNSAID
    )


def opinions_of(document: Any, reader: Reader) -> tuple[Opinion, ...]:
    """What people did and said about it, earliest first; the clock's own acts are left out."""
    found = [(row, content) for row, content in read_chain(document) if row.actor and row.step not in UNSAID]
    units = _units(found)
    return tuple(
        Opinion(_who(row, content, units, reader), act_of(row, content, reader), row.effective_at, words_of(document, row.step, content))
        for row, content in found
    )  # fmt: skip


def _units(found: list[tuple[rows.Entry, Mapping[str, Any]]]) -> dict[int, Text]:
    wanted = {row.as_unit for row, _ in found if row.as_unit}
    names = Unit.objects.filter(pk__in=wanted).values_list("pk", "name_zh", "name_en") if wanted else ()
    return {pk: Text(zh, en or zh) for pk, zh, en in names}


CLOCK = Text("系统时钟", "the clock")


def _who(row: rows.Entry, content: Mapping[str, Any], units: Mapping[int, Text], reader: Reader) -> Who:
    unit = units.get(row.as_unit or 0, "")
    if row.actor is None:
        return Who(CLOCK)
    return Who(
        content.get("actor", "—"), unit=unit, role=said.role_text(row.as_role), on_behalf_of=content.get("holder", ""),
        me=row.actor == reader.actor.person_id,
    )  # fmt: skip


def act_of(row: rows.Entry, content: Mapping[str, Any], reader: Reader) -> Any:
    """What was done, as the entry's own rules or lifecycle call it."""
    if row.step == "vote" and content.get("choice") in rows.Vote.values:
        return rows.Vote(content["choice"]).label
    if row.step.startswith(LADDER):
        return said.ladder_step_text(row.step.removeprefix(LADDER), row.rules, reader)
    return said.step_text(row.kind, row.step)


def words_of(document: Any, step: str, content: Mapping[str, Any]) -> str:
    """What the person wrote with it: the reason or opinion first, then what was handed over under its own name."""
    if step.startswith(LADDER) or step in ("claim", "release"):
        return str(said.duty_words(document.kind(), str(content.get("duty", ""))))
    if step in ("vote", "hand_over", "pass_over"):
        return str(content.get("opinion") or content.get("reason") or "")
    if step == "attach" or step == "remove_attachment":
        return str(content.get("name", ""))
    if step == "joined":
        return wording.listed(child["title"] for child in content.get("joined", ()))
    inputs = content.get("inputs") or {}
    own = [str(inputs[name]) for name in ("reason", "opinion") if inputs.get(name)]
    known = document.lifecycle.steps.get(step)
    given: tuple[Given, ...] = known.given if known else ()
    own += [
        f"{g.text}{wording.colon()}{_said(g, inputs[g.name])}"
        for g in given
        if g.name != "reason" and inputs.get(g.name)
    ]
    return "\n".join(own)


def _said(given: Given, value: Any) -> str:
    """What was handed over, as a reader says it: a day, a choice and a figure, not their codes."""
    if given.choices:
        return str(given.choices.get(value, value))
    if given.kind is bool:
        return wording.yes()
    if given.kind is Decimal:
        return wording.figure(Decimal(value))
    return wording.full_day(date.fromisoformat(value)) if given.kind is date else str(value)


def _entry(
    document: Any, row: rows.Entry, content: Mapping[str, Any], units: Mapping[int, Text], reader: Reader
) -> Entry:
    kind = document.kind()
    step = document.lifecycle.steps.get(row.step)
    return Entry(
        row.sequence, _who(row, content, units, reader), act_of(row, content, reader), row.effective_at,
        tone=said.tone_of(kind, step) if step else "plain",
        before=said.state_text(kind, row.from_state) if row.from_state else "", after=said.state_text(kind, row.to_state),
        text=words_of(document, row.step, content), changes=_changes(document, content) if row.step == "edit" else (),
        recorded_at=row.recorded_at if row.recorded_at != row.effective_at else None, digest=bytes(row.digest).hex(),
    )  # fmt: skip


def _changes(document: Any, content: Mapping[str, Any]) -> tuple[Change, ...]:
    before, after = content.get("before") or {}, content.get("after") or {}
    fields = {f.attname: f for f in document._meta.concrete_fields} | {
        f.name: f for f in document._meta.concrete_fields
    }
    changed = [
        Change(
            str(fields[n].verbose_name),
            _shown(fields[n], before.get(n), document),
            _shown(fields[n], after[n], document),
        )
        for n in after
        if n in fields
    ]
    for name, parts in (content.get("parts_after") or {}).items():
        label = str(getattr(document, name).model._meta.verbose_name_plural)
        changed.append(
            Change(label, str(len((content.get("parts_before") or {}).get(name, []))), str(len(parts)))
        )
    return tuple(changed)


def _shown(field: models.Field[Any, Any], value: Any, document: Any) -> str:
    """A value of the ledger's payload in the reader's words: choices by their label, days as days, yes and no."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return wording.yes() if value else wording.no()
    if named := dict(document.choices()).get(field.name):
        return str(dict(named).get(value, value))
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField):
        return wording.full_day(date.fromisoformat(value))
    if isinstance(field, models.DecimalField):
        return wording.figure(Decimal(value))
    if isinstance(field, models.ForeignKey) and field.related_model is Unit:
        unit = Unit.objects.filter(pk=value).first()
        return str(unit) if unit else str(value)
    return str(value)

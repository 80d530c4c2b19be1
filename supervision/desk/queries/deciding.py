"""What somebody can do with a document, and why not: the steps of the panel, and the seat of a round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.urls import reverse
from django.utils.translation import gettext as _

from supervision.desk.pages import Choice, Confirm, Input, Opinion, Panel, Stale, Who
from supervision.desk.pages import Step as PageStep
from supervision.desk.queries import reader as said
from supervision.desk.queries.facts import facts_of, files_of
from supervision.desk.queries.reader import Reader
from supervision.desk.queries.trail import opinions_of
from workflows import rounds
from workflows.judgement import judge
from workflows.lifecycle import Given, Step
from workflows.models import Vote, WorkItem
from workflows.roles import DoerOf
from workflows.taking import read_facts
from workflows.words import Text

VOTES = {
    Vote.APPROVE.value: (Text("同意", "Agree"), "forward", "optional"),
    Vote.REFUSE.value: (Text("不同意", "Do not agree"), "refuse", "required"),
    Vote.RECUSE.value: (Text("申请回避", "Withdraw from deciding"), "plain", "required"),
}
INPUT_KINDS = {date: "date", int: "number", Decimal: "decimal", bool: "yes"}
MAIN_WORDS = "reason"
"""The input that is written in the panel's own text field."""


@dataclass
class Typed:
    """What somebody typed and what was wrong with it, so that nothing is lost when the form comes back."""

    step: str = ""
    opinion: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    general: tuple[str, ...] = ()
    confirming: str = ""
    request_id: str = ""
    seen_version: int | None = None
    stale: Stale | None = None
    capacity: str = ""


def rerouted_of(items: Iterable[WorkItem]) -> list[dict[str, Any]]:
    """Which duties the next office up holds, as `fire.take` reads them with the row."""
    return [
        {"duty": item.duty, "post": item.post_role, "unit": item.owner_unit_id}
        for item in items
        if item.rerouted_from
    ]


def steps_of(document: Any, reader: Reader, typed: Typed) -> tuple[PageStep, ...]:
    """The document's steps that are this person's by role, each with every reason against it. Reads the guards' facts once."""
    leaving = [
        step
        for step in document.lifecycle.leaving(document.state)
        if step.by.capacities(reader.actor, document)
    ]
    facts = frozenset(fact for step in leaving for fact in step.facts)
    read_facts(type(document), [document], facts)
    return tuple(_page_step(document, step, reader, typed) for step in leaving)


def _page_step(document: Any, step: Step[Any], reader: Reader, typed: Typed) -> PageStep:
    verdict = judge(document, step, reader.actor, reader.at)
    kind = document.kind()
    inputs = tuple(
        _input(given, document, typed if typed.step == step.name else Typed())
        for given in step.given
        if given.name != MAIN_WORDS
    )
    tone = said.tone_of(kind, step)
    must_say = any(given.name == MAIN_WORDS and not given.optional for given in step.given)
    return PageStep(
        step.name, step.text, step.text, tone, tuple(str(reason) for reason in verdict.reasons), "required" if must_say else "optional",
        inputs, _confirm(document, step) if step.irreversible else None,
    )  # fmt: skip


def _input(given: Given, document: Any, typed: Typed) -> Input:
    kind = "choice" if given.choices else INPUT_KINDS.get(given.kind, "lines")
    start = getattr(document, "asked_due_on", None) if given.name == "new_date" else None
    value = typed.values.get(given.name, start.isoformat() if start else "")
    return Input(
        given.name,
        _sentence(given.text),
        kind,
        value,
        required=not given.optional,
        choices=tuple(Choice(value, text) for value, text in given.choices.items()),
        error=typed.errors.get(given.name, ""),
    )


def _sentence(text: Text) -> Text:
    return Text(text.zh, text.en[:1].upper() + text.en[1:])


def _confirm(document: Any, step: Step[Any]) -> Confirm:
    told = "、".join(str(role.text) for role in step.tells) or "—"
    lines = (
        (_("Matter"), str(document)),
        (_("Told"), told),
        (_("Then it stands at"), str(step.path.target.text)),
    )
    return Confirm(_("This cannot be undone: %(step)s?") % {"step": step.text}, lines)


def seat_steps(document: Any, item: WorkItem, reader: Reader, typed: Typed) -> tuple[PageStep, ...]:
    """The three ways to decide a seat, with the reasons against each."""
    place: Any = item.seat
    sitting = next(s for s in rounds.sittings_of(document) if s.task.pk == place.task_id)
    seat = sitting.seat(place.pk)
    steps = []
    for choice, (label, tone, note) in VOTES.items():
        verdict = rounds.judge_vote(document, sitting, seat, choice, reader.actor)
        steps.append(
            PageStep(f"vote:{choice}", label, label, tone, tuple(str(r) for r in verdict.reasons), note)
        )
    return tuple(steps)


def own_seat(items: Iterable[WorkItem], reader: Reader) -> WorkItem | None:
    """The open seat that this person may decide, their own post's before the others'."""
    posts = {capacity.post_id for capacity in reader.actor.capacities}
    pairs = {(c.role, c.unit_id) for c in reader.actor.capacities} | {
        (c.role, None) for c in reader.actor.capacities
    }
    mine = [i for i in items if i.seat_id and i.paused_at is None and (
        i.post_id in posts if i.post_id else (i.post_role, i.owner_unit_id) in pairs
    )]  # fmt: skip
    return next((i for i in mine if i.post_id), mine[0] if mine else None)


def panel_of(
    document: Any, reader: Reader, *, items: Sequence[WorkItem], item: WorkItem | None = None, shape: str = "row", typed: Typed | None = None
) -> Panel:  # fmt: skip
    """The decision form of one document for one reader."""
    typed = typed or Typed()
    document.rerouted = rerouted_of(items)
    seat = item if item is not None and item.seat_id else own_seat(items, reader)
    steps: tuple[PageStep, ...] = ()
    if not typed.stale:  # else the form offers nothing but the way to where it stands now
        steps = (
            *(seat_steps(document, seat, reader, typed) if seat else ()),
            *steps_of(document, reader, typed),
        )
    here = {"kind": document.kind(), "pk": document.pk}
    panel_url = reverse("panel", kwargs=here)
    chosen = typed.step
    overdue = any(i.due_at <= reader.at for i in items if i is item or (item is None and i.paused_at is None))
    whole = shape != "page"
    return Panel(
        key=str(item.pk if item else f"d{document.pk}"), title=document.title,
        act_url=reverse("act", kwargs=here), panel_url=f"{panel_url}" if item is None else reverse("item_panel", args=[item.pk]),
        document_url=said.document_url(**here), seen_version=typed.seen_version if typed.seen_version is not None else document.version,
        request_id=typed.request_id or str(uuid4()), steps=steps, chosen=chosen, item=item.pk if item else None, shape=shape,
        facts=facts_of(document, deciding=True) if whole else (), files=files_of(document) if whole else (),
        opinions=(*opinions_of(document, reader), *_awaited(items, reader)) if whole else (),
        opinion=typed.opinion, opinion_error=typed.errors.get(MAIN_WORDS, typed.errors.get("opinion", "")), overdue=overdue,
        phrases=_phrases(), errors=typed.general, confirming=typed.confirming, stale=typed.stale,
        capacities=_capacities(document, reader), capacity=typed.capacity or _acts_as(document, seat, reader),
        recall=_recall_rule(document, steps),
    )  # fmt: skip


def _awaited(items: Iterable[WorkItem], reader: Reader) -> Iterable[Opinion]:
    for item in items:
        if item.paused_at is None:
            person = item.claimed_by or (item.post.person if item.post else None)
            unit = item.owner_unit
            name: Any = person.name if person else said.role_text(item.post_role)
            yield Opinion(
                Who(name, unit=Text(unit.name_zh, unit.name_en or unit.name_zh) if unit else ""),
                said.duty_text(item),
                kind="now",
            )


def _phrases() -> tuple[str, ...]:
    return (
        _("Agreed."),
        _("The material is incomplete; please add to it."),
        _("The reasons are not sufficient; please report again."),
    )


def _fitting(document: Any, reader: Reader) -> list[Any]:
    seen: dict[int | None, Any] = {}
    for step in document.lifecycle.leaving(document.state):
        for capacity in step.by.capacities(reader.actor, document):
            seen.setdefault(capacity.post_id, capacity)
    return list(seen.values())


def _capacities(document: Any, reader: Reader) -> tuple[Choice, ...]:
    """A choice only where there is one: several posts that fit."""
    fitting = _fitting(document, reader)
    if len(fitting) < 2:
        return ()
    return tuple(
        Choice(str(c.post_id), said.role_text(c.role) + (_(" (standing in)") if c.via != "post" else ""))
        for c in fitting
    )


def _acts_as(document: Any, seat: WorkItem | None, reader: Reader) -> str:
    if seat:
        return said.role_text(seat.post_role)
    fitting = _fitting(document, reader)
    if len(fitting) == 1:
        return said.role_text(fitting[0].role)
    return str(fitting[0].post_id) if fitting else ""


def _recall_rule(document: Any, steps: tuple[PageStep, ...]) -> str:
    """Whether what follows a step can be recalled, said beside the buttons."""
    lifecycle = document.lifecycle
    recallable = {
        step.by.step for step in lifecycle.steps.values() if isinstance(step.by, DoerOf)
    }  # fmt: skip
    return (
        _("You can recall it until the next person opens it.")
        if any(s.key in recallable and s.allowed for s in steps)
        else ""
    )

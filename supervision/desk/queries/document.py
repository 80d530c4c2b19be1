"""One document, whatever its kind: where it stands, why this date, who holds it, what happened, what hangs together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from organisation.models import Person, Standing
from organisation.roles import PostRole
from supervision.desk.pages import (
    DocumentPage,
    Holding,
    Round,
    RoundStep,
    Seat,
    StateMark,
    Who,
    Words,
)  # fmt: skip
from supervision.desk.queries import reader as said
from supervision.desk.queries.beginning import births_on
from supervision.desk.queries.deciding import Typed, panel_of, rerouted_of
from supervision.desk.queries.facts import facts_of, files_of, unit_name
from supervision.desk.queries.reader import Reader
from supervision.desk.queries.trail import entries_of
from workflows import rounds
from workflows.documents import Document, document_kinds, model_of, parent_of
from workflows.judgement import capacity_for
from workflows.models import Lamp, WorkItem
from workflows.words import Text
from workflows.worklist import eligible, open_item, open_items, role_of

WORST = (Lamp.RED.value, Lamp.YELLOW.value, Lamp.GREEN.value)


def visible(kind: str, pk: int, reader: Reader) -> Any:
    """The document within this reader's scope. Raises LookupError (an unknown kind) or DoesNotExist."""
    return model_of(kind).visible_to(reader.actor).select_related("unit").get(pk=pk)


def item_of(institution_id: int, item_id: int) -> WorkItem | None:
    """A work item of the institution, open or closed, with its seat."""
    items = WorkItem.objects.select_related("seat__task")
    return items.filter(pk=item_id, institution_id=institution_id).first()


def item_on(document: Any, text: str) -> WorkItem | None:
    """The document's work item whose id came with a form; None for anything else."""
    if not text.isdigit():
        return None
    return WorkItem.objects.filter(pk=int(text), kind=document.kind(), document_id=document.pk).first()


def name_of(person_id: int | None) -> str:
    """A person's name; "" for the clock."""
    return Person.objects.filter(pk=person_id or 0).values_list("name", flat=True).first() or ""


def opened_by(items: Sequence[WorkItem], document: Any, reader: Reader) -> bool:
    """Looking at a document opens the items that wait for this person: from then on they cannot be recalled.

    True when that wrote something, so that what was read before is read again.
    """
    opened = False
    for item in items:
        if (
            item.first_opened_at is None
            and item.paused_at is None
            and eligible(item, role_of(item), reader.actor, document)
        ):
            opened = open_item(item.pk, actor=reader.actor, at=reader.at) or opened
    return opened


def document_page(
    document: Any, reader: Reader, typed: Typed | None = None, *, items: Sequence[WorkItem] | None = None
) -> DocumentPage:
    """Everything about one document for one reader: a constant number of statements."""
    items = open_items(document) if items is None else list(items)
    document.rerouted = rerouted_of(items)
    lifecycle = document.lifecycle
    state = lifecycle.states.get(document.state)
    final = state is not None and state.final
    running = [item for item in items if item.paused_at is None]
    lamps = {item.lamp for item in running}
    main = next(
        iter(sorted(items, key=lambda i: (i.seat_id is not None, i.paused_at is not None, i.due_at))), None
    )
    lamp = "done" if final else next((lamp for lamp in WORST if lamp in lamps), "paused" if items else "none")
    holders = _people(document, items, reader)
    attach_url = _attach_url(document, reader)
    return DocumentPage(
        kind=lifecycle.title, title=document.title, state=said.state_text(document.kind(), document.state), lamp=lamp,
        number=document.number, unit=unit_name(document.unit), due=said.due_of(main, reader) if main else None,
        responsible=_responsible(document, reader, holders), states=_states(document), facts=facts_of(document),
        panel=None if final else panel_of(document, reader, items=items, shape="page", typed=typed),
        holders=tuple(_holding(item, holders, reader) for item in items),
        no_holder=_no_holder(document, items), files=files_of(document, may_remove=bool(attach_url)), entries=entries_of(document, reader),
        round=_round(document), edit_url=_edit_url(document, reader), verified=_verified(document),
        links=_links(document, reader), attach_url=attach_url, beginnings=births_on(document, reader),
    )  # fmt: skip


def _no_holder(document: Any, items: Sequence[WorkItem]) -> str:
    """Why nobody holds it, where that is in order; "" otherwise."""
    state = document.lifecycle.states.get(document.state)
    if items or (state is not None and state.final):
        return ""
    if state is not None and state.with_parent and (above := parent_of(type(document))):
        return _("It goes with its file above (%(kind)s), and moves on with it.") % {
            "kind": above.lifecycle.title
        }
    return _("Nobody owes anything here.")


def _states(document: Any) -> tuple[StateMark, ...]:
    """The states on a line: passed, now, ahead. Side tracks show only while the document stands on one."""
    states = list(document.lifecycle.states.values())
    at = next((n for n, s in enumerate(states) if s.name == document.state), 0)
    main = _main_road(document)
    shown = [s for s in states if s.name in main or s.name == document.state]
    order = {s.name: n for n, s in enumerate(states)}
    return tuple(
        StateMark(s.text, "now" if s.name == document.state else "passed" if order[s.name] < at else "ahead", document.moved_at if s.name == document.state else None)
        for s in shown
    )  # fmt: skip


def _main_road(document: Any) -> frozenset[str]:
    """The shortest way by forward steps from birth to the first final state."""
    lifecycle, kind = document.lifecycle, document.kind()
    finals = [s.name for s in lifecycle.states.values() if s.final]
    goal = finals[0]
    ways: dict[str, tuple[str, ...]] = {
        birth.path.target.name: (birth.path.target.name,) for birth in lifecycle.births()[:1]
    }
    waiting = list(ways)
    while waiting:
        here = waiting.pop(0)
        for step in lifecycle.leaving(here):
            there = step.path.target.name
            if there not in ways and said.tone_of(kind, step) == "forward":
                ways[there] = (*ways[here], there)
                waiting.append(there)
    return frozenset(ways.get(goal, tuple(lifecycle.states)))


def _people(document: Any, items: Sequence[WorkItem], reader: Reader) -> list[Standing]:
    """Who may act today on these items, and the unit's head and deputy: one statement."""
    wanted = Q(unit_id=document.unit_id, role__in=(PostRole.HEAD, PostRole.DEPUTY_IN_CHARGE))
    for item in items:
        if item.post_id:
            wanted |= Q(post_id=item.post_id)
        elif item.owner_unit_id:
            wanted |= Q(role=item.post_role, unit_id=item.owner_unit_id)
        else:
            wanted |= Q(role=item.post_role)
    rows = Standing.objects.on(reader.today).filter(wanted, institution_id=document.institution_id)
    return list(
        rows.select_related("person", "holder", "unit").order_by("unit_id", "role", "via", "person_id")
    )


def _as_who(row: Standing, reader: Reader) -> Who:
    acting: Words = row.holder.name if row.holder_id != row.person_id else ""
    return Who(
        Text(row.person.name, row.person.name_en or row.person.name),
        unit=unit_name(row.unit),
        role=said.role_text(row.role),
        on_behalf_of=acting,
        me=row.person_id == reader.actor.person_id,
    )


def _responsible(document: Any, reader: Reader, people: Sequence[Standing]) -> tuple[tuple[Words, Who], ...]:
    """First and directly responsible today (R3)."""
    of_unit = [row for row in people if row.unit_id == document.unit_id and row.via == "post"]
    labels = (
        (PostRole.HEAD, _("First responsible:")),
        (PostRole.DEPUTY_IN_CHARGE, _("Directly responsible:")),
    )
    found = ((label, next((r for r in of_unit if r.role == role), None)) for role, label in labels)
    return tuple(
        (label, Who(Text(row.person.name, row.person.name_en or row.person.name)))
        for label, row in found
        if row
    )


def _holding(item: WorkItem, people: Sequence[Standing], reader: Reader) -> Holding:
    entitled = [
        row for row in people
        if (row.post_id == item.post_id if item.post_id else row.role == item.post_role and item.owner_unit_id in (None, row.unit_id))
    ]  # fmt: skip
    shown = [row for row in entitled if item.claimed_by_id in (None, row.person_id)]
    note = ""
    if item.rerouted_from:
        note = _("The post is vacant; the next office up holds it.")
    elif not entitled:
        note = _("Nobody holds this post today.")
    who: tuple[Who, ...] = tuple(_as_who(row, reader) for row in shown[:6])
    if item.claimed_by and not who:
        who = (Who(item.claimed_by.name),)
    me = reader.actor.person_id
    may = item.paused_at is None and any(row.person_id == me for row in entitled)
    free, mine = item.claimed_by_id is None, item.claimed_by_id == me
    return Holding(
        said.duty_text(item), who, item.lamp if item.paused_at is None else "paused", said.due_of(item, reader), not free, note,
        claim_url=reverse("claim", args=[item.pk]) if may and free and item.seat_id is None else "",
        release_url=reverse("release", args=[item.pk]) if mine else "",
        hand_over_url=reverse("hand_over", args=[item.pk]) if may and (free or mine) else "",
    )  # fmt: skip


def _round(document: Any) -> Round | None:
    """The latest round with its drawing and seats: one statement."""
    if not any(state.round for state in document.lifecycle.states.values()):
        return None
    sittings = rounds.sittings_of(document)
    if not sittings:
        return None
    process = sittings[-1].round
    own = [s for s in sittings if s.task.process_id == process.pk]
    policy = process.flow_class
    steps = []
    for sitting in own:
        tally = sitting.tally()
        need = _("%(agreed)d of %(need)d needed have agreed") % {
            "agreed": tally.agreed,
            "need": max(tally.need, 1),
        }
        seats = tuple(_seat(seat, sitting) for seat in sitting.seats)
        steps.append(RoundStep(sitting.panel.text, seats, need, "now" if sitting.is_open else "passed"))
    outcome = document.lifecycle.steps.get(process.outcome)
    return Round(
        policy.title if policy else process.name,
        tuple(steps),
        rounds.round_svg(process, sittings),
        outcome.text if outcome else "",
    )


def _seat(seat: Any, sitting: Any) -> Seat:
    voted = seat.voted_by
    person = voted or (seat.post.person if seat.post else None)
    name: Words = person.name if person else sitting.panel.role.text
    vote = {"": "open", "recuse": "recused"}.get(seat.vote, seat.vote)
    word = seat.get_vote_display() if seat.vote else _("not voted yet")
    return Seat(Who(name, role=sitting.panel.role.text), vote, word, seat.voted_at, seat.opinion)


def _edit_url(document: Any, reader: Reader) -> str:
    state = document.lifecycle.states.get(document.state)
    if state is None or state.edits is None:
        return ""
    verdict = capacity_for(reader.actor, state.edits, document, decides=False)
    return reverse("edit", args=[document.kind(), document.pk]) if verdict.capacity else ""


def _attach_url(document: Any, reader: Reader) -> str:
    state = document.lifecycle.states.get(document.state)
    roles = () if state is None else state.attaches or ((state.edits,) if state.edits else ())
    may = any(capacity_for(reader.actor, role, document, decides=False).capacity for role in roles)
    return reverse("attach", args=[document.kind(), document.pk]) if may else ""


def _verified(document: Any) -> str:
    return _("%(n)d entries, each linked to the one before") % {"n": document.ledger_sequence}


def _links(document: Any, reader: Reader) -> tuple[tuple[Words, str, str], ...]:
    """The documents above and below it, and those it refers to, within the reader's scope: one statement a relation."""
    found: list[tuple[Words, str, str]] = []
    model = type(document)
    for field in model._meta.concrete_fields:
        target = field.related_model
        if isinstance(target, type) and issubclass(target, Document) and getattr(document, field.attname):
            found += _seen(target, reader, pk=getattr(document, field.attname))
    for child in document_kinds():
        for field in child._meta.concrete_fields:
            if field.related_model is model:
                found += _seen(child, reader, **{field.name: document.pk})
    return tuple(found)


def _seen(model: type[Document], reader: Reader, **conditions: Any) -> list[tuple[Words, str, str]]:
    rows = model.visible_to(reader.actor).filter(**conditions).order_by("pk")[:50]
    return [
        (model.lifecycle.title, said.document_url(model.kind(), row.pk), row.in_short())
        for row in rows
    ]  # fmt: skip

"""A step written the plain way: one row after the other through Django's ORM. Slow, and easy to read.

The product writes a step with one statement (`workflows/writing.py`). This module says in ordinary words what that
statement must have written; a test lets both take the same step and compares every row.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from calendars.queries import current_stamp
from organisation.actors import Actor, Capacity
from organisation.models import Standing
from organisation.queries import local_day
from workflows import ladders
from workflows.fire import own_work_of
from workflows.ledger import canonical, plain
from workflows.models import Entry, Notice, Payload, WorkItem
from workflows.rulebook import Deadline, rulebook_of


def take_step(
    document: Any, name: str, *, actor: Actor, capacity: Capacity, at: datetime, facts: dict[str, Any], inputs: dict[str, Any],
    number: str = "",
) -> None:  # fmt: skip
    """The step's entry, items and notices, and the document itself; without triggers' help, digests or effects."""
    step = document.lifecycle.steps[name]
    before, target = document.lifecycle.states[document.state], step.path.target
    rules = rulebook_of(document, current_stamp())
    for fact, value in facts.items():
        setattr(document, fact, value)
    values = step.values(document, at, inputs)
    for field, value in values.items():
        setattr(document, field, value)
    if step.numbers:
        values["number"] = document.number = number
    if step.signs:
        signs = {f"{capacity.role}:{person}" for person in own_work_of(actor, capacity)}
        values["signers"] = document.signers = sorted({*document.signers, *signs})
    if step.begins_anew:
        document.workers = []
    elif not (step.decides or step.takes_note):
        document.workers = sorted({*document.workers, *own_work_of(actor, capacity)})
    version, sequence = document.version + 1, document.ledger_sequence + 1
    type(document)._base_manager.filter(pk=document.pk).update(
        **values, workers=document.workers, version=version, ledger_sequence=sequence, moved_by=actor.person_id, moved_step=name,
        moved_at=at,
    )  # fmt: skip
    duties = _items(document, step, before, target, rules, actor, at, inputs)
    content = {
        "actor": actor.name, "via": capacity.via, "inputs": inputs, "records": values, "facts": facts, "duties": duties,
        "workers": document.workers, "calendar": current_stamp(),
    }  # fmt: skip
    names = {"kind": document.kind(), "document_id": document.pk, "sequence": sequence}
    Payload.objects.create(**names, salt=b"", content=canonical(content))
    Entry.objects.create(
        **names, institution_id=document.institution_id, version=version, step=name, from_state=before.name, to_state=target.name,
        actor=actor.person_id, as_role=capacity.role, as_unit=capacity.unit_id, as_post=capacity.post_id,
        acting_for=None if capacity.holder_id == actor.person_id else capacity.holder_id, decides=step.decides, effective_at=at,
        recorded_at=at, rules=rules.version, payload_digest=b"", previous=b"", digest=b"",
    )  # fmt: skip
    _tell(document, step, sequence, actor, at)


def _items(
    document: Any,
    step: Any,
    before: Any,
    target: Any,
    rules: Any,
    actor: Actor,
    at: datetime,
    inputs: dict[str, Any],
) -> list[dict[str, Any]]:
    """Close what the new state does not owe, keep or pause what goes on, open the rest. Gives what was derived."""
    owed, paused = list(target.duties), list(target.pauses)
    goes_on = {duty.rule for duty in (*before.duties, *before.pauses)}
    mine = WorkItem.objects.filter(kind=document.kind(), document_id=document.pk, closed_at=None)
    mine.exclude(duty__in=[duty.rule for duty in (*owed, *paused)]).update(
        closed_at=at, closed_by=actor.person_id, closed_how=step.name, next_step_at=None
    )
    derived = []
    for duty in (*owed, *paused):
        item = mine.filter(duty=duty.rule).first()
        if duty in paused:
            if item:
                item.state, item.paused_at, item.next_step_at = target.name, item.paused_at or at, None
                item.save()
            continue
        resumed = item is not None and item.paused_at is not None
        if item and duty.rule in goes_on and not resumed and duty not in step.moves:
            item.state = target.name
            item.save()
            continue
        deadline: Deadline = rules.derive(duty.rule, document, at)
        if item and resumed and duty not in step.moves:
            deadline = rules.resume(item.derivation, document, item.paused_at, at)
        elif item and item.due_on and deadline.due_on > item.due_on:
            reason = str(inputs.get("reason") or "")
            deadline = rules.extend(item.derivation, deadline.due_on, at=at, by=actor.name, reason=reason)
        derived.append({"duty": duty.rule, "due_on": deadline.due_on, "derivation": deadline.derivation})
        _put(document, duty, item, deadline, target.name, at)
    return derived


def _put(
    document: Any, duty: Any, item: WorkItem | None, deadline: Deadline, state: str, at: datetime
) -> None:
    ladder = json.loads(json.dumps([vars(step) for step in deadline.ladder], default=plain))
    if item is None:
        turns = WorkItem.objects.filter(kind=document.kind(), document_id=document.pk, duty=duty.rule).count()
        item = WorkItem(
            kind=document.kind(), document_id=document.pk, institution_id=document.institution_id, title=document.title,
            number=document.number, unit_id=document.unit_id, duty=duty.rule, turn=turns + 1, role=duty.role.key,
            post_role=duty.role.post, owner_unit_id=duty.role.unit_of(document), opened_at=at, original_due_on=deadline.due_on,
            lamp="green", ladder_at=0, next_step_at=deadline.ladder[0].at if deadline.ladder else None,
        )  # fmt: skip
    else:
        stands = ladders.passed(deadline.ladder, at)
        item.ladder_at, item.next_step_at, item.lamp = stands.taken, stands.next_step_at, stands.lamp
    item.state, item.paused_at = state, None
    item.due_on, item.due_at, item.provisional = deadline.due_on, deadline.due_at, deadline.provisional
    item.derivation, item.ladder = dict(deadline.derivation), ladder
    item.save()


def _tell(document: Any, step: Any, sequence: int, actor: Actor, at: datetime) -> None:
    """Everybody who may act for a told role that day, once, and never the one who did it."""
    people = set()
    for role in step.tells:
        standing = Standing.objects.on(local_day(document.institution_id, at)).filter(
            institution_id=document.institution_id, role=role.post
        )
        if role.unit:
            standing = standing.filter(unit_id=role.unit_of(document))
        people |= set(standing.values_list("person_id", flat=True))
    for person in people - {actor.person_id}:
        Notice.objects.create(
            kind=document.kind(), document_id=document.pk, institution_id=document.institution_id, person_id=person,
            key=f"{document.kind()}:{document.pk}:{sequence}:{person}", code=step.name, title=document.title, urgent=step.urgent, at=at,
        )  # fmt: skip

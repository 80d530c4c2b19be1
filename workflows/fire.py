"""fire(), edit(), start(): the only writers of a document, for one or for ten thousand.

Every call is one transaction: take the row, ask who, ask what must hold, compare and set. With it go the ledger
entry, the work items of the old state and the new, the notices, and what the step is declared to cause.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, transaction

from organisation.actors import Actor, Capacity
from organisation.queries import local_day
from workflows import ledger, writing
from workflows.documents import Conflict, Document, Refused, Stale, parent_of
from workflows.effects import bring_about
from workflows.failpoints import reached
from workflows.judgement import NO_SUCH_FIELD, NOT_EDITABLE, capacity_for, faults_of_inputs, judge
from workflows.lifecycle import Duty, State, Step, lifecycle_of
from workflows.models import Entry, WorkItem
from workflows.rulebook import Deadline, RuleBook, rulebook_of
from workflows.taking import answered_before, hold_parents, latest_moves, read_facts, take
from workflows.words import Reason

D = TypeVar("D", bound=Document)


@dataclass(frozen=True)
class Fired:
    """What came of it. `replayed` when the same request had been answered before."""

    document_id: int
    version: int
    state: str
    sequence: int
    replayed: bool = False


@dataclass
class Many:
    """What came of each: those moved, and those refused or stale with the reason."""

    done: list[Fired] = field(default_factory=list)
    turned_down: dict[int, Exception] = field(default_factory=dict)


def fire(
    document: Document,
    step: str,
    *,
    actor: Actor,
    at: datetime,
    seen_version: int,
    request_id: UUID,
    as_post: int | None = None,
    effective_at: datetime | None = None,
    **inputs: object,
) -> Fired:
    """Take one step with one document.

    `seen_version` is the version the person saw; `request_id` makes a repeated call return its first result;
    `as_post` names the capacity where the actor has several; `effective_at` is when it counts, if not `at`.
    Raises Refused (with every reason), Stale (who moved it, when), Conflict (request id used with other content).
    """
    many = fire_many(
        type(document), {document.pk: seen_version}, step, actor=actor, at=at, request_id=request_id, as_post=as_post,
        effective_at=effective_at, along_with=None, **inputs,
    )  # fmt: skip
    for error in many.turned_down.values():
        raise error
    return many.done[0]


def fire_many(
    model: type[Document],
    seen: Mapping[int, int],
    step: str,
    *,
    actor: Actor,
    at: datetime,
    request_id: UUID,
    as_post: int | None = None,
    effective_at: datetime | None = None,
    along_with: Document | None = None,
    **inputs: object,
) -> Many:
    """The same contract for many documents of one kind (`seen`: id -> version); refused ones come back with reasons.

    `along_with` is the parent that takes them along: who handled it has handled them, and who signed it has signed them.
    """
    declared = lifecycle_of(model).steps[step]
    content = ledger.digest_of({"kind": model.kind(), "step": step, "inputs": inputs})
    with transaction.atomic():
        judged: list[tuple[Any, Capacity | None]] = []
        fresh, many = _sort_out(take(model, seen, actor, request_id), seen, actor, request_id, content)
        if declared.numbers and fresh:
            declared.numbers.hold(fresh, at)
        read_facts(model, fresh, declared.facts)
        for document in fresh:
            verdict = judge(document, declared, actor, at, as_post=as_post)
            reasons = verdict.reasons or faults_of_inputs(document, declared, at, inputs)
            if reasons:
                many.turned_down[document.pk] = Refused(*reasons)
            else:
                judged.append((document, verdict.capacity))
        if judged:
            request = Request(actor, at, effective_at or at, request_id, content, inputs, along_with)
            many.done += _move(model, declared, judged, request)
        elif declared.numbers:
            # What was held for a number, such as a series that is not there yet, goes as well.
            transaction.set_rollback(True)
    committed()
    return many


def committed() -> None:
    """The named point after a commit. Inside the transaction of a caller nothing is committed yet."""
    if not connection.in_atomic_block:
        reached("document.committed")


@dataclass(frozen=True)
class Request:
    """Who asked for what and when: the part that all documents of one call share."""

    actor: Actor
    at: datetime
    effective_at: datetime
    request_id: UUID | None
    digest: bytes | None
    inputs: Mapping[str, object]
    along_with: Any = None


def _sort_out(
    documents: Sequence[Any], seen: Mapping[int, int], actor: Actor, request_id: UUID, content: bytes
) -> tuple[list[Any], Many]:
    """Locked documents that stand as they were seen, for a request that is new; and the answer to every other."""
    fresh, stale, many = [], [], Many()
    if all(not d.answered and d.version == seen[d.pk] for d in documents):
        return list(documents), many
    # Asked again, after the lock: `answered` is as old as the wait for it.
    earlier = answered_before(actor, request_id)
    first = {(entry.kind, entry.document_id): entry for entry in earlier}
    is_other = bool(earlier) and not any(bytes(entry.request_digest or b"") == content for entry in earlier)
    for document in documents:
        entry = first.get((document.kind(), document.pk))
        if entry and bytes(entry.request_digest or b"") == content:
            many.done.append(Fired(document.pk, entry.version, entry.to_state, entry.sequence, replayed=True))
        elif entry or is_other:
            many.turned_down[document.pk] = Conflict(str(request_id))
        elif document.version == seen[document.pk]:
            fresh.append(document)
        else:
            stale.append(document)
    many.turned_down |= _overtaken(stale)
    return fresh, many


def _overtaken(documents: Sequence[Any]) -> dict[int, Stale]:
    """Who gave each of these its present version, by a step or an edit, and when: one statement."""
    if not documents:
        return {}
    by_id = latest_moves(documents[0].kind(), [d.pk for d in documents])
    told = {}
    for document in documents:
        step, by, at = by_id[document.pk]
        told[document.pk] = Stale(state=document.state, version=document.version, step=step, by=by, at=at)
    return told


def _move(
    model: type[Document], step: Step[Any], judged: Sequence[tuple[Any, Capacity | None]], request: Request
) -> list[Fired]:
    """Write the step for documents that are locked and judged."""
    target, writes = step.path.target, []
    going_on_as = _items_that_shift(step, [document for document, _ in judged])
    numbers = step.numbers.give([document for document, _ in judged], request.at) if step.numbers else {}
    for document, capacity in judged:
        before = document.state
        values = getattr(document, step.name)(request.at, request.inputs)
        if step.numbers:
            values["number"] = document.number = numbers[document.pk]
        if step.signs:
            values["signers"] = document.signers = _signed(document, request.actor, capacity)
        if request.along_with is not None:
            values["signers"] = document.signers = sorted({*document.signers, *request.along_with.signers})
        writes.append(_written(document, step, before, capacity, values, request, going_on_as))
    writing.move(model, writes, writing.Leaving(
        step.name, target.name, keep=sorted(_going_on(*step.path.sources) & _going_on(target)), paused=[d.rule for d in target.pauses],
        urgent=step.urgent, actor_id=request.actor.person_id, at=request.at,
        day=local_day(judged[0][0].institution_id, request.at),
    ))  # fmt: skip
    _follow_up(step, [document for document, _ in judged], writes, request)
    return [Fired(w.document.pk, w.document.version, target.name, w.link.sequence) for w in writes]


def _follow_up(
    step: Step[Any], documents: Sequence[Any], writes: Sequence[writing.Write], request: Request
) -> None:
    """Rounds that end or begin with the step, then what it is declared to cause."""
    from workflows import rounds  # a round ends by firing, so it imports this module

    reached("document.written")
    target = step.path.target
    if target.with_parent:
        join_parents(documents, actor=request.actor, at=request.at)
    for document, write in zip(documents, writes, strict=True):
        source = document.lifecycle.states.get(write.before)
        if source and source.round and request.actor.capacities[0].role != "round":
            rounds.withdraw(document, at=request.at, by=step.name)
        if target.round:
            rounds.open_round(document, target.round, actor=request.actor, at=request.at)
        for effect in step.causes:
            bring_about(effect.key, document, actor=request.actor, at=request.at)
    reached("document.caused")


def join_parents(documents: Sequence[Any], *, actor: Actor, at: datetime) -> None:
    """What waits with its parent is decided with it: whoever handled the one has handled the other."""
    above = parent_of(type(documents[0]))
    if above is None:
        return
    by_parent: dict[int, list[Any]] = {}
    for document in documents:
        by_parent.setdefault(getattr(document, f"{document.parent}_id"), []).append(document)
    for parent in take(above, sorted(by_parent), actor, None):
        children = by_parent[parent.pk]
        hands = {worker for child in children for worker in child.workers} - set(parent.workers)
        if hands:
            joined = [
                {"kind": child.kind(), "document": child.pk, "title": child.title} for child in children
            ]
            content = {"joined": joined, "workers": sorted(hands)}
            note(parent, "joined", actor=actor, at=at, content=content, hands=hands)


def _written(
    document: Any,
    step: Step[Any],
    before: str,
    capacity: Capacity | None,
    values: Mapping[str, Any],
    request: Request,
    going_on_as: Mapping[tuple[int, str], WorkItem],
) -> writing.Write:
    """One document's share of the writing statement; the instance is brought up to date in memory."""
    actor, target = request.actor, step.path.target
    if step.begins_anew:
        document.workers = []
    elif not step.decides and not step.takes_note:
        document.workers = sorted({*document.workers, *own_work_of(actor, capacity)})
    if request.along_with is not None:
        document.workers = sorted({*document.workers, *request.along_with.workers})
    source = document.lifecycle.states.get(before)
    going_on = _going_on(source) if source else set()
    resumed = {d.rule for d in source.pauses} - {d.rule for d in target.pauses} if source else set()
    rules = rulebook_of(document, document.calendar_stamp)
    duties = []
    for duty in target.duties:
        shifts = duty.rule in going_on and (duty in step.moves or duty.rule in resumed)
        if duty.rule in going_on and not shifts:
            continue
        item = going_on_as.get((document.pk, duty.rule))
        deadline = _shifted(rules, step, duty, item, document, request) if shifts and item else None
        duties.append(writing.Owed(duty, deadline or rules.derive(duty.rule, document, request.at), shifts))
    link = link_of(document, step.name, before, target.name, capacity, request, decides=step.decides, rules=rules.version, version=document.version + 1, content={
        "inputs": request.inputs, "records": dict(values), "facts": {f: getattr(document, f) for f in sorted(step.facts)},
        "duties": [{"duty": o.duty.rule, "due_on": o.deadline.due_on, "derivation": o.deadline.derivation} for o in duties],
        "workers": document.workers, "calendar": document.calendar_stamp,
    })  # fmt: skip
    seen, document.version = document.version, document.version + 1
    document.moved_by_id, document.moved_step, document.moved_at = actor.person_id, step.name, request.at
    return writing.Write(document, before, seen, link, dict(values), duties, step.tells)


def _going_on(*states: State) -> set[str]:
    """The duties whose items are open while a document is in one of these states, their clocks running or stopped."""
    return {duty.rule for state in states for duty in (*state.duties, *state.pauses)}


def _signed(document: Any, actor: Actor, capacity: Capacity | None) -> list[str]:
    """The signers with this one, and with whose post it is."""
    role = capacity.role if capacity else ""
    return sorted({*document.signers, *(f"{role}:{person}" for person in own_work_of(actor, capacity))})


def _items_that_shift(step: Step[Any], documents: Sequence[Any]) -> dict[tuple[int, str], WorkItem]:
    """The open items of these documents whose dates this step moves, or whose clocks it sets going again, by document and
    duty: one statement."""
    target = step.path.target
    stood_still = {duty for source in step.path.sources for duty in source.pauses}
    rules = [duty.rule for duty in target.duties if duty in stood_still or duty in step.moves]
    if not rules:
        return {}
    items = WorkItem.objects.filter(
        kind=documents[0].kind(), document_id__in=[d.pk for d in documents], duty__in=rules, closed_at=None
    )
    return {(item.document_id, item.duty): item for item in items}


def _shifted(
    rules: RuleBook, step: Step[Any], duty: Duty, item: WorkItem, document: Any, request: Request
) -> Deadline:
    """The date under which a duty goes on. A later one that the step names is an extension: what it was stays in its
    derivation."""
    if duty not in step.moves and item.paused_at:
        return rules.resume(item.derivation, document, item.paused_at, request.at)
    named = rules.derive(duty.rule, document, request.at)
    if item.due_on is None or named.due_on <= item.due_on:
        return named
    reason = request.inputs.get("reason") or ""
    return rules.extend(
        item.derivation, named.due_on, at=request.at, by=request.actor.name, reason=str(reason)
    )


def link_of(
    document: Any, step: str, before: str, after: str, capacity: Capacity | None, request: Request, *, version: int,
    content: Mapping[str, Any], decides: bool = False, rules: str = "",
) -> ledger.Link:  # fmt: skip
    """The next link of a locked document's chain; moves the chain's head in memory."""
    link = ledger.Link(
        institution=document.institution_id, kind=document.kind(), document_id=document.pk, sequence=document.ledger_sequence + 1,
        version=version, step=step, from_state=before, to_state=after, actor=request.actor, capacity=capacity,
        effective_at=request.effective_at, recorded_at=request.at, previous=bytes(document.ledger_head),
        content={"actor": request.actor.name, "via": capacity.via if capacity else "", **content}, decides=decides,
        request_id=request.request_id, request_digest=request.digest, rules=rules,
    )  # fmt: skip
    document.ledger_sequence, document.ledger_head = link.sequence, link.digest
    return link


def note(
    document: Any, step: str, *, actor: Actor, at: datetime, content: Mapping[str, Any], capacity: Capacity | None = None,
    effective_at: datetime | None = None, request_id: UUID | None = None, digest: bytes | None = None, decides: bool = False,
    handles: bool = False, hands: Collection[int] = (),
) -> ledger.Link:  # fmt: skip
    """Append what is no transition (a claim, a vote, a ladder step) to a locked document's chain: one statement.

    `handles` when it makes the document the actor's own work, as adding evidence does; `hands` are others whose own work
    it becomes.
    """
    request = Request(actor, at, effective_at or at, request_id, digest, {})
    link = link_of(
        document, step, document.state, document.state, capacity, request, version=document.version, content=content, decides=decides
    )  # fmt: skip
    workers = sorted({*(own_work_of(actor, capacity) if handles else ()), *hands})
    writing.append(type(document), [link], workers=workers)
    reached("document.written")
    document.workers = sorted({*document.workers, *workers})
    return link


def own_work_of(actor: Actor, capacity: Capacity | None) -> list[int]:
    """Whose own work a document becomes by what this actor does in this capacity: theirs and the post's holder's."""
    return sorted({pk for pk in (actor.person_id, capacity.holder_id if capacity else None) if pk})


def start(
    model: type[D],
    step: str,
    *,
    actor: Actor,
    at: datetime,
    request_id: UUID | None = None,
    as_post: int | None = None,
    parts: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    inputs: Mapping[str, object] | None = None,
    **fields: Any,
) -> D:
    """Open a document by one of its lifecycle's births. Raises Refused; a repeated request returns the first document."""
    return start_many(model, step, [fields], actor=actor, at=at, request_id=request_id, as_post=as_post,
                      parts=[parts or {}], inputs=inputs or {})[0]  # fmt: skip


def start_many(
    model: type[D],
    step: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    actor: Actor,
    at: datetime,
    request_id: UUID | None = None,
    as_post: int | None = None,
    parts: Sequence[Mapping[str, Sequence[Mapping[str, Any]]]] = (),
    inputs: Mapping[str, object] | None = None,
) -> list[D]:
    """Open many documents of one kind and one institution in one transaction; all or none. Raises Refused."""
    declared = lifecycle_of(model).steps[step]
    given = inputs or {}
    digest = ledger.digest_of(
        {"kind": model.kind(), "step": step, "rows": [writing.storable(r) for r in rows], "inputs": given}
    )
    request = Request(actor, at, at, request_id, digest if request_id else None, given)
    if not rows:
        return []
    with transaction.atomic():
        if request_id:
            writing.hold_request(actor.person_id, request_id)
            earlier = list(Entry.objects.filter(actor=actor.person_id, request_id=request_id))
            if any(bytes(e.request_digest or b"") != digest for e in earlier):
                raise Conflict(str(request_id))
            if earlier:
                ids = [e.document_id for e in earlier]
                return list(model._base_manager.filter(pk__in=ids).order_by("pk"))
        if declared.must:
            hold_parents(model, rows)
        ids, stamp = writing.reserve(model, len(rows))
        documents, writes = [], []
        for pk, row in zip(ids, rows, strict=True):
            document: Any = model(pk=pk, state=declared.path.target.name, **row)
            document.calendar_stamp = stamp
            verdict = judge(document, declared, actor, at, as_post=as_post)
            if reasons := verdict.reasons or faults_of_inputs(document, declared, at, given):
                raise Refused(*reasons)
            values = declared.values(document, at, given)
            for name, value in values.items():
                setattr(document, name, value)
            recorded = {**writing.storable(row), **values}
            writes.append(_written(document, declared, "", verdict.capacity, recorded, request, {}))
            documents.append(document)
        writing.open_new(model, writes, writing.Leaving(
            declared.name, declared.path.target.name, keep=[], paused=[], urgent=declared.urgent, actor_id=actor.person_id, at=at,
            day=local_day(documents[0].institution_id, at),
        ))  # fmt: skip
        for document, part in zip(documents, parts or [{} for _ in documents], strict=True):
            document._state.adding = False
            _require_own_rows(document, part, {name: [] for name in part})
        writing.open_parts(documents, parts)
        _follow_up(declared, documents, writes, request)
    committed()
    return documents


def edit(
    document: Document,
    *,
    actor: Actor,
    at: datetime,
    seen_version: int,
    request_id: UUID,
    changes: Mapping[str, Any],
    parts: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    as_post: int | None = None,
) -> Fired:
    """Change a document's content in a state that names an editor: version bumped, before and after in the ledger.

    `parts` maps a part's related name to its rows: those with `id` are kept and changed, the others are new, and
    rows that are not named are removed. What changes nothing writes nothing. Raises Refused, Stale, Conflict.
    """
    model, parts = type(document), parts or {}
    digest = ledger.digest_of(
        {"kind": model.kind(), "step": "edit", "changes": writing.storable(changes), "parts": parts}
    )
    with transaction.atomic():
        locked: Any = take(model, [document.pk], actor, request_id)[0]
        fresh, many = _sort_out([locked], {locked.pk: seen_version}, actor, request_id, digest)
        if not fresh:
            for error in many.turned_down.values():
                raise error
            return many.done[0]
        capacity = _editor(locked, actor, changes, parts, as_post)
        before = {name: getattr(locked, name) for name in changes}
        changed = {name: value for name, value in changes.items() if before[name] != value}
        rows_before = {name: writing.part_rows(locked, name) for name in parts}
        _require_own_rows(locked, parts, rows_before)
        moved_parts = {
            name: rows for name, rows in parts.items() if not writing.same_rows(rows_before[name], rows)
        }
        if not changed and not moved_parts:
            return Fired(locked.pk, locked.version, locked.state, locked.ledger_sequence)
        for name, value in changed.items():
            setattr(locked, name, value)
        locked.workers = sorted({*locked.workers, *own_work_of(actor, capacity)})
        request = Request(actor, at, at, request_id, digest, {})
        link = link_of(locked, "edit", locked.state, locked.state, capacity, request, version=locked.version + 1, content={
            "before": writing.storable({n: before[n] for n in changed}), "after": writing.storable(changed),
            "parts_before": {n: rows_before[n] for n in moved_parts}, "parts_after": moved_parts,
        })  # fmt: skip
        locked.version += 1
        writing.edit(
            model,
            writing.Write(locked, locked.state, locked.version - 1, link, writing.storable(changed), [], ()),
        )
        writing.replace_parts(locked, moved_parts)
        reached("document.written")
    committed()
    return Fired(locked.pk, locked.version, locked.state, link.sequence)


def _editor(
    locked: Any, actor: Actor, changes: Mapping[str, Any], parts: Mapping[str, Any], as_post: int | None
) -> Capacity:
    """The capacity in which this actor may edit now. Raises Refused."""
    state = locked.lifecycle.states[locked.state]
    if state.edits is None:
        raise Refused(Reason("not_editable", NOT_EDITABLE, {"state": state.text}))
    verdict = capacity_for(actor, state.edits, locked, decides=False, as_post=as_post)
    if verdict.capacity is None:
        raise Refused(*verdict.reasons)
    unknown = [
        *(n for n in changes if n not in locked.content or (state.only and n not in state.only)),
        *(n for n in parts if n not in locked.parts or (state.only and n not in state.only)),
    ]
    if unknown:
        raise Refused(*(Reason("no_such_field", NO_SUCH_FIELD, {"field": name}) for name in unknown))
    return verdict.capacity


def _require_own_rows(
    locked: Any, parts: Mapping[str, Sequence[Mapping[str, Any]]], before: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:  # fmt: skip
    """Rows of a part are this document's, name no other document's rows, and only their own columns are written.

    Raises Refused.
    """
    strange = []
    for name, rows in parts.items():
        columns, ours = {"id", *writing.part_columns(locked, name)}, writing.rows_to_name(locked, name)
        ours["id"] = {row["id"] for row in before[name]}
        strange += [f"{name}.{column}" for row in rows for column in row if column not in columns]
        strange += [
            f"{name}.{c}" for row in rows for c, known in ours.items() if row.get(c) and row[c] not in known
        ]
    if strange:
        raise Refused(*(Reason("no_such_field", NO_SUCH_FIELD, {"field": name}) for name in strange))

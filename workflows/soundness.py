"""Proves from the declaration alone that a lifecycle cannot get stuck (promise 7), and with `--live` that it is staffed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflows.documents import Document
    from workflows.lifecycle import Lifecycle, State, Step


ENGINES_OWN = frozenset({
    "edit", "claim", "release", "hand_over", "open_item", "attach", "remove_attachment", "erase", "pass_over", "rederived", "rerouted",
    "came_back", "claim_released", "calendar_settled", "joined", "vote", "seats_open", "seat_replaced", "seat_moved",
})  # fmt: skip
"""What the engine itself writes into a document's chain under a name of its own."""


def faults(lifecycle: type[Lifecycle[Any]]) -> list[str]:
    """Every reason why this lifecycle cannot be meant, as sentences; empty when it is sound."""
    return [
        *_reachability(lifecycle),
        *_ownership(lifecycle),
        *_stopped_clocks(lifecycle),
        *_declarations(lifecycle),
    ]


def _closure(start: set[str], pairs: Iterable[tuple[str, str]]) -> set[str]:
    pairs, seen = list(pairs), set(start)
    while more := {b for a, b in pairs if a in seen} - seen:
        seen |= more
    return seen


def edges(lifecycle: type[Lifecycle[Any]]) -> list[tuple[str, str, Step[Any]]]:
    """Every (from, to, step); births are not among them."""
    return [
        (source.name, step.path.target.name, step)
        for step in lifecycle.steps.values()
        for source in step.path.sources
    ]


def _reachability(lifecycle: type[Lifecycle[Any]]) -> list[str]:
    states, pairs = lifecycle.states, [(a, b) for a, b, _ in edges(lifecycle)]
    born = {birth.path.target.name for birth in lifecycle.births()}
    finals = {name for name, state in states.items() if state.final}
    found = [] if born else ["nothing opens it: it has no birth"]
    found += [] if finals else ["it has no final state"]
    reached, ending = _closure(born, pairs), _closure(finals, [(b, a) for a, b in pairs])
    found += [f"nothing leads to {name}" for name in states if name not in reached]
    found += [f"no way from {name} to an end" for name in states if name not in ending]
    return found


def _ownership(lifecycle: type[Lifecycle[Any]]) -> list[str]:
    found: list[str] = []
    for name, state in lifecycle.states.items():
        exits = lifecycle.leaving(name)
        if state.final:
            found += (
                [f"{name} is final, yet something is owed or possible there"]
                if exits or state.duties or state.round or state.with_parent
                else []
            )
            continue
        if state.with_parent:
            found += list(_waiting_for_parent(state, exits))
        elif not state.duties and not state.round:
            found.append(f"nobody owes anything in {name}")
        found += list(_idle_owners(state, exits))
        by_round = [step.name for step in exits if step.by.key == "round"]
        if bool(by_round) != bool(state.round):
            found.append(
                f"{name} and its round do not fit: steps by the round {by_round}, round {state.round!r}"
            )
    return found


def _waiting_for_parent(state: State, exits: list[Step[Any]]) -> Iterable[str]:
    """Its parent's step moves it on, as the clock."""
    if state.duties or state.round:
        yield f"{state.name} waits with its parent, yet something is owed there"
    if not any(step.by.key == "clock" for step in exits):
        yield f"{state.name} waits with its parent, but no step of the clock leads out of it"


def _idle_owners(state: State, exits: list[Step[Any]]) -> Iterable[str]:
    movers = {step.by.key for step in exits}
    for duty in state.duties:
        if duty.role.key not in movers and duty.role.key != getattr(state.edits, "key", None):
            yield f"{duty.role.key} owes '{duty.text.en}' in {state.name} but has no step out of it"


def _stopped_clocks(lifecycle: type[Lifecycle[Any]]) -> Iterable[str]:
    """A clock can stand still only where it has been running: else nobody would owe the duty when it resumes."""
    for step in lifecycle.steps.values():
        for duty in step.path.target.pauses:
            if step.is_birth or any(duty not in (*s.duties, *s.pauses) for s in step.path.sources):
                yield f"{step.name} stops the clock of {duty.rule}, which was not owed before"


def _declarations(lifecycle: type[Lifecycle[Any]]) -> list[str]:
    from workflows.lifecycle import Given

    found: list[str] = []
    for name, step in lifecycle.steps.items():
        source_duties = {
            duty.rule for source in step.path.sources for duty in (*source.duties, *source.pauses)
        }
        found += [
            f"{name} records {field} from {value.name}, which is not given"
            for field, value in step.records.items()
            if isinstance(value, Given) and value not in step.given
        ]
        found += [
            f"{name} moves the date of {duty.rule}, which {step.path.target.name} does not owe"
            for duty in step.moves
            if duty not in step.path.target.duties or duty.rule not in source_duties
        ]
        if step.is_birth and (step.facts or step.numbers or step.signs):
            found.append(
                f"{name} opens a document, so there is no row yet to judge by facts, to number or to sign"
            )
        if step.begins_anew and not step.path.target.edits:
            found.append(f"{name} begins anew in {step.path.target.name}, where nobody drafts")
    found += [
        f"step {name} has the name of one of the engine's own acts, and the ledger could not tell them apart"
        for name in sorted(ENGINES_OWN.intersection(lifecycle.steps))
    ]
    by_key: dict[str, object] = {}
    for role in (r for step in lifecycle.steps.values() for r in (step.by, *step.tells)):
        known = by_key.setdefault(role.key, (role.post, role.unit))
        if known != (role.post, role.unit):
            found.append(f"two different roles are called {role.key}")
    return found


def model_faults(model: type[Document]) -> list[str]:
    """What only the model knows: fields that are recorded, read or edited but do not exist, and names that clash."""
    lifecycle = model.lifecycle
    fields = {f.name for f in model._meta.concrete_fields} | {f.attname for f in model._meta.concrete_fields}
    facts = set(model.facts())
    found = [
        f"{n} records unknown field {f}"
        for n, s in lifecycle.steps.items()
        for f in s.records
        if f not in fields
    ]
    found += [
        f"role {r.key} reads unknown field {r.unit}"
        for r in lifecycle.roles.values()
        if r.unit and r.unit not in fields
    ]
    found += [
        f"{n} is judged on unknown fact {f}"
        for n, s in lifecycle.steps.items()
        for f in s.facts
        if f not in facts
    ]
    found += [f"unknown content field {f}" for f in model.content if f not in fields]
    found += [
        f"{n} lets edit {name}, which is no content"
        for n, state in lifecycle.states.items()
        for name in state.only
        if name not in (*model.content, *model.parts)
    ]
    found += [
        f"{n} lets edit {field}, which says who owes {duty.rule} there"
        for n, state in lifecycle.states.items()
        for duty in state.duties
        for field in (_editable(model, state) if duty.role.unit else ())
        if duty.role.unit in (field, model._meta.get_field(field).attname)  # type: ignore[union-attr]
    ]
    found += [f"unknown part {part}" for part in model.parts if not hasattr(model, part)]
    found += [
        f"{n} waits with its parent, but {model.__name__} has none"
        for n, state in lifecycle.states.items()
        if state.with_parent and not model.parent
    ]
    found += [f"step {n} has the name of a field" for n in lifecycle.steps if n in fields]
    inherited = {n for base in model.__mro__ if base.__module__.startswith("django.") for n in vars(base)}
    return found + [f"step {n} hides something of Django's" for n in lifecycle.steps if n in inherited]


def _editable(model: type[Document], state: State) -> list[str]:
    fields = {f.name for f in model._meta.concrete_fields}
    return [n for n in model.content if state.edits and n in fields and (not state.only or n in state.only)]


def check_documents(**_: Any) -> list[Any]:
    """A Django system check over every kind of document."""
    from django.core.checks import Error

    from workflows.documents import document_kinds
    from workflows.round_policies import faults_of_rounds

    return [
        Error(fault, obj=kind, id="workflows.E001")
        for kind in document_kinds()
        for fault in (*model_faults(kind), *faults_of_rounds(kind))
    ]


def rules_named(lifecycle: type[Lifecycle[Any]]) -> frozenset[str]:
    """The deadline rules that a scheme must carry for this lifecycle."""
    return frozenset(duty.rule for state in lifecycle.states.values() for duty in state.duties)

"""Which policy stands behind the name of a round, and what it needs: roles, rules, numbers, and steps to end by."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import CharField
from django.db.models.functions import Cast
from viewflow.workflow.fields import import_task_by_ref

from workflows.documents import Document, document_kinds
from workflows.models import RoundTask
from workflows.roles import ROUND, Role
from workflows.round_nodes import Panel, RoundFlow
from workflows.round_writing import duty_of
from workflows.words import Text


class NoSuchRound(Exception):
    """A lifecycle names a round that no room has registered."""


_policies: dict[str, type[RoundFlow]] = {}


def register_round(name: str, policy: type[RoundFlow]) -> None:
    """Fill `name`, by which a lifecycle's state names its round. Called once at start-up by the room that owns the policy."""
    _policies[name] = policy


def registered_rounds() -> tuple[str, ...]:
    return tuple(sorted(_policies))


def policy_of(name: str) -> type[RoundFlow]:
    """The policy registered under a name. Raises NoSuchRound."""
    if name not in _policies:
        raise NoSuchRound(name)
    return _policies[name]


def rules_of(name: str) -> frozenset[str]:
    """The deadline rules that a scheme must carry for this round."""
    return frozenset(panel.rule for panel in policy_of(name).panels())


def numbers_of(name: str) -> frozenset[str]:
    """The keys of the institution's numbers that a scheme must carry for this round."""
    return frozenset(panel.need for panel in policy_of(name).panels() if isinstance(panel.need, str))


def roles_of(name: str) -> dict[str, Role]:
    """The roles that sit in this round or convene it, by key."""
    policy = policy_of(name)
    return {role.key: role for role in (*(panel.role for panel in policy.panels()), policy.convenes)}


def duty_text(duty: str) -> Text | None:
    """What is owed under the duty of a seat: the panel's own words. None for a duty that is no seat's."""
    words = {
        duty_of(name, panel.name): panel.text
        for name, policy in _policies.items()
        for panel in policy.panels()
    }
    return words.get(duty)


def step_text(name: str, step: str) -> Text:
    """What a step is called that this round ends by, from whichever kind of document names the round."""
    for kind in document_kinds():
        if (
            any(state.round == name for state in kind.lifecycle.states.values())
            and step in kind.lifecycle.steps
        ):
            return kind.lifecycle.steps[step].text
    return Text(step, step)


def faults_of_rounds(kind: type[Document]) -> list[str]:
    """Whether every state that names a round leaves by exactly the steps its round can end with, as sentences."""
    found = []
    for state in kind.lifecycle.states.values():
        if not state.round:
            continue
        if state.round not in _policies:
            found.append(f"{state.name} names the round {state.round}, which no room has registered")
            continue
        policy = _policies[state.round]
        by_round = {step.name for step in kind.lifecycle.leaving(state.name) if step.by.key == ROUND.key}
        if by_round != policy.outcomes():
            found.append(
                f"{state.name} leaves by {sorted(by_round)}, its round ends by {sorted(policy.outcomes())}"
            )
        for name in sorted(by_round):
            if any(not given.optional for given in kind.lifecycle.steps[name].given):
                found.append(f"{name} wants something handed over, which a round cannot")
        for panel in policy.panels():
            if panel.on_agreed is None or panel.on_refused is None:
                found.append(f"{panel.name} of the round {state.round} lacks an exit")
    return found


@dataclass(frozen=True)
class Orphan:
    """An open step of a round that the program no longer knows: nobody can vote there until the document moves otherwise."""

    kind: str
    document_id: int
    round_id: int
    step: str


def orphans() -> list[Orphan]:
    """Open steps whose policy or panel is gone. One query; for the auditor, and before a new version goes into service."""
    rows = RoundTask.objects.filter(finished=None, process__finished=None).annotate(
        reference=Cast("flow_task", CharField())
    )
    columns = ("process__kind", "process__document_id", "process_id", "process__name", "reference")
    return [
        Orphan(kind, document_id, round_id, reference)
        for kind, document_id, round_id, name, reference in rows.order_by("pk").values_list(*columns)
        if name not in _policies or not _resolves(reference)
    ]


def _resolves(reference: str) -> bool:
    try:
        return isinstance(import_task_by_ref(reference), Panel)
    except (ImportError, LookupError):
        return False

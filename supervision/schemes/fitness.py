"""Whether the documents can live by a scheme: what their lifecycles and rounds need and it does not carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from supervision.schemes.documents import Supervised
from supervision.schemes.pack import OWNER
from workflows.documents import document_kinds
from workflows.effects import registered_effects
from workflows.round_policies import numbers_of, registered_rounds, rules_of


def misfits(content: Mapping[str, Any]) -> list[str]:
    """Every rule or number that is missing, every role that a ladder tells and the document does not know, every action
    that no room has registered: one sentence each. `content` is what `read_pack` gives."""
    found = [
        sentence
        for kind in document_kinds()
        if issubclass(kind, Supervised)
        for sentence in _of_kind(kind, content)
    ]
    actions = {step["action"] for steps in content["ladders"].values() for step in steps if step["action"]}
    if unknown := sorted(actions - registered_effects()):
        known = ", ".join(sorted(registered_effects())) or "none"
        found.append(
            f"the ladders name actions that no room has registered: {', '.join(unknown)} (registered: {known})"
        )
    return found


def _of_kind(kind: type[Supervised], content: Mapping[str, Any]) -> Iterator[str]:
    states = kind.lifecycle.states.values()
    rounds = {state.round for state in states if state.round} & set(registered_rounds())
    needed = {duty.rule for state in states for duty in state.duties} | {
        rule for name in rounds for rule in rules_of(name)
    }
    for number in sorted(
        {number for name in rounds for number in numbers_of(name)} - set(content["numbers"])
    ):
        yield f"{kind.kind()} needs the number {number}"
    for rule in sorted(needed):
        if rule not in content["deadlines"]:
            yield f"{kind.kind()} needs the deadline rule {rule}"
            continue
        ladder = content["deadlines"][rule]["ladder"]
        told = {key for step in content["ladders"][ladder] for key in step["tells"]}
        if strangers := sorted(told - {OWNER} - set(kind.lifecycle.roles)):
            yield f"ladder {ladder} of {rule} tells {', '.join(strangers)}, whom {kind.kind()} does not know"

"""Why not? One answer for the grey button and for the refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from organisation.actors import Actor, Capacity
from workflows.lifecycle import Step
from workflows.roles import Role
from workflows.words import Reason, Text

NOT_HERE = Text("“{state}”状态下不能“{step}”。", "“{step}” is not possible in “{state}”.")
NOT_YOURS = Text("此步骤由{role}办理。", "This step is for {role}.")
OWN_WORK = Text(
    "不得审定本人拟办、经手的事项，也不得代其审定。",
    "Nobody decides on work they drafted or handled, nor for someone who did.",
)
NOT_EDITABLE = Text("“{state}”状态下不能修改内容。", "The content cannot be changed in “{state}”.")
NO_SUCH_FIELD = Text(
    "“{field}”不属于可修改的内容。", "“{field}” is not part of the content that can be changed."
)


@dataclass(frozen=True)
class Verdict:
    """`reasons` against; without any, `capacity` is the one acted in."""

    reasons: tuple[Reason, ...]
    capacity: Capacity | None


def is_own_work(actor: Actor, capacity: Capacity, document: Any) -> bool:
    """Whether actor or holder drafted, edited, submitted or handled this document, or signed it in another role."""
    people = {actor.person_id, capacity.holder_id}
    signed = (signature.rpartition(":") for signature in document.signers)
    return not people.isdisjoint(document.workers) or any(
        role != capacity.role and int(person) in people for role, _, person in signed
    )


def capacity_for(
    actor: Actor, role: Role, document: Any, *, decides: bool, as_post: int | None = None
) -> Verdict:
    """In which capacity may this actor act for this role, separation of duties included?"""
    fitting = [c for c in role.capacities(actor, document) if as_post is None or c.post_id == as_post]
    if not fitting:
        return Verdict((Reason("not_yours", NOT_YOURS, {"role": role.text}),), None)
    clean = [c for c in fitting if not (decides and is_own_work(actor, c, document))]
    if not clean:
        return Verdict((Reason("own_work", OWN_WORK),), None)
    return Verdict((), clean[0])


def judge(
    document: Any, step: Step[Any], actor: Actor, at: datetime, *, as_post: int | None = None
) -> Verdict:
    """Everything that stands between this person and this step. Reads no row: facts must have been read before."""
    if (
        not document._state.adding
        if step.is_birth
        else document.state not in {source.name for source in step.path.sources}
    ):
        state = document.lifecycle.states.get(document.state)
        here = state.text if state else Text(document.state, document.state)
        return Verdict((Reason("not_in_this_state", NOT_HERE, {"state": here, "step": step.text}),), None)
    who = capacity_for(actor, step.by, document, decides=step.decides, as_post=as_post)
    if who.reasons:
        return who
    unmet = tuple(reason for guard in step.must if (reason := guard.unmet(document, at)))
    return Verdict(unmet, who.capacity)


def faults_of_inputs(
    document: Any, step: Step[Any], at: datetime, inputs: Mapping[str, object]
) -> tuple[Reason, ...]:
    """What is missing or wrong in what was handed over, each reason coded `given.<name>`."""
    return tuple(
        reason for given in step.given for reason in given.faults(document, inputs.get(given.name), at)
    )

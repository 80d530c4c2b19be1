"""The words an approval round is written in: who decides first, who next, and by which step the document leaves.

A round is a viewflow flow whose nodes are panels. viewflow routes between them and draws them; who sits, how many
must agree and when the outcome can no longer change is ours. One policy reads:

    class LeadershipApproval(RoundFlow):
        start = Opening().Next(this.office)
        office = Panel("绩效办审核", "review by the performance office", one_of=OFFICE).Then(this.group).Else(this.refused)
        group = Panel("领导小组审批", "the leading group", each_of=GROUP, need="rectification.leadership_need")...
        approved, refused = Fire("approve"), Fire("refuse")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.db import connection
from django.db.transaction import TransactionManagementError
from viewflow import this
from viewflow.workflow.activation import Activation
from viewflow.workflow.base import Edge, Flow, Node
from viewflow.workflow.nodes.end import End, EndActivation
from viewflow.workflow.nodes.mixins import NextNodeMixin
from viewflow.workflow.status import STATUS

from organisation.actors import Actor, Capacity
from workflows import round_writing
from workflows.documents import Refused
from workflows.fire import fire, note
from workflows.models import Round, RoundTask, Vote
from workflows.roles import Role
from workflows.rulebook import RuleBook, rulebook_of
from workflows.words import Reason, Text

AGREED, NOT_AGREED = Text("同意", "agreed"), Text("不同意", "not agreed")
TOO_FEW_SEATS = Text(
    "“{step}”须{need}人同意，而{role}目前在任{seats}人，不能送审。",
    "“{step}” needs {need} to agree, and {role} has {seats} in office: it cannot be put to decision.",
)


@dataclass(frozen=True)
class Meeting:
    """What all nodes of one call share: the locked document, and by whose act and when the round moves."""

    document: Any
    actor: Actor
    capacity: Capacity | None
    at: datetime
    request_id: UUID | None = None


class UnderDocument:
    """viewflow's lock, empty: whoever moves a round holds its document's row, and that one lock suffices."""

    @contextmanager
    def __call__(self, flow_class: type[Flow], process_pk: int) -> Iterator[None]:
        if not connection.in_atomic_block:
            raise TransactionManagementError("a round moves only while its document's row is locked")
        yield


class RoundFlow(Flow):  # type: ignore[misc]  # viewflow ships no types
    """Base of every policy. `title` names it; `convenes` is the role that may name somebody else for a seat;
    `within` is the deadline rule of each seat whose panel names none of its own."""

    process_class, task_class, lock_impl = Round, RoundTask, UnderDocument()
    title: ClassVar[Text]
    convenes: ClassVar[Role]
    within: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        cls.process_title = cls.title
        super().__init_subclass__(**options)

    @classmethod
    def panels(cls) -> Sequence[Panel]:
        return [node for node in cls.instance.nodes() if isinstance(node, Panel)]

    @classmethod
    def outcomes(cls) -> frozenset[str]:
        """The steps of the document by which this round can end."""
        return frozenset(node.step for node in cls.instance.nodes() if isinstance(node, Fire))


class OpeningActivation(Activation):  # type: ignore[misc]
    """The round begins: its row and the opening's own, one statement each."""

    @Activation.status.super()  # type: ignore[untyped-decorator]
    def complete(self) -> None:
        self.process.save(force_insert=True)
        self.task.process = self.process
        self.task.finished = self.process.created
        self.task.save(force_insert=True)

    @Activation.status.super()  # type: ignore[untyped-decorator]
    def create_next(self) -> Iterator[Activation]:
        yield self.flow_task._next._create(self, self.task.token)


class Opening(NextNodeMixin, Node):  # type: ignore[misc]
    """Where a round begins: the step by which the document came into the state that names this round."""

    activation_class = OpeningActivation
    task_type = "START"
    bpmn_element = "startEvent"
    shape = {"width": 36, "height": 36, "svg": '<circle class="event" cx="18" cy="18" r="17"/>'}

    def __init__(self) -> None:
        super().__init__()
        self.Annotation(title=Text("送审", "put to decision"))

    def open(self, process: Round) -> None:
        """Insert the round and open its first panel, in the caller's transaction."""
        activation = self.activation_class(
            RoundTask(process=process, flow_task=self, created=process.created)
        )
        activation.complete()
        activation.activate_next()


def _is_decided(activation: PanelActivation) -> bool:
    return activation.verdict is not None


class PanelActivation(Activation):  # type: ignore[misc]
    """A panel waits for the rows of its seats; `verdict` is set when they can no longer change the outcome."""

    verdict: str | None = None

    @classmethod
    def create(
        cls,
        flow_task: Panel,
        prev_activation: Activation,
        token: Any,
        data: object = None,
        seed: object = None,
    ) -> PanelActivation:
        """Open the seats, each with its work item and its notices. Raises Refused when too few sit."""
        process, meeting = prev_activation.process, prev_activation.process.meeting
        document = meeting.document
        rules = rulebook_of(document, document.calendar_stamp)
        task = RoundTask(
            process=process,
            flow_task=flow_task,
            token=token,
            created=meeting.at,
            need=flow_task.need_by(rules),
        )
        task.save(force_insert=True)
        deadline = rules.derive(flow_task.rule, document, meeting.at)
        seats = round_writing.open_seats(document, task, flow_task, deadline, meeting.at)
        need = task.need or len(seats)
        if len(seats) < max(need, 1):
            words = {
                "step": flow_task.text,
                "role": flow_task.role.text,
                "need": max(need, 1),
                "seats": len(seats),
            }
            raise Refused(Reason("too_few_seats", TOO_FEW_SEATS, words))
        note(document, "seats_open", actor=meeting.actor, capacity=meeting.capacity, at=meeting.at, content={
            "round": process.pk, "name": process.name, "step": flow_task.name, "need": need, "due_on": deadline.due_on,
            "derivation": deadline.derivation, "seats": seats, "rules": rules.version,
        })  # fmt: skip
        return cls(task)

    @classmethod
    def conclude(cls, task: RoundTask, verdict: str) -> None:
        """Close a decided step and go on by the exit its verdict names."""
        activation = cls(task)
        activation.verdict = verdict
        activation.complete()
        activation.activate_next()

    @Activation.status.super()  # type: ignore[untyped-decorator]
    def activate(self) -> None:
        """Nothing to do: the seats are open, and their holders decide."""

    @Activation.status.transition(source=STATUS.NEW, target=STATUS.DONE, conditions=[_is_decided])  # type: ignore[untyped-decorator]
    def complete(self) -> None:
        """Close the step with its remaining seats and their work items; their holders are told."""
        meeting = self.process.meeting
        round_writing.close_step(meeting.document, self.task, meeting.actor, meeting.at)

    @Activation.status.super()  # type: ignore[untyped-decorator]
    def create_next(self) -> Iterator[Activation]:
        yield self.flow_task.exit_of(self.verdict)._create(self, self.task.token)


class Panel(Node):  # type: ignore[misc]
    """A step decided by whoever holds a post, with two exits.

    `one_of`: one seat, which any holder of the role may decide. `each_of`: one seat for every post of the role in
    force that day; `need` of them must agree: None for all (会签), a number, or the key of the institution's
    number, which is read when the step opens and stays with it.
    """

    activation_class = PanelActivation
    task_type = "PANEL"
    bpmn_element = "userTask"
    shape = {
        "width": 150, "height": 88, "text-align": "middle",
        "svg": '<rect class="task" width="150" height="88" rx="6" ry="6"/>',
    }  # fmt: skip

    def __init__(
        self,
        zh: str,
        en: str,
        *,
        one_of: Role | None = None,
        each_of: Role | None = None,
        need: int | str | None = None,
        within: str = "",
    ) -> None:
        super().__init__()
        role = one_of or each_of
        if role is None or (one_of and each_of) or (one_of and need is not None) or need == 0:
            raise ValueError(
                f"{en}: a panel seats one_of a role, or each_of it with the number that must agree"
            )
        self.text, self.role, self.each, self.need, self.within = (
            Text(zh, en),
            role,
            each_of is not None,
            need,
            within,
        )
        self.on_agreed: Any = None
        self.on_refused: Any = None
        self.Annotation(title=self.text)

    def Then(self, node: Any) -> Panel:
        """Where it goes on when enough agree."""
        self.on_agreed = node
        return self

    def Else(self, node: Any) -> Panel:
        """Where it goes when enough can no longer agree."""
        self.on_refused = node
        return self

    @property
    def rule(self) -> str:
        """The deadline rule of its seats."""
        return self.within or self.flow_class.within

    def need_by(self, rules: RuleBook) -> int:
        """How many must agree under these rules; 0 for all who sit. Raises RuleMissing."""
        return (
            rules.number(self.need) if isinstance(self.need, str) else 1 if not self.each else self.need or 0
        )

    def exit_of(self, verdict: str) -> Node:
        """Where a verdict leads."""
        return self.on_agreed if verdict == Vote.APPROVE else self.on_refused

    def outcome_of(self, verdict: str | None) -> str | None:
        """The step of the document that a verdict fires; None when another panel follows, or nothing is decided."""
        return getattr(self.exit_of(verdict), "step", None) if verdict else None

    def _resolve(self, instance: Any) -> None:
        self.on_agreed, self.on_refused = (
            this.resolve(instance, self.on_agreed),
            this.resolve(instance, self.on_refused),
        )

    def _outgoing(self) -> Iterator[Edge]:
        for node, edge, label in (
            (self.on_agreed, "cond_true", AGREED),
            (self.on_refused, "cond_false", NOT_AGREED),
        ):
            if node:
                yield Edge(src=self, dst=node, edge_class=edge, label=label)


class FireActivation(EndActivation):  # type: ignore[misc]
    """The round closes, then the document takes the step, in the same transaction."""

    @classmethod
    def create(
        cls,
        flow_task: Fire,
        prev_activation: Activation,
        token: Any,
        data: object = None,
        seed: object = None,
    ) -> FireActivation:
        process = prev_activation.process
        task = RoundTask(process=process, flow_task=flow_task, token=token, created=process.meeting.at)
        task.save(force_insert=True)
        return cls(task)

    @Activation.status.super()  # type: ignore[untyped-decorator]
    def activate(self) -> None:
        """Raises whatever turns the step down; the vote that led here rolls back with it."""
        meeting, step = self.process.meeting, self.flow_task.step
        round_writing.close_round(self.process, self.task, step, meeting.at)
        fire(
            meeting.document, step, actor=outcome_of_round(meeting.document), at=meeting.at, request_id=meeting.request_id or uuid4(),
            seen_version=meeting.document.version,
        )  # fmt: skip

    @Activation.status.super()  # type: ignore[untyped-decorator]
    def complete(self) -> None:
        """Its row was closed with the round."""


class Fire(End):  # type: ignore[misc]
    """An end that *is* a step of the document, taken by the round: nothing is handed over with it."""

    activation_class = FireActivation
    bpmn_element = "endEvent"
    shape = {
        "width": 110, "height": 44, "text-align": "middle",
        "svg": '<rect class="end-event" x="2" y="2" width="106" height="40" rx="20" ry="20"/>',
    }  # fmt: skip

    def __init__(self, step: str) -> None:
        super().__init__()
        self.step = step


def outcome_of_round(document: Any) -> Actor:
    """The round itself as an actor: nobody, in the post that only this module acts with."""
    return Actor(None, document.institution_id, "round", (Capacity(None, "round", None, None, "round"),))

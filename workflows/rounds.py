"""Rounds: approvals by several people. A round opens with a document's state and ends by firing exactly one step.

Every change locks the document's row, and nothing else, before it reads. This is the door for other rooms; the
modules `round_*` beside it are its own, and viewflow's tasks are read in them only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from organisation.actors import Actor, Capacity
from workflows import ledger, round_writing
from workflows.documents import Document, Refused, Stale
from workflows.fire import committed, note
from workflows.judgement import NOT_YOURS, OWN_WORK, Verdict, is_own_work
from workflows.models import Payload, Round, Seat, Vote, WorkItem
from workflows.round_drawing import policy_drawings, policy_svg, round_svg
from workflows.round_nodes import Meeting, PanelActivation
from workflows.round_policies import (
    NoSuchRound,
    Orphan,
    duty_text,
    faults_of_rounds,
    numbers_of,
    orphans,
    policy_of,
    register_round,
    registered_rounds,
    roles_of,
    rules_of,
)
from workflows.round_reading import (
    Busy,
    SeatTaken,
    Sitting,
    Tally,
    first_entry,
    hold,
    place_of,
    require_open,
    sit,
    sittings_of,
    tallies_of,
    verdict_of,
)
from workflows.round_seats import Reseated, follow_post, replace_seat, reseat
from workflows.round_writing import NOTICE_WORDS
from workflows.words import Reason, Text
from workflows.worklist import eligible

__all__ = [
    "ENTRY_WORDS", "NOTICE_WORDS", "Busy", "NoSuchRound", "Orphan", "Reseated", "SeatTaken", "Sitting", "Tally", "Voted",
    "duty_text", "faults_of_opinion", "faults_of_rounds", "judge_vote", "numbers_of", "open_round", "orphans", "policy_drawings",
    "policy_of", "policy_svg", "register_round", "registered_rounds", "replace_seat", "reseat", "roles_of", "round_svg", "rules_of",
    "sittings_of", "tallies_of", "verdict_of", "vote", "withdraw",
]  # fmt: skip

ENTRY_WORDS = {
    "seats_open": Text("开启表决席位", "seats opened"),
    "vote": Text("表决", "vote"),
    "seat_replaced": Text("指定替代席位", "seat given to somebody else"),
    "seat_moved": Text("席位随职务变动", "seat followed its post"),
}
"""What the ledger's entries of a round are called."""

OPINION_NEEDED = Text("不同意须写明意见。", "Say why you do not agree.")
RECUSAL_NEEDED = Text("回避须写明理由。", "Say why you withdraw from deciding.")
TOO_FEW_LEFT = Text(
    "您回避后在席{left}人，而须{need}人同意；请先由{office}指定替代席位。",
    "Without you {left} would sit, and {need} must agree: {office} must first name somebody for your seat.",
)


@dataclass(frozen=True)
class Voted:
    """What came of a vote. `verdict` is the step's, once it is decided; `outcome` the document's step that it fired."""

    seat_id: int
    choice: str
    tally: Tally
    verdict: str | None
    outcome: str | None
    sequence: int
    replayed: bool = False


@dataclass(frozen=True)
class Ballot:
    """One admitted vote."""

    choice: str
    opinion: str
    actor: Actor
    capacity: Capacity | None
    at: datetime
    request_id: UUID
    digest: bytes


def open_round(document: Document, name: str, *, actor: Actor, at: datetime) -> Round:
    """Open the round of a locked document's new state, in the transaction that moved it.

    Raises Refused when fewer sit than must agree; the step that led here then rolls back with it.
    """
    policy = policy_of(name)
    process: Any = Round(
        flow_class=policy, kind=document.kind(), document_id=document.pk, institution_id=document.institution_id,
        unit_id=document.unit_id, name=name, opened_version=document.version, created=at,
    )  # fmt: skip
    process.meeting = Meeting(document, actor, None, at)
    policy.start.open(process)
    opened: Round = process
    return opened


def withdraw(document: Document, *, at: datetime, by: str) -> bool:
    """Close the open round of a locked document that left its state by another step. True if there was one."""
    return round_writing.withdraw(document, by, at) > 0


def vote(
    seat: Seat | WorkItem,
    choice: str,
    *,
    actor: Actor,
    at: datetime,
    opinion: str = "",
    request_id: UUID,
    as_post: int | None = None,
    seen_version: int | None = None,
) -> Voted:
    """Decide one seat (or the seat of a work item): `choice` is "approve", "refuse" or "recuse", the last two with words.

    `request_id` makes a repeated call return its first result; `as_post` names the capacity where the actor has
    several; `seen_version` is the document's version the voter read (votes do not change it).
    Raises SeatTaken (who, when), Stale (the content was changed), Refused (with every reason, those of the document's
    step included when this vote ends the round: it is then not counted), Conflict, Busy.
    """
    if choice not in {Vote.APPROVE, Vote.REFUSE, Vote.RECUSE}:
        raise ValueError(choice)
    place = place_of(seat, actor)
    digest = ledger.digest_of({"step": "vote", "seat": place.seat_id, "choice": choice, "opinion": opinion})
    with transaction.atomic():
        document = hold(place)
        sitting = sit(place, actor, request_id)
        if sitting.answered:
            return _first_answer(document, actor, request_id, digest)
        mine = sitting.seat(place.seat_id)
        require_open(document, sitting, mine)
        if seen_version not in (None, document.version):
            raise Stale(
                state=document.state, version=document.version, step=document.moved_step, by=document.moved_by_id, at=document.moved_at
            )  # fmt: skip
        follow_post(document, sitting, mine, at)
        judged = judge_vote(document, sitting, mine, choice, actor, as_post=as_post)
        if reasons := judged.reasons or faults_of_opinion(choice, opinion):
            raise Refused(*reasons)
        voted = _count(
            document,
            sitting,
            mine,
            Ballot(choice, opinion.strip(), actor, judged.capacity, at, request_id, digest),
        )
    committed()
    return voted


def _count(document: Any, sitting: Sitting, mine: Seat, ballot: Ballot) -> Voted:
    """Write an admitted vote and, when it decides the step, move the round on."""
    before = sitting.tally()
    mine.vote = ballot.choice
    after, process, panel = sitting.tally(), sitting.round, sitting.panel
    verdict = verdict_of([seat.vote for seat in sitting.seats], sitting.task.need)
    outcome = panel.outcome_of(verdict)
    round_writing.cast(mine, ballot.choice, ballot.opinion, ballot.actor, ballot.at)
    link = note(
        document, "vote", actor=ballot.actor, capacity=ballot.capacity, at=ballot.at, request_id=ballot.request_id, digest=ballot.digest,
        decides=ballot.choice != Vote.RECUSE,
        content={
            "round": process.pk, "name": process.name, "step": panel.name, "seat": mine.pk, "choice": ballot.choice,
            "opinion": ballot.opinion, "before": asdict(before), "after": asdict(after), "verdict": verdict, "outcome": outcome,
        },
    )  # fmt: skip
    if verdict:
        sitting.task.process.meeting = Meeting(
            document, ballot.actor, ballot.capacity, ballot.at, ballot.request_id
        )
        PanelActivation.conclude(sitting.task, verdict)
    return Voted(mine.pk, ballot.choice, after, verdict, outcome, link.sequence)


def _first_answer(document: Any, actor: Actor, request_id: UUID, digest: bytes) -> Voted:
    first = first_entry(document, actor, request_id, digest)
    payload = Payload.objects.get(kind=first.kind, document_id=first.document_id, sequence=first.sequence)
    said = json.loads(bytes(payload.content))
    tally = Tally(**said["after"])
    return Voted(
        said["seat"], said["choice"], tally, said["verdict"], said["outcome"], first.sequence, replayed=True
    )


def judge_vote(
    document: Any, sitting: Sitting, seat: Seat, choice: str, actor: Actor, *, as_post: int | None = None
) -> Verdict:
    """Everything that stands between this person and this vote: one answer for the grey button and the refusal.

    Withdrawing from deciding is open to those whose own work it is, and is refused where too few would be left.
    """
    panel, need = sitting.panel, max(sitting.task.need, 1)
    capacities = (
        eligible(seat.work_item, panel.role, actor, document)
        if actor.institution_id == document.institution_id
        else ()
    )
    fitting = [capacity for capacity in capacities if as_post in (None, capacity.post_id)]
    if not fitting:
        return Verdict((Reason("not_yours", NOT_YOURS, {"role": panel.role.text}),), None)
    if choice == Vote.RECUSE:
        left = sitting.tally().live - 1
        words = {"left": left, "need": need, "office": policy_of(sitting.round.name).convenes.text}
        return Verdict((Reason("too_few_left", TOO_FEW_LEFT, words),) if left < need else (), fitting[0])
    clean = [capacity for capacity in fitting if not is_own_work(actor, capacity, document)]
    return Verdict((), clean[0]) if clean else Verdict((Reason("own_work", OWN_WORK),), None)


def faults_of_opinion(choice: str, opinion: str) -> tuple[Reason, ...]:
    """What is missing in the words that go with a choice, coded like a field of a step's form."""
    words = {Vote.REFUSE.value: OPINION_NEEDED, Vote.RECUSE.value: RECUSAL_NEEDED}.get(choice)
    return (Reason("given.opinion", words),) if words and not opinion.strip() else ()

"""Eight people sign the same plan at the same instant, all of whom must agree: the last vote, and no other, moves it (T3).

The control does the same without the lock on the document, and must fail: it proves that the test would notice."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.workflows.round_ground import AT, LEADERS, Ground, build, together
from workflows import rounds
from workflows.documents import model_of
from workflows.models import Entry, Seat, WorkItem
from workflows.round_reading import Place
from workflows.rounds import Voted, vote
from workflows.verification import verify

pytestmark = pytest.mark.timeout(900)

SIGNERS = LEADERS[:8]


def all_sign(county: Ground, number: int) -> tuple[str, Counter[str]]:
    """Where the plan stands when all eight have signed at once, and what came of the votes."""
    plan = county.at_the_group(f"整改方案{number}")
    seats = county.seats(plan)
    actors = {name: county.actor(name) for name in SIGNERS}

    def sign(seat: Seat, actor: Any) -> Voted:
        return vote(seat, "approve", actor=actor, at=AT, request_id=uuid4())

    answers = together([lambda name=name: sign(seats[name], actors[name]) for name in SIGNERS])
    came = Counter("counted" if isinstance(a, Voted) else type(a).__name__ for a in answers)
    came["ended the round"] = sum(isinstance(a, Voted) and a.outcome is not None for a in answers)
    return county.fresh(plan).state, came


def is_sound(state: str, came: Counter[str]) -> bool:
    return state == "in_progress" and came == {"counted": 8, "ended the round": 1}


def test_eight_signatures_at_once_end_every_round_and_end_it_once(crowd: None, record: Record) -> None:
    record.title = f"Eight signatures at once, {SCALE.countersigns} plans"
    county = build(leaders=8, need=8)
    unsound = 0
    for number in range(SCALE.countersigns):
        state, came = all_sign(county, number)
        record.event("signed", state=state, came=dict(came))
        unsound += not is_sound(state, came)
    record.figure("T3", "plans signed by eight at once", SCALE.countersigns)
    record.exactly("T3", "plans stuck, or moved twice, or with a vote refused", unsound, 0)
    approvals = Entry.objects.filter(step="approve").count()
    record.exactly("T3", "approvals in the ledger", approvals, SCALE.countersigns)
    assert not WorkItem.objects.filter(seat__isnull=False, closed_at=None).exists()
    record.exactly("T3", "faults of the ledger", verify().faults, [])


def test_without_the_lock_on_the_document_the_same_goes_wrong(
    crowd: None, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.title = "The control: eight signatures without the document's lock"
    county = build(leaders=8, need=8)

    def unlocked(place: Place) -> Any:
        model = model_of(place.kind)
        from calendars.queries import STAMP

        return model._base_manager.annotate(calendar_stamp=STAMP).get(pk=place.document_id)

    wrong: Counter[str] = Counter()
    for number in range(SCALE.controls):
        with monkeypatch.context() as without:
            plan = county.at_the_group(f"对照{number}")
            seats, actors = county.seats(plan), {name: county.actor(name) for name in SIGNERS}
            without.setattr(rounds, "hold", unlocked)

            def sign(seat: Seat, actor: Any) -> Voted:
                return vote(seat, "approve", actor=actor, at=AT, request_id=uuid4())

            answers = together(
                [
                    lambda name=name, seats=seats, actors=actors: sign(seats[name], actors[name])
                    for name in SIGNERS
                ]
            )
        came = Counter("counted" if isinstance(a, Voted) else type(a).__name__ for a in answers)
        state = county.fresh(plan).state
        record.event("signed", state=state, came=dict(came))
        wrong["sound" if state == "in_progress" and came == {"counted": 8} else "wrong"] += 1
    record.least("T3", "control without the lock: rounds gone wrong", wrong["wrong"], 1)
    record.figure("T3", "control without the lock: rounds in all", SCALE.controls)

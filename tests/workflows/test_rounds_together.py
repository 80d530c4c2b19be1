"""Rounds when several people decide at the same moment: on a database that really commits, a thread a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from organisation.actors import Actor
from tests.workflows.round_ground import AT, LEADERS, Ground, build, together
from workflows import round_reading
from workflows.documents import Refused, Stale
from workflows.fire import fire
from workflows.models import Entry, Notice, Round, RoundTask, Seat, WorkItem
from workflows.rounds import Busy, SeatTaken, Voted, vote
from workflows.verification import verify

ROUNDS = 8  # of each race: most faults of locking show within two or three


@pytest.fixture
def county(committed_db: object) -> Ground:
    return build(leaders=8, need=5)


def ballot(seat: Seat, actor: Actor, choice: str = "approve", opinion: str = "") -> Callable[[], Voted]:
    return lambda: vote(seat, choice, actor=actor, at=AT, opinion=opinion, request_id=uuid4())


def split(answers: list[Any]) -> tuple[list[Voted], list[SeatTaken]]:
    """Who voted and who came late; anything else that was raised fails the test."""
    counted = [answer for answer in answers if isinstance(answer, Voted)]
    late = [answer for answer in answers if isinstance(answer, SeatTaken)]
    assert len(counted) + len(late) == len(answers), answers
    return counted, late


def assert_nothing_is_left_open(plan: Any) -> None:
    assert not Round.objects.filter(kind=plan.kind(), document_id=plan.pk, finished=None).exists()
    assert not RoundTask.objects.filter(process__document_id=plan.pk, finished=None).exists()
    assert not Seat.objects.filter(task__process__document_id=plan.pk, vote="").exists()
    seats = WorkItem.objects.filter(kind=plan.kind(), document_id=plan.pk, seat__isnull=False)
    assert not seats.filter(closed_at=None).exists()


def test_eight_people_on_one_seat_one_decides_and_seven_hear_who_and_when(county: Ground) -> None:
    names = [f"科员{number}" for number in range(8)]
    for name in names:
        county.place.post(name, "performance_office", county.place.root)
    actors = [county.actor(name) for name in names]
    for _ in range(ROUNDS):
        plan = county.forwarded()
        seat = county.seat(plan, "绩效员")
        counted, late = split(together([ballot(seat, actor) for actor in actors]))
        assert (len(counted), len(late)) == (1, 7)
        seat.refresh_from_db()
        winner = next(actor for actor in actors if actor.person_id == seat.voted_by_id)
        assert {(answer.name, answer.by, answer.vote, answer.at) for answer in late} == {
            (winner.name, winner.person_id, "approve", AT)
        }
        assert len(county.seats(plan)) == 8
        assert RoundTask.objects.filter(process__document_id=plan.pk, finished=None).count() == 1
    assert verify(county.place.institution.pk).faults == []


def test_eight_seats_of_which_five_must_agree_fire_one_step_and_three_are_told(county: Ground) -> None:
    actors = {name: county.actor(name) for name in LEADERS[:8]}
    for _ in range(ROUNDS):
        plan = county.at_the_group()
        seats = county.seats(plan)
        counted, late = split(together([ballot(seats[name], actor) for name, actor in actors.items()]))
        assert (len(counted), len(late)) == (5, 3)
        assert [answer.outcome for answer in counted].count("approve") == 1
        assert county.fresh(plan).state == "in_progress"
        fired = Entry.objects.filter(kind=plan.kind(), document_id=plan.pk, step__in=("approve", "refuse"))
        assert fired.count() == 1
        told = Notice.objects.filter(kind=plan.kind(), document_id=plan.pk, code="round.overtaken")
        after = county.seats(plan)
        assert set(told.values_list("person__name", flat=True)) == {
            name for name, seat in after.items() if seat.vote == "overtaken"
        }
        assert told.count() == 3
        assert {answer.vote for answer in late} == {"overtaken"}
        assert_nothing_is_left_open(plan)
    assert verify(county.place.institution.pk).faults == []


def test_a_divided_group_ends_one_way_only(county: Ground) -> None:
    actors = {name: county.actor(name) for name in LEADERS[:8]}
    outcomes = set()
    for number in range(ROUNDS):
        plan = county.at_the_group()
        seats = county.seats(plan)
        choices = ["approve" if (place + number) % 2 else "refuse" for place in range(8)]
        answers = together(
            [
                ballot(seats[name], actor, choice, "意见")
                for (name, actor), choice in zip(actors.items(), choices, strict=True)
            ]
        )
        counted, _ = split(answers)
        ended = [answer.outcome for answer in counted if answer.outcome]
        assert ended == ["refuse"]  # four against of eight, and five must agree
        outcomes.add(county.fresh(plan).state)
        assert_nothing_is_left_open(plan)
    assert outcomes == {"returned"}


def test_a_withdrawal_of_the_plan_against_eight_votes_leaves_one_truth(county: Ground) -> None:
    actors = {name: county.actor(name) for name in LEADERS[:8]}
    supervisor = county.actor("督查员")
    for _ in range(ROUNDS):
        plan = county.at_the_group()
        seats = county.seats(plan)

        def take_it_back(plan: Any = plan) -> Any:
            version = county.fresh(plan).version
            return fire(
                plan, "withdraw_plan", actor=supervisor, at=AT, seen_version=version, request_id=uuid4(), reason="方案有误"
            )  # fmt: skip

        *votes, taken_back = together(
            [*(ballot(seats[name], actor) for name, actor in actors.items()), take_it_back]
        )
        counted, _ = split(votes)
        state = county.fresh(plan).state
        if isinstance(taken_back, (Stale, Refused)):
            assert (state, len(counted)) == ("in_progress", 5)
        else:
            assert state == "for_review"
            assert len(counted) < 5
        assert_nothing_is_left_open(plan)
    assert verify(county.place.institution.pk).faults == []


def test_one_request_sent_twice_at_once_counts_once(county: Ground) -> None:
    actor = county.actor("赵")
    for _ in range(ROUNDS):
        plan = county.at_the_group()
        seat, request_id = county.seat(plan, "赵"), uuid4()

        def send(seat: Seat = seat, request_id: Any = request_id) -> Voted:
            return vote(seat, "approve", actor=actor, at=AT, request_id=request_id)

        answers = together([send, send, send])
        assert sorted(answer.replayed for answer in answers) == [False, True, True]
        assert len({answer.sequence for answer in answers}) == 1


def test_whoever_waits_too_long_is_told_to_try_again(county: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(round_reading, "LOCK_TIMEOUT", "50ms")
    plan = county.at_the_group()
    seat, actor = county.seat(plan, "赵"), county.actor("赵")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM rectification_rectification WHERE id = %s FOR UPDATE", [plan.pk])
        [answer] = together([ballot(seat, actor)])
    assert isinstance(answer, Busy)
    assert county.seat(plan, "赵").vote == ""
    assert together([ballot(seat, actor)])[0].choice == "approve"

"""Rounds on real rectification plans: who sits, what the votes amount to, and what the document makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver
from hypothesis import given
from hypothesis import strategies as st
from viewflow import this

from organisation import changes
from organisation.actors import clock_of
from organisation.queries import local_day
from supervision.rectification import rounds as rectification_rounds
from supervision.rectification.models import PlannedMeasure, Rectification
from supervision.rectification.rounds import LeadershipApproval
from supervision.roles import HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR
from supervision.schemes.pack import SHIPPED, read_pack
from tests.organisation.places import place
from tests.workflows.round_ground import AT, Ground, build
from workflows import round_policies
from workflows.documents import Conflict, Refused, Stale
from workflows.fire import fire_many
from workflows.models import Entry, Notice, Payload, Round, RoundTask, Seat, WorkItem
from workflows.rerouting import reroute
from workflows.round_nodes import Fire, Opening, Panel, RoundFlow
from workflows.rounds import (
    SeatTaken,
    Tally,
    duty_text,
    faults_of_rounds,
    numbers_of,
    open_round,
    orphans,
    registered_rounds,
    replace_seat,
    reseat,
    roles_of,
    rules_of,
    sittings_of,
    tallies_of,
    verdict_of,
    vote,
)
from workflows.taking import take
from workflows.verification import verify
from workflows.words import Text

ROUND = "rectification.leadership"
Policy = Callable[[type[RoundFlow]], None]


class Countersign(RoundFlow):
    """Everybody in the leading group must agree (会签)."""

    __module__ = "supervision.rectification.rounds"  # where viewflow looks for it again
    title = Text("会签", "Countersignature")
    convenes = SUPERVISOR
    within = "rectification.leadership"
    start = Opening().Next(this.group)
    group = Panel("领导小组会签", "countersigned by the group", each_of=LEADER).Then(this.yes).Else(this.no)
    yes, no = Fire("approve"), Fire("refuse")


class OneByOne(RoundFlow):
    """The performance office, then the supervision office, then the head: each has a turn."""

    __module__ = "supervision.rectification.rounds"
    title = Text("依次审批", "One after another")
    convenes = SUPERVISOR
    within = "rectification.leadership"
    start = Opening().Next(this.office)
    office = (
        Panel("绩效办", "performance office", one_of=PERFORMANCE_OFFICE).Then(this.checkers).Else(this.no)
    )
    checkers = Panel("督查室", "supervision office", one_of=SUPERVISOR).Then(this.head).Else(this.no)
    head = Panel("一把手", "head", one_of=HEAD).Then(this.yes).Else(this.no)
    yes, no = Fire("approve"), Fire("refuse")


@pytest.fixture
def county(db: None) -> Ground:
    return build()


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Policy:
    """Put another policy behind the name that the lifecycle of rectifications gives."""

    def use(flow: type[RoundFlow]) -> None:
        monkeypatch.setattr(rectification_rounds, flow.__name__, flow, raising=False)
        monkeypatch.setitem(round_policies._policies, ROUND, flow)

    return use


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def told(document: Any, code: str) -> set[str]:
    rows = Notice.objects.filter(kind=document.kind(), document_id=document.pk, code=code)
    return set(rows.values_list("person__name", flat=True))


def entries(document: Any, step: str) -> list[Entry]:
    return list(
        Entry.objects.filter(kind=document.kind(), document_id=document.pk, step=step).order_by("sequence")
    )


def content(entry: Entry) -> dict[str, Any]:
    payload = Payload.objects.get(kind=entry.kind, document_id=entry.document_id, sequence=entry.sequence)
    said: dict[str, Any] = json.loads(bytes(payload.content))
    return said


# --- Who sits ----------------------------------------------------------------------------------------------


def test_only_those_whose_turn_it_is_have_a_seat_an_item_and_a_notice(county: Ground) -> None:
    plan = county.forwarded()
    assert [(seat.role, seat.post) for seat in county.seats(plan).values()] == [("performance_office", None)]
    assert [(i.duty, i.post_role, i.post_id) for i in county.open_items(plan)] == [
        (f"round:{ROUND}:office", "performance_office", None)
    ]
    assert told(plan, "round.open") == {"绩效员", "绩效副"}
    notice = Notice.objects.filter(document_id=plan.pk, code="round.open").first()
    assert notice is not None
    assert (notice.params, notice.title) == (
        {"duty": f"round:{ROUND}:office", "due_on": "2026-03-04"},
        plan.title,
    )

    county.vote(plan, "绩效副")
    assert list(county.seats(plan)) == ["赵", "钱", "孙"]
    items = county.open_items(plan)
    assert [(i.duty, i.post_id, i.seat_id) for i in items] == [
        (f"round:{ROUND}:leaders", seat.post_id, seat.pk) for seat in county.seats(plan).values()
    ]
    assert told(plan, "round.open") == {"绩效员", "绩效副", "赵", "钱", "孙"}
    assert str(duty_text(items[0].duty)) == "领导小组审定整改方案"


def test_a_seat_is_owed_by_the_rule_with_its_ladder_as_it_stands(county: Ground) -> None:
    plan = county.at_the_group()
    for item in county.open_items(plan):
        assert item.derivation["rule"] == "rectification.leadership"
        assert (
            item.due_on == item.original_due_on == date(2026, 3, 5)
        )  # three working days after Monday 2 March
        assert item.ladder
        assert item.next_step_at is not None
        assert (item.state, item.lamp, item.turn) == ("for_leadership", "green", 1)


def test_one_after_another_each_has_a_turn_and_the_last_ends_it(county: Ground, policy: Policy) -> None:
    policy(OneByOne)
    county.place.post("督查副", "supervisor", county.place.root)
    plan = county.forwarded()
    for who, role in (("绩效员", "performance_office"), ("督查副", "supervisor")):
        assert list(county.seats(plan)) == [role]
        assert county.vote(plan, who).outcome is None
    assert [item.owner_unit_id for item in county.open_items(plan)] == [county.bureau.pk]
    assert county.vote(plan, "局长").outcome == "approve"
    assert county.fresh(plan).state == "in_progress"


def test_many_plans_forwarded_at_once_open_a_round_each(county: Ground) -> None:
    plans = [county.plan(f"方案{number}") for number in range(3)]
    many = fire_many(
        Rectification,
        {p.pk: p.version for p in plans},
        "forward",
        actor=county.actor("督查员"),
        at=AT,
        request_id=uuid4(),
    )
    assert len(many.done) == 3
    assert sorted(Round.objects.filter(finished=None).values_list("document_id", flat=True)) == [
        p.pk for p in plans
    ]
    assert all(len(county.open_items(plan)) == 1 for plan in plans)


def test_a_document_has_one_open_round_at_most(county: Ground) -> None:
    plan, actor = county.forwarded(), county.actor("督查员")
    with transaction.atomic():
        [locked] = take(Rectification, [plan.pk], actor, None)
        with pytest.raises(IntegrityError, match="one_open_round_per_document"):
            open_round(locked, ROUND, actor=actor, at=AT)
        transaction.set_rollback(True)


def test_too_few_in_office_to_agree_is_refused_and_what_led_there_undone(county: Ground) -> None:
    for name in ("钱", "孙"):
        post = county.place.person(name).posts.get()
        changes.end_post(post, ends=date(2026, 2, 27), by=county.place.clock, at=AT, reason="调离")
    plan = county.forwarded()
    with pytest.raises(Refused) as refused:
        county.vote(plan, "绩效员")
    assert codes(refused) == ["too_few_seats"]
    assert str(refused.value) == "“领导小组审定整改方案”须2人同意，而领导小组目前在任1人，不能送审。"
    assert list(county.seats(plan)) == ["performance_office"]
    assert county.seat(plan, "performance_office").vote == ""
    assert entries(plan, "vote") == []
    assert len(county.open_items(plan)) == 1


def test_only_those_in_office_that_day_sit_and_are_told(county: Ground) -> None:
    root, april = county.place.root, date(2026, 4, 1)
    county.place.post("未到任", "leading_group", root, begins=april)
    county.place.post("未到岗", "performance_office", root, begins=april)
    county.place.post("已离岗", "performance_office", root, ends=date(2026, 2, 27))
    plan = county.at_the_group()
    assert list(county.seats(plan)) == ["赵", "钱", "孙"]
    assert told(plan, "round.open") == {"绩效员", "绩效副", "赵", "钱", "孙"}


# --- What the votes amount to ------------------------------------------------------------------------------


def test_the_round_ends_with_the_second_of_three_and_the_third_is_told(county: Ground) -> None:
    plan = county.at_the_group()
    first = county.vote(plan, "赵", opinion="同意")
    assert (first.verdict, first.outcome) == (None, None)
    assert first.tally == Tally(agreed=1, against=0, recused=0, waiting=2, need=2)
    assert county.fresh(plan).version == plan.version

    last = county.vote(plan, "钱")
    assert (last.verdict, last.outcome) == ("approve", "approve")
    assert county.fresh(plan).state == "in_progress"
    assert {name: seat.vote for name, seat in county.seats(plan).items()} == {
        "赵": "approve", "钱": "approve", "孙": "overtaken"
    }  # fmt: skip
    assert told(plan, "round.overtaken") == {"孙"}
    third = WorkItem.objects.get(seat=county.seat(plan, "孙"))
    assert (third.closed_at, third.closed_by, third.closed_how, third.next_step_at) == (
        AT,
        None,
        "overtaken",
        None,
    )
    assert WorkItem.objects.get(seat=county.seat(plan, "钱")).closed_how == "vote"
    with pytest.raises(SeatTaken) as taken:
        county.vote(plan, "孙")
    assert (taken.value.vote, taken.value.name, taken.value.at) == ("overtaken", "钱", AT)


def test_the_office_s_no_ends_it_before_the_group_is_asked(county: Ground) -> None:
    plan = county.forwarded()
    assert county.vote(plan, "绩效员", "refuse", "措施与问题不对应").outcome == "refuse"
    assert county.fresh(plan).state == "returned"
    assert told(plan, "round.open") == {"绩效员", "绩效副"}
    assert [item.duty for item in county.open_items(plan)] == ["rectification.correction"]


def test_refused_as_soon_as_enough_can_no_longer_agree(county: Ground) -> None:
    plan = county.at_the_group()
    assert county.vote(plan, "赵", "refuse", "时限过长").verdict is None
    assert county.vote(plan, "孙", "refuse", "责任人不明").outcome == "refuse"
    assert county.fresh(plan).state == "returned"


def test_all_must_agree_to_a_countersignature_and_one_no_ends_it(county: Ground, policy: Policy) -> None:
    policy(Countersign)
    plan, other = county.forwarded("甲"), county.forwarded("乙")
    assert [county.vote(plan, who).outcome for who in "赵钱孙"] == [None, None, "approve"]
    assert county.vote(other, "钱", "refuse", "不妥").outcome == "refuse"
    assert (county.fresh(plan).state, county.fresh(other).state) == ("in_progress", "returned")


@given(
    st.lists(st.sampled_from(["", "approve", "refuse", "recuse"]), min_size=1, max_size=7), st.integers(0, 7)
)
def test_a_verdict_stands_exactly_when_the_seats_still_open_cannot_change_it(
    votes: list[str], need: int
) -> None:
    live = [v for v in votes if v != "recuse"]
    need = min(need, len(live))
    if not live:
        return
    ends = set()
    for agreeing in range(votes.count("") + 1):
        agreed = live.count("approve") + agreeing
        ends.add("approve" if agreed >= (need or len(live)) else "refuse")
    assert verdict_of(votes, need) == (ends.pop() if len(ends) == 1 else None)


# --- Withdrawing from deciding -----------------------------------------------------------------------------


def test_a_member_who_withdraws_may_decide_it() -> None:
    assert verdict_of(["refuse", "", "", ""], 3) is None
    assert verdict_of(["refuse", "recuse", "", ""], 3) == "refuse"
    assert verdict_of(["approve", "approve", "recuse"], 0) == "approve"


def test_a_withdrawal_that_decides_ends_the_round(county: Ground) -> None:
    plan = county.at_the_group()
    county.vote(plan, "赵", "refuse", "时限过长")
    last = county.vote(plan, "钱", "recuse", "与承办单位负责人系亲属")
    assert (last.verdict, last.outcome, last.tally.recused) == ("refuse", "refuse", 1)
    assert county.fresh(plan).state == "returned"
    assert told(plan, "round.overtaken") == {"孙"}


def test_a_withdrawal_that_leaves_too_few_waits_for_somebody_else_to_be_named(county: Ground) -> None:
    plan = county.at_the_group()
    county.vote(plan, "赵", "recuse", "亲属关系")
    with pytest.raises(Refused) as refused:
        county.vote(plan, "钱", "recuse", "亲属关系")
    assert codes(refused) == ["too_few_left"]
    assert str(refused.value) == "您回避后在席1人，而须2人同意；请先由督查室指定替代席位。"

    deputy = county.place.post("副县长", "head", county.place.root)
    seat = county.seat(plan, "钱")
    options: dict[str, Any] = {
        "actor": county.actor("督查员"),
        "at": AT,
        "reason": "钱需回避",
        "request_id": uuid4(),
    }
    replace_seat(seat, deputy, **options)
    assert (
        replace_seat(seat, deputy, **options).post_id == deputy.pk
    )  # the same request again changes nothing
    assert list(county.seats(plan)) == ["赵", "副县长", "孙"]
    assert told(plan, "round.moved") == {"副县长"}
    assert told(plan, "round.replaced") == {"钱"}
    [entry] = entries(plan, "seat_replaced")
    assert (content(entry)["to"]["post"], content(entry)["reason"]) == (deputy.pk, "钱需回避")
    with pytest.raises(Refused):
        vote(seat, "approve", actor=county.actor("钱"), at=AT, request_id=uuid4())
    county.vote(plan, "副县长")
    assert county.vote(plan, "孙").outcome == "approve"


def test_one_seat_of_an_office_is_left_to_a_colleague_not_withdrawn_from(county: Ground) -> None:
    plan = county.forwarded()
    with pytest.raises(Refused) as refused:
        county.vote(plan, "绩效员", "recuse", "亲属关系")
    assert codes(refused) == ["too_few_left"]
    assert county.vote(plan, "绩效副").verdict == "approve"


@pytest.mark.parametrize(
    ("who", "post_of", "reason", "expected"),
    [
        ("绩效员", "副县长", "回避", ["not_yours"]),
        ("督查员", "副县长", " ", ["given.reason"]),
        ("督查员", "孙", "回避", ["sits_already"]),
        ("督查员", "审计员", "回避", ["only_reads"]),
        ("督查员", "承办员", "回避", ["own_work"]),
        ("督查员", "前任", "回避", ["post_not_in_force"]),
    ],
)
def test_who_may_be_named_for_a_seat_and_by_whom(
    county: Ground, who: str, post_of: str, reason: str, expected: list[str]
) -> None:
    county.place.post("副县长", "head", county.place.root)
    county.place.post("审计员", "auditor", county.place.root)
    county.place.post("前任", "leading_group", county.place.root, ends=date(2026, 1, 31))
    plan = county.at_the_group()
    post = county.place.person(post_of).posts.get()
    with pytest.raises(Refused) as refused:
        replace_seat(
            county.seat(plan, "赵"), post, actor=county.actor(who), at=AT, reason=reason, request_id=uuid4()
        )
    assert codes(refused) == expected
    assert county.seat(plan, "赵").post_id == county.place.person("赵").posts.get().pk


def test_nobody_is_named_for_a_seat_that_is_decided_or_that_a_whole_office_holds(county: Ground) -> None:
    plan = county.forwarded()
    deputy = county.place.post("副县长", "head", county.place.root)
    options: dict[str, Any] = {"actor": county.actor("督查员"), "at": AT, "reason": "回避"}
    with pytest.raises(Refused) as refused:
        replace_seat(county.seat(plan, "绩效员"), deputy, request_id=uuid4(), **options)
    assert codes(refused) == ["any_holder"]
    county.vote(plan, "绩效员")
    county.vote(plan, "赵")
    with pytest.raises(SeatTaken) as taken:
        replace_seat(county.seat(plan, "赵"), deputy, request_id=uuid4(), **options)
    assert (taken.value.vote, taken.value.name) == ("approve", "赵")


# --- Who may vote ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["refuse", "recuse"])
def test_a_no_and_a_withdrawal_need_words(county: Ground, choice: str) -> None:
    plan = county.at_the_group()
    with pytest.raises(Refused) as refused:
        county.vote(plan, "赵", choice, "  ")
    assert codes(refused) == ["given.opinion"]
    assert county.seat(plan, "赵").vote == ""


def test_another_member_a_stranger_and_another_institution_cannot_vote_for_one(county: Ground) -> None:
    plan = county.at_the_group()
    seat = county.seat(plan, "赵")
    for who in ("钱", "绩效员", "局长"):
        with pytest.raises(Refused) as refused:
            vote(seat, "approve", actor=county.actor(who), at=AT, request_id=uuid4())
        assert codes(refused) == ["not_yours"]
    elsewhere = place("tengzhou", "滕州市住建局")
    stranger = elsewhere.post("赵", "leading_group", elsewhere.root)
    foreign = replace(county.actor("赵"), institution_id=stranger.institution_id)
    with pytest.raises(Seat.DoesNotExist):
        vote(seat, "approve", actor=foreign, at=AT, request_id=uuid4())
    with pytest.raises(Refused):
        vote(seat, "approve", actor=clock_of(county.place.institution.pk), at=AT, request_id=uuid4())
    assert county.seat(plan, "赵").vote == ""


def test_nobody_decides_on_their_own_work_but_everybody_may_withdraw_from_it(county: Ground) -> None:
    plan = county.at_the_group()
    member = county.place.post("承办员", "leading_group", county.place.root)
    seat = county.seat(plan, "赵")
    replaced = {"actor": county.actor("督查员"), "at": AT, "reason": "换人"}
    with pytest.raises(Refused):
        replace_seat(seat, member, request_id=uuid4(), **replaced)  # type: ignore[arg-type]
    day = local_day(county.place.institution, AT)
    changes.delegate(
        seat.post,
        to=county.place.person("承办员"),
        begins=day,
        ends=day,
        by=county.place.clock,
        at=AT,
        reason="出差",
    )
    with pytest.raises(Refused) as refused:  # as the member's delegate neither
        vote(seat, "approve", actor=county.actor("承办员"), at=AT, request_id=uuid4())
    assert codes(refused) == ["own_work"]
    assert (
        vote(
            seat, "recuse", actor=county.actor("承办员"), at=AT, opinion="本人拟办", request_id=uuid4()
        ).tally.recused
        == 1
    )


def test_a_delegate_votes_for_the_post_and_the_ledger_says_for_whom(county: Ground) -> None:
    plan = county.at_the_group()
    day = local_day(county.place.institution, AT)
    zhao = county.seat(plan, "赵").post
    changes.delegate(
        zhao, to=county.place.person("钱"), begins=day, ends=day, by=county.place.clock, at=AT, reason="出差"
    )
    qian = county.actor("钱")
    with pytest.raises(Refused):
        vote(
            county.seat(plan, "赵"),
            "approve",
            actor=qian,
            at=AT,
            request_id=uuid4(),
            as_post=county.seat(plan, "钱").post_id,
        )
    vote(county.seat(plan, "赵"), "approve", actor=qian, at=AT, request_id=uuid4(), as_post=zhao.pk)
    [entry] = entries(plan, "vote")[1:]
    assert (entry.actor, entry.acting_for, entry.as_post, entry.decides) == (
        qian.person_id, zhao.person_id, zhao.pk, True
    )  # fmt: skip
    assert county.seat(plan, "赵").voted_by_id == qian.person_id
    assert county.seat(plan, "钱").vote == ""


def test_the_substitute_of_somebody_absent_votes(county: Ground) -> None:
    plan = county.at_the_group()
    day = local_day(county.place.institution, AT)
    seat = county.seat(plan, "孙")
    substitute = county.place.person("常务")
    changes.record_absence(
        seat.post, begins=day, ends=day, by=county.place.clock, at=AT, reason="学习", substitute=substitute
    )
    assert vote(seat, "approve", actor=county.actor("常务"), at=AT, request_id=uuid4()).choice == "approve"


def test_a_work_item_stands_for_its_seat(county: Ground) -> None:
    plan = county.forwarded()
    [item] = county.open_items(plan)
    assert (
        vote(item, "approve", actor=county.actor("绩效员"), at=AT, request_id=uuid4()).seat_id == item.seat_id
    )
    plain = WorkItem.objects.filter(seat=None).first()
    assert plain is not None
    with pytest.raises(Seat.DoesNotExist):
        vote(plain, "approve", actor=county.actor("绩效员"), at=AT, request_id=uuid4())


# --- Twice, late, stale ------------------------------------------------------------------------------------


def test_the_same_request_gets_its_first_answer_even_after_the_round_has_ended(county: Ground) -> None:
    plan = county.at_the_group()
    seat, request_id = county.seat(plan, "赵"), uuid4()
    first = vote(seat, "approve", actor=county.actor("赵"), at=AT, opinion="同意", request_id=request_id)
    county.vote(plan, "钱")
    later = AT + timedelta(minutes=5)
    again = vote(seat, "approve", actor=county.actor("赵"), at=later, opinion="同意", request_id=request_id)
    assert again == replace(first, replayed=True)
    with pytest.raises(Conflict):
        vote(seat, "refuse", actor=county.actor("赵"), at=later, opinion="不同意", request_id=request_id)
    assert len(entries(plan, "vote")) == 3


def test_a_seat_is_decided_once_and_the_late_one_hears_by_whom_and_when(county: Ground) -> None:
    plan = county.forwarded()
    seat = county.seat(plan, "绩效员")
    county.vote(plan, "绩效副", at=AT + timedelta(minutes=1))
    with pytest.raises(SeatTaken) as taken:
        vote(seat, "refuse", actor=county.actor("绩效员"), at=AT, opinion="不妥", request_id=uuid4())
    assert (taken.value.name, taken.value.vote, taken.value.at) == (
        "绩效副",
        "approve",
        AT + timedelta(minutes=1),
    )
    assert isinstance(taken.value, Stale)


def test_votes_make_nobody_stale_but_another_version_of_the_content_does(county: Ground) -> None:
    plan = county.at_the_group()
    seen = county.fresh(plan).version
    county.vote(plan, "赵", seen_version=seen)
    with pytest.raises(Stale) as stale:
        county.vote(plan, "钱", seen_version=seen - 1)
    assert not isinstance(stale.value, SeatTaken)
    assert county.vote(plan, "钱", seen_version=seen).outcome == "approve"


def test_how_many_must_agree_is_fixed_when_the_step_opens(
    county: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    from supervision.schemes.rulebooks import SchemeBook

    plan = county.at_the_group()
    monkeypatch.setattr(SchemeBook, "number", lambda self, key: 3)
    county.vote(plan, "赵")
    assert county.vote(plan, "钱").outcome == "approve"
    assert [sitting.task.need for sitting in sittings_of(plan)] == [1, 2]


# --- The document and its round ----------------------------------------------------------------------------


def test_when_a_condition_refuses_the_step_the_last_vote_is_not_counted(county: Ground) -> None:
    plan = county.at_the_group()
    county.vote(plan, "赵")
    PlannedMeasure.objects.filter(rectification=plan).update(due_on=None)
    before = county.fresh(plan)
    with pytest.raises(Refused) as refused:
        county.vote(plan, "钱")
    assert codes(refused) == ["is_dated"]
    after = county.fresh(plan)
    assert (after.state, after.version, after.ledger_sequence) == (
        before.state,
        before.version,
        before.ledger_sequence,
    )
    assert county.seat(plan, "钱").vote == ""
    assert len(county.open_items(plan)) == 2
    assert Round.objects.get(document_id=plan.pk).finished is None
    PlannedMeasure.objects.filter(rectification=plan).update(due_on=date(2026, 6, 30))
    assert county.vote(plan, "钱").outcome == "approve"


def test_a_document_that_moves_otherwise_closes_its_round_with_everything_in_it(county: Ground) -> None:
    plan = county.at_the_group()
    county.vote(plan, "赵")
    later = AT + timedelta(hours=1)
    county.take(plan, "withdraw_plan", "督查员", at=later, reason="方案有误")
    closed = Round.objects.get(document_id=plan.pk)
    assert (closed.status, closed.outcome, closed.finished) == ("CANCELED", "withdraw_plan", later)
    assert not RoundTask.objects.filter(process=closed, finished=None).exists()
    assert {name: seat.vote for name, seat in county.seats(plan).items()} == {
        "赵": "approve", "钱": "overtaken", "孙": "overtaken"
    }  # fmt: skip
    assert [item.duty for item in county.open_items(plan)] == ["rectification.review"]
    assert told(plan, "round.withdrawn") == {"钱", "孙"}
    with pytest.raises(SeatTaken) as taken:
        county.vote(plan, "钱", at=later)
    assert (taken.value.name, taken.value.at, taken.value.state) == ("督查员", later, "for_review")


def test_a_second_round_asks_and_tells_everybody_again(county: Ground) -> None:
    plan = county.at_the_group()
    county.take(plan, "withdraw_plan", "督查员", reason="方案有误")
    county.take(plan, "forward", "督查员")
    [item] = county.open_items(plan)
    assert item.turn == 2
    assert Notice.objects.filter(document_id=plan.pk, code="round.open", person__name="绩效员").count() == 2
    county.vote(plan, "绩效员")
    assert [county.vote(plan, who).outcome for who in "孙赵"] == [None, "approve"]
    assert list(Round.objects.filter(document_id=plan.pk).order_by("pk").values_list("outcome", flat=True)) == [
        "withdraw_plan", "approve"
    ]  # fmt: skip


def test_every_vote_stands_in_the_chain_with_the_count_before_and_after(county: Ground) -> None:
    plan = county.at_the_group()
    county.vote(plan, "赵", opinion="同意，抓紧落实")
    county.vote(plan, "钱")
    steps = list(
        Entry.objects.filter(kind=plan.kind(), document_id=plan.pk)
        .order_by("sequence")
        .values_list("step", flat=True)
    )
    assert steps[-7:] == ["forward", "seats_open", "vote", "seats_open", "vote", "vote", "approve"]
    second = content(entries(plan, "vote")[1])
    assert (second["opinion"], second["choice"], second["step"]) == ("同意，抓紧落实", "approve", "leaders")
    assert (second["before"]["agreed"], second["after"]["agreed"], second["verdict"]) == (0, 1, None)
    opened = content(entries(plan, "seats_open")[1])
    assert (opened["need"], [seat["holder"] for seat in opened["seats"]]) == (
        2, [county.place.person(name).pk for name in "赵钱孙"]
    )  # fmt: skip
    final = entries(plan, "approve")[0]
    assert (final.actor, final.as_role, final.from_state, final.to_state) == (
        None,
        "round",
        "for_leadership",
        "in_progress",
    )
    assert verify(county.place.institution.pk).faults == []


# --- Seats follow posts ------------------------------------------------------------------------------------


def succession(county: Ground, day: date) -> None:
    """赵 leaves the leading group on `day`, 新赵 joins it the day after."""
    post = county.place.person("赵").posts.get()
    changes.end_post(post, ends=day, by=county.place.clock, at=AT, reason="调离")
    county.place.post("新赵", "leading_group", county.place.root, begins=day + timedelta(days=1))


def test_an_open_seat_goes_to_the_successor_with_its_item_and_both_stand_in_the_ledger(
    county: Ground,
) -> None:
    plan = county.at_the_group()
    succession(county, date(2026, 3, 2))
    tomorrow = AT + timedelta(days=1)
    assert reseat(AT).moved == []
    seat = county.seat(plan, "赵")
    assert reseat(tomorrow, county.place.institution).moved == [seat.pk]
    assert list(county.seats(plan)) == ["新赵", "钱", "孙"]
    assert WorkItem.objects.get(seat=seat).post_id == county.place.person("新赵").posts.get().pk
    assert told(plan, "round.moved") == {"新赵"}
    [entry] = entries(plan, "seat_moved")
    assert content(entry)["from"]["holder"] == county.place.person("赵").pk
    assert reseat(tomorrow).moved == []
    with pytest.raises(Refused):
        vote(seat, "approve", actor=county.actor("赵", tomorrow), at=tomorrow, request_id=uuid4())
    assert county.vote(plan, "新赵", at=tomorrow).choice == "approve"
    assert verify(county.place.institution.pk).faults == []


def test_the_successor_votes_without_waiting_for_the_sweep(county: Ground) -> None:
    plan = county.at_the_group()
    succession(county, date(2026, 3, 2))
    tomorrow = AT + timedelta(days=1)
    seat = county.seat(plan, "赵")
    assert (
        vote(seat, "approve", actor=county.actor("新赵", tomorrow), at=tomorrow, request_id=uuid4()).choice
        == "approve"
    )
    assert county.seat(plan, "新赵").vote == "approve"


def test_a_seat_whose_post_ended_without_a_successor_is_vacant_until_somebody_is_named(
    county: Ground,
) -> None:
    plan = county.at_the_group()
    post = county.place.person("赵").posts.get()
    changes.end_post(post, ends=date(2026, 3, 2), by=county.place.clock, at=AT, reason="退休")
    tomorrow = AT + timedelta(days=1)
    found = reseat(tomorrow)
    assert (found.moved, found.vacant) == ([], [county.seat(plan, "赵").pk])
    assert county.seat(plan, "赵").vote == ""


def test_who_gave_a_seat_away_does_not_get_another_by_succession(county: Ground) -> None:
    deputy = county.place.post("副县长", "head", county.place.root)
    plan = county.at_the_group()
    replace_seat(
        county.seat(plan, "钱"),
        deputy,
        actor=county.actor("督查员"),
        at=AT,
        reason="钱需回避",
        request_id=uuid4(),
    )
    changes.end_post(
        county.seat(plan, "赵").post, ends=date(2026, 3, 2), by=county.place.clock, at=AT, reason="退休"
    )
    found = reseat(AT + timedelta(days=1))
    assert (found.moved, len(found.vacant)) == ([], 1)


def test_a_seat_of_a_vacant_office_is_decided_by_the_next_office_up(county: Ground) -> None:
    plan = county.forwarded()
    for name in ("绩效员", "绩效副"):
        post = county.place.person(name).posts.get()
        changes.end_post(post, ends=date(2026, 3, 2), by=county.place.clock, at=AT, reason="调离")
    tomorrow = AT + timedelta(days=1)
    with pytest.raises(Refused):
        county.vote(plan, "督查员", at=tomorrow)
    assert reroute(tomorrow).up >= 1
    assert county.vote(plan, "督查员", at=tomorrow).verdict == "approve"


# --- Statements --------------------------------------------------------------------------------------------


def statements(context: CaptureQueriesContext) -> list[str]:
    """What runs inside the transaction, without savepoints; the look-up of the seat comes before it."""
    sent = [query["sql"] for query in context.captured_queries]
    begin = next(number for number, sql in enumerate(sent) if sql.startswith(("SAVEPOINT", "BEGIN")))
    return [sql for sql in sent[begin:] if not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]


def counted(act: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as context:
        act()
    return len(statements(context))


def test_few_statements_whatever_is_decided(county: Ground) -> None:
    county.at_the_group("热身")  # the process reads the scheme and the calendar once
    plan, actors = county.plan(), {who: county.actor(who) for who in ("绩效员", "赵", "钱", "督查员")}

    def cast(who: str) -> Callable[[], Any]:
        seat = county.seat(plan, who)
        return lambda: vote(seat, "approve", actor=actors[who], at=AT, request_id=uuid4())

    with transaction.atomic():
        [locked] = take(Rectification, [plan.pk], actors["督查员"], None)
        with CaptureQueriesContext(connection) as opening:
            open_round(locked, ROUND, actor=actors["督查员"], at=AT)
        transaction.set_rollback(True)
    assert len(opening) <= 5
    county.take(plan, "forward", "督查员")
    assert counted(cast("绩效员")) <= 10  # opens the group's seats
    assert counted(cast("赵")) <= 6  # decides nothing
    assert counted(cast("钱")) <= 18  # ends the round, takes the document's step and what that causes


def test_more_seats_cost_no_more_statements(county: Ground) -> None:
    for name in "李周吴郑王":
        county.place.post(name, "leading_group", county.place.root)
    county.at_the_group("热身")
    plan = county.forwarded()
    seat, actor = county.seat(plan, "绩效员"), county.actor("绩效员")
    assert counted(lambda: vote(seat, "approve", actor=actor, at=AT, request_id=uuid4())) <= 10
    assert len(county.seats(plan)) == 8


def test_a_page_of_seats_knows_how_their_steps_stand_in_one_statement(
    county: Ground, django_assert_num_queries: Any
) -> None:
    first, second = county.at_the_group("甲"), county.at_the_group("乙")
    county.vote(first, "赵")
    county.vote(second, "钱", "refuse", "时限过长")
    seats = [county.seat(plan, "孙").pk for plan in (first, second)]
    with django_assert_num_queries(1):
        found = tallies_of(seats)
    assert found == {
        seats[0]: Tally(agreed=1, against=0, recused=0, waiting=2, need=2),
        seats[1]: Tally(agreed=0, against=1, recused=0, waiting=2, need=2),
    }


# --- What the program knows of its rounds ------------------------------------------------------------------


def test_every_registered_round_fits_its_lifecycle_and_every_shipped_scheme() -> None:
    assert ROUND in registered_rounds()
    assert faults_of_rounds(Rectification) == []
    for path in sorted(SHIPPED.glob("*.yaml")):
        pack = read_pack(path)
        for name in registered_rounds():
            assert rules_of(name) <= set(pack["deadlines"])
            assert numbers_of(name) <= set(pack["numbers"])
    assert set(roles_of(ROUND)) == {"performance_office", "leading_group", "supervisor"}


def test_a_round_that_does_not_fit_its_lifecycle_is_named(
    monkeypatch: pytest.MonkeyPatch, policy: Policy
) -> None:
    class Half(RoundFlow):
        __module__ = "supervision.rectification.rounds"
        title, convenes, within = Text("半", "half"), SUPERVISOR, "rectification.leadership"
        start = Opening().Next(this.group)
        group = Panel("组", "group", each_of=LEADER).Then(this.yes)
        yes = Fire("accept")

    policy(Half)
    assert faults_of_rounds(Rectification) == [
        "for_leadership leaves by ['approve', 'refuse'], its round ends by ['accept']",
        "group of the round rectification.leadership lacks an exit",
    ]
    monkeypatch.delitem(round_policies._policies, ROUND)
    assert faults_of_rounds(Rectification) == [
        "for_leadership names the round rectification.leadership, which no room has registered"
    ]


@pytest.mark.parametrize(
    "options", [{}, {"one_of": LEADER, "each_of": LEADER}, {"one_of": LEADER, "need": 2}]
)
def test_a_panel_that_cannot_be_meant_is_refused_where_it_is_written(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a panel seats"):
        Panel("组", "group", **options)


def test_an_open_step_that_the_program_no_longer_knows_is_found_and_nobody_votes_there(
    county: Ground,
) -> None:
    plan = county.at_the_group()
    assert orphans() == []
    table = RoundTask._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET flow_task = replace(flow_task, '.leaders', '.elders')")
    [orphan] = orphans()
    assert (orphan.kind, orphan.document_id, orphan.step) == (
        "rectification.rectification", plan.pk, "rectification/rounds.LeadershipApproval.elders"
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        county.vote(plan, "赵")
    assert codes(refused) == ["round_orphaned"]
    county.take(plan, "withdraw_plan", "督查员", reason="流程已变")
    assert orphans() == []


def test_a_round_moves_only_in_a_transaction_and_has_no_page_of_viewflow_s() -> None:
    with pytest.raises(TransactionManagementError), LeadershipApproval.lock(1):
        pytest.fail("viewflow may not move a round by itself")
    pages = [
        pattern for pattern in _patterns(get_resolver()) if pattern.callback.__module__.startswith("viewflow")
    ]
    assert pages == []


def _patterns(resolver: Any) -> Iterator[Any]:
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _patterns(pattern)
        else:
            yield pattern


def test_the_policy_is_the_one_the_regulation_names() -> None:
    panels = {panel.name: panel for panel in LeadershipApproval.panels()}
    assert [(name, panels[name].role, panels[name].each) for name in ("office", "leaders")] == [
        ("office", PERFORMANCE_OFFICE, False), ("leaders", LEADER, True)
    ]  # fmt: skip
    assert panels["leaders"].need == "rectification.leadership_need"
    assert LeadershipApproval.outcomes() == {"approve", "refuse"}

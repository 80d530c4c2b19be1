"""Goals of a year: written, weighed, reviewed, objected to, issued, changed and concluded (R14-R23, R28-R30)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from organisation import changes
from supervision.goals import ambition
from supervision.goals.calling import call_for_goals
from supervision.goals.models import Goal, GoalChange, Milestone
from supervision.reports.opening import open_quarterly_reports
from tests.supervision.county import (
    AT,
    GOALS_DECIDED,
    TO_ISSUED,
    TO_REVIEW,
    County,
    act,
    again,
    change,
    change_of,
    fill_in,
    goal_of,
    goals_concluded,
    inputs_for,
    moment,
    owed,
    report_of,
    sheet_of,
    walk,
    write_goal,
)  # fmt: skip
from workflows.auditor import find
from workflows.documents import Refused, Stale
from workflows.fire import fire, fire_many
from workflows.ledger import read_chain
from workflows.models import Entry, Notice, WorkItem


def reasons(
    place: County, document: Any, step: str, who: str, at: datetime = AT, **given: Any
) -> dict[str, str]:
    """The step is refused: its reasons by code."""
    with pytest.raises(Refused) as refused:
        act(place, document, step, who, at, **given)
    return {reason.code: str(reason) for reason in refused.value.reasons}


def a_draft(place: County) -> Goal:
    return write_goal(place, sheet_of(place), "staff")


# --- Writing -----------------------------------------------------------------------------------------------


def test_a_goal_that_says_nothing_is_told_everything_that_it_lacks(place: County) -> None:
    found = reasons(place, a_draft(place), "finish_draft", "staff")
    assert set(found) == {
        "has_field", "has_basis", "has_measure", "has_baseline", "has_method", "has_owner", "has_publication", "has_milestones",
    }  # fmt: skip


def test_a_goal_measured_by_milestones_needs_words_and_no_figure(place: County) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", indicator="milestone", target=None, measured_in="", last_year=None)
    assert set(reasons(place, goal, "finish_draft", "staff")) == {"has_measure"}
    change(place, goal, "staff", target_text="改造完成并通过验收")
    assert walk(place, goal, "finish_draft:staff").state == "ready"


def test_a_field_that_the_scheme_does_not_name_is_no_field(place: County) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", field="weather")
    assert set(reasons(place, goal, "finish_draft", "staff")) == {"has_field"}


@pytest.mark.parametrize(
    ("milestones", "code", "said"),
    [
        ([{"text": "甲", "criterion": "报告"}], "milestones_dated", "尚有 1 个节点未写明完成时限。"),
        ([{"text": "甲", "due_on": date(2026, 6, 1)}], "milestones_told", "尚有 1 个节点未写明完成标志。"),
        (
            [{"text": "甲", "due_on": date(2027, 1, 1), "criterion": "报告"}],
            "within_year",
            "节点须在考核年度内（2026-01-01至2026-12-31）。",
        ),
        (
            [{"text": "甲", "due_on": date(2025, 12, 31), "criterion": "报告"}],
            "within_year",
            "节点须在考核年度内（2026-01-01至2026-12-31）。",
        ),
    ],
)
def test_milestones_have_a_date_within_the_year_and_say_what_shows_them(
    place: County, milestones: list[dict[str, Any]], code: str, said: str
) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", planned_milestones=milestones)
    assert reasons(place, goal, "finish_draft", "staff")[code] == said


def test_a_unit_that_co_operates_has_a_part_of_its_own(place: County) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", co_units=[{"unit_id": place.units["bureau"].pk, "task": ""}])
    assert reasons(place, goal, "finish_draft", "staff") == {"parts_told": "尚有 1 个配合单位未写明任务。"}


def test_no_goal_is_added_to_a_sheet_that_was_handed_on(place: County) -> None:
    sheet = walk(place, sheet_of(place), TO_REVIEW)
    before = Goal.objects.count()
    with pytest.raises(Refused) as refused:
        write_goal(place, sheet, "staff")
    assert [reason.code for reason in refused.value.reasons] == ["sheet_takes_goals"]
    assert Goal.objects.count() == before


def test_a_goal_that_was_handed_on_is_not_changed_any_more(place: County) -> None:
    sheet = walk(place, sheet_of(place), "goal_is_ready:staff, explain_fields:staff, hand_in:staff")
    assert set(reasons(place, Goal.objects.get(sheet=sheet), "reopen", "staff")) == {"with_the_unit"}
    walk(place, sheet, "take_back:staff")
    assert walk(place, Goal.objects.get(sheet=sheet), "reopen:staff").state == "draft"


def test_a_unit_has_one_sheet_a_year(place: County) -> None:
    sheet_of(place)
    with pytest.raises(IntegrityError), transaction.atomic():
        sheet_of(place)


# --- Coverage and ambition ---------------------------------------------------------------------------------


def test_fields_without_a_goal_are_named_until_there_is_a_reason_for_it(place: County) -> None:
    sheet = walk(place, sheet_of(place), "goal_is_ready:staff")
    assert reasons(place, sheet, "hand_in", "staff") == {
        "covers_fields": "以下领域没有目标：经济社会发展、党建目标管理、党风廉政建设、社会治安综合治理。请补充，或写明理由。"
    }
    walk(place, sheet, "explain_fields:staff, hand_in:staff")


def test_a_goal_that_was_dropped_covers_nothing(place: County) -> None:
    sheet = sheet_of(place)
    goal = write_goal(place, sheet, "staff")
    walk(place, goal, "plan_goal:staff, drop:staff")
    assert set(reasons(place, sheet, "hand_in", "staff")) == {"has_goals", "covers_fields"}


@pytest.mark.parametrize(
    ("target", "less_is_better", "said"),
    [
        (Decimal(90), False, "目标偏低：不及上年实绩、规划值"),
        (Decimal(92), False, "目标偏低：不及规划值"),
        (Decimal(94), False, None),
        (Decimal(94), True, "目标偏宽：高于上年实绩、同类地区（越低越好）"),
        (None, False, None),
    ],
)
def test_a_target_is_flagged_as_low_beside_last_year_the_plan_and_comparable_places(
    target: Decimal | None, less_is_better: bool, said: str | None
) -> None:
    beside = ((ambition.LAST_YEAR, Decimal(92)), (ambition.PLAN, Decimal(94)), (ambition.PEERS, Decimal(90)))
    found = ambition.why_low(target, beside, less_is_better=less_is_better)
    assert (found.zh if found else None) == said


def test_the_flag_is_a_remark_and_refuses_nothing(place: County) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", target=Decimal(80))
    assert str(again(goal).remarks()["target"]) == "目标偏低：不及上年实绩"
    assert walk(place, goal, "finish_draft:staff").state == "ready"


# --- The two gates and the review --------------------------------------------------------------------------


@pytest.mark.parametrize("gate", ["duties_fit", "quantified", "head_said"])
def test_the_head_answers_both_gates_and_says_something(place: County, gate: str) -> None:
    sheet = walk(place, sheet_of(place), "goal_is_ready:staff, explain_fields:staff, hand_in:staff")
    assert set(reasons(place, sheet, "sign", "head", **{gate: False if gate != "head_said" else " "})) == {
        f"given.{gate}"
    }


def test_the_answers_to_the_gates_stand_in_the_ledger(place: County) -> None:
    sheet = walk(place, sheet_of(place), TO_REVIEW)
    content = next(content for entry, content in read_chain(sheet) if entry.step == "sign")
    assert content["inputs"] == {"duties_fit": True, "quantified": True, "head_said": "符合职能，均已量化"}


def test_the_sheets_goals_are_submitted_with_it(place: County) -> None:
    goal = goal_of(place, "goal_is_ready:staff, explain_fields:staff, hand_in:staff")
    assert (goal.state, owed(goal)) == ("ready", {})
    walk(place, goal.sheet, "sign:head")
    assert (again(goal).state, owed(goal)) == ("under_review", {"goal.review": date(2026, 3, 9)})


def test_who_called_for_the_goals_may_review_them(place: County) -> None:
    sheet = walk(place, sheet_of(place, who="office"), TO_REVIEW)
    assert walk(place, sheet, "goals_approved:office, forward:office").state == "for_leadership"


def test_the_office_sets_a_value_and_old_and_new_stand_side_by_side(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "set_value:office")
    assert (goal.target, goal.office_target, goal.proposed_target) == (Decimal(95), Decimal("96.5"), None)
    assert owed(goal) == {"goal.answer": date(2026, 3, 5)}
    goal = walk(place, goal, "accept_value:head")
    assert (goal.target, goal.office_target, goal.proposed_target) == (
        Decimal("96.5"),
        Decimal("96.5"),
        Decimal(95),
    )


@pytest.mark.parametrize("value", [Decimal("1e14"), Decimal("0.00001")])
def test_a_figure_that_does_not_fit_is_refused_by_its_name(place: County, value: Decimal) -> None:
    goal = goal_of(place, TO_REVIEW)
    assert set(reasons(place, goal, "set_value", "office", value=value)) == {"given.value.0"}


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), 96, 96.5, "96"])
def test_what_is_no_figure_is_refused_by_its_name(place: County, value: Any) -> None:
    goal = goal_of(place, TO_REVIEW)
    assert set(reasons(place, goal, "set_value", "office", value=value)) == {"given.value"}


def test_the_leading_group_upholds_the_offices_value_or_the_units(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "set_value:office, object:head")
    assert goal.objection == "情况说明"
    upheld = walk(place, goal, "agree:leader, agree:second leader")
    assert (upheld.state, upheld.target, upheld.proposed_target) == ("agreed", Decimal("96.5"), Decimal(95))


def test_a_value_that_is_not_upheld_leaves_the_units_target(place: County) -> None:
    goal = walk(
        place,
        goal_of(place, TO_REVIEW),
        "set_value:office, object:head, disagree:leader, disagree:second leader",
    )
    assert (goal.state, goal.target, goal.office_target) == ("agreed", Decimal(95), Decimal("96.5"))


def test_what_was_referred_back_is_mended_and_reviewed_again_while_the_offices_clock_stands(
    place: County,
) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "return_goal:office")
    sheet = walk(place, goal.sheet, "refer_to_unit:office", moment(3, 4))
    assert owed(sheet) == {"goals.review": None, "goals.answer_sheet": date(2026, 3, 11)}
    assert reasons(place, sheet, "hand_in_correction", "staff") == {"all_ready": "尚有 1 项目标未拟定完成。"}
    walk(place, goal, "finish_draft:staff", moment(3, 5))
    sheet = walk(place, sheet, "goal_is_ready:colleague, hand_in_correction:staff", moment(3, 6))
    assert owed(sheet) == {
        "goals.review": None,
        "goals.answer_sheet": date(2026, 3, 11),
        "goals.sign_again": date(2026, 3, 10),
    }
    sheet = walk(place, sheet, "report_back:head", moment(3, 6, 11))
    assert (sheet.state, sheet.times_returned) == ("for_review", 1)
    assert owed(sheet) == {"goals.review": date(2026, 3, 18)}
    assert set(Goal.objects.filter(sheet=sheet).values_list("state", flat=True)) == {"under_review"}


def test_a_sheet_is_not_put_to_decision_while_a_goal_is_contested(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "set_value:office, object:head")
    assert reasons(place, goal.sheet, "forward", "office") == {
        "all_settled": "尚有 1 项目标未审定（退回、待答复或有异议）。"
    }


def test_what_the_leadership_refuses_comes_back_to_the_office_which_may_open_a_goal_again(
    place: County,
) -> None:
    sheet = walk(
        place,
        sheet_of(place),
        f"{TO_REVIEW}, goals_approved:office, forward:office, disagree:leader, disagree:second leader",
    )
    goal = Goal.objects.get(sheet=sheet)
    assert (sheet.state, goal.state) == ("for_review", "agreed")
    assert walk(place, goal, "review_again:office").state == "under_review"


# --- In force ----------------------------------------------------------------------------------------------


def test_issuing_a_sheet_puts_its_goals_in_force_and_opens_their_milestones(place: County) -> None:
    goal = goal_of(place, TO_ISSUED)
    assert (goal.state, goal.issued_target, goal.due_on) == ("in_force", Decimal(95), date(2026, 12, 31))
    assert owed(goal) == {"goal.finish": date(2027, 1, 11)}
    assert owed(goal.sheet) == {"goals.closing": date(2027, 2, 1)}
    milestones = Milestone.objects.filter(goal=goal).order_by("place")
    assert [(m.title, m.due_on, owed(m)) for m in milestones] == [
        ("供热投诉办结率：完成管网排查", date(2026, 6, 30), {"milestone.finish": date(2026, 6, 30)}),
        ("供热投诉办结率：完成改造", date(2026, 10, 31), {"milestone.finish": date(2026, 11, 2)}),
    ]


def test_a_unit_is_told_once_of_its_sheet_and_not_of_every_goal(place: County) -> None:
    sheet = walk(place, sheet_of(place), f"goal_is_ready:staff, {TO_ISSUED}")
    told = Notice.objects.filter(person=place.people["staff"], code__in=("issue", "open"))
    assert list(told.values_list("kind", "document_id")) == [(sheet.kind(), sheet.pk)]


def test_goals_are_not_issued_for_a_year_that_is_over(place: County) -> None:
    sheet = walk(place, sheet_of(place), f"{TO_REVIEW}, goals_approved:office, forward:office, agree:leader")
    with pytest.raises(Refused) as refused:
        walk(place, sheet, "agree:second leader", moment(1, 4, year=2027))
    assert [reason.code for reason in refused.value.reasons] == ["year_runs"]
    assert again(sheet).state == "for_leadership"


def test_the_result_of_the_year_is_verified_when_every_milestone_is_concluded(place: County) -> None:
    goal = walk(place, goal_of(place, TO_ISSUED), "report_result:head")
    assert reasons(place, goal, "conclude", "office") == {"milestones_done": "尚有 2 个节点未核查办结。"}
    walk(place, goal, "milestones_reached:office, conclude:office")
    assert (again(goal).verdict, again(goal).result) == ("met", Decimal("97.1"))


def test_a_verdict_is_one_of_three(place: County) -> None:
    goal = walk(place, goal_of(place, TO_ISSUED), "milestones_reached:office, report_result:head")
    assert reasons(place, goal, "conclude", "office", verdict="excellent") == {
        "given.verdict": "“核定结论”格式不对。"
    }
    assert reasons(place, goal, "conclude", "office", verdict="") == {"given.verdict": "请选择“核定结论”。"}


def test_a_year_is_closed_when_every_goal_is_concluded(place: County) -> None:
    sheet = walk(place, sheet_of(place), TO_ISSUED)
    assert reasons(place, sheet, "close", "office") == {"all_concluded": "尚有 1 项目标或目标调整未办结。"}
    goals_concluded(place, sheet, "office")
    assert walk(place, sheet, "close:office").state == "closed"
    assert not WorkItem.objects.filter(closed_at=None).exists()


# --- Changes -----------------------------------------------------------------------------------------------

TO_GROUP = "hand_in:staff, sign:head, forward:office"


def test_a_goal_stands_as_issued_until_its_change_is_approved(place: County) -> None:
    change_ = walk(place, change_of(place), TO_GROUP)
    assert again(change_.goal).target == Decimal(95)
    applied = walk(place, change_, "agree:leader, agree:second leader")
    goal = again(change_.goal)
    assert (applied.state, applied.old_target, goal.target, goal.issued_target) == (
        "applied",
        Decimal(95),
        Decimal(93),
        Decimal(95),
    )
    assert goal.target_text == ""
    assert owed(goal) == {"goal.finish": date(2027, 1, 11)}


def test_a_change_that_is_declined_changes_nothing(place: County) -> None:
    change_ = walk(place, change_of(place), f"{TO_GROUP}, disagree:leader, disagree:second leader")
    assert (change_.state, again(change_.goal).target) == ("declined", Decimal(95))


@pytest.mark.parametrize(("votes", "target"), [("agree", "96.5"), ("disagree", "93")])
def test_a_contested_value_of_a_change_is_decided_by_the_leading_group(
    place: County, votes: str, target: str
) -> None:
    change_ = walk(
        place,
        change_of(place),
        f"hand_in:staff, sign:head, set_value:office, object:head, {votes}:leader, {votes}:second leader",
    )
    assert (change_.state, change_.new_target) == ("for_leadership", Decimal(target))
    assert again(change_.goal).target == Decimal(95), "nobody has agreed to the change yet"
    change_ = walk(place, change_, "agree:leader, agree:second leader")
    assert (change_.state, again(change_.goal).target) == ("applied", Decimal(target))


def test_an_accepted_value_of_a_change_goes_to_the_leading_group(place: County) -> None:
    change_ = walk(place, change_of(place), "hand_in:staff, sign:head, set_value:office, accept_value:head")
    assert (change_.state, change_.new_target) == ("for_leadership", Decimal("96.5"))


def test_a_goal_that_is_withdrawn_takes_its_milestones_with_it(place: County) -> None:
    change_ = change_of(place, asks="withdraw", new_target=None)
    walk(place, change_, f"{TO_GROUP}, agree:leader, agree:second leader")
    goal = again(change_.goal)
    assert (goal.state, owed(goal)) == ("withdrawn", {})
    assert {m.state for m in Milestone.objects.filter(goal=goal)} == {"cancelled"}
    assert walk(place, goal.sheet, "close:office").state == "closed"


def test_a_change_must_change_something_and_say_why(place: County) -> None:
    change_ = change_of(place, new_target=Decimal(95), why=" ")
    assert reasons(place, change_, "hand_in", "staff") == {
        "says_why": "请写明调整理由。", "differs": "新目标值与现行目标值95相同。"
    }  # fmt: skip


def test_a_goal_has_one_open_change_and_is_not_reported_meanwhile(place: County) -> None:
    change_ = change_of(place)
    with pytest.raises(Refused) as refused:
        change_of(place, goal=change_.goal)
    assert [reason.code for reason in refused.value.reasons] == ["is_the_only_one"]
    assert set(reasons(place, change_.goal, "report_result", "head")) == {"no_open_change"}
    walk(place, change_, "drop:staff")
    assert walk(place, change_.goal, "report_result:head").state == "reported"


def test_a_goal_that_is_not_in_force_is_not_changed(place: County) -> None:
    goal = goal_of(place, TO_REVIEW)
    with pytest.raises(Refused) as refused:
        change_of(place, goal=goal)
    assert [reason.code for reason in refused.value.reasons] == ["goal_was_issued"]
    assert not GoalChange.objects.exists()


def test_a_decision_whose_consequence_cannot_follow_does_not_stand(place: County) -> None:
    """The goal leaves its state by some other way while the group decides: the last vote is refused, and nothing is left of it."""
    change_ = walk(place, change_of(place), f"{TO_GROUP}, agree:leader")
    walk(place, change_.goal, "cancel:clock")
    entries = Entry.objects.count()
    with pytest.raises(Refused) as refused:
        walk(place, change_, "agree:second leader")
    assert [reason.code for reason in refused.value.reasons] == ["goal_in_force"]
    assert (again(change_).state, Entry.objects.count()) == ("for_leadership", entries)


# --- With its parent ---------------------------------------------------------------------------------------


def test_a_goal_that_waits_with_its_sheet_is_no_finding_of_the_auditor(place: County) -> None:
    goal = goal_of(place, "goal_is_ready:staff")
    assert goal.state == "ready"
    assert find(AT) == []


def test_who_wrote_a_goal_has_handled_the_sheet_that_is_decided_with_it(place: County) -> None:
    """Else a head could sign, and a member of the leading group decide on, goals that they wrote themselves."""
    sheet = walk(
        place,
        sheet_of(place),
        "goal_is_ready:two hats, explain_fields:staff, hand_in:staff, sign:head, goals_approved:office",
    )
    entry, content = next((entry, content) for entry, content in read_chain(sheet) if entry.step == "joined")
    assert content["workers"] == [place.people["two hats"].pk]
    assert [child["title"] for child in content["joined"]] == ["供热投诉办结率"]
    assert entry.actor == place.people["two hats"].pk
    assert set(reasons(place, sheet, "forward", "two hats")) == {"own_work"}
    sheet = walk(place, sheet, "forward:office")
    with pytest.raises(Refused) as refused:
        walk(place, sheet, "agree:two hats")
    assert [reason.code for reason in refused.value.reasons] == ["own_work"]
    assert walk(place, sheet, "agree:leader, agree:second leader").state == "issued"


def test_who_answered_for_a_value_may_still_sign_the_sheet(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "set_value:office")
    sheet = walk(place, goal.sheet, "refer_to_unit:office")
    walk(place, goal, "accept_value:head")
    assert walk(place, sheet, "hand_in_correction:staff, report_back:head").state == "for_review"


def test_many_goals_join_their_sheet_by_one_entry(place: County) -> None:
    sheet = sheet_of(place)
    goals = [walk(place, write_goal(place, sheet, "staff"), "plan_goal:colleague") for _ in range(3)]
    seen = {goal.pk: goal.version for goal in goals}
    fire_many(Goal, seen, "finish_draft", actor=place.actor("staff"), at=AT, request_id=uuid4())
    joined = [content for entry, content in read_chain(again(sheet)) if entry.step == "joined"]
    assert [len(content["joined"]) for content in joined] == [3]
    assert set(again(sheet).workers) == {place.people["staff"].pk, place.people["colleague"].pk}


@pytest.mark.parametrize(("publication", "seen"), [("unit", False), ("all_units", True), ("public", True)])
def test_a_goal_is_open_to_those_it_is_published_to_from_its_issue_on(
    place: County, publication: str, seen: bool
) -> None:
    goal = walk(place, write_goal(place, sheet_of(place), "staff"), "plan_goal:staff")
    change(place, goal, "staff", publication=publication, co_units=[])
    walk(place, goal, "finish_draft:staff")
    walk(
        place,
        goal.sheet,
        "explain_fields:staff, hand_in:staff, sign:head, goals_approved:office, forward:office",
    )
    elsewhere = Goal.visible_to(place.actor("staff elsewhere"))
    assert not elsewhere.exists()
    walk(place, goal.sheet, "agree:leader, agree:second leader")
    assert Goal.visible_to(place.actor("staff elsewhere")).exists() is seen
    for who in ("stranger", "former leader", "outsider"):
        assert not Goal.visible_to(place.actor(who)).exists(), who


@pytest.mark.parametrize("units", [("town",), ("bureau", "bureau"), ("section", "bureau", "section")])
def test_a_co_operating_unit_is_another_unit_and_named_once(place: County, units: tuple[str, ...]) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(
        place,
        goal,
        "staff",
        co_units=[{"unit_id": place.units[unit].pk, "task": "提供数据"} for unit in units],
    )
    assert reasons(place, goal, "finish_draft", "staff") == {
        "parts_of_others": "配合单位不能是本单位，也不能重复。"
    }


def test_the_shares_of_the_milestones_are_at_most_the_whole(place: County) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    stages = [
        {"text": "甲", "due_on": date(2026, 6, 1), "criterion": "报告", "share": share}
        for share in (Decimal(60), Decimal("40.5"))
    ]
    change(place, goal, "staff", planned_milestones=stages)
    assert reasons(place, goal, "finish_draft", "staff") == {
        "shares_fit": "节点比重合计 100.5%，不能超过 100%。"
    }
    change(place, goal, "staff", planned_milestones=[{**stage, "share": None} for stage in stages])
    assert walk(place, goal, "finish_draft:staff").state == "ready"


# --- Reported on -------------------------------------------------------------------------------------------


def test_a_report_begins_with_a_line_for_every_goal_in_force_and_what_was_planned(place: County) -> None:
    sheet = walk(place, sheet_of(place), f"goal_is_ready:staff, {TO_ISSUED}")
    report = report_of(place, period="2026Q2", at=moment(7, 1))
    lines = list(report.lines.values_list("task", "planned", "goal__sheet"))
    assert lines == [("供热投诉办结率", "全年目标：95%；本季节点：完成管网排查（6月30日前）", sheet.pk)] * 2
    assert not report_of(place, "bureau", "2026Q2", moment(7, 1)).lines.exists()


def test_goals_that_were_withdrawn_or_issued_later_are_not_asked_for(place: County) -> None:
    goal = goal_of(place, TO_ISSUED, moment(4, 2))
    report = report_of(place, at=moment(4, 1))
    assert not report.lines.exists()
    fill_in(place, report, "staff", moment(4, 3))
    assert walk(place, report, "hand_in:staff", moment(4, 3)).state == "for_signature"
    walk(place, goal, "cancel:clock", moment(4, 3))
    assert not report_of(place, period="2026Q2", at=moment(7, 1)).lines.exists()


def test_a_goal_measured_by_a_figure_is_reported_with_its_value_and_no_goal_is_left_out(
    place: County,
) -> None:
    goal = goal_of(place, TO_ISSUED)
    at = moment(4, 2)
    report = report_of(place)
    line = report.lines.get()
    change(
        place, report, "staff", at, summary="总体按计划推进", lines=[{"id": line.pk, "actual": "完成排查"}]
    )
    assert reasons(place, report, "hand_in", "staff", at) == {
        "has_values": "尚有 1 项数值目标未填写累计完成值。"
    }
    change(place, report, "staff", at, lines=[{"task": "其他工作", "actual": "完成"}])
    assert reasons(place, report, "hand_in", "staff", at) == {
        "covers_goals": "以下目标没有填报：供热投诉办结率。请为其增加明细并选择目标。"
    }
    change(
        place,
        report,
        "staff",
        at,
        lines=[{"goal_id": goal.pk, "task": goal.title, "actual": "完成排查", "value": Decimal("93.5")}],
    )
    assert walk(place, report, "hand_in:staff", at).state == "for_signature"


def test_opening_reports_with_lines_takes_as_many_statements_for_many_goals_as_for_one(place: County) -> None:
    def taken(year: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            open_quarterly_reports(place.institution.pk, moment(*{1: (4, 1), 2: (7, 1)}[year]))
        return len(queries)

    walk(place, sheet_of(place), TO_ISSUED)
    few = taken(1)
    ready = ", ".join(["goal_is_ready:staff elsewhere"] * 4)
    road = f"{ready}, explain_fields:staff elsewhere, hand_in:staff elsewhere, sign:head elsewhere, {GOALS_DECIDED}"
    walk(place, sheet_of(place, unit="bureau"), road)
    assert taken(2) == few


# --- What a second pair of eyes found ------------------------------------------------------------------------


def test_a_head_who_signed_the_sheet_does_not_review_its_goals_for_the_office(place: County) -> None:
    """Nor does whoever acts for the head: the goals were submitted by that hand."""
    goal = goal_of(place, TO_REVIEW)
    assert goal.signers == [f"head:{place.people['head'].pk}"]
    changes.appoint(
        person=place.people["head"], role="performance_office", unit=place.units["county"], begins=date(2026, 1, 1),
        by=place.actor("clock"), at=moment(1, 1), reason="任职通知",
    )  # fmt: skip
    assert set(reasons(place, goal, "approve", "head")) == {"own_work"}


def test_who_carried_a_milestone_out_does_not_verify_the_goals_result(place: County) -> None:
    goal = goal_of(place, TO_ISSUED)
    for milestone in Milestone.objects.filter(goal=goal):
        walk(place, milestone, "add_evidence:two hats, claim_reached:two hats, accept:office")
    goal = walk(place, goal, "report_result:head")
    assert set(reasons(place, goal, "conclude", "two hats")) == {"own_work"}
    assert walk(place, goal, "conclude:office").state == "concluded"


def test_who_set_the_value_does_not_decide_on_the_objection_in_another_role(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "set_value:two hats, object:head")
    with pytest.raises(Refused) as refused:
        walk(place, goal, "agree:two hats")
    assert [reason.code for reason in refused.value.reasons] == ["own_work"]


def test_a_goal_is_not_dropped_behind_the_heads_back(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "return_goal:office")
    assert set(reasons(place, goal, "drop", "staff")) == {"with_the_unit"}
    sheet = walk(place, goal.sheet, "refer_to_unit:office")
    change(place, sheet, "staff", why_uncovered="")
    walk(place, goal, "drop:staff")
    assert set(reasons(place, sheet, "hand_in_correction", "staff")) == {"has_goals", "covers_fields"}


def test_goals_do_not_change_while_the_head_signs(place: County) -> None:
    goal = goal_of(place, TO_REVIEW)
    sheet = walk(
        place,
        goal.sheet,
        "goals_approved:office, refer_to_unit:office, goal_is_ready:staff, hand_in_correction:staff",
    )
    late = Goal.objects.filter(sheet=sheet).latest("pk")
    assert set(reasons(place, late, "reopen", "staff")) == {"with_the_unit"}
    with pytest.raises(Refused):
        write_goal(place, sheet, "staff")
    seen = sheet.version
    walk(place, sheet, "take_back_correction:staff, hand_in_correction:staff")
    with pytest.raises(Stale):
        fire(
            again(sheet), "report_back", actor=place.actor("head"), at=AT, seen_version=seen, request_id=uuid4(),
            **inputs_for(sheet, "report_back"),
        )  # fmt: skip


def test_a_milestone_lies_ahead_and_one_that_passed_meanwhile_is_due_at_once_and_not_overdue(
    place: County,
) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    stages = [
        {"text": "甲", "due_on": day, "criterion": "报告"} for day in (date(2026, 3, 1), date(2026, 6, 1))
    ]
    change(place, goal, "staff", planned_milestones=stages)
    assert set(reasons(place, goal, "finish_draft", "staff")) == {"milestones_ahead"}
    change(place, goal, "staff", planned_milestones=[{**stages[0], "due_on": date(2026, 3, 2)}, stages[1]])
    walk(place, goal, "finish_draft:staff")
    walk(place, goal.sheet, f"explain_fields:staff, hand_in:staff, sign:head, {GOALS_DECIDED}", moment(3, 5))
    assert list(Milestone.objects.order_by("place").values_list("due_on", flat=True)) == [
        date(2026, 3, 5),
        date(2026, 6, 1),
    ]


@pytest.mark.parametrize(
    "road", ["", TO_REVIEW, f"{TO_REVIEW}, goals_approved:office, forward:office, agree:leader"]
)
def test_a_sheet_that_will_not_be_issued_is_ended_with_its_goals_and_makes_room_for_another(
    place: County, road: str
) -> None:
    sheet = walk(place, sheet_of(place), f"{road}, end:office")
    assert sheet.state == "ended"
    assert set(Goal.objects.filter(sheet=sheet).values_list("state", flat=True)) <= {"dropped"}
    assert not WorkItem.objects.filter(closed_at=None).exists()
    assert find(AT) == []
    assert sheet_of(place).state == "drafting"


def test_an_objection_under_way_ends_with_the_sheet(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "set_value:office, object:head")
    walk(place, goal.sheet, "end:office")
    assert (again(goal).state, find(AT)) == ("dropped", [])
    assert not WorkItem.objects.filter(closed_at=None).exists()


def test_a_goal_is_not_changed_after_its_year(place: County) -> None:
    change_ = change_of(place)
    assert set(reasons(place, change_, "hand_in", "staff", moment(1, 5, year=2027))) == {"year_runs"}


def test_a_milestone_is_not_missed_before_its_time_is_over(place: County) -> None:
    """31 October is a Saturday: it is owed until Monday 2 November."""
    milestone = Milestone.objects.get(goal=goal_of(place, TO_ISSUED), place=2)
    assert reasons(place, milestone, "close_as_missed", "office", moment(11, 1)) == {
        "is_over": "办理时限2026-11-02未过，不能按未达到办结。"
    }
    assert walk(place, milestone, "close_as_missed:office", moment(11, 3)).state == "missed"


def test_a_result_that_was_returned_has_its_own_time(place: County) -> None:
    goal = walk(place, goal_of(place, TO_ISSUED), "report_result:head", moment(1, 11, year=2027))
    goal = walk(place, goal, "return_result:office", moment(1, 25, year=2027))
    assert owed(goal) == {"goal.result_correction": date(2027, 1, 28)}


def test_a_unit_takes_its_request_for_a_change_back_while_it_is_being_decided(place: County) -> None:
    change_ = walk(place, change_of(place), f"{TO_GROUP}, agree:leader, drop:staff")
    assert change_.state == "dropped"
    assert walk(place, change_.goal, "report_result:head").state == "reported"


def test_a_value_that_was_mistyped_is_taken_back_before_the_head_has_seen_it(place: County) -> None:
    goal = walk(place, goal_of(place, TO_REVIEW), "set_value:office, take_value_back:office")
    assert goal.state == "under_review"


def test_a_new_indicator_needs_no_figure_of_last_year(place: County) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", last_year=None)
    assert set(reasons(place, goal, "finish_draft", "staff")) == {"has_baseline"}
    change(place, goal, "staff", is_new=True)
    assert walk(place, goal, "finish_draft:staff").state == "ready"


def test_a_co_operating_unit_sees_the_goal_once_it_is_issued(place: County) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", co_units=[{"unit_id": place.units["bureau"].pk, "task": "提供管网图"}])
    assert not Goal.visible_to(place.actor("head elsewhere")).exists()
    walk(place, goal, "finish_draft:staff")
    walk(place, goal.sheet, f"explain_fields:staff, hand_in:staff, sign:head, {GOALS_DECIDED}")
    assert Goal.visible_to(place.actor("head elsewhere")).get() == goal


@pytest.mark.parametrize(
    ("nature", "said"), [("expected", "未达目标值"), ("binding", "未达目标值；约束性指标未完成")]
)
def test_a_result_short_of_its_target_is_remarked_and_a_binding_one_counts_as_missed(
    place: County, nature: str, said: str
) -> None:
    goal = walk(place, a_draft(place), "plan_goal:staff")
    change(place, goal, "staff", nature=nature)
    walk(place, goal, "finish_draft:staff")
    walk(place, goal.sheet, f"explain_fields:staff, hand_in:staff, sign:head, {GOALS_DECIDED}")
    act(place, goal, "report_result", "head", result=Decimal("94.9"))
    assert str(again(goal).remarks()["result"]) == said


def test_whoever_decides_on_a_change_sees_the_goal_and_that_the_new_target_is_low(place: County) -> None:
    change_ = change_of(place, new_target=Decimal(90))
    [(_, told)] = change_.told()
    assert told == "供热投诉办结率 · 95 % · 上年实绩 92 · 已下达"
    assert str(change_.remarks()["new_target"]) == "目标偏低：不及上年实绩"


def test_goals_of_a_year_that_is_over_are_not_called_for(place: County) -> None:
    with pytest.raises(Refused) as refused:
        call_for_goals(
            place.cycle, actor=place.actor("office", moment(3, 1, year=2027)), at=moment(3, 1, year=2027)
        )
    assert [reason.code for reason in refused.value.reasons] == ["year_is_over"]

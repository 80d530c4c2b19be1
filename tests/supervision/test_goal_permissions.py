"""Who may do what with a goal sheet, its goals, their milestones and their changes. What the tables do not list is refused.

"two hats" has written the goal, the sheet, the claim or the change, and is of the performance office and the leading group too:
they never review it, check it or decide on it.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from supervision.goals.change_lifecycle import GoalChangeLifecycle
from supervision.goals.goal_lifecycle import GoalLifecycle
from supervision.goals.milestone_lifecycle import MilestoneLifecycle
from supervision.goals.models import Goal
from supervision.goals.sheet_lifecycle import GoalSheetLifecycle
from tests.supervision.county import (
    AT,
    County,
    change_of,
    milestone_of,
    moment,
    sheet_of,
    walk,
    write_goal,
)  # fmt: skip
from tests.supervision.permissions import faults

UNIT_HEAD, STAFF, OFFICE = "head, delegate", "staff, colleague, two hats", "office"

# --- The sheet ---------------------------------------------------------------------------------------------

WRITTEN = "goal_is_ready:staff, explain_fields:two hats"
HANDED = f"{WRITTEN}, hand_in:staff"
SIGNED = f"{HANDED}, sign:head"
AT_THE_GROUP = f"{SIGNED}, goals_approved:office, forward:office"
ISSUED = f"{AT_THE_GROUP}, agree:leader, agree:second leader"

SHEETS = {
    "drafting": WRITTEN,
    "drafting without a goal": "explain_fields:two hats",
    "drafting with a goal that is not ready": f"{WRITTEN}, unready_goal:staff",
    "drafting with fields that have no goal": "goal_is_ready:staff",
    "for_head": HANDED,
    "for_review": f"{SIGNED}, goals_approved:office",
    "for_review with goals to be reviewed": SIGNED,
    "with_unit": f"{SIGNED}, goals_approved:office, refer_to_unit:office",
    "with_unit with a goal that is not ready": f"{SIGNED}, goals_approved:office, refer_to_unit:office, unready_goal:staff",
    "correction_for_head": f"{SIGNED}, goals_approved:office, refer_to_unit:office, hand_in_correction:colleague",
    "for_leadership": AT_THE_GROUP,
    "issued": f"{ISSUED}, goals_concluded:office",
    "issued with goals in force": ISSUED,
    "closed": f"{ISSUED}, goals_concluded:office, close:office",
    "ended": f"{AT_THE_GROUP}, end:office",
}

ENDS = {"end": "office, two hats"}
"""Whoever ends a sheet approves nothing."""

MAY_WITH_SHEET: Mapping[str, Mapping[str, str]] = {
    "drafting": {"hand_in": STAFF, **ENDS},
    "drafting without a goal": ENDS,
    "drafting with a goal that is not ready": ENDS,
    "drafting with fields that have no goal": ENDS,
    "for_head": {"take_back": "staff", "send_back": UNIT_HEAD, "sign": UNIT_HEAD, **ENDS},
    "for_review": {"refer_to_unit": OFFICE, "forward": OFFICE, **ENDS},
    "for_review with goals to be reviewed": ENDS,
    "with_unit": {"hand_in_correction": STAFF, **ENDS},
    "with_unit with a goal that is not ready": ENDS,
    "correction_for_head": {
        "take_back_correction": "colleague", "send_back_correction": UNIT_HEAD, "report_back": UNIT_HEAD, **ENDS,
    },
    "for_leadership": {"withdraw_sheet": OFFICE, **ENDS},
    "issued": {"close": OFFICE},
    "issued with goals in force": {},
    "closed": {},
    "ended": {},
}  # fmt: skip

# --- A goal ------------------------------------------------------------------------------------------------


def a_goal(place: County, sheet_route: str, route: str) -> Goal:
    """The goal that two hats wrote, on a sheet carried so far, and itself carried further."""
    sheet = sheet_of(place)
    goal = write_goal(place, sheet, "two hats")
    walk(place, goal, "plan_goal:two hats")
    before, _, after = route.partition("|")
    walk(place, goal, before)
    walk(place, sheet, sheet_route)
    return walk(place, goal, after)


TO_OFFICE = "explain_fields:staff, hand_in:staff, sign:head"
TO_FORCE = f"{TO_OFFICE}, goals_approved:office, forward:office, agree:leader, agree:second leader"
SET = "finish_draft:staff | set_value:office"

GOALS: Mapping[str, tuple[str, str]] = {
    "draft": ("", ""),
    "draft that says nothing": ("", "empty_goal:staff"),
    "ready": ("", "finish_draft:staff"),
    "ready on a sheet that was handed in": ("explain_fields:staff, hand_in:staff", "finish_draft:staff |"),
    "under_review": (TO_OFFICE, "finish_draft:staff |"),
    "under_review measured by milestones": (TO_OFFICE, "in_words:staff, finish_draft:staff |"),
    "returned": (TO_OFFICE, "finish_draft:staff | return_goal:office"),
    "returned with its sheet": (TO_OFFICE, "finish_draft:staff | return_goal:office, sheet_back:office"),
    "value_set": (TO_OFFICE, SET),
    "objected": (TO_OFFICE, f"{SET}, object:head"),
    "agreed": (TO_OFFICE, "finish_draft:staff | approve:office"),
    "agreed on a sheet at the leadership": (
        f"{TO_OFFICE}, goals_approved:office, forward:office",
        "finish_draft:staff |",
    ),
    "in_force": (TO_FORCE, "finish_draft:staff |"),
    "in_force measured by milestones": (TO_FORCE, "in_words:staff, finish_draft:staff |"),
    "in_force with a change that is open": (TO_FORCE, "finish_draft:staff | change_asked:staff"),
    "reported": (TO_FORCE, "finish_draft:staff | milestones_reached:office, report_result:head"),
    "result_returned": (
        TO_FORCE,
        "finish_draft:staff | milestones_reached:office, report_result:head, return_result:office",
    ),
    "reported with open milestones": (
        TO_FORCE,
        "in_words:staff, finish_draft:staff | report_achievement:head",
    ),
    "concluded": (
        TO_FORCE,
        "finish_draft:staff | milestones_reached:office, report_result:head, conclude:office",
    ),
    "dropped": ("", "drop:staff"),
    "withdrawn": (TO_FORCE, "finish_draft:staff | cancel:clock"),
}

LAPSES = {"lapse": "clock"}
"""With its sheet, until it is issued."""

MAY_WITH_GOAL: Mapping[str, Mapping[str, str]] = {
    "draft": {"finish_draft": STAFF, "drop": STAFF, **LAPSES},
    "draft that says nothing": {"drop": STAFF, **LAPSES},
    "ready": {"reopen": STAFF, "submit": "clock", **LAPSES},
    "ready on a sheet that was handed in": {"submit": "clock", **LAPSES},
    "under_review": {"approve": OFFICE, "return_goal": OFFICE, "set_value": OFFICE, **LAPSES},
    "under_review measured by milestones": {"approve": OFFICE, "return_goal": OFFICE, **LAPSES},
    "returned": LAPSES,
    "returned with its sheet": {"finish_draft": STAFF, "drop": STAFF, **LAPSES},
    "value_set": {"accept_value": UNIT_HEAD, "object": UNIT_HEAD, "take_value_back": "office", **LAPSES},
    "objected": LAPSES,
    "agreed": {"review_again": OFFICE, "issue": "clock", **LAPSES},
    "agreed on a sheet at the leadership": {"issue": "clock", **LAPSES},
    "in_force": {"change_target": "clock", "change_words": "clock", "cancel": "clock", "report_result": UNIT_HEAD},
    "in_force measured by milestones": {
        "change_target": "clock", "change_words": "clock", "cancel": "clock", "report_achievement": UNIT_HEAD,
    },
    "in_force with a change that is open": {"change_target": "clock", "change_words": "clock", "cancel": "clock"},
    "reported": {"return_result": OFFICE, "conclude": OFFICE},
    "reported with open milestones": {"return_result": OFFICE},
    "result_returned": {"report_result": UNIT_HEAD},
    "concluded": {},
    "dropped": {},
    "withdrawn": {},
}  # fmt: skip

# --- A milestone -------------------------------------------------------------------------------------------

CLAIMED = "add_evidence:staff, claim_reached:two hats"

MILESTONES = {
    "to_do": "add_evidence:staff",
    "to_do without evidence": "",
    "to_do after its date": "add_evidence:staff",
    "claimed": CLAIMED,
    "sent_back": f"{CLAIMED}, return_work:office",
    "reached": f"{CLAIMED}, accept:office",
    "missed": f"{CLAIMED}, return_work:office",
    "cancelled": "cancel:clock",
}

MAY_WITH_MILESTONE: Mapping[str, Mapping[str, str]] = {
    "to_do": {"claim_reached": STAFF, "cancel": "clock"},
    "to_do without evidence": {"cancel": "clock"},
    "to_do after its date": {
        "claim_reached": STAFF,
        "cancel": "clock",
        "close_as_missed": "office, two hats",
    },
    "claimed": {"accept": OFFICE, "return_work": OFFICE, "cancel": "clock"},
    "sent_back": {"claim_reached": STAFF, "cancel": "clock"},
    "reached": {},
    "missed": {},
    "cancelled": {},
}
LATER = moment(7, 3)

# --- A change ----------------------------------------------------------------------------------------------

CHANGE_SIGNED = "hand_in:staff, sign:head"

CHANGES = {
    "draft": "",
    "draft that says nothing": "empty_change:staff",
    "for_head": "hand_in:staff",
    "for_review": CHANGE_SIGNED,
    "for_review of a withdrawal": f"ask_to_withdraw:staff, {CHANGE_SIGNED}",
    "returned": f"{CHANGE_SIGNED}, return_change:office",
    "value_set": f"{CHANGE_SIGNED}, set_value:office",
    "objected": f"{CHANGE_SIGNED}, set_value:office, object:head",
    "for_leadership": f"{CHANGE_SIGNED}, forward:office",
    "applied": f"{CHANGE_SIGNED}, forward:office, agree:leader, agree:second leader",
    "declined": f"{CHANGE_SIGNED}, forward:office, disagree:leader, disagree:second leader",
    "dropped": "drop:staff",
}

MAY_WITH_CHANGE: Mapping[str, Mapping[str, str]] = {
    "draft": {"hand_in": STAFF, "drop": STAFF},
    "draft that says nothing": {"drop": STAFF},
    "for_head": {"take_back": "staff", "send_back": UNIT_HEAD, "sign": UNIT_HEAD},
    "for_review": {"return_change": OFFICE, "set_value": OFFICE, "forward": OFFICE, "drop": STAFF},
    "for_review of a withdrawal": {"return_change": OFFICE, "forward": OFFICE, "drop": STAFF},
    "returned": {"hand_in": STAFF, "drop": STAFF},
    "value_set": {"accept_value": UNIT_HEAD, "object": UNIT_HEAD, "drop": STAFF},
    "objected": {},
    "for_leadership": {"withdraw_change": OFFICE, "drop": STAFF},
    "applied": {},
    "declined": {},
    "dropped": {},
}


@pytest.mark.parametrize(
    ("may", "situations", "lifecycle"),
    [
        (MAY_WITH_SHEET, SHEETS, GoalSheetLifecycle),
        (MAY_WITH_GOAL, GOALS, GoalLifecycle),
        (MAY_WITH_MILESTONE, MILESTONES, MilestoneLifecycle),
        (MAY_WITH_CHANGE, CHANGES, GoalChangeLifecycle),
    ],
)
def test_each_table_names_every_state(
    may: Mapping[str, object], situations: Mapping[str, object], lifecycle: type
) -> None:
    assert set(may) == set(situations)
    assert {situation.partition(" ")[0] for situation in may} == set(lifecycle.states)  # type: ignore[attr-defined]


@pytest.mark.parametrize("situation", MAY_WITH_SHEET)
def test_only_those_in_the_table_may_move_a_sheet(place: County, situation: str) -> None:
    sheet = walk(place, sheet_of(place), SHEETS[situation])
    assert sheet.state == situation.partition(" ")[0]
    assert faults(place, sheet, MAY_WITH_SHEET[situation], AT) == []


@pytest.mark.parametrize("situation", MAY_WITH_GOAL)
def test_only_those_in_the_table_may_move_a_goal(place: County, situation: str) -> None:
    goal = a_goal(place, *GOALS[situation])
    assert goal.state == situation.partition(" ")[0]
    assert faults(place, goal, MAY_WITH_GOAL[situation], AT) == []


@pytest.mark.parametrize("situation", MAY_WITH_MILESTONE)
def test_only_those_in_the_table_may_move_a_milestone(place: County, situation: str) -> None:
    milestone = walk(place, milestone_of(place), MILESTONES[situation])
    at = AT
    if "after its date" in situation or situation == "missed":
        at = LATER
    if situation == "missed":
        milestone = walk(place, milestone, "close_as_missed:office", LATER)
    assert milestone.state == situation.partition(" ")[0]
    assert faults(place, milestone, MAY_WITH_MILESTONE[situation], at) == []


@pytest.mark.parametrize("situation", MAY_WITH_CHANGE)
def test_only_those_in_the_table_may_move_a_change(place: County, situation: str) -> None:
    change = walk(place, change_of(place, who="two hats"), CHANGES[situation])
    assert change.state == situation.partition(" ")[0]
    assert faults(place, change, MAY_WITH_CHANGE[situation], AT) == []

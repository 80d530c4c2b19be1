"""Who may do what with a rectification and with its measures. What the tables do not list is refused.

"two hats" has drawn up the plan, or carried the measure out, and is of the supervision office too: they never judge it.
"""

from __future__ import annotations

import pytest

from supervision.rectification.lifecycle import MeasureLifecycle, RectificationLifecycle
from tests.supervision.county import AT, County, measure_of, plan_of, walk
from tests.supervision.permissions import faults

SIGNED = "plan_two_measures:two hats, hand_in:staff, sign:head"
RETURNED = f"{SIGNED}, return_plan:checker"
APPROVED = f"{SIGNED}, forward:checker, agree:office, agree:leader, agree:second leader"
DONE = f"{APPROVED}, finish_measures:staff"
CLAIMED = f"{DONE}, ask_acceptance:head"

SITUATIONS = {
    "plan_owed": "plan_two_measures:two hats",
    "for_head": "plan_two_measures:two hats, hand_in:staff",
    "for_review": SIGNED,
    "for_leadership": f"{SIGNED}, forward:checker",
    "returned": RETURNED,
    "correction_for_head": f"{RETURNED}, hand_in_correction:colleague",
    "in_progress": DONE,
    "in_progress with open measures": APPROVED,
    "claimed": CLAIMED,
    "under_acceptance": f"{CLAIMED}, take_up:checker",
    "accepted": f"{CLAIMED}, take_up:checker, accept:checker",
}

UNIT_HEAD, STAFF, OFFICE = "head, delegate", "staff, colleague, two hats", "drafter, checker"

MAY = {
    "plan_owed": {"hand_in": STAFF},
    "for_head": {"take_back": "staff", "send_back": UNIT_HEAD, "sign": UNIT_HEAD},
    # Nobody of the supervision office has handled the plan: who drafted the order may review it.
    "for_review": {"forward": OFFICE, "return_plan": OFFICE},
    "for_leadership": {"withdraw_plan": OFFICE},
    "returned": {"hand_in_correction": STAFF},
    "correction_for_head": {
        "take_back_correction": "colleague", "send_back_correction": UNIT_HEAD, "sign_correction": UNIT_HEAD,
    },
    "in_progress": {"ask_acceptance": UNIT_HEAD},
    "in_progress with open measures": {},
    "claimed": {"take_claim_back": "head", "take_up": OFFICE},
    "under_acceptance": {"return_measure": OFFICE, "accept": OFFICE},
    "accepted": {},
}  # fmt: skip

MEASURE_CLAIMED = "add_evidence:staff, claim_done:two hats"

MEASURE_SITUATIONS = {
    "to_do": "add_evidence:staff",
    "to_do without evidence": "",
    "claimed": MEASURE_CLAIMED,
    "under_check": f"{MEASURE_CLAIMED}, take_up:checker",
    "sent_back": f"{MEASURE_CLAIMED}, take_up:checker, return_work:checker",
    "accepted": f"{MEASURE_CLAIMED}, take_up:checker, accept:checker",
}

MEASURE_MAY = {
    "to_do": {"claim_done": STAFF},
    "to_do without evidence": {},
    "claimed": {"take_up": OFFICE},
    "under_check": {"accept": OFFICE, "return_work": OFFICE},
    "sent_back": {"claim_done": STAFF},
    "accepted": {},
}


def test_the_tables_name_every_state() -> None:
    assert set(MAY) == set(SITUATIONS)
    assert {situation.partition(" ")[0] for situation in MAY} == set(RectificationLifecycle.states)
    assert set(MEASURE_MAY) == set(MEASURE_SITUATIONS)
    assert {situation.partition(" ")[0] for situation in MEASURE_MAY} == set(MeasureLifecycle.states)


@pytest.mark.parametrize("situation", MAY)
def test_only_those_in_the_table_may_move_a_rectification(place: County, situation: str) -> None:
    plan = walk(place, plan_of(place), SITUATIONS[situation])
    assert plan.state == situation.partition(" ")[0]
    assert faults(place, plan, MAY[situation], AT) == []


@pytest.mark.parametrize("situation", MEASURE_MAY)
def test_only_those_in_the_table_may_move_a_measure(place: County, situation: str) -> None:
    measure = walk(place, measure_of(place), MEASURE_SITUATIONS[situation])
    assert measure.state == situation.partition(" ")[0]
    assert faults(place, measure, MEASURE_MAY[situation], AT) == []

"""Who may do what with a supervision order. The table is written by hand: what it does not list is refused.

"drafter" and "checker" are of the same office: whoever drafted an order never judges it. "two hats" takes it in
hand for the unit, and is of the supervision office and the leading group too: from then on they decide nothing.
"""

from __future__ import annotations

import pytest

from supervision.orders.lifecycle import SupervisionOrderLifecycle
from tests.supervision.county import AT, County, order_of, walk
from tests.supervision.permissions import faults

ISSUED = "submit:drafter, sign:leader"
TO_HAND = f"{ISSUED}, sign_for:head, take_in_hand:two hats"
CLAIMED = f"{TO_HAND}, prove:staff, claim_done:head"
CHECKED = f"{CLAIMED}, take_up:checker"

SITUATIONS = {
    "draft": "",
    "draft of a leader's instruction": "",
    "for_signature": "submit:drafter",
    "issued": ISSUED,
    "return_disputed": f"{ISSUED}, dispute:head",
    "received": f"{ISSUED}, sign_for:head",
    "in_hand": f"{TO_HAND}, prove:staff",
    "in_hand without evidence": TO_HAND,
    "fed_back": f"{TO_HAND}, prove:staff, feed_back:head",
    "extension_asked": f"{TO_HAND}, prove:staff, ask_extension:delegate",
    "suspended": f"{TO_HAND}, suspend:leader",
    "claimed_done": CLAIMED,
    "under_check": CHECKED,
    "under_check of a leader's instruction": CHECKED,
    "for_closing of a leader's instruction": f"{CHECKED}, submit_for_closing:checker",
    "closed": f"{CHECKED}, close:checker",
    "not_opened": "submit:drafter, decline:leader",
}

UNIT_HEAD, LEADERS = "head, delegate", "leader, second leader"
OFFICE = "drafter, checker, two hats"

MAY = {
    "draft": {"submit": OFFICE, "set_aside": OFFICE},
    "draft of a leader's instruction": {"submit": OFFICE},
    "for_signature": {
        "recall": "drafter", "send_back": f"{LEADERS}, two hats", "decline": f"{LEADERS}, two hats", "sign": f"{LEADERS}, two hats",
    },
    "issued": {"sign_for": UNIT_HEAD, "dispute": UNIT_HEAD},
    "return_disputed": {"drop_dispute": UNIT_HEAD, "take_back": "checker, two hats", "uphold": "checker, two hats"},
    "received": {"dispute": UNIT_HEAD, "take_in_hand": "staff, colleague, two hats"},
    "in_hand": {
        "feed_back": UNIT_HEAD, "ask_extension": UNIT_HEAD, "suspend": LEADERS, "claim_done": UNIT_HEAD,
    },
    "in_hand without evidence": {"feed_back": UNIT_HEAD, "ask_extension": UNIT_HEAD, "suspend": LEADERS},
    "fed_back": {"take_feedback_back": "head", "note_feedback": OFFICE, "ask_again": OFFICE, "claim_done": UNIT_HEAD},
    "extension_asked": {
        "drop_extension": UNIT_HEAD, "grant": LEADERS, "refuse": LEADERS, "claim_done": UNIT_HEAD,
    },
    "suspended": {"keep_suspended": LEADERS, "resume": LEADERS},
    "claimed_done": {"take_claim_back": "head", "take_up": "checker"},
    "under_check": {"return_work": "checker", "close": "checker"},
    "under_check of a leader's instruction": {"return_work": "checker", "submit_for_closing": "checker"},
    "for_closing of a leader's instruction": {"approve_closing": LEADERS, "instruct_again": LEADERS},
    "closed": {},
    "not_opened": {},
}  # fmt: skip


def test_the_table_names_every_state() -> None:
    assert set(MAY) == set(SITUATIONS)
    assert {situation.partition(" ")[0] for situation in MAY} == set(SupervisionOrderLifecycle.states)


@pytest.mark.parametrize("situation", MAY)
def test_only_those_in_the_table_may_move_an_order(place: County, situation: str) -> None:
    source = "leaders_instruction" if situation.endswith("instruction") else "meeting"
    order = walk(place, order_of(place, source=source), SITUATIONS[situation])
    assert order.state == situation.partition(" ")[0]
    assert faults(place, order, MAY[situation], AT) == []

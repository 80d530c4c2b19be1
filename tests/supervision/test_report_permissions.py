"""Who may do what with a quarterly report. The table is written by hand: what it does not list is refused.

"two hats" has filled it in, and is of the performance office too: they never accept it.
"""

from __future__ import annotations

import pytest

from supervision.reports.lifecycle import QuarterlyReportLifecycle
from tests.supervision.county import County, moment, report_of, walk
from tests.supervision.permissions import faults

AT = moment(4, 2)
SIGNED = "fill_in:two hats, hand_in:staff, sign:head"
RETURNED = f"{SIGNED}, return_report:office"

SITUATIONS = {
    "drafting": "fill_in:two hats",
    "for_signature": "fill_in:two hats, hand_in:staff",
    "submitted": SIGNED,
    "returned": RETURNED,
    "correction_for_signature": f"{RETURNED}, hand_in_correction:colleague",
    "accepted": f"{SIGNED}, accept:office",
}

MAY = {
    "drafting": {"hand_in": "staff, colleague, two hats"},
    "for_signature": {"take_back": "staff", "send_back": "head, delegate", "sign": "head, delegate"},
    "submitted": {"accept": "office", "return_report": "office"},
    "returned": {"hand_in_correction": "staff, colleague, two hats"},
    "correction_for_signature": {
        "take_back_correction": "colleague",
        "send_back_correction": "head, delegate",
        "sign_correction": "head, delegate",
    },
    "accepted": {},
}


def test_the_table_names_every_state() -> None:
    assert set(MAY) == set(SITUATIONS) == set(QuarterlyReportLifecycle.states)


@pytest.mark.parametrize("situation", MAY)
def test_only_those_in_the_table_may_move_a_report(place: County, situation: str) -> None:
    report = walk(place, report_of(place), SITUATIONS[situation], AT)
    assert report.state == situation
    assert faults(place, report, MAY[situation], AT) == []

"""What a transition costs: at most four statements between BEGIN and COMMIT, one more where a parent's row is locked.

Beyond that only what is declared: a number (its series is held and moved on: two), an effect, a round that opens or ends, and a
parent that the document goes with from now on (read, and noted there: two).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from supervision.goals.models import Milestone
from tests.supervision import county as counties
from tests.supervision.county import (
    TO_HAND,
    County,
    change_of,
    measure_of,
    moment,
    order_of,
    plan_of,
    report_of,
    sheet_of,
    walk,
    write_goal,
)  # fmt: skip
from workflows import fire as firing

MOST, PARENT, NUMBER, JOINS = 4, 1, 2, 2


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Every step fired meanwhile with the most statements it took, savepoints aside."""
    seen: dict[str, int] = {}

    def fire(document: Any, step: str, **rest: Any) -> Any:
        with CaptureQueriesContext(connection) as queries:
            fired = firing.fire(document, step, **rest)
        own = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
        seen[step] = max(seen.get(step, 0), len(own))
        return fired

    monkeypatch.setattr(counties, "fire", fire)
    yield seen


def too_dear(seen: dict[str, int], document: Any) -> dict[str, int]:
    steps = document.lifecycle.steps
    parent = PARENT if document.parent else 0
    plain = {
        name: n for name, n in seen.items() if not steps[name].causes and not _touches_a_round(steps[name])
    }
    return {
        name: n
        for name, n in plain.items()
        if n
        > MOST
        + parent
        + (NUMBER if steps[name].numbers else 0)
        + (JOINS if steps[name].path.target.with_parent else 0)
    }


def _touches_a_round(step: Any) -> bool:
    return any(state.round for state in (*step.path.sources, step.path.target))


def test_the_steps_of_a_report(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(place)
    route = (
        "fill_in:staff, hand_in:staff, take_back:staff, hand_in:staff, send_back:head, hand_in:staff, sign:head, return_report:office,"
        "hand_in_correction:staff, send_back_correction:head, hand_in_correction:staff, sign_correction:head, accept:office"
    )
    with counted(monkeypatch) as seen:
        walk(place, report, route, moment(4, 2))
    assert len(seen) == 9
    assert too_dear(seen, report) == {}


def test_the_steps_of_an_order(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    walk(
        place, order_of(place, title="前一件"), "submit:drafter, sign:leader"
    )  # the process knows the rules from here on
    order = order_of(place, source="leaders_instruction")
    route = (
        f"submit:drafter, recall:drafter, submit:drafter, send_back:leader, {TO_HAND}, feed_back:head, note_feedback:drafter,"
        "ask_extension:head, grant:leader, ask_extension:head, refuse:leader, suspend:leader, keep_suspended:leader, resume:leader, prove:staff,"
        "claim_done:head, take_claim_back:head, claim_done:head, take_up:checker, return_work:checker, claim_done:head, take_up:checker,"
        "submit_for_closing:checker, approve_closing:leader"
    )
    monkeypatch.setitem(counties.GIVEN, "asked_date", moment(12, 1).date())
    with counted(monkeypatch) as seen:
        walk(place, order, route)
    assert len(seen) == 20
    assert too_dear(seen, order) == {}


def test_the_steps_of_a_rectification_and_its_measures(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(place)
    with counted(monkeypatch) as seen:
        walk(place, plan, "plan_two_measures:staff, hand_in:staff, sign:head, return_plan:checker")
    assert too_dear(seen, plan) == {}
    plan = walk(
        place,
        plan,
        "hand_in_correction:staff, sign_correction:head, forward:checker, agree:office, agree:leader, agree:second leader",
    )
    plan = walk(place, plan, "finish_measures:staff")
    with counted(monkeypatch) as seen:
        walk(
            place,
            plan,
            "ask_acceptance:head, take_claim_back:head, ask_acceptance:head, take_up:checker, accept:checker",
        )
    assert len(seen) == 4
    assert too_dear(seen, plan) == {}


def test_the_steps_of_a_measure(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = measure_of(place)
    with counted(monkeypatch) as seen:
        walk(
            place,
            measure,
            "add_evidence:staff, claim_done:staff, take_up:checker, return_work:checker, claim_done:staff, take_up:checker, accept:checker",
        )
    assert len(seen) == 4
    assert too_dear(seen, measure) == {}


def test_the_steps_of_a_goal_its_sheet_its_milestones_and_a_change(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    goal = write_goal(place, sheet_of(place), "staff")
    with counted(monkeypatch) as seen:
        walk(place, goal, "plan_goal:staff, finish_draft:staff, reopen:staff, finish_draft:staff")
    assert too_dear(seen, goal) == {}
    with counted(monkeypatch) as seen:
        walk(
            place,
            goal.sheet,
            "explain_fields:staff, hand_in:staff, take_back:staff, hand_in:staff, send_back:head, hand_in:staff, sign:head",
        )
    assert too_dear(seen, goal.sheet) == {}
    with counted(monkeypatch) as seen:
        walk(place, goal, "return_goal:office")
    walk(place, goal.sheet, "refer_to_unit:office")
    with counted(monkeypatch) as seen:
        walk(place, goal, "finish_draft:staff")
    assert too_dear(seen, goal) == {}
    walk(place, goal.sheet, "hand_in_correction:staff, report_back:head")
    with counted(monkeypatch) as seen:
        walk(
            place,
            goal,
            "set_value:office, take_value_back:office, set_value:office, accept_value:head, review_again:office, approve:office",
        )
    assert too_dear(seen, goal) == {}
    walk(place, goal.sheet, "forward:office, agree:leader, agree:second leader")
    milestone = Milestone.objects.get(goal=goal, place=1)
    with counted(monkeypatch) as seen:
        walk(
            place, milestone,
            "add_evidence:staff, claim_reached:staff, return_work:office, claim_reached:staff, accept:office",
        )  # fmt: skip
    assert too_dear(seen, milestone) == {}
    made = change_of(place, goal=goal)
    with counted(monkeypatch) as seen:
        walk(
            place,
            made,
            "hand_in:staff, take_back:staff, hand_in:staff, sign:head, return_change:office, drop:staff",
        )
    assert too_dear(seen, made) == {}
    with counted(monkeypatch) as seen:
        walk(place, goal, "report_result:head, return_result:office, report_result:head")
    assert too_dear(seen, goal) == {}


def test_signing_a_sheet_takes_as_many_statements_for_five_goals_as_for_two(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    for unit, staff, head, many in (
        ("town", "staff", "head", 2),
        ("bureau", "staff elsewhere", "head elsewhere", 5),
    ):
        ready = ", ".join([f"goal_is_ready:{staff}"] * many)
        sheet = walk(place, sheet_of(place, unit=unit), f"{ready}, explain_fields:{staff}, hand_in:{staff}")
        with counted(monkeypatch) as seen:
            walk(place, sheet, f"sign:{head}")
        taken.append(seen["sign"])
    assert taken[0] == taken[1]

"""Who sees a document: oversight sees all of its institution, a unit its own, and nobody an order before it is issued."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from organisation import changes
from supervision.goals.models import Goal, GoalChange, GoalSheet, Milestone
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from tests.supervision.county import (
    CAST,
    County,
    act,
    change,
    change_of,
    measure_of,
    moment,
    order_of,
    report_of,
    walk,
)
from workflows.documents import Refused

OVERSIGHT = {
    "office",
    "drafter",
    "checker",
    "leader",
    "second leader",
    "discipline",
    "auditor",
    "clock",
    "two hats",
}
TOWN = {"staff", "colleague", "deputy", "head", "delegate"}
BUREAU = {"staff elsewhere", "head elsewhere"}


def seen_by(place: County, document: Any) -> set[str]:
    kind = type(document)
    return {who for who in CAST if kind.visible_to(place.actor(who)).filter(pk=document.pk).exists()}


def test_a_report_is_seen_by_its_unit_and_by_oversight(place: County) -> None:
    assert seen_by(place, report_of(place)) == OVERSIGHT | TOWN


def test_an_order_is_the_offices_own_affair_until_it_is_issued(place: County) -> None:
    order = order_of(place)
    assert seen_by(place, order) == OVERSIGHT
    order = walk(place, order, "submit:drafter")
    assert seen_by(place, order) == OVERSIGHT
    order = walk(place, order, "sign:leader")
    assert seen_by(place, order) == OVERSIGHT | TOWN


def test_an_order_that_never_was_issued_is_not_seen_afterwards(place: County) -> None:
    assert seen_by(place, walk(place, order_of(place), "set_aside:drafter")) == OVERSIGHT


def test_co_operating_units_see_the_order_once_it_is_issued(place: County) -> None:
    order = order_of(place)
    change(
        place,
        order,
        "drafter",
        co_operating_units=[{"unit_id": place.units["bureau"].pk, "task": "管网图纸"}],
    )
    assert seen_by(place, order) == OVERSIGHT
    order = walk(place, order, "submit:drafter, sign:leader")
    assert seen_by(place, order) == OVERSIGHT | TOWN | BUREAU
    assert SupervisionOrder.visible_to(place.actor("head elsewhere")).count() == 1


def test_measures_and_rectifications_follow_their_unit(place: County) -> None:
    measure = measure_of(place)
    assert seen_by(place, measure) == seen_by(place, measure.rectification) == OVERSIGHT | TOWN


def test_goals_with_their_sheet_milestones_and_changes_follow_their_unit(place: County) -> None:
    change_ = change_of(place)
    for document in (change_, change_.goal, change_.sheet, Milestone.objects.filter(goal=change_.goal)[0]):
        assert seen_by(place, document) == OVERSIGHT | TOWN, document


@pytest.mark.parametrize(
    "model",
    [QuarterlyReport, SupervisionOrder, Rectification, Measure, GoalSheet, Goal, Milestone, GoalChange],
)
def test_another_institution_and_somebody_without_a_post_see_nothing(place: County, model: Any) -> None:
    measure_of(place)
    report_of(place)
    change_of(place)
    assert model.objects.exists()
    assert not model.visible_to(place.actor("outsider")).exists()
    assert not model.visible_to(place.actor("stranger")).exists()
    assert not model.visible_to(place.actor("former leader")).exists()


def test_somebody_above_the_unit_sees_what_its_units_see(place: County) -> None:
    changes.appoint(
        person=place.people["stranger"], role="head", unit=place.units["county"], begins=date(2026, 1, 1),
        by=place.actor("clock"), at=moment(1, 1), reason="任职通知",
    )  # fmt: skip
    order = walk(place, order_of(place), "submit:drafter, sign:leader")
    assert "stranger" in seen_by(place, order)
    with pytest.raises(Refused) as refused:
        act(place, order, "sign_for", "stranger")
    assert [reason.code for reason in refused.value.reasons] == ["not_yours"]

"""Who sees what: own unit and below, nothing beside it, nothing of another institution, everything for oversight."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from organisation.actors import Actor, Capacity, clock_of
from organisation.models import Unit
from supervision.goals.models import Milestone
from supervision.orders.models import CoOperatingUnit, SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from tests.supervision.county import (
    TO_HAND,
    County,
    _appoint,
    change,
    change_of,
    measure_of,
    moment,
    order_of,
    report_of,
    walk,
)
from tests.workflows.ground import statements
from workflows.documents import document_kinds
from workflows.scope import OVERSIGHT, oversees

OVERSEERS = ("office", "drafter", "checker", "leader", "discipline", "auditor")
TOWN = ("staff", "colleague", "deputy", "head", "delegate")


@pytest.fixture
def documents(place: County) -> dict[str, Any]:
    """One document of each kind, all of the town."""
    measure, change_ = measure_of(place), change_of(place)
    return {
        "sheet": change_.sheet, "goal": change_.goal, "change": change_, "milestone": Milestone.objects.filter(goal=change_.goal)[0],
        "measure": measure, "rectification": measure.rectification, "order": measure.rectification.order, "report": report_of(place),
    }  # fmt: skip


def sees(actor: Actor, document: Any) -> bool:
    return bool(type(document).visible_to(actor).filter(pk=document.pk).exists())


def test_the_unit_and_who_acts_for_it_see_its_documents_and_so_does_oversight(
    place: County, documents: dict[str, Any]
) -> None:
    for document in documents.values():
        blind = [who for who in (*TOWN, *OVERSEERS) if not sees(place.actor(who), document)]
        assert blind == [], document


def test_the_unit_beside_it_a_stranger_a_former_holder_and_another_institution_see_nothing(
    place: County, documents: dict[str, Any]
) -> None:
    for document in documents.values():
        for who in ("staff elsewhere", "head elsewhere", "stranger", "former leader", "outsider"):
            assert not sees(place.actor(who), document), who
            if who != "outsider":
                assert (
                    not type(document).visible_to(place.actor(who)).filter(unit=place.units["town"]).exists()
                )


def test_every_kind_says_who_sees_it(place: County, documents: dict[str, Any]) -> None:
    assert {type(d) for d in documents.values()} == set(document_kinds())
    nobody = Actor(place.people["stranger"].pk, place.institution.pk, "stranger")
    for kind in document_kinds():
        assert not kind.visible_to(nobody).exists()


def test_a_post_sees_the_units_below_its_own_and_not_the_one_above(place: County) -> None:
    station = Unit.objects.create(
        institution=place.institution,
        parent=place.units["town"],
        kind="subordinate",
        name_zh="供热站",
        begins=date(2025, 1, 1),
    )
    place.units["station"] = station
    order = walk(place, order_of(place, unit="station"), "submit:drafter, sign:leader")
    _appoint(place.people["stranger"], "head", station)
    above = walk(place, order_of(place, title="镇里的事", clause="另一条"), "submit:drafter, sign:leader")
    assert sees(place.actor("head"), order)
    assert sees(place.actor("stranger"), order)
    assert not sees(place.actor("stranger"), above)
    assert not sees(place.actor("head elsewhere"), order)


def test_a_unit_is_not_below_another_whose_number_begins_alike(place: County) -> None:
    """Paths are compared by whole numbers: 1/2/ is not above 1/27/."""
    town = place.units["town"]
    place.units["alike"] = Unit.objects.create(
        pk=town.pk * 10 + 7, institution=place.institution, parent=place.units["county"], kind="township", name_zh="铁布肯乌散乡",
        begins=date(2025, 1, 1),
    )  # fmt: skip
    order = walk(place, order_of(place, unit="alike"), "submit:drafter, sign:leader")
    assert place.units["alike"].path.startswith(town.path.rstrip("/"))
    assert not sees(place.actor("head"), order)
    assert sees(place.actor("leader"), order)


@pytest.mark.parametrize("role", sorted(OVERSIGHT))
def test_oversight_sees_its_whole_institution_and_no_other(place: County, role: str) -> None:
    order = order_of(place)
    own = Actor(1, place.institution.pk, "x", (Capacity(1, role, place.units["county"].pk, 1),))
    other = Actor(1, place.people["outsider"].institution_id, "x", (Capacity(1, role, None, 1),))
    assert oversees(own)
    assert sees(own, order)
    assert not sees(other, order)


def test_the_clock_sees_its_own_institution(place: County) -> None:
    order = order_of(place)
    assert sees(clock_of(place.institution.pk), order)
    assert not sees(clock_of(place.people["outsider"].institution_id), order)


def test_an_order_is_hidden_from_units_until_it_is_issued_and_for_ever_if_it_never_is(place: County) -> None:
    order, other = order_of(place), order_of(place, title="另一事项", clause="另一条")
    walk(place, other, "set_aside:drafter")
    for who in TOWN:
        assert not sees(place.actor(who), order)
        assert not sees(place.actor(who), other)
    walk(place, order, "submit:drafter")
    assert not sees(place.actor("head"), order)
    assert sees(place.actor("auditor"), order)
    walk(place, order, "sign:leader")
    assert all(sees(place.actor(who), order) for who in TOWN)
    walk(place, order, "dispute:head, take_back:checker")
    assert not sees(place.actor("head"), order), "taken back, it is a draft again"


def test_a_co_operating_unit_sees_the_order_once_issued(place: County) -> None:
    order = order_of(place)
    change(
        place,
        order,
        "drafter",
        co_operating_units=[{"unit_id": place.units["bureau"].pk, "task": "提供管网图"}],
    )
    assert CoOperatingUnit.objects.get().order_id == order.pk
    assert not sees(place.actor("head elsewhere"), order)
    walk(place, order, TO_HAND)
    assert sees(place.actor("head elsewhere"), order)
    assert SupervisionOrder.visible_to(place.actor("head elsewhere")).count() == 1
    assert not sees(place.actor("outsider"), order)


def test_reach_is_of_the_day(place: County) -> None:
    """The former leader saw everything until 31 January, and nothing since."""
    order = order_of(place, at=moment(1, 20))
    assert sees(place.actor("former leader", moment(1, 31, 23, 59)), order)
    assert not sees(place.actor("former leader", moment(2, 1)), order)


def test_a_list_in_scope_is_one_statement_whatever_its_length(place: County) -> None:
    for number in range(3):
        walk(
            place,
            order_of(place, title=f"第{number}件", clause=f"第{number}条"),
            "submit:drafter, sign:leader",
        )
    actor = place.actor("head")
    with statements() as sent:
        assert len(list(SupervisionOrder.visible_to(actor))) == 3
    assert len(sent) == 1
    for kind in (QuarterlyReport, Rectification, Measure):
        assert kind.visible_to(actor).count() == 0

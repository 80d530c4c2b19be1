"""Where an item goes that nobody in its role can act on."""

from __future__ import annotations

from datetime import date

import pytest

from organisation.actors import Actor
from organisation.models import Person
from organisation.offices import NEXT_OFFICE_UP, Office
from organisation.queries import office_above
from organisation.roles import PostRole
from tests.organisation.places import Place

DAY = date(2026, 1, 5)


def test_an_item_climbs_as_each_office_falls_vacant(county: Place) -> None:
    department = county.unit("水利局")
    section = county.unit("办公室", department, kind="section")
    supervision = county.unit("督查室")
    filled = [
        county.post("领导", "leading_group", county.root),
        county.post("督查", "supervisor", supervision),
        county.post("县长", "head", county.root),
        county.post("局长", "head", department),
        county.post("主任", "head", section),
        county.post("副主任", "deputy_in_charge", section),
    ]

    seen = []
    while filled:
        seen.append(office_above("unit_staff", section, DAY))
        filled.pop().delete()
    seen.append(office_above("unit_staff", section, DAY))

    assert seen == [
        Office("deputy_in_charge", section.pk),
        Office("head", section.pk),
        Office("head", department.pk),
        Office("head", county.root.pk),
        Office("supervisor", supervision.pk),
        Office("leading_group", county.root.pk),
        None,
    ]


def test_an_office_whose_only_people_may_not_act_is_passed_over(county: Place) -> None:
    section = county.unit("办公室")
    county.post("主任", "head", section)
    county.post("县长", "head", county.root)

    above = office_above("deputy_in_charge", section, DAY, without=[county.person("主任").pk])

    assert above == Office("head", county.root.pk)


def test_an_office_with_one_more_person_is_not_passed_over(county: Place) -> None:
    section = county.unit("办公室")
    county.post("主任", "head", section)
    county.post("副书记", "head", section)

    above = office_above("deputy_in_charge", section, DAY, without=[county.person("主任").pk])

    assert above == Office("head", section.pk)


@pytest.mark.parametrize(("day", "unit"), [(date(2026, 3, 31), "办公室"), (date(2026, 4, 1), "和布克赛尔县")])
def test_an_office_counts_on_the_days_it_is_held(county: Place, day: date, unit: str) -> None:
    section = county.unit("办公室")
    county.post("主任", "head", section, ends=date(2026, 3, 31))
    county.post("县长", "head", county.root)
    by_name = {"办公室": section, "和布克赛尔县": county.root}

    assert office_above("deputy_in_charge", section, day) == Office("head", by_name[unit].pk)


def test_a_head_beside_or_below_is_not_the_next_office_up(county: Place) -> None:
    department, other = county.unit("水利局"), county.unit("林业局")
    below = county.unit("办公室", department, kind="section")
    county.post("主任", "head", below)
    county.post("林业局长", "head", other)
    county.post("水利局长", "head", department)

    assert office_above("head", department, DAY) is None


def test_of_several_supervision_offices_the_nearest_takes_it(county: Place) -> None:
    department, other = county.unit("水利局"), county.unit("林业局")
    section = county.unit("办公室", department, kind="section")
    own = county.unit("局督查室", department, kind="section")
    for n, unit in enumerate((county.unit("县督查室"), county.unit("林业督查室", other), own)):
        county.post(f"督查{n}", "supervisor", unit)

    assert office_above("unit_staff", section, DAY) == Office("supervisor", own.pk)


def test_an_office_of_another_institution_never_takes_it(county: Place, bureau: Place) -> None:
    bureau.post("督查", "supervisor", bureau.root)

    assert office_above("unit_staff", county.root, DAY) is None


def test_an_office_held_by_delegation_only_still_takes_it(county: Place) -> None:
    post = county.post("县长", "head", county.root)
    post.delegations.create(to=county.person("副县长"), begins=DAY, ends=DAY, reason="出差")
    Person.objects.filter(pk=post.person_id).update(is_active=False)

    assert office_above("deputy_in_charge", county.root, DAY) == Office("head", county.root.pk)


def test_the_next_office_up_is_one_query(county: Place, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    section = county.unit("办公室")
    county.post("县长", "head", county.root)

    with django_assert_num_queries(1):
        above = office_above("unit_staff", section, DAY)

    assert above == Office("head", county.root.pk)


def test_every_role_has_a_way_up_that_neither_returns_to_itself_nor_misses_the_leading_group() -> None:
    assert set(NEXT_OFFICE_UP) == set(PostRole.values)
    for role, places in NEXT_OFFICE_UP.items():
        if role != PostRole.LEADING_GROUP:
            assert places[-1].role == PostRole.LEADING_GROUP
        if role != PostRole.HEAD:  # whose item goes to the head of a unit above
            assert role not in {place.role for place in places}


def test_an_actor_needs_no_database_to_be_named() -> None:
    assert Actor(None, 1, "clock", clock=True).capacities == ()

"""Who may act for which post on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from organisation import changes
from organisation.actors import Capacity
from organisation.models import Absence, Delegation, Person, Post, Standing
from organisation.queries import actor_for, holders_of
from tests.organisation.places import NOON, Place


def names(place: Place, role: str, day: date) -> list[tuple[str, str]]:
    rows = holders_of(role, None, day, institution_id=place.institution.pk)
    return sorted(rows.values_list("person__name", "via"))


@pytest.mark.parametrize(
    ("day", "held"),
    [
        (date(2026, 2, 28), []),
        (date(2026, 3, 1), [("王建国", "post")]),
        (date(2026, 6, 30), [("王建国", "post")]),
        (date(2026, 7, 1), [("李梅", "post")]),
        (date(2036, 7, 1), [("李梅", "post")]),
    ],
)
def test_responsibility_follows_who_held_the_post_that_day(
    county: Place, day: date, held: list[tuple[str, str]]
) -> None:
    county.post("王建国", "head", county.root, date(2026, 3, 1), date(2026, 6, 30))
    county.post("李梅", "head", county.root, date(2026, 7, 1))

    assert names(county, "head", day) == held


@pytest.mark.parametrize(
    ("day", "delegate_too"),
    [
        (date(2026, 1, 9), False),
        (date(2026, 1, 10), True),
        (date(2026, 1, 12), True),
        (date(2026, 1, 13), False),
    ],
)
def test_a_delegate_acts_from_the_first_to_the_last_day_and_the_holder_all_along(
    county: Place, day: date, delegate_too: bool
) -> None:
    post = county.post("王建国", "head", county.root)
    Delegation.objects.create(
        post=post, to=county.person("李梅"), begins=date(2026, 1, 10), ends=date(2026, 1, 12), reason="出差"
    )

    assert names(county, "head", day) == [("李梅", "delegation")] * delegate_too + [("王建国", "post")]


@pytest.mark.parametrize(
    ("day", "substitute_too"),
    [
        (date(2026, 1, 9), False),
        (date(2026, 1, 10), True),
        (date(2026, 1, 12), True),
        (date(2026, 1, 13), False),
    ],
)
def test_a_substitute_acts_from_the_first_to_the_last_day_of_the_absence(
    county: Place, day: date, substitute_too: bool
) -> None:
    post = county.post("王建国", "head", county.root)
    Absence.objects.create(
        post=post,
        substitute=county.person("李梅"),
        begins=date(2026, 1, 10),
        ends=date(2026, 1, 12),
        reason="年休假",
    )

    assert names(county, "head", day) == [("李梅", "absence")] * substitute_too + [("王建国", "post")]


def test_an_absence_without_a_substitute_gives_nobody_anything(county: Place) -> None:
    post = county.post("王建国", "head", county.root)
    Absence.objects.create(post=post, begins=date(2026, 1, 1), ends=date(2026, 1, 31), reason="病假")

    assert names(county, "head", date(2026, 1, 5)) == [("王建国", "post")]


def test_a_delegation_is_clipped_to_the_posts_own_days(county: Place) -> None:
    post = county.post("王建国", "head", county.root, date(2026, 2, 1), date(2026, 2, 10))
    Delegation.objects.create(
        post=post, to=county.person("李梅"), begins=date(2026, 1, 1), ends=date(2026, 12, 31), reason="出差"
    )

    row = Standing.objects.get(via="delegation")

    assert (row.begins, row.ends) == (date(2026, 2, 1), date(2026, 2, 10))
    assert (row.holder.name, row.person.name, row.post_id) == ("王建国", "李梅", post.pk)


def test_a_delegation_outside_the_posts_days_does_not_appear(county: Place) -> None:
    post = county.post("王建国", "head", county.root, date(2026, 2, 1), date(2026, 2, 10))
    Delegation.objects.create(
        post=post, to=county.person("李梅"), begins=date(2026, 2, 11), ends=date(2026, 3, 1), reason="出差"
    )

    assert list(Standing.objects.values_list("via", flat=True)) == ["post"]


def test_a_delegation_of_a_post_held_until_further_notice_ends_on_its_own_last_day(county: Place) -> None:
    post = county.post("王建国", "head", county.root)
    Delegation.objects.create(
        post=post, to=county.person("李梅"), begins=date(2026, 1, 10), ends=date(2026, 1, 12), reason="出差"
    )

    assert Standing.objects.get(via="delegation").ends == date(2026, 1, 12)


def test_a_delegates_own_delegation_is_not_followed(county: Place) -> None:
    section = county.unit("办公室", kind="section")
    head = county.post("王建国", "head", county.root)
    staff = county.post("李梅", "unit_staff", section)
    days = {"begins": date(2026, 1, 1), "ends": date(2026, 1, 31), "reason": "出差"}
    Delegation.objects.create(post=head, to=county.person("李梅"), **days)
    Delegation.objects.create(post=staff, to=county.person("张强"), **days)

    capacities = actor_for(county.person("张强"), NOON).capacities

    assert [capacity.role for capacity in capacities] == ["unit_staff"]


def test_who_is_not_active_holds_and_covers_nothing(county: Place) -> None:
    post = county.post("王建国", "head", county.root)
    other = county.post("张强", "supervisor", county.root)
    days = {"begins": date(2026, 1, 1), "ends": date(2026, 1, 31), "reason": "出差"}
    Delegation.objects.create(post=other, to=county.person("王建国"), **days)
    Delegation.objects.create(post=post, to=county.person("李梅"), **days)
    Person.objects.filter(pk=county.person("王建国").pk).update(is_active=False)

    day = date(2026, 1, 5)

    assert names(county, "head", day) == [("李梅", "delegation")]
    assert names(county, "supervisor", day) == [("张强", "post")]
    assert actor_for(county.person("王建国"), NOON).capacities == ()


def test_one_person_in_two_posts_has_two_capacities_own_posts_first(county: Place) -> None:
    office = county.unit("绩效办")
    borrowed = county.post("王建国", "head", county.root)
    Delegation.objects.create(
        post=borrowed, to=county.person("李梅"), begins=date(2026, 1, 5), ends=date(2026, 1, 5), reason="出差"
    )
    performance = county.post("李梅", "performance_office", office)
    supervisor = county.post("李梅", "supervisor", office)

    actor = actor_for(county.person("李梅"), NOON)

    assert (actor.person_id, actor.institution_id) == (county.person("李梅").pk, county.institution.pk)
    assert (actor.name, actor.clock) == ("李梅", False)
    assert actor.capacities == (
        Capacity(performance.pk, "performance_office", office.pk, county.person("李梅").pk, "post"),
        Capacity(supervisor.pk, "supervisor", office.pk, county.person("李梅").pk, "post"),
        Capacity(borrowed.pk, "head", county.root.pk, county.person("王建国").pk, "delegation"),
    )


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        (datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 2, 28, 16, 0, tzinfo=UTC), True),  # 1 March, 00:00 in Shanghai
        (datetime(2026, 3, 31, 15, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 31, 16, 0, tzinfo=UTC), False),
    ],
)
def test_capacities_change_at_midnight_in_the_institution(county: Place, at: datetime, holds: bool) -> None:
    county.post("王建国", "head", county.root, date(2026, 3, 1), date(2026, 3, 31))

    assert bool(actor_for(county.person("王建国"), at).capacities) is holds


def test_an_actor_is_one_query(county: Place, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    county.post("王建国", "head", county.root)
    person = Person.objects.get(name="王建国")

    with django_assert_num_queries(1):
        actor = actor_for(person, NOON)

    assert [capacity.role for capacity in actor.capacities] == ["head"]


def test_another_institution_is_never_seen(county: Place, bureau: Place) -> None:
    county.post("王建国", "supervisor", county.root)
    bureau.post("王建国", "supervisor", bureau.root)
    day = date(2026, 1, 5)

    in_bureau = holders_of("supervisor", None, day, institution_id=bureau.institution.pk)

    assert [row.person for row in in_bureau] == [bureau.person("王建国")]
    assert list(holders_of("supervisor", county.root.pk, day, institution_id=bureau.institution.pk)) == []
    with pytest.raises(ValueError, match="institution_id"):
        holders_of("supervisor", None, day)


def test_a_delegate_of_another_institution_never_stands(county: Place, bureau: Place) -> None:
    post = county.post("王建国", "head", county.root)
    days = {"begins": date(2026, 1, 1), "ends": date(2026, 1, 31), "reason": "出差"}
    Delegation.objects.create(post=post, to=bureau.person("陈静"), **days)
    Absence.objects.create(post=post, substitute=bureau.person("陈静"), **days)

    assert actor_for(bureau.person("陈静"), NOON).capacities == ()
    assert names(county, "head", date(2026, 1, 5)) == [("王建国", "post")]


@pytest.mark.parametrize("foreign", ["person", "unit"])
def test_the_database_refuses_a_post_across_institutions(county: Place, bureau: Place, foreign: str) -> None:
    person = (bureau if foreign == "person" else county).person("王建国")
    unit = (bureau if foreign == "unit" else county).root

    Post.objects.create(
        institution=county.institution, person=person, unit=unit, role="head", begins=date(2026, 1, 1)
    )

    with pytest.raises(IntegrityError, match="in_institution"):
        connection.check_constraints()
    transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("begins", "ends"),
    [(date(2026, 3, 31), None), (date(2026, 1, 1), date(2026, 3, 1)), (date(2026, 3, 10), date(2026, 3, 10))],
)
def test_the_database_refuses_one_post_held_twice_on_a_day(
    county: Place, begins: date, ends: date | None
) -> None:
    held = county.post("王建国", "head", county.root, date(2026, 3, 1), date(2026, 3, 31))

    with pytest.raises(IntegrityError, match="post_held_once"), transaction.atomic():
        Post.objects.create(
            institution=county.institution,
            person=held.person,
            unit=held.unit,
            role="head",
            begins=begins,
            ends=ends,
        )


def test_the_database_lets_a_post_be_held_again_the_day_after_and_another_role_at_once(county: Place) -> None:
    held = county.post("王建国", "head", county.root, date(2026, 3, 1), date(2026, 3, 31))
    same = {"institution": county.institution, "person": held.person, "unit": held.unit}

    Post.objects.create(**same, role="head", begins=held.ends + timedelta(days=1))
    Post.objects.create(**same, role="leading_group", begins=held.begins)

    assert Standing.objects.on(date(2026, 3, 31)).count() == 2


@pytest.mark.parametrize("cover", [Delegation, Absence])
def test_the_database_refuses_two_covers_of_one_post_on_a_day(
    county: Place, cover: type[Delegation] | type[Absence]
) -> None:
    post = county.post("王建国", "head", county.root)
    who = {"to": county.person("李梅")} if cover is Delegation else {"substitute": county.person("李梅")}
    cover.objects.create(post=post, begins=date(2026, 1, 1), ends=date(2026, 1, 10), reason="出差", **who)

    with pytest.raises(IntegrityError, match="once_a_day"), transaction.atomic():
        cover.objects.create(
            post=post, begins=date(2026, 1, 10), ends=date(2026, 1, 11), reason="出差", **who
        )


@pytest.mark.parametrize("model", [Post, Delegation])
def test_the_database_refuses_a_last_day_before_the_first(
    county: Place, model: type[Post] | type[Delegation]
) -> None:
    row = county.post("王建国", "head", county.root, date(2026, 3, 1))
    if model is Delegation:
        row = changes.delegate(
            row,
            to=county.person("李梅"),
            begins=date(2026, 3, 1),
            ends=date(2026, 3, 2),
            by=county.clock,
            at=NOON,
            reason="出差",
        )
    # With an exclusion constraint in the table PostgreSQL may refuse the impossible range before it comes to the check.
    with pytest.raises(Exception, match=r"ends_after_it_begins|lower bound"), transaction.atomic():
        model.objects.filter(pk=row.pk).update(ends=date(2026, 2, 28))

"""Appointing, ending, delegating, recording absence: what is refused, and what the institution's chain is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import translation

from organisation import changes
from organisation.actors import Actor
from organisation.changes import NotPossible
from organisation.models import Absence, Delegation, Person, Post, Unit
from organisation.queries import actor_for
from tests.organisation.places import NOON, YEAR_BEGINS, Place, Told, place

HOW = {"at": NOON, "reason": "干部任免通知"}
TEN_DAYS = {"begins": date(2026, 1, 10), "ends": date(2026, 1, 19)}


def officer(county: Place) -> Actor:
    """Of the organisation department (组织人事), which looks after everybody's posts."""
    county.post("组织干事", "organisation_department", county.root)
    return actor_for(county.person("组织干事"), NOON)


def cover(change: str, post: Post, who: Person, by: Actor, **more: Any) -> Delegation | Absence:
    """The same cover by delegation or by absence."""
    given = {**TEN_DAYS, **HOW, "by": by, **more}
    if change == "delegate":
        return changes.delegate(post, to=who, **given)
    return changes.record_absence(post, substitute=who, **given)


both_covers = pytest.mark.parametrize("change", ["delegate", "record_absence"])


def test_an_appointment_is_told_with_every_fact_it_rests_on(county: Place, told: list[Told]) -> None:
    by = officer(county)
    told.clear()

    post = changes.appoint(
        person=county.person("王建国"), role="head", unit=county.root, begins=date(2026, 2, 1), by=by, **HOW
    )

    assert told == [
        Told(
            county.institution.pk,
            "post_began",
            {
                "post": post.pk,
                "person": county.person("王建国").pk,
                "role": "head",
                "unit": county.root.pk,
                "begins": "2026-02-01",
                "ends": None,
                "reason": "干部任免通知",
            },
            by,
            NOON,
        )
    ]


def test_every_change_is_told_once_in_words_that_json_can_carry(county: Place, told: list[Told]) -> None:
    by = officer(county)
    told.clear()
    section = changes.begin_unit(
        institution=county.institution,
        parent=county.root,
        kind="section",
        name_zh="办公室",
        begins=YEAR_BEGINS,
        by=by,
        **HOW,
    )
    post = changes.appoint(
        person=county.person("王建国"), role="head", unit=section, begins=YEAR_BEGINS, by=by, **HOW
    )
    delegation = changes.delegate(post, to=county.person("李梅"), by=by, **TEN_DAYS, **HOW)
    changes.end_delegation(delegation, ends=date(2026, 1, 12), by=by, **HOW)
    absence = changes.record_absence(post, by=by, **TEN_DAYS, **HOW)
    changes.end_absence(absence, ends=date(2026, 1, 12), by=by, **HOW)
    changes.end_unit(section, ends=date(2026, 6, 30), by=by, **HOW)

    assert [change.what for change in told] == [
        "unit_began",
        "post_began",
        "post_delegated",
        "delegation_ended",
        "absence_recorded",
        "absence_ended",
        "post_ended",
        "unit_ended",
    ]
    assert all(json.loads(json.dumps(change.facts)) == change.facts for change in told)
    assert {change.facts["reason"] for change in told} == {"干部任免通知"}


def test_a_listener_that_fails_undoes_the_change(county: Place, told: list[Told]) -> None:
    def refuse(*change: Any) -> None:
        raise RuntimeError("the chain is not there")

    changes.on_changed.append(refuse)

    with pytest.raises(RuntimeError):
        county.post("王建国", "head", county.root)

    assert not Post.objects.exists()


def test_ending_a_post_takes_its_cover_with_it(county: Place) -> None:
    by = officer(county)
    post = county.post("王建国", "head", county.root)
    changes.delegate(post, to=county.person("李梅"), by=by, **TEN_DAYS, **HOW)

    changes.end_post(post, ends=date(2026, 1, 4), by=by, **HOW)

    post.refresh_from_db()
    assert post.ends == date(2026, 1, 4)
    for name in ("王建国", "李梅"):
        assert actor_for(county.person(name), NOON).capacities == ()


def test_a_shortened_delegation_ends_on_its_new_last_day_and_the_next_may_begin(county: Place) -> None:
    by = officer(county)
    post = county.post("王建国", "head", county.root)
    first = changes.delegate(post, to=county.person("李梅"), by=by, **TEN_DAYS, **HOW)

    changes.end_delegation(first, ends=date(2026, 1, 12), by=by, **HOW)
    changes.delegate(
        post, to=county.person("张强"), begins=date(2026, 1, 13), ends=date(2026, 1, 19), by=by, **HOW
    )

    held = Delegation.objects.order_by("begins").values_list("to__name", "begins", "ends")
    assert list(held) == [
        ("李梅", date(2026, 1, 10), date(2026, 1, 12)),
        ("张强", date(2026, 1, 13), date(2026, 1, 19)),
    ]


def refused(code: str, change: Callable[[], Any]) -> str:
    """The sentence with which `change` is refused, in English; nothing is written."""
    tables = (Unit, Post, Delegation, Absence)
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    with pytest.raises(NotPossible) as refusal, translation.override("en"):
        change()
    assert refusal.value.code == code
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before
    with translation.override("en"):
        return str(refusal.value)


def test_an_appointment_beside_an_equal_one_is_refused(county: Place) -> None:
    county.post("王建国", "head", county.root, date(2026, 3, 1), date(2026, 3, 31))

    sentence = refused(
        "already_held", lambda: county.post("王建国", "head", county.root, date(2026, 3, 31), None)
    )

    assert sentence == "王建国 already holds this post from March 1, 2026."


def test_an_appointment_outside_the_units_life_is_refused(county: Place) -> None:
    closed = county.unit("旧科室", begins=date(2026, 1, 1), ends=date(2026, 6, 30))

    assert (
        refused("too_early", lambda: county.post("王建国", "head", closed, date(2025, 12, 31)))
        == "旧科室 begins only on Jan. 1, 2026."
    )
    assert (
        refused("too_late", lambda: county.post("王建国", "head", closed, date(2026, 2, 1)))
        == "旧科室 ends on June 30, 2026."
    )


def test_an_appointment_to_a_role_that_is_not_there_is_refused(county: Place) -> None:
    assert (
        refused("role_unknown", lambda: county.post("王建国", "king", county.root))
        == "There is no role “king”."
    )


def test_an_appointment_of_anothers_person_or_unit_is_refused(county: Place, bureau: Place) -> None:
    def across(person: Person, unit: Unit) -> Callable[[], Post]:
        return lambda: changes.appoint(
            person=person, role="head", unit=unit, begins=YEAR_BEGINS, by=county.clock, **HOW
        )

    refused("other_institution", across(bureau.person("陈静"), county.root))
    refused("other_institution", across(county.person("王建国"), bureau.root))
    refused("other_institution", across(bureau.person("陈静"), bureau.root))


def test_nobody_appoints_themselves(county: Place) -> None:
    by = officer(county)

    refused(
        "own_appointment",
        lambda: changes.appoint(
            person=county.person("组织干事"), role="head", unit=county.root, begins=YEAR_BEGINS, by=by, **HOW
        ),
    )


def test_a_post_ends_neither_before_it_begins_nor_later_than_agreed(county: Place) -> None:
    post = county.post("王建国", "head", county.root, date(2026, 3, 1), date(2026, 3, 31))

    def end(day: date) -> str:
        code = "ends_first" if day < post.begins else "ended"
        return refused(code, lambda: changes.end_post(post, ends=day, by=county.clock, **HOW))

    assert end(date(2026, 2, 28)) == "The last day (Feb. 28, 2026) is before the first day (March 1, 2026)."
    assert end(date(2026, 3, 31)) == end(date(2026, 4, 1)) == "It already ends on March 31, 2026."


@both_covers
def test_a_post_is_not_covered_by_its_own_holder(county: Place, change: str) -> None:
    post = county.post("王建国", "head", county.root)

    refused("oneself", lambda: cover(change, post, county.person("王建国"), county.clock))


@both_covers
def test_nobody_takes_somebody_elses_post_for_themselves(county: Place, change: str) -> None:
    by = officer(county)
    post = county.post("王建国", "head", county.root)

    refused("to_oneself", lambda: cover(change, post, county.person("组织干事"), by))


@both_covers
def test_a_post_is_not_covered_by_a_closed_account(county: Place, change: str) -> None:
    post = county.post("王建国", "head", county.root)
    left = county.person("李梅", is_active=False)

    assert (
        refused("not_active", lambda: cover(change, post, left, county.clock))
        == "The account of 李梅 is closed."
    )


@both_covers
def test_a_post_is_not_covered_from_another_institution(county: Place, bureau: Place, change: str) -> None:
    post = county.post("王建国", "head", county.root)

    refused("other_institution", lambda: cover(change, post, bureau.person("陈静"), county.clock))


@both_covers
@pytest.mark.parametrize(
    ("days", "code"),
    [
        ({"begins": date(2025, 12, 31)}, "too_early"),
        ({"ends": date(2026, 2, 1)}, "too_late"),
        ({"begins": date(2026, 1, 20)}, "ends_first"),
    ],
)
def test_a_post_is_not_covered_outside_its_own_days(
    county: Place, change: str, days: dict[str, date], code: str
) -> None:
    post = county.post("王建国", "head", county.root, date(2026, 1, 1), date(2026, 1, 31))

    refused(code, lambda: cover(change, post, county.person("李梅"), county.clock, **days))


@both_covers
def test_a_post_is_covered_on_exactly_its_own_days(county: Place, change: str) -> None:
    post = county.post("王建国", "head", county.root, date(2026, 1, 1), date(2026, 1, 31))

    made = cover(
        change, post, county.person("李梅"), county.clock, begins=date(2026, 1, 1), ends=date(2026, 1, 31)
    )

    assert (made.begins, made.ends) == (date(2026, 1, 1), date(2026, 1, 31))


@both_covers
def test_two_covers_of_one_post_do_not_overlap(county: Place, change: str) -> None:
    post = county.post("王建国", "head", county.root)
    cover(change, post, county.person("李梅"), county.clock)

    sentence = refused(
        f"already_{'delegated' if change == 'delegate' else 'absent'}",
        lambda: cover(change, post, county.person("张强"), county.clock, ends=date(2026, 1, 10)),
    )

    assert "from Jan. 10, 2026 to Jan. 19, 2026" in sentence


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_change_without_a_reason_is_refused(county: Place, reason: str) -> None:
    post = county.post("王建国", "head", county.root)

    def end() -> Post:
        return changes.end_post(post, ends=date(2026, 3, 1), by=county.clock, at=NOON, reason=reason)

    assert refused("no_reason", end) == "Give a reason."


def test_a_holder_covers_their_own_post_but_cannot_end_it(county: Place) -> None:
    post = county.post("王建国", "head", county.root)
    holder = actor_for(county.person("王建国"), NOON)

    assert cover("delegate", post, county.person("李梅"), holder).post == post
    assert cover("record_absence", post, county.person("李梅"), holder).post == post
    refused("not_yours", lambda: changes.end_post(post, ends=date(2026, 3, 1), by=holder, **HOW))


def test_a_delegate_does_not_delegate_on(county: Place) -> None:
    post = county.post("王建国", "head", county.root)
    cover("delegate", post, county.person("李梅"), county.clock, begins=date(2026, 1, 1))
    delegate = actor_for(county.person("李梅"), NOON)

    refused(
        "not_yours",
        lambda: cover(
            "delegate",
            post,
            county.person("张强"),
            delegate,
            begins=date(2026, 2, 1),
            ends=date(2026, 2, 2),
        ),
    )


@pytest.mark.parametrize("role", ["head", "leading_group", "performance_office", "auditor", None])
def test_who_is_not_of_the_organisation_department_changes_nobodys_posts(
    county: Place, role: str | None
) -> None:
    post = county.post("王建国", "unit_staff", county.root)
    if role:
        county.post("李梅", role, county.root)
    other = actor_for(county.person("李梅"), NOON)
    section = county.unit("办公室")

    refused("not_yours", lambda: cover("delegate", post, county.person("张强"), other))
    refused("not_yours", lambda: cover("record_absence", post, county.person("张强"), other))
    refused("not_yours", lambda: changes.end_post(post, ends=date(2026, 3, 1), by=other, **HOW))
    refused("not_yours", lambda: changes.end_unit(section, ends=date(2026, 3, 1), by=other, **HOW))
    refused(
        "not_yours",
        lambda: changes.appoint(
            person=county.person("张强"), role="head", unit=section, begins=YEAR_BEGINS, by=other, **HOW
        ),
    )


def test_the_organisation_department_of_another_institution_changes_nothing(
    county: Place, bureau: Place
) -> None:
    post = county.post("王建国", "head", county.root)
    stranger = officer(bureau)

    refused("other_institution", lambda: cover("delegate", post, county.person("李梅"), stranger))
    refused("other_institution", lambda: changes.end_post(post, ends=date(2026, 3, 1), by=stranger, **HOW))


def test_a_unit_ends_with_its_posts_once_nothing_below_goes_on(county: Place) -> None:
    department = county.unit("水利局")
    section = county.unit("办公室", department, kind="section")
    head = county.post("王建国", "head", department)
    former = county.post("李梅", "head", department, date(2026, 1, 1), date(2026, 2, 28))
    last = {"ends": date(2026, 6, 30), "by": county.clock, **HOW}

    assert (
        refused("unit_below", lambda: changes.end_unit(department, **last))
        == "办公室 below it goes on; end that unit first."
    )
    changes.end_unit(section, **last)
    changes.end_unit(department, **last)

    for row, day in ((department, date(2026, 6, 30)), (head, date(2026, 6, 30)), (former, date(2026, 2, 28))):
        row.refresh_from_db()
        assert row.ends == day


def test_a_unit_does_not_end_before_a_post_of_it_begins(county: Place) -> None:
    department = county.unit("水利局")
    county.post("王建国", "head", department, date(2026, 7, 1))

    refused(
        "post_begins_later",
        lambda: changes.end_unit(department, ends=date(2026, 6, 30), by=county.clock, **HOW),
    )


def test_a_unit_begins_within_its_parents_life_and_ends_no_later(county: Place) -> None:
    parent = county.unit("临时指挥部", begins=date(2026, 2, 1), ends=date(2026, 6, 30))
    new = {"institution": county.institution, "parent": parent, "kind": "section", "name_zh": "综合组"}

    refused("too_early", lambda: changes.begin_unit(**new, begins=date(2026, 1, 31), by=county.clock, **HOW))
    refused("too_late", lambda: changes.begin_unit(**new, begins=date(2026, 7, 1), by=county.clock, **HOW))
    section = changes.begin_unit(**new, begins=date(2026, 2, 1), by=county.clock, **HOW)

    assert section.ends == date(2026, 6, 30)


def test_a_unit_code_is_used_once_at_a_time(county: Place, bureau: Place) -> None:
    new = {"kind": "section", "name_zh": "综合组", "code": "A1", "begins": YEAR_BEGINS, **HOW}
    here = {"institution": county.institution, "parent": county.root, "by": county.clock}
    there = {"institution": bureau.institution, "parent": bureau.root, "by": bureau.clock}
    first = changes.begin_unit(**new, **here)

    refused("code_taken", lambda: changes.begin_unit(**new, **here))
    changes.begin_unit(**new, **there)
    changes.end_unit(first, ends=date(2026, 3, 1), by=county.clock, **HOW)
    again = changes.begin_unit(**new, **here)

    assert (first.code, again.code) == ("A1", "A1")


def test_of_eight_delegations_of_one_post_at_once_one_stands_and_seven_are_told_why(
    committed_db: object,
) -> None:
    county = place("hoboksar", "和布克赛尔县")
    post = county.post("王建国", "head", county.root)
    people = [county.person(f"代理{n}") for n in range(8)]
    start = Barrier(len(people))
    outcomes: list[str] = []

    def delegate_to(person: Person) -> None:
        try:
            start.wait()
            cover("delegate", post, person, county.clock)
            outcomes.append("done")
        except NotPossible as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [Thread(target=delegate_to, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["already_delegated"] * 7 + ["done"]
    assert Delegation.objects.count() == 1


def test_of_eight_equal_appointments_at_once_one_stands_and_seven_are_told_why(committed_db: object) -> None:
    county = place("hoboksar", "和布克赛尔县")
    person = county.person("王建国")
    start = Barrier(8)
    outcomes: list[str] = []

    def appoint() -> None:
        try:
            start.wait()
            changes.appoint(
                person=person, role="head", unit=county.root, begins=YEAR_BEGINS, by=county.clock, **HOW
            )
            outcomes.append("done")
        except NotPossible as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [Thread(target=appoint) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["already_held"] * 7 + ["done"]
    assert Post.objects.count() == 1

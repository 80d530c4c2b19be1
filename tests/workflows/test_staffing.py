"""Could today's staff carry a document to its end? Where not: which, why, and the way that leads there."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command

from organisation import changes
from organisation.actors import clock_of
from organisation.models import Delegation, Post, Unit
from tests.supervision.county import AT, TO_HAND, County, _appoint, moment, order_of, report_of, walk
from tests.workflows.ground import statements
from workflows.documents import Refused
from workflows.staffing import Gap, gaps

OWN = "whoever holds this post must have handled the document before, and nobody decides on their own work"
NOBODY = "nobody holds this post today, or everybody is away without a substitute"


def ends(place: County, *posts: str) -> None:
    """These posts end with February."""
    for post in posts:
        changes.end_post(
            place.posts[post],
            ends=date(2026, 2, 28),
            by=clock_of(place.institution.pk),
            at=moment(2, 1),
            reason="调任",
        )


def away(place: County, post: str, substitute: str | None = None) -> None:
    changes.record_absence(
        place.posts[post], begins=date(2026, 3, 1), ends=date(2026, 3, 31), by=clock_of(place.institution.pk), at=moment(2, 27),
        reason="休假", substitute=place.people[substitute] if substitute else None,
    )  # fmt: skip


def of(found: list[Gap], kind: str, role: str, unit: str = "和什托洛盖镇") -> dict[str, str]:
    return {g.state: g.why for g in found if (g.kind, g.role, g.unit) == (kind, role, unit)}


@pytest.fixture
def staffed(place: County) -> County:
    """The bureau has everybody it needs, and only plain posts remain."""
    Post.objects.filter(person__name__startswith="two hats").delete()
    return place


def test_with_everybody_at_work_there_is_no_gap(staffed: County) -> None:
    assert [str(gap) for gap in gaps(staffed.institution, at=AT)] == []


def test_a_unit_without_the_post_that_owes_is_named_with_the_way_there(staffed: County) -> None:
    ends(staffed, "staff", "colleague")
    found = gaps(staffed.institution, at=AT)
    owed = of(found, "reports.quarterlyreport", "unit_staff")
    assert {"drafting", "returned"} <= set(owed)
    assert set(owed.values()) == {NOBODY}
    way = next(g.way for g in found if g.state == "returned" and g.kind == "reports.quarterlyreport")
    assert way == ("open", "hand_in", "sign", "return_report")
    sentence = str(next(g for g in found if g.state == "returned"))
    assert "(reached by open → hand_in → sign → return_report)" in sentence
    assert of(found, "reports.quarterlyreport", "unit_staff", "城建局") == {}


def test_the_day_before_they_left_there_was_none(staffed: County) -> None:
    ends(staffed, "staff", "colleague")
    assert gaps(staffed.institution, at=moment(2, 28, 23, 59)) == []
    assert gaps(staffed.institution, at=moment(3, 1)) != []


def test_the_only_reviewer_who_is_gone_is_missed_by_every_unit(staffed: County) -> None:
    ends(staffed, "office")
    found = [g for g in gaps(staffed.institution, at=AT) if g.role == "performance_office"]
    assert {(g.unit, g.state) for g in found} >= {("和什托洛盖镇", "submitted"), ("城建局", "submitted")}
    assert {g.why for g in found if g.kind == "reports.quarterlyreport"} == {NOBODY}


def test_who_is_away_without_a_substitute_is_missed_and_with_one_is_not(staffed: County) -> None:
    away(staffed, "office")
    assert of(gaps(staffed.institution, at=AT), "reports.quarterlyreport", "performance_office") == {
        "submitted": NOBODY
    }
    assert (
        of(gaps(staffed.institution, at=moment(4, 1)), "reports.quarterlyreport", "performance_office") == {}
    )


def test_a_substitute_carries_on(staffed: County) -> None:
    away(staffed, "office", "stranger")
    assert gaps(staffed.institution, at=AT) == []


def test_one_person_alone_in_the_supervision_office_must_have_drafted_what_they_check(
    staffed: County,
) -> None:
    ends(staffed, "checker")
    found = gaps(staffed.institution, at=AT)
    assert of(found, "orders.supervisionorder", "supervisor") == {
        "return_disputed": OWN, "claimed_done": OWN, "under_check": OWN,
    }  # fmt: skip
    gap = next(g for g in found if g.state == "claimed_done" and g.unit == "和什托洛盖镇")
    assert gap.way[0] == "draft_order"
    assert gap.way[-1] == "claim_done"


def test_the_counter_example_is_real(staffed: County) -> None:
    """The way that the proof names leads to a document that the drafter may not take up."""
    ends(staffed, "checker")
    order = walk(staffed, order_of(staffed), f"{TO_HAND}, prove:staff, claim_done:head")
    with pytest.raises(Refused) as refused:
        walk(staffed, order, "take_up:drafter")
    assert refused.value.reasons[0].code == "own_work"


def test_a_delegate_of_the_only_one_is_no_second_person(staffed: County) -> None:
    """Whoever acts for them makes the document the holder's own work, and is then refused for the same reason."""
    ends(staffed, "checker")
    changes.delegate(
        staffed.posts["drafter"], to=staffed.people["stranger"], begins=date(2026, 1, 1), ends=date(2026, 12, 31),
        by=clock_of(staffed.institution.pk), at=moment(1, 1), reason="出差",
    )  # fmt: skip
    assert set(of(gaps(staffed.institution, at=AT), "orders.supervisionorder", "supervisor").values()) == {
        OWN
    }
    order = walk(
        staffed,
        order_of(staffed, "stranger"),
        f"submit:stranger, {TO_HAND.partition(', ')[2]}, prove:staff, claim_done:head",
    )
    for who in ("stranger", "drafter"):
        with pytest.raises(Refused):
            walk(staffed, order, f"take_up:{who}")


def test_who_must_have_signed_cannot_be_the_only_one_to_check(staffed: County) -> None:
    """The town's only head is also the only one in the performance office (R9: several posts)."""
    ends(staffed, "office")
    Delegation.objects.all().delete()
    _appoint(staffed.people["head"], "performance_office", staffed.units["county"])
    found = gaps(staffed.institution, at=AT)
    assert of(found, "reports.quarterlyreport", "performance_office") == {"submitted": OWN}
    assert of(found, "reports.quarterlyreport", "performance_office", "城建局") == {}
    at = moment(4, 2)
    report = walk(staffed, report_of(staffed), "fill_in:staff, hand_in:staff, sign:head", at)
    with pytest.raises(Refused) as refused:
        walk(staffed, report, "accept:head", at)
    assert refused.value.reasons[0].code == "own_work"


def test_reading_a_report_forces_nobody(staffed: County) -> None:
    """To take note of a progress report neither is handling nor makes anything one's own work."""
    found = gaps(staffed.institution, at=AT)
    assert of(found, "orders.supervisionorder", "supervisor") == {}


def test_more_units_cost_no_more_statements(staffed: County) -> None:
    gaps(staffed.institution, at=AT)
    counts = []
    for number in range(2):
        with statements() as sent:
            gaps(staffed.institution, at=AT)
        counts.append(len(sent))
        unit = Unit.objects.create(
            institution=staffed.institution, parent=staffed.units["county"], kind="township", name_zh=f"第{number}镇", begins=date(2025, 1, 1)
        )  # fmt: skip
        _appoint(staffed.people["stranger"], "head", unit)
    assert counts[0] == counts[1] <= 6, sent


def test_the_command_looks_at_the_staff_of_today(staffed: County) -> None:
    staffed.institution.frozen_at = AT
    staffed.institution.save()
    out = io.StringIO()
    Post.objects.filter(institution__slug="elsewhere").delete()
    call_command("check_lifecycles", "--live", stdout=out)
    ends(staffed, "office")
    with pytest.raises(CommandError) as error:
        call_command("check_lifecycles", "--live", stdout=out)
    assert error.value.returncode == 1
    assert (
        f"reports.quarterlyreport, 和什托洛盖镇: in submitted performance_office owes, but {NOBODY}"
        in out.getvalue()
    )

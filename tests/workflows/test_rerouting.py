"""An item that nobody can act on goes to the next office up, visibly, and comes back."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from organisation import changes
from organisation.models import Institution, Post
from supervision.reports.models import QuarterlyReport
from tests.supervision import county as counties
from tests.supervision.county import AT, County, moment, order_of, report_of, walk
from tests.workflows.clock_ground import DRAFTED, item_of, orders, stage
from workflows import worklist
from workflows.auditor import find
from workflows.documents import Refused
from workflows.models import Entry, Notice, Payload
from workflows.rerouting import Rerouted, reroute
from workflows.verification import verify

VACANT = moment(4, 3)
"""The bureau's only staff member has left the day before."""


@pytest.fixture
def place(db: None) -> County:
    return stage()


def leaves(place: County, who: str, last_day: date = date(2026, 4, 2)) -> None:
    at = moment(last_day.month, last_day.day, 17)
    changes.end_post(place.posts[who], ends=last_day, by=place.actor("clock"), at=at, reason="调离")


def arrives(place: County, who: str, role: str, unit: str, begins: date) -> Post:
    at = moment(begins.month, begins.day, 8)
    return changes.appoint(
        person=place.people[who], role=role, unit=place.units[unit], begins=begins, by=place.actor("clock"), at=at, reason="任职"
    )  # fmt: skip


def last_entry(document: Any) -> tuple[str, dict[str, Any]]:
    entry = Entry.objects.filter(kind=document.kind(), document_id=document.pk).latest("sequence")
    payload = Payload.objects.get(kind=document.kind(), document_id=document.pk, sequence=entry.sequence)
    return entry.step, json.loads(bytes(payload.content))


def in_queue(place: County, who: str, at: Any) -> list[str]:
    return [item.duty for item in worklist.queue(place.actor(who, at))]


def test_what_a_vacant_post_owes_goes_to_the_next_office_up(place: County) -> None:
    report = report_of(place, "bureau")
    leaves(place, "staff elsewhere")
    assert reroute(moment(4, 2, 23)) == Rerouted()  # the last day is a day in office
    assert reroute(VACANT) == Rerouted(up=1)
    item, bureau = item_of(report, "quarterly_report"), place.units["bureau"]
    assert (item.post_role, item.owner_unit_id) == ("head", bureau.pk)
    assert item.rerouted_from == f"unit_staff:{bureau.pk}"
    step, content = last_entry(report)
    assert (step, content["from_role"], content["to_role"]) == ("rerouted", "unit_staff", "head")
    notice = Notice.objects.get(code="rerouted")
    assert (notice.person, notice.params["role"]) == (place.people["head elsewhere"], "unit_staff")
    assert in_queue(place, "head elsewhere", VACANT) == ["quarterly_report"]
    assert reroute(VACANT) == Rerouted()
    assert verify().clean


def test_it_comes_back_when_the_post_is_held_again(place: County) -> None:
    report = report_of(place, "bureau")
    leaves(place, "staff elsewhere")
    reroute(VACANT)
    arrives(place, "stranger", "unit_staff", "bureau", date(2026, 4, 7))
    assert reroute(moment(4, 6)) == Rerouted()
    assert reroute(moment(4, 7)) == Rerouted(back=1)
    item = item_of(report, "quarterly_report")
    assert (item.post_role, item.owner_unit_id, item.rerouted_from) == (
        "unit_staff",
        place.units["bureau"].pk,
        "",
    )
    assert last_entry(report)[0] == "came_back"
    assert Notice.objects.get(code="came_back").person == place.people["stranger"]
    assert in_queue(place, "stranger", moment(4, 7)) == ["quarterly_report"]
    assert in_queue(place, "head elsewhere", moment(4, 7)) == []


def test_it_stays_with_whoever_has_taken_it_up(place: County) -> None:
    report = report_of(place, "bureau")
    leaves(place, "staff elsewhere")
    reroute(VACANT)
    worklist.claim(
        item_of(report, "quarterly_report").pk, actor=place.actor("head elsewhere", VACANT), at=VACANT
    )
    arrives(place, "stranger", "unit_staff", "bureau", date(2026, 4, 7))
    assert reroute(moment(4, 7)) == Rerouted()
    assert item_of(report, "quarterly_report").post_role == "head"


def test_when_the_next_office_falls_vacant_too_it_goes_on_up(place: County) -> None:
    report = report_of(place, "bureau")
    leaves(place, "staff elsewhere")
    reroute(VACANT)
    leaves(place, "head elsewhere", date(2026, 4, 3))
    assert reroute(moment(4, 4)).up == 1
    item = item_of(report, "quarterly_report")
    assert (item.post_role, item.owner_unit_id) == ("supervisor", place.units["county"].pk)
    assert item.rerouted_from == f"unit_staff:{place.units['bureau'].pk}"


def test_with_nobody_above_it_stays_and_is_an_alarm(place: County) -> None:
    order = order_of(place)
    for who in ("drafter", "checker", "leader", "second leader"):
        leaves(place, who)
    before = Entry.objects.count()
    assert reroute(VACANT) == Rerouted(stuck=1)
    assert Entry.objects.count() == before
    faults = [fault for fault in find(VACANT) if fault.code == "no_eligible_person"]
    assert [(fault.document_id, fault.params["duty"]) for fault in faults] == [(order.pk, DRAFTED)]


def test_nobody_is_left_to_decide_on_their_own_work(place: County) -> None:
    """The only person of the performance office has handled the report: its review goes to the supervision office."""
    report = walk(place, report_of(place), "fill_in:staff, hand_in:staff, sign:head", moment(4, 2))
    assert reroute(VACANT) == Rerouted()
    QuarterlyReport.objects.filter(pk=report.pk).update(workers=[place.people["office"].pk])
    assert reroute(VACANT) == Rerouted(up=1)
    item = item_of(report, "report.review")
    assert (item.post_role, item.rerouted_from) == ("supervisor", "performance_office:")
    assert reroute(VACANT) == Rerouted()  # the office is held, but still by the same person
    arrives(place, "stranger", "performance_office", "county", date(2026, 4, 7))
    assert reroute(moment(4, 7)) == Rerouted(back=1)
    assert item_of(report, "report.review").owner_unit_id is None


def test_a_claim_ends_with_the_post(place: County) -> None:
    order = order_of(place)
    worklist.claim(item_of(order, DRAFTED).pk, actor=place.actor("drafter"), at=AT)
    leaves(place, "drafter", date(2026, 3, 3))
    assert reroute(moment(3, 3, 20)) == Rerouted()
    assert reroute(moment(3, 4)) == Rerouted(released=1)
    item = item_of(order, DRAFTED)
    assert (item.claimed_by, item.claimed_at) == (None, None)
    step, content = last_entry(order)
    assert (step, content["of_name"]) == ("claim_released", "drafter")
    assert Notice.objects.get(code="claim_released").person == place.people["checker"]
    assert in_queue(place, "checker", moment(3, 4)) == [DRAFTED]


def test_a_delegate_keeps_the_claim_while_the_delegation_lasts(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader")
    worklist.claim(item_of(order, "order.receipt").pk, actor=place.actor("delegate"), at=AT)
    assert reroute(moment(12, 31, 23)).released == 0
    assert reroute(moment(1, 1, year=2027)).released == 1


def test_a_seat_follows_its_post_to_the_successor(place: County) -> None:
    plan = counties.plan_of(place)
    walk(place, plan, "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker, agree:office")
    leaves(place, "second leader", date(2026, 3, 10))
    post = arrives(place, "stranger", "leading_group", "county", date(2026, 3, 11))
    assert reroute(moment(3, 11)).reseated == 1
    assert in_queue(place, "stranger", moment(3, 11)) == [
        d for d in in_queue(place, "leader", moment(3, 11)) if "round:" in d
    ]
    assert post.person == place.people["stranger"]


def test_each_institution_by_its_own_clock(place: County) -> None:
    report_of(place, "bureau")
    leaves(place, "staff elsewhere")
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=moment(4, 2))
    assert reroute(moment(9, 1)) == Rerouted()
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=VACANT)
    assert reroute(moment(9, 1)) == Rerouted(up=1)


def test_many_items_of_one_vacant_office_move_together(place: County) -> None:
    made = orders(place, 250)
    for who in ("drafter", "checker"):
        leaves(place, who, date(2026, 3, 3))
    assert reroute(moment(3, 4)) == Rerouted(up=250)
    assert {item_of(order, DRAFTED).post_role for order in (made[0], made[-1])} == {"leading_group"}
    assert reroute(moment(3, 4) + timedelta(minutes=1)) == Rerouted()


def test_the_next_office_up_can_do_what_has_come_to_it_and_only_that(place: County) -> None:
    report = report_of(place, "bureau")
    leaves(place, "staff elsewhere")
    with pytest.raises(Refused):
        counties.change(place, report, "head elsewhere", VACANT, summary="情况")
    reroute(VACANT)
    walk(place, report, "fill_in:head elsewhere", VACANT)
    with pytest.raises(Refused):
        counties.act(place, report, "hand_in", "head", VACANT)
    counties.act(place, report, "hand_in", "head elsewhere", VACANT)
    assert counties.again(report).state == "for_signature"
    entry = Entry.objects.filter(kind=report.kind(), document_id=report.pk).latest("sequence")
    assert (entry.step, entry.as_role) == ("hand_in", "head")
    assert verify().clean

"""An overdue quarterly report becomes one order, drafted by the clock; people decide what becomes of it."""

from __future__ import annotations

from datetime import date

import pytest

from supervision.orders.lifecycle import SupervisionOrderLifecycle
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Rectification
from tests.supervision.county import County, moment, owed, report_of, walk
from workflows.deadlines import sweep
from workflows.effects import bring_about
from workflows.models import Notice, WorkItem

SIX_DAYS_LATE = moment(4, 17)


def ladder_asks(place: County, report: object, at: object = SIX_DAYS_LATE) -> None:
    bring_about("order.open_for_late_report", report, actor=place.actor("clock"), at=at)  # type: ignore[arg-type]


def test_the_shipped_ladder_asks_for_it(place: County) -> None:
    item = WorkItem.objects.get(document_id=report_of(place).pk, duty="quarterly_report")
    assert [step["action"] for step in item.ladder if step["action"]] == ["order.open_for_late_report"]


def test_swept_day_by_day_the_order_is_drafted_five_working_days_after_the_due_date_and_once(
    place: County,
) -> None:
    reports = [report_of(place), report_of(place, "bureau")]
    walk(
        place,
        reports[1],
        "fill_in:staff elsewhere, hand_in:staff elsewhere, sign:head elsewhere",
        moment(4, 9),
    )
    for day in range(1, 17):
        sweep(moment(4, day, 23), institution_id=place.institution.pk)
    assert not SupervisionOrder.objects.exists()
    for day in (17, 18, 20):
        sweep(moment(4, day, 23), institution_id=place.institution.pk)
    assert SupervisionOrder.objects.get().report == reports[0]
    assert not WorkItem.objects.filter(attempts__gt=0).exists()


def test_the_draft_carries_its_reason_its_criteria_and_its_date(place: County) -> None:
    report = report_of(place)
    ladder_asks(place, report)
    order = SupervisionOrder.objects.get()
    assert (order.state, order.source, order.unit, order.report) == (
        "draft",
        "late_report",
        place.units["town"],
        report,
    )
    assert order.title == "关于督促和什托洛盖镇报送2026年第一季度季报的督办单"
    assert order.authority == "《和布克赛尔蒙古自治县绩效考核方案》"
    assert "每季度第1个月10日前" in order.clause
    assert order.due_on == date(2026, 5, 6)  # fifteen days from 17 April are 2 May, a holiday
    assert order.criteria.count() == 2
    assert owed(order) == {"order.draft": date(2026, 4, 21)}
    assert set(Notice.objects.filter(document_id=order.pk, kind=order.kind()).values_list("person__name", flat=True)) == {
        "drafter", "checker", "two hats",
    }  # fmt: skip


def test_it_is_drafted_once_whatever_became_of_it(place: County) -> None:
    report = report_of(place)
    ladder_asks(place, report)
    ladder_asks(place, report, moment(4, 18))
    walk(place, SupervisionOrder.objects.get(), "set_aside:drafter", moment(4, 20))
    ladder_asks(place, report, moment(4, 21))
    assert SupervisionOrder.objects.get().state == "not_opened"


def test_it_needs_nothing_but_the_office_s_submission_and_opens_a_rectification_when_taken_in_hand(
    place: County,
) -> None:
    ladder_asks(place, report_of(place))
    order = walk(
        place, SupervisionOrder.objects.get(), "submit:drafter, sign:leader, sign_for:head", moment(4, 20)
    )
    assert not Rectification.objects.exists()
    order = walk(place, order, "take_in_hand:staff", moment(4, 21))
    plan = Rectification.objects.get()
    assert (plan.order, plan.unit, plan.due_on, plan.state) == (
        order,
        place.units["town"],
        order.due_on,
        "plan_owed",
    )
    assert owed(plan) == {"rectification.plan": date(2026, 4, 28)}


@pytest.mark.parametrize("who", ["drafter", "checker"])
def test_nobody_drafted_it_so_that_only_who_submits_it_is_barred_from_the_check(
    place: County, who: str
) -> None:
    ladder_asks(place, report_of(place))
    other = {"drafter": "checker", "checker": "drafter"}[who]
    order = walk(
        place, SupervisionOrder.objects.get(), f"submit:{who}, sign:leader, sign_for:head", moment(4, 20)
    )
    assert place.people[who].pk in order.workers
    assert place.people[other].pk not in order.workers


def test_the_clock_has_no_other_step_of_an_order() -> None:
    by_clock = {name for name, step in SupervisionOrderLifecycle.steps.items() if step.by.key == "clock"}
    assert by_clock == {"open_for_late_report"}

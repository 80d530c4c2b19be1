"""季报 (R36): who owes one, by when, and that nobody is ever locked out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from organisation.models import Unit
from supervision.reports.models import QuarterlyReport
from supervision.reports.opening import open_quarterly_reports
from supervision.reports.queries import lateness, with_statutory_date
from tests.supervision.county import County, act, again, change, county, moment, owed, report_of, walk
from workflows.documents import Refused
from workflows.models import Entry, Notice, WorkItem


def test_on_the_first_day_after_the_quarter_every_township_and_department_owes_a_report(
    place: County,
) -> None:
    assert open_quarterly_reports(place.institution.pk, moment(3, 31, 23, 59)) == 0
    assert open_quarterly_reports(place.institution.pk, moment(4, 1, 0, 0)) == 2
    units = QuarterlyReport.objects.values_list("unit__name_zh", "period", "title")
    title = "2026年第一季度工作目标任务落实情况季报表"
    assert set(units) == {("和什托洛盖镇", "2026Q1", title), ("城建局", "2026Q1", title)}


def test_the_second_time_nothing_is_opened(place: County) -> None:
    open_quarterly_reports(place.institution.pk, moment(4, 1))
    with CaptureQueriesContext(connection) as queries:
        assert open_quarterly_reports(place.institution.pk, moment(4, 1, 9, 1)) == 0
    assert not any(" FOR " in q["sql"] for q in queries)
    assert QuarterlyReport.objects.count() == 2


def test_a_unit_that_begins_later_gets_its_report_then_and_one_that_has_ended_none(place: County) -> None:
    new = Unit.objects.create(
        institution=place.institution, parent=place.units["county"], kind="township", name_zh="夏孜盖乡",
        begins=date(2026, 4, 3),
    )  # fmt: skip
    Unit.objects.filter(pk=place.units["bureau"].pk).update(ends=date(2026, 3, 31))
    open_quarterly_reports(place.institution.pk, moment(4, 1))
    assert open_quarterly_reports(place.institution.pk, moment(4, 3)) == 1
    assert set(QuarterlyReport.objects.values_list("unit", flat=True)) == {place.units["town"].pk, new.pk}


def test_an_institution_that_begins_in_august_is_not_late_with_its_first_quarter(place: County) -> None:
    open_quarterly_reports(place.institution.pk, moment(8, 10))
    assert set(QuarterlyReport.objects.values_list("period", flat=True)) == {"2026Q2"}


def test_a_hundred_units_cost_as_many_statements_as_two(place: County) -> None:
    def statements(at_month: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            open_quarterly_reports(place.institution.pk, moment(at_month, 1))
        return len(queries)

    few = statements(4)
    Unit.objects.bulk_create(
        Unit(institution=place.institution, parent=place.units["county"], kind="department", name_zh=f"部门{n}",
             begins=date(2026, 1, 1))
        for n in range(100)
    )  # fmt: skip
    many = statements(7)
    assert QuarterlyReport.objects.filter(period="2026Q2").count() == 102
    assert many <= few


@pytest.mark.parametrize(
    ("period", "opened", "due"),
    [
        ("2026Q1", moment(4, 1), date(2026, 4, 10)),
        ("2026Q2", moment(7, 1), date(2026, 7, 10)),
        ("2026Q3", moment(10, 1), date(2026, 10, 10)),  # a Saturday on which the State works
    ],
)
def test_the_report_is_due_on_the_tenth_as_the_calendar_stands(
    place: County, period: str, opened: object, due: date
) -> None:
    report = report_of(place, period=period, at=opened)  # type: ignore[arg-type]
    assert owed(report) == {"quarterly_report": due}


@pytest.mark.django_db
def test_the_last_quarter_of_2025_is_due_on_monday_the_twelfth_of_january() -> None:
    place = county(2025)
    report = report_of(place, period="2025Q4", at=moment(1, 1))
    assert owed(report) == {"quarterly_report": date(2026, 1, 12)}
    assert WorkItem.objects.get(document_id=report.pk).due_at == moment(1, 13, 0)


def test_staff_head_and_deputy_are_told(place: County) -> None:
    report = report_of(place)
    told = Notice.objects.filter(document_id=report.pk).values_list("person__name", flat=True)
    assert set(told) == {"staff", "colleague", "two hats", "head", "delegate", "deputy"}


def test_an_empty_report_is_not_handed_in_and_says_what_is_missing(place: County) -> None:
    report = report_of(place)
    with pytest.raises(Refused) as refused:
        act(place, report, "hand_in", "staff", moment(4, 2))
    assert [reason.code for reason in refused.value.reasons] == ["says_something"]
    change(
        place,
        report,
        "staff",
        moment(4, 2),
        summary="综述",
        lines=[{"task": "甲", "actual": ""}, {"task": "乙", "actual": "完成"}],
    )
    with pytest.raises(Refused) as refused:
        act(place, report, "hand_in", "staff", moment(4, 2))
    (reason,) = refused.value.reasons
    assert (reason.code, reason.params) == ("has_results", {"count": 1})


def test_the_statutory_day_runs_until_the_head_has_signed(place: County) -> None:
    report = walk(place, report_of(place), "fill_in:staff, hand_in:staff", moment(4, 9))
    assert owed(report) == {"quarterly_report": date(2026, 4, 10), "report.sign": date(2026, 4, 10)}
    act(place, report, "send_back", "head", moment(4, 9))
    assert owed(report) == {"quarterly_report": date(2026, 4, 10)}
    assert WorkItem.objects.filter(duty="quarterly_report", document_id=report.pk).count() == 1


@pytest.mark.parametrize(
    ("submitted", "late"),
    [
        (moment(4, 10, 23, 59), timedelta(0)),
        (moment(4, 11, 0, 1), timedelta(minutes=1)),
        (moment(6, 30, 12, 0), timedelta(days=80, hours=12)),
    ],
)
def test_a_late_report_is_taken_and_is_late_to_the_minute(
    place: County, submitted: object, late: timedelta
) -> None:
    report = report_of(place)
    walk(place, report, "fill_in:staff, hand_in:staff, sign:head", submitted)  # type: ignore[arg-type]
    known = with_statutory_date(QuarterlyReport.objects.all()).get(pk=report.pk)
    assert known.statutory_due_on == date(2026, 4, 10)
    assert lateness(known, moment(12, 31)) == late
    act(place, report, "accept", "office", moment(7, 1))
    assert again(report).state == "accepted"


def test_a_report_that_is_not_submitted_grows_later(place: County) -> None:
    known = with_statutory_date(QuarterlyReport.objects.all()).get(pk=report_of(place).pk)
    assert lateness(known, moment(4, 10)) == timedelta(0)
    assert lateness(known, moment(4, 11, 3, 0)) == timedelta(hours=3)


def test_a_return_makes_no_report_late_that_was_submitted_in_time(place: County) -> None:
    report = report_of(place)
    walk(place, report, "fill_in:staff, hand_in:staff, sign:head, return_report:office", moment(4, 10))
    assert owed(report) == {"report.correction": date(2026, 4, 15)}
    walk(place, report, "hand_in_correction:staff", moment(4, 14))
    assert owed(report) == {
        "report.correction": date(2026, 4, 15),
        "report.sign_correction": date(2026, 4, 16),
    }
    walk(place, report, "sign_correction:head, accept:office", moment(4, 15))
    known = with_statutory_date(QuarterlyReport.objects.all()).get(pk=report.pk)
    assert lateness(known, moment(5, 1)) == timedelta(0)
    assert (known.times_returned, known.first_submitted_at, known.submitted_at) == (
        1,
        moment(4, 10),
        moment(4, 15),
    )


def test_what_was_returned_is_on_record_in_words(place: County) -> None:
    report = walk(place, report_of(place), "fill_in:staff, hand_in:staff, sign:head", moment(4, 2))
    with pytest.raises(Refused) as refused:
        act(place, report, "return_report", "office", moment(4, 3), missing="  ")
    assert [reason.code for reason in refused.value.reasons] == ["given.missing"]
    act(place, report, "return_report", "office", moment(4, 3), missing="第三项缺少完成比例")
    assert Entry.objects.get(document_id=report.pk, step="return_report").decides

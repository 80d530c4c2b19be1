"""Rule books: what the engine is told about a document's deadlines, and that it costs no query."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendars.edition_files import read_edition
from calendars.publishing import publish_edition, publish_overlay
from calendars.queries import current_stamp
from organisation.actors import Actor
from organisation.models import Institution
from supervision.schemes.models import Cycle
from supervision.schemes.pack import SHIPPED, read_pack
from supervision.schemes.publishing import open_cycle, publish_version
from supervision.schemes.rulebooks import BaseMissing, SchemeBook, book_for, book_of_cycle, rules_of_cycle
from workflows.rulebook import RuleBook, RuleMissing, rulebook_of
from workflows.words import Text

from .conftest import AT, Edited, document

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def book(cycle: Cycle) -> SchemeBook:
    return book_of_cycle(cycle.pk, current_stamp())


def test_the_engine_finds_a_document_s_book_by_its_cycle(cycle: Cycle) -> None:
    found: RuleBook = rulebook_of(document(cycle), current_stamp())
    assert found.version == "hoboksar-county@1"
    assert found.number("rectification.leadership_need") == 2


def test_a_quarterly_report_is_due_twelve_january_with_its_ladder(book: SchemeBook, cycle: Cycle) -> None:
    deadline = book.derive(
        "quarterly_report", document(cycle, period="2025Q4"), at("2026-01-01T00:00:00+08:00")
    )
    assert (deadline.rule, deadline.due_on) == ("quarterly_report", date(2026, 1, 12))
    assert deadline.due_at == at("2026-01-13T00:00:00+08:00")
    assert not deadline.provisional
    assert deadline.derivation["scheme"] == "hoboksar-county@1"
    assert [(step.key, step.at) for step in deadline.ladder] == [
        ("remind", at("2026-01-07T09:00:00+08:00")),
        ("due_today", at("2026-01-12T09:00:00+08:00")),
        ("overdue", at("2026-01-13T00:00:00+08:00")),
        ("urge", at("2026-01-13T09:00:00+08:00")),
        ("order", at("2026-01-19T09:00:00+08:00")),
    ]


def test_signing_runs_to_the_report_s_own_date_however_late_it_is_handed_in(
    book: SchemeBook, cycle: Cycle
) -> None:
    report = document(cycle, period="2026Q3")
    early = book.derive("report.sign", report, at("2026-10-08T10:00:00+08:00"))
    late = book.derive("report.sign", report, at("2026-10-10T23:59:59+08:00"))
    assert early.due_on == late.due_on == date(2026, 10, 10)


@pytest.mark.parametrize(
    ("rule", "due_on"),
    [
        ("report.review", "2026-10-13"),
        ("report.correction", "2026-10-10"),
        ("report.sign_correction", "2026-10-09"),
        ("order.draft", "2026-10-09"),
        ("order.signature", "2026-10-09"),
        ("order.receipt", "2026-10-08"),
        ("order.dispute", "2026-10-09"),
        ("order.plan", "2026-10-10"),
        ("order.due", "2026-10-15"),
        ("order.feedback", "2026-10-20"),
        ("order.feedback_reading", "2026-10-09"),
        ("order.closing", "2026-10-10"),
        ("rectification.acceptance_take_up", "2026-10-09"),
        ("rectification.office_opinion", "2026-10-09"),
        ("order.extension", "2026-10-09"),
        ("order.take_up", "2026-10-09"),
        ("order.check", "2026-10-13"),
        ("rectification.plan", "2026-10-13"),
        ("rectification.sign", "2026-10-09"),
        ("rectification.review", "2026-10-10"),
        ("rectification.leadership", "2026-10-10"),
        ("rectification.correction", "2026-10-10"),
        ("rectification.acceptance", "2026-10-13"),
        ("measure.take_up", "2026-10-09"),
        ("measure.check", "2026-10-10"),
        ("measure.correction", "2026-10-10"),
    ],
)
def test_what_is_owed_from_an_event_on_thirty_september(
    book: SchemeBook, cycle: Cycle, rule: str, due_on: str
) -> None:
    deadline = book.derive(rule, document(cycle), at("2026-09-30T16:00:00+08:00"))
    assert deadline.due_on.isoformat() == due_on


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ("order.finish", "due_on"),
        ("order.suspension", "review_on"),
        ("rectification.measures", "due_on"),
        ("measure.finish", "due_on"),
    ],
)
def test_a_named_date_is_read_from_the_document_and_rolls_off_a_rest_day(
    book: SchemeBook, cycle: Cycle, rule: str, field: str
) -> None:
    start = at("2026-03-02T10:00:00+08:00")
    assert book.derive(rule, document(cycle, **{field: date(2026, 6, 30)}), start).due_on == date(2026, 6, 30)
    assert book.derive(rule, document(cycle, **{field: date(2026, 5, 31)}), start).due_on == date(2026, 6, 1)


def test_a_named_instant_counts_as_its_local_day(book: SchemeBook, cycle: Cycle) -> None:
    order = document(cycle, due_on=datetime(2026, 6, 29, 17, tzinfo=UTC))
    assert book.derive("order.finish", order, AT).due_on == date(2026, 6, 30)


def test_a_date_is_proposed_before_there_is_a_document(book: SchemeBook) -> None:
    assert book.due_on("order.due", at("2026-01-19T09:00:00+08:00")) == date(2026, 2, 3)


def test_the_scheme_s_own_words_are_read_by_the_cycle(cycle: Cycle) -> None:
    rules = rules_of_cycle(cycle.pk)
    assert rules.steps["due_today"] == Text("今日到期", "Due today")
    assert rules.lamps["yellow"] == (Text("黄灯", "Yellow"), Text("临近时限", "close to its due date"))


# --- What is missing ---------------------------------------------------------------------------------------


def test_an_unknown_rule_and_an_unknown_number_are_named_with_the_version(
    book: SchemeBook, cycle: Cycle
) -> None:
    with pytest.raises(RuleMissing, match=r"scheme hoboksar-county@1 has no deadline rule 'order\.lunch'"):
        book.derive("order.lunch", document(cycle), AT)
    with pytest.raises(RuleMissing, match="scheme hoboksar-county@1 has no number 'lunch'"):
        book.number("lunch")


@pytest.mark.parametrize(
    ("rule", "fields", "sentence"),
    [
        ("quarterly_report", {}, "rule quarterly_report of hoboksar-county@1 starts from a period, and "),
        ("order.finish", {"due_on": None}, "rule order.finish of hoboksar-county@1 starts from due_on, and "),
        ("order.suspension", {}, "rule order.suspension of hoboksar-county@1 starts from review_on, and "),
    ],
)
def test_a_document_without_what_the_rule_starts_from_is_told_so(
    book: SchemeBook, cycle: Cycle, rule: str, fields: dict[str, None], sentence: str
) -> None:
    with pytest.raises(BaseMissing) as missing:
        book.derive(rule, document(cycle, **fields), AT)
    assert str(missing.value).startswith(sentence)
    assert isinstance(missing.value, RuleMissing)


def test_a_document_without_a_cycle_has_no_rules() -> None:
    with pytest.raises(RuleMissing, match="belongs to no appraisal year, hence to no scheme"):
        book_for(document(None), current_stamp())


# --- Pinned and cached -------------------------------------------------------------------------------------


def test_no_query_once_the_process_has_read_the_version_and_the_calendar(cycle: Cycle) -> None:
    stamp, report = current_stamp(), document(cycle, period="2025Q4")
    with CaptureQueriesContext(connection) as first:
        book_for(report, stamp).derive("quarterly_report", report, AT)
    with CaptureQueriesContext(connection) as second:
        book_for(report, stamp).derive("quarterly_report", report, AT)
        book_for(document(cycle), stamp).number("rectification.leadership_need")
    assert len(first) <= 4
    assert len(second) == 0
    assert book_for(report, stamp) is book_for(report, stamp)


def test_a_running_cycle_keeps_its_version_when_the_next_one_is_published(
    cycle: Cycle, office: Actor, edited: Edited
) -> None:
    second, _ = publish_version(read_pack(edited(("count: 5", "count: 7"))), by=office, at=AT)
    following = open_cycle(second, 2027, by=office, at=AT)
    start, stamp = at("2026-03-02T10:00:00+08:00"), current_stamp()
    old = book_for(document(cycle), stamp).derive("report.review", document(cycle), start)
    new = book_for(document(following), stamp).derive("report.review", document(following), start)
    assert (old.due_on, old.derivation["scheme"]) == (date(2026, 3, 9), "hoboksar-county@1")
    assert (new.due_on, new.derivation["scheme"]) == (date(2026, 3, 11), "hoboksar-county@2")


def test_dates_follow_the_institution_s_own_zone() -> None:
    west = Institution.objects.create(slug="west", name_zh="某县", time_zone="Asia/Urumqi")
    office = Actor(None, west.pk, "绩效办")
    version, _ = publish_version(read_pack(SHIPPED / "hoboksar-county.yaml"), by=office, at=AT)
    cycle = open_cycle(version, 2026, by=office, at=AT)
    book = book_of_cycle(cycle.pk, current_stamp())
    deadline = book.derive("order.receipt", document(cycle), at("2026-03-03T01:30:00+08:00"))
    assert deadline.due_on == date(2026, 3, 3)
    assert deadline.due_at == at("2026-03-04T00:00:00+06:00")
    assert deadline.ladder[0].at == at("2026-03-03T09:00:00+06:00")


# --- Moves -------------------------------------------------------------------------------------------------


def stored(deadline: object) -> dict[str, object]:
    """As it comes back from the database."""
    loaded: dict[str, object] = json.loads(json.dumps(getattr(deadline, "derivation")))  # noqa: B009
    return loaded


def test_a_suspended_order_goes_on_where_it_stood(book: SchemeBook, cycle: Cycle) -> None:
    order = document(cycle, due_on=date(2026, 6, 30))
    deadline = book.derive("order.finish", order, at("2026-03-02T10:00:00+08:00"))
    resumed = book.resume(
        stored(deadline), order, at("2026-04-01T10:00:00+08:00"), at("2026-05-11T10:00:00+08:00")
    )
    assert resumed.due_on == date(2026, 8, 10)
    assert resumed.due_at == at("2026-08-11T00:00:00+08:00")
    assert resumed.derivation["original_due_on"] == "2026-06-30"
    assert resumed.ladder[0].at == at("2026-08-03T09:00:00+08:00")


def test_after_a_pause_reminders_of_the_past_are_not_sent_again(book: SchemeBook, cycle: Cycle) -> None:
    order = document(cycle, due_on=date(2026, 6, 30))
    deadline = book.derive("order.finish", order, at("2026-03-02T10:00:00+08:00"))
    resumed = book.resume(
        stored(deadline), order, at("2026-06-29T10:00:00+08:00"), at("2026-07-06T10:00:00+08:00")
    )
    assert resumed.due_on == date(2026, 7, 7)
    assert [(step.key, step.tells) for step in resumed.ladder][:2] == [
        ("near", ()),
        ("due_today", ("owner",)),
    ]
    assert resumed.ladder[0].at == at("2026-07-06T10:00:00+08:00")
    assert all(step.at >= at("2026-07-06T10:00:00+08:00") for step in resumed.ladder)


def test_days_of_a_pause_are_local_days(book: SchemeBook, cycle: Cycle) -> None:
    order = document(cycle, due_on=date(2026, 6, 30))
    deadline = book.derive("order.finish", order, AT)
    late_evening, past_midnight = at("2026-04-01T15:59:59+00:00"), at("2026-04-01T16:00:00+00:00")
    assert book.resume(stored(deadline), order, late_evening, past_midnight).due_on == date(2026, 7, 1)
    assert book.resume(stored(deadline), order, late_evening, late_evening).due_on == date(2026, 6, 30)


def test_an_extension_moves_the_date_with_its_ladder_and_keeps_the_original(
    book: SchemeBook, cycle: Cycle
) -> None:
    order = document(cycle, due_on=date(2026, 6, 30))
    deadline = book.derive("order.finish", order, at("2026-03-02T10:00:00+08:00"))
    longer = book.extend(
        stored(deadline), date(2026, 7, 31), at=at("2026-06-20T10:00:00+08:00"), by="巴特尔", reason="汛期"
    )
    assert (longer.due_on, longer.derivation["original_due_on"]) == (date(2026, 7, 31), "2026-06-30")
    assert {step.key: step.at for step in longer.ladder}["overdue"] == at("2026-08-01T00:00:00+08:00")


def test_a_new_edition_moves_open_dates_and_says_what_they_were(
    book: SchemeBook, cycle: Cycle, tmp_path: object
) -> None:
    report = document(cycle, period="2026Q4")
    before = book.derive("quarterly_report", report, at("2026-12-31T10:00:00+08:00"))
    assert (before.due_on, before.provisional) == (date(2027, 1, 11), True)
    path = tmp_path / "cn-2027.yaml"  # type: ignore[operator]
    path.write_text(
        "year: 2027\nnumber: 1\nnotice: 国办发明电〔2026〕X号\ntitle: {zh: 通知, en: notice}\nissued_on: 2026-11-05\n"
        "off: []\nwork:\n  - {on: 2027-01-10, zh: 元旦调休上班, en: make-up}\n",
        encoding="utf-8",
    )
    publish_edition(read_edition(path), None, AT)
    after = book_for(report, current_stamp()).rederive(stored(before), report)
    assert (after.due_on, after.provisional) == (date(2027, 1, 10), False)
    assert after.derivation["recalculated"][0]["due_was"] == "2027-01-11"
    assert {step.key: step.at for step in after.ladder}["overdue"] == at("2027-01-11T00:00:00+08:00")


def test_an_institution_s_own_holiday_moves_its_dates_alone(cycle: Cycle, office: Actor) -> None:
    review = document(cycle)
    start = at("2026-03-02T10:00:00+08:00")
    before = book_for(review, current_stamp()).derive("report.review", review, start)
    publish_overlay(
        office.institution_id, "local_holiday", date(2026, 3, 4), date(2026, 3, 4), name_zh="自治县成立纪念日",
        name_en="county day", source="自治条例", by=None, at=AT,
    )  # fmt: skip
    after = book_for(review, current_stamp()).rederive(stored(before), review)
    assert (before.due_on, after.due_on) == (date(2026, 3, 9), date(2026, 3, 10))


def test_rederiving_under_the_same_calendar_changes_nothing(book: SchemeBook, cycle: Cycle) -> None:
    order = document(cycle, due_on=date(2026, 6, 30))
    deadline = book.derive("order.finish", order, at("2026-03-02T10:00:00+08:00"))
    assert book.rederive(stored(deadline), order) == deadline

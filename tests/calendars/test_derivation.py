"""Due dates: from what, by which rule, moved by what; and every one of them reads itself out in both languages."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.derivation import Base, Derived, Rule, derive, explain, extend, rederive, resume, rule_of
from calendars.edition_files import shipped_editions
from calendars.periods import NotAPeriod, parse
from calendars.state_years import OwnDays, Span, calendar_from
from calendars.working_days import Calendar

CHINA = calendar_from(shipped_editions())
SHANGHAI = ZoneInfo("Asia/Shanghai")
CLAUSE: dict[str, Any] = {"clause_zh": "条文", "clause_en": "clause", "source": "R36", "scheme": "county@3"}

QUARTERLY = Rule("quarterly_report", "period_end", month=1, day=10, **CLAUSE)
FIVE_WORKING_DAYS = Rule("report.review", "event", count=5, unit="working_days", **CLAUSE)
FIFTEEN_DAYS = Rule("order.due", "event", count=15, unit="natural_days", **CLAUSE)
NAMED = Rule("order.finish", "field", field="due_on", **CLAUSE)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def five_from(text: str, calendar: Calendar = CHINA) -> Derived:
    return derive(FIVE_WORKING_DAYS, Base.event(at(text), SHANGHAI), calendar, SHANGHAI)


def texts(derived: Derived, language: str) -> dict[str, str]:
    return dict(explain(derived.derivation, language))


# --- After a period ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "due_on", "provisional"),
    [
        ("2024Q4", "2025-01-10", False),
        ("2025Q1", "2025-04-10", False),
        ("2025Q2", "2025-07-10", False),
        ("2025Q3", "2025-10-10", False),
        ("2025Q4", "2026-01-12", False),
        ("2026Q1", "2026-04-10", False),
        ("2026Q2", "2026-07-10", False),
        ("2026Q3", "2026-10-10", False),
        ("2026Q4", "2027-01-11", True),
        ("2027Q1", "2027-04-12", True),
        ("2024Q3", "2024-10-10", True),
    ],
)
def test_the_quarterly_report_is_due_on_the_tenth_or_the_next_working_day(
    period: str, due_on: str, provisional: bool
) -> None:
    derived = derive(QUARTERLY, Base.period_end(period), CHINA, SHANGHAI)
    assert (derived.due_on.isoformat(), derived.provisional) == (due_on, provisional)
    assert derived.derivation["due_on"] == due_on


def test_a_due_day_runs_to_midnight_of_the_institution_s_zone() -> None:
    shanghai = derive(QUARTERLY, Base.period_end("2025Q4"), CHINA, SHANGHAI)
    urumqi = derive(QUARTERLY, Base.period_end("2025Q4"), CHINA, ZoneInfo("Asia/Urumqi"))
    assert shanghai.due_at == at("2026-01-13T00:00:00+08:00")
    assert urumqi.due_at == at("2026-01-13T00:00:00+06:00")
    assert shanghai.due_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("period", "month", "day", "roll", "due_on"),
    [
        ("2026-01", 0, 31, "previous_working_day", "2026-01-30"),
        ("2026-02", 0, 31, "previous_working_day", "2026-02-28"),
        ("2026-05", 0, 31, "previous_working_day", "2026-05-29"),
        ("2024-02", 0, 31, "none", "2024-02-29"),
        ("2026-02", 0, 31, "none", "2026-02-28"),
        ("2026H1", 1, 15, "next_working_day", "2026-07-15"),
        ("2026H2", 1, 31, "next_working_day", "2027-02-01"),
        ("2025", 2, 28, "next_working_day", "2026-02-28"),
        ("2025", 13, 1, "next_working_day", "2027-01-01"),
        ("2025Q4", 1, 10, "none", "2026-01-10"),
    ],
)
def test_a_fixed_day_in_or_after_a_period(period: str, month: int, day: int, roll: str, due_on: str) -> None:
    rule = Rule("monthly", "period_end", month=month, day=day, roll=roll, **CLAUSE)
    assert derive(rule, Base.period_end(period), CHINA, SHANGHAI).due_on.isoformat() == due_on


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026H1", "2026-01-01", "2026-06-30"),
        ("2026H2", "2026-07-01", "2026-12-31"),
        ("2026Q1", "2026-01-01", "2026-03-31"),
        ("2026Q4", "2026-10-01", "2026-12-31"),
        ("2028-02", "2028-02-01", "2028-02-29"),
        ("2026-12", "2026-12-01", "2026-12-31"),
    ],
)
def test_a_period_has_a_first_and_a_last_day(text: str, begins: str, ends: str) -> None:
    period = parse(text)
    assert (period.begins.isoformat(), period.ends.isoformat()) == (begins, ends)


@pytest.mark.parametrize(
    "text", ["", "2026Q5", "2026Q0", "2026-13", "2026-1", "26Q1", "2026q1", "2026Q1 ", "9999Q4", "２０２６"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(NotAPeriod, match="is not a period: write 2026, 2026H1, 2026Q1 or 2026-01"):
        parse(text)


# --- From an event -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "due_on"),
    [
        ("2026-09-30T00:00:00+08:00", "2026-10-13"),
        ("2026-09-30T23:59:59+08:00", "2026-10-13"),
        ("2026-09-30T23:59:59.999999+08:00", "2026-10-13"),
        ("2026-10-01T00:00:00+08:00", "2026-10-13"),
        ("2026-09-29T15:59:59+00:00", "2026-10-12"),
        ("2026-09-29T16:00:00+00:00", "2026-10-13"),
        ("2026-10-08T23:59:59+08:00", "2026-10-14"),
        ("2026-10-09T00:00:00+08:00", "2026-10-15"),
        ("2026-02-13T17:00:00+08:00", "2026-02-27"),
        ("2026-02-14T17:00:00+08:00", "2026-02-28"),
        ("2024-02-23T10:00:00+08:00", "2024-03-01"),
    ],
)
def test_five_working_days_count_from_the_local_day_of_the_event(instant: str, due_on: str) -> None:
    assert five_from(instant).due_on.isoformat() == due_on


@pytest.mark.parametrize(
    ("instant", "due_on"),
    [
        ("2026-01-05T09:00:00+08:00", "2026-01-20"),
        ("2026-09-16T09:00:00+08:00", "2026-10-08"),
        ("2026-04-16T09:00:00+08:00", "2026-05-06"),
        ("2026-01-30T09:00:00+08:00", "2026-02-14"),
        ("2026-01-31T09:00:00+08:00", "2026-02-24"),
    ],
)
def test_natural_days_count_every_day_and_only_the_last_one_rolls(instant: str, due_on: str) -> None:
    derived = derive(FIFTEEN_DAYS, Base.event(at(instant), SHANGHAI), CHINA, SHANGHAI)
    assert derived.due_on.isoformat() == due_on


def test_the_local_day_is_that_of_the_institution_s_zone() -> None:
    """Half past one at night in Shanghai is still the evening before in Urumqi."""
    instant = at("2026-09-29T17:30:00+00:00")
    assert Base.event(instant, ZoneInfo("Asia/Urumqi")).on == date(2026, 9, 29)
    assert Base.event(instant, SHANGHAI).on == date(2026, 9, 30)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        Base.event(datetime(2026, 9, 30), SHANGHAI)


def test_a_base_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="rule quarterly_report starts from period_end, not from event"):
        derive(QUARTERLY, Base.event(at("2026-09-30T00:00:00+08:00"), SHANGHAI), CHINA, SHANGHAI)
    with pytest.raises(
        ValueError, match=r"rule order\.finish starts from field due_on, not from field review_on"
    ):
        derive(NAMED, Base.named("review_on", date(2026, 9, 30)), CHINA, SHANGHAI)


@pytest.mark.parametrize(("named", "due_on"), [("2026-06-30", "2026-06-30"), ("2026-05-31", "2026-06-01")])
def test_a_named_date_counts_itself_and_rolls_off_a_rest_day(named: str, due_on: str) -> None:
    derived = derive(NAMED, Base.named("due_on", date.fromisoformat(named)), CHINA, SHANGHAI)
    assert derived.due_on.isoformat() == due_on


# --- What is kept ------------------------------------------------------------------------------------------


def test_a_derivation_is_codes_and_parameters_in_json_s_own_types() -> None:
    derived = five_from("2026-09-30T14:05:00+08:00")
    assert json.loads(json.dumps(derived.derivation)) == derived.derivation
    assert derived.derivation == {
        "rule": "report.review",
        "scheme": "county@3",
        "clause": {"zh": "条文", "en": "clause"},
        "source": "R36",
        "base": {"code": "event", "on": "2026-09-30", "name": "", "at": "2026-09-30T06:05:00+00:00"},
        "count": 5,
        "unit": "working_days",
        "month": None,
        "day": None,
        "roll": "next_working_day",
        "zone": "Asia/Shanghai",
        "nominal_on": "2026-10-13",
        "skipped": [
            {"from": "2026-10-01", "to": "2026-10-07", "code": "holiday", "zh": "国庆节", "en": "National Day", "source": "cn-2026#1"},
            {"from": "2026-10-11", "to": "2026-10-11", "code": "weekend", "zh": "周末", "en": "weekend", "source": ""},
        ],
        "added": [
            {"from": "2026-10-10", "to": "2026-10-10", "code": "make_up", "zh": "国庆节调休上班", "en": "make-up for National Day", "source": "cn-2026#1"},
        ],
        "rolled": [],
        "changes": [],
        "recalculated": [],
        "original_due_on": "2026-10-13",
        "due_on": "2026-10-13",
        "bases": [{"key": "cn-2026#1", "notice": "国办发明电〔2025〕7号"}],
        "provisional": False,
    }  # fmt: skip


def test_a_clock_that_starts_from_a_date_keeps_the_instant_it_began_to_be_watched() -> None:
    watched = at("2026-01-02T09:00:00+08:00")
    for rule, base in (
        (QUARTERLY, Base.period_end("2025Q4", watched)),
        (NAMED, Base.named("due_on", date(2026, 6, 30), watched)),
    ):
        assert derive(rule, base, CHINA, SHANGHAI).derivation["base"]["at"] == "2026-01-02T01:00:00+00:00"


def test_a_date_that_is_let_fall_on_a_rest_day_is_moved_by_none() -> None:
    rule = Rule("monthly", "period_end", month=1, day=10, roll="none", **CLAUSE)
    derived = derive(rule, Base.period_end("2025Q4"), CHINA, SHANGHAI)
    assert (derived.due_on, derived.derivation["rolled"]) == (date(2026, 1, 10), [])


@pytest.mark.parametrize("rule", [QUARTERLY, FIVE_WORKING_DAYS, FIFTEEN_DAYS, NAMED])
def test_the_rule_is_read_back_from_a_derivation_as_it_was(rule: Rule) -> None:
    base = {
        "period_end": Base.period_end("2025Q4"),
        "event": Base.event(at("2026-09-30T10:00:00+08:00"), SHANGHAI),
        "field": Base.named("due_on", date(2026, 6, 30)),
    }[rule.base]
    assert rule_of(derive(rule, base, CHINA, SHANGHAI).derivation) == rule


@pytest.mark.parametrize(
    ("instant", "keys"),
    [
        ("2025-12-24T10:00:00+08:00", ["cn-2025#1"]),
        ("2025-12-30T10:00:00+08:00", ["cn-2025#1", "cn-2026#1"]),
        ("2025-12-31T10:00:00+08:00", ["cn-2026#1"]),
        ("2026-12-30T10:00:00+08:00", ["cn-2026#1"]),
        ("2027-06-01T10:00:00+08:00", []),
    ],
)
def test_every_edition_that_was_counted_in_is_named(instant: str, keys: list[str]) -> None:
    assert [basis["key"] for basis in five_from(instant).derivation["bases"]] == keys


def test_natural_days_rest_on_the_calendar_of_the_day_they_lead_to() -> None:
    derived = derive(FIFTEEN_DAYS, Base.event(at("2025-12-20T10:00:00+08:00"), SHANGHAI), CHINA, SHANGHAI)
    assert derived.due_on == date(2026, 1, 4)
    assert [basis["key"] for basis in derived.derivation["bases"]] == ["cn-2026#1"]


# --- Pauses ------------------------------------------------------------------------------------------------


def paused(derived: Derived, paused_on: str, resumed_on: str) -> Derived:
    return resume(
        derived.derivation, date.fromisoformat(paused_on), date.fromisoformat(resumed_on), CHINA, SHANGHAI
    )


@pytest.mark.parametrize(
    ("paused_on", "resumed_on", "due_on", "left"),
    [
        ("2026-03-04", "2026-03-04", "2026-03-09", 3),
        ("2026-03-04", "2026-03-18", "2026-03-23", 3),
        ("2026-03-02", "2026-03-18", "2026-03-25", 5),
        ("2026-03-09", "2026-03-18", "2026-03-18", 0),
        ("2026-03-09", "2026-03-21", "2026-03-23", 0),
        ("2026-03-06", "2026-03-07", "2026-03-09", 1),
        ("2026-03-06", "2026-04-03", "2026-04-07", 1),
    ],
)
def test_a_paused_clock_goes_on_with_the_working_days_that_were_left(
    paused_on: str, resumed_on: str, due_on: str, left: int
) -> None:
    derived = paused(five_from("2026-03-02T10:00:00+08:00"), paused_on, resumed_on)
    assert derived.derivation["original_due_on"] == "2026-03-09"
    assert (derived.due_on.isoformat(), derived.derivation["changes"][0]["left"]) == (due_on, left)


@pytest.mark.parametrize(
    ("rule", "base", "due_on"),
    [
        (NAMED, Base.named("due_on", date(2026, 6, 30)), "2026-07-10"),
        (FIFTEEN_DAYS, Base.event(at("2026-06-15T10:00:00+08:00"), SHANGHAI), "2026-07-10"),
        (NAMED, Base.named("due_on", date(2026, 7, 1)), "2026-07-13"),
    ],
)
def test_any_other_date_moves_by_the_days_that_passed(rule: Rule, base: Base, due_on: str) -> None:
    derived = paused(derive(rule, base, CHINA, SHANGHAI), "2026-06-20", "2026-06-30")
    assert derived.due_on.isoformat() == due_on
    assert derived.derivation["changes"][0]["moved_by"] == 10


def test_a_pause_within_one_day_moves_nothing_not_even_off_a_named_rest_day() -> None:
    rule = Rule("order.finish", "field", field="due_on", roll="none", **CLAUSE)
    derived = derive(rule, Base.named("due_on", date(2026, 5, 31)), CHINA, SHANGHAI)
    assert paused(derived, "2026-05-20", "2026-05-20").due_on == date(2026, 5, 31)


def test_a_pause_does_not_wash_off_what_was_overdue_before() -> None:
    derived = paused(five_from("2026-03-02T10:00:00+08:00"), "2026-03-10", "2026-03-31")
    assert derived.due_on == date(2026, 3, 9)
    assert derived.derivation["changes"] == [
        {
            "code": "pause", "from": "2026-03-10", "to": "2026-03-31", "at": None, "left": 0, "skipped": [],
            "due_was": "2026-03-09", "due_on": "2026-03-09",
        }
    ]  # fmt: skip


def test_a_pause_keeps_the_instant_at_which_the_clock_went_on() -> None:
    derived = derive(NAMED, Base.named("due_on", date(2026, 6, 30)), CHINA, SHANGHAI)
    went_on = at("2026-06-30T09:00:00+08:00")
    after = resume(derived.derivation, date(2026, 6, 20), date(2026, 6, 30), CHINA, SHANGHAI, at=went_on)
    assert after.derivation["changes"] == [
        {
            "code": "pause", "from": "2026-06-20", "to": "2026-06-30", "at": "2026-06-30T01:00:00+00:00", "moved_by": 10,
            "skipped": [], "due_was": "2026-06-30", "due_on": "2026-07-10",
        }
    ]  # fmt: skip


def test_pauses_follow_one_another() -> None:
    once = paused(five_from("2026-03-02T10:00:00+08:00"), "2026-03-03", "2026-03-10")
    twice = paused(once, "2026-03-12", "2026-03-20")
    assert (once.due_on, twice.due_on) == (date(2026, 3, 16), date(2026, 3, 24))
    assert [c["left"] for c in twice.derivation["changes"]] == [4, 2]
    assert once.derivation["changes"] == twice.derivation["changes"][:1]


def test_a_pause_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="a pause from 2026-03-04 cannot end on 2026-03-03"):
        paused(five_from("2026-03-02T10:00:00+08:00"), "2026-03-04", "2026-03-03")


@given(st.dates(date(2025, 1, 2), date(2026, 10, 1)), st.integers(0, 40), st.integers(0, 60))
def test_a_pause_never_shortens_a_clock_and_keeps_what_was_left(start: date, until: int, length: int) -> None:
    derived = derive(FIVE_WORKING_DAYS, Base("event", start), CHINA, SHANGHAI)
    paused_on = date.fromordinal(start.toordinal() + until)
    resumed_on = date.fromordinal(paused_on.toordinal() + length)
    after = resume(derived.derivation, paused_on, resumed_on, CHINA, SHANGHAI)
    assert after.due_on >= derived.due_on
    if paused_on < derived.due_on:
        assert CHINA.count(resumed_on, after.due_on) == CHINA.count(paused_on, derived.due_on)


# --- Extensions --------------------------------------------------------------------------------------------


def test_an_extension_keeps_the_original_date() -> None:
    derived = derive(NAMED, Base.named("due_on", date(2026, 6, 30)), CHINA, SHANGHAI)
    longer = extend(
        derived.derivation, date(2026, 7, 31), CHINA, SHANGHAI, at=at("2026-06-20T09:00:00+08:00"), by="巴特尔", reason="汛期"
    )  # fmt: skip
    assert (longer.due_on, longer.derivation["original_due_on"]) == (date(2026, 7, 31), "2026-06-30")
    assert longer.due_at == at("2026-08-01T00:00:00+08:00")
    assert longer.derivation["changes"] == [
        {
            "code": "extension", "named": "2026-07-31", "at": "2026-06-20T01:00:00+00:00", "by": "巴特尔", "reason": "汛期",
            "due_was": "2026-06-30", "due_on": "2026-07-31",
        }
    ]  # fmt: skip


def test_an_extension_of_which_nobody_and_no_reason_is_named_keeps_both_empty() -> None:
    derived = derive(NAMED, Base.named("due_on", date(2026, 6, 30)), CHINA, SHANGHAI)
    [change] = extend(derived.derivation, date(2026, 7, 31), CHINA, SHANGHAI).derivation["changes"]
    assert (change["at"], change["by"], change["reason"]) == (None, "", "")


@pytest.mark.parametrize("named", [date(2026, 6, 30), date(2026, 6, 1)])
def test_an_extension_to_no_later_date_is_refused(named: date) -> None:
    derived = derive(NAMED, Base.named("due_on", date(2026, 6, 30)), CHINA, SHANGHAI)
    with pytest.raises(ValueError, match="is no extension of 2026-06-30"):
        extend(derived.derivation, named, CHINA, SHANGHAI)


def test_a_pause_after_an_extension_moves_the_extended_date() -> None:
    derived = derive(NAMED, Base.named("due_on", date(2026, 6, 30)), CHINA, SHANGHAI)
    longer = extend(derived.derivation, date(2026, 7, 31), CHINA, SHANGHAI)
    assert paused(longer, "2026-07-01", "2026-07-11").due_on == date(2026, 8, 10)


# --- A new calendar ----------------------------------------------------------------------------------------


def with_local_holiday(first: date, last: date) -> Calendar:
    days = OwnDays("overlay-7", "local_holiday", Span(first, last, "那达慕", "Naadam"), "县政府通知")
    return calendar_from(shipped_editions(), [days])


def test_a_new_calendar_moves_a_date_and_says_what_it_was() -> None:
    derived = five_from("2026-03-02T10:00:00+08:00")
    again = rederive(derived.derivation, with_local_holiday(date(2026, 3, 5), date(2026, 3, 6)), SHANGHAI)
    assert (again.due_on, again.due_at) == (date(2026, 3, 11), at("2026-03-12T00:00:00+08:00"))
    assert again.derivation["recalculated"] == [
        {
            "due_was": "2026-03-09", "original_was": "2026-03-09", "due_on": "2026-03-11",
            "bases_were": [{"key": "cn-2026#1", "notice": "国办发明电〔2025〕7号"}],
        }
    ]  # fmt: skip
    assert [b["key"] for b in again.derivation["bases"]] == ["cn-2026#1", "overlay-7"]


def test_a_new_calendar_that_does_not_touch_a_date_leaves_it_as_it_is() -> None:
    derived = five_from("2026-03-02T10:00:00+08:00")
    assert (
        rederive(derived.derivation, with_local_holiday(date(2026, 7, 6), date(2026, 7, 6)), SHANGHAI)
        == derived
    )


def test_publishing_the_next_year_settles_what_was_provisional() -> None:
    before = derive(QUARTERLY, Base.period_end("2025Q4"), calendar_from(shipped_editions()[:1]), SHANGHAI)
    after = rederive(before.derivation, CHINA, SHANGHAI)
    assert (before.provisional, after.provisional) == (True, False)
    assert (before.due_on, after.due_on) == (date(2026, 1, 12), date(2026, 1, 12))
    assert after.derivation["recalculated"] == []
    assert [b["key"] for b in after.derivation["bases"]] == ["cn-2026#1"]


def test_pauses_are_gone_through_again_under_the_new_calendar() -> None:
    derived = paused(five_from("2026-03-02T10:00:00+08:00"), "2026-03-04", "2026-03-18")
    again = rederive(derived.derivation, with_local_holiday(date(2026, 3, 19), date(2026, 3, 19)), SHANGHAI)
    assert (derived.due_on, again.due_on) == (date(2026, 3, 23), date(2026, 3, 24))
    assert again.derivation["changes"][0]["due_on"] == "2026-03-24"


def test_a_granted_extension_stays_as_granted_under_a_new_calendar() -> None:
    derived = extend(five_from("2026-03-02T10:00:00+08:00").derivation, date(2026, 3, 20), CHINA, SHANGHAI)
    again = rederive(derived.derivation, with_local_holiday(date(2026, 3, 5), date(2026, 3, 6)), SHANGHAI)
    assert again.due_on == date(2026, 3, 20)
    assert again.derivation["original_due_on"] == "2026-03-11"


# --- Reading it out ----------------------------------------------------------------------------------------


def test_a_rolled_quarterly_report_explains_itself_in_chinese() -> None:
    derived = derive(QUARTERLY, Base.period_end("2025Q4"), CHINA, SHANGHAI)
    assert explain(derived.derivation, "zh-hans") == [
        ("起算", "2025年第四季度终了，2025年12月31日（周三）"),
        ("规则", "期满后第1个月10日（含当日）"),
        ("顺延", "2026年1月10日（周六）不是工作日（1月10日至11日 周末），顺延至2026年1月12日（周一）"),
        ("截止", "2026年1月12日（周一）24时止"),
        ("依据", "条文（R36）；方案 county@3；国办发明电〔2025〕7号（cn-2026#1）"),
    ]


def test_and_in_english() -> None:
    derived = derive(QUARTERLY, Base.period_end("2025Q4"), CHINA, SHANGHAI)
    assert explain(derived.derivation, "en") == [
        ("Counted from", "the end of Q4 2025, Wed 31 Dec 2025"),
        ("Rule", "day 10 of month 1 after the period, that day included"),
        ("Moved", "Sat 10 Jan 2026 is no working day (10 Jan to 11 Jan weekend): Mon 12 Jan 2026 instead"),
        ("Due", "Mon 12 Jan 2026, to the end of the day"),
        ("Basis", "clause (R36); scheme county@3; 国办发明电〔2025〕7号 (cn-2026#1)"),
    ]


def test_counted_skipped_paused_and_extended_days_are_read_out() -> None:
    derived = five_from("2026-09-30T14:05:00+08:00")
    derived = paused(derived, "2026-10-08", "2026-10-20")
    derived = extend(derived.derivation, date(2026, 11, 1), CHINA, SHANGHAI, by="巴特尔", reason="大雪封路")
    assert texts(derived, "zh-hans") == {
        "起算": "2026年9月30日（周三）14:05，当日不计入",
        "规则": "5个工作日",
        "扣除": "10月1日至7日 国庆节；10月11日 周末",
        "计入": "10月10日 国庆节调休上班",
        "暂停": "2026年10月8日（周四）起停止计时，2026年10月20日（周二）恢复，剩余4个工作日"
        "（扣除10月24日至25日 周末）；截止日由2026年10月13日（周二）改为2026年10月26日（周一）",
        "延期": "批准延期（巴特尔，大雪封路）；截止日由2026年10月26日（周一）改为2026年11月2日（周一）",
        "截止": "2026年11月2日（周一）24时止；原截止日2026年10月13日（周二）",
        "依据": "条文（R36）；方案 county@3；国办发明电〔2025〕7号（cn-2026#1）",
    }
    english = texts(derived, "en")
    assert english["Not counted"] == "1 Oct to 7 Oct National Day; 11 Oct weekend"
    assert english["Paused"] == (
        "the clock stood still from Thu 8 Oct 2026 to Tue 20 Oct 2026, with 4 working days left "
        "(not counted: 24 Oct to 25 Oct weekend); due Mon 26 Oct 2026 instead of Tue 13 Oct 2026"
    )
    assert english["Due"] == "Mon 2 Nov 2026, to the end of the day; originally Tue 13 Oct 2026"


def test_a_provisional_date_says_so() -> None:
    derived = derive(QUARTERLY, Base.period_end("2026Q4"), CHINA, SHANGHAI)
    assert texts(derived, "zh-hans")["暂定"] == (
        "所涉年份尚无已公布的节假日安排，暂按周一至周五为工作日计算，公布后重算"
    )
    assert texts(derived, "en")["Provisional"].startswith("no calendar is published for a year concerned")


def test_a_recalculated_date_says_what_it_was() -> None:
    calendar = with_local_holiday(date(2026, 3, 5), date(2026, 3, 6))
    again = rederive(five_from("2026-03-02T10:00:00+08:00").derivation, calendar, SHANGHAI)
    assert (
        texts(again, "zh-hans")["重算"] == "日历更新，截止日由2026年3月9日（周一）改为2026年3月11日（周三）"
    )
    assert texts(again, "zh-hans")["依据"].endswith("县政府通知（overlay-7）")
    assert texts(again, "en")["Not counted"] == "5 Mar to 6 Mar Naadam; 7 Mar to 8 Mar weekend"


def test_one_working_day_is_singular_in_english() -> None:
    rule = Rule("order.receipt", "event", count=1, unit="working_days", **CLAUSE)
    derived = derive(rule, Base.event(at("2026-03-02T10:00:00+08:00"), SHANGHAI), CHINA, SHANGHAI)
    assert texts(derived, "en")["Rule"] == "1 working day"


def test_an_old_derivation_explains_the_old_date_whatever_is_published_later() -> None:
    derived = five_from("2026-03-02T10:00:00+08:00")
    kept = json.loads(json.dumps(derived.derivation))
    rederive(derived.derivation, with_local_holiday(date(2026, 3, 5), date(2026, 3, 6)), SHANGHAI)
    assert dict(explain(kept, "zh-hans"))["截止"] == "2026年3月9日（周一）24时止"

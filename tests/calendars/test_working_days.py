"""Which days are working days, and counting them: against the notices, a second opinion, and by properties."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.edition_files import shipped_editions
from calendars.state_years import OwnDays, Span, StateYear, calendar_from
from calendars.working_days import WEEKEND, Calendar, Day, NoWorkingDay, days_after, days_between

TABLE = [
    line.split()
    for line in (Path(__file__).parent / "dates.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
WEEKDAYS = "一二三四五六日"
CHINA = calendar_from(shipped_editions())
ANY_DAY = st.dates(date(2023, 1, 1), date(2030, 12, 31))


def test_the_table_holds_more_than_two_hundred_dates() -> None:
    assert len(TABLE) > 200


@pytest.mark.parametrize(
    ("start", "weekday", "days", "expected", "expected_weekday"), TABLE, ids=[f"{r[0]}{r[2]}" for r in TABLE]
)
def test_a_date_of_the_table(
    china: Calendar, start: str, weekday: str, days: str, expected: str, expected_weekday: str
) -> None:
    begin, end = date.fromisoformat(start), date.fromisoformat(expected)
    assert (f"周{WEEKDAYS[begin.weekday()]}", f"周{WEEKDAYS[end.weekday()]}") == (weekday, expected_weekday)
    assert china.shift(begin, int(days)) == end
    assert china.count(begin, end) == int(days)


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_of_the_shipped_editions_agrees_with_chinesecalendar(china: Calendar, year: int) -> None:
    days = list(days_between(date(year, 1, 1), date(year, 12, 31)))
    assert {d: china.is_working(d) for d in days} == {d: chinese_calendar.is_workday(d) for d in days}
    assert sum(map(china.is_working, days)) == {2025: 248, 2026: 248}[year]


def test_the_year_after_the_last_edition_is_monday_to_friday_and_says_so(china: Calendar) -> None:
    new_year, saturday = date(2027, 1, 1), date(2027, 1, 2)
    assert china.is_provisional(new_year)
    assert china.is_working(new_year)
    assert not china.is_working(saturday)
    assert not china.is_provisional(date(2026, 12, 31))
    assert china.is_provisional(date(2024, 12, 31))


def test_the_start_day_is_not_counted_on_a_rest_day_either(china: Calendar) -> None:
    assert china.shift(date(2026, 10, 3), 1) == date(2026, 10, 8)
    assert china.shift(date(2026, 10, 8), 1) == date(2026, 10, 9)


def test_no_working_days_lead_nowhere(china: Calendar) -> None:
    assert china.shift(date(2026, 10, 3), 0) == date(2026, 10, 3)
    assert china.count(date(2026, 10, 3), date(2026, 10, 3)) == 0


@pytest.mark.parametrize(
    ("day", "rolled", "rolled_back"),
    [
        ("2026-01-10", "2026-01-12", "2026-01-09"),
        ("2026-10-10", "2026-10-10", "2026-10-10"),
        ("2026-02-15", "2026-02-24", "2026-02-14"),
        ("2026-10-01", "2026-10-08", "2026-09-30"),
        ("2025-10-08", "2025-10-09", "2025-09-30"),
        ("2026-05-31", "2026-06-01", "2026-05-29"),
    ],
)
def test_a_last_day_that_is_a_rest_day_moves_to_a_working_day(
    china: Calendar, day: str, rolled: str, rolled_back: str
) -> None:
    assert china.roll(date.fromisoformat(day)) == date.fromisoformat(rolled)
    assert china.roll_back(date.fromisoformat(day)) == date.fromisoformat(rolled_back)


def test_a_leap_day_is_counted(china: Calendar) -> None:
    assert china.shift(date(2028, 2, 28), 1) == date(2028, 2, 29)
    assert china.count(date(2024, 2, 28), date(2024, 3, 1)) == 2
    assert china.shift(date(2024, 3, 1), -1) == date(2024, 2, 29)


def test_skipped_days_come_with_their_reason(china: Calendar) -> None:
    national_day = Day(False, "holiday", "国庆节", "National Day", "cn-2026#1")
    skipped = china.explain_skipped(date(2026, 9, 30), date(2026, 10, 13))
    assert skipped == (
        *((date(2026, 10, n), national_day) for n in range(1, 8)),
        (date(2026, 10, 11), WEEKEND),
    )


def test_days_worked_by_order_come_with_their_reason(china: Calendar) -> None:
    added = china.explain_added(date(2026, 9, 30), date(2026, 10, 13))
    make_up = Day(True, "make_up", "国庆节调休上班", "make-up for National Day", "cn-2026#1")
    assert added == ((date(2026, 10, 10), make_up),)


def closed(begins: date, ends: date) -> Calendar:
    return calendar_from((), [OwnDays("overlay-1", "closure", Span(begins, ends, "停业", "closed"), "通知")])


def test_a_calendar_without_a_working_day_refuses_instead_of_looping() -> None:
    never = closed(date(2026, 1, 1), date(2030, 12, 31))
    with pytest.raises(NoWorkingDay, match="no working day within 366 days after 2026-06-01"):
        never.shift(date(2026, 6, 1), 1)
    with pytest.raises(NoWorkingDay, match="no working day within 366 days after 2026-06-01"):
        never.roll(date(2026, 6, 1))
    with pytest.raises(NoWorkingDay, match="no working day within 366 days before 2028-06-01"):
        never.shift(date(2028, 6, 1), -1)


def test_365_days_of_closure_are_still_counted_across() -> None:
    assert closed(date(2026, 1, 1), date(2026, 12, 31)).shift(date(2025, 12, 31), 1) == date(2027, 1, 1)


def test_the_end_of_all_dates_refuses_too() -> None:
    with pytest.raises(NoWorkingDay, match="after 9999-12-31"):
        Calendar().shift(date.max, 1)
    with pytest.raises(NoWorkingDay, match="before 0001-01-01"):
        Calendar().shift(date.min, -1)


def test_more_working_days_than_any_deadline_has_are_refused() -> None:
    assert Calendar().shift(date(2026, 1, 1), 10_000) == date(2026, 1, 1) + timedelta(weeks=2_000)
    with pytest.raises(ValueError, match="10001 working days are more than the 10000"):
        Calendar().shift(date(2026, 1, 1), 10_001)


# --- Editions ----------------------------------------------------------------------------------------------


def year(year: int, number: int = 1, off: Iterable[Span] = (), work: Iterable[Span] = ()) -> StateYear:
    return StateYear(
        year,
        number,
        f"notice {year}/{number}",
        "通知",
        "notice",
        date(year - 1, 11, 1),
        tuple(off),
        tuple(work),
    )


def one(day: date) -> Span:
    return Span(day, day, "元旦", "New Year's Day")


def test_the_next_year_s_notice_changes_december_of_this_one() -> None:
    """As the notice for 2019 did: Saturday 29 December 2018 worked, Monday 31 December off."""
    this, following = year(2018), year(2019, off=[one(date(2018, 12, 31))], work=[one(date(2018, 12, 29))])
    before, after = calendar_from([this]), calendar_from([following, this])
    days = [date(2018, 12, 29), date(2018, 12, 31)]
    assert [before.is_working(d) for d in days] == [False, True]
    assert [after.is_working(d) for d in days] == [True, False]
    assert [basis.key for basis in after.bases(date(2018, 12, 20), date(2018, 12, 31))] == [
        "cn-2018#1",
        "cn-2019#1",
    ]


def test_the_latest_edition_of_a_year_replaces_the_earlier_ones_whole() -> None:
    """As the correction of 2020 prolonged Spring Festival to 2 February."""
    first = year(2020, 1, off=[Span(date(2020, 1, 24), date(2020, 1, 30), "春节", "Spring Festival")])
    second = year(2020, 2, off=[Span(date(2020, 1, 24), date(2020, 2, 2), "春节", "Spring Festival")])
    assert calendar_from([first]).shift(date(2020, 1, 23), 1) == date(2020, 1, 31)
    assert calendar_from([second, first]).shift(date(2020, 1, 23), 1) == date(2020, 2, 3)


# --- An institution's own days -----------------------------------------------------------------------------


def own(number: int, kind: str, begins: date, ends: date) -> OwnDays:
    return OwnDays(f"overlay-{number}", kind, Span(begins, ends, "自定", "own"), "县政府通知")


def test_a_local_holiday_is_a_rest_day_of_that_institution() -> None:
    naadam = own(1, "local_holiday", date(2026, 7, 6), date(2026, 7, 7))
    county = calendar_from(shipped_editions(), [naadam])
    assert county.shift(date(2026, 7, 3), 1) == date(2026, 7, 8)
    assert [b.key for b in county.bases(date(2026, 7, 1), date(2026, 7, 8))] == ["cn-2026#1", "overlay-1"]
    assert [b.key for b in county.bases(date(2026, 8, 1), date(2026, 8, 8))] == ["cn-2026#1"]


def test_an_own_working_day_prevails_over_the_state_s_holiday() -> None:
    county = calendar_from(
        shipped_editions(), [own(1, "own_working_day", date(2026, 10, 4), date(2026, 10, 4))]
    )
    assert county.shift(date(2026, 9, 30), 1) == date(2026, 10, 4)


def test_the_last_word_of_an_institution_counts_and_withdrawing_restores_the_state_s_day() -> None:
    words = [
        own(1, "closure", date(2026, 9, 28), date(2026, 10, 10)),
        own(2, "withdrawn", date(2026, 9, 28), date(2026, 10, 9)),
    ]
    closed, half_open = calendar_from(shipped_editions(), words[:1]), calendar_from(shipped_editions(), words)
    assert closed.shift(date(2026, 9, 25), 1) == date(2026, 10, 12)
    assert half_open.shift(date(2026, 9, 25), 1) == date(2026, 9, 28)
    assert half_open.is_working(date(2026, 10, 1)) is False
    assert half_open.is_working(date(2026, 10, 10)) is False


def test_the_state_s_days_and_an_institution_s_own_say_whose_word_they_are() -> None:
    county = calendar_from(shipped_editions(), [own(1, "closure", date(2026, 1, 5), date(2026, 1, 5))])
    assert county.why(date(2026, 1, 1)) == Day(False, "holiday", "元旦", "New Year's Day", "cn-2026#1")
    assert county.why(date(2026, 1, 4)) == Day(
        True, "make_up", "元旦调休上班", "make-up for New Year's Day", "cn-2026#1"
    )
    assert county.why(date(2026, 1, 5)) == Day(False, "closure", "自定", "own", "overlay-1")
    assert county.why(date(2026, 1, 6)) is None


def test_withdrawing_days_of_which_nothing_was_said_leaves_them_as_they_are() -> None:
    county = calendar_from(shipped_editions(), [own(1, "withdrawn", date(2026, 9, 28), date(2026, 10, 1))])
    assert county.is_working(date(2026, 9, 28))
    assert not county.is_working(date(2026, 10, 1))


# --- Properties --------------------------------------------------------------------------------------------


@given(ANY_DAY, st.integers(-300, 300))
def test_count_undoes_shift(start: date, days: int) -> None:
    assert CHINA.count(start, CHINA.shift(start, days)) == days


@given(ANY_DAY, st.integers(-300, 300).filter(bool))
def test_shift_ends_on_a_working_day(start: date, days: int) -> None:
    assert CHINA.is_working(CHINA.shift(start, days))


@given(ANY_DAY, st.integers(0, 150), st.integers(0, 150))
def test_shifts_add_up(start: date, first: int, then: int) -> None:
    assert CHINA.shift(CHINA.shift(start, first), then) == CHINA.shift(start, first + then)


@given(ANY_DAY, ANY_DAY)
def test_counting_backwards_from_and_to_working_days_is_counting_forwards_negated(a: date, b: date) -> None:
    a, b = CHINA.roll(a), CHINA.roll(b)
    assert CHINA.count(b, a) == -CHINA.count(a, b)


@given(ANY_DAY, ANY_DAY)
def test_working_and_skipped_days_make_up_all_days(a: date, b: date) -> None:
    a, b = sorted((a, b))
    skipped = [day for day, _ in CHINA.explain_skipped(a, b)]
    assert CHINA.count(a, b) + len(skipped) == (b - a).days
    assert not any(map(CHINA.is_working, skipped))
    assert set(skipped) | {d for d in days_after(a, b) if CHINA.is_working(d)} == set(days_after(a, b))


@given(ANY_DAY)
def test_rolling_moves_no_working_day_and_never_backwards(day: date) -> None:
    rolled = CHINA.roll(day)
    assert (rolled == day) == CHINA.is_working(day)
    assert timedelta(0) <= rolled - day <= timedelta(days=9)
    assert CHINA.roll_back(day) <= day

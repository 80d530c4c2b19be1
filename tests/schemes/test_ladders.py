"""Ladders: steps become instants in working days and local time, and nothing is born overdue."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendars.derivation import midnight_after
from calendars.edition_files import shipped_editions
from calendars.state_years import calendar_from
from supervision.schemes.ladders import StepRule, climb
from supervision.schemes.pack import SHIPPED, read_pack
from supervision.schemes.rulebooks import VersionRules
from workflows.rulebook import LadderStep

CHINA = calendar_from(shipped_editions())
SHANGHAI = ZoneInfo("Asia/Shanghai")
RULES = VersionRules.of("county@1", read_pack(SHIPPED / "hoboksar-county.yaml"))
REPORT, UNIT = RULES.ladders["quarterly_report"], RULES.ladders["report.correction"]


def climbed(
    rules: tuple[StepRule, ...], due_on: str, starts_at: str | None = None, tz: ZoneInfo = SHANGHAI
) -> tuple[LadderStep, ...]:
    day = date.fromisoformat(due_on)
    start = datetime.fromisoformat(starts_at) if starts_at else None
    return climb(rules, day, midnight_after(day, tz), start, CHINA, tz)


def instants(steps: tuple[LadderStep, ...], tz: ZoneInfo = SHANGHAI) -> dict[str, str]:
    return {step.key: f"{step.at.astimezone(tz):%Y-%m-%d %H:%M}" for step in steps}


def test_the_steps_of_a_quarterly_report_count_in_working_days() -> None:
    """Due Monday 12 January 2026; Sunday 4 January was a working day, the 10th and 11th were not."""
    assert instants(climbed(REPORT, "2026-01-12")) == {
        "remind": "2026-01-07 09:00",
        "due_today": "2026-01-12 09:00",
        "overdue": "2026-01-13 00:00",
        "urge": "2026-01-13 09:00",
        "order": "2026-01-19 09:00",
    }


def test_steps_around_a_working_saturday() -> None:
    assert instants(climbed(REPORT, "2026-10-10")) == {
        "remind": "2026-09-30 09:00",
        "due_today": "2026-10-10 09:00",
        "overdue": "2026-10-11 00:00",
        "urge": "2026-10-12 09:00",
        "order": "2026-10-16 09:00",
    }


def test_steps_around_spring_festival() -> None:
    assert instants(climbed(UNIT, "2026-02-14")) == {
        "due_today": "2026-02-14 09:00",
        "overdue": "2026-02-15 00:00",
        "urge": "2026-02-24 09:00",
        "escalate": "2026-02-26 09:00",
    }


def test_steps_carry_what_the_pack_says_in_utc() -> None:
    remind, _, overdue, urge, order = climbed(REPORT, "2026-01-12")
    assert remind == LadderStep("remind", datetime(2026, 1, 7, 1, tzinfo=UTC), ("owner",), "yellow")
    assert (overdue.lamp, overdue.tells) == ("red", ("owner", "performance_office"))
    assert (urge.tells, urge.urgent) == (("owner", "deputy_in_charge", "head"), True)
    assert (order.action, order.tells, order.urgent) == (
        "order.open_for_late_report",
        ("performance_office", "supervisor"),
        True,
    )
    assert all(step.at.tzinfo is UTC for step in (remind, overdue, urge, order))


def test_steps_follow_the_institution_s_clock() -> None:
    urumqi = ZoneInfo("Asia/Urumqi")
    assert instants(climbed(REPORT, "2026-01-12", tz=urumqi), urumqi) == instants(
        climbed(REPORT, "2026-01-12")
    )


def test_a_step_may_have_a_time_of_its_own() -> None:
    evening = StepRule("last_call", "before", 0, time(17, 30), ("owner",), None, None, False)
    assert instants(climbed((evening, *REPORT), "2026-01-12"))["last_call"] == "2026-01-12 17:30"


# --- Nothing is born overdue -------------------------------------------------------------------------------


def test_a_reminder_that_would_lie_before_the_clock_began_is_left_out_but_its_lamp_is_lit_at_once() -> None:
    steps = climbed(REPORT, "2026-01-12", "2026-01-09T10:00:00+08:00")
    assert steps[0] == LadderStep("remind", datetime(2026, 1, 9, 2, tzinfo=UTC), (), "yellow")
    assert [step.key for step in steps] == ["remind", "due_today", "overdue", "urge", "order"]


def test_on_the_last_day_after_nine_only_the_lamp_is_left_of_what_came_before() -> None:
    steps = climbed(REPORT, "2026-01-12", "2026-01-12T15:00:00+08:00")
    assert instants(steps) == {
        "remind": "2026-01-12 15:00",
        "overdue": "2026-01-13 00:00",
        "urge": "2026-01-13 09:00",
        "order": "2026-01-19 09:00",
    }
    assert steps[0].tells == ()


def test_a_reminder_at_the_very_instant_of_the_beginning_is_sent() -> None:
    steps = climbed(REPORT, "2026-01-12", "2026-01-07T09:00:00+08:00")
    assert steps[0].tells == ("owner",)


def test_a_clock_that_begins_after_its_due_date_is_red_at_once_and_counts_its_further_steps_from_that_day() -> (
    None
):
    steps = climbed(REPORT, "2026-01-12", "2026-02-13T16:00:00+08:00")
    assert instants(steps) == {
        "overdue": "2026-02-13 16:00",
        "urge": "2026-02-14 09:00",
        "order": "2026-02-27 09:00",
    }
    assert steps[0].lamp == "red"


def test_midnight_after_the_due_day_is_late_and_the_second_before_is_not() -> None:
    before = climbed(REPORT, "2026-01-12", "2026-01-12T23:59:59+08:00")
    after = climbed(REPORT, "2026-01-12", "2026-01-13T00:00:00+08:00")
    assert instants(before)["urge"] == "2026-01-13 09:00"
    assert instants(after)["urge"] == "2026-01-14 09:00"


@pytest.mark.parametrize("rules", [REPORT, UNIT, RULES.ladders["order.finish"]])
@given(due=st.dates(date(2025, 1, 10), date(2026, 12, 1)), hours=st.integers(-2000, 2000))
def test_no_step_lies_before_the_beginning_and_the_last_one_always_comes(
    rules: tuple[StepRule, ...], due: date, hours: int
) -> None:
    start = datetime.fromtimestamp(midnight_after(due, SHANGHAI).timestamp() + hours * 3600, UTC)
    steps = climb(rules, due, midnight_after(due, SHANGHAI), start, CHINA, SHANGHAI)
    assert all(step.at >= start for step in steps)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert len({step.key for step in steps}) == len(steps)
    assert steps[-1].key == rules[-1].key
    assert "overdue" in {step.key for step in steps}

"""Every kind of derivation read out word for word, in both languages, in full and in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from calendars.derivation import Base, Derived, Rule, derive, extend, resume
from calendars.edition_files import shipped_editions
from calendars.explanation import explain, in_short
from calendars.periods import parse
from calendars.state_years import OwnDays, Span, calendar_from
from calendars.working_days import Calendar

CHINA = calendar_from(shipped_editions())
SHANGHAI, URUMQI = ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Urumqi")
CLAUSE: dict[str, Any] = {"clause_zh": "条文", "clause_en": "clause", "source": "R36", "scheme": "county@3"}
NAMED = Rule("order.finish", "field", field="due_on", **CLAUSE)
FIFTEEN_DAYS = Rule("order.due", "event", count=15, unit="natural_days", **CLAUSE)


def counted(count: int, unit: str = "working_days", **differing: Any) -> Rule:
    return Rule("report.review", "event", count=count, unit=unit, **{**CLAUSE, **differing})


def fixed(month: int, day: int, roll: str = "next_working_day") -> Rule:
    return Rule("monthly", "period_end", month=month, day=day, roll=roll, **CLAUSE)


def from_event(rule: Rule, instant: str, calendar: Calendar = CHINA, tz: ZoneInfo = SHANGHAI) -> Derived:
    return derive(rule, Base.event(datetime.fromisoformat(instant), tz), calendar, tz)


def after(period: str, rule: Rule) -> Derived:
    return derive(rule, Base.period_end(period), CHINA, SHANGHAI)


def on(day: str) -> Derived:
    return derive(NAMED, Base.named("due_on", date.fromisoformat(day)), CHINA, SHANGHAI)


def paused(derived: Derived, since: str, until: str) -> Derived:
    return resume(derived.derivation, date.fromisoformat(since), date.fromisoformat(until), CHINA, SHANGHAI)


def lines(derived: Derived) -> tuple[dict[str, str], dict[str, str]]:
    return dict(explain(derived.derivation, "zh-hans")), dict(explain(derived.derivation, "en"))


# --- Line by line ------------------------------------------------------------------------------------------


def test_a_named_date_says_that_it_was_named() -> None:
    chinese, english = lines(on("2026-06-30"))
    assert chinese["起算"] == "文书载明的日期，2026年6月30日（周二）"
    assert chinese["规则"] == "以载明的日期为准"
    assert english["Counted from"] == "the date named in the document, Tue 30 Jun 2026"
    assert english["Rule"] == "the named date itself"


def test_an_event_says_its_local_time_and_that_its_day_is_not_counted() -> None:
    _, english = lines(from_event(counted(5), "2026-09-30T14:05:00+08:00"))
    assert english["Counted from"] == "Wed 30 Sep 2026, 14:05; that day is not counted"


def test_the_time_of_an_event_is_that_of_the_institution_s_zone() -> None:
    """Half past one at night in Shanghai is still the evening before in Urumqi."""
    chinese, _ = lines(from_event(counted(5), "2026-09-29T17:30:00+00:00", tz=URUMQI))
    assert chinese["起算"] == "2026年9月29日（周二）23:30，当日不计入"


def test_an_event_of_which_only_the_day_is_known_says_no_time() -> None:
    derived = derive(counted(5), Base("event", date(2026, 9, 30)), CHINA, SHANGHAI)
    chinese, english = lines(derived)
    assert chinese["起算"] == "2026年9月30日（周三），当日不计入"
    assert english["Counted from"] == "Wed 30 Sep 2026; that day is not counted"


@pytest.mark.parametrize(
    ("rule", "chinese", "english"),
    [
        (counted(1), "1个工作日", "1 working day"),
        (counted(2), "2个工作日", "2 working days"),
        (counted(1, "natural_days"), "1个自然日", "1 natural day"),
        (counted(15, "natural_days"), "15个自然日", "15 natural days"),
    ],
)
def test_a_number_of_days_is_named_with_its_unit(rule: Rule, chinese: str, english: str) -> None:
    zh, en = lines(from_event(rule, "2026-03-02T10:00:00+08:00"))
    assert (zh["规则"], en["Rule"]) == (chinese, english)


def test_a_day_of_the_period_s_own_last_month_says_so_and_may_come_earlier() -> None:
    chinese, english = lines(after("2026-05", fixed(0, 31, "previous_working_day")))
    assert chinese["规则"] == "当期最后一个月31日（含当日）"
    assert english["Rule"] == "day 31 of its last month, that day included"
    assert chinese["顺延"] == (
        "2026年5月31日（周日）不是工作日（5月30日至31日 周末），提前至2026年5月29日（周五）"
    )


def test_days_off_across_the_end_of_a_month_name_both_months() -> None:
    chinese, english = lines(from_event(counted(1), "2026-01-30T10:00:00+08:00"))
    assert (chinese["扣除"], english["Not counted"]) == ("1月31日至2月1日 周末", "31 Jan to 1 Feb weekend")


def test_a_pause_moves_a_named_date_by_the_days_that_passed() -> None:
    chinese, english = lines(paused(on("2026-06-30"), "2026-06-20", "2026-06-30"))
    assert chinese["暂停"] == (
        "2026年6月20日（周六）起停止计时，2026年6月30日（周二）恢复，顺延10日；"
        "截止日由2026年6月30日（周二）改为2026年7月10日（周五）"
    )
    assert english["Paused"] == (
        "the clock stood still from Sat 20 Jun 2026 to Tue 30 Jun 2026, which moves it by 10 days; "
        "due Fri 10 Jul 2026 instead of Tue 30 Jun 2026"
    )


def test_one_day_is_singular_in_a_pause_too() -> None:
    _, natural = lines(paused(on("2026-06-30"), "2026-06-22", "2026-06-23"))
    assert ", which moves it by 1 day; due Wed 1 Jul 2026" in natural["Paused"]
    _, working = lines(
        paused(from_event(counted(5), "2026-03-02T10:00:00+08:00"), "2026-03-06", "2026-03-10")
    )
    assert ", with 1 working day left; due Wed 11 Mar 2026" in working["Paused"]


def test_a_pause_after_the_date_says_that_it_changes_nothing() -> None:
    derived = paused(from_event(counted(5), "2026-03-02T10:00:00+08:00"), "2026-03-10", "2026-03-31")
    chinese, english = lines(derived)
    assert chinese["暂停"].endswith("恢复；暂停前已逾期，截止日不变")
    assert english["Paused"].endswith("to Tue 31 Mar 2026; it was overdue before, so the date stays")


def test_a_pause_on_the_very_day_is_not_called_overdue() -> None:
    derived = paused(from_event(counted(5), "2026-03-02T10:00:00+08:00"), "2026-03-09", "2026-03-18")
    chinese, english = lines(derived)
    assert "剩余0个工作日" in chinese["暂停"]
    assert ", with 0 working days left; due Wed 18 Mar 2026" in english["Paused"]


@pytest.mark.parametrize(
    ("by", "reason", "chinese", "english"),
    [
        ("", "", "批准延期；", "approved; due"),
        ("巴特尔", "", "批准延期（巴特尔）；", "approved (巴特尔); due"),
        ("", "汛期", "批准延期（汛期）；", "approved (汛期); due"),
        ("巴特尔", "汛期", "批准延期（巴特尔，汛期）；", "approved (巴特尔, 汛期); due"),
    ],
)
def test_an_extension_says_who_and_why_as_far_as_that_is_known(
    by: str, reason: str, chinese: str, english: str
) -> None:
    given = {name: text for name, text in (("by", by), ("reason", reason)) if text}
    longer = extend(on("2026-06-30").derivation, date(2026, 7, 31), CHINA, SHANGHAI, **given)
    zh, en = lines(longer)
    assert zh["延期"].startswith(chinese)
    assert en["Extended"].startswith(english)


@pytest.mark.parametrize(
    ("source", "chinese", "english"),
    [
        ("R36", "条文（R36）", "clause (R36)"),
        ("default", "条文（系统默认值）", "clause (the product's default)"),
        ("practice: 各地督查办法", "条文（惯例：各地督查办法）", "clause (practice: 各地督查办法)"),
        (
            "law: 《民法典》第二百零三条",
            "条文（《民法典》第二百零三条）",
            "clause (law: 《民法典》第二百零三条)",
        ),
    ],
)
def test_the_basis_says_where_a_number_comes_from(source: str, chinese: str, english: str) -> None:
    zh, en = lines(from_event(counted(5, source=source), "2027-06-01T10:00:00+08:00"))
    assert (zh["依据"], en["Basis"]) == (f"{chinese}；方案 county@3", f"{english}; scheme county@3")


def test_the_basis_names_every_edition_and_leaves_out_a_scheme_that_is_not_known() -> None:
    chinese, english = lines(from_event(counted(5, scheme=""), "2025-12-30T10:00:00+08:00"))
    assert (
        chinese["依据"]
        == "条文（R36）；国办发明电〔2024〕12号（cn-2025#1）；国办发明电〔2025〕7号（cn-2026#1）"
    )
    assert (
        english["Basis"]
        == "clause (R36); 国办发明电〔2024〕12号 (cn-2025#1); 国办发明电〔2025〕7号 (cn-2026#1)"
    )


def test_a_provisional_date_says_until_when() -> None:
    _, english = lines(after("2026Q4", fixed(1, 10)))
    assert english["Provisional"] == (
        "no calendar is published for a year concerned: Monday to Friday are taken as working days until one is"
    )


@pytest.mark.parametrize(
    ("active", "label"), [("en", "Due"), ("en-gb", "Due"), ("zh-hans", "截止"), (None, "截止")]
)
def test_without_a_language_the_reader_s_own_is_taken_and_chinese_where_there_is_none(
    active: str | None, label: str
) -> None:
    with translation.override(active):
        assert label in dict(explain(on("2026-06-30").derivation))
        assert in_short(on("2026-06-30").derivation) == (
            "date set: 30 Jun" if label == "Due" else "载明 6月30日"
        )


@pytest.mark.parametrize(
    ("text", "chinese", "english"),
    [
        ("2026", "2026年度", "the year 2026"),
        ("2026H1", "2026年上半年", "half 1 of 2026"),
        ("2026H2", "2026年下半年", "half 2 of 2026"),
        ("2026Q3", "2026年第三季度", "Q3 2026"),
        ("2026-01", "2026年1月", "January 2026"),
        ("2026-12", "2026年12月", "December 2026"),
    ],
)
def test_a_period_has_a_name_in_both_languages(text: str, chinese: str, english: str) -> None:
    period = parse(text)
    assert (period.text, period.zh, period.en) == (text, chinese, english)


# --- In one line -------------------------------------------------------------------------------------------


def three_holidays() -> Calendar:
    own = [
        OwnDays(f"overlay-{n}", "closure", Span(date(2026, 3, n), date(2026, 3, n), zh, en), "县政府通知")
        for n, zh, en in ((3, "停电", "power cut"), (4, "大雪", "snow"), (5, "那达慕", "Naadam"))
    ]
    return calendar_from(shipped_editions(), own)


IN_SHORT: dict[str, tuple[Callable[[], Derived], str, str]] = {
    "working days": (
        lambda: from_event(counted(5), "2026-03-02T10:00:00+08:00"),
        "3月2日＋5个工作日",
        "2 Mar + 5 working days",
    ),
    "one working day": (
        lambda: from_event(counted(1), "2026-03-02T10:00:00+08:00"),
        "3月2日＋1个工作日",
        "2 Mar + 1 working day",
    ),
    "natural days": (
        lambda: from_event(FIFTEEN_DAYS, "2026-01-05T09:00:00+08:00"),
        "1月5日＋15日",
        "5 Jan + 15 calendar days",
    ),
    "one that moved": (
        lambda: from_event(FIFTEEN_DAYS, "2026-09-16T09:00:00+08:00"),
        "9月16日＋15日，顺延",
        "16 Sep + 15 calendar days, rolled over",
    ),
    "across a holiday": (
        lambda: from_event(counted(5), "2026-09-30T10:00:00+08:00"),
        "9月30日＋5个工作日，扣国庆节",
        "30 Sep + 5 working days, National Day",
    ),
    "across three": (
        lambda: from_event(counted(5), "2026-03-02T10:00:00+08:00", three_holidays()),
        "3月2日＋5个工作日，扣停电，扣大雪",
        "2 Mar + 5 working days, power cut, snow",
    ),
    "after a quarter": (
        lambda: after("2026Q1", fixed(1, 10)),
        "2026年第一季度，10日前",
        "Q1 2026: by day 10",
    ),
    "a named date": (
        lambda: on("2026-06-30"),
        "载明 6月30日",
        "date set: 30 Jun",
    ),
    "paused twice and extended": (
        lambda: extend(
            paused(
                paused(from_event(counted(5), "2026-03-02T10:00:00+08:00"), "2026-03-03", "2026-03-10"),
                "2026-03-12",
                "2026-03-20",
            ).derivation,
            date(2026, 4, 1),
            CHINA,
            SHANGHAI,
        ),
        "3月2日＋5个工作日，曾停表",
        "2 Mar + 5 working days, clock was stopped",
    ),
    "extended only": (
        lambda: extend(on("2026-06-30").derivation, date(2026, 7, 31), CHINA, SHANGHAI),
        "载明 6月30日",
        "date set: 30 Jun",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_SHORT)
def test_a_derivation_in_one_line(case: str) -> None:
    derived, chinese, english = IN_SHORT[case]
    derivation = derived().derivation
    assert in_short(derivation, "zh-hans") == chinese
    assert in_short(derivation, "en") == english

"""Days, instants and working days, said in both languages (rules 7 and 8 of the screens)."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from django.utils import translation

from supervision.desk import wording

TODAY = date(2026, 4, 10)


def both(say: object, *args: object) -> tuple[str, str]:
    assert callable(say)
    said = []
    for language in ("zh-hans", "en"):
        with translation.override(language):
            said.append(str(say(*args)))
    return said[0], said[1]


@pytest.mark.parametrize(
    ("say", "args", "zh", "en"),
    [
        (wording.full_day, (TODAY,), "2026年4月10日", "10 Apr 2026"),
        (wording.full_day_and_weekday, (TODAY,), "2026年4月10日（周五）", "Friday 10 April 2026"),
        (
            wording.full_day_and_weekday,
            (date(2026, 10, 11),),
            "2026年10月11日（周日）",
            "Sunday 11 October 2026",
        ),
        (wording.short_day, (date(2026, 4, 7), TODAY), "4月7日 周二", "7 Apr Tue"),
        (wording.short_day, (date(2025, 12, 31), TODAY), "2025年12月31日", "31 Dec 2025"),
        (wording.short_day, (date(2027, 1, 4), TODAY), "2027年1月4日", "4 Jan 2027"),
        (wording.bare_day, (date(2026, 4, 7), TODAY), "4月7日", "7 Apr"),
        (wording.bare_day, (date(2025, 4, 7), TODAY), "2025年4月7日", "7 Apr 2025"),
        (wording.full_moment, (datetime(2026, 4, 7, 9, 2),), "2026年4月7日 09:02", "7 Apr 2026 09:02"),
        (wording.short_moment, (datetime(2026, 4, 7, 21, 2), TODAY), "4月7日 21:02", "7 Apr 21:02"),
        (wording.short_moment, (datetime(2025, 4, 7, 0, 0), TODAY), "2025年4月7日 00:00", "7 Apr 2025 00:00"),
    ],
)
def test_days_and_instants(say: object, args: tuple[object, ...], zh: str, en: str) -> None:
    assert both(say, *args) == (zh, en)


@pytest.mark.parametrize(
    ("days", "zh", "en", "zh_full", "en_full"),
    [
        (-3, "超期3日", "3 days over", "已超期3个工作日", "3 working days overdue"),
        (-1, "超期1日", "1 day over", "已超期1个工作日", "1 working day overdue"),
        (0, "今日到期", "Due today", "今日到期，24时止", "Due today, until midnight"),
        (1, "剩1日", "1 day left", "剩余1个工作日", "1 working day left"),
        (2, "剩2日", "2 days left", "剩余2个工作日", "2 working days left"),
    ],
)
def test_working_days_left_are_words_never_minus_three(
    days: int, zh: str, en: str, zh_full: str, en_full: str
) -> None:
    assert both(wording.left, days) == (zh, en)
    assert both(wording.left_in_full, days) == (zh_full, en_full)


def test_every_lamp_has_its_word_in_both_languages() -> None:
    words = {kind: both(wording.lamp_word, kind) for kind in wording.LAMPS}
    assert words == {
        "red": ("红灯", "Red"),
        "yellow": ("黄灯", "Amber"),
        "green": ("绿灯", "Green"),
        "done": ("办结", "Closed"),
        "paused": ("暂停", "Paused"),
        "none": ("未亮灯", "No lamp"),
    }
    with pytest.raises(KeyError):
        wording.lamp_word("blue")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("市住建局", "zh-Hans"),
        ("4月上旬 A3 项目", "zh-Hans"),
        ("Housing Bureau", "en"),
        ("2026-04-30", None),
        ("91.3%", None),
    ],
)
def test_data_is_marked_with_the_language_it_is_in(text: str, language: str | None) -> None:
    assert wording.language_of(text) == language


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KB"),
        (348112, "339 KB"),
        (1024 * 1024, "1.0 MB"),
        (5_300_000, "5.1 MB"),
    ],
)
def test_file_sizes(size: int, said: str) -> None:
    assert wording.file_size(size) == said


def test_lists_are_joined_as_each_language_joins_them() -> None:
    assert both(wording.listed, ("退回", "不同意")) == ("退回、不同意", "退回, 不同意")

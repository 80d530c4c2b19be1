"""How days, instants and working days are said on a screen, in the reader's language. Pure: no row, no clock.

The active language decides (`django.utils.translation`). Days and instants come in already local to the
institution; turning an aware instant into local time is the caller's affair. The formats are rule 8 of the
screens: 2026年4月10日 / 10 Apr 2026, in tables of the current year 4月7日 周二 / 7 Apr Tue, 24-hour clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import get_language, gettext, ngettext, pgettext

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS_IN_FULL = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAYS_IN_FULL = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS_ZH = "一二三四五六日"

LAMPS = ("red", "yellow", "green", "done", "paused", "none")

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile("[A-Za-z]")


def in_english() -> bool:
    """Whether the active language is English; every other reader gets Chinese."""
    return (get_language() or "zh-hans").startswith("en")


def language_of(text: str) -> str | None:
    """The language tag of a piece of data: "zh-Hans" when it holds Chinese characters, "en" when it holds only
    Latin letters, None when it has neither (a number, a date)."""
    if _HAN.search(text):
        return "zh-Hans"
    return "en" if _LATIN.search(text) else None


def full_day(day: date) -> str:
    """2026年4月10日 / 10 Apr 2026."""
    if in_english():
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def full_day_and_weekday(day: date) -> str:
    """2026年4月10日（周五） / Friday 10 April 2026: for a heading, and for the title of every short day."""
    if in_english():
        return f"{WEEKDAYS_IN_FULL[day.weekday()]} {day.day} {MONTHS_IN_FULL[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日（周{WEEKDAYS_ZH[day.weekday()]}）"


def short_day(day: date, today: date) -> str:
    """4月7日 周二 / 7 Apr Tue within the year of `today`, the full day otherwise."""
    if day.year != today.year:
        return full_day(day)
    if in_english():
        return f"{day.day} {MONTHS[day.month - 1]} {WEEKDAYS[day.weekday()]}"
    return f"{day.month}月{day.day}日 周{WEEKDAYS_ZH[day.weekday()]}"


def bare_day(day: date, today: date) -> str:
    """4月7日 / 7 Apr within the year of `today`, the full day otherwise: where there is no room for the weekday."""
    if day.year != today.year:
        return full_day(day)
    if in_english():
        return f"{day.day} {MONTHS[day.month - 1]}"
    return f"{day.month}月{day.day}日"


def full_moment(at: datetime) -> str:
    """2026年4月10日 09:12 / 10 Apr 2026 09:12."""
    return f"{full_day(at)} {at:%H:%M}"


def short_moment(at: datetime, today: date) -> str:
    """4月7日 09:12 / 7 Apr 09:12 within the year of `today`, the full moment otherwise."""
    return f"{bare_day(at, today)} {at:%H:%M}"


def left(days: int) -> str:
    """Working days left: 剩2日 / 2 days left; 0 is 今日到期 / Due today; -3 is 超期3日 / 3 days over."""
    if days < 0:
        return ngettext("%(count)d day over", "%(count)d days over", -days) % {"count": -days}
    if days == 0:
        return gettext("Due today")
    return ngettext("%(count)d day left", "%(count)d days left", days) % {"count": days}


def left_in_full(days: int) -> str:
    """The same as a sentence that says which days: 已超期3个工作日 / 3 working days overdue."""
    if days < 0:
        return ngettext("%(count)d working day overdue", "%(count)d working days overdue", -days) % {
            "count": -days
        }
    if days == 0:
        return gettext("Due today, until midnight")
    return ngettext("%(count)d working day left", "%(count)d working days left", days) % {"count": days}


def lamp_word(kind: str) -> str:
    """The word beside a lamp: 红灯 / Red, 黄灯 / Amber, 绿灯 / Green, 办结 / Closed, 暂停 / Paused, 未亮灯 / No lamp.
    Raises KeyError for a kind that is not in LAMPS."""
    return {
        "red": pgettext("lamp", "Red"),
        "yellow": pgettext("lamp", "Amber"),
        "green": pgettext("lamp", "Green"),
        "done": pgettext("lamp", "Closed"),
        "paused": pgettext("lamp", "Paused"),
        "none": pgettext("lamp", "No lamp"),
    }[kind]


def file_size(size: int) -> str:
    """Bytes as 812 B, 34 KB or 1.2 MB: the same in both languages."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size // 1024} KB"
    return f"{size / 1024 / 1024:.1f} MB"


def figure(value: Decimal) -> str:
    """12,345.6: as many decimals as it has, the same in both languages."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def listed(values: Iterable[object]) -> str:
    """甲、乙、丙 / A, B, C."""
    return (", " if in_english() else "、").join(str(value) for value in values)


def yes() -> str:
    """是 / yes."""
    return "yes" if in_english() else "是"


def no() -> str:
    """否 / no."""
    return "no" if in_english() else "否"


def colon() -> str:
    return ": " if in_english() else "："


def semicolon() -> str:
    return "; " if in_english() else "；"

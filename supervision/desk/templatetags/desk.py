"""The small marks every page is made of: lamps, icons, dates, names. `{% load desk %}`.

Each takes plain values (supervision/desk/pages.py) and writes safe HTML; what is said comes from wording.py, in the
reader's language. `now` is the page's instant (aware, in the template context) or the page's day.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.db.models import Model
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext

from supervision.desk import drawing, wording
from supervision.desk.pages import Due, TrendPoint, Who
from workflows.words import Text

register = template.Library()

# Shape and inner mark carry the meaning, colour repeats it.
LAMP_SYMBOLS = """
<symbol id="lamp-red" viewBox="0 0 16 16"><path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z" fill="#c8202b"/>
<path d="M8 3.6v5.2" stroke="#fff" stroke-width="2" stroke-linecap="round"/><circle cx="8" cy="11.9" r="1.15" fill="#fff"/></symbol>
<symbol id="lamp-yellow" viewBox="0 0 16 16"><path d="M8 1 15.6 14.6H.4z" fill="#f2a900" stroke="#8a5600" stroke-linejoin="round"/>
<path d="M8 5.6v4" stroke="#3d2600" stroke-width="1.7" stroke-linecap="round"/><circle cx="8" cy="12" r="1" fill="#3d2600"/></symbol>
<symbol id="lamp-green" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7.2" fill="#1b7f4b"/>
<path d="m4.8 8.2 2.2 2.3 4.2-4.7" fill="none" stroke="#fff" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"/></symbol>
<symbol id="lamp-done" viewBox="0 0 16 16"><rect x="1" y="1" width="14" height="14" rx="2.5" fill="#47566b"/>
<path d="M4.5 8h7" stroke="#fff" stroke-width="1.8" stroke-linecap="round"/></symbol>
<symbol id="lamp-paused" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7.2" fill="#5b6b80"/>
<path d="M6 5v6m4-6v6" stroke="#fff" stroke-width="1.8" stroke-linecap="round"/></symbol>
<symbol id="lamp-none" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.4" fill="none" stroke="#6b7889" stroke-width="1.4" stroke-dasharray="2.4 2.2"/></symbol>
"""


@cache
def _symbols() -> str:
    found = finders.find("vendor/bootstrap-icons/symbols.svg")
    if not isinstance(found, str):
        raise FileNotFoundError("static/vendor/bootstrap-icons/symbols.svg is missing: run tools/vendor.py")
    icons = re.sub(r"</?svg[^>]*>", "", Path(found).read_text(encoding="utf-8"))
    return (icons + LAMP_SYMBOLS).replace("\n", "")


@register.simple_tag
def sprite() -> SafeString:
    """Every icon and lamp once, as symbols; goes right after <body>."""
    return mark_safe(
        f'<svg class="sprite" width="0" height="0" aria-hidden="true" focusable="false">{_symbols()}</svg>'
    )


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A Bootstrap icon, hidden from screen readers: the text beside it says what it means."""
    classes = f"ico {css}".strip()
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="#i-{}"></use></svg>', classes, name
    )


@register.simple_tag
def lamp(kind: str, word: object = None, label: bool = True) -> SafeString:
    """A lamp: shape, word and colour. `word` replaces the usual word where the scheme names its lamps; with
    label=False the word is kept for screen readers only."""
    return format_html(
        '<span class="lamp lamp-{0}"><svg class="lamp-ico" aria-hidden="true" focusable="false">'
        '<use href="#lamp-{0}"></use></svg><span class="{1}">{2}</span></span>',
        kind,
        "lamp-txt" if label else "visually-hidden",
        word or wording.lamp_word(kind),
    )


def _local(at: datetime) -> datetime:
    return at.astimezone(timezone.get_current_timezone()) if timezone.is_aware(at) else at


def _day_of(now: date | datetime) -> date:
    return _local(now).date() if isinstance(now, datetime) else now


@register.simple_tag
def day(value: date | datetime | None, now: date | datetime, bare: bool = False) -> SafeString:
    """4月7日 周二 / 7 Apr Tue, the year only when it is another one; `bare` leaves the weekday to the title. An
    instant gives its day in the active time zone."""
    if value is None:
        return SafeString("—")
    value = _day_of(value)
    said = wording.bare_day if bare else wording.short_day
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        value.isoformat(),
        wording.full_day_and_weekday(value),
        said(value, _day_of(now)),
    )


@register.simple_tag
def due(item: Any, now: date | datetime) -> SafeString:
    """The due day of a Due, or of anything with a `due`; a dash when it has none."""
    found = item if isinstance(item, Due) else getattr(item, "due", None)
    return day(found.on if found else None, now)


@register.simple_tag
def moment(at: datetime | None, now: date | datetime) -> SafeString:
    """4月7日 09:12 / 7 Apr 09:12, in the active time zone."""
    if at is None:
        return SafeString("—")
    local = _local(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        wording.full_moment(local),
        wording.short_moment(local, _day_of(now)),
    )


@register.simple_tag
def full_moment(at: datetime) -> str:
    """2026年4月10日 09:30 / 10 Apr 2026 09:30, as text."""
    return wording.full_moment(_local(at))


@register.simple_tag
def full_day(value: date) -> SafeString:
    """2026年4月10日 / 10 Apr 2026."""
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), wording.full_day(value))


@register.simple_tag
def today_in_full(value: date) -> str:
    """2026年4月10日（周五） / Friday 10 April 2026, as text."""
    return wording.full_day_and_weekday(value)


@register.simple_tag
def left(item: Any) -> SafeString:
    """The chip 超期3日 / 今日到期 / 剩2日, in working days, in the colour of the item's lamp. The item has `due`
    and `lamp`; a stopped clock says 暂停 instead, no due date a dash."""
    found: Due | None = getattr(item, "due", None)
    if found is None:
        return SafeString('<span class="left left-none">—</span>')
    if found.paused:
        return format_html('<span class="left left-none">{}</span>', wording.lamp_word("paused"))
    return format_html(
        '<span class="left left-{}" title="{}">{}</span>',
        getattr(item, "lamp", "none"),
        wording.left_in_full(found.left),
        wording.left(found.left),
    )


@register.simple_tag
def gap() -> str:
    """What stands between two sentences: a space in English, nothing in Chinese."""
    return " " if wording.in_english() else ""


@register.filter
def left_in_full(value: int) -> str:
    """已超期3个工作日 / 3 working days overdue."""
    return wording.left_in_full(value)


@register.filter
def file_size(value: int) -> str:
    """812 B, 34 KB, 1.2 MB."""
    return wording.file_size(value)


@register.filter
def listed(values: tuple[object, ...]) -> str:
    """甲、乙、丙 / A, B, C."""
    return wording.listed(values)


@register.filter
def minus(value: int, other: int) -> int:
    return value - other


def _said(value: object, css: str = "") -> SafeString:
    text = str(value)
    language = wording.language_of(text)
    if language is None or (language == "en") == wording.in_english():
        return format_html('<span class="{}">{}</span>', css, text) if css else format_html("{}", text)
    if css:
        return format_html('<span class="{}" lang="{}">{}</span>', css, language, text)
    return format_html('<span lang="{}">{}</span>', language, text)


@register.simple_tag
def said(value: object, css: str = "") -> SafeString:
    """Data as it was entered, marked with its language where that is not the page's (lang="zh-Hans" on an English
    page)."""
    return _said(value, css) if value else SafeString("")


@register.simple_tag
def unit(value: object) -> SafeString:
    """The name of a unit, marked with its language."""
    return _said(value) if value else SafeString("")


@register.simple_tag
def person(value: object) -> SafeString:
    """A name, family name first as entered, with （我） / (me) and with whose post was exercised. Takes a Who, a
    Text or a string."""
    if not value:
        return SafeString("")
    if not isinstance(value, Who):
        return _said(value)
    parts = [_said(value.name)]
    if value.me:
        parts.append(format_html("{}", pgettext("after a name", " (me)")))
    if value.on_behalf_of:
        parts.append(
            format_html(
                ' <span class="m-in">{}</span>', gettext("for %(name)s") % {"name": value.on_behalf_of}
            )
        )
    return format_html_join("", "{}", ((part,) for part in parts))


@register.simple_tag
def bar(share: float, room: int, css: str) -> SafeString:
    """One bar of a chart, `room` pixels at share 1."""
    return format_html(
        '<svg width="{0}" height="16" viewBox="0 0 {0} 16" aria-hidden="true" focusable="false">'
        '<rect x="0" y="1" width="{1}" height="14" rx="2" class="{2}"/></svg>',
        room,
        drawing.bar_width(share, room),
        css,
    )


@register.simple_tag
def mix(red: int, yellow: int, green: int, room: int = 72) -> SafeString:
    """The mix of lamps as one bar; the numbers stand in the columns beside it."""
    parts = zip(
        drawing.mix_of((red, yellow, green), room), ("mix-red", "mix-yellow", "mix-green"), strict=True
    )
    return format_html(
        '<svg class="mix" width="{0}" height="12" viewBox="0 0 {0} 12" aria-hidden="true" focusable="false">{1}</svg>',
        room,
        format_html_join(
            "", '<rect x="{}" width="{}" height="12" class="{}"/>', ((x, w, css) for (x, w), css in parts)
        ),
    )


@register.inclusion_tag("desk/_trend.html")
def trend(points: tuple[TrendPoint, ...], now: date | datetime) -> dict[str, Any]:
    """The red and the yellow line, drawn on the server; the table beside it carries the numbers."""
    today = _day_of(now)
    counts = [point.red for point in points], [point.yellow for point in points]
    drawn = (
        ("wide", drawing.trend_of(*counts, 700, 152)),
        ("narrow", drawing.trend_of(*counts, 340, 180, 4)),
    )
    return {
        "drawings": [
            {
                "size": size,
                "trend": trend,
                "red_path": drawing.Trend.path(trend.red),
                "yellow_path": drawing.Trend.path(trend.yellow),
                "days": [(x, wording.bare_day(points[n].day, today)) for x, n in trend.labelled],
            }
            for size, trend in drawn
        ],
        "first": points[0],
        "last": points[-1],
        "now": now,
    }


@register.filter
def words(value: Text | str | None) -> str:
    """A Text or a string as text of the active language."""
    return "" if value is None else str(value)


@register.filter
def plural_name(model: type[Model]) -> str:
    """What the rows of a model are called."""
    return str(model._meta.verbose_name_plural)

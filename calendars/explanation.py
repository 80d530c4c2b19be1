"""Reading a stored derivation out, in Chinese or in English. Pure.

The two languages stand side by side here, not in a message catalogue: a date must explain itself wherever its derivation
is kept, also in an archive that is read without this product's catalogues.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import get_language

from calendars import periods

WEEKDAYS_ZH = "一二三四五六日"
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Derivation = Mapping[str, Any]


def explain(derivation: Derivation, language: str | None = None) -> list[tuple[str, str]]:
    """What stands behind a due date, as (label, text) in reading order; `language` is "zh-hans" or "en", else the active one.

    Labels: 起算, 规则, 扣除, 计入, 顺延, 暂停, 延期, 重算, 截止, 暂定, 依据; those that do not apply are left out.
    """
    reader = English() if (language or get_language() or "zh-hans").startswith("en") else Chinese()
    return list(_lines(derivation, reader))


def _lines(d: Derivation, reader: Chinese | English) -> Iterator[tuple[str, str]]:
    label = reader.labels
    yield label["base"], reader.base(d)
    yield label["rule"], reader.rule(d)
    if d["skipped"]:
        yield label["skipped"], reader.runs(d["skipped"])
    if d["added"]:
        yield label["added"], reader.runs(d["added"])
    if d["rolled"]:
        yield label["rolled"], reader.rolled(d)
    for change in d["changes"]:
        yield (
            label[change["code"]],
            reader.pause(change) if change["code"] == "pause" else reader.extension(change),
        )
    for moved in d["recalculated"]:
        yield label["recalculated"], reader.recalculated(moved)
    yield label["due"], reader.due(d)
    if d["provisional"]:
        yield label["provisional"], reader.provisional(d)
    yield label["basis"], reader.basis(d)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _clock(d: Derivation) -> str:
    at = d["base"]["at"]
    return f"{datetime.fromisoformat(at).astimezone(ZoneInfo(d['zone'])):%H:%M}" if at else ""


class Chinese:
    """The words in Chinese."""

    labels = {
        "base": "起算", "rule": "规则", "skipped": "扣除", "added": "计入", "rolled": "顺延", "pause": "暂停",
        "extension": "延期", "recalculated": "重算", "due": "截止", "provisional": "暂定", "basis": "依据",
    }  # fmt: skip

    def day(self, text: str) -> str:
        day = _day(text)
        return f"{day.year}年{day.month}月{day.day}日（周{WEEKDAYS_ZH[day.weekday()]}）"

    def run(self, run: Mapping[str, str]) -> str:
        first, last = _day(run["from"]), _day(run["to"])
        days = f"{first.month}月{first.day}日"
        if last != first:
            days += f"至{last.day}日" if last.month == first.month else f"至{last.month}月{last.day}日"
        return f"{days} {run['zh']}"

    def runs(self, runs: Sequence[Mapping[str, str]]) -> str:
        return "；".join(map(self.run, runs))

    def base(self, d: Derivation) -> str:
        base = d["base"]
        if base["code"] == "period_end":
            return f"{periods.parse(base['name']).zh}终了，{self.day(base['on'])}"
        if base["code"] == "field":
            return f"文书载明的日期，{self.day(base['on'])}"
        return f"{self.day(base['on'])}{_clock(d)}，当日不计入"

    def rule(self, d: Derivation) -> str:
        if d["month"] is not None:
            when = (
                "期满后第" + f"{d['month']}个月{d['day']}日" if d["month"] else f"当期最后一个月{d['day']}日"
            )
            return f"{when}（含当日）"
        if d["count"] is None:
            return "以载明的日期为准"
        return f"{d['count']}个{'工作日' if d['unit'] == 'working_days' else '自然日'}"

    def rolled(self, d: Derivation) -> str:
        earlier = d["original_due_on"] < d["nominal_on"]
        return (
            f"{self.day(d['nominal_on'])}不是工作日（{self.runs(d['rolled'])}），"
            f"{'提前' if earlier else '顺延'}至{self.day(d['original_due_on'])}"
        )

    def pause(self, change: Derivation) -> str:
        said = f"{self.day(change['from'])}起停止计时，{self.day(change['to'])}恢复"
        if change["due_was"] < change["from"]:
            return f"{said}；暂停前已逾期，截止日不变"
        left = f"，剩余{change['left']}个工作日" if "left" in change else f"，顺延{change['moved_by']}日"
        skipped = f"（扣除{self.runs(change['skipped'])}）" if change["skipped"] else ""
        return f"{said}{left}{skipped}；截止日由{self.day(change['due_was'])}改为{self.day(change['due_on'])}"

    def extension(self, change: Derivation) -> str:
        reason = (
            f"（{'，'.join(filter(None, (change['by'], change['reason'])))}）"
            if change["by"] or change["reason"]
            else ""
        )
        return f"批准延期{reason}；截止日由{self.day(change['due_was'])}改为{self.day(change['due_on'])}"

    def recalculated(self, moved: Derivation) -> str:
        return f"日历更新，截止日由{self.day(moved['due_was'])}改为{self.day(moved['due_on'])}"

    def due(self, d: Derivation) -> str:
        original = (
            f"；原截止日{self.day(d['original_due_on'])}" if d["original_due_on"] != d["due_on"] else ""
        )
        return f"{self.day(d['due_on'])}24时止{original}"

    def provisional(self, d: Derivation) -> str:
        return "所涉年份尚无已公布的节假日安排，暂按周一至周五为工作日计算，公布后重算"

    def basis(self, d: Derivation) -> str:
        bases = "；".join(f"{b['notice']}（{b['key']}）" for b in d["bases"])
        scheme = f"；方案 {d['scheme']}" if d["scheme"] else ""
        return f"{d['clause']['zh']}（{self.source(d['source'])}）{scheme}" + (f"；{bases}" if bases else "")

    def source(self, text: str) -> str:
        if text == "default":
            return "系统默认值"
        if text.startswith("practice: "):
            return "惯例：" + text.removeprefix("practice: ")
        return text.removeprefix("law: ")


class English:
    """The words in English."""

    labels = {
        "base": "Counted from", "rule": "Rule", "skipped": "Not counted", "added": "Counted, though a weekend",
        "rolled": "Moved", "pause": "Paused", "extension": "Extended", "recalculated": "Recalculated", "due": "Due",
        "provisional": "Provisional", "basis": "Basis",
    }  # fmt: skip

    def day(self, text: str) -> str:
        day = _day(text)
        return f"{WEEKDAYS_EN[day.weekday()]} {self.short(day)} {day.year}"

    def short(self, day: date) -> str:
        return f"{day.day} {periods.MONTHS[day.month - 1][:3]}"

    def run(self, run: Mapping[str, str]) -> str:
        first, last = _day(run["from"]), _day(run["to"])
        days = self.short(first) if first == last else f"{self.short(first)} to {self.short(last)}"
        return f"{days} {run['en']}"

    def runs(self, runs: Sequence[Mapping[str, str]]) -> str:
        return "; ".join(map(self.run, runs))

    def base(self, d: Derivation) -> str:
        base = d["base"]
        if base["code"] == "period_end":
            return f"the end of {periods.parse(base['name']).en}, {self.day(base['on'])}"
        if base["code"] == "field":
            return f"the date named in the document, {self.day(base['on'])}"
        clock = _clock(d)
        return f"{self.day(base['on'])}{', ' + clock if clock else ''}; that day is not counted"

    def rule(self, d: Derivation) -> str:
        if d["month"] is not None:
            return f"day {d['day']} of {'month ' + str(d['month']) + ' after the period' if d['month'] else 'its last month'}, that day included"
        if d["count"] is None:
            return "the named date itself"
        return f"{d['count']} {'working' if d['unit'] == 'working_days' else 'natural'} day{'' if d['count'] == 1 else 's'}"

    def rolled(self, d: Derivation) -> str:
        return f"{self.day(d['nominal_on'])} is no working day ({self.runs(d['rolled'])}): {self.day(d['original_due_on'])} instead"

    def pause(self, change: Derivation) -> str:
        said = f"the clock stood still from {self.day(change['from'])} to {self.day(change['to'])}"
        if change["due_was"] < change["from"]:
            return f"{said}; it was overdue before, so the date stays"
        if "left" in change:
            said += f", with {change['left']} working day{'' if change['left'] == 1 else 's'} left"
        else:
            said += f", which moves it by {change['moved_by']} day{'' if change['moved_by'] == 1 else 's'}"
        skipped = f" (not counted: {self.runs(change['skipped'])})" if change["skipped"] else ""
        return f"{said}{skipped}; due {self.day(change['due_on'])} instead of {self.day(change['due_was'])}"

    def extension(self, change: Derivation) -> str:
        reason = (
            f" ({', '.join(filter(None, (change['by'], change['reason'])))})"
            if change["by"] or change["reason"]
            else ""
        )
        return f"approved{reason}; due {self.day(change['due_on'])} instead of {self.day(change['due_was'])}"

    def recalculated(self, moved: Derivation) -> str:
        return (
            f"the calendar changed; due {self.day(moved['due_on'])} instead of {self.day(moved['due_was'])}"
        )

    def due(self, d: Derivation) -> str:
        original = (
            f"; originally {self.day(d['original_due_on'])}" if d["original_due_on"] != d["due_on"] else ""
        )
        return f"{self.day(d['due_on'])}, to the end of the day{original}"

    def provisional(self, d: Derivation) -> str:
        return "no calendar is published for a year concerned: Monday to Friday are taken as working days until one is"

    def basis(self, d: Derivation) -> str:
        bases = "; ".join(f"{b['notice']} ({b['key']})" for b in d["bases"])
        scheme = f"; scheme {d['scheme']}" if d["scheme"] else ""
        source = "the product's default" if d["source"] == "default" else d["source"]
        return f"{d['clause']['en']} ({source}){scheme}" + (f"; {bases}" if bases else "")


def in_short(derivation: Derivation, language: str | None = None) -> str:
    """One line under a due date: where it starts, what is counted, what was skipped or moved it."""
    english = (language or get_language() or "zh-hans").startswith("en")
    base = derivation["base"]
    start = periods.parse(base["name"]) if base["code"] == "period_end" else None
    day = _day(base["on"])
    short_day = f"{day.day} {day:%b}" if english else f"{day.month}月{day.day}日"
    said = (start.en if english else start.zh) if start else short_day
    if base["code"] == "field":
        pieces = [f"date set: {short_day}" if english else f"载明 {short_day}"]
    elif derivation["count"] is not None:
        unit = derivation["unit"] == "working_days"
        counted = (
            f"{derivation['count']} {'working' if unit else 'calendar'} day{'' if derivation['count'] == 1 else 's'}"
            if english
            else f"{derivation['count']}{'个工作日' if unit else '日'}"
        )
        pieces = [f"{said} + {counted}" if english else f"{said}＋{counted}"]
    else:
        pieces = [f"{said}: by day {derivation['day']}" if english else f"{said}，{derivation['day']}日前"]
    pieces += [
        run["en"] if english else f"扣{run['zh']}"
        for run in derivation["skipped"]
        if run.get("zh") not in (None, "", "周末")
    ][:2]
    pieces += [("rolled over" if english else "顺延")] if derivation["rolled"] else []
    pieces += [
        ("clock was stopped" if english else "曾停表") for c in derivation["changes"] if c["code"] == "pause"
    ][:1]
    return (", " if english else "，").join(pieces)

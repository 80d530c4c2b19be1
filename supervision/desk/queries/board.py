"""督办台账 The overdue board: what is overdue and why, by lamp, age, level and unit, all within the reader's scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from organisation.queries import zone_of
from supervision.desk.pages import (
    ActiveFilter,
    Age,
    Board,
    LampCount,
    OverdueRow,
    Rung,
    Select,
    TrendPoint,
    UnitLine,
    Words,
)  # fmt: skip
from supervision.desk.queries import reader as said
from supervision.desk.queries.chrome import shown
from supervision.desk.queries.counting import Counting, Figures
from supervision.desk.queries.queue import LAMP_ORDER, Address, kinds_for_filter, pages_of, size_of
from supervision.desk.queries.queue import filters_of as queue_filters
from supervision.desk.queries.reader import Reader
from workflows.census import end_of
from workflows.models import Lamp, WorkItem
from workflows.scope import OVERSIGHT
from workflows.words import Text

AGES = ((1, 3), (4, 7), (8, 15), (16, 30), (31, None))
"""Working days overdue, as the bars show them."""


def board_page(reader: Reader, address: Address) -> Board:
    """The whole board from its address: at most four statements of its own."""
    counting = _counting(reader, address)
    figures = counting.figures()
    lamp = address.get("lamp", Lamp.RED.value)
    lamp = lamp if lamp in Lamp.values else Lamp.RED.value
    page, size = max(address.number("page", 1), 1), size_of(address)
    found = _listed(counting, lamp, address, size * (page - 1), size + 1)
    rows = _rows(found[:size], reader)
    total: int | str = f"{size * page}+" if len(found) > size else size * (page - 1) + len(rows)
    names = {"red": _("Overdue"), "yellow": _("Close to due"), "green": _("In time")}
    closed = figures.in_time + figures.late
    return Board(
        scope=_scope(reader), units=figures.units, open=figures.open, as_of=reader.at,
        lamps=(
            *(LampCount(k, shown(figures.lamps[k]), address.having(lamp=k, age=None, level=None), names[k], k == lamp) for k in LAMP_ORDER),
            LampCount("done", closed, address.path, _("closed this year")),
        ),
        ages=_ages(figures, reader, address), ladder=_ladder(figures, reader, address), league=_league(figures, address), rows=rows,
        pages=pages_of(address, page, size, len(rows), total), on_time=_rate(figures.in_time, figures.late),
        trend=_trend(counting, figures, reader),
        search=address.get("q"), keep=tuple((n, address.get(n)) for n in ("lamp", "age", "level", "unit")),
        selects=(Select("kind", _("Type"), _("All types"), kinds_for_filter(), address.get("kind")),),
        filters=(*queue_filters(_listing(address)), *_more_filters(reader, address)),
        clear_url=address.path, list_title=names[lamp],
    )  # fmt: skip


def _counting(reader: Reader, address: Address) -> Counting:
    return Counting(reader, address.get("kind"), address.number("unit", 0) or None, address.get("q"))


def _listed(counting: Counting, lamp: str, address: Address, skip: int, take: int) -> list[WorkItem]:
    """A page of the list, longest overdue first: one statement, which reads so many of each kind and no more."""
    kinds = [
        _of_address(items.filter(closed_at__isnull=True, lamp=lamp), counting.reader, address)
        for items in counting.items()
    ]
    pages = [
        items.select_related("unit", "claimed_by").order_by("due_at", "pk")[: skip + take] for items in kinds
    ]
    if not pages:
        return []
    whole = pages[0].union(*pages[1:], all=True).order_by("due_at", "pk") if pages[1:] else pages[0]
    return list(whole[skip : skip + take])


def _of_address(items: QuerySet[WorkItem], reader: Reader, address: Address) -> QuerySet[WorkItem]:
    age, level = address.number("age", -1), address.number("level", -1)
    if 0 <= age < len(AGES):
        items = _of_age(items, reader, age)
    return items.filter(level=level) if level >= 0 else items


def _listing(address: Address) -> Address:
    """The address without the lamp: on the board a lamp is always chosen, so it is no filter to clear."""
    bare = Address(address.path, QueryDict())
    bare.query = {key: value for key, value in address.query.items() if key != "lamp"}
    return bare


def _more_filters(reader: Reader, address: Address) -> Iterator[ActiveFilter]:
    age, level = address.number("age", -1), address.number("level", -1)
    if 0 <= age < len(AGES):
        yield ActiveFilter(_age_label(*AGES[age]), address.having(age=None))
    if level >= 0:
        yield ActiveFilter(str(_level_name(reader, level)), address.having(level=None))


def _scope(reader: Reader) -> Words:
    """Whose board it is: the whole institution's, or one's own units'."""
    return _("the whole institution") if reader.roles & OVERSIGHT else _("your own units")


def _rate(in_time: int, late: int) -> float | None:
    """Of what was closed this year, how much in time."""
    return round(100 * in_time / (in_time + late), 1) if in_time + late else None


def _ages(figures: Figures, reader: Reader, address: Address) -> tuple[Age, ...]:
    """How long red items are overdue."""
    ages = [0] * len(AGES)
    for due_on, n in figures.due.items():
        ages[_age_of(-said.left_of(due_on, reader))] += n
    highest = max([*ages, 1])
    return tuple(
        Age(_age_label(first, last), n, n / highest, address.having(lamp="red", age=place, level=None), f"age-{place + 1}")
        for place, ((first, last), n) in enumerate(zip(AGES, ages, strict=True))
    )  # fmt: skip


def _ladder(figures: Figures, reader: Reader, address: Address) -> tuple[Rung, ...]:
    """How far the ladders of red items have come."""
    levels = {**dict.fromkeys([0, *reader.levels], 0), **figures.levels}
    return tuple(
        Rung(level, _level_name(reader, level), "", count, address.having(lamp="red", level=level, age=None))
        for level, count in sorted(levels.items(), reverse=True)
    )


def _level_name(reader: Reader, level: int) -> Words:
    return reader.levels.get(level, str(level)) if level else _("Not escalated")


def _age_of(days: int) -> int:
    return next(place for place, (_first, last) in enumerate(AGES) if last is None or days <= last)


def _age_label(first: int, last: int | None) -> str:
    return (
        _("over %(n)d days") % {"n": first - 1}
        if last is None
        else _("%(first)d to %(last)d days") % {"first": first, "last": last}
    )


def _of_age(items: QuerySet[WorkItem], reader: Reader, place: int) -> QuerySet[WorkItem]:
    """By the due instant, which is when the due day ends, and by which the list is in order. Saying the day as well would
    let the planner think that far fewer fit."""
    first, last = AGES[place]
    latest = reader.today - timedelta(days=1) if first == 1 else reader.calendar.shift(reader.today, -first)
    items = items.filter(due_on__isnull=False, due_at__lte=end_of(latest, reader.actor.institution_id))
    if last is None:
        return items
    earliest = reader.calendar.shift(reader.today, -last)
    return items.filter(due_at__gte=end_of(earliest, reader.actor.institution_id))


def _league(figures: Figures, address: Address) -> tuple[UnitLine, ...]:
    lines = [
        UnitLine(
            row["place"], Text(row["name_zh"], row["name_en"] or row["name_zh"]), row["open"], row["red"], row["yellow"], row["green"],
            _rate(row["in_time"], row["late"]), address.having(unit=row["unit_id"]),
        )
        for row in figures.league
    ]  # fmt: skip
    if rest := figures.units - len(lines):
        whole = {"open": figures.open, **figures.lamps}
        total = {key: n - sum(row[key] for row in figures.league) for key, n in whole.items()}
        others = _("%(n)d other units") % {"n": rest}
        lines.append(
            UnitLine(None, others, total["open"], total["red"], total["yellow"], total["green"], None)
        )
    return tuple(lines)


def level_of(item: WorkItem, reader: Reader) -> tuple[int, Words]:
    """The highest step of the ladder that was taken: its level and what it is called."""
    taken: list[Mapping[str, Any]] = item.ladder[: item.ladder_at]
    highest = max(taken, key=lambda step: int(step.get("level") or 0), default={})
    level = item.level
    return level, _step_name(highest, item, reader) if level else _("Not escalated")


def _rows(items: list[WorkItem], reader: Reader) -> tuple[OverdueRow, ...]:
    zone = zone_of(reader.actor.institution_id)
    rows = []
    for item in items:
        due = said.due_of(item, reader)
        if due is None:
            continue
        level, name = level_of(item, reader)
        taken = item.ladder[item.ladder_at - 1] if item.ladder_at else None
        coming = item.ladder[item.ladder_at] if item.ladder_at < len(item.ladder) else None
        rows.append(OverdueRow(
            item.title, said.document_url(item.kind, item.document_id), due, item.number, Text(item.unit.name_zh, item.unit.name_en or item.unit.name_zh),
            item.claimed_by.name if item.claimed_by else said.role_text(item.post_role), level, name,
            last=_step_name(taken, item, reader) if taken else said.duty_text(item), last_at=datetime.fromisoformat(taken["at"]) if taken else item.opened_at,
            next=_step_name(coming, item, reader) if coming else "", next_on=datetime.fromisoformat(coming["at"]).astimezone(zone).date() if coming else None,
            lamp=item.lamp,
        ))  # fmt: skip
    return tuple(rows)


def _step_name(step: Mapping[str, Any], item: WorkItem, reader: Reader) -> Words:
    return said.ladder_step_text(str(step["key"]), str(item.derivation.get("scheme") or ""), reader)


def longest_overdue(reader: Reader, limit: int = 5) -> tuple[OverdueRow, ...]:
    """What has been red for longest: one statement."""
    nothing = Address("", QueryDict())
    return _rows(_listed(Counting(reader), Lamp.RED.value, nothing, 0, limit), reader)


def lamp_counts(reader: Reader, board_url: str) -> tuple[LampCount, ...]:
    """Open items by lamp within the reader's scope: one statement."""
    counts = Counting(reader).lamps()
    return tuple(LampCount(k, shown(counts.get(k, 0)), f"{board_url}?lamp={k}") for k in LAMP_ORDER)


def _trend(counting: Counting, figures: Figures, reader: Reader) -> tuple[TrendPoint, ...]:
    """Red and yellow items now, and when the same weekday of the weeks before was over."""
    before = [TrendPoint(day, red, yellow) for day, (red, yellow) in counting.trend().items()]
    return (*before, TrendPoint(reader.today, figures.lamps["red"], figures.lamps["yellow"]))

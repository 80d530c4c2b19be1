"""督办台账 The overdue board: what is overdue and why, by lamp, age, level and unit, all within the reader's scope."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, IntegerField, Q, QuerySet
from django.db.models.expressions import RawSQL
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
from supervision.desk.queries.queue import LAMP_ORDER, Address, kinds_for_filter, pages_of
from supervision.desk.queries.queue import filters_of as queue_filters
from supervision.desk.queries.reader import Reader
from workflows.documents import document_kinds
from workflows.models import Lamp, WorkItem
from workflows.scope import OVERSIGHT
from workflows.words import Text

AGES = ((1, 3), (4, 7), (8, 15), (16, 30), (31, None))
"""Working days overdue, as the bars show them."""
PAGE = 20
LEAGUE = 10
WEEKS = 12


def items_in_scope(reader: Reader) -> QuerySet[WorkItem]:
    """Open items of the documents this reader sees: the scope of each kind, and nothing else."""
    seen = Q()
    for model in document_kinds():
        seen |= Q(kind=model.kind(), document_id__in=model.visible_to(reader.actor).values("pk"))
    return WorkItem.objects.filter(seen, institution_id=reader.actor.institution_id)


def open_in_scope(reader: Reader) -> QuerySet[WorkItem]:
    return items_in_scope(reader).filter(closed_at__isnull=True)


def board_page(reader: Reader, address: Address) -> Board:
    """The whole board from its address: a constant number of statements."""
    narrowed = _narrowed(open_in_scope(reader), address)
    lamp = address.get("lamp", Lamp.RED.value)
    lamp = lamp if lamp in Lamp.values else Lamp.RED.value
    by_unit = list(_by_unit(narrowed))
    counts = {key: sum(row[key] for row in by_unit) for key in (*LAMP_ORDER, "open")}
    rates = _rates(reader, address)
    ages, levels = _ages_and_levels(narrowed, reader, address)
    listed = narrowed.filter(lamp=lamp)
    if address.get("age").isdigit() and int(address.get("age")) < len(AGES):
        listed = _of_age(listed, reader, int(address.get("age")))
    if address.get("level").isdigit():
        listed = listed.annotate(level=LEVEL).filter(level=int(address.get("level")))
    page = max(address.number("page", 1), 1)
    found = list(
        listed.select_related("unit", "claimed_by").order_by("due_at", "pk")[
            PAGE * (page - 1) : PAGE * page + 1
        ]
    )
    rows = _rows(found[:PAGE], reader)
    total: int | str = f"{PAGE * page}+" if len(found) > PAGE else PAGE * (page - 1) + len(rows)
    names = {"red": _("Overdue"), "yellow": _("Close to due"), "green": _("In time")}
    return Board(
        scope=_scope(reader), units=len(by_unit), open=counts["open"], as_of=reader.at,
        lamps=(
            *(LampCount(k, shown(counts[k]), address.having(lamp=k, age=None, level=None), names[k], k == lamp) for k in LAMP_ORDER),
            LampCount("done", rates["closed"], address.path, _("closed this year")),
        ),
        ages=ages, ladder=levels, league=_league(by_unit, rates["by_unit"], address), rows=rows,
        pages=pages_of(address, page, PAGE, len(rows), total), on_time=rates["on_time"], trend=_trend(reader, address),
        search=address.get("q"), keep=tuple((n, address.get(n)) for n in ("lamp", "age", "level", "unit")),
        selects=(Select("kind", _("Type"), _("All types"), kinds_for_filter(), address.get("kind")),),
        filters=(*queue_filters(_listing(address)), *_more_filters(reader, address)),
        clear_url=address.path, list_title=names[lamp],
    )  # fmt: skip


def _listing(address: Address) -> Address:
    """The address without the lamp: on the board a lamp is always chosen, so it is no filter to clear."""
    bare = Address(address.path, QueryDict())
    bare.query = {key: value for key, value in address.query.items() if key != "lamp"}
    return bare


def _more_filters(reader: Reader, address: Address) -> Iterator[ActiveFilter]:
    if address.get("age").isdigit() and int(address.get("age")) < len(AGES):
        yield ActiveFilter(_age_label(*AGES[int(address.get("age"))]), address.having(age=None))
    if address.get("level").isdigit():
        yield ActiveFilter(str(_level_name(reader, int(address.get("level")))), address.having(level=None))


def _narrowed(items: QuerySet[WorkItem], address: Address) -> QuerySet[WorkItem]:
    items = items.filter(paused_at__isnull=True)
    if address.get("kind"):
        items = items.filter(kind=address.get("kind"))
    if address.get("unit").isdigit():
        items = items.filter(unit_id=int(address.get("unit")))
    if address.get("q"):
        items = items.filter(Q(title__icontains=address.get("q")) | Q(number__icontains=address.get("q")))
    return items


def _scope(reader: Reader) -> Words:
    """Whose board it is: the whole institution's, or one's own units'."""
    return _("the whole institution") if reader.roles & OVERSIGHT else _("your own units")


def _by_unit(items: QuerySet[WorkItem]) -> Any:
    counted = {lamp: Count("pk", filter=Q(lamp=lamp)) for lamp in LAMP_ORDER}
    rows = items.values("unit_id", "unit__name_zh", "unit__name_en").annotate(open=Count("pk"), **counted)
    return rows.order_by("-red", "-yellow", "unit__path")


def _rates(reader: Reader, address: Address) -> Mapping[str, Any]:
    """Of what was closed this year, how much in time; by unit and in all: one statement."""
    begins = datetime.combine(date(reader.today.year, 1, 1), time.min, zone_of(reader.actor.institution_id))
    closed = _narrowed(items_in_scope(reader).filter(closed_at__gte=begins), address)
    rows = closed.values("unit_id").annotate(
        n=Count("pk"), good=Count("pk", filter=Q(closed_at__lte=F("due_at")))
    )
    found = {row["unit_id"]: (row["n"], row["good"]) for row in rows.order_by()}
    total, good = sum(n for n, _g in found.values()), sum(g for _n, g in found.values())
    by_unit = {pk: round(100 * g / n, 1) for pk, (n, g) in found.items() if n}
    return {"closed": total, "on_time": round(100 * good / total, 1) if total else None, "by_unit": by_unit}


LEVEL = RawSQL(
    """(SELECT coalesce(max((step->>'level')::int), 0)
          FROM jsonb_array_elements(workflows_workitem.ladder) WITH ORDINALITY AS taken(step, place)
         WHERE place <= workflows_workitem.ladder_at)""",
    [],
    output_field=IntegerField(),
)
"""How far an item's ladder has come: the highest level of the steps that were taken."""


def _ages_and_levels(
    items: QuerySet[WorkItem], reader: Reader, address: Address
) -> tuple[tuple[Age, ...], tuple[Rung, ...]]:
    """How long red items are overdue, and how far their ladder has come: one statement over due days and steps taken."""
    groups = list(
        items.filter(lamp=Lamp.RED)
        .annotate(level=LEVEL)
        .values("due_on", "level")
        .annotate(n=Count("pk"))
        .order_by()
    )
    ages = [0] * len(AGES)
    levels = dict.fromkeys([0, *reader.levels], 0)
    for group in groups:
        levels[group["level"]] = levels.get(group["level"], 0) + group["n"]
        if group["due_on"] is not None:
            ages[_age_of(-said.left_of(group["due_on"], reader))] += group["n"]
    highest = max([*ages, 1])
    bars = tuple(
        Age(_age_label(first, last), n, n / highest, address.having(lamp="red", age=place, level=None), f"age-{place + 1}")
        for place, ((first, last), n) in enumerate(zip(AGES, ages, strict=True))
    )  # fmt: skip
    rungs = [
        Rung(level, _level_name(reader, level), "", count, address.having(lamp="red", level=level, age=None))
        for level, count in sorted(levels.items(), reverse=True)
    ]
    return bars, tuple(rungs)


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
    first, last = AGES[place]
    newest = reader.calendar.shift(reader.today, -first)
    items = items.filter(due_on__lt=reader.today)
    items = items if first == 1 else items.filter(due_on__lte=newest)
    return items if last is None else items.filter(due_on__gte=reader.calendar.shift(reader.today, -last))


def _league(
    by_unit: list[Mapping[str, Any]], rates: Mapping[int, float], address: Address
) -> tuple[UnitLine, ...]:
    lines = [
        UnitLine(
            place, Text(row["unit__name_zh"], row["unit__name_en"] or row["unit__name_zh"]), row["open"], row["red"], row["yellow"],
            row["green"], rates.get(row["unit_id"]), address.having(unit=row["unit_id"]),
        )
        for place, row in enumerate(by_unit[:LEAGUE], 1)
    ]  # fmt: skip
    rest = by_unit[LEAGUE:]
    if rest:
        total = {key: sum(row[key] for row in rest) for key in ("open", *LAMP_ORDER)}
        lines.append(
            UnitLine(
                None,
                _("%(n)d other units") % {"n": len(rest)},
                total["open"],
                total["red"],
                total["yellow"],
                total["green"],
                None,
            )
        )
    return tuple(lines)


def level_of(item: WorkItem, reader: Reader) -> tuple[int, Words]:
    """The highest step of the ladder that was taken: its level and what it is called."""
    taken: list[Mapping[str, Any]] = item.ladder[: item.ladder_at]
    highest = max(taken, key=lambda step: int(step.get("level") or 0), default={})
    level = int(highest.get("level") or 0)
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
    items = (
        open_in_scope(reader)
        .filter(lamp=Lamp.RED, paused_at__isnull=True)
        .select_related("unit", "claimed_by")
    )
    return _rows(list(items.order_by("due_at", "pk")[:limit]), reader)


def lamp_counts(reader: Reader, board_url: str) -> tuple[LampCount, ...]:
    """Open items by lamp within the reader's scope: one statement."""
    rows = (
        open_in_scope(reader)
        .filter(paused_at__isnull=True)
        .values_list("lamp")
        .annotate(n=Count("pk"))
        .order_by()
    )
    counts = dict(rows)
    return tuple(LampCount(k, shown(counts.get(k, 0)), f"{board_url}?lamp={k}") for k in LAMP_ORDER)


TREND = """
SELECT w.at,
  count(*) FILTER (WHERE i.due_at <= w.at) AS red,
  count(*) FILTER (WHERE i.due_at > w.at AND i.yellow_at <= w.at) AS yellow
FROM unnest(%s::timestamptz[]) AS w(at)
LEFT JOIN (
  SELECT s.opened_at, s.closed_at, s.due_at,
    (SELECT min((step->>'at')::timestamptz) FROM jsonb_array_elements(s.ladder) step WHERE step->>'lamp' = 'yellow') AS yellow_at
  FROM ({scope}) s) i ON i.opened_at <= w.at AND (i.closed_at IS NULL OR i.closed_at > w.at)
GROUP BY w.at ORDER BY w.at
"""


def _trend(reader: Reader, address: Address) -> tuple[TrendPoint, ...]:
    """Red and yellow items at the end of each of the last twelve weeks, as they stood then: one statement."""
    zone = zone_of(reader.actor.institution_id)
    ends = [reader.at - timedelta(weeks=n) for n in reversed(range(WEEKS))]
    since = ends[0]
    items = _narrowed(items_in_scope(reader), address).filter(
        Q(closed_at__isnull=True) | Q(closed_at__gt=since), seat__isnull=True
    )
    sql, parameters = (
        items.values("opened_at", "closed_at", "due_at", "ladder").order_by().query.sql_with_params()
    )
    with connection.cursor() as cursor:
        cursor.execute(TREND.replace("{scope}", sql), [ends, *parameters])
        return tuple(
            TrendPoint(at.astimezone(zone).date(), red, yellow) for at, red, yellow in cursor.fetchall()
        )

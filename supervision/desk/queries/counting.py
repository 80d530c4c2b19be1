"""What the board counts, in one statement: from the census where the reader sees all that is counted, else from the items."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from supervision.desk.queries.reader import Reader
from workflows import census
from workflows.documents import Document, document_kinds
from workflows.models import WorkItem

LEAGUE = 10
"""Units that are named; the rest are added up."""
WEEKS = 12

FIGURES = f"""
WITH counted AS MATERIALIZED (
  SELECT unit_id, status, level, sum(n)::bigint AS n FROM ({{rows}}) r GROUP BY unit_id, status, level HAVING sum(n) <> 0),
units AS MATERIALIZED (
  SELECT unit_id, coalesce(sum(n) FILTER (WHERE status IN ('red', 'yellow', 'green')), 0) AS open,
         coalesce(sum(n) FILTER (WHERE status = 'red'), 0) AS red, coalesce(sum(n) FILTER (WHERE status = 'yellow'), 0) AS yellow,
         coalesce(sum(n) FILTER (WHERE status = 'green'), 0) AS green, coalesce(sum(n) FILTER (WHERE status = 'in_time'), 0) AS in_time,
         coalesce(sum(n) FILTER (WHERE status = 'late'), 0) AS late
    FROM counted GROUP BY unit_id),
league AS (
  SELECT c.*, u.name_zh, u.name_en, row_number() OVER (ORDER BY c.red DESC, c.yellow DESC, u.path) AS place
    FROM units c JOIN organisation_unit u ON u.id = c.unit_id WHERE c.open > 0)
SELECT jsonb_build_object(
  'all', (SELECT to_jsonb(t) FROM (
    SELECT count(*) FILTER (WHERE open > 0) AS units, coalesce(sum(open), 0) AS open, coalesce(sum(red), 0) AS red,
           coalesce(sum(yellow), 0) AS yellow, coalesce(sum(green), 0) AS green, coalesce(sum(in_time), 0) AS in_time,
           coalesce(sum(late), 0) AS late FROM units) t),
  'levels', (SELECT coalesce(jsonb_object_agg(level, n), '{{{{}}}}') FROM (
    SELECT level, sum(n) AS n FROM counted WHERE status = 'red' GROUP BY level) l),
  'due', (SELECT coalesce(jsonb_object_agg(due_on, n), '{{{{}}}}') FROM (
    SELECT due_on, sum(n) AS n FROM ({{due}}) d GROUP BY due_on HAVING sum(n) <> 0) d),
  'league', (SELECT coalesce(jsonb_agg(l ORDER BY place), '[]') FROM league l WHERE place <= {LEAGUE}))::text"""
"""`rows` give (unit_id, status, level, n), `due` (due_on, n) of red items."""

LAMPS = """
SELECT status, sum(n)::bigint FROM ({rows}) r WHERE status IN ('red', 'yellow', 'green') GROUP BY status"""

OF_ITEMS = """
SELECT unit_id, CASE WHEN closed_at IS NULL THEN lamp WHEN closed_at <= due_at THEN 'in_time' ELSE 'late' END AS status,
       CASE WHEN closed_at IS NULL THEN level ELSE 0 END AS level, count(*) AS n FROM ({items}) i GROUP BY 1, 2, 3"""

DUE_OF_ITEMS = """
SELECT due_on, count(*) AS n FROM ({items}) i WHERE closed_at IS NULL AND lamp = 'red' AND due_on IS NOT NULL GROUP BY due_on"""

STOOD_BY_DAY = f"""
SELECT day, count(*) FILTER (WHERE red), count(*) FILTER (WHERE NOT red) FROM ({census.STOOD}) s GROUP BY day"""

COLUMNS = ("unit_id", "kind", "lamp", "level", "due_on", "due_at", "opened_at", "closed_at", "ladder")


@dataclass(frozen=True)
class Figures:
    """Open items by lamp and what was closed this year, in all and of the units with most red; red ones by level and due day."""

    units: int
    open: int
    lamps: Mapping[str, int]
    in_time: int
    late: int
    levels: Mapping[int, int]
    due: Mapping[date, int]
    league: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Counting:
    """What one reader counts: of one kind or all, of one unit or all, with a text in title or number or any."""

    reader: Reader
    kind: str = ""
    unit_id: int | None = None
    text: str = ""
    from_census: bool = field(default=True, kw_only=True)
    """False: from the items, whoever reads; for comparing."""

    @cached_property
    def models(self) -> Sequence[type[Document]]:
        return [model for model in document_kinds() if self.kind in ("", model.kind())]

    @cached_property
    def _by_census(self) -> bool:
        everything = all(model.sees_everything(self.reader.actor) for model in self.models)
        return self.from_census and everything and not self.text

    def items(self) -> list[QuerySet[WorkItem]]:
        """Items that are not paused, open or closed, in the reader's scope: one query for each kind."""
        return [self._of_kind(model) for model in self.models]

    def _of_kind(self, model: type[Document]) -> QuerySet[WorkItem]:
        actor = self.reader.actor
        rows = WorkItem.objects.filter(
            institution_id=actor.institution_id, kind=model.kind(), paused_at__isnull=True
        )
        if not model.sees_everything(actor):
            rows = rows.filter(Exists(model.visible_to(actor).filter(pk=OuterRef("document_id"))))
        if self.unit_id is not None:
            rows = rows.filter(unit_id=self.unit_id)
        if self.text:
            rows = rows.filter(Q(title__icontains=self.text) | Q(number__icontains=self.text))
        return rows

    def figures(self) -> Figures:
        """Everything that is counted but the trend: one statement, hence one snapshot."""
        rows, due, given = self._sources()
        found = _one(FIGURES.format(rows=rows, due=due), given)
        whole = found["all"]
        return Figures(
            whole["units"], whole["open"], {lamp: whole[lamp] for lamp in ("red", "yellow", "green")}, whole["in_time"], whole["late"],
            {int(level): n for level, n in found["levels"].items()}, {date.fromisoformat(day): n for day, n in found["due"].items()},
            found["league"],
        )  # fmt: skip

    def lamps(self) -> Mapping[str, int]:
        """Open items by lamp: one statement."""
        rows, _, given = self._sources()
        with connection.cursor() as cursor:
            cursor.execute(LAMPS.format(rows=rows), given)
            return dict(cursor.fetchall())

    def _sources(self) -> tuple[str, str, dict[str, Any]]:
        """`rows` and `due` of FIGURES, with their parameters."""
        given = {
            "institution": self.reader.actor.institution_id, "kinds": [model.kind() for model in self.models], "unit": self.unit_id,
            "year": self.reader.today.year,
        }  # fmt: skip
        if self._by_census and self.unit_id is None:
            return census.COUNTED, census.RED_BY_DUE, given
        if self._by_census:  # one unit's red items are few
            due, more = _sql([rows.filter(closed_at__isnull=True, lamp="red") for rows in self.items()])
            return census.COUNTED, DUE_OF_ITEMS.format(items=due), given | more
        begins = census.end_of(date(self.reader.today.year - 1, 12, 31), self.reader.actor.institution_id)
        now = Q(closed_at__isnull=True) | Q(closed_at__gte=begins)
        items, given = _sql([rows.filter(now) for rows in self.items()])
        return OF_ITEMS.format(items=items), DUE_OF_ITEMS.format(items=items), given

    def trend(self) -> dict[date, tuple[int, int]]:
        """Red and yellow items when the same weekday of the eleven weeks before was over: at most two statements."""
        institution = self.reader.actor.institution_id
        days = [self.reader.today - timedelta(weeks=week) for week in reversed(range(1, WEEKS))]
        kinds = [model.kind() for model in self.models]
        found = census.days_counted(institution, days, kinds, self.unit_id) if self._by_census else {}
        if missing := [day for day in days if day not in found]:
            found |= self._stood(missing)
        return {day: found.get(day, (0, 0)) for day in days}

    def _stood(self, days: Sequence[date]) -> dict[date, tuple[int, int]]:
        institution = self.reader.actor.institution_id
        ends = [census.end_of(day, institution) for day in days]
        lately = Q(closed_at__isnull=True) | Q(closed_at__gte=min(ends))
        items, given = _sql([rows.filter(lately, opened_at__lt=max(ends)) for rows in self.items()])
        with connection.cursor() as cursor:
            cursor.execute(STOOD_BY_DAY.format(items=items), {**given, "days": list(days), "ends": ends})
            return {day: (red, yellow) for day, red, yellow in cursor.fetchall()}


def _one(sql: str, given: Mapping[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return json.loads(cursor.fetchone()[0])


PLACEHOLDER = re.compile(r"%(%|s)")


def _sql(querysets: Sequence[QuerySet[WorkItem]]) -> tuple[str, dict[str, Any]]:
    """One SELECT of COLUMNS over all of these, with named parameters."""
    numbers = count()
    given: dict[str, Any] = {}
    parts = []
    for rows in querysets:
        try:
            sql, parameters = rows.order_by().values(*COLUMNS).query.sql_with_params()
        except EmptyResultSet:
            continue
        values = iter(parameters)

        def named(found: re.Match[str], values: Iterator[Any] = values) -> str:
            if found.group(1) == "%":
                return "%%"
            name = f"p{next(numbers)}"
            given[name] = next(values)
            return f"%({name})s"

        parts.append(PLACEHOLDER.sub(named, sql))
    nothing = f"SELECT {', '.join(COLUMNS)} FROM workflows_workitem WHERE false"
    return " UNION ALL ".join(parts) or nothing, given

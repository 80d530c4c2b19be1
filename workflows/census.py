"""统计 The census: how many items stand how, so that a board of a million items is read from a few rows.

Triggers of the work items append what each statement changed; a bell folds the changes in. Who reads adds up both in one
statement, hence in one snapshot: exact at once, and no writer waits for another. What was lost all the same (a trigger
switched off, rows written past it) the auditor finds, and `recount` puts right.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction

from organisation.models import Institution
from organisation.queries import zone_of
from workflows.census_writing import DIFFERENCES, FOLD, LOCK, RECOUNT
from workflows.models import CensusChange

KEPT = 7 * 12
"""Days for which it is known how items stood when they were over."""
BATCH = 10_000
"""Changes folded in by one statement."""
LOOKS = 60
"""Looks of the auditor in which every institution has its turn."""
TOO_MANY = 500_000
"""Changes that wait: more than this are no peak but a bell that does not ring."""
FEW = 20
"""Statements of one look at most: what is left waits for the next."""

# Open items by their lamp, which has only grown since; closed ones by what they were closed under. `at` is when a day was over.
STOOD = """
SELECT d.day, s.unit_id, s.kind, s.due_at < d.at AS red
  FROM (SELECT unnest(%(days)s::date[]) AS day, unnest(%(ends)s::timestamptz[]) AS at) d
  JOIN ({items}) s ON s.opened_at < d.at AND (s.closed_at IS NULL OR s.closed_at >= d.at)
 WHERE s.due_at < d.at OR (s.lamp <> 'green' AND (
   SELECT min((step->>'at')::timestamptz) FROM jsonb_array_elements(s.ladder) step WHERE step->>'lamp' = 'yellow') < d.at)"""
"""Rows (day, unit_id, kind, red) of what was red or yellow when `days` were over, at `ends`; `items` are a SELECT."""

ITEMS = """
SELECT unit_id, kind, opened_at, closed_at, due_at, lamp, ladder FROM workflows_workitem
 WHERE institution_id = %(institution)s AND paused_at IS NULL"""

CLOSE_DAY = f"""
WITH stood AS ({STOOD.format(items=ITEMS)})
INSERT INTO workflows_censusofday (institution_id, day, unit_id, kind, red, yellow)
SELECT %(institution)s, %(day)s, unit_id, coalesce(kind, ''), count(*) FILTER (WHERE red), count(*) FILTER (WHERE NOT red) FROM stood
 GROUP BY GROUPING SETS ((unit_id, kind), (kind), ())
ON CONFLICT DO NOTHING"""

UNCOUNTED = """
SELECT i.id, i.today, d.day FROM (
  SELECT id, (coalesce(frozen_at, %(at)s) AT TIME ZONE time_zone)::date AS today FROM organisation_institution
   WHERE %(institution)s::bigint IS NULL OR id = %(institution)s) i
  CROSS JOIN LATERAL (
    SELECT i.today - ago AS day, ago FROM generate_series(1, %(kept)s) AS ago
     WHERE NOT EXISTS (SELECT FROM workflows_censusofday c
       WHERE c.institution_id = i.id AND c.unit_id IS NULL AND c.day = i.today - ago AND c.kind = '')
     ORDER BY ago > 1, ago %% 7, ago LIMIT 1) d
 ORDER BY i.id"""
"""Of each institution by its own clock a day that is over and not counted: yesterday, else what a board shows, else the latest."""

# Days that have not come (a clock was set back), and the units' shares of days that no board shows.
FORGET = """
DELETE FROM workflows_censusofday
 WHERE institution_id = %(institution)s AND (day >= %(today)s OR (day < %(oldest)s AND unit_id IS NOT NULL))"""


def fold() -> int:
    """Fold the changes in, and say how many. Doubled or killed, it loses nothing: each statement is a transaction."""
    folded = 0
    for _ in range(FEW):
        with connection.cursor() as cursor:
            cursor.execute(FOLD, {"limit": BATCH})
            taken: int = cursor.fetchone()[0]
        folded += taken
        if taken < BATCH:
            break
    return folded


def close_days(at: datetime, *, institution_id: int | None = None) -> int:
    """Count, of each institution by its own clock, one day that is over and not counted; how many were.

    Also of days before the census began: as the items' dates tell it.
    """
    given = {"at": at, "institution": institution_id, "kept": KEPT}
    with connection.cursor() as cursor:
        cursor.execute(UNCOUNTED, given)
        missing = cursor.fetchall()
    return sum(_close(*row) for row in missing)


def _close(institution_id: int, today: date, day: date) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        given: dict[str, Any] = {
            "institution": institution_id,
            "day": day,
            "days": [day],
            "ends": [end_of(day, institution_id)],
        }
        cursor.execute(CLOSE_DAY, given)
        cursor.execute(FORGET, {**given, "today": today, "oldest": today - timedelta(days=KEPT)})
    return 1


def end_of(day: date, institution_id: int) -> datetime:
    """The instant at which a local day is over."""
    return datetime.combine(day + timedelta(days=1), time.min, zone_of(institution_id))


def differences(institution_id: int | None = None) -> list[tuple[Any, ...]]:
    """Where the census is not what the items say: institution, unit, kind, status, level, year, due day, and by how much.

    One statement, hence one snapshot; reads every item of the institution (None: of all).
    """
    with connection.cursor() as cursor:
        cursor.execute(DIFFERENCES, {"institution": institution_id})
        return list(cursor.fetchall())


def institution_in_turn(turn: int) -> list[int]:
    """Whose census is compared at this look: each institution once in sixty looks (in as many as there are, when more)."""
    institutions = list(Institution.objects.order_by("pk").values_list("pk", flat=True))
    place = turn % max(LOOKS, len(institutions))
    return institutions[place : place + 1]


def unfolded() -> int:
    """How many changes wait to be folded in, when they are more than a bell can have left; else 0."""
    waiting: int = CensusChange.objects.all()[: TOO_MANY + 1].count()
    return waiting if waiting > TOO_MANY else 0


def recount(institution_id: int | None = None) -> None:
    """Count anew from the items, while people go on working. For rows that were written past the triggers."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(RECOUNT, {"institution": institution_id})


# --- Reading ------------------------------------------------------------------------------------------------

WHOSE = """institution_id = %(institution)s AND kind = ANY(%(kinds)s::text[])
   AND (%(unit)s::bigint IS NULL OR unit_id = %(unit)s) AND (year = 0 OR year >= %(year)s)"""

COUNTED = f"""
SELECT unit_id, status, level, n FROM workflows_census WHERE {WHOSE}
UNION ALL SELECT unit_id, status, level, n FROM workflows_censuschange WHERE {WHOSE}"""
"""Rows (unit_id, status, level, n) to be added up: of an institution, kinds and a unit (or NULL: all), open or closed since a year."""

RED_BY_DUE = """
SELECT due_on, n FROM workflows_censusofdue WHERE institution_id = %(institution)s AND kind = ANY(%(kinds)s::text[])
UNION ALL SELECT due_on, n FROM workflows_censuschange
 WHERE institution_id = %(institution)s AND kind = ANY(%(kinds)s::text[]) AND due_on IS NOT NULL"""
"""Rows (due_on, n) of red items, to be added up; of all units."""

DAYS = """
SELECT c.day, coalesce(sum(red) FILTER (WHERE kind <> ''), 0), coalesce(sum(yellow) FILTER (WHERE kind <> ''), 0)
  FROM workflows_censusofday c
 WHERE c.institution_id = %(institution)s AND c.day = ANY(%(days)s::date[])
   AND ((c.unit_id IS NULL AND c.kind = '') OR (c.unit_id IS NOT DISTINCT FROM %(unit)s::bigint AND c.kind = ANY(%(kinds)s::text[])))
 GROUP BY c.day HAVING bool_or(c.unit_id IS NULL AND c.kind = '')"""


def days_counted(
    institution_id: int, days: Sequence[date], kinds: Collection[str], unit_id: int | None
) -> dict[date, tuple[int, int]]:
    """Of those days that are counted, how many items were red and yellow when they were over. One statement."""
    given: dict[str, Any] = {
        "institution": institution_id,
        "days": list(days),
        "kinds": list(kinds),
        "unit": unit_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(DAYS, given)
        return {day: (int(red), int(yellow)) for day, red, yellow in cursor.fetchall()}

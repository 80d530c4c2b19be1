"""A crowd of open work items in 2,000 units, written set-based into Duban's migrated tables on top of the laid county.

The patterns are documents that Duban's own doors opened on different days and its own sweep has swept; all others are
copies of their rows under other ids, with a chain of one entry whose digest is computed as `ledger.py` does, so that
`verify_ledger` finds nothing wrong. What a ladder's earlier steps wrote into a pattern's chain is not copied.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from benchmarks.county import AT, County
from organisation.actors import clock_of
from supervision.desk.queries.counting import WEEKS
from supervision.orders.models import SupervisionOrder
from supervision.reports.models import QuarterlyReport
from tests.supervision.county import moment
from workflows import census, ledger
from workflows.deadlines import sweep
from workflows.documents import Document
from workflows.fire import start_many
from workflows.models import Entry, WorkItem

UNITS = int(os.environ.get("BENCHMARK_CROWD_UNITS", "2000"))
SUPERVISORS = 100
"""People of the supervision office, among whom every second order is claimed evenly."""
CHUNK = 100_000
LATE_DAYS = 40
"""Different days on which the orders that are overdue by now were drafted."""
DUE_AT = moment(4, 2, 0, 0)
"""The second at which one item in a hundred falls due, each claimed by one person; nothing is due between AT and then."""


@dataclass(frozen=True)
class Pattern:
    """An opened document whose rows are copied; `head` and `tail` stand around its id in what its entry's digest covers."""

    model: type[Document]
    pk: int
    head: str
    tail: str


def seed(items: int) -> None:
    """So many open items, one a document: half of them reports owed by units, half orders owed by the supervision office,
    of which two in five are overdue."""
    place = County()
    _people(place)
    patterns = _patterns(place)
    first = 1 + max(
        model._base_manager.order_by("-pk").values_list("pk", flat=True)[0]
        for model in (SupervisionOrder, QuarterlyReport)
    )
    for begins in range(0, items, CHUNK):
        with transaction.atomic():
            _copy(patterns, first, begins, min(begins + CHUNK, items))
    # What the bell does every minute: add up what has changed, and count a day that is over, those that a board shows first.
    while census.fold():
        pass
    for _ in range(WEEKS):
        census.close_days(AT)
    with connection.cursor() as cursor:
        for table in ("orders_supervisionorder", "reports_quarterlyreport"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), %s)", [first + items])
        cursor.execute("VACUUM ANALYZE")


def _people(place: County) -> None:
    """2,000 units with a head and a member of staff each, and the people of the supervision office."""
    office = place.actors["checker"].capacities[0]
    copy = {
        "username": "'crowd-' || {role} || n",
        "name": "{role} || n",
        "password": "'!'",
        "is_superuser": "false",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        unit = place.towns[0].pk
        _insert(
            cursor,
            "organisation_unit",
            f"CROSS JOIN generate_series(1, {UNITS}) n WHERE p.id = {unit}",
            {"name_zh": "'第' || n || '单位'", "code": "''", "path": "''"},
        )
        for role, holders in (("head", UNITS), ("unit_staff", UNITS), ("supervisor", SUPERVISORS)):
            named = {name: text.format(role=f"'{role}'") for name, text in copy.items()}
            _insert(
                cursor,
                "organisation_person",
                f"CROSS JOIN generate_series(1, {holders}) n WHERE p.id = {place.actors['checker'].person_id}",
                named,
            )
            where = (
                "(SELECT id FROM organisation_unit WHERE name_zh = '第' || n || '单位') "
                if role != "supervisor"
                else str(office.unit_id)
            )
            _insert(
                cursor, "organisation_post", f"CROSS JOIN generate_series(1, {holders}) n WHERE p.id = {office.post_id}",
                {"role": f"'{role}'", "unit_id": where, "person_id": f"(SELECT id FROM organisation_person WHERE username = 'crowd-{role}' || n)"},
            )  # fmt: skip


def _patterns(place: County) -> dict[str, list[Pattern]]:
    """Orders drafted on many days, one that falls due at DUE_AT, one that is young, and a report."""
    drafted: dict[str, list[datetime]] = {
        "late": [moment(1, 5) + timedelta(days=n) for n in range(LATE_DAYS)], "due": [moment(3, 30)], "young": [AT],
    }  # fmt: skip
    found: dict[str, list[Pattern]] = {}
    for name, instants in drafted.items():
        orders = []
        for number, at in enumerate(instants):
            row = {
                "institution_id": place.institution.pk, "cycle_id": place.cycle.pk, "unit_id": place.town.pk,
                "title": f"pattern {name} {number}", "due_on": date(2026, 6, 1),
            }  # fmt: skip
            orders += start_many(SupervisionOrder, "draft_order", [row], actor=place.actors["drafter"], at=at)
        found[name] = [_pattern(order) for order in orders]
    row = {
        "institution_id": place.institution.pk, "cycle_id": place.cycle.pk, "unit_id": place.towns[0].pk, "period": "2026Q1",
        "title": "2026年第一季度工作目标任务落实情况季报表",
    }  # fmt: skip
    found["report"] = [
        _pattern(report)
        for report in start_many(QuarterlyReport, "open", [row], actor=clock_of(place.institution.pk), at=AT)
    ]
    swept = sweep(AT)
    if swept.set_aside or swept.unfinished:
        raise RuntimeError(f"the patterns could not be swept: {swept.figures()}")
    return found


def _pattern(document: Any) -> Pattern:
    entry = Entry.objects.filter(kind=document.kind(), document_id=document.pk, sequence=1).values(
        *ledger.HEADER
    )[0]
    columns = {
        name: bytes(value) if isinstance(value, memoryview) else value for name, value in entry.items()
    }
    place = ledger.HEADER.index("document_id")
    values = [columns[name] for name in ledger.HEADER]
    head, tail = (ledger.canonical(part).decode() for part in (values[:place], values[place + 1 :]))
    return Pattern(type(document), document.pk, f"{head[:-1]},", f",{tail[1:]}")


PICK = """
CREATE TEMP TABLE pick ON COMMIT DROP AS
WITH unit AS (SELECT array_agg(id ORDER BY id) AS ids FROM organisation_unit WHERE name_zh LIKE '第%%单位'),
office AS (SELECT array_agg(id ORDER BY id) AS ids FROM organisation_person WHERE username LIKE 'crowd-supervisor%%'),
numbered AS (
  SELECT n, n %% 100 AS place, n / 2 AS k FROM generate_series(%(begins)s::int, %(ends)s::int - 1) n)
SELECT n, %(first)s + n AS id, place %% 2 = 1 AS report,
  CASE WHEN place %% 2 = 1 THEN %(report)s WHEN place = 0 THEN %(due)s WHEN place <= 40 THEN (%(late)s::bigint[])[1 + (k / 7) %% %(days)s] ELSE %(young)s END AS pattern,
  unit.ids[1 + k %% array_length(unit.ids, 1)] AS unit,
  CASE WHEN place %% 2 = 0 AND place %% 4 = 0 THEN office.ids[1 + (n / 4) %% array_length(office.ids, 1)] END AS claimant,
  k / array_length(unit.ids, 1) AS turn
  FROM numbered, unit, office"""
"""Which pattern the n-th item is a copy of, in which unit, and claimed by whom. Orders have the even places of a hundred."""


def _copy(patterns: Mapping[str, list[Pattern]], first: int, begins: int, ends: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(PICK, {
            "begins": begins, "ends": ends, "first": first, "report": patterns["report"][0].pk, "due": patterns["due"][0].pk,
            "young": patterns["young"][0].pk, "late": [pattern.pk for pattern in patterns["late"]], "days": LATE_DAYS,
        })  # fmt: skip
        cursor.execute(
            "CREATE TEMP TABLE around (report boolean, pattern bigint, head text, tail text) ON COMMIT DROP"
        )
        for group in patterns.values():
            for pattern in group:
                cursor.execute(
                    "INSERT INTO around VALUES (%s, %s, %s, %s)",
                    [pattern.model is QuarterlyReport, pattern.pk, pattern.head, pattern.tail],
                )
        cursor.execute("ALTER TABLE pick ADD digest bytea")
        cursor.execute(
            "UPDATE pick SET digest = sha256(convert_to(a.head || pick.id || a.tail, 'UTF8')) FROM around a WHERE a.report = pick.report AND a.pattern = pick.pattern"
        )
        cursor.execute("ANALYZE pick")
        for model in (SupervisionOrder, QuarterlyReport):
            _copy_kind(cursor, model)


def _copy_kind(cursor: Any, model: type[Document]) -> None:
    report = model is QuarterlyReport
    join = f"JOIN pick ON pick.report IS {report} AND pick.pattern = "
    of = f"p.document_id WHERE p.kind = '{model.kind()}'"
    title = "p.title || ' ' || pick.n"
    _insert(
        cursor,
        "workflows_entry",
        f"{join}{of} AND p.sequence = 1",
        {"document_id": "pick.id", "digest": "pick.digest", "transaction": "duban_transaction()"},
    )
    _insert(cursor, "workflows_payload", f"{join}{of} AND p.sequence = 1", {"document_id": "pick.id"})
    own = {
        "id": "pick.id",
        "unit_id": "pick.unit",
        "title": title,
        "ledger_sequence": "1",
        "ledger_head": "pick.digest",
    }
    # Each a quarter of its own, in years that no cycle has: a unit has one report on a quarter.
    quarter = (
        {"period": "(1000 + pick.turn / 4) || 'Q' || (1 + pick.turn %% 4)".replace("%%", "%")}
        if report
        else {}
    )
    _insert(cursor, model._meta.db_table, f"{join}p.id", own | quarter)
    _insert(cursor, "workflows_workitem", f"{join}{of} AND p.closed_at IS NULL", {
        "document_id": "pick.id", "unit_id": "pick.unit", "title": title, "claimed_by_id": "pick.claimant",
        "claimed_at": "CASE WHEN pick.claimant IS NOT NULL THEN p.opened_at END", **({"owner_unit_id": "pick.unit"} if report else {}),
    })  # fmt: skip


def _insert(cursor: Any, table: str, source: str, own: Mapping[str, str]) -> None:
    """Copies of this table's rows `p`, with these columns as expressions instead; ids are the database's unless given."""
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    columns = [name for (name,) in cursor.fetchall() if name != "id" or "id" in own]
    values = [own.get(name, f'p."{name}"') for name in columns]
    quoted = ", ".join(f'"{name}"' for name in columns)
    cursor.execute(f"INSERT INTO {table} ({quoted}) SELECT {', '.join(values)} FROM {table} p {source}")


def check(items: int) -> None:
    """Raises RuntimeError unless the crowd is as it should be."""
    open_items = WorkItem.objects.filter(closed_at=None)
    due = open_items.filter(next_step_at=DUE_AT).count()
    if (
        open_items.count() < items
        or due < items // 100
        or open_items.filter(next_step_at__lt=DUE_AT).exists()
    ):
        raise RuntimeError(f"{open_items.count()} items are open, {due} of which fall due together")

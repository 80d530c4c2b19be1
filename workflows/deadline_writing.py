"""The statements that deadlines are kept with: what is due, where items stand on their ladders, and who is told.

Each is of fixed text and takes its rows as JSON, so that a thousand documents cost what one costs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from workflows import ledger, rounds
from workflows.documents import Document, parent_of
from workflows.rows import as_json, literal
from workflows.statements import numbers, rows_of, value_of

# One probe of the index `due_to_step` for each institution. Those with the real clock and those whose clock stands still
# apart, because only a constant lets the planner know how little is due.
BY_INSTITUTION = """
  SELECT w.*, i.id AS institution_id, i.frozen_at FROM organisation_institution i CROSS JOIN LATERAL (
    SELECT w.id, w.kind, w.document_id, w.next_step_at,
           EXISTS (SELECT FROM jsonb_array_elements(w.ladder) WITH ORDINALITY AS s(step, n)
                    WHERE s.n > w.ladder_at AND s.step->>'action' IS NOT NULL AND (s.step->>'at')::timestamptz <= {clock}) AS acts
      FROM workflows_workitem w
     WHERE w.institution_id = i.id AND w.closed_at IS NULL AND w.next_step_at <= {clock} AND w.paused_at IS NULL
       AND (w.retry_at IS NULL OR w.retry_at <= {clock}) AND w.id <> ALL(%(without)s::bigint[])
     ORDER BY w.next_step_at, w.id LIMIT %(limit)s) w
   WHERE {which} AND (%(institution)s::bigint IS NULL OR i.id = %(institution)s)"""

# In turn between institutions, so that none waits for another.
DUE = f"""
SELECT id, kind, document_id, institution_id, frozen_at, acts
  FROM ({BY_INSTITUTION.format(clock="%(at)s::timestamptz", which="i.frozen_at IS NULL")}
 UNION ALL {BY_INSTITUTION.format(clock="i.frozen_at", which="i.frozen_at IS NOT NULL")}) d
 ORDER BY row_number() OVER (PARTITION BY institution_id ORDER BY next_step_at, id), next_step_at, id LIMIT %(limit)s"""

LOCK_PARENTS = """
SELECT p.id FROM {above} p WHERE p.id IN (SELECT d.{column} FROM {table} d WHERE d.id = ANY(%(ids)s::bigint[]))
 ORDER BY p.id FOR UPDATE OF p SKIP LOCKED"""
LOCK = """
SELECT d.id FROM {table} d WHERE d.id = ANY(%(ids)s::bigint[]){free} ORDER BY d.id FOR UPDATE OF d SKIP LOCKED"""
WHOSE_PARENT_IS_FREE = " AND (d.{column} IS NULL OR d.{column} = ANY(%(free)s::bigint[]))"

# Of locked documents, read after the lock: where their chains stand, and their items that have a due step. By index, row
# by row (OFFSET forbids another way): the planner would read a whole table rather than a fiftieth of it.
DUE_ROWS = """
SELECT d.id, d.institution_id, d.state, d.version, d.ledger_sequence, d.ledger_head, {units}
       w.id, w.title, w.duty, w.turn, w.post_role, w.owner_unit_id, w.post_id, w.claimed_by_id, w.opened_at::text, w.due_on, w.lamp, w.ladder_at,
       w.attempts, w.derivation->>'scheme', w.ladder::text
  FROM (SELECT id, (%(clocks)s::timestamptz[])[clock] AS at FROM unnest(%(ids)s::bigint[], %(clock)s::int[]) AS c(id, clock)) c
  CROSS JOIN LATERAL (SELECT * FROM {table} d WHERE d.id = c.id OFFSET 0) d
  JOIN workflows_workitem w ON w.kind = %(kind)s AND w.document_id = d.id
 WHERE w.closed_at IS NULL AND w.paused_at IS NULL AND w.next_step_at <= c.at
 ORDER BY d.id, w.next_step_at, w.id"""

STEP = """
WITH stepped AS (
  UPDATE workflows_workitem w
     SET ladder_at = s.taken, next_step_at = s.next_step_at, lamp = s.lamp, attempts = 0, retry_at = NULL, last_error = ''
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS s(id bigint, before smallint, taken smallint, next_step_at timestamptz, lamp text)
   WHERE w.id = s.id AND w.ladder_at = s.before AND w.closed_at IS NULL RETURNING w.id)
SELECT count(*) FROM stepped"""

REDATE = """
WITH redated AS (
  UPDATE workflows_workitem w
     SET due_on = s.due_on, due_at = s.due_at, derivation = s.derivation, provisional = s.provisional, ladder = s.ladder,
         ladder_at = s.ladder_at, next_step_at = CASE WHEN w.paused_at IS NULL THEN s.next_step_at END, lamp = s.lamp
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS s(id bigint, due_on date, due_at timestamptz, derivation jsonb,
           provisional boolean, ladder jsonb, ladder_at smallint, next_step_at timestamptz, lamp text)
   WHERE w.id = s.id AND w.closed_at IS NULL RETURNING w.id)
SELECT count(*) FROM redated"""

HOLDERS = """
  SELECT o.office, s.person_id FROM offices o CROSS JOIN LATERAL (
    SELECT s.person_id FROM organisation_standing s
     WHERE s.institution_id = o.institution_id AND {post} AND s.begins <= o.day AND (s.ends IS NULL OR s.ends >= o.day) OFFSET 0) s
   WHERE {which}"""

# Whoever may act for the post that day: a seat's own post, else the role in its unit. A claimed item is its claimant's,
# unless that person may no longer act; then it is everybody's again. Each office is looked up once and by index (OFFSET
# forbids to join it), however many items it has and however many people hold it.
PEOPLE = f"""
WITH offices AS (
  SELECT * FROM jsonb_to_recordset(%(offices)s::jsonb) AS o(office int, institution_id bigint, post_role text, unit bigint, place bigint, day date)),
holders AS MATERIALIZED ({
    HOLDERS.format(
        post="s.role = o.post_role AND s.unit_id = o.unit", which="o.place IS NULL AND o.unit IS NOT NULL"
    )
}
  UNION {HOLDERS.format(post="s.role = o.post_role", which="o.place IS NULL AND o.unit IS NULL")}
  UNION {HOLDERS.format(post="s.post_id = o.place", which="o.place IS NOT NULL")}),
told AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(whats)s::jsonb) AS w(what int, kind text, institution_id bigint, about text, rank int, code text,
           suffix text, params jsonb, urgent boolean, at timestamptz, since timestamptz)
    JOIN jsonb_to_recordset(%(rows)s::jsonb) AS r(what int, office int, document_id bigint, title text, claimant bigint) USING (what)),
meant AS (
  SELECT t.*, h.person_id FROM told t JOIN holders h ON h.office = t.office AND h.person_id = t.claimant
  UNION ALL
  SELECT t.*, h.person_id FROM told t JOIN holders h ON h.office = t.office
   WHERE t.claimant IS NULL OR NOT EXISTS (SELECT FROM holders c WHERE c.office = t.office AND c.person_id = t.claimant)),
people AS (
  SELECT DISTINCT ON (m.kind, m.document_id, m.about, m.person_id) m.* FROM meant m
   WHERE m.urgent OR m.since IS NULL OR NOT EXISTS (
           SELECT FROM workflows_notice n WHERE n.kind = m.kind AND n.document_id = m.document_id AND n.person_id = m.person_id
              AND n.code LIKE 'ladder:%%' AND n.params->>'duty' = m.params->>'duty' AND n.at > m.since AND n.at < m.at)
   ORDER BY m.kind, m.document_id, m.about, m.person_id, m.rank DESC)"""

TELL = (
    PEOPLE
    + """,
told_each AS (
INSERT INTO workflows_notice (kind, document_id, institution_id, person_id, key, code, params, title, urgent, at)
SELECT p.kind, p.document_id, p.institution_id, p.person_id, p.kind || ':' || p.document_id || ':' || p.about || ':' || p.suffix || ':' || p.person_id,
       p.code, p.params, p.title, p.urgent, p.at FROM people p
ON CONFLICT (key) DO NOTHING RETURNING id)
SELECT count(*) FROM told_each"""
)

# One notice a person and outage, however many batches it takes: each batch adds its own lines to it.
TELL_OF_OUTAGE = (
    PEOPLE
    + """,
told_once AS (
INSERT INTO workflows_notice AS n (kind, document_id, institution_id, person_id, key, code, params, title, urgent, at)
SELECT 'organisation.institution', p.institution_id, p.institution_id, p.person_id,
       'outage:' || p.institution_id || ':' || %(outage)s::text || ':' || p.person_id, 'outage',
       jsonb_build_object('from', %(outage)s::text, 'to', max(p.at), 'count', count(*), 'items', jsonb_agg(
         jsonb_build_object('kind', p.kind, 'document_id', p.document_id, 'title', p.title, 'code', p.code) || p.params
         ORDER BY p.urgent DESC, p.params->>'due_on', p.document_id)),
       i.name_zh, bool_or(p.urgent), max(p.at)
  FROM people p JOIN organisation_institution i ON i.id = p.institution_id GROUP BY p.institution_id, p.person_id, i.name_zh
ON CONFLICT (key) DO UPDATE
   SET params = excluded.params || jsonb_build_object('count', (n.params->>'count')::int + (excluded.params->>'count')::int,
                                                      'items', n.params->'items' || (excluded.params->'items')),
       urgent = n.urgent OR excluded.urgent, read_at = NULL RETURNING id)
SELECT count(*) FROM told_once"""
)

# An item that somebody else is writing is left to them. The third attempt in a row has ended twice in a dead process:
# from then on the next one waits.
TRYING = """
WITH tried AS (
  SELECT w.id, t.at FROM jsonb_to_recordset(%(rows)s::jsonb) AS t(id bigint, at timestamptz)
    JOIN workflows_workitem w ON w.id = t.id
   WHERE w.closed_at IS NULL AND w.next_step_at <= t.at AND (w.retry_at IS NULL OR w.retry_at <= t.at)
   ORDER BY w.id FOR UPDATE OF w SKIP LOCKED)
UPDATE workflows_workitem w
   SET attempts = w.attempts + 1,
       retry_at = CASE WHEN w.attempts >= 2 THEN tried.at + least(%(first)s * power(2, least(w.attempts, 20)), %(longest)s) * interval '1 second' END
  FROM tried WHERE w.id = tried.id RETURNING w.id"""

SET_ASIDE = """
WITH items AS (
  UPDATE workflows_workitem w SET attempts = w.attempts + %(more)s, last_error = %(error)s,
         retry_at = %(at)s::timestamptz + least(%(first)s * power(2, least(w.attempts + %(more)s - 1, 20)), %(longest)s) * interval '1 second'
   WHERE w.kind = %(kind)s AND w.document_id = %(document)s AND w.closed_at IS NULL AND w.next_step_at <= %(at)s
  RETURNING w.attempts, w.retry_at)
INSERT INTO workflows_finding (kind, document_id, code, params, found_at)
SELECT %(kind)s, %(document)s, 'set_aside', jsonb_build_object('error', %(error)s::text, 'attempts', max(attempts), 'retry_at', max(retry_at)),
       %(at)s FROM items HAVING count(*) > 0
ON CONFLICT (kind, document_id, code) DO UPDATE SET params = excluded.params"""


class Lost(RuntimeError):
    """An item read under its document's lock was not there when it was written: something else writes items."""


class Due(NamedTuple):
    """An item with a step due by its institution's clock (`at`), read without a lock; `acts` when a due step has an action."""

    item_id: int
    kind: str
    document_id: int
    institution_id: int
    at: datetime
    acts: bool


@dataclass(frozen=True, slots=True, eq=False)
class What:
    """What is said, and when: the part that many tellings share.

    Among those with the same `about` a person gets only the one of the highest `rank`; `about` and `suffix` make its key.
    Unless `urgent`, nobody is told who had a ladder's notice of the same duty since `since`.
    """

    kind: str
    institution_id: int
    about: str
    rank: int
    code: str
    suffix: str
    params: Mapping[str, Any]
    urgent: bool
    at: datetime
    day: date
    since: datetime | None = None


class Office(NamedTuple):
    """Whoever stands that day in the one post `place`, else in `post_role` (in `unit`)."""

    institution_id: int
    post_role: str
    unit: int | None
    place: int | None
    day: date


class Telling(NamedTuple):
    """Whom to tell about one document: whoever stands in `post_role` (in `unit`), or in the one post `place`; of these only
    the `claimant`, where there is one who may still act."""

    what: What
    document_id: int
    title: str
    post_role: str
    unit: int | None
    place: int | None = None
    claimant: int | None = None

    @property
    def office(self) -> Office:
        """Who is looked up."""
        return Office(self.what.institution_id, self.post_role, self.unit, self.place, self.what.day)


def due_items(at: datetime, limit: int, *, institution_id: int | None, without: Collection[int]) -> list[Due]:
    """What is due, oldest first, in turn between institutions: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            DUE, {"at": at, "limit": limit, "institution": institution_id, "without": sorted(without)}
        )
        return [
            Due(item, kind, document, institution, frozen_at or at, acts)
            for item, kind, document, institution, frozen_at, acts in cursor.fetchall()
        ]


@cache
def unit_columns(model: type[Document]) -> dict[str, str]:
    """The fields of a kind that its roles read a unit from, with their columns."""
    roles = [*model.lifecycle.roles.values()]
    for state in model.lifecycle.states.values():
        roles += rounds.roles_of(state.round).values() if state.round else ()
    wanted = {role.unit for role in roles if role.unit}
    return {f.attname: f.column for f in model._meta.concrete_fields if f.attname in wanted and f.column}


def lock(model: type[Document], ids: Collection[int]) -> list[int]:
    """Lock what of these nobody holds, the parents first; what is held, or whose parent is, is left out. In order of ids."""
    free_parents, free = _locks(model)
    given = {"ids": numbers(ids)}
    if free_parents:
        given["free"] = numbers(pk for (pk,) in rows_of(free_parents, given))
    return [pk for (pk,) in rows_of(free, given)]


@cache
def _locks(model: type[Document]) -> tuple[str, str]:
    """The statements that lock a kind's parents ("" for one that has none) and its documents."""
    quote, table = connection.ops.quote_name, connection.ops.quote_name(model._meta.db_table)
    if not (above := parent_of(model)):
        return "", LOCK.format(table=table, free="")
    names = {"table": table, "column": quote(f"{model.parent}_id"), "above": quote(above._meta.db_table)}
    return LOCK_PARENTS.format(**names), LOCK.format(table=table, free=WHOSE_PARENT_IS_FREE.format(**names))


def due_rows(
    model: type[Document], units: Mapping[str, str], documents: Sequence[tuple[int, datetime]]
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """Of locked documents, each with its institution's clock, the document's and the item's columns of DUE_ROWS."""
    columns = "".join(f"d.{connection.ops.quote_name(column)}, " for column in units.values())
    sql = DUE_ROWS.format(units=columns, table=connection.ops.quote_name(model._meta.db_table))
    split = 6 + len(units)
    clocks: dict[datetime, int] = {}
    given = {
        "kind": model.kind(), "ids": numbers(pk for pk, _ in documents),
        "clock": numbers(clocks.setdefault(at, len(clocks) + 1) for _, at in documents),
        "clocks": literal([ledger.plain(at) for at in clocks], "timestamptz[]"),
    }  # fmt: skip
    for row in rows_of(sql, given):
        yield row[:split], row[split:]


def step(rows: Sequence[Mapping[str, Any]]) -> None:
    """Move items along their ladders: one statement. Raises Lost."""
    _update(STEP, rows)


def redate(rows: Sequence[Mapping[str, Any]]) -> None:
    """Give items new dates: one statement; a paused one stays without a next step. Raises Lost."""
    _update(REDATE, rows)


def _update(sql: str, rows: Sequence[Mapping[str, Any]]) -> None:
    moved = value_of(sql, {"rows": as_json(rows)})
    if moved != len(rows):
        raise Lost(f"{moved} of {len(rows)} items")


def tell(tellings: Sequence[Telling], *, outage_from: datetime | None = None) -> None:
    """Write the notices: one statement. `outage_from` puts them into one notice a person, of the outage since then."""
    if not tellings:
        return
    offices: dict[Office, int] = {}
    whats: dict[What, int] = {}
    rows = [
        {
            "what": whats.setdefault(t.what, len(whats)), "office": offices.setdefault(t.office, len(offices)),
            "document_id": t.document_id, "title": t.title, "claimant": t.claimant,
        }
        for t in tellings
    ]  # fmt: skip
    given = {
        "rows": as_json(rows),
        "offices": as_json([{"office": n, **o._asdict()} for o, n in offices.items()]),
        "whats": as_json(
            [{"what": n, **{name: getattr(w, name) for name in What.__slots__}} for w, n in whats.items()]
        ),
    }
    if outage_from is None:
        value_of(TELL, given)
    else:
        value_of(TELL_OF_OUTAGE, {**given, "outage": str(ledger.plain(outage_from))})


def trying(items: Sequence[Due], *, first: float, longest: float) -> set[int]:
    """Count an attempt before it is made, so that one that kills its process is counted too. Gives the items to go on with."""
    rows = as_json([{"id": due.item_id, "at": due.at} for due in items])
    with connection.cursor() as cursor:
        cursor.execute(TRYING, {"rows": rows, "first": first, "longest": longest})
        return {row[0] for row in cursor.fetchall()}


def set_aside(
    kind: str, document_id: int, error: str, at: datetime, *, counted: bool, first: float, longest: float
) -> None:
    """Leave a document's due items alone for a while that doubles from `first` to `longest` seconds, and show them.

    `counted` when the attempt has been counted already.
    """
    with connection.cursor() as cursor:
        cursor.execute(SET_ASIDE, {
            "kind": kind, "document": document_id, "error": error, "at": at, "more": 0 if counted else 1, "first": first,
            "longest": longest,
        })  # fmt: skip

"""The auditor: looks at every open document for what should not be, and tells. It mends nothing.

Whatever the engine promises is asked of the rows by other statements than those that keep it, so that a mistake in the
engine becomes an alarm instead of a deadline that nobody misses.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from workflows import census, rerouting, rounds
from workflows.clockwork import AUDIT, SWEEP, THE_CLOCK, beat, clock_fault, minute_of
from workflows.documents import document_kinds, parent_column, parent_of
from workflows.models import Finding, Heartbeat
from workflows.openings import INSTITUTION
from workflows.protection import UNPROTECTED
from workflows.windows import BEYOND, Window, everything, in_turn
from workflows.words import Text

MISSED_AFTER = timedelta(minutes=5)
"""A step due for longer than this, while the sweep is alive, has been missed."""
ALIVE = timedelta(seconds=60)
MOST_OF_EACH = 500
"""Findings of one code: more than this tell an operator nothing new."""
FAULT_WORDS = {
    "nobody_owes": Text("未办结，但无人承担任何待办", "Open, yet nobody owes anything"),
    "left_behind": Text("随上级事项办理，而上级事项已办结", "It goes with its parent, which has come to its end"),
    "no_next_step": Text("待办的下一步时间与其催办阶梯不符", "The item's next step is not the one of its ladder"),
    "no_eligible_person": Text("待办当日无人可以办理", "Nobody may act on the item today"),
    "own_work": Text("有权审定者均经手过此事项", "Everybody who could decide has handled it"),
    "claimant_gone": Text("认领人已无权办理", "Whoever claimed the item may no longer act on it"),
    "step_missed": Text("到期步骤未执行", "A step that was due has not been taken"),
    "set_aside": Text("到期步骤执行出错，已暂缓", "Its due step raises an error and was set aside"),
    "version_differs": Text("版本号与台账条数不符", "The version is not the number of entries in the ledger"),
    "entry_differs": Text("现状与台账末条不符", "It does not stand where its last entry left it"),
    "unknown_state": Text("状态不在生命周期之内", "Its state is not one of its lifecycle"),
    "unknown_kind": Text("待办所属事项类别不存在", "The item is about a kind of document that does not exist"),
    "item_out_of_place": Text("待办与事项现状不符", "The item does not fit where the document stands"),
    "round_out_of_place": Text("会签轮次与事项现状不符", "The round does not fit where the document stands"),
    "round_step_orphaned": Text("会签步骤已不在现行流程中", "The round's step is no longer part of any policy"),
    "seat_without_item": Text("席位没有对应的待办", "A seat has no work item"),
    "unprotected": Text("数据表缺少防篡改触发器", "The table lacks its triggers"),
    "census_differs": Text("统计数与待办实数不符", "The census is not what the items say"),
    "census_behind": Text("统计变动久未汇总", "Changes of the census are not folded in"),
    "opening_failed": Text("定期事项未能按时开启", "What a date opens could not be opened"),
    "clock_went_back": Text("系统时钟回拨，已停止执行到期步骤", "The clock went back; no steps are taken"),
    "clock_leapt": Text("系统时钟跳变或长期停机，须经确认", "The clock leapt ahead, or the system was down for long; confirm"),
}  # fmt: skip
"""What each finding says, by code. Checks of other rooms bring their own words."""


@dataclass(frozen=True)
class Fault:
    """One thing that should not be."""

    kind: str
    document_id: int
    code: str
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        told = ", ".join(f"{name} {value}" for name, value in self.params.items())
        return f"{self.kind} {self.document_id}: {self.code}" + (f" ({told})" if told else "")


Check = Callable[[datetime], Iterable[Fault]]

_checks: dict[str, Check] = {}


def register_check(code: str, words: Text, check: Check) -> None:
    """Another room's check, such as of expired leases. Called once at start-up; all its faults carry `code`."""
    _checks[code] = check
    FAULT_WORDS[code] = words


# Of a window of documents of one kind: those that are open, and what is wrong with each.
DOCUMENTS = """
WITH docs AS MATERIALIZED (
  SELECT d.id, d.state, d.version, d.ledger_sequence, d.ledger_head FROM {table} d WHERE d.state <> ALL(%(final)s) AND d.id BETWEEN %(first)s AND %(last)s),
entries AS (
  SELECT e.document_id, count(DISTINCT e.version) AS versions, max(e.sequence) AS sequence,
         (array_agg(e.to_state ORDER BY e.sequence DESC))[1] AS state, (array_agg(e.version ORDER BY e.sequence DESC))[1] AS version,
         (array_agg(e.digest ORDER BY e.sequence DESC))[1] AS head
    FROM workflows_entry e JOIN docs ON docs.id = e.document_id
   WHERE e.kind = %(kind)s AND e.document_id BETWEEN %(first)s AND %(last)s GROUP BY e.document_id)
SELECT d.id, 'unknown_state', jsonb_build_object('state', d.state) FROM docs d WHERE d.state <> ALL(%(known)s)
UNION ALL
SELECT d.id, 'nobody_owes', jsonb_build_object('state', d.state) FROM docs d WHERE d.state <> ALL(%(with_parent)s) AND NOT EXISTS (
  SELECT FROM workflows_workitem w
   WHERE w.kind = %(kind)s AND w.document_id = d.id AND w.document_id BETWEEN %(first)s AND %(last)s AND w.closed_at IS NULL)
UNION ALL
SELECT d.id, 'version_differs', jsonb_build_object('version', d.version, 'entries', coalesce(e.versions, 0))
  FROM docs d LEFT JOIN entries e ON e.document_id = d.id WHERE e.versions IS DISTINCT FROM d.version
UNION ALL
SELECT d.id, 'entry_differs', jsonb_build_object('state', d.state, 'entry', e.state) FROM docs d LEFT JOIN entries e ON e.document_id = d.id
 WHERE (e.state, e.version, e.sequence, e.head) IS DISTINCT FROM (d.state, d.version, d.ledger_sequence, d.ledger_head)"""

# Of documents that wait with their parent: it must be open, for it is there that somebody owes the next step.
WITH_PARENT = """
SELECT d.id, 'left_behind', jsonb_build_object('state', d.state, 'parent', p.state) FROM {table} d JOIN {above} p ON p.id = d.{column}
 WHERE d.state = ANY(%(with_parent)s) AND d.id BETWEEN %(first)s AND %(last)s AND p.state = ANY(%(ended)s)"""

# Of the open items of a kind: the document must stand where the item says it does.
ITEMS = """
SELECT w.document_id, 'item_out_of_place', jsonb_build_object('duty', w.duty, 'state', w.state, 'stands_in', d.state)
  FROM workflows_workitem w LEFT JOIN {table} d ON d.id = w.document_id AND d.id BETWEEN %(first)s AND %(last)s
 WHERE w.kind = %(kind)s AND w.closed_at IS NULL AND w.document_id BETWEEN %(first)s AND %(last)s
   AND (d.id IS NULL OR d.state = ANY(%(final)s) OR d.state <> w.state)
UNION ALL
SELECT w.document_id, 'no_next_step', jsonb_build_object('duty', w.duty, 'next_step_at', w.next_step_at) FROM workflows_workitem w
 WHERE w.kind = %(kind)s AND w.closed_at IS NULL AND w.document_id BETWEEN %(first)s AND %(last)s
   AND w.next_step_at IS DISTINCT FROM CASE WHEN w.paused_at IS NULL THEN (w.ladder->w.ladder_at::int->>'at')::timestamptz END"""

ROUNDS = """
SELECT r.document_id, 'round_out_of_place', jsonb_build_object('round', r.name, 'stands_in', d.state)
  FROM workflows_round r LEFT JOIN {table} d ON d.id = r.document_id
 WHERE r.kind = %(kind)s AND r.finished IS NULL
   AND NOT EXISTS (SELECT FROM unnest(%(states)s::text[], %(rounds)s::text[]) AS x(state, round) WHERE x.state = d.state AND x.round = r.name)"""

SEATS = """
SELECT r.kind, r.document_id, 'seat_without_item', jsonb_build_object('seat', s.id)
  FROM workflows_seat s JOIN workflows_roundtask t ON t.id = s.task_id JOIN workflows_round r ON r.id = t.process_id
 WHERE s.vote = '' AND NOT (t.finished IS NULL AND r.finished IS NULL AND EXISTS (
   SELECT FROM workflows_workitem w WHERE w.seat_id = s.id AND w.closed_at IS NULL))
UNION ALL
SELECT r.kind, r.document_id, 'round_out_of_place', jsonb_build_object('round', r.name, 'step', t.id)
  FROM workflows_roundtask t JOIN workflows_round r ON r.id = t.process_id WHERE t.finished IS NULL AND r.finished IS NOT NULL"""

# By the index of what is due: what is still due long after it fell due, or after it raised.
DUE = """
SELECT w.kind, w.document_id, CASE WHEN w.attempts > 0 THEN 'set_aside' ELSE 'step_missed' END,
       CASE WHEN w.attempts > 0 THEN jsonb_build_object('error', w.last_error, 'attempts', w.attempts, 'retry_at', w.retry_at)
            ELSE jsonb_build_object('duty', w.duty, 'next_step_at', w.next_step_at) END
  FROM organisation_institution i JOIN workflows_workitem w ON w.institution_id = i.id
 WHERE w.closed_at IS NULL AND w.paused_at IS NULL AND w.next_step_at <= coalesce(i.frozen_at, %(at)s::timestamptz)
   AND (w.last_error <> '' OR w.attempts > 2
        OR (w.attempts = 0 AND %(alive)s AND w.next_step_at <= coalesce(i.frozen_at, %(at)s::timestamptz) - %(bound)s::interval))
 ORDER BY w.next_step_at, w.id LIMIT %(most)s"""

# Kinds of open items, each by a probe of the index of open items that goes on after the one before.
KINDS = """
WITH RECURSIVE kinds AS (
  SELECT (SELECT min(w.kind) FROM workflows_workitem w WHERE w.closed_at IS NULL AND w.seat_id IS NULL) AS kind
  UNION ALL
  SELECT (SELECT min(w.kind) FROM workflows_workitem w WHERE w.closed_at IS NULL AND w.seat_id IS NULL AND w.kind > k.kind)
    FROM kinds k WHERE k.kind IS NOT NULL)
SELECT w.kind, w.document_id, 'unknown_kind', '{}'::jsonb FROM kinds k JOIN workflows_workitem w ON w.kind = k.kind
 WHERE k.kind <> ALL(%(kinds)s) AND w.closed_at IS NULL LIMIT %(most)s"""

EMPTY_SEATS = """
SELECT w.kind, w.document_id, 'no_eligible_person', jsonb_build_object('duty', w.duty, 'role', w.post_role, 'unit', w.owner_unit_id, 'seat', w.seat_id)
  FROM workflows_workitem w JOIN organisation_institution i ON i.id = w.institution_id
 WHERE w.closed_at IS NULL AND w.paused_at IS NULL AND w.post_id IS NOT NULL AND NOT EXISTS (
   SELECT FROM organisation_standing s WHERE s.post_id = w.post_id
      AND s.begins <= (coalesce(i.frozen_at, %(at)s::timestamptz) AT TIME ZONE i.time_zone)::date
      AND (s.ends IS NULL OR s.ends >= (coalesce(i.frozen_at, %(at)s::timestamptz) AT TIME ZONE i.time_zone)::date))
 LIMIT %(most)s"""

VACANT_ITEMS = """
SELECT w.kind, w.document_id, 'no_eligible_person', jsonb_build_object('duty', w.duty, 'role', w.post_role, 'unit', w.owner_unit_id)
  FROM workflows_workitem w WHERE w.institution_id = %(institution)s AND w.post_role = %(role)s AND w.owner_unit_id IS NOT DISTINCT FROM %(unit)s
   AND w.closed_at IS NULL AND w.paused_at IS NULL AND w.claimed_by_id IS NULL AND w.post_id IS NULL LIMIT %(most)s"""

# What is gone from where was looked is removed and what is new is added; what stays keeps its instant.
WRITE = """
WITH found AS (
  SELECT * FROM jsonb_to_recordset(%(found)s::jsonb) AS f(kind text, document_id bigint, code text, params jsonb)),
gone AS (
  DELETE FROM workflows_finding f
   WHERE (f.code = ANY(%(always)s) OR (f.code = ANY(%(windowed)s) AND NOT EXISTS (
           SELECT FROM jsonb_to_recordset(%(elsewhere)s::jsonb) AS e(kind text, first bigint, last bigint)
            WHERE e.kind = f.kind AND f.document_id NOT BETWEEN e.first AND e.last)))
     AND NOT EXISTS (SELECT FROM found WHERE (found.kind, found.document_id, found.code) = (f.kind, f.document_id, f.code)))
INSERT INTO workflows_finding (kind, document_id, code, params, found_at)
SELECT kind, document_id, code, params, %(at)s FROM found
ON CONFLICT (kind, document_id, code) DO UPDATE SET params = excluded.params"""

BY_WINDOW = (
    "unknown_state", "nobody_owes", "left_behind", "version_differs", "entry_differs", "item_out_of_place", "no_next_step", "own_work",
    "census_differs",
)  # fmt: skip
"""What is asked of each document, or institution, by itself."""


def audit(
    at: datetime, windows: Sequence[Window] | None = None, *, institutions: Sequence[int] | None = None
) -> list[Fault]:
    """Look, write down what was found and what is gone, and say that the auditor lives.

    What must be asked of each document by itself is asked of those in `windows` (None: of all), and the census is
    compared with the items of `institutions` (None: of all; else one at most); the rest always of all.
    """
    begun = time.monotonic()
    looked = everything() if windows is None else windows
    faults = find(at, looked, institutions=institutions)
    with transaction.atomic(), connection.cursor() as cursor:
        rows = [
            {"kind": f.kind, "document_id": f.document_id, "code": f.code, "params": f.params} for f in faults
        ]
        elsewhere = [{"kind": w.model.kind(), "first": w.first, "last": w.last} for w in looked]
        if institutions is not None:
            elsewhere += [{"kind": INSTITUTION, "first": pk, "last": pk} for pk in institutions or (-1,)]
        cursor.execute(WRITE, {
            "found": json.dumps(rows, default=str), "at": at, "always": sorted(FAULT_WORDS.keys() - set(BY_WINDOW)),
            "windowed": list(BY_WINDOW), "elsewhere": json.dumps(elsewhere),
        })  # fmt: skip
        standing = dict(Counter(Finding.objects.values_list("code", flat=True)))
        beat(AUDIT, at, {
            "faults": sum(standing.values()), "codes": standing, "seconds": round(time.monotonic() - begun, 3),
            "whole": all((w.first, w.last) == (0, BEYOND) for w in looked),
        })  # fmt: skip
    return faults


def audit_in_turn(at: datetime) -> list[Fault]:
    """The audit of one tick: of a great many documents, those whose turn it is."""
    turn = minute_of(at)
    return audit(at, in_turn(turn), institutions=census.institution_in_turn(turn))


def find(
    at: datetime, windows: Sequence[Window] | None = None, *, institutions: Sequence[int] | None = None
) -> list[Fault]:
    """Everything that should not be; of each code the first MOST_OF_EACH. Writes nothing. Each check is one statement, so
    that nothing can be seen half moved."""
    found: dict[tuple[str, int, str], Fault] = {}
    counted: Counter[str] = Counter()
    for fault in (*_everything(at, everything() if windows is None else windows), *_census(institutions)):
        key = (fault.kind, fault.document_id, fault.code)
        if key not in found and counted[fault.code] < MOST_OF_EACH:
            found[key] = fault
            counted[fault.code] += 1
    return list(found.values())


def _everything(at: datetime, windows: Sequence[Window]) -> Iterator[Fault]:
    for window in windows:
        yield from _of_window(window)
    yield from _rows(SEATS, {})
    for orphan in rounds.orphans():
        yield Fault(orphan.kind, orphan.document_id, "round_step_orphaned", {"step": orphan.step})
    yield from _rows(KINDS, {"kinds": [model.kind() for model in document_kinds()], "most": MOST_OF_EACH})
    beats = {row.component: row for row in Heartbeat.objects.all()}
    yield from _due(at, beats.get(SWEEP))
    yield from _without_people(at)
    for item, kind, document in rerouting.own_work(at, windows):
        yield Fault(kind, document, "own_work", {"item": item})
    if code := clock_fault(beats, at):
        yield Fault(THE_CLOCK, 0, code, {"now": at.isoformat()})
    yield from _unprotected()
    for check in _checks.values():
        yield from check(at)


def _of_window(window: Window) -> Iterator[Fault]:
    model, states = window.model, window.model.lifecycle.states
    given: dict[str, Any] = {
        "kind": model.kind(), "first": window.first, "last": window.last, "known": list(states), "final": [n for n, s in states.items() if s.final],
        "states": [n for n, s in states.items() if s.round], "rounds": [s.round for s in states.values() if s.round],
        "with_parent": [n for n, s in states.items() if s.with_parent],
    }  # fmt: skip
    names, texts = {"table": connection.ops.quote_name(model._meta.db_table)}, [DOCUMENTS, ITEMS, ROUNDS]
    if given["with_parent"] and (above := parent_of(model)):
        texts.append(WITH_PARENT)
        names |= {
            "above": connection.ops.quote_name(above._meta.db_table),
            "column": connection.ops.quote_name(parent_column(model)),
        }
        given["ended"] = [n for n, s in above.lifecycle.states.items() if s.final]
    for sql in texts:
        with connection.cursor() as cursor:
            cursor.execute(sql.format(**names), given)
            for pk, code, params in cursor.fetchall():
                yield Fault(model.kind(), pk, code, _parsed(params))


def _rows(sql: str, given: Mapping[str, Any]) -> Iterator[Fault]:
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        for kind, pk, code, params in cursor.fetchall():
            yield Fault(kind, pk, code, _parsed(params))


def _parsed(params: Any) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = json.loads(params) if isinstance(params, str) else params
    return parsed


def _due(at: datetime, sweep: Heartbeat | None) -> Iterator[Fault]:
    """Steps missed while a sweep is alive (a dead one is an alarm of its own), and documents that raise."""
    alive = sweep is not None and at - sweep.at <= ALIVE and "catching_up_from" not in sweep.detail
    yield from _rows(DUE, {"at": at, "alive": alive, "bound": MISSED_AFTER, "most": MOST_OF_EACH})


def _without_people(at: datetime) -> Iterator[Fault]:
    given = {"at": at, "institution": None, "most": MOST_OF_EACH}
    for institution, role, unit, _day in rerouting.rows(rerouting.VACANT, given):
        yield from _rows(
            VACANT_ITEMS, {"institution": institution, "role": role, "unit": unit, "most": MOST_OF_EACH}
        )
    yield from _rows(EMPTY_SEATS, given)
    for item, kind, document in rerouting.rows(rerouting.CLAIMS, given):
        yield Fault(kind, document, "claimant_gone", {"item": item})


def _census(institutions: Sequence[int] | None) -> Iterator[Fault]:
    if waiting := census.unfolded():
        yield Fault(INSTITUTION, 0, "census_behind", {"changes": waiting})
    off: dict[int, list[tuple[Any, ...]]] = {}
    for pk in (None,) if institutions is None else institutions:
        for difference in census.differences(pk):
            off.setdefault(difference[0], []).append(difference[1:])
    for pk, rows in off.items():
        yield Fault(
            INSTITUTION, pk, "census_differs", {"rows": len(rows), "first": [str(v) for v in rows[0]]}
        )


def _unprotected() -> Iterator[Fault]:
    tables = {model._meta.db_table: model.kind() for model in document_kinds()}
    with connection.cursor() as cursor:
        cursor.execute(UNPROTECTED, [list(tables)])
        for (table,) in cursor.fetchall():
            yield Fault(tables.get(table, table), 0, "unprotected", {"table": table})

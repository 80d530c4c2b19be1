"""The statements that rounds write with: seats, their work items and who is told, each change in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from organisation.actors import Actor
from organisation.models import Post
from organisation.queries import local_day
from workflows import writing
from workflows.models import Round, RoundTask, Seat
from workflows.rows import literal
from workflows.rulebook import Deadline
from workflows.statements import rows_of, value_of
from workflows.words import Text

if TYPE_CHECKING:
    from workflows.round_nodes import Panel

NOTICE_WORDS = {
    "round.open": Text("请您表决：{duty}", "Your vote is asked: {duty}"),
    "round.moved": Text("席位转由您表决：{duty}", "A seat has come to you: {duty}"),
    "round.replaced": Text("您的席位已另行指定他人：{duty}", "Somebody else now has your seat: {duty}"),
    "round.overtaken": Text("结果已定，无需再表决：{duty}", "Decided without your vote: {duty}"),
    "round.withdrawn": Text(
        "事项已另行办理，无需再表决：{duty}", "The matter moved on; no vote is needed: {duty}"
    ),
}
"""What the notices of a round say, by code; `duty` is read out with `duty_text`."""

# The people of a seat: whoever may act for its post that day, or, where it has none, for its role in its unit.
TOLD = """
{name} AS (
  INSERT INTO workflows_notice (kind, document_id, institution_id, person_id, key, code, params, title, urgent, at)
  SELECT DISTINCT %(kind)s::text, %(document)s::bigint, %(institution)s::bigint, s.person_id,
      %(kind)s::text || ':' || %(document)s::bigint || ':seat:' || i.seat_id || ':' || %({code})s::text || ':' || coalesce(i.post_id, 0)
        || ':' || s.person_id,
      %({code})s::text, jsonb_build_object('duty', i.duty) || %(params)s::jsonb, %(title)s::text, false, %(at)s::timestamptz
    FROM {items} i
    JOIN organisation_standing s ON s.institution_id = %(institution)s::bigint
     AND s.begins <= %(day)s::date AND (s.ends IS NULL OR s.ends >= %(day)s::date)
     AND (s.post_id = i.post_id OR (i.post_id IS NULL AND s.role = i.post_role AND (i.owner_unit_id IS NULL OR s.unit_id = i.owner_unit_id)))
   WHERE s.person_id IS DISTINCT FROM %(actor)s::bigint
  ON CONFLICT (key) DO NOTHING)"""

SEATS_OF_POSTS = """
  SELECT DISTINCT s.post_id, s.role, s.unit_id FROM organisation_standing s
   WHERE s.institution_id = %(institution)s::bigint AND s.role = %(post_role)s::text AND (%(unit)s::bigint IS NULL OR s.unit_id = %(unit)s)
     AND s.begins <= %(day)s::date AND (s.ends IS NULL OR s.ends >= %(day)s::date)
   ORDER BY s.post_id"""

ONE_SEAT = "SELECT NULL::bigint AS post_id, %(post_role)s::text AS role, %(unit)s::bigint AS unit_id"

OPEN = """
WITH places AS ({places}),
seats AS (
  INSERT INTO workflows_seat (task_id, role, post_id, vote, opinion)
  SELECT %(task)s::bigint, %(role)s::text, post_id, '', '' FROM places RETURNING id, post_id),
items AS (
  INSERT INTO workflows_workitem (kind, document_id, institution_id, title, number, unit_id, state, duty, turn, role, post_role,
      owner_unit_id, post_id, seat_id, rerouted_from, opened_at, due_on, due_at, original_due_on, derivation, provisional, lamp, ladder,
      ladder_at, next_step_at, closed_how, attempts, last_error)
  SELECT %(kind)s::text, %(document)s::bigint, %(institution)s::bigint, %(title)s::text, %(number)s::text, %(unit_of_document)s::bigint,
      %(state)s::text, %(duty)s::text, (SELECT count(*) FROM workflows_round r
        WHERE r.kind = %(kind)s::text AND r.document_id = %(document)s::bigint AND r.name = %(name)s::text),
      %(role)s::text, p.role, p.unit_id, p.post_id, seats.id, '', %(at)s::timestamptz, %(due_on)s::date, %(due_at)s::timestamptz,
      %(due_on)s::date, %(derivation)s::jsonb, %(provisional)s::boolean, 'green', %(ladder)s::jsonb, 0, %(next_step_at)s::timestamptz,
      '', 0, ''
    FROM seats JOIN places p ON p.post_id IS NOT DISTINCT FROM seats.post_id
  RETURNING seat_id, post_id, post_role, owner_unit_id, duty),
{told}
SELECT i.seat_id, i.post_id, p.person_id FROM items i LEFT JOIN organisation_post p ON p.id = i.post_id ORDER BY i.seat_id"""

CAST = """
WITH seat AS (
  UPDATE workflows_seat SET vote = %(vote)s, opinion = %(opinion)s, voted_by_id = %(actor)s::bigint, voted_at = %(at)s::timestamptz
   WHERE id = %(seat)s::bigint AND vote = '' RETURNING id),
item AS (
  UPDATE workflows_workitem w SET closed_at = %(at)s::timestamptz, closed_by_id = %(actor)s::bigint, closed_how = 'vote', next_step_at = NULL
    FROM seat WHERE w.seat_id = seat.id AND w.closed_at IS NULL)
SELECT count(*) FROM seat"""

OVERTAKEN = """
seats AS (
  UPDATE workflows_seat s SET vote = 'overtaken' FROM steps WHERE s.task_id = steps.id AND s.vote = '' RETURNING s.id),
items AS (
  UPDATE workflows_workitem w SET closed_at = coalesce(w.closed_at, %(at)s::timestamptz), next_step_at = NULL,
         closed_how = CASE WHEN w.closed_at IS NULL THEN 'overtaken' ELSE w.closed_how END
    FROM seats WHERE w.seat_id = seats.id RETURNING w.seat_id, w.post_id, w.post_role, w.owner_unit_id, w.duty),"""

CLOSE_STEP = """
WITH steps AS (
  UPDATE workflows_roundtask SET status = 'DONE', finished = %(at)s::timestamptz, owner_id = %(actor)s::bigint
   WHERE id = %(task)s::bigint RETURNING id),
{overtaken}{told}
SELECT count(*) FROM steps"""

CLOSE_ROUND = """
WITH ending AS (
  UPDATE workflows_roundtask SET status = 'DONE', finished = %(at)s::timestamptz WHERE id = %(task)s::bigint)
UPDATE workflows_round SET status = 'DONE', finished = %(at)s::timestamptz, outcome = %(outcome)s WHERE id = %(round)s::bigint RETURNING 1"""

WITHDRAW = """
WITH rounds AS (
  UPDATE workflows_round SET status = 'CANCELED', finished = %(at)s::timestamptz, outcome = %(by)s
   WHERE kind = %(kind)s::text AND document_id = %(document)s::bigint AND finished IS NULL RETURNING id),
steps AS (
  UPDATE workflows_roundtask t SET status = 'CANCELED', finished = %(at)s::timestamptz, owner_id = %(actor)s::bigint
    FROM rounds WHERE t.process_id = rounds.id AND t.finished IS NULL RETURNING t.id),
{overtaken}{told}
SELECT count(*) FROM rounds"""

MOVE_SEAT = """
WITH seat AS (
  UPDATE workflows_seat SET post_id = %(post)s::bigint WHERE id = %(seat)s::bigint AND vote = '' RETURNING id),
items AS (
  UPDATE workflows_workitem w
     SET post_id = %(post)s::bigint, post_role = %(post_role)s, owner_unit_id = %(unit)s::bigint, claimed_by_id = NULL, claimed_at = NULL
    FROM seat WHERE w.seat_id = seat.id AND w.closed_at IS NULL RETURNING w.seat_id, w.post_id, w.post_role, w.owner_unit_id, w.duty),
before AS (
  SELECT seat.id AS seat_id, %(old)s::bigint AS post_id, '' AS post_role, NULL::bigint AS owner_unit_id, items.duty
    FROM seat JOIN items ON items.seat_id = seat.id),
{told},
{gone}
SELECT count(*) FROM seat"""

_ITEMS = TOLD.format(name="told", items="items", code="code")
_BEFORE = TOLD.format(name="gone", items="before", code="gone")
_CLOSE_STEP = CLOSE_STEP.format(overtaken=OVERTAKEN, told=_ITEMS)
_WITHDRAW = WITHDRAW.format(overtaken=OVERTAKEN, told=_ITEMS)
_MOVE_SEAT = MOVE_SEAT.format(told=_ITEMS, gone=_BEFORE)
_OPEN = {
    each: OPEN.format(places=places, told=_ITEMS)
    for each, places in ((True, SEATS_OF_POSTS), (False, ONE_SEAT))
}


class Lost(RuntimeError):
    """A seat read under the document's lock was gone when it was written: something else writes seats."""


def _told(document: Any, code: str, actor_id: int | None, at: datetime, **params: Any) -> dict[str, Any]:
    return {
        "kind": document.kind(), "document": document.pk, "institution": document.institution_id, "title": document.title, "code": code,
        "params": literal(params, "jsonb"), "actor": actor_id, "at": at, "day": local_day(document.institution_id, at),
    }  # fmt: skip


def duty_of(name: str, step: str) -> str:
    """The duty under which the seats of a step stand in the queue."""
    return f"round:{name}:{step}"


def open_seats(
    document: Any, task: RoundTask, panel: Panel, deadline: Deadline, at: datetime
) -> Sequence[Mapping[str, int | None]]:
    """Open the panel's seats, an item each, and tell their people. Returns seat, post and holder of each."""
    columns = writing.deadline_columns(deadline)
    name = task.process.name
    rows = rows_of(_OPEN[panel.each], {
        **_told(document, "round.open", None, at, due_on=deadline.due_on),
        **columns, "derivation": literal(columns["derivation"], "jsonb"),
        "ladder": literal(columns["ladder"], "jsonb"), "task": task.pk, "name": name,
        "role": panel.role.key, "post_role": panel.role.post, "unit": panel.role.unit_of(document), "number": document.number,
        "unit_of_document": document.unit_id, "state": document.state, "duty": duty_of(name, panel.name),
    })  # fmt: skip
    return [{"seat": seat, "post": post, "holder": holder} for seat, post, holder in rows]


def cast(seat: Seat, vote: str, opinion: str, actor: Actor, at: datetime) -> None:
    """Write one vote and close its work item."""
    given = {"seat": seat.pk, "vote": vote, "opinion": opinion, "actor": actor.person_id, "at": at}
    if value_of(CAST, given) != 1:
        raise Lost(seat.pk)


def close_step(document: Any, task: RoundTask, actor: Actor, at: datetime) -> None:
    """Close a step: whoever has not voted is overtaken and told, their items are closed."""
    value_of(_CLOSE_STEP, {**_told(document, "round.overtaken", actor.person_id, at), "task": task.pk})


def close_round(process: Round, task: RoundTask, outcome: str, at: datetime) -> None:
    """Close the round with its end, before the document takes the step."""
    process.outcome, process.finished = outcome, at
    value_of(CLOSE_ROUND, {"round": process.pk, "task": task.pk, "outcome": outcome, "at": at})


def withdraw(document: Any, by: str, at: datetime) -> int:
    """Close the open round of a document that moved otherwise, with its steps, seats and items. Returns how many there were."""
    told = _told(document, "round.withdrawn", document.moved_by_id, at, by=by)
    return int(value_of(_WITHDRAW, {**told, "by": by}))


def move_seat(document: Any, seat: Seat, to: Post, actor: Actor, at: datetime) -> None:
    """Give an open seat, with its item, to another post; tell whoever may act for the new one, and for the old one."""
    moved = value_of(_MOVE_SEAT, {
        **_told(document, "round.moved", actor.person_id, at), "gone": "round.replaced", "seat": seat.pk,
        "old": seat.post_id, "post": to.pk, "post_role": to.role, "unit": to.unit_id,
    })  # fmt: skip
    if moved != 1:
        raise Lost(seat.pk)

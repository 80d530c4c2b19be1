"""Items that nobody can act on go to the next office up, and come back; claims of people who have gone are released.

An item follows its role, so a change of holder needs nothing here. This is for the days on which the role has no holder
at all, or none with clean hands. Every move stands in the document's chain and is told to whoever gets the item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from organisation.actors import Actor, Capacity, clock_of
from organisation.models import Institution, Unit
from organisation.offices import Office
from organisation.queries import holders_of, local_day, now_of, office_above
from workflows import deadline_writing, rounds
from workflows.deadline_writing import Telling, What
from workflows.documents import Document, model_of
from workflows.fire import note
from workflows.judgement import is_own_work
from workflows.models import WorkItem
from workflows.windows import Window, everything
from workflows.words import Text

CHUNK = 200
"""Documents a transaction."""

NOTICE_WORDS = {
    "rerouted": Text(
        "{role}目前无人在任，待办转由您办理", "Nobody holds {role} at present; the item has come to you"
    ),
    "came_back": Text("已有人在任，待办转回", "The post is held again; the item has come back"),
    "claim_released": Text(
        "认领人已不担任该职务，待办退回",
        "Whoever claimed the item no longer holds the post; it is free again",
    ),
}
"""What the notices of this module say, by code."""

WAITING = "w.closed_at IS NULL AND w.paused_at IS NULL AND w.claimed_by_id IS NULL AND w.post_id IS NULL"

# The offices that owe something, each found by a probe of the index `queue_of_role` that goes on after the one before:
# what it costs follows from how many offices there are, not from how many items.
VACANT = f"""
WITH RECURSIVE roles AS (
  (SELECT w.institution_id, w.post_role FROM workflows_workitem w WHERE {WAITING} ORDER BY w.institution_id, w.post_role LIMIT 1)
  UNION ALL
  SELECT next.institution_id, next.post_role FROM roles r CROSS JOIN LATERAL (
    SELECT w.institution_id, w.post_role FROM workflows_workitem w
     WHERE {WAITING} AND (w.institution_id, w.post_role) > (r.institution_id, r.post_role)
     ORDER BY w.institution_id, w.post_role LIMIT 1) next),
units AS (
  SELECT r.institution_id, r.post_role, (
    SELECT min(w.owner_unit_id) FROM workflows_workitem w
     WHERE {WAITING} AND w.institution_id = r.institution_id AND w.post_role = r.post_role) AS unit FROM roles r
  UNION ALL
  SELECT u.institution_id, u.post_role, (
    SELECT min(w.owner_unit_id) FROM workflows_workitem w
     WHERE {WAITING} AND w.institution_id = u.institution_id AND w.post_role = u.post_role AND w.owner_unit_id > u.unit)
    FROM units u WHERE u.unit IS NOT NULL),
offices AS (
  SELECT institution_id, post_role, unit FROM units WHERE unit IS NOT NULL
  UNION ALL
  SELECT r.institution_id, r.post_role, NULL FROM roles r WHERE (
    SELECT true FROM workflows_workitem w
     WHERE {WAITING} AND w.institution_id = r.institution_id AND w.post_role = r.post_role AND w.owner_unit_id IS NULL LIMIT 1))
SELECT o.institution_id, o.post_role, o.unit, clock.day FROM offices o JOIN organisation_institution i ON i.id = o.institution_id
 CROSS JOIN LATERAL (SELECT (coalesce(i.frozen_at, %(at)s::timestamptz) AT TIME ZONE i.time_zone)::date AS day) clock
 WHERE (%(institution)s::bigint IS NULL OR i.id = %(institution)s) AND NOT EXISTS (
   SELECT FROM organisation_standing s
    WHERE s.institution_id = o.institution_id AND s.role = o.post_role AND (o.unit IS NULL OR s.unit_id = o.unit)
      AND s.begins <= clock.day AND (s.ends IS NULL OR s.ends >= clock.day))"""

HELD_AGAIN = """
SELECT o.institution_id, o.rerouted_from FROM (
  SELECT DISTINCT w.institution_id, w.rerouted_from, split_part(w.rerouted_from, ':', 1) AS role,
         nullif(split_part(w.rerouted_from, ':', 2), '')::bigint AS unit
    FROM workflows_workitem w WHERE w.closed_at IS NULL AND w.rerouted_from <> '' AND w.claimed_by_id IS NULL) o
  JOIN organisation_institution i ON i.id = o.institution_id
 CROSS JOIN LATERAL (SELECT (coalesce(i.frozen_at, %(at)s::timestamptz) AT TIME ZONE i.time_zone)::date AS day) clock
 WHERE (%(institution)s::bigint IS NULL OR i.id = %(institution)s) AND EXISTS (
   SELECT FROM organisation_standing s
    WHERE s.institution_id = o.institution_id AND s.role = o.role AND (o.unit IS NULL OR s.unit_id = o.unit)
      AND s.begins <= clock.day AND (s.ends IS NULL OR s.ends >= clock.day))"""

CLAIMS = """
SELECT w.id, w.kind, w.document_id FROM workflows_workitem w JOIN organisation_institution i ON i.id = w.institution_id
 WHERE w.claimed_by_id IS NOT NULL AND w.closed_at IS NULL AND (%(institution)s::bigint IS NULL OR i.id = %(institution)s) AND NOT EXISTS (
   SELECT FROM organisation_standing s
    WHERE s.person_id = w.claimed_by_id AND s.institution_id = w.institution_id
      AND CASE WHEN w.post_id IS NOT NULL THEN s.post_id = w.post_id
               ELSE s.role = w.post_role AND (w.owner_unit_id IS NULL OR s.unit_id = w.owner_unit_id) END
      AND s.begins <= (coalesce(i.frozen_at, %(at)s::timestamptz) AT TIME ZONE i.time_zone)::date
      AND (s.ends IS NULL OR s.ends >= (coalesce(i.frozen_at, %(at)s::timestamptz) AT TIME ZONE i.time_zone)::date))"""

# Items of one kind that only somebody with clean hands may decide, where everybody in the office has handled the document.
OWN_WORK = """
WITH staff AS MATERIALIZED (
  SELECT s.institution_id, s.role, place.unit, s.person_id, s.holder_id
    FROM organisation_standing s JOIN organisation_institution i ON i.id = s.institution_id
    CROSS JOIN LATERAL (SELECT (coalesce(i.frozen_at, %(at)s::timestamptz) AT TIME ZONE i.time_zone)::date AS day) clock
    CROSS JOIN LATERAL (VALUES (s.unit_id), (0)) place(unit)
   WHERE s.begins <= clock.day AND (s.ends IS NULL OR s.ends >= clock.day))
SELECT w.id, w.kind, w.document_id FROM workflows_workitem w JOIN {table} d ON d.id = w.document_id
 WHERE w.kind = %(kind)s AND w.document_id BETWEEN %(first)s AND %(last)s AND d.id BETWEEN %(first)s AND %(last)s
   AND w.closed_at IS NULL AND w.paused_at IS NULL AND w.claimed_by_id IS NULL AND w.post_id IS NULL
   AND (%(institution)s::bigint IS NULL OR w.institution_id = %(institution)s)
   AND (w.state, w.role) IN (SELECT * FROM unnest(%(states)s::text[], %(roles)s::text[]))
   AND EXISTS (SELECT FROM staff s WHERE (s.institution_id, s.role, s.unit) = (w.institution_id, w.post_role, coalesce(w.owner_unit_id, 0)))
   AND NOT EXISTS (SELECT FROM staff s WHERE (s.institution_id, s.role, s.unit) = (w.institution_id, w.post_role, coalesce(w.owner_unit_id, 0))
                      AND s.person_id <> ALL(d.workers) AND s.holder_id <> ALL(d.workers) AND NOT EXISTS (
                        SELECT FROM unnest(d.signers) AS signature
                         WHERE regexp_replace(signature, ':[^:]*$', '') <> s.role
                           AND substring(signature FROM '[^:]*$')::bigint IN (s.person_id, s.holder_id)))"""


@dataclass
class Rerouted:
    """How many items went up, came back, and lost a claimant, and how many seats followed their posts; `stuck` are items
    for which there is no office at all."""

    up: int = 0
    back: int = 0
    released: int = 0
    reseated: int = 0
    stuck: int = 0


def origin_of(rerouted_from: str) -> tuple[str, int | None]:
    """The role and unit (None: the whole institution) that an item was rerouted from."""
    role, _, unit = rerouted_from.partition(":")
    return role, int(unit) if unit else None


def reroute(
    at: datetime, *, institution_id: int | None = None, windows: Sequence[Window] | None = None
) -> Rerouted:
    """Release claims of people who may no longer act, bring items back to offices that can act again, and send up what
    nobody can act on: the post is vacant, or whoever holds it may not decide their own work (looked for in `windows`, or
    everywhere). Each institution by its own clock.

    An item that somebody of the other office has claimed stays with them: it is being worked on.
    """
    done, offices = Rerouted(), Offices()
    for institution in Institution.objects.filter(
        Q() if institution_id is None else Q(pk=institution_id)
    ).order_by("pk"):
        done.reseated += len(rounds.reseat(now_of(institution, at), institution).moved)
    given = {"at": at, "institution": institution_id}
    for kind, items in _by_kind(rows(CLAIMS, given)).items():
        done.released += _each(kind, items, at, _release)
    for institution, origin in rows(HELD_AGAIN, given):
        waiting = WorkItem.objects.filter(
            institution_id=institution, rerouted_from=origin, claimed_by__isnull=True
        )
        for kind, items in _by_kind(_open(waiting)).items():
            done.back += _each(kind, items, at, _bring_back)
    movable = [
        *_vacant(given, offices, done),
        *own_work(at, windows or everything(), institution_id=institution_id),
    ]
    for kind, items in _by_kind(movable).items():
        moved = _each(kind, items, at, partial(_send_up, offices=offices))
        done.up += moved
        done.stuck += len(items) - moved
    return done


def _vacant(given: Mapping[str, Any], offices: Offices, done: Rerouted) -> Iterator[tuple[int, str, int]]:
    """Items of vacant offices that have an office above them; the others are counted as stuck."""
    for institution, role, unit, day in rows(VACANT, given):
        items = WorkItem.objects.filter(
            institution_id=institution, post_role=role, owner_unit=unit, post__isnull=True, paused_at__isnull=True,
            claimed_by__isnull=True, closed_at__isnull=True,
        )  # fmt: skip
        columns = ("pk", "kind", "document_id", "unit_id", "rerouted_from")
        for pk, kind, document, about, rerouted_from in items.order_by("pk").values_list(*columns):
            first_role, first_unit = origin_of(rerouted_from) if rerouted_from else (role, unit)
            if offices.above(first_role, first_unit or about, day, ()) is None:
                done.stuck += 1
            else:
                yield pk, kind, document


def own_work(
    at: datetime, windows: Iterable[Window], *, institution_id: int | None = None
) -> Iterator[tuple[int, str, int]]:
    """Unclaimed items (id, kind, document) that nobody of their office may decide, having handled the document: one
    statement for each window."""
    for window in windows:
        model = window.model
        deciding = [
            (name, duty.role.key)
            for name, state in model.lifecycle.states.items()
            for duty in state.duties
            if decides(model, name, duty.role.key)
        ]
        if deciding:
            states, roles = (list(column) for column in zip(*deciding, strict=True))
            given = {
                "at": at, "institution": institution_id, "kind": model.kind(), "states": states, "roles": roles, "first": window.first,
                "last": window.last,
            }  # fmt: skip
            yield from rows(OWN_WORK.format(table=model._meta.db_table), given)


def decides(model: type[Document], state: str, role: str) -> bool:
    """Whether all this role can do in this state is to decide, so that it must not be their own work."""
    steps = [step for step in model.lifecycle.leaving(state) if step.by.key == role]
    return bool(steps) and all(step.decides for step in steps)


def rows(sql: str, given: Mapping[str, Any]) -> list[Any]:
    """One of this module's statements, run."""
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return list(cursor.fetchall())


def _open(items: Any) -> Any:
    return items.filter(closed_at__isnull=True).order_by("pk").values_list("pk", "kind", "document_id")


def _by_kind(rows: Any) -> dict[str, dict[int, int]]:
    """kind -> {item: document}"""
    kinds: dict[str, dict[int, int]] = defaultdict(dict)
    for item, kind, document in rows:
        kinds[kind][item] = document
    return kinds


def _each(kind: str, items: Mapping[int, int], at: datetime, move: Any) -> int:
    """Do `move` to each item under its document's lock; how many it moved. What somebody holds is left to the next time."""
    moved, pks = 0, list(items)
    for start in range(0, len(pks), CHUNK):
        chunk = pks[start : start + CHUNK]
        with transaction.atomic():
            locked = deadline_writing.lock(model_of(kind), {items[pk] for pk in chunk})
            documents = model_of(kind)._base_manager.in_bulk(locked)
            fresh = WorkItem.objects.filter(pk__in=chunk, document_id__in=locked, closed_at__isnull=True)
            tellings: list[Telling] = []
            for item in fresh.select_related("institution", "claimed_by").order_by("document_id", "pk"):
                told = move(item, documents[item.document_id], item.institution.frozen_at or at)
                if told is not None:
                    tellings.append(told)
                    moved += 1
            deadline_writing.tell(tellings)
    return moved


def _release(item: WorkItem, document: Any, at: datetime) -> Telling | None:
    person = item.claimed_by
    day = local_day(item.institution_id, at)
    if person is None or _may_act(item, person.pk, day):
        return None
    WorkItem.objects.filter(pk=item.pk).update(claimed_by=None, claimed_at=None)
    content = {"item": item.pk, "duty": item.duty, "turn": item.turn, "of": person.pk, "of_name": person.name}
    link = note(document, "claim_released", actor=clock_of(item.institution_id), at=at, content=content)
    return _telling(item, "claim_released", {"who": person.name}, at, day, link.sequence)


def _may_act(item: WorkItem, person_id: int, day: date) -> bool:
    rows = holders_of(item.post_role, item.owner_unit_id, day, institution_id=item.institution_id)
    if item.post_id is not None:
        rows = rows.filter(post_id=item.post_id)
    return rows.filter(person_id=person_id).exists()


def _bring_back(item: WorkItem, document: Any, at: datetime) -> Telling | None:
    role, unit = origin_of(item.rerouted_from)
    day = local_day(item.institution_id, at)
    if not item.rerouted_from or item.claimed_by_id or not _can_act(item, document, role, unit, day):
        return None
    return _hand_to(item, document, role, unit, "", "came_back", at, day)


def _send_up(item: WorkItem, document: Any, at: datetime, *, offices: Offices) -> Telling | None:
    """To the next office above the one that owed it first, however often it was sent on since."""
    day = local_day(item.institution_id, at)
    if item.claimed_by_id or _can_act(item, document, item.post_role, item.owner_unit_id, day):
        return None
    origin = item.rerouted_from or f"{item.post_role}:{item.owner_unit_id or ''}"
    role, unit = origin_of(origin)
    bound = _bound(document) if _decides(item, document) else ()
    office = offices.above(role, unit or item.unit_id, day, bound)
    if office is None or (office.role, office.unit_id) == (item.post_role, item.owner_unit_id):
        return None
    return _hand_to(item, document, office.role, office.unit_id, origin, "rerouted", at, day)


def _decides(item: WorkItem, document: Any) -> bool:
    return decides(type(document), document.state, item.role)


def _can_act(item: WorkItem, document: Any, role: str, unit: int | None, day: date) -> bool:
    """Whether anybody of this office may take the item up that day."""
    rows = holders_of(role, unit, day, institution_id=item.institution_id)
    if not _decides(item, document):
        return rows.exists()
    return any(
        not is_own_work(
            Actor(row.person_id, item.institution_id, ""),
            Capacity(row.post_id, row.role, row.unit_id, row.holder_id, row.via),
            document,
        )
        for row in rows
    )


def _bound(document: Any) -> tuple[int, ...]:
    """The people who may not decide on this document in another office, because they have handled or signed it."""
    return tuple({*document.workers, *(int(signature.rpartition(":")[2]) for signature in document.signers)})


class Offices:
    """The next offices up, each looked up once a pass."""

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], Office | None] = {}

    def above(self, role: str, unit: int, day: date, without: tuple[int, ...]) -> Office | None:
        """See `organisation.queries.office_above`."""
        key = (role, unit, day, without)
        if key not in self.known:
            self.known[key] = office_above(role, Unit.objects.get(pk=unit), day, without=without)
        return self.known[key]


def _hand_to(
    item: WorkItem,
    document: Any,
    role: str,
    unit: int | None,
    origin: str,
    step: str,
    at: datetime,
    day: date,
) -> Telling:
    content = {
        "item": item.pk, "duty": item.duty, "turn": item.turn, "from_role": item.post_role, "from_unit": item.owner_unit_id,
        "to_role": role, "to_unit": unit,
    }  # fmt: skip
    was = item.post_role
    item.post_role, item.owner_unit_id, item.rerouted_from = role, unit, origin
    item.save(update_fields=["post_role", "owner_unit", "rerouted_from"])
    link = note(document, step, actor=clock_of(item.institution_id), at=at, content=content)
    return _telling(item, step, {"role": was, "unit": content["from_unit"]}, at, day, link.sequence)


def _telling(
    item: WorkItem, code: str, params: Mapping[str, Any], at: datetime, day: date, sequence: int
) -> Telling:
    what = What(
        kind=item.kind, institution_id=item.institution_id, about=f"{item.duty}:{item.turn}", rank=0, code=code, suffix=str(sequence),
        params={"duty": item.duty, **params}, urgent=False, at=at, day=day,
    )  # fmt: skip
    return Telling(what, item.document_id, item.title, item.post_role, item.owner_unit_id, item.post_id)

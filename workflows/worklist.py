"""Work items: the queue, and what people do with an item besides deciding it: open, claim, release, hand over.

Every change locks the document first (the lock order of the house) and stands in the document's chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from organisation.actors import Actor, Capacity
from organisation.models import Person, Post, Standing, Unit
from organisation.queries import local_day
from workflows.documents import Refused, model_of
from workflows.fire import note
from workflows.judgement import is_own_work
from workflows.lifecycle import lifecycle_of
from workflows.models import Notice, RoundTask, Seat, WorkItem
from workflows.reading import reading
from workflows.roles import Role
from workflows.taking import take
from workflows.words import Reason, Text

ITEM_CLOSED = Text(
    "该待办已于 {when} 由 {who} 办理（{how}）。", "This item was closed by {who} on {when} ({how})."
)
ITEM_CLAIMED = Text("该待办已由 {who} 于 {when} 认领。", "{who} claimed this item on {when}.")
NOT_ELIGIBLE = Text("该待办由{role}办理。", "This item is for {role}.")
NOT_THEIRS = Text(
    "{who} 当日不担任此职务，不能转办给其本人。",
    "{who} does not hold this post today, so the item cannot be handed over.",
)
THEIR_OWN_WORK = Text(
    "{who} 经手过此事项，不得由其审定。", "{who} has handled this matter and may not decide it."
)
NOT_CLAIMED = Text(
    "该待办未被您认领，无需退回。", "You have not claimed this item, so there is nothing to release."
)
REASON_NEEDED = Text("转办须写明理由。", "Say why you are handing it over.")


def eligible(item: WorkItem, role: Role, actor: Actor, document: Any) -> tuple[Capacity, ...]:
    """The capacities in which this actor may take the item up: its post for a seat, else the role on the document."""
    if item.post_id is not None:
        return tuple(c for c in actor.capacities if c.post_id == item.post_id)
    if item.rerouted_from:
        unit = item.owner_unit_id
        return tuple(c for c in actor.capacities if c.role == item.post_role and unit in (None, c.unit_id))
    return role.capacities(actor, document)


@dataclass(frozen=True)
class Taken:
    """An item and its document, both locked, with the role that owes it."""

    item: WorkItem
    document: Any
    role: Role

    @property
    def decides(self) -> bool:
        """Whether whoever owes this item can only decide: then one's own work is refused from the start."""
        steps = [s for s in self.document.lifecycle.leaving(self.document.state) if s.by.key == self.role.key]
        return self.item.seat_id is not None or (bool(steps) and all(step.decides for step in steps))


def take_item(item_id: int, actor: Actor) -> Taken:
    """Lock the item's document, then the item. Raises WorkItem.DoesNotExist, or Refused when it is closed."""
    kind, pk = WorkItem.objects.values_list("kind", "document_id").get(
        pk=item_id, institution_id=actor.institution_id
    )
    model = model_of(kind)
    document = take(model, [pk], actor, None)[0]
    item = (
        WorkItem.objects.select_for_update(of=("self",))
        .select_related("closed_by", "claimed_by")
        .get(pk=item_id)
    )
    if item.closed_at:
        step = lifecycle_of(model).steps.get(item.closed_how)
        how = step.text if step else item.closed_how
        raise Refused(
            Reason(
                "item_closed", ITEM_CLOSED, {"who": item.closed_by or "—", "when": item.closed_at, "how": how}
            )
        )
    return Taken(item, document, role_of(item))


def role_of(item: WorkItem) -> Role:
    """The role that owes an item; a seat's is known by its key among the round's."""
    lifecycle = lifecycle_of(model_of(item.kind))
    if item.role in lifecycle.roles:
        return lifecycle.roles[item.role]
    from organisation.roles import PostRole

    label = str(PostRole(item.post_role).label)
    return Role(item.role, Text(label, label), item.post_role)


def _capacity(taken: Taken, actor: Actor) -> Capacity:
    """In which capacity the actor may take this item up. Raises Refused."""
    capacities = eligible(taken.item, taken.role, actor, taken.document)
    if not capacities:
        raise Refused(Reason("not_eligible", NOT_ELIGIBLE, {"role": taken.role.text}))
    if taken.decides:
        clean = [c for c in capacities if not is_own_work(actor, c, taken.document)]
        if not clean:
            raise Refused(Reason("their_own_work", THEIR_OWN_WORK, {"who": actor.name}))
        return clean[0]
    return capacities[0]


def open_item(item_id: int, *, actor: Actor, at: datetime) -> bool:
    """Note that an eligible person has first opened the item; from then on the submitter can no longer recall.

    True when this was the first opening. Someone who cannot take it up opens nothing.
    """
    with transaction.atomic():
        if WorkItem.objects.filter(pk=item_id, first_opened_at__isnull=False).exists():
            return False
        try:
            taken = take_item(item_id, actor)
            capacity = _capacity(taken, actor)
        except Refused:
            return False
        if taken.item.first_opened_at:
            return False
        WorkItem.objects.filter(pk=item_id).update(first_opened_at=at, first_opened_by=actor.person_id)
        note(
            taken.document,
            "open_item",
            actor=actor,
            at=at,
            capacity=capacity,
            content={"item": item_id, "duty": taken.item.duty},
        )
    return True


def claim(item_id: int, *, actor: Actor, at: datetime) -> WorkItem:
    """Take a role's item into one's own queue. Raises Refused: closed, claimed by another, not eligible, own work."""
    with transaction.atomic():
        taken = take_item(item_id, actor)
        item, capacity = taken.item, _capacity(taken, actor)
        if item.claimed_by_id == actor.person_id:
            return item
        if item.claimed_by_id is not None:
            raise Refused(
                Reason("item_claimed", ITEM_CLAIMED, {"who": item.claimed_by, "when": item.claimed_at})
            )
        item.claimed_by_id, item.claimed_at = actor.person_id, at
        _save_claim(item, actor, at)
        note(
            taken.document,
            "claim",
            actor=actor,
            at=at,
            capacity=capacity,
            content={"item": item.pk, "duty": item.duty},
        )
    return item


def _save_claim(item: WorkItem, actor: Actor, at: datetime) -> None:
    """Whoever disposes of an item has opened it, from whatever list: it can no longer be recalled."""
    if item.first_opened_at is None:
        item.first_opened_by_id, item.first_opened_at = actor.person_id, at
    item.save(update_fields=["claimed_by", "claimed_at", "first_opened_by", "first_opened_at"])


def release(item_id: int, *, actor: Actor, at: datetime) -> WorkItem:
    """Give a claimed item back to everyone of its role. Raises Refused when it is not claimed by this person."""
    with transaction.atomic():
        taken = take_item(item_id, actor)
        item = taken.item
        if item.claimed_by_id is None or item.claimed_by_id != actor.person_id:
            raise Refused(Reason("not_claimed", NOT_CLAIMED))
        item.claimed_by, item.claimed_at = None, None
        item.save(update_fields=["claimed_by", "claimed_at"])
        note(taken.document, "release", actor=actor, at=at, content={"item": item.pk, "duty": item.duty})
    return item


def hand_over(item_id: int, to: Person, *, reason: str, actor: Actor, at: datetime) -> WorkItem:
    """Give an item to a named colleague who holds the same role that day (转办). The colleague is told.

    Raises Refused: no reason given, claimed by somebody else, the colleague does not hold the post or may not decide.
    """
    with transaction.atomic():
        taken = take_item(item_id, actor)
        item, capacity = taken.item, _capacity(taken, actor)
        if not reason.strip():
            raise Refused(Reason("given.reason", REASON_NEEDED))
        if item.claimed_by_id not in (None, actor.person_id):
            raise Refused(
                Reason("item_claimed", ITEM_CLAIMED, {"who": item.claimed_by, "when": item.claimed_at})
            )
        _require_fit(taken, to, at)
        item.claimed_by, item.claimed_at = to, at
        _save_claim(item, actor, at)
        content = {"item": item.pk, "duty": item.duty, "to": to.pk, "to_name": to.name, "reason": reason}
        link = note(taken.document, "hand_over", actor=actor, at=at, capacity=capacity, content=content)
        Notice.objects.create(
            institution_id=item.institution_id, kind=item.kind, document_id=item.document_id, person=to, code="hand_over",
            key=f"{item.kind}:{item.document_id}:{link.sequence}:{to.pk}", title=item.title, at=at,
            params={"from": actor.name, "reason": reason},
        )  # fmt: skip
    return item


def _require_fit(taken: Taken, person: Person, at: datetime) -> None:
    """Whether a colleague may be given the item. Raises Refused."""
    posts = candidates(taken.item, taken.role, taken.document, at).filter(person=person)
    rows = posts.values_list("post_id", "role", "unit_id", "holder_id", "via")
    colleague = Actor(person.pk, person.institution_id, person.name, tuple(Capacity(*row) for row in rows))
    if not colleague.capacities:
        raise Refused(Reason("not_theirs", NOT_THEIRS, {"who": person.name}))
    if taken.decides and all(is_own_work(colleague, c, taken.document) for c in colleague.capacities):
        raise Refused(Reason("their_own_work", THEIR_OWN_WORK, {"who": person.name}))


def candidates(item: WorkItem, role: Role, document: Any, at: datetime) -> Any:
    """Who may be given this item on that day: rows of `Standing`."""
    rows = Standing.objects.on(local_day(item.institution_id, at)).filter(institution_id=item.institution_id)
    if item.post_id is not None:
        return rows.filter(post_id=item.post_id)
    unit = item.owner_unit_id if item.rerouted_from else role.unit_of(document)
    rows = rows.filter(role=item.post_role)
    return rows if unit is None else rows.filter(unit_id=unit)


OPEN_ITEMS = """
SELECT {columns} FROM workflows_workitem w
  LEFT JOIN organisation_person claimant ON claimant.id = w.claimed_by_id
  LEFT JOIN organisation_unit owner ON owner.id = w.owner_unit_id
  LEFT JOIN organisation_post post ON post.id = w.post_id
  LEFT JOIN organisation_person holder ON holder.id = post.person_id
  LEFT JOIN workflows_seat seat ON seat.id = w.seat_id
  LEFT JOIN workflows_roundtask task ON task.id = seat.task_id
 WHERE w.kind = %(kind)s::text AND w.document_id = %(document)s::bigint AND w.closed_at IS NULL ORDER BY w.due_at, w.id"""


def open_items(document: Any) -> list[WorkItem]:
    """The document's open items, the most pressing first, each with whoever is to act on it: one statement."""
    text = reading(
        OPEN_ITEMS,
        w=WorkItem,
        claimant=Person,
        owner=Unit,
        post=Post,
        holder=Person,
        seat=Seat,
        task=RoundTask,
    )
    found = []
    for item, claimant, owner, post, holder, seat, task in text.rows(
        {"kind": document.kind(), "document": document.pk}
    ):
        if post:
            post.person = holder
        if seat:
            seat.task = task
        item.claimed_by, item.owner_unit, item.post, item.seat = claimant, owner, post, seat
        found.append(item)
    return found


SOURCES = """
  (SELECT {columns} FROM workflows_workitem w
    WHERE w.claimed_by_id = %(person)s AND w.closed_at IS NULL AND w.paused_at IS NULL {narrow}
    ORDER BY w.due_at, w.id LIMIT %(limit)s)
  UNION ALL
  (SELECT w.* FROM unnest(%(roles)s::text[], %(units)s::bigint[]) AS c(role, unit) CROSS JOIN LATERAL (
     SELECT {columns} FROM workflows_workitem w
      WHERE w.institution_id = %(institution)s AND w.post_role = c.role AND w.owner_unit_id = c.unit AND w.closed_at IS NULL
        AND w.paused_at IS NULL AND w.claimed_by_id IS NULL AND w.post_id IS NULL {narrow}
      ORDER BY w.due_at, w.id LIMIT %(limit)s) w)
  UNION ALL
  (SELECT w.* FROM unnest(%(offices)s::text[]) AS c(role) CROSS JOIN LATERAL (
     SELECT {columns} FROM workflows_workitem w
      WHERE w.institution_id = %(institution)s AND w.post_role = c.role AND w.owner_unit_id IS NULL AND w.closed_at IS NULL
        AND w.paused_at IS NULL AND w.claimed_by_id IS NULL AND w.post_id IS NULL {narrow}
      ORDER BY w.owner_unit_id, w.due_at, w.id LIMIT %(limit)s) w)
  UNION ALL
  (SELECT w.* FROM unnest(%(posts)s::bigint[]) AS c(post) CROSS JOIN LATERAL (
     SELECT {columns} FROM workflows_workitem w
      WHERE w.post_id = c.post AND w.closed_at IS NULL AND w.paused_at IS NULL AND w.claimed_by_id IS NULL {narrow}
      ORDER BY w.due_at, w.id LIMIT %(limit)s) w)"""

# Names and files are looked up for the rows of the page alone, after the sources are merged and cut.
PAGE = (
    """
WITH q AS MATERIALIZED (SELECT * FROM ("""
    + SOURCES.replace("{columns}", "w.*")
    + """) merged ORDER BY due_at, id LIMIT %(limit)s)
SELECT q.*, u.name_zh AS unit_name_zh, u.name_en AS unit_name_en, p.name AS claimed_name,
  (SELECT count(*) FROM workflows_attachment a
    WHERE a.kind = q.kind AND a.document_id = q.document_id AND a.removed_at IS NULL) AS files
  FROM q JOIN organisation_unit u ON u.id = q.unit_id LEFT JOIN organisation_person p ON p.id = q.claimed_by_id
 ORDER BY q.due_at, q.id"""
)

COUNTS = (
    "SELECT lamp, claimable, count(*) FROM ("
    + SOURCES.replace("{columns}", "w.lamp, w.claimed_by_id IS NULL AND w.post_id IS NULL AS claimable")
    + ") counted GROUP BY lamp, claimable"
)

# "owner_unit_id IS NULL" tells the planner nothing about order: an office's items come in the index's order, hence without
# being sorted all, only when the (empty) owner is named first.

NARROW = """ AND (%(lamp)s::text IS NULL OR w.lamp = %(lamp)s) AND (%(kind)s::text IS NULL OR w.kind = %(kind)s)
    AND (%(unit)s::bigint IS NULL OR w.unit_id = %(unit)s) AND (%(text)s::text IS NULL OR w.title ILIKE %(text)s OR w.number ILIKE %(text)s)"""

MOST_COUNTED = 1000
"""Counts on tabs stop here and read "999+": counting a whole backlog is what makes queue pages slow."""


@dataclass(frozen=True)
class Narrowing:
    """Filters of the queue page; `which` is "mine" (claimed or seated), "claimable" or "all"."""

    lamp: str | None = None
    kind: str | None = None
    unit: int | None = None
    text: str = ""
    which: str = "all"


def _parameters(actor: Actor, narrowing: Narrowing) -> dict[str, Any]:
    pairs = sorted({(c.role, c.unit_id) for c in actor.capacities if c.unit_id is not None})
    everything = narrowing.which == "all"
    role_items = everything or narrowing.which == "claimable"
    escaped = narrowing.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "person": actor.person_id if everything or narrowing.which == "mine" else None,
        "institution": actor.institution_id,
        "roles": [role for role, _ in pairs] if role_items else [],
        "units": [unit for _, unit in pairs] if role_items else [],
        "offices": sorted({c.role for c in actor.capacities}) if role_items else [],
        "posts": sorted({c.post_id for c in actor.capacities if c.post_id}) if everything or narrowing.which == "mine" else [],
        "lamp": narrowing.lamp, "kind": narrowing.kind, "unit": narrowing.unit,
        "text": f"%{escaped}%" if narrowing.text else None,
    }  # fmt: skip


def queue(
    actor: Actor,
    narrowing: Narrowing = Narrowing(),
    *,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
) -> Sequence[WorkItem]:
    """One page of the actor's queue, overdue first, in one indexed statement; `after` is the last row's (due_at, id).

    Rows carry `unit_name_zh`, `unit_name_en`, `claimed_name` and `files` (how many) beside the item's own columns.
    """
    narrow, parameters = NARROW, _parameters(actor, narrowing)
    if after is not None:
        narrow += " AND (w.due_at, w.id) > (%(after_due)s, %(after_id)s)"
        parameters |= {"after_due": after[0], "after_id": after[1]}
    return list(WorkItem.objects.raw(PAGE.format(narrow=narrow), {**parameters, "limit": limit}))


def queue_counts(actor: Actor, narrowing: Narrowing = Narrowing()) -> Mapping[tuple[str, bool], int]:
    """Open items by (lamp, whether claimable), each source counted up to MOST_COUNTED: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTS.format(narrow=NARROW), {**_parameters(actor, narrowing), "limit": MOST_COUNTED})
        return {(lamp, claimable): count for lamp, claimable, count in cursor.fetchall()}

"""Everything as it stands: the product's rows beside the model's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.model.book import Matter, Owed
from tests.model.world import MODELS, World
from workflows.models import Notice, WorkItem


def compare(world: World) -> None:
    """The product's rows say what the model says: every document, every open duty, everything that anybody was told."""
    world.let_triggers_speak()
    world.after_refusal = None
    for kind, model in MODELS.items():
        columns = ("pk", "state", "version", "ledger_sequence", "number", "unit_id", "workers", "signers")
        rows = {row[0]: row[1:] for row in model.objects.values_list(*columns)}
        ours = {m.pk: _row(world, m) for m in world.book.matters if m.kind == kind}
        theirs = {
            pk: (*row[:4], world.units[row[4]], *_people(world, row[5], row[6])) for pk, row in rows.items()
        }
        assert theirs == ours, f"{kind}: the product says {theirs}, the model {ours}"
    ours_owed = sorted(_owed(world, m, o) for m in world.book.matters for o in m.owed)
    theirs_owed = sorted(
        _item(world, row) for row in WorkItem.objects.filter(closed_at=None).select_related("seat")
    )
    assert theirs_owed == ours_owed, _difference("open duties", theirs_owed, ours_owed)
    told = Notice.objects.values_list("kind", "document_id", "person", "code", "at")
    theirs_told = sorted((kind, pk, world.names[person], code, at) for kind, pk, person, code, at in told)
    ours_told = sorted((MODELS[m.kind].kind(), m.pk, *one) for m in world.book.matters for one in m.told)
    assert theirs_told == ours_told, _difference("notices", theirs_told, ours_told)


def _row(world: World, m: Matter) -> tuple[Any, ...]:
    return (m.state, m.version, m.entries, m.number, m.unit, m.hands, m.signed)


def _people(world: World, workers: list[int], signers: list[str]) -> tuple[set[str], set[tuple[str, str]]]:
    signed = (signature.rpartition(":") for signature in signers)
    return {world.names[pk] for pk in workers}, {(role, world.names[int(pk)]) for role, _, pk in signed}


def _owed(world: World, m: Matter, o: Owed) -> tuple[Any, ...]:
    seat = next((s for s in m.seats if s.number == o.seat), None)
    came = f"{o.came_from[0]}:{o.came_from[1]}" if o.came_from else ""
    return (
        MODELS[m.kind].kind(), m.pk, o.duty, -1 if seat is None or seat.post is None else seat.post, str(o.clock.due_on),
        str(o.first_due), o.clock.lamp, o.clock.taken, _instant(o.next_at), _instant(o.still_since), o.claimant or "", o.was_opened,
        o.office, o.unit or "", came, o.turn, o.role, m.state,
    )  # fmt: skip


def _item(world: World, row: WorkItem) -> tuple[Any, ...]:
    post = next((n for n, post in enumerate(world.posts) if post.pk == row.post_id), -1)
    origin, _, unit = row.rerouted_from.partition(":")
    came = f"{origin}:{world.units[int(unit)] if unit else None}" if origin else ""
    return (
        row.kind, row.document_id, row.duty, post, str(row.due_on), str(row.original_due_on), row.lamp, row.ladder_at,
        _instant(row.next_step_at), _instant(row.paused_at), world.names[row.claimed_by_id] if row.claimed_by_id else "",
        row.first_opened_at is not None, row.post_role, world.units[row.owner_unit_id] if row.owner_unit_id else "", came, row.turn,
        row.role, row.state,
    )  # fmt: skip


def _instant(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0


def _difference(what: str, theirs: list[Any], ours: list[Any]) -> str:
    only_theirs = [row for row in theirs if row not in ours]
    only_ours = [row for row in ours if row not in theirs]
    return f"{what}: only the product has {only_theirs}; only the model has {only_ours}; {len(theirs)} and {len(ours)} rows"

"""The full product of a lifecycle: every step, tried by every person of the cast, in one situation.

A table says by hand who may do what there. Whoever it does not list must be refused, with a reason, and nothing may be left
behind; whoever it lists must succeed, and every trigger of the database must agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import connection, transaction

from organisation.actors import Actor
from tests.supervision.county import CAST, County, again, inputs_for, version_of
from workflows.documents import Refused, document_kinds
from workflows.fire import fire
from workflows.models import Entry, Notice, Payload, Round, Seat, WorkItem

Table = Mapping[str, Mapping[str, str]]
"""situation -> step -> people, comma-separated"""


def faults(place: County, document: Any, may: Mapping[str, str], at: datetime) -> list[str]:
    """Every cell in which the lifecycle and the table differ, as sentences."""
    found, steps = [], document.lifecycle.steps
    actors, seen = {who: place.actor(who, at) for who in CAST}, version_of(document)
    before = trace()
    for step in steps:
        allowed = {name.strip() for name in may.get(step, "").split(",") if name.strip()}
        found += [
            f"{step}: the table names {name!r}, who is not of the cast"
            for name in sorted(allowed - set(CAST))
        ]

        request = {"at": at, "seen_version": seen, **inputs_for(document, step)}
        for who in (name for name in CAST if name not in allowed):
            refused = _refusal(document, step, actors[who], request)
            if refused is None or not refused.reasons:
                return [*found, f"{step}: {who} was let through"]
        for who in (name for name in CAST if name in allowed):
            point = transaction.savepoint()
            if refused := _refusal(document, step, actors[who], request):
                found.append(f"{step}: {who} was refused: {refused}")
            else:
                assert again(document).state == steps[step].path.target.name
                _let_the_triggers_speak()
            transaction.savepoint_rollback(point)
    if trace() != before:
        found.append("a refusal left something behind")
    return found + [f"the table names {name!r}, which is no step" for name in may if name not in steps]


def _refusal(document: Any, step: str, actor: Actor, request: Mapping[str, Any]) -> Refused | None:
    try:
        fire(document, step, actor=actor, request_id=uuid4(), **request)
    except Refused as refused:
        return refused
    return None


def _let_the_triggers_speak() -> None:
    """Deferred constraints are checked now, and deferred again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def trace() -> dict[str, Any]:
    """Everything that a step may write: how far the append-only tables go, and every row that could change."""
    appended = {
        t._meta.label: t._base_manager.order_by("-pk").values_list("pk").first()
        for t in (Entry, Payload, Notice)
    }
    rows = {
        t._meta.label: list(t._base_manager.order_by("pk").values())
        for t in (WorkItem, Round, Seat, *document_kinds())
    }
    return {**appended, **rows}

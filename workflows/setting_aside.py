"""What an operator does with an item that the sweep had set aside: have it tried again, or pass over the step that raises.

Nobody owes less by it: the duty, its date and its lamp stay. Only what the clock would have done is not done, by a named
person's decision, which stands in the document's chain.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from organisation.actors import Actor
from workflows import ladders
from workflows.documents import Refused
from workflows.fire import note
from workflows.models import Finding, WorkItem
from workflows.words import Reason, Text
from workflows.worklist import take_item

WHY_NEEDED = Text("越过须写明理由。", "Say why the step is passed over.")
NOT_SET_ASIDE = Text("该待办已不在暂缓之列。", "This item is not set aside any more.")


def retry(item_id: int, *, institution_id: int) -> bool:
    """Let the next sweep look at an item again that was set aside. False when it is not set aside any more."""
    aside = WorkItem.objects.filter(
        pk=item_id, institution_id=institution_id, closed_at__isnull=True, retry_at__isnull=False
    )
    return aside.update(retry_at=None) > 0


def pass_over(item_id: int, *, actor: Actor, at: datetime, reason: str) -> WorkItem:
    """Do not take the due steps of an item that was set aside; those that fall due later are taken as before.

    The ladder's own words are not trusted: one that cannot be read is passed over to its end. Raises Refused (no reason
    given, not set aside any more, closed) and WorkItem.DoesNotExist.
    """
    with transaction.atomic():
        taken = take_item(item_id, actor)
        item = taken.item
        if not item.attempts:
            raise Refused(Reason("not_set_aside", NOT_SET_ASIDE))
        if not reason.strip():
            raise Refused(Reason("given.reason", WHY_NEEDED))
        passed = item.ladder[item.ladder_at :]
        item.ladder_at, item.next_step_at = _beyond(item, at)
        passed = passed[: len(passed) - (len(item.ladder) - item.ladder_at)]
        note(
            taken.document, "pass_over", actor=actor, at=at, capacity=actor.capacities[0] if actor.capacities else None,
            content={
                "item": item.pk, "duty": item.duty, "reason": reason.strip(), "steps": [step.get("key") for step in passed],
                "error": item.last_error,
            },
        )  # fmt: skip
        item.attempts, item.retry_at, item.last_error = 0, None, ""
        item.save(update_fields=["ladder_at", "next_step_at", "attempts", "retry_at", "last_error"])
        others = WorkItem.objects.filter(
            kind=item.kind, document_id=item.document_id, closed_at=None, attempts__gt=0
        )
        if not others.exists():
            Finding.objects.filter(kind=item.kind, document_id=item.document_id, code="set_aside").delete()
    return item


def _beyond(item: WorkItem, at: datetime) -> tuple[int, datetime | None]:
    """Where the item stands when everything due at `at` is passed over."""
    try:
        steps = ladders.read(item.ladder)
    except (KeyError, TypeError, ValueError):
        return len(item.ladder), None
    due = ladders.due(steps, item.ladder_at, at)
    position = ladders.after(steps, item.ladder_at + len(due), item.lamp)
    return position.taken, position.next_step_at

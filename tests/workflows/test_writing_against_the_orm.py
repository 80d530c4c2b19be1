"""The one statement that writes a step writes what plain Django would have written, row by row and column by column."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from supervision.orders.models import SupervisionOrder
from tests.supervision.county import AT, TO_HAND, County, inputs_for, order_of, prove, version_of, walk
from tests.workflows.plain_engine import take_step
from workflows.fire import fire, fire_many
from workflows.judgement import judge
from workflows.models import Entry, Notice, Payload, WorkItem
from workflows.taking import read_facts

OWN = {
    WorkItem: {"id"}, Notice: {"id"}, Payload: {"id", "salt"},
    Entry: {"id", "payload_digest", "previous", "digest", "request_id", "request_digest", "transaction"},
    SupervisionOrder: {"ledger_head"},
}  # fmt: skip
"""What each way of writing has of its own: running ids, digests over salts, and the request."""

ROUTES = [
    ("", "submit", "drafter"),
    ("", "set_aside", "drafter"),
    ("submit:drafter", "send_back", "leader"),
    ("submit:drafter", "recall", "drafter"),
    ("submit:drafter", "sign", "leader"),
    ("submit:drafter, sign:leader", "sign_for", "head"),
    ("submit:drafter, sign:leader", "sign_for", "delegate"),
    ("submit:drafter, sign:leader", "dispute", "head"),
    ("submit:drafter, sign:leader, dispute:head", "uphold", "checker"),
    ("submit:drafter, sign:leader, dispute:head", "take_back", "checker"),
    ("submit:drafter, sign:leader, sign_for:head", "take_in_hand", "staff"),
    (TO_HAND, "feed_back", "head"),
    (f"{TO_HAND}, feed_back:head", "ask_again", "checker"),
    (TO_HAND, "ask_extension", "head"),
    (f"{TO_HAND}, ask_extension:head", "grant", "leader"),
    (f"{TO_HAND}, ask_extension:head", "refuse", "leader"),
    (TO_HAND, "suspend", "leader"),
    (f"{TO_HAND}, suspend:leader", "keep_suspended", "leader"),
    (f"{TO_HAND}, suspend:leader", "resume", "leader"),
    (f"{TO_HAND}, prove:staff", "claim_done", "head"),
    (f"{TO_HAND}, prove:staff, claim_done:head", "take_up", "checker"),
    (f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker", "return_work", "checker"),
    (f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker", "close", "checker"),
]
LATER = AT + timedelta(days=2, hours=1)
"""The step is taken two days later than those before it, so that clocks that stood still have stood."""


def rows(pk: int) -> dict[str, list[dict[str, Any]]]:
    """Everything about one order, without what each way of writing has of its own."""
    found = {}
    for model, own in OWN.items():
        mine = (
            {"pk": pk}
            if model is SupervisionOrder
            else {"document_id": pk, "kind": "orders.supervisionorder"}
        )
        names = [field.attname for field in model._meta.concrete_fields if field.attname not in own]
        table: list[dict[str, Any]] = list(model._base_manager.filter(**mine).values(*names))
        for row in table:
            if "content" in row:
                row["content"] = json.loads(bytes(row["content"]))
        found[model.__name__] = sorted(table, key=lambda row: json.dumps(row, default=str, sort_keys=True))
    return found


def undone(write: Any, pk: int) -> dict[str, list[dict[str, Any]]]:
    """What the rows are after `write`, which is taken back."""
    with transaction.atomic():
        write()
        after = rows(pk)
        transaction.set_rollback(True)
    return after


@pytest.mark.parametrize(
    ("route", "step", "who"), ROUTES, ids=[f"{step} by {who}" for _, step, who in ROUTES]
)
def test_a_step_is_written_as_the_orm_would_write_it(place: County, route: str, step: str, who: str) -> None:
    order = walk(place, order_of(place), route)
    at = AT if step == "recall" else LATER
    actor, inputs = place.actor(who, at), inputs_for(order, step)

    def alone() -> None:
        fire(order, step, actor=actor, at=at, seen_version=version_of(order), request_id=uuid4(), **inputs)

    by_hand = undone(lambda: plainly(order, step, actor, at, inputs), order.pk)
    by_one_statement = undone(alone, order.pk)
    assert by_one_statement == by_hand
    assert by_one_statement != rows(order.pk)
    other = walk(place, order_of(place, title="另一事项"), route)

    def with_another() -> None:
        """Rows of several documents reach the statement another way."""
        seen = {order.pk: version_of(order), other.pk: version_of(other)}
        many = fire_many(SupervisionOrder, seen, step, actor=actor, at=at, request_id=uuid4(), **inputs)
        assert [fired.document_id for fired in many.done] == [order.pk, other.pk]

    assert undone(with_another, order.pk) == by_hand


def plainly(order: Any, step: str, actor: Any, at: datetime, inputs: dict[str, Any]) -> None:
    """Without digests, which the database asks for when it commits; this is always taken back before."""
    declared = order.lifecycle.steps[step]
    document: Any = SupervisionOrder.objects.get(pk=order.pk)
    read_facts(SupervisionOrder, [document], declared.facts)
    facts = {name: getattr(document, name) for name in sorted(declared.facts)}
    capacity = judge(document, declared, actor, at).capacity
    assert capacity is not None
    state = declared.path.target.name
    number = "和督〔2026〕1号" if declared.numbers else ""
    take_step(
        document, step, actor=actor, capacity=capacity, at=at, facts=facts, inputs=inputs, number=number
    )
    SupervisionOrder._base_manager.filter(pk=order.pk).update(state=state)


def test_the_comparison_bites(place: County) -> None:
    """A plain engine that forgets one thing is found out."""
    order = walk(place, order_of(place), f"{TO_HAND}")
    prove(place, order, "staff")
    actor, inputs = place.actor("head", LATER), inputs_for(order, "claim_done")

    def forgetful() -> None:
        plainly(order, "claim_done", actor, LATER, inputs)
        WorkItem.objects.filter(document_id=order.pk, duty="order.finish").update(paused_at=None)

    whole = undone(lambda: plainly(order, "claim_done", actor, LATER, inputs), order.pk)
    assert undone(forgetful, order.pk) != whole

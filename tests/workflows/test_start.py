"""Opening documents: one or many, all or none, once."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from supervision.orders.models import Criterion, SupervisionOrder
from supervision.rectification.models import Measure
from supervision.reports.models import QuarterlyReport
from tests.supervision.county import AT, County, act, again, order_of, owed, report_of
from tests.supervision.permissions import trace
from tests.workflows.ground import (
    chain,
    item_of,
    last_content,
    orders_of,
    run_sql,
    statements,
    together,
    told,
)
from workflows.documents import Conflict, Refused
from workflows.fire import start, start_many
from workflows.models import Entry, WorkItem


def row(place: County, **more: Any) -> dict[str, Any]:
    return {**place.pinned(), "title": "事项", **more}


def test_a_birth_leaves_the_document_its_first_entry_its_item_and_its_notices(place: County) -> None:
    order = order_of(place)
    stored = again(order)
    assert (stored.pk, stored.state, stored.version, stored.ledger_sequence) == (order.pk, "draft", 1, 1)
    assert (stored.moved_step, stored.moved_at, stored.moved_by) == (
        "draft_order",
        AT,
        place.people["drafter"],
    )
    [entry] = chain(order)
    assert (entry.from_state, entry.to_state, entry.version, entry.sequence) == ("", "draft", 1, 1)
    assert bytes(entry.previous) == b""
    assert bytes(stored.ledger_head) == bytes(entry.digest)
    assert set(owed(order)) == {"order.draft"}
    assert [c.text for c in order.criteria.all()] == ["漏损率低于百分之十", "群众投诉全部回复"]
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_what_comes_back_is_a_stored_document(place: County) -> None:
    order = order_of(place)
    assert not order._state.adding
    assert order == again(order)
    with pytest.raises(Refused) as refused:
        act(place, order, "draft_order", "drafter")
    assert refused.value.reasons[0].code == "not_in_this_state"


def test_many_keep_the_order_in_which_they_were_given(place: County) -> None:
    orders = orders_of(place, 30)
    assert [o.title for o in orders] == [f"第{n}件督办事项" for n in range(30)]
    assert [o.pk for o in orders] == sorted(o.pk for o in orders)
    assert [again(o).title for o in orders] == [o.title for o in orders]
    assert Criterion.objects.filter(order__in=orders).count() == 30


def test_the_clock_opens_and_tells_the_unit(place: County) -> None:
    report = report_of(place)
    assert (report.moved_by, report.workers) == (None, [])
    assert place.people["staff"] in told(report, 1)
    assert item_of(report, "quarterly_report").owner_unit_id == place.units["town"].pk


def test_thousands_take_as_many_statements_as_one(place: County) -> None:
    counts = []
    for many in (1, 3, 300):
        rows = [row(place, title=f"事项{n}") for n in range(many)]
        actor = place.actor("drafter")
        with statements() as sent:
            start_many(SupervisionOrder, "draft_order", rows, actor=actor, at=AT)
        counts.append(len(sent))
    assert counts[1:] == [2, 2], counts  # the first also filled the caches


def test_one_refused_row_opens_none(place: County) -> None:
    before = trace()
    rows = [row(place), row(place, institution_id=place.people["outsider"].institution_id)]
    with pytest.raises(Refused):
        start_many(SupervisionOrder, "draft_order", rows, actor=place.actor("drafter"), at=AT)
    assert trace() == before


def test_one_row_that_the_database_refuses_opens_none(place: County) -> None:
    report_of(place)
    fields = place.pinned()
    rows = [
        {**fields, "unit_id": place.units["county"].pk, "period": "2026Q1", "title": "季报"},
        {**fields, "period": "2026Q1", "title": "季报"},
    ]
    before = trace()
    with pytest.raises(IntegrityError), transaction.atomic():
        start_many(QuarterlyReport, "open", rows, actor=place.actor("clock"), at=AT)
    assert trace() == before


def test_no_rows_open_nothing(place: County) -> None:
    assert start_many(Measure, "open", [], actor=place.actor("clock"), at=AT) == []


@pytest.mark.parametrize("who", ["head", "staff", "leader", "stranger", "outsider", "clock"])
def test_only_who_may_opens(place: County, who: str) -> None:
    before = trace()
    with pytest.raises(Refused):
        start(SupervisionOrder, "draft_order", actor=place.actor(who), at=AT, **row(place))
    assert trace() == before


def test_a_step_that_is_no_birth_opens_nothing(place: County) -> None:
    with pytest.raises(Refused) as refused:
        start(SupervisionOrder, "submit", actor=place.actor("drafter"), at=AT, **row(place))
    assert refused.value.reasons[0].code == "not_in_this_state"


def test_rows_of_a_part_cannot_be_given_to_another_document(place: County) -> None:
    other = order_of(place)
    with pytest.raises(Refused), transaction.atomic():
        start(
            SupervisionOrder, "draft_order", actor=place.actor("drafter"), at=AT,
            parts={"criteria": [{"text": "塞给别人", "order_id": other.pk}]}, **row(place, title="新"),
        )  # fmt: skip
    assert other.criteria.count() == 2
    assert not SupervisionOrder.objects.filter(title="新").exists()


def test_a_repeated_request_gives_the_first_document_and_other_content_is_a_conflict(place: County) -> None:
    request_id, actor = uuid4(), place.actor("drafter")
    first = start(SupervisionOrder, "draft_order", actor=actor, at=AT, request_id=request_id, **row(place))
    again_ = start(SupervisionOrder, "draft_order", actor=actor, at=AT, request_id=request_id, **row(place))
    assert again_ == first
    assert again_.version == 1
    with pytest.raises(Conflict):
        start(
            SupervisionOrder,
            "draft_order",
            actor=actor,
            at=AT,
            request_id=request_id,
            **row(place, title="别的"),
        )
    assert Entry.objects.filter(request_id=request_id).count() == 1


def test_what_was_given_at_birth_stands_in_the_ledger(place: County) -> None:
    order = order_of(place)
    records = last_content(order)["records"]
    assert records["title"] == order.title
    assert records["due_on"] == "2026-03-16"
    assert records["unit_id"] == place.units["town"].pk


def test_a_form_sent_twice_at_once_opens_one_document(real_place: County) -> None:
    request_id, actor = uuid4(), real_place.actor("drafter")

    def send() -> SupervisionOrder:
        return start(
            SupervisionOrder, "draft_order", actor=actor, at=AT, request_id=request_id, **row(real_place)
        )

    answers = together([send] * 6)
    assert {type(a) for a in answers} == {SupervisionOrder}, answers
    assert len({a.pk for a in answers}) == 1
    assert SupervisionOrder.objects.count() == 1
    assert WorkItem.objects.count() == 1

"""The statements that are made once and prepared say exactly what Django's own would: rows, facts, and who holds what."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.addresses import database_of
from supervision.goals.models import Goal
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from tests.supervision.county import (
    AT,
    GOALS_DECIDED,
    TO_APPROVED,
    TO_HAND,
    County,
    act,
    change_of,
    fill_in,
    order_of,
    prove,
    report_of,
    sheet_of,
    version_of,
    walk,
)
from workflows.documents import Document, document_kinds
from workflows.fire import fire
from workflows.models import WorkItem
from workflows.statements import numbered, numbers, rows_of
from workflows.taking import read_facts, take


@pytest.fixture
def matters(place: County) -> County:
    """Two documents or more of every kind, in different states, some with what their facts count."""
    for title in ("甲", "乙"):
        order = walk(place, order_of(place, title=title, demands_rectification=True), TO_HAND)
        walk(place, Rectification.objects.get(order=order), TO_APPROVED)
    prove(place, order, "staff")
    order_of(place, title="丙 100% 完成")
    for unit in ("town", "bureau"):
        report = report_of(place, unit)
    fill_in(place, report, "staff elsewhere")
    for unit, staff, head in (("town", "staff", "head"), ("bureau", "staff elsewhere", "head elsewhere")):
        road = f"goal_is_ready:{staff}, explain_fields:{staff}, hand_in:{staff}, sign:{head}, {GOALS_DECIDED}"
        sheet = walk(place, sheet_of(place, unit=unit), road)
        change_of(place, who=staff, goal=Goal.objects.get(sheet=sheet))
    return place


def kinds() -> list[type[Document]]:
    return list(document_kinds())


def test_a_taken_row_is_the_row_that_django_reads(matters: County) -> None:
    assert {model.kind() for model in kinds()} >= {"orders.supervisionorder", "rectification.measure"}
    for model in kinds():
        ids = list(model._base_manager.order_by("pk").values_list("pk", flat=True))
        assert len(ids) >= 2
        plain = {document.pk: document for document in model._base_manager.all()}
        for document in take(model, ids, matters.actor("staff"), None):
            values = {f.attname: getattr(document, f.attname) for f in model._meta.concrete_fields}
            assert values == {
                f.attname: getattr(plain[document.pk], f.attname) for f in model._meta.concrete_fields
            }
            assert {name: type(value) for name, value in values.items()} == {
                name: type(getattr(plain[document.pk], name)) for name in values
            }
            assert document._state.db == "default"
            assert not document._state.adding


def test_facts_are_what_django_s_own_statement_says(matters: County) -> None:
    for model in kinds():
        names = frozenset(model.facts())
        documents = list(model._base_manager.order_by("pk"))
        read_facts(model, documents, names)
        rows = model._base_manager.annotate(**model.facts()).values("pk", *names)
        expected = {row.pop("pk"): row for row in rows}
        for document in documents:
            assert {name: getattr(document, name) for name in names} == expected[document.pk]


def test_some_facts_differ_between_documents_so_that_a_mix_up_would_show(matters: County) -> None:
    orders: Any = list(SupervisionOrder.objects.order_by("pk"))
    read_facts(SupervisionOrder, orders, frozenset({"unproven", "finish_due_on"}))
    assert len({order.unproven for order in orders}) == 2
    assert len({order.finish_due_on for order in orders}) == 2


def test_a_request_that_was_answered_is_known_when_the_row_is_taken(place: County) -> None:
    order, request = order_of(place), uuid4()
    drafter = place.actor("drafter")
    fire(order, "submit", actor=drafter, at=AT, seen_version=version_of(order), request_id=request)
    [same] = take(SupervisionOrder, [order.pk], drafter, request)
    [other] = take(SupervisionOrder, [order.pk], drafter, uuid4())
    [somebody_else] = take(SupervisionOrder, [order.pk], place.actor("leader"), request)
    assert [taken.answered for taken in (same, other, somebody_else)] == [True, False, False]  # type: ignore[attr-defined]


def test_which_duty_went_to_which_office_comes_with_the_row(place: County) -> None:
    first, second = order_of(place), order_of(place, title="另一事项")
    WorkItem.objects.filter(document_id=first.pk).update(
        rerouted_from="supervisor", post_role="leading_group"
    )
    taken: Any = take(SupervisionOrder, [first.pk, second.pk], place.actor("leader"), None)
    assert list(taken[0].rerouted) == [{"duty": "order.draft", "post": "leading_group", "unit": None}]
    assert list(taken[1].rerouted) == []


def test_a_document_that_is_not_there_is_named(place: County) -> None:
    order = order_of(place)
    with pytest.raises(SupervisionOrder.DoesNotExist, match="999999"):
        take(SupervisionOrder, [order.pk, 999_999], place.actor("drafter"), None)


def test_a_parent_is_locked_before_its_child(matters: County) -> None:
    measure = Measure.objects.earliest("pk")
    with CaptureQueriesContext(connection) as sent:
        take(Measure, [measure.pk], matters.actor("staff"), None)
    locked = [q["sql"] for q in sent if "FOR UPDATE" in q["sql"]]
    assert ["rectification_rectification" in sql.partition("WHERE")[0] for sql in locked] == [True, False]


# --- Prepared ----------------------------------------------------------------------------------------------


def test_names_become_numbers_and_a_doubled_percent_sign_one(db: None) -> None:
    text, names = numbered("SELECT %(b)s, %(a)s, %(b)s WHERE x LIKE 'c%%'")
    assert (text, names) == (b"SELECT $1, $2, $1 WHERE x LIKE 'c%'", ("b", "a"))
    assert rows_of("SELECT %(a)s::int, '5%%'", {"a": "7"}) == [(7, "5%")]
    assert numbers([3, 70_000_000_000]) == "{3,70000000000}"


def prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        count: int = cursor.fetchone()[0]
        return count


def test_a_step_prepares_its_statements_once_whatever_the_document(place: County) -> None:
    act(place, order_of(place, title="甲"), "submit", "drafter")
    after_the_first = prepared()
    assert after_the_first >= 2
    for title in ("乙", "丙"):
        act(place, order_of(place, title=title), "submit", "drafter")
    assert prepared() == after_the_first


def test_a_pooler_that_forgets_statements_can_be_told_of_in_the_address() -> None:
    address = "postgresql://u:p@h/d"
    assert database_of(address)["OPTIONS"]["prepare_threshold"] == 0
    assert database_of(f"{address}?prepare_threshold=none")["OPTIONS"]["prepare_threshold"] is None


def test_without_preparing_everything_works_alike(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    before = prepared()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)
    order = walk(place, order_of(place), TO_HAND)
    assert order.state == "in_hand"
    assert prepared() == before

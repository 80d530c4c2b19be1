"""What the database refuses whoever asks, by raw SQL; and that a trigger which does not speak is noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection, transaction

from tests.supervision.county import AT, County, again, order_of, walk
from tests.workflows.ground import behind_its_back, chain, run_sql
from workflows.documents import document_kinds
from workflows.models import Payload
from workflows.protection import UNPROTECTED
from workflows.verification import seal_days

IN_THE_LEDGER = ("workflows_entry", "workflows_payload", "workflows_seal")


def refused(sql: str) -> str:
    """What the database says to the statement, at once or at the end of the transaction."""
    with pytest.raises(DatabaseError) as error:
        to_the_end(lambda: run_sql(sql))
    return str(error.value)


def to_the_end(work: Callable[[], object]) -> None:
    """Do it, and let the constraints speak that wait for the end of the transaction."""
    with transaction.atomic():
        work()
        run_sql("SET CONSTRAINTS ALL IMMEDIATE")


def settle() -> None:
    """Let the constraints speak now, and wait again from here on."""
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")
    run_sql("SET CONSTRAINTS ALL DEFERRED")


def unprotected() -> list[str]:
    return [table for (table,) in run_sql(UNPROTECTED, [model._meta.db_table for model in document_kinds()])]


@pytest.fixture
def order(place: County) -> object:
    made = walk(place, order_of(place), "submit:drafter")
    seal_days(place.institution, at=AT.replace(day=9))
    settle()
    return made


@pytest.mark.parametrize("table", IN_THE_LEDGER)
@pytest.mark.parametrize("change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_ledger_is_append_only(order: object, table: str, change: str) -> None:
    assert run_sql(f"SELECT count(*) FROM {table}")[0][0] > 0
    said = refused(change.format(table))
    assert "append-only" in said or "only by an erasure" in said or "restrict" in said, said


def test_a_payload_goes_only_with_an_erasure_in_the_same_transaction_and_of_the_same_document(
    place: County,
) -> None:
    from tests.workflows.test_verification import erase_of

    order, other = order_of(place), order_of(place, title="另一事项")
    erase_of(place, order, [1])
    said = refused(
        f"DELETE FROM workflows_payload WHERE document_id = {other.pk} AND kind = '{other.kind()}'"
    )
    assert "only by an erasure" in said
    assert Payload.objects.filter(document_id=other.pk).count() == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("state = 'closed'", "version 2 does not follow 2"),
        ("state = 'closed', version = version + 1", "without an entry"),
        ("version = version + 1", "without an entry"),
        ("version = version + 2", "does not follow"),
        ("version = version - 1, state = 'draft'", "does not follow"),
    ],
)
def test_a_document_does_not_move_without_an_entry(order: object, change: str, why: str) -> None:
    assert why in refused(f"UPDATE orders_supervisionorder SET {change}")


def test_an_entry_for_another_move_does_not_do(place: County) -> None:
    """The statement brings an entry along, but from a state in which the document did not stand."""
    order = walk(place, order_of(place), "submit:drafter")
    settle()
    entry = f"""INSERT INTO workflows_entry (kind, document_id, institution_id, sequence, version, step, from_state, to_state, as_role,
        decides, effective_at, recorded_at, rules, payload_digest, previous, digest)
      VALUES ('{order.kind()}', {order.pk}, {order.institution_id}, 3, 3, 'close', '{{}}', 'closed', '', false, now(), now(), '', '', '', '')"""
    move = f"UPDATE orders_supervisionorder SET state = 'closed', version = 3 WHERE id = {order.pk}"
    assert "without an entry" in refused(f"{entry.format('draft')}; {move}")


def test_an_entry_of_an_earlier_transaction_does_not_do(real_place: County) -> None:
    order = order_of(real_place)
    walk(real_place, order, "submit:drafter")
    with behind_its_back():
        run_sql("UPDATE orders_supervisionorder SET state = 'draft', version = 1 WHERE id = %s", order.pk)
    assert "without an entry" in refused(
        f"UPDATE orders_supervisionorder SET state = 'for_signature', version = 2 WHERE id = {order.pk}"
    )


def test_no_document_is_born_without_an_entry(place: County) -> None:
    columns = [f.column for f in type(order_of(place))._meta.concrete_fields if f.column != "id"]
    table = "orders_supervisionorder"
    names = ", ".join(f'"{c}"' for c in columns)
    assert "without an entry" in refused(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table}")


@pytest.mark.parametrize("table", [model._meta.db_table for model in document_kinds()])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_no_document_is_removed(place: County, table: str, change: str) -> None:
    from tests.supervision.county import change_of, measure_of, report_of

    change_of(place)
    measure_of(place)
    report_of(place)
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")
    assert run_sql(f"SELECT count(*) FROM {table}")[0][0] > 0
    assert "append-only" in refused(change.format(table))


def test_saving_an_instance_is_refused_when_its_state_was_set(place: County) -> None:
    order = again(order_of(place))
    with pytest.raises(AttributeError, match="Direct state modification"):
        order.state = "closed"
    order.version += 1
    with pytest.raises(DatabaseError):
        to_the_end(order.save)


def test_every_table_is_protected_as_migrated(db: None) -> None:
    assert unprotected() == []


@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        *((table, "never_emptied") for table in IN_THE_LEDGER),
        ("workflows_entry", "append_only"),
        ("workflows_payload", "erase_only"),
        ("orders_supervisionorder", "moved_with_entry"),
        ("rectification_measure", "born_with_entry"),
        ("reports_quarterlyreport", "never_deleted"),
    ],
)
@pytest.mark.parametrize("how", ["DISABLE TRIGGER {}", "ENABLE REPLICA TRIGGER {}", "DROP"])
def test_a_trigger_that_does_not_speak_is_noticed(db: None, table: str, trigger: str, how: str) -> None:
    if how == "DROP":
        run_sql(f"DROP TRIGGER {trigger} ON {table}")
    else:
        run_sql(f"ALTER TABLE {table} {how.format(trigger)}")
    assert unprotected() == [table]


def test_the_auditor_reports_it(place: County) -> None:
    from workflows import auditor

    settle()
    run_sql("ALTER TABLE workflows_entry DISABLE TRIGGER append_only")
    found = [fault for fault in auditor.audit(AT) if fault.code == "unprotected"]
    assert [fault.params for fault in found] == [{"table": "workflows_entry"}]


def test_two_moves_in_one_transaction_each_bring_their_entry(place: County) -> None:
    with transaction.atomic():
        order = walk(place, order_of(place), "submit:drafter, recall:drafter, submit:drafter")
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")
    assert [entry.version for entry in chain(order)] == [1, 2, 3, 4]
    assert connection.in_atomic_block

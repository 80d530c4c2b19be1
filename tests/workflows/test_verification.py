"""The proof that nobody edited the ledger: what it finds, what it excuses, and what it costs."""

from __future__ import annotations

import io
import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from organisation.models import Institution
from tests.supervision.county import AT, County, again, moment, order_of, walk
from tests.workflows.ground import behind_its_back, chain, orders_of, run_sql, statements
from workflows import verification
from workflows.documents import document_kinds
from workflows.ledger import record_institution
from workflows.models import Entry, Payload, Seal
from workflows.verification import erase, seal_days, verify


def erase_of(place: County, document: Any, sequences: list[int], at: datetime = AT) -> int:
    """As the performance office erases, on request of whoever is named."""
    actor = place.actor("office", at)
    return erase(
        document, sequences, reason="依法删除个人信息", actor=actor, capacity=actor.capacities[0], at=at
    )


def codes(place: County) -> list[tuple[str, int, int, str]]:
    found = verify(place.institution.pk).faults
    return [(f.kind, f.document_id, f.sequence, f.code) for f in found]


@pytest.fixture
def order(real_place: County) -> Any:
    """An order of five entries among others, committed."""
    orders_of(real_place, 2)
    return walk(
        real_place, order_of(real_place), "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff"
    )


# --- What it finds -----------------------------------------------------------------------------------------


def test_what_the_engine_wrote_verifies(real_place: County, order: Any) -> None:
    seal_days(real_place.institution, at=moment(3, 9))
    verdict = verify(real_place.institution.pk)
    assert verdict.clean, verdict.faults
    assert verdict.entries == Entry.objects.filter(institution=real_place.institution).count()
    assert verdict.chains >= 4  # three orders and the institution's own
    assert (verdict.seals, verdict.erased) == (
        Seal.objects.filter(institution=real_place.institution).count(),
        0,
    )
    assert verify().clean


ALTERED = {
    "step": "'close'", "actor": "actor + 1", "as_role": "'head'", "acting_for": "7", "effective_at": "effective_at - interval '1 day'",
    "recorded_at": "recorded_at - interval '1 second'", "decides": "NOT decides", "rules": "'other@9'", "as_post": "1", "as_unit": "1",
    "request_id": "gen_random_uuid()",
}  # fmt: skip


@pytest.mark.parametrize("column", ALTERED)
def test_an_altered_entry_is_found(real_place: County, order: Any, column: str) -> None:
    with behind_its_back():
        run_sql(f"UPDATE workflows_entry SET {column} = {ALTERED[column]} WHERE kind = %s AND document_id = %s AND sequence = 3",
                order.kind(), order.pk)  # fmt: skip
    assert codes(real_place) == [(order.kind(), order.pk, 3, "was altered")]


def test_an_entry_altered_with_a_new_digest_is_found_by_the_one_after_it(
    real_place: County, order: Any
) -> None:
    from workflows import ledger

    entry = chain(order)[2]
    columns = {
        name: getattr(entry, f"{name}_id" if name == "institution" else name) for name in ledger.HEADER
    }
    columns |= {n: bytes(v) for n, v in columns.items() if isinstance(v, memoryview)} | {"actor": 99}
    digest = ledger.digest_of(ledger.header(columns))
    with behind_its_back():
        run_sql("UPDATE workflows_entry SET actor = 99, digest = %s WHERE id = %s", digest, entry.pk)
    assert codes(real_place) == [(order.kind(), order.pk, 4, "does not follow from the entry before it")]


def test_an_altered_payload_is_found(real_place: County, order: Any) -> None:
    with behind_its_back():
        run_sql("UPDATE workflows_payload SET content = content || ' ' WHERE document_id = %s AND kind = %s AND sequence = 2",
                order.pk, order.kind())  # fmt: skip
    assert codes(real_place) == [(order.kind(), order.pk, 2, "its payload was altered")]


def test_a_payload_removed_without_an_erasure_is_found(real_place: County, order: Any) -> None:
    with behind_its_back():
        run_sql(
            "DELETE FROM workflows_payload WHERE document_id = %s AND kind = %s AND sequence = 2",
            order.pk,
            order.kind(),
        )
    assert codes(real_place) == [(order.kind(), order.pk, 2, "its payload is gone without an erasure")]


def test_a_removed_entry_is_found(real_place: County, order: Any) -> None:
    with behind_its_back():
        for table in ("workflows_entry", "workflows_payload"):
            run_sql(
                f"DELETE FROM {table} WHERE document_id = %s AND kind = %s AND sequence = 3",
                order.pk,
                order.kind(),
            )
    assert {code for *_, code in codes(real_place)} >= {
        "entries are missing before it",
        "does not follow from the entry before it",
    }
    assert {(kind, pk, number) for kind, pk, number, _ in codes(real_place)} == {(order.kind(), order.pk, 4)}


def test_a_cut_tail_is_found(real_place: County, order: Any) -> None:
    with behind_its_back():
        for table in ("workflows_entry", "workflows_payload"):
            run_sql(
                f"DELETE FROM {table} WHERE document_id = %s AND kind = %s AND sequence >= 4",
                order.pk,
                order.kind(),
            )
    assert codes(real_place) == [(order.kind(), order.pk, 5, "does not stand where its last entry left it")]


def test_a_chain_that_is_gone_altogether_is_found(real_place: County, order: Any) -> None:
    with behind_its_back():
        for table in ("workflows_entry", "workflows_payload"):
            run_sql(f"DELETE FROM {table} WHERE document_id = %s AND kind = %s", order.pk, order.kind())
    assert codes(real_place) == [(order.kind(), order.pk, 5, "does not stand where its last entry left it")]


@pytest.mark.parametrize(
    "change", ["state = 'closed'", "version = 9", "state = 'draft', version = 1", "ledger_head = ''"]
)
def test_a_document_moved_behind_its_back_is_found(real_place: County, order: Any, change: str) -> None:
    with behind_its_back():
        run_sql(f"UPDATE orders_supervisionorder SET {change} WHERE id = %s", order.pk)
    assert codes(real_place) == [(order.kind(), order.pk, 5, "does not stand where its last entry left it")]


def test_a_document_born_behind_its_back_is_found(real_place: County, order: Any) -> None:
    columns = ", ".join(
        f'"{f.column}"' for f in type(order)._meta.concrete_fields if f.column not in ("id", "number")
    )
    with behind_its_back():
        run_sql(f"INSERT INTO orders_supervisionorder (number, {columns}) SELECT 'x', {columns} FROM orders_supervisionorder WHERE id = %s",
                order.pk)  # fmt: skip
    [(kind, pk, _, code)] = codes(real_place)
    assert (kind, pk > order.pk, code) == (order.kind(), True, "does not stand where its last entry left it")


def test_the_institutions_own_chain_is_verified_too(real_place: County) -> None:
    institution = real_place.institution.pk
    link = record_institution(
        institution, "posts", "appoint", {"name": "张三"}, by=real_place.actor("clock"), at=AT
    )
    assert verify(institution).clean
    with behind_its_back():
        run_sql("DELETE FROM workflows_entry WHERE kind = %s AND sequence = %s", link.kind, link.sequence)
        run_sql("DELETE FROM workflows_payload WHERE kind = %s AND sequence = %s", link.kind, link.sequence)
    assert codes(real_place) == [
        ("institution.posts", institution, link.sequence, "does not stand where its last entry left it")
    ]


def test_the_institutions_own_entry_is_two_statements(place: County) -> None:
    record_institution(place.institution.pk, "posts", "appoint", {}, by=place.actor("clock"), at=AT)
    with statements() as sent:
        record_institution(place.institution.pk, "posts", "appoint", {}, by=place.actor("clock"), at=AT)
    assert len(sent) == 2, sent
    assert verify(place.institution.pk).clean


def test_only_the_institution_asked_for_is_read(real_place: County, order: Any) -> None:
    elsewhere = real_place.people["outsider"].institution_id
    with behind_its_back():
        run_sql("UPDATE orders_supervisionorder SET state = 'closed' WHERE id = %s", order.pk)
    assert verify(elsewhere).clean
    assert not verify(real_place.institution.pk).clean
    assert not verify().clean


# --- Seals -------------------------------------------------------------------------------------------------


def test_a_day_is_the_institutions_own(place: County) -> None:
    """23:50 and 00:10 in the county are two days there, and one day in UTC."""
    before = {e.pk for e in Entry.objects.all()}
    order = order_of(place, at=moment(3, 2, 23, 50))
    walk(place, order, "submit:drafter", moment(3, 3, 0, 10))
    seal_days(place.institution, at=moment(3, 5))
    seals = {
        s.day: s.entries
        for s in Seal.objects.filter(institution=place.institution, day__gte=date(2026, 3, 1))
    }
    assert seals == {date(2026, 3, 2): 1, date(2026, 3, 3): 1}
    assert Entry.objects.exclude(pk__in=before).count() == 2
    assert verify(place.institution.pk).clean


def test_today_is_never_sealed_and_no_day_twice(place: County) -> None:
    order_of(place)
    sealed = [s.day for s in seal_days(place.institution, at=AT.replace(hour=23, minute=59))]
    assert AT.date() not in sealed
    assert [s.day for s in seal_days(place.institution, at=moment(3, 3, 2))] == [AT.date()]
    assert seal_days(place.institution, at=moment(3, 3, 5)) == []


def test_a_day_is_sealed_only_when_what_was_begun_in_its_last_minute_has_settled(place: County) -> None:
    order_of(place, at=moment(3, 2, 23, 59))
    before = seal_days(place.institution, at=moment(3, 3, 0, 1))
    assert moment(3, 2).date() not in [s.day for s in before]
    order_of(place, at=moment(3, 2, 23, 59), title="同一分钟开始，过了午夜才提交")
    seal_days(place.institution, at=moment(3, 3, 1, 1))
    assert Seal.objects.get(institution=place.institution, day=date(2026, 3, 2)).entries == 2
    assert verify(place.institution.pk).clean


def test_each_seal_rests_on_the_one_before(place: County) -> None:
    for day in (2, 3, 4):
        order_of(place, at=moment(3, day), title=f"第{day}日")
    seal_days(place.institution, at=moment(3, 9))
    seals = list(Seal.objects.filter(institution=place.institution).order_by("day"))
    assert [bytes(s.previous) for s in seals[1:]] == [bytes(s.root) for s in seals[:-1]]
    assert bytes(seals[0].previous) == b""


BROKEN = {
    "root": "UPDATE workflows_seal SET root = 'x' WHERE day = '2026-03-02'",
    "count": "UPDATE workflows_seal SET entries = entries + 1 WHERE day = '2026-03-02'",
    "removed": "DELETE FROM workflows_seal WHERE day = '2026-03-02'",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_seal_is_found(real_place: County, how: str) -> None:
    for day in (2, 3):
        order_of(real_place, at=moment(3, day), title=f"第{day}日")
    seal_days(real_place.institution, at=moment(3, 9))
    with behind_its_back():
        run_sql(BROKEN[how])
    found = [fault for fault in verify(real_place.institution.pk).faults if fault.kind == "seal"]
    assert found
    assert found[0].code == f"the seal of {'2026-03-03' if how == 'removed' else '2026-03-02'} is broken"


def test_a_document_removed_with_its_whole_chain_breaks_the_seal_of_its_day(real_place: County) -> None:
    order = order_of(real_place)
    seal_days(real_place.institution, at=moment(3, 9))
    with behind_its_back():
        for table in ("workflows_entry", "workflows_payload"):
            run_sql(f"DELETE FROM {table} WHERE document_id = %s AND kind = %s", order.pk, order.kind())
        run_sql("DELETE FROM orders_supervisionorder WHERE id = %s", order.pk)
    assert [code for *_, code in codes(real_place)] == ["the seal of 2026-03-02 is broken"]


def test_an_entry_slipped_into_a_sealed_day_breaks_its_seal(real_place: County) -> None:
    order_of(real_place)
    seal_days(real_place.institution, at=moment(3, 9))
    order_of(real_place, at=AT + timedelta(hours=1), title="倒签")
    assert [code for *_, code in codes(real_place)] == ["the seal of 2026-03-02 is broken"]


# --- Erasure -----------------------------------------------------------------------------------------------


def test_what_was_erased_is_gone_and_the_chain_still_verifies(real_place: County, order: Any) -> None:
    seal_days(real_place.institution, at=moment(3, 9))
    assert erase_of(real_place, order, [5, 2], moment(3, 9)) == 2
    assert not Payload.objects.filter(kind=order.kind(), document_id=order.pk, sequence__in=(2, 5)).exists()
    verdict = verify(real_place.institution.pk)
    assert (verdict.clean, verdict.erased) == (True, 2), verdict.faults
    entry = chain(order)[-1]
    assert (entry.step, entry.as_role, entry.from_state, entry.to_state) == (
        "erase",
        "performance_office",
        "in_hand",
        "in_hand",
    )


def test_an_erasure_excuses_only_what_it_names(real_place: County, order: Any) -> None:
    erase_of(real_place, order, [2])
    with behind_its_back():
        run_sql(
            "DELETE FROM workflows_payload WHERE document_id = %s AND kind = %s AND sequence = 3",
            order.pk,
            order.kind(),
        )
    assert codes(real_place) == [(order.kind(), order.pk, 3, "its payload is gone without an erasure")]


@pytest.mark.parametrize("sequences", [[6], [99], [1, 99]], ids=["an erasure", "none", "one of two"])
def test_an_erasure_is_never_erased_and_names_what_there_is(place: County, sequences: list[int]) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff")
    erase_of(place, order, [2])
    before = Payload.objects.count()
    with pytest.raises(ValueError, match="never another erasure"):
        erase_of(place, order, sequences)
    assert Payload.objects.count() == before
    assert verify(place.institution.pk).clean


def test_after_an_erasure_the_document_goes_on(place: County) -> None:
    order = order_of(place)
    erase_of(place, order, [1])
    assert walk(place, order, "submit:drafter").state == "for_signature"
    assert again(order).ledger_sequence == 3
    assert verify(place.institution.pk).clean
    with pytest.raises(DatabaseError), transaction.atomic():
        run_sql("DELETE FROM workflows_entry WHERE document_id = %s", order.pk)


# --- What it costs -----------------------------------------------------------------------------------------


def test_the_chains_are_read_through_a_cursor_in_portions(
    real_place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders_of(real_place, 60)
    monkeypatch.setattr(verification, "CHUNK", 10)
    with statements() as sent:
        verdict = verify(real_place.institution.pk)
    assert verdict.clean
    assert verdict.entries > 60
    assert sum("workflows_payload" in sql for sql in sent) == 1
    assert "DECLARE" in next(sql for sql in sent if "workflows_payload" in sql)


def test_statements_do_not_grow_with_documents(place: County) -> None:
    counts = []
    for many in (2, 40):
        orders_of(place, many)
        with statements() as sent:
            verify(place.institution.pk)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_every_kind_of_document_is_looked_at(place: County) -> None:
    with statements() as sent:
        verify(place.institution.pk)
    for model in document_kinds():
        assert any(f"FROM {model._meta.db_table} d" in sql for sql in sent)


# --- The command -------------------------------------------------------------------------------------------


def called(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


def test_the_command_ends_with_0_when_all_holds_and_says_so_as_json(place: County) -> None:
    order_of(place)
    status, said = called("--json")
    told = json.loads(said)
    assert (status, told["clean"], told["faults"]) == (0, True, [])
    assert told["entries"] == Entry.objects.count()
    assert {"chains", "seals", "erased"} <= set(told)
    status, said = called("--institution", "hoboksar")
    assert status == 0
    assert "0" in said


def test_the_command_ends_with_1_and_names_each_fault(real_place: County, order: Any) -> None:
    with behind_its_back():
        run_sql("UPDATE orders_supervisionorder SET state = 'closed' WHERE id = %s", order.pk)
    status, said = called("--institution", "hoboksar")
    assert status == 1
    assert f"{order.kind()} {order.pk} #5: does not stand where its last entry left it" in said
    out = io.StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_ledger", "--json", stdout=out)
    assert error.value.returncode == 1
    [fault] = json.loads(out.getvalue())["faults"]
    assert fault == {
        "kind": order.kind(),
        "id": order.pk,
        "sequence": 5,
        "fault": "does not stand where its last entry left it",
    }


def test_the_command_ends_with_2_for_an_institution_that_is_not_there(place: County) -> None:
    status, said = called("--institution", "nowhere")
    assert status == 2
    assert "hoboksar" in said
    assert Institution.objects.count() == 2

"""One step with many documents: the same contract, the same number of statements."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest

from organisation.models import Post
from supervision.orders.models import SupervisionOrder
from tests.supervision.county import AT, GIVEN, TO_HAND, County, act, again, change, order_of, walk
from tests.workflows.ground import act_on_all, chain, item_of, orders_of, run_sql, statements
from workflows.documents import Conflict, Refused, Stale
from workflows.fire import fire_many
from workflows.models import Entry, Notice, WorkItem


def counted(place: County, many: int, step: str, who: str, before: str = "") -> int:
    """How many statements it takes to bring so many new orders on by this step."""
    orders = orders_of(place, many, title=f"{step}{many}")
    for number, order in enumerate(orders):
        change(place, order, "drafter", title=f"{step}第{many}批第{number}件")
    if before:
        act_on_all(place, orders, before, "drafter")
    seen = {order.pk: again(order).version for order in orders}
    actor = place.actor(who)
    with statements() as sent:
        done = fire_many(SupervisionOrder, seen, step, actor=actor, at=AT, request_id=uuid4())
    assert len(done.done) == many, done.turned_down
    return len(sent)


def test_three_hundred_with_facts_take_as_many_statements_as_one(place: County) -> None:
    assert [counted(place, many, "submit", "drafter") for many in (1, 3, 300)] == [3, 3, 3]


def test_thirty_with_numbers_take_as_many_statements_as_one(place: County) -> None:
    assert [counted(place, many, "sign", "leader", "submit") for many in (1, 3, 30)][1:] == [5, 5]


def test_each_of_many_has_its_entry_its_items_and_its_notices(place: County) -> None:
    orders = orders_of(place, 12)
    act_on_all(place, orders, "submit", "drafter")
    done = act_on_all(place, orders, "sign", "leader")
    assert sorted(f.document_id for f in done.done) == sorted(o.pk for o in orders)
    for order in orders:
        assert [e.step for e in chain(order)] == ["draft_order", "submit", "sign"]
        assert item_of(order, "order.finish").number == again(order).number
    told = Counter(Notice.objects.filter(code="sign").values_list("document_id", flat=True))
    assert set(told) == {order.pk for order in orders}
    assert len(set(told.values())) == 1
    assert sorted(again(o).number for o in orders) == sorted(f"和督〔2026〕{n}号" for n in range(1, 13))
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_refused_and_stale_come_back_one_by_one_and_the_rest_go_through(place: County) -> None:
    whole, bare, moved, decided = orders_of(place, 4)
    change(place, bare, "drafter", clause="")
    seen = {o.pk: again(o).version for o in (whole, bare, moved, decided)}
    change(place, moved, "checker", clause="另一条")
    many = fire_many(
        SupervisionOrder, seen, "submit", actor=place.actor("drafter"), at=AT, request_id=uuid4()
    )
    assert {f.document_id for f in many.done} == {whole.pk, decided.pk}
    assert set(many.turned_down) == {bare.pk, moved.pk}
    refused, stale = many.turned_down[bare.pk], many.turned_down[moved.pk]
    assert isinstance(refused, Refused)
    assert [r.code for r in refused.reasons] == ["has_authority"]
    assert isinstance(stale, Stale)
    assert (stale.step, stale.by) == ("edit", place.people["checker"].pk)
    assert (again(bare).state, again(moved).state, again(whole).state) == ("draft", "draft", "for_signature")


def test_many_stale_ones_are_explained_in_two_statements(place: County) -> None:
    orders = orders_of(place, 25)
    seen = {o.pk: o.version for o in orders}
    act_on_all(place, orders, "submit", "drafter")
    actor = place.actor("checker")
    with statements() as sent:
        many = fire_many(SupervisionOrder, seen, "submit", actor=actor, at=AT, request_id=uuid4())
    assert {type(e) for e in many.turned_down.values()} == {Stale}
    assert len(sent) == 3, sent


def test_a_repeated_request_answers_all_and_takes_up_what_was_refused_then(place: County) -> None:
    orders = orders_of(place, 3)
    bare = orders[0]
    change(place, bare, "drafter", clause="")
    request_id = uuid4()
    seen = {o.pk: again(o).version for o in orders}
    first = act_on_all(place, orders, "submit", "drafter", request_id=request_id)
    assert len(first.done) == 2
    change(place, bare, "drafter", clause="会议纪要第一条")
    seen[bare.pk] = again(bare).version
    many = fire_many(
        SupervisionOrder, seen, "submit", actor=place.actor("drafter"), at=AT, request_id=request_id
    )
    assert {f.document_id: f.replayed for f in many.done} == {
        bare.pk: False,
        orders[1].pk: True,
        orders[2].pk: True,
    }
    assert Entry.objects.filter(request_id=request_id).count() == 3
    with pytest.raises(Conflict):
        raise act_on_all(place, orders, "set_aside", "drafter", request_id=request_id).turned_down[bare.pk]


def test_clocks_that_run_again_are_read_together(place: County) -> None:
    orders = [order_of(place, title=f"第{n}件", clause=f"第{n}条") for n in range(4)]
    for order in orders:
        walk(place, order, f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker")
    seen = {o.pk: again(o).version for o in orders}
    actor, given = place.actor("checker"), {name: GIVEN[name] for name in ("reason", "failed", "how_checked")}
    with statements() as sent:
        many = fire_many(
            SupervisionOrder, seen, "return_work", actor=actor, at=AT, request_id=uuid4(), **given
        )
    assert len(many.done) == 4
    assert len(sent) == 3, sent
    assert {item_of(o, "order.finish").paused_at for o in orders} == {None}


def test_a_document_that_is_not_there_takes_nothing_along(place: County) -> None:
    order = order_of(place)
    with pytest.raises(SupervisionOrder.DoesNotExist):
        fire_many(
            SupervisionOrder, {order.pk: order.version, 10**9: 1}, "submit", actor=place.actor("drafter"), at=AT, request_id=uuid4()
        )  # fmt: skip
    assert again(order).state == "draft"


def test_none_at_all_is_no_fault(place: County) -> None:
    many = fire_many(SupervisionOrder, {}, "submit", actor=place.actor("drafter"), at=AT, request_id=uuid4())
    assert (many.done, many.turned_down) == ([], {})


def test_those_of_another_institution_are_refused_one_by_one(place: County) -> None:
    orders = orders_of(place, 2)
    many = act_on_all(place, orders, "submit", "outsider")
    assert {type(e) for e in many.turned_down.values()} == {Refused}
    assert many.done == []
    assert not WorkItem.objects.filter(duty="order.signature").exists()


def test_own_work_is_refused_for_the_own_and_done_for_the_others(place: County) -> None:
    """The checker drafted one of the two: whoever takes both up gets one back."""
    mine, theirs = order_of(place, "checker"), order_of(place, title="另一事项")
    route = "sign:leader, sign_for:head, take_in_hand:staff, prove:staff, claim_done:head"
    walk(place, mine, f"submit:checker, {route}")
    walk(place, theirs, f"submit:drafter, {route}")
    many = act_on_all(place, [mine, theirs], "take_up", "checker")
    assert [f.document_id for f in many.done] == [theirs.pk]
    error = many.turned_down[mine.pk]
    assert isinstance(error, Refused)
    assert error.reasons[0].code == "own_work"
    assert Post.objects.filter(person=place.people["checker"]).count() == 1
    assert act(place, mine, "take_up", "drafter").state == "under_check"

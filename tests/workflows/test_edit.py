"""Changing a draft: who, what, and that before and after stand in the ledger."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from supervision.orders.models import Criterion, Evidence
from tests.supervision.county import AT, TO_HAND, County, again, change, fill_in, order_of, report_of, walk
from tests.supervision.permissions import trace
from tests.workflows.ground import chain, item_of, last_content, run_sql, statements
from workflows.documents import Conflict, Refused, Stale
from workflows.fire import edit
from workflows.models import WorkItem
from workflows.worklist import queue


def codes(refused: Any) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def test_before_and_after_stand_in_the_ledger(place: County) -> None:
    order = order_of(place)
    change(place, order, "drafter", clause="第五条", due_on=date(2026, 4, 1), demands_rectification=True)
    content, entry = last_content(order), chain(order)[-1]
    assert content["before"] == {
        "clause": "会议纪要第四条",
        "demands_rectification": False,
        "due_on": "2026-03-16",
    }
    assert content["after"] == {"clause": "第五条", "demands_rectification": True, "due_on": "2026-04-01"}
    assert (entry.step, entry.from_state, entry.to_state, entry.version) == ("edit", "draft", "draft", 2)
    stored = again(order)
    assert (stored.clause, stored.due_on, stored.demands_rectification, stored.version) == (
        "第五条",
        date(2026, 4, 1),
        True,
        2,
    )
    run_sql("SET CONSTRAINTS ALL IMMEDIATE")


def test_only_what_differs_is_written(place: County) -> None:
    order = order_of(place)
    change(place, order, "drafter", clause=order.clause, title="另一题目")
    assert set(last_content(order)["after"]) == {"title"}


def test_what_changes_nothing_writes_nothing(place: County) -> None:
    order = order_of(place)
    rows = [{"id": c.pk, "text": c.text} for c in order.criteria.all()]
    before = trace()
    fired = change(place, order, "drafter", title=order.title, criteria=rows)
    assert (fired.version, fired.sequence) == (1, 1)
    assert trace() == before


def test_rows_of_a_part_are_kept_changed_added_and_removed_and_both_lists_stand_in_the_ledger(
    place: County,
) -> None:
    order = order_of(place)
    first, second = order.criteria.all()
    change(
        place,
        order,
        "drafter",
        criteria=[{"id": first.pk, "text": "漏损率低于百分之八"}, {"text": "完成验收"}],
    )
    assert [(c.pk == first.pk, c.text) for c in order.criteria.all()] == [
        (True, "漏损率低于百分之八"),
        (False, "完成验收"),
    ]
    content = last_content(order)
    assert [row["text"] for row in content["parts_before"]["criteria"]] == [first.text, second.text]
    assert content["parts_after"]["criteria"] == [
        {"id": first.pk, "text": "漏损率低于百分之八"},
        {"text": "完成验收"},
    ]
    assert again(order).version == 2


def test_a_part_may_be_emptied(place: County) -> None:
    order = order_of(place)
    change(place, order, "drafter", criteria=[])
    assert not order.criteria.exists()


def test_decimals_dates_nothing_and_odd_characters_come_back_as_they_were(place: County) -> None:
    report = report_of(place)
    text = "“引号” \\ 反斜杠 %s {x} \n 换行 😀 ' ; --"
    line = {
        "task": text,
        "planned": "",
        "actual": "完成",
        "share": Decimal("55.50"),
        "gap": "",
        "measure": "",
    }
    change(place, report, "staff", summary=text, lines=[line, {**line, "share": None}])
    assert again(report).summary == text
    assert [(row.task, row.share) for row in report.lines.all()] == [(text, Decimal("55.50")), (text, None)]
    assert last_content(report)["parts_after"]["lines"][0]["share"] == "55.50"
    order = order_of(place)
    change(place, order, "drafter", due_on=None)
    assert again(order).due_on is None
    assert last_content(order)["after"] == {"due_on": None}


def test_many_rows_cost_as_much_as_one(place: County) -> None:
    sent_by = []
    for many in (1, 40):
        report = report_of(place, unit="town" if many == 1 else "bureau")
        who = "staff" if many == 1 else "staff elsewhere"
        lines = [{"task": f"任务{n}", "actual": "完成"} for n in range(many)]
        change(place, report, who, lines=lines)
        rows = [{"id": row.pk, "task": row.task, "actual": "未完成"} for row in report.lines.all()]
        with statements() as sent:
            change(
                place, report, who, lines=[*rows, *({"task": f"新{n}", "actual": ""} for n in range(many))]
            )
        sent_by.append(len(sent))
    assert sent_by[0] == sent_by[1], sent_by


def test_an_unknown_field_or_part_is_refused(place: County) -> None:
    order, before = order_of(place), trace()
    for content in (
        {"state": "closed"},
        {"number": "1号"},
        {"plan": "x"},
        {"rectification": []},
        {"workers": None},
    ):
        with pytest.raises(Refused) as refused:
            change(place, order, "drafter", **content)
        assert codes(refused) == ["no_such_field"]
    assert trace() == before


def test_rows_of_another_document_and_foreign_columns_are_refused(place: County) -> None:
    order, other = order_of(place), order_of(place, title="另一事项")
    theirs, mine = other.criteria.all()[0], order.criteria.all()[0]
    before = trace()
    for rows in (
        [{"id": theirs.pk, "text": "改写他人的标准"}],
        [{"id": mine.pk, "text": "移走", "order_id": other.pk}],
        [{"text": "塞给别人", "order_id": other.pk}],
        [{"text": "没有这一列", "colour": "red"}],
    ):
        with pytest.raises(Refused) as refused:
            change(place, order, "drafter", criteria=rows)
        assert codes(refused) == ["no_such_field"]
    assert trace() == before
    assert Criterion.objects.filter(order=other).count() == 2


def test_evidence_cannot_stand_for_a_criterion_of_another_document(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    other = walk(place, order_of(place, title="另一事项", clause="另一条"), TO_HAND)
    criterion = other.criteria.all()[0]
    row = {"criterion_id": criterion.pk, "text": "照片", "fact_on": AT.date()}
    with pytest.raises(Refused) as refused:
        change(place, order, "staff", evidence=[row])
    assert codes(refused) == ["no_such_field"]
    assert not Evidence.objects.exists()


def test_a_state_narrows_what_may_be_changed(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    for content in ({"title": "改题目"}, {"criteria": []}, {"due_on": date(2026, 12, 31)}):
        with pytest.raises(Refused) as refused:
            change(place, order, "staff", **content)
        assert codes(refused) == ["no_such_field"]
    walk(place, order, "prove:staff")
    assert Evidence.objects.filter(order=order).count() == 2


def test_a_state_without_an_editor_lets_nobody_edit(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    for who in ("drafter", "leader", "head"):
        with pytest.raises(Refused) as refused:
            change(place, order, who, title="改")
        assert codes(refused) == ["not_editable"]


@pytest.mark.parametrize("who", ["head", "staff", "leader", "stranger", "outsider", "clock"])
def test_only_the_editor_of_the_state_edits(place: County, who: str) -> None:
    order, before = order_of(place), trace()
    with pytest.raises(Refused) as refused:
        change(place, order, who, title="改")
    assert codes(refused) == ["not_yours"]
    assert trace() == before


def test_an_editor_has_handled_it(place: County) -> None:
    order = order_of(place)
    assert again(order).workers == [place.people["drafter"].pk]
    change(place, order, "checker", clause="另一条")
    assert again(order).workers == sorted([place.people["drafter"].pk, place.people["checker"].pk])
    walk(
        place,
        order,
        "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff, prove:staff, claim_done:head",
    )
    with pytest.raises(Refused) as refused:
        walk(place, order, "take_up:checker")
    assert codes(refused) == ["own_work"]


def test_an_old_page_is_stale_and_names_the_editor(place: County) -> None:
    order = order_of(place)
    change(place, order, "checker", AT + timedelta(hours=1), clause="另一条")
    with pytest.raises(Stale) as stale:
        edit(
            order,
            actor=place.actor("drafter"),
            at=AT,
            seen_version=order.version,
            request_id=uuid4(),
            changes={"clause": "我的"},
        )
    assert (stale.value.by, stale.value.at, stale.value.step) == (
        place.people["checker"].pk,
        AT + timedelta(hours=1),
        "edit",
    )
    assert again(order).clause == "另一条"


def test_a_repeated_request_is_answered_as_the_first_time(place: County) -> None:
    order, request_id, actor = order_of(place), uuid4(), place.actor("drafter")
    options: dict[str, Any] = {
        "actor": actor,
        "at": AT,
        "seen_version": order.version,
        "request_id": request_id,
    }
    first = edit(order, changes={"clause": "一"}, **options)
    walk(place, order, "submit:drafter")
    assert edit(order, changes={"clause": "一"}, **options).version == first.version
    assert edit(order, changes={"clause": "一"}, **options).replayed
    with pytest.raises(Conflict):
        edit(order, changes={"clause": "二"}, **options)


def test_the_title_and_unit_of_open_items_follow_and_closed_ones_keep_theirs(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, send_back:leader")
    change(place, order, "drafter", title="新题目", unit=place.units["bureau"])
    item = item_of(order, "order.draft")
    assert (item.title, item.unit_id) == ("新题目", place.units["bureau"].pk)
    assert [row.unit_name_zh for row in queue(place.actor("drafter"))] == ["城建局"]  # type: ignore[attr-defined]
    closed = WorkItem.objects.get(document_id=order.pk, duty="order.signature")
    assert (closed.title, closed.unit_id) == ("和什托洛盖镇供热管网漏损整治", place.units["town"].pk)
    assert last_content(order)["after"] == {"title": "新题目", "unit": place.units["bureau"].pk}


def test_an_edit_is_the_lock_the_content_and_one_writing_statement(place: County) -> None:
    order = order_of(place)
    change(place, order, "drafter", clause="一")
    actor, seen = place.actor("drafter"), again(order).version
    with statements() as sent:
        edit(order, actor=actor, at=AT, seen_version=seen, request_id=uuid4(), changes={"clause": "二"})
    assert len(sent) == 2, sent


def test_the_editor_fills_in_what_the_guard_demands(place: County) -> None:
    report = report_of(place)
    with pytest.raises(Refused):
        walk(place, report, "hand_in:staff")
    fill_in(place, report, "staff")
    assert walk(place, report, "hand_in:staff").state == "for_signature"

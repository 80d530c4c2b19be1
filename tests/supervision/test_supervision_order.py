"""What makes an order an order: its authority, one matter one order, evidence for every criterion, recall until opened."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection

from supervision.orders.models import SupervisionOrder
from tests.supervision.county import AT, TO_HAND, County, act, again, change, order_of, walk
from workflows.documents import Refused
from workflows.fire import start_many
from workflows.models import WorkItem
from workflows.worklist import open_item


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def test_an_order_without_authority_criteria_and_date_is_not_submitted(place: County) -> None:
    order = order_of(place, source="", authority=" ", due_on=None)
    change(place, order, "drafter", criteria=[])
    with pytest.raises(Refused) as refused:
        act(place, order, "submit", "drafter")
    assert codes(refused) == ["has_authority", "has_criteria", "has_due_date"]


def test_one_matter_has_one_order_as_long_as_it_is_not_closed(place: County) -> None:
    first, second = order_of(place), order_of(place)
    walk(place, first, "submit:drafter, sign:leader")
    walk(place, second, "submit:drafter")
    with pytest.raises(Refused) as refused:
        act(place, second, "sign", "leader")
    assert codes(refused) == ["is_not_repeated"]
    assert "和督〔2026〕1号" in str(refused.value)
    walk(
        place,
        first,
        "sign_for:head, take_in_hand:staff, prove:staff, claim_done:head, take_up:checker, close:checker",
    )
    act(place, second, "sign", "leader")
    assert again(second).number == "和督〔2026〕2号"


def test_the_same_paper_and_clause_are_the_same_matter_under_any_title(place: County) -> None:
    paper = {"reference": "和政发〔2026〕3号", "clause": "第四条"}
    walk(place, order_of(place, title="甲", **paper), "submit:drafter, sign:leader")
    other = walk(place, order_of(place, title="乙", **paper), "submit:drafter")
    with pytest.raises(Refused) as refused:
        act(place, other, "sign", "leader")
    assert codes(refused) == ["is_not_repeated"]


def test_another_unit_s_order_on_the_same_matter_is_another_matter(place: County) -> None:
    walk(place, order_of(place), "submit:drafter, sign:leader")
    elsewhere = walk(place, order_of(place, unit="bureau"), "submit:drafter, sign:leader")
    assert elsewhere.state == "issued"


def test_among_many_orders_of_a_unit_the_same_matter_is_found_by_index(place: County) -> None:
    rows = [
        {**place.pinned("town"), "title": f"督办事项{n}", "reference": f"和政发〔2026〕{n}号"}
        for n in range(500)
    ]
    made = start_many(SupervisionOrder, "draft_order", rows, actor=place.actor("drafter", AT), at=AT)
    matters = SupervisionOrder.objects.annotate(same=SupervisionOrder.facts()["same_matter"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE orders_supervisionorder")
    plan = matters.filter(pk__in=[order.pk for order in made]).values("same").explain()
    assert "orders_by_title" in plan
    assert "orders_by_reference" in plan


def test_every_criterion_needs_evidence_before_the_claim(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    first = order.criteria.first()
    change(
        place, order, "staff", evidence=[{"criterion_id": first.pk, "text": "检测报告", "fact_on": AT.date()}]
    )
    with pytest.raises(Refused) as refused:
        act(place, order, "claim_done", "head")
    (reason,) = refused.value.reasons
    assert (reason.code, reason.params) == ("has_evidence", {"missing": 1})


@pytest.mark.parametrize("content", [{"criteria": []}, {"due_on": date(2026, 9, 1)}, {"title": "已办结"}])
def test_while_it_is_in_hand_the_unit_adds_evidence_and_changes_nothing_else(
    place: County, content: dict[str, object]
) -> None:
    order = walk(place, order_of(place), TO_HAND)
    with pytest.raises(Refused) as refused:
        change(place, order, "staff", **content)
    assert codes(refused) == ["no_such_field"]
    assert order.criteria.count() == 2


def test_the_office_cannot_write_evidence_into_its_draft(place: County) -> None:
    order = order_of(place)
    rows = [{"criterion_id": order.criteria.first().pk, "text": "无", "fact_on": AT.date()}]
    with pytest.raises(Refused) as refused:
        change(place, order, "drafter", evidence=rows)
    assert codes(refused) == ["no_such_field"]


def test_a_submission_is_recalled_until_somebody_opens_it(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, recall:drafter, submit:drafter")
    item = WorkItem.objects.get(document_id=order.pk, duty="order.signature", closed_at=None)
    assert open_item(item.pk, actor=place.actor("leader"), at=AT)
    with pytest.raises(Refused) as refused:
        act(place, order, "recall", "drafter")
    assert codes(refused) == ["unopened"]


def test_somebody_who_cannot_decide_on_it_opens_nothing(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    item = WorkItem.objects.get(document_id=order.pk, duty="order.signature", closed_at=None)
    for who in ("drafter", "former leader", "auditor", "head"):
        assert not open_item(item.pk, actor=place.actor(who), at=AT)
    act(place, order, "recall", "drafter")
    assert again(order).state == "draft"


def test_what_was_opened_before_it_was_handed_over_does_not_stand_in_the_way(place: County) -> None:
    """The unit's own item goes on while the extension is decided: that they had opened it says nothing about the leader."""
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff")
    item = WorkItem.objects.get(document_id=order.pk, duty="order.finish")
    open_item(item.pk, actor=place.actor("head"), at=AT)
    later = AT + timedelta(hours=1)
    act(place, order, "claim_done", "head", later)
    act(place, order, "take_claim_back", "head", later + timedelta(minutes=5))
    assert again(order).state == "in_hand"


@pytest.mark.parametrize(("hours", "allowed"), [(24, True), (25, False)])
def test_a_submission_is_recalled_within_the_hours_of_the_scheme(
    place: County, hours: int, allowed: bool
) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    later = AT + timedelta(hours=hours)
    if allowed:
        act(place, order, "recall", "drafter", later)
        return
    with pytest.raises(Refused) as refused:
        act(place, order, "recall", "drafter", later)
    (reason,) = refused.value.reasons
    assert (reason.code, reason.params) == ("recent", {"hours": 24})


def test_a_disputed_order_goes_back_to_the_draft_and_keeps_number_and_original_date(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader, dispute:head, take_back:checker")
    assert order.state == "draft"
    change(place, order, "drafter", unit=place.units["bureau"], due_on=date(2026, 3, 30))
    assert WorkItem.objects.get(document_id=order.pk, closed_at=None).unit == place.units["bureau"]
    order = walk(place, order, "submit:drafter, sign:leader, sign_for:head elsewhere")
    assert (order.number, order.original_due_on, order.due_on) == (
        "和督〔2026〕1号",
        date(2026, 3, 16),
        date(2026, 3, 30),
    )
    assert SupervisionOrder.objects.get().unit == place.units["bureau"]


def test_a_return_names_the_criterion_that_was_not_met(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker")
    with pytest.raises(Refused) as refused:
        act(place, order, "return_work", "checker", failed="", how_checked="")
    assert codes(refused) == ["given.failed", "given.how_checked"]

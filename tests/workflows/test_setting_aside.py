"""What an operator does with an item that was set aside: it is tried again, or its due steps are passed over with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from organisation.models import Institution
from tests.supervision.county import AT, County, moment, order_of
from tests.workflows.clock_ground import DRAFTED, item_of, steps_of
from workflows import auditor
from workflows.deadlines import sweep
from workflows.documents import Refused
from workflows.models import Entry, Finding, Payload, WorkItem
from workflows.setting_aside import pass_over, retry
from workflows.verification import verify

DUE_DAY = moment(3, 4)
OVERDUE = moment(3, 5, 0)


@pytest.fixture
def broken(place: County) -> Any:
    """An order whose first step tells a role that nobody knows, set aside by the sweep."""
    order = order_of(place)
    item = item_of(order, DRAFTED)
    first, *rest = item.ladder
    WorkItem.objects.filter(pk=item.pk).update(ladder=[{**first, "tells": ["nobody"]}, *rest])
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=DUE_DAY)
    assert sweep(DUE_DAY).set_aside == 1
    return order


def test_an_item_set_aside_is_looked_at_again_once_and_only_by_its_own_institution(place: County) -> None:
    order = order_of(place)
    item = WorkItem.objects.get(document_id=order.pk, kind=order.kind(), closed_at=None)
    assert not retry(item.pk, institution_id=place.institution.pk)
    WorkItem.objects.filter(pk=item.pk).update(attempts=2, retry_at=AT)
    assert not retry(item.pk, institution_id=place.people["outsider"].institution_id)
    assert retry(item.pk, institution_id=place.institution.pk)
    assert WorkItem.objects.get(pk=item.pk).retry_at is None
    assert not retry(item.pk, institution_id=place.institution.pk)


def test_a_step_that_raises_is_passed_over_and_the_later_ones_are_taken(place: County, broken: Any) -> None:
    item = item_of(broken, DRAFTED)
    pass_over(
        item.pk,
        actor=place.actor("office", DUE_DAY),
        at=DUE_DAY,
        reason="阶梯误写了不存在的角色，已报方案修订",
    )
    item.refresh_from_db()
    assert (item.ladder_at, item.next_step_at, item.attempts, item.retry_at, item.last_error) == (
        1,
        OVERDUE,
        0,
        None,
        "",
    )
    assert not Finding.objects.filter(code="set_aside").exists()
    assert steps_of(broken) == []
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=OVERDUE)
    sweep(OVERDUE)
    assert steps_of(broken) == [("overdue", OVERDUE, OVERDUE)]
    assert item_of(broken, DRAFTED).lamp == "red"
    assert verify().clean
    assert [fault for fault in auditor.find(OVERDUE) if fault.document_id == broken.pk] == []


def test_who_passed_over_what_and_why_stands_in_the_document_s_chain(place: County, broken: Any) -> None:
    item = item_of(broken, DRAFTED)
    pass_over(item.pk, actor=place.actor("office", DUE_DAY), at=DUE_DAY, reason="角色有误")
    entry = Entry.objects.get(kind=broken.kind(), document_id=broken.pk, step="pass_over")
    assert (entry.actor, entry.as_role) == (place.people["office"].pk, "performance_office")
    payload = Payload.objects.get(kind=entry.kind, document_id=entry.document_id, sequence=entry.sequence)
    told = json.loads(bytes(payload.content))
    assert (told["reason"], told["steps"]) == ("角色有误", ["due_today"])
    assert told["error"].startswith("NoSuchRole")


def test_a_ladder_that_cannot_be_read_is_passed_over_to_its_end(place: County, broken: Any) -> None:
    item = item_of(broken, DRAFTED)
    WorkItem.objects.filter(pk=item.pk).update(ladder=[{"when": "?"}, {"when": "?"}])
    pass_over(item.pk, actor=place.actor("office", DUE_DAY), at=DUE_DAY, reason="阶梯损坏")
    item.refresh_from_db()
    assert (item.ladder_at, item.next_step_at) == (2, None)


def test_without_a_reason_or_without_an_error_nothing_is_passed_over(place: County, broken: Any) -> None:
    item, sound = item_of(broken, DRAFTED), item_of(order_of(place, title="另一事项"), DRAFTED)
    entries = Entry.objects.count()
    with pytest.raises(Refused, match="越过须写明理由"):
        pass_over(item.pk, actor=place.actor("office", DUE_DAY), at=DUE_DAY, reason="  ")
    with pytest.raises(Refused, match="不在暂缓之列"):
        pass_over(sound.pk, actor=place.actor("office", DUE_DAY), at=DUE_DAY, reason="不想再催")
    with pytest.raises(WorkItem.DoesNotExist):
        pass_over(item.pk, actor=place.actor("outsider", DUE_DAY), at=DUE_DAY, reason="外县")
    assert Entry.objects.count() == entries
    assert item_of(broken, DRAFTED).attempts == 1


def test_an_operator_sees_why_and_passes_over_on_the_page(place: County, broken: Any) -> None:
    client = Client()
    client.force_login(place.people["office"])
    item = item_of(broken, DRAFTED)
    page = client.get("/operation/").content.decode()
    assert "NoSuchRole: the ladder of order.draft tells &#x27;nobody&#x27;" in page
    url = f"/operation/items/{item.pk}/pass-over/"
    assert client.post(url, {"reason": ""}, HTTP_HX_REQUEST="true").status_code == 422
    refused = client.post(url, {"reason": ""}, follow=True).content.decode()
    assert "越过须写明理由" in refused
    assert "NoSuchRole" in refused
    assert "NoSuchRole" not in client.post(url, {"reason": "角色有误"}, follow=True).content.decode()
    trail = client.get(f"/d/{broken.kind()}/{broken.pk}/").content.decode()
    assert "越过出错的到期步骤" in trail
    assert "角色有误" in trail

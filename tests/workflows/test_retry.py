"""An operator lets the next sweep look again at an item that was set aside."""

from __future__ import annotations

from tests.supervision.county import AT, County, order_of
from workflows.deadlines import retry
from workflows.models import WorkItem


def test_an_item_set_aside_is_looked_at_again_once_and_only_by_its_own_institution(place: County) -> None:
    order = order_of(place)
    item = WorkItem.objects.get(document_id=order.pk, kind=order.kind(), closed_at=None)
    assert not retry(item.pk, institution_id=place.institution.pk)
    WorkItem.objects.filter(pk=item.pk).update(attempts=2, retry_at=AT)
    assert not retry(item.pk, institution_id=place.people["outsider"].institution_id)
    assert retry(item.pk, institution_id=place.institution.pk)
    assert WorkItem.objects.get(pk=item.pk).retry_at is None
    assert not retry(item.pk, institution_id=place.institution.pk)

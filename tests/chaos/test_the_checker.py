"""The checker bites: what it exists to find, it finds."""

from __future__ import annotations

import pytest
from django.db import connection

from notifications.sending import deliver
from tests.chaos import ground
from tests.notifications.ground import Sink, notice, use
from tests.supervision.county import County
from tests.workflows.clock_ground import orders
from workflows import deadlines
from workflows.clockwork import database_clock
from workflows.models import WorkItem


def test_a_step_that_was_not_taken_or_taken_at_a_wrong_instant_is_found(place: County) -> None:
    made = orders(place, 3, ground.days_ago(20))
    with pytest.raises(AssertionError, match="lost"):
        ground.assert_nothing_lost(database_clock())
    deadlines.sweep(database_clock())
    assert ground.assert_nothing_lost(database_clock()) == 12
    item = WorkItem.objects.get(document_id=made[0].pk, duty="order.draft")
    ladder = item.ladder
    ladder[0]["at"] = ground.days_ago(19).isoformat()
    WorkItem.objects.filter(pk=item.pk).update(ladder=ladder)
    with pytest.raises(AssertionError, match="lost"):
        ground.assert_nothing_lost(database_clock())


def test_a_mail_that_is_lost_or_doubled_once_too_often_is_found(
    place: County, sink: Sink, settings: object
) -> None:
    use(settings, sink.port)
    now = database_clock()
    notice(place, "drafter", at=now)
    deliver(now)
    assert ground.assert_mails_are_copies(sink, 0) == 0
    taken, sink.taken = sink.taken, []
    with pytest.raises(AssertionError):
        ground.assert_mails_are_copies(sink, 0)
    sink.taken = taken
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_delivery SET status = 'pending' WHERE status = 'sent'")
    deliver(now)
    with pytest.raises(AssertionError, match="1 doubled by 0 deaths"):
        ground.assert_mails_are_copies(sink, 0)
    assert ground.assert_mails_are_copies(sink, 1) == 1

"""What the auditor finds wrong with deliveries: a lease that nobody took up again, a dead letter that nobody looked at,
a notice that was never planned, a channel that has been at rest for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection

from notifications.channels import CHANNELS
from notifications.models import GIVEN_UP, Breaker, Delivery
from workflows.auditor import MOST_OF_EACH, Fault
from workflows.words import Text

LEASE_LOST_AFTER = timedelta(minutes=10)
UNPLANNED_AFTER = timedelta(minutes=15)
DEAD_AFTER = timedelta(hours=1)
DOWN_AFTER = timedelta(hours=1)
LATEST = 100_000
"""How many of the latest notices the auditor looks at; every pass over all of them is planning's own."""
DELIVERY, CHANNEL, NOTICE = "notifications.delivery", "notifications.breaker", "workflows.notice"
"""Kinds under which these faults stand; a channel's document is 0."""

UNPLANNED = """
SELECT n.id, c.channel FROM workflows_notice n CROSS JOIN unnest(%(channels)s::text[]) AS c(channel)
  JOIN organisation_institution i ON i.id = n.institution_id
 WHERE n.id > (SELECT coalesce(max(id), 0) FROM workflows_notice) - %(latest)s AND n.at <= %(before)s AND i.frozen_at IS NULL
   AND NOT EXISTS (SELECT FROM notifications_delivery d WHERE d.notice_id = n.id AND d.channel = c.channel AND d.resend_of_id IS NULL
      AND d.notice_id > (SELECT coalesce(max(id), 0) FROM workflows_notice) - %(latest)s)
 ORDER BY n.id LIMIT %(most)s"""


def lost_leases(at: datetime) -> Iterator[Fault]:
    """Deliveries whose lease ended long ago, by the database's clock, which leases run on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, channel, lease_until FROM notifications_delivery
                WHERE status = 'leased' AND lease_until < clock_timestamp() - %s * interval '1 second' ORDER BY lease_until LIMIT %s""",
            [LEASE_LOST_AFTER.total_seconds(), MOST_OF_EACH],
        )
        for pk, channel, until in cursor.fetchall():
            yield Fault(DELIVERY, pk, "lease_lost", {"channel": channel, "lease_until": until.isoformat()})


def dead_letters(at: datetime) -> Iterator[Fault]:
    """What could not be sent and has waited for an operator for more than an hour."""
    rows = Delivery.objects.filter(
        status__in=GIVEN_UP, settled_at__isnull=True, dead_at__lte=at - DEAD_AFTER
    ).order_by("pk")
    for pk, address, error in rows.values_list("pk", "address", "last_error")[:MOST_OF_EACH]:
        yield Fault(DELIVERY, pk, "dead_letter", {"address": address, "error": error[:200]})


def channels_down(at: datetime) -> Iterator[Fault]:
    """Channels whose fault has lasted for more than an hour."""
    for breaker in Breaker.objects.filter(failures__gt=0, opened_at__lte=at - DOWN_AFTER):
        params = {
            "channel": breaker.channel,
            "since": breaker.opened_at.isoformat() if breaker.opened_at else "",
            "error": breaker.last_error[:200],
        }
        yield Fault(CHANNEL, 0, "channel_down", params)


def unplanned(at: datetime) -> Iterator[Fault]:
    """Notices, among the latest, that ought to have a delivery row in every channel by now."""
    with connection.cursor() as cursor:
        cursor.execute(UNPLANNED, {
            "channels": list(CHANNELS), "before": at - UNPLANNED_AFTER, "latest": LATEST, "most": MOST_OF_EACH,
        })  # fmt: skip
        for pk, channel in cursor.fetchall():
            yield Fault(NOTICE, pk, "unplanned", {"channel": channel})


CHECKS = (
    ("lease_lost", Text("发送租约过期后无人接手", "A delivery's lease ended and nobody took it up again"), lost_leases),
    ("dead_letter", Text("外发通知未能送出，待人工处理", "A notice could not be sent; somebody must look at it"), dead_letters),
    ("channel_down", Text("外发渠道持续故障", "A channel has been out of order for long"), channels_down),
    ("unplanned", Text("通知未安排外发", "A notice was never planned for sending"), unplanned),
)  # fmt: skip

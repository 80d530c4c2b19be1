"""A mail server that is down, refuses, is slow and drops what it has taken, one after the other, while mails keep coming in: none
is lost, none is dead for the server's faults, people's screens and deadlines go on (T14)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from notifications import sending
from notifications.channels import mail
from notifications.models import Breaker, Delivery
from notifications.sending import MOST_ATTEMPTS, deliver
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.notifications.ground import AT, notice, use
from tests.notifications.scripted import ENDS, HANG_UP, Answer, scripted_server
from tests.supervision.county import County
from workflows.deadlines import sweep
from workflows.models import Notice

pytestmark = pytest.mark.timeout(600)

PEOPLE = ("drafter", "checker", "leader", "staff", "head")
REFUSED = "staff@example.org"
HALF_AN_HOUR = timedelta(minutes=30)


def test_a_mail_server_with_every_fault_in_turn_gets_every_mail_in_the_end(
    place: County, settings: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.title = "A mail server down, refusing, slow, dropping what it has taken"
    fault = "down"
    hung: Counter[str] = Counter()

    def answer(said: str, whom: str) -> Answer:
        if fault == "down":
            return "421 closing" if said == "banner" else None
        if fault == "refusing for now":
            return "451 4.3.0 try later" if said == "RCPT" else None
        if fault == "slow":
            return (3 * mail.CONVERSATION, "250 well") if said == "MAIL" else None
        if fault == "dropping" and said == ENDS and hung[whom] < 2:
            hung[whom] += 1
            return HANG_UP
        if said == "RCPT" and REFUSED in whom:
            return "550 5.1.1 no such user"
        return None

    monkeypatch.setattr(mail, "CONVERSATION", 0.4)
    at, made = AT, 0
    with scripted_server(answer) as server:
        use(settings, server.port)
        faults = ("down", "refusing for now", "slow", "dropping", "none")
        for fault in faults:
            for _ in range(SCALE.mails_at_fault // len(faults)):
                notice(place, PEOPLE[made % 5], at=at)
                made += 1
            hours = 24 if fault == "down" else 6
            for _ in range(hours * 2 if SCALE.name == "full" else 4):
                at += HALF_AN_HOUR
                deliver(at, budget=60)
            standing = dict(Counter(Delivery.objects.values_list("status", flat=True)))
            record.event(
                "fault",
                what=fault,
                standing=standing,
                failures=Breaker.objects.first().failures if Breaker.objects.exists() else 0,
            )
            if fault != "none":
                assert set(standing) <= {"pending", "sent", "dead"}, standing
                assert set(Delivery.objects.filter(status="dead").values_list("address", flat=True)) <= {
                    REFUSED
                }
                assert fault == "dropping" or "sent" not in standing, "nothing can have left"
                assert sweep(at).set_aside == 0
        for _ in range(40):
            at += timedelta(hours=1)
            deliver(at, budget=60)
    dead = Counter(Delivery.objects.exclude(status="sent").values_list("status", "address"))
    refused = Notice.objects.filter(person=place.people["staff"]).count()
    record.figure("T14", "mails", made)
    record.exactly(
        "T14",
        "not sent in the end: those to the address that is refused",
        dict(dead),
        {("dead", REFUSED): refused},
    )
    sent = set(Delivery.objects.filter(status="sent").values_list("message_id", flat=True))
    got = Counter(
        content.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode() for _, content in server.taken
    )
    record.exactly("T14", "mails lost", len(sent - got.keys()), 0)
    record.most("T14", "copies of one mail, all with one Message-ID", max(got.values()), MOST_ATTEMPTS)
    record.figure(
        "T14",
        "mails that left more than once, because the server hung up after the last line",
        sum(n > 1 for n in got.values()),
    )
    assert Breaker.objects.get().failures == 0
    assert sending.LEASE.total_seconds() > 2 * mail.CONVERSATION

"""A mail server that is at fault kills no message, stops no other one, and holds no worker for long (T14)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connections

from notifications import preferences, sending, watch
from notifications.channels import mail
from notifications.deliveries import page_of_deliveries, resend, settle
from notifications.models import Breaker, Delivery, DigestRun
from notifications.planning import plan
from notifications.sending import MOST_ATTEMPTS, Delivered, deliver
from tests.conftest import Clone
from tests.notifications.ground import AT, notice, use
from tests.notifications.scripted import ENDS, HANG_UP, Answer, ScriptedServer, scripted_server
from tests.supervision import county as counties
from tests.supervision.county import County, moment

Serve = Callable[[Callable[[str, str], Answer]], ScriptedServer]


@pytest.fixture
def serve(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Starts the one server that this process's mail goes to; no hour is quiet."""
    for end in ("quiet_from", "quiet_until"):
        monkeypatch.setitem(preferences.PRODUCT, end, moment(3, 2, 0).time())  # type: ignore[arg-type]
    with ExitStack() as running:

        def start(answer: Callable[[str, str], Answer]) -> ScriptedServer:
            server = running.enter_context(scripted_server(answer))
            use(settings, server.port)
            return server

        yield start


@pytest.fixture
def committed(committed_db: Clone) -> County:
    return counties.county()


def passes(begins: datetime, hours: int, minutes: int = 30) -> None:
    for n in range(hours * 60 // minutes):
        deliver(begins + timedelta(minutes=n * minutes))


def statuses() -> Counter[str]:
    return Counter(Delivery.objects.values_list("status", flat=True))


# --- Whose fault it is --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("banner", "421 closing"),
        ("EHLO", HANG_UP),
        ("MAIL", HANG_UP),
        ("MAIL", "530 5.7.0 sign in first"),
        ("RCPT", "554 5.7.1 relay access denied"),
        ("RCPT", "421 4.3.2 closing"),
        ("RCPT", "451 4.3.0 try later"),
        ("RCPT", "450 4.1.8 the sender's domain is not found"),
        ("RCPT", "451 local error in processing"),
        ("DATA", "452 4.3.1 no room"),
        ("DATA", "451 4.7.1 the filter is away"),
        ("DATA", HANG_UP),
    ],
)
def test_a_day_of_a_server_that_takes_nothing_kills_no_message(
    place: County, serve: Serve, command: str, answer: str
) -> None:
    well = False
    server = serve(lambda said, _: answer if said == command and not well else None)
    for _ in range(5):
        notice(place)
    passes(AT, 24)
    assert statuses() == {"pending": 5}
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {0}
    assert Breaker.objects.get().failures > 5
    well = True
    passes(AT + timedelta(days=1), 1)
    assert statuses() == {"sent": 5}
    assert len(server.taken) == 5
    assert Breaker.objects.get().failures == 0


def test_a_server_that_hangs_up_on_whole_messages_gets_each_eight_times_and_somebody_decides(
    place: County, serve: Serve
) -> None:
    """It may have them all: they are not dead, and not sent for ever either."""
    server = serve(lambda said, _: HANG_UP if said == ENDS else None)
    for _ in range(3):
        notice(place)
    passes(AT, 24)
    assert statuses() == {"uncertain": 3}
    assert len(server.taken) == 3 * MOST_ATTEMPTS
    assert len({content for _, content in server.taken}) == 3, "every copy is the same to the byte"
    lines = page_of_deliveries(place.institution.pk, status="dead").rows
    assert {(line.status, str(line.why.en if line.why else "")) for line in lines} == {
        ("uncertain", "the other side may have it")
    }
    clerk = place.actor("office")
    settle(lines[0].id, by=clerk, at=AT, reason="对方确认已收到")
    resend(lines[1].id, by=clerk, at=AT, reason="对方确认未收到")
    assert [line.id for line in page_of_deliveries(place.institution.pk, status="dead").rows] == [lines[2].id]


def test_one_urgent_message_that_makes_the_server_hang_up_does_not_stop_the_others(
    place: County, serve: Serve
) -> None:
    server = serve(
        lambda said, whom: (
            "421 4.7.0 too many for this domain" if said == "RCPT" and "staff@" in whom else None
        )
    )
    notice(place, "staff")
    notice(place, "head", urgent=False)
    notice(place, "deputy", urgent=False)
    done = deliver(AT)
    assert (done.sent, done.put_off, done.channels_down) == (2, 1, 0)
    assert {whom for whom, _ in server.taken} == {"head@example.org", "deputy@example.org"}
    assert Delivery.objects.get(status="pending").attempts == 1, (
        "the others have shown that the fault is its own"
    )


def test_one_that_is_put_off_is_put_off_for_itself_when_others_are_taken(place: County, serve: Serve) -> None:
    serve(lambda said, whom: "451 4.7.1 greylisted" if said == "RCPT" and "staff@" in whom else None)
    notice(place, "staff")
    notice(place, "head", urgent=False)
    done = deliver(AT)
    assert (done.sent, done.put_off, done.channels_down) == (1, 1, 0)
    assert Delivery.objects.get(status="pending").attempts == 1


@pytest.mark.parametrize("answer", ["450 mailbox busy", "452 4.2.2 mailbox full", "450 4.1.1 not verified"])
def test_full_mailboxes_do_not_put_the_channel_at_rest(place: County, serve: Serve, answer: str) -> None:
    serve(lambda said, _: answer if said == "RCPT" else None)
    for who in ("staff", "head", "deputy", "leader"):
        notice(place, who)
    done = deliver(AT)
    assert (done.put_off, done.channels_down) == (4, 0)
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def test_one_that_is_alone_with_its_fault_gives_way_to_whoever_comes_later(
    place: County, serve: Serve
) -> None:
    server = serve(
        lambda said, whom: (
            "421 4.7.0 too many for this domain" if said == "RCPT" and "staff@" in whom else None
        )
    )
    notice(place, "staff")
    passes(AT, 4)
    assert Breaker.objects.get().failures > 3, "with nothing to compare it looks like the channel"
    notice(place, "head", urgent=False, at=AT + timedelta(hours=4))
    passes(AT + timedelta(hours=4), 1, minutes=5)
    assert [whom for whom, _ in server.taken] == ["head@example.org"]


def test_a_message_that_is_too_large_is_dead_and_the_channel_is_well(place: County, serve: Serve) -> None:
    serve(lambda said, _: "552 5.3.4 too large" if said == "MAIL" else None)
    notice(place)
    done = deliver(AT)
    assert (done.dead, done.channels_down) == (1, 0)


def test_a_refusal_by_rule_is_the_recipients_when_others_are_taken(place: County, serve: Serve) -> None:
    serve(lambda said, whom: "550 5.7.1 not from you" if said == "RCPT" and "staff@" in whom else None)
    notice(place, "staff")
    at = AT
    for _ in range(MOST_ATTEMPTS):
        notice(place, "head", at=at)
        deliver(at)
        at += timedelta(hours=7)
    assert Delivery.objects.get(address="staff@example.org").status == "dead"


# --- While it is at fault ------------------------------------------------------------------------------------


def test_only_an_answer_of_the_server_ends_the_rest(place: County, serve: Serve) -> None:
    """A reminder that need not be sent any more says nothing about the channel."""
    serve(lambda said, _: "421 closing" if said == "banner" else None)
    notice(place)
    for n in range(3):
        deliver(AT + timedelta(minutes=20 * n))
    begun, later = Breaker.objects.get(), AT + timedelta(hours=2)
    gone = {"code": "ladder:urge", "kind": "orders.supervisionorder", "document_id": 0}
    notice(place, "head", params={"duty": "order.finish", "due_on": "2026-03-02"}, at=later, **gone)
    deliver(later)
    assert (begun.failures, Breaker.objects.get().failures) == (3, 4)
    assert Breaker.objects.get().opened_at == begun.opened_at == AT


def test_three_days_without_a_server_leave_one_digest_beside_the_one_that_tried(
    place: County, serve: Serve
) -> None:
    well = False
    serve(lambda said, _: "421 closing" if said == "banner" and not well else None)
    for day in (2, 3, 4, 5):
        for _ in range(3):
            notice(place, urgent=False, at=moment(3, day, 8))
        passes(moment(3, day, 8), 10)
    assert DigestRun.objects.count() == 1
    well = True
    passes(moment(3, 6, 9), 1)
    assert (
        Delivery.objects.filter(notice__isnull=True, status="sent").count() == DigestRun.objects.count() == 2
    )
    assert statuses()["gathered"] == 12


# --- A slow one ----------------------------------------------------------------------------------------------


def test_a_message_is_handed_over_within_half_a_lease_however_slow_each_answer_is(
    place: County, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sending.LEASE.total_seconds() > 2 * mail.CONVERSATION
    monkeypatch.setattr(mail, "CONVERSATION", 0.5)
    serve(lambda said, _: (0.3, "250 well") if said in ("MAIL", "RCPT", ENDS) else None)
    notice(place)
    begun = time.monotonic()
    assert deliver(AT).channels_down == 1
    assert time.monotonic() - begun < 3
    assert statuses() == {"pending": 1}


def test_the_lease_begins_anew_when_the_line_is_open(
    committed: County, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening takes longer than the lease that is left: whoever has been overtaken by then sends nothing."""
    monkeypatch.setattr(sending, "LEASE", timedelta(seconds=2))
    slow = iter([2.5])
    server = serve(lambda said, _: (next(slow, 0.0), "220 here") if said == "banner" else None)
    notice(committed)
    done: list[Delivered] = []

    def run() -> None:
        try:
            done.append(deliver(AT))
        finally:
            connections.close_all()

    first = Thread(target=run)
    first.start()
    time.sleep(2.2)
    while not deliver(AT).sent and first.is_alive():
        time.sleep(0.05)
    first.join(30)
    assert len(server.taken) == 1
    assert statuses() == {"sent": 1}


def test_a_slow_server_holds_one_worker_at_a_time(committed: County, serve: Serve) -> None:
    serve(lambda said, _: (1.5, "250 well") if said == ENDS else None)
    notice(committed)
    results: list[Delivered | None] = []

    def run() -> None:
        try:
            results.append(watch.deliver_in_turn(AT))
        finally:
            connections.close_all()

    first = Thread(target=run)
    first.start()
    deadline = time.monotonic() + 10
    while statuses()["leased"] == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    begun = time.monotonic()
    assert watch.deliver_in_turn(AT) is None
    assert time.monotonic() - begun < 0.5
    first.join(30)
    assert [done.sent if done else None for done in results] == [1]
    notice(committed, "head")
    again = watch.deliver_in_turn(AT)
    assert again is not None, "the place is free again"
    assert again.sent == 1


def test_the_place_of_a_pass_that_was_killed_is_free_after_a_lease(
    committed: County, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(lambda said, _: None)
    monkeypatch.setattr(watch, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(watch, "LEAVE_PLACE", "SELECT %s, %s")
    assert watch.deliver_in_turn(AT) is not None
    assert watch.deliver_in_turn(AT) is None
    time.sleep(0.6)
    assert watch.deliver_in_turn(AT) is not None


def test_a_pass_that_raises_leaves_its_place(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Exception):
        pass

    def breaks(*args: Any, **options: Any) -> Delivered:
        raise Broken

    monkeypatch.setattr(watch, "deliver", breaks)
    for _ in range(2):
        with pytest.raises(Broken):
            watch.deliver_in_turn(AT)


def test_planning_without_digests_leaves_them_waiting(place: County) -> None:
    notice(place, urgent=False)
    assert plan(AT, "mail", digests=False).digests == 0
    assert statuses() == {"waiting": 1}

"""Leases, fences, back-off, breaker and dead letters, against a real SMTP server."""

from __future__ import annotations

import socket
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from notifications import faults
from notifications.channels.base import ChannelDown
from notifications.channels.mail import Mail
from notifications.deliveries import channels, page_of_deliveries, resend, settle
from notifications.models import Breaker, Delivery
from notifications.planning import plan
from notifications.sending import MOST_ATTEMPTS, RETRY_LONGEST, back_off, deliver, lease_next, mark
from organisation.actors import clock_of
from tests.notifications.ground import AT, Sink, notice, use
from tests.supervision.county import County
from workflows.documents import Refused
from workflows.models import Entry

HOUR = timedelta(hours=1)


def expire_leases() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_delivery SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'leased'"
        )


def only() -> Delivery:
    return Delivery.objects.get()


def test_an_urgent_notice_leaves_at_once_with_its_own_message_id(place: County, sink: Sink) -> None:
    notice(place)
    assert deliver(AT).sent == 1
    (mail,) = sink.taken
    row = only()
    assert mail["Message-ID"] == row.message_id
    assert mail["To"] == "staff@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (row.status, row.sent_at, row.attempts) == ("sent", AT, 1)
    assert deliver(AT).sent == 0


def test_a_retry_sends_the_same_bytes(place: County, sink: Sink) -> None:
    notice(place)
    sink.answers["staff@example.org"] = "450 try again"
    assert deliver(AT).put_off == 1
    place.people["staff"].email = "moved@example.org"
    place.people["staff"].save(update_fields=["email"])
    del sink.answers["staff@example.org"]
    assert deliver(AT + timedelta(seconds=10)).sent == 0, "not before its time"
    assert deliver(AT + timedelta(seconds=31)).sent == 1
    (mail,) = sink.taken
    row = only()
    assert (mail["To"], mail["Message-ID"], row.attempts) == ("staff@example.org", row.message_id, 2)
    assert mail["Date"].datetime == AT


def test_a_frozen_sender_is_overtaken_and_what_it_says_afterwards_is_not_believed(
    place: County, sink: Sink
) -> None:
    notice(place)
    plan(AT, "mail")
    frozen = lease_next("mail", AT)
    assert frozen is not None
    assert lease_next("mail", AT) is None, "leased is leased"
    assert deliver(AT).taken_back == 0, "its lease has not ended"
    expire_leases()
    done = deliver(AT)
    assert (done.taken_back, done.sent) == (1, 1)
    assert mark(frozen, {"status": "dead", "last_error": "too late"}) == 0
    assert (only().status, only().last_error, only().attempts) == ("sent", "", 2)


def test_a_message_that_keeps_ending_its_process_is_given_up(place: County, sink: Sink) -> None:
    notice(place)
    plan(AT, "mail")
    for _ in range(MOST_ATTEMPTS):
        assert lease_next("mail", AT) is not None
        expire_leases()
        # The channel rests, so that only taking back happens in this process.
        Breaker.objects.update_or_create(channel="mail", defaults={"open_until": AT + HOUR, "failures": 1})
        assert deliver(AT).taken_back == 1
    assert (only().status, only().why, only().attempts) == ("uncertain", "perhaps", MOST_ATTEMPTS)
    assert sink.taken == []


def test_a_channel_that_refuses_rests_and_costs_no_attempt(place: County, settings: Any, sink: Sink) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        use(settings, taken.getsockname()[1])
        for _ in range(3):
            notice(place)
        done = deliver(AT)
        assert (done.channels_down, done.sent) == (1, 0)
        assert set(Delivery.objects.values_list("status", "attempts", "lease_token")) == {
            ("pending", 0, None)
        }
        (state,) = channels(place.institution.pk, AT)
        assert state.resting_until == AT + timedelta(seconds=30)
        assert "Refused" in state.error
        assert deliver(AT + timedelta(seconds=29)).channels_down == 1
        assert deliver(AT + timedelta(seconds=31)).channels_down == 1
        assert Breaker.objects.get().open_until == AT + timedelta(seconds=91), "twice as long the second time"
        assert [f.code for f in faults.channels_down(AT + 2 * HOUR)] == ["channel_down"]
    use(settings, sink.port)
    assert deliver(AT + 2 * HOUR).sent == 3
    assert Breaker.objects.get().failures == 0
    assert not list(faults.channels_down(AT + 4 * HOUR))


def test_the_last_line_of_a_message_does_not_wait_for_an_acknowledgement(settings: Any, sink: Sink) -> None:
    use(settings, sink.port)
    with Mail().session() as session:
        session.open()
        line: Any = session.backend.connection  # type: ignore[attr-defined]
        assert line.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_night_without_a_server_kills_no_message(place: County, settings: Any, sink: Sink) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        use(settings, taken.getsockname()[1])
        notice(place)
        for minutes in range(0, 9 * 60, 10):
            deliver(AT + timedelta(minutes=minutes))
    assert (only().status, only().attempts) == ("pending", 0)
    use(settings, sink.port)
    assert deliver(AT + timedelta(hours=10)).sent == 1


def test_a_silent_server_is_the_channels_fault(settings: Any) -> None:
    from notifications.channels.base import Message

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        use(settings, silent.getsockname()[1])
        settings.EMAIL_TIMEOUT = 0.3
        with Mail().session() as session, pytest.raises(ChannelDown, match=r"[Tt]ime"):
            session.send(Message("<a@b>", "a@example.org", "s", "b", AT))


def test_a_bad_address_is_dead_at_once_and_the_others_leave(place: County, sink: Sink) -> None:
    sink.answers["head@example.org"] = "550 no such user"
    sink.drops.add("deputy@example.org")
    notice(place, "head")
    notice(place, "deputy")
    notice(place, "colleague", title="有换行\r\n的标题")
    broken = notice(place, "staff elsewhere", kind="gone.kind", code="no_such_step")
    for _ in range(20):
        notice(place, "staff")
    done = deliver(AT)
    assert (done.sent, done.dead, done.put_off, done.channels_down) == (22, 1, 1, 0)
    assert Delivery.objects.get(status="dead").last_error == "550 no such user"
    assert Delivery.objects.get(address="deputy@example.org").attempts == 1
    assert Delivery.objects.get(notice=broken).status == "sent", "told by its title"


def test_a_message_the_server_puts_off_for_ever_is_given_up_after_eight_attempts(
    place: County, sink: Sink
) -> None:
    sink.answers["staff@example.org"] = "450 mailbox busy"
    notice(place)
    at = AT
    for _ in range(MOST_ATTEMPTS + 2):
        deliver(at)
        at += timedelta(days=1)
    assert (only().status, only().attempts, only().last_error) == ("dead", MOST_ATTEMPTS, "450 mailbox busy")


def test_back_off_doubles_up_to_six_hours() -> None:
    for attempts in range(1, 40):
        longest = min(6 * 3600, 30 * 2 ** (attempts - 1))
        assert longest / 2 <= back_off(attempts) <= longest <= RETRY_LONGEST


def test_a_dead_letter_is_shown_and_sent_again_by_a_person_with_a_reason(place: County, sink: Sink) -> None:
    sink.answers["staff@example.org"] = "550 no such user"
    notice(place)
    deliver(AT)
    clerk = place.actor("office")
    (line,) = page_of_deliveries(place.institution.pk, status="dead").rows
    assert (line.can_resend, line.can_settle, line.error) == (True, True, "550 no such user")
    assert not list(faults.dead_letters(AT)), "an operator has an hour"
    assert [f.document_id for f in faults.dead_letters(AT + HOUR)] == [line.id]
    told = StringIO()
    with pytest.raises(CommandError):
        call_command("deliveries", "--dead", stdout=told)
    assert f"{line.id} staff@example.org" in told.getvalue()
    with pytest.raises(Refused):
        resend(line.id, by=clerk, at=AT, reason=" ")
    with pytest.raises(Refused):
        resend(line.id, by=place.actor("outsider"), at=AT, reason="换了邮箱")
    place.people["staff"].email = "new@example.org"
    place.people["staff"].save(update_fields=["email"])
    again = resend(line.id, by=clerk, at=AT, reason="换了邮箱")
    with pytest.raises(Refused):
        resend(line.id, by=clerk, at=AT, reason="再发一次")
    old = Delivery.objects.get(pk=line.id)
    assert again.key == f"{old.key}:resend:1"
    assert (again.subject, again.body) == (old.subject, old.body)
    assert again.message_id != old.message_id
    assert deliver(AT).sent == 1
    assert [m["To"] for m in sink.taken] == ["new@example.org"]
    assert page_of_deliveries(place.institution.pk, status="dead").rows == ()
    assert not list(faults.dead_letters(AT + HOUR))
    second = resend(again.pk, by=clerk, at=AT, reason="对方称未收到")
    assert second.key == f"{old.key}:resend:2"
    entries = Entry.objects.filter(kind="institution.notifications", step="resend")
    assert list(entries.values_list("actor", flat=True)) == [clerk.person_id] * 2


def test_a_dead_letter_may_rest_when_the_person_was_told_otherwise(place: County, sink: Sink) -> None:
    sink.answers["staff@example.org"] = "550 no such user"
    notice(place)
    deliver(AT)
    settle(only().pk, by=place.actor("office"), at=AT, reason="已电话告知")
    assert not list(faults.dead_letters(AT + HOUR))
    with pytest.raises(Refused):
        settle(only().pk, by=clock_of(place.institution.pk), at=AT, reason="再次")
    assert Entry.objects.filter(kind="institution.notifications", step="settle").count() == 1


def test_a_lost_lease_and_an_unplanned_notice_are_found(place: County) -> None:
    notice(place)
    assert [f.code for f in faults.unplanned(AT + HOUR)] == ["unplanned"]
    plan(AT, "mail")
    assert not list(faults.unplanned(AT + HOUR))
    assert lease_next("mail", AT) is not None
    assert not list(faults.lost_leases(AT))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_delivery SET lease_until = clock_timestamp() - interval '11 minutes'"
        )
    assert [f.code for f in faults.lost_leases(AT)] == ["lease_lost"]

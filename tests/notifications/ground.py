"""Notices and a mail server for tests: rows as the engine writes them, and a real SMTP server on loopback."""

from __future__ import annotations

import email
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from email.policy import default
from itertools import count
from typing import Any

from aiosmtpd.controller import Controller

from organisation.models import Person
from tests.supervision.county import County, moment
from workflows.models import Notice

_numbers = count(1)

AT = moment(3, 2, 9)
"""A Monday, a working day, after the hour of the digest and outside the quiet hours."""


def notice(
    place: County, who: str = "staff", *, urgent: bool = True, at: datetime = AT, **fields: Any
) -> Notice:
    """A notice to this person, who is given an address: the outage's, which is about no document."""
    person = address(place, who)
    values = {
        "kind": "organisation.institution", "document_id": place.institution.pk, "code": "outage",
        "params": {"count": 0, "items": []}, "title": place.institution.name_zh, "key": f"test:{next(_numbers)}", **fields,
    }  # fmt: skip
    return Notice.objects.create(institution=place.institution, person=person, urgent=urgent, at=at, **values)


def address(place: County, who: str) -> Person:
    """The person, with an e-mail address."""
    person = place.people[who]
    if not person.email:
        person.email = f"{who.replace(' ', '.')}@example.org"
        person.save(update_fields=["email"])
    return person


@dataclass
class Sink:
    """What the server took. `answers` are by address: the line it answers RCPT with instead of taking it; `after_data` is
    the line it answers with once it has the message; `drops` are addresses after whose message it cuts the line."""

    port: int = 0
    taken: list[Message] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    drops: set[str] = field(default_factory=set)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, to: str, options: Any) -> str:
        if to in self.answers:
            return self.answers[to]
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(email.message_from_bytes(envelope.content, policy=default))
        if self.drops & set(envelope.rcpt_tos):
            server.transport.abort()
        return "250 OK"

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.taken]

    def sent_to(self, where: str) -> list[Message]:
        return [mail for mail in self.taken if mail["To"] == where]


class OnAnyPort(Controller):
    """aiosmtpd's controller looks whether it listens on the port it asked for; here that is whichever is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def smtp_server() -> Iterator[Sink]:
    """A server on a free port of 127.0.0.1, in a thread of its own."""
    sink = Sink()
    controller = OnAnyPort(sink, hostname="127.0.0.1", port=0)
    controller.start()
    sink.port = controller.port
    try:
        yield sink
    finally:
        controller.stop()


def use(settings: Any, port: int) -> None:
    """Send this process's mail to the server on that port."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 5

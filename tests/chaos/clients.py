"""People at browsers: each sends decisions one after the other, and whatever is not answered again, word for word."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from organisation.models import Person
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from workflows.models import Entry

TOKEN = "c" * 32
AWAY = 503
PATIENCE = 180.0 + SCALE.database_gone
"""Seconds for which somebody goes on sending what is not answered."""


def signed_in(person: Person) -> str:
    """The cookies of a browser in which this person has signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "organisation.sign_in.PersonBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return f"duban_session={session.session_key}; duban_csrf={TOKEN}"


@dataclass(frozen=True)
class Form:
    """A filled-in form; `request_id` is what makes a second sending the same request."""

    path: str
    body: str
    request_id: str
    cookies: str


def form_for(document: Any, step: str, version: int, cookies: str, **typed: str) -> Form:
    """The form by which somebody takes a step with a document that they have seen at this version."""
    request_id = str(uuid4())
    body = urlencode({
        "csrfmiddlewaretoken": TOKEN, "step": step, "confirmed": step, "seen_version": version, "request_id": request_id, **typed,
    })  # fmt: skip
    return Form(f"/d/{document.kind()}/{document.pk}/act/", body, request_id, cookies)


@dataclass(frozen=True)
class Answer:
    """How one sending was answered; status 0: not at all."""

    status: int
    seconds: float
    text: str


def back_and_forth(document: Any, cookies: str) -> Iterator[Form]:
    """Submitted and recalled for ever by the same person."""
    version: int = document.version
    while True:
        for step in ("submit", "recall"):
            yield form_for(document, step, version, cookies)
            version += 1


@contextmanager
def at_work(clients: Sequence[Client]) -> Iterator[None]:
    """They decide until the block ends, and then each finishes what is under way."""
    for client in clients:
        client.start()
    try:
        yield
    finally:
        for client in clients:
            client.over.set()
        for client in clients:
            client.join(PATIENCE + 30)
            assert not client.is_alive(), "somebody is never answered"


def assert_each_counts_once(clients: Sequence[Client], record: Record, catalogue: str) -> None:
    """Every decision that was sent stands in the ledger exactly once, and nobody saw anything but an answer or "not now"."""
    sent = [request for client in clients for request in client.answers]
    counted = Counter(
        str(pk) for pk in Entry.objects.filter(request_id__isnull=False).values_list("request_id", flat=True)
    )
    statuses = sum((client.sendings for client in clients), Counter[int]())
    record.figure(catalogue, "requests by status (0: no answer)", dict(sorted(statuses.items())))
    record.figure(catalogue, "decisions at the web server", len(sent))
    record.towards("decisions", len(sent))
    record.exactly(catalogue, "decisions lost", sum(counted[request] == 0 for request in sent), 0)
    record.exactly(catalogue, "decisions counted twice", sum(counted[request] > 1 for request in sent), 0)
    record.exactly(
        catalogue, "answers other than done or not now", sorted(statuses.keys() - {0, 302, AWAY}), []
    )
    record.exactly(catalogue, "pages that show a trace", sum(client.traces for client in clients), 0)
    assert set().union(*(client.answers.values() for client in clients)) == {302}


def send(address: str, form: Form, timeout: float = 20.0, *, part: bool = False) -> Answer:
    """Send a form once, or read a page when it has no body; `part`: as htmx asks, for a part of a page."""
    begun = time.monotonic()
    line = http.client.HTTPConnection(address, timeout=timeout)
    headers = {
        "Cookie": form.cookies,
        "Content-Type": "application/x-www-form-urlencoded",
        **({"HX-Request": "true"} if part else {}),
    }
    try:
        line.request("POST" if form.body else "GET", form.path, form.body or None, headers)
        answer = line.getresponse()
        text = answer.read().decode(errors="replace")
        return Answer(answer.status, time.monotonic() - begun, text)
    except (OSError, http.client.HTTPException) as fault:
        return Answer(0, time.monotonic() - begun, f"{type(fault).__name__}: {fault}")
    finally:
        line.close()


@dataclass(eq=False)
class Client(threading.Thread):
    """Sends its forms in order, each until it is answered with something other than "not now"; endless ones until `over`."""

    address: str
    forms: Iterable[Form]
    record: Record
    pause: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    answers: dict[str, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    sendings: Counter[int] = field(default_factory=Counter)
    traces: int = 0
    """Pages that told of a fault by a trace."""

    def __post_init__(self) -> None:
        super().__init__()

    def run(self) -> None:
        for form in self.forms:
            self._until_answered(form)
            if self.over.wait(self.pause):
                return

    def _until_answered(self, form: Form) -> None:
        ends, tries = time.monotonic() + PATIENCE, 0
        while time.monotonic() < ends:
            tries += 1
            answer = send(self.address, form)
            self.sendings[answer.status] += 1
            self.seconds.append(answer.seconds)
            self.record.event(
                "sent",
                path=form.path,
                request=form.request_id,
                status=answer.status,
                seconds=round(answer.seconds, 4),
            )
            if answer.status >= 500:
                self.traces += "Traceback" in answer.text
            if answer.status not in (0, AWAY):
                self.answers[form.request_id] = answer.status
                return
            time.sleep(min(0.1 * tries, 1.0))

"""The web process is killed while eight people decide; they send the same requests again, and each decision counts once."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections import Counter
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from organisation.models import Person
from tests.chaos import ground
from tests.conftest import Site
from tests.supervision.county import AT, County, order_of
from workflows.clockwork import database_clock
from workflows.models import Entry, Notice, WorkItem
from workflows.verification import verify

pytestmark = pytest.mark.timeout(240)

CLIENTS, EACH = 8, 12
TOKEN = "c" * 32


def signed_in(person: Person) -> str:
    """The cookies of a browser in which this person has signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "organisation.sign_in.PersonBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return f"duban_session={session.session_key}; duban_csrf={TOKEN}"


class Client(threading.Thread):
    """A browser that submits its orders one after the other; what is not answered is sent again, word for word."""

    def __init__(self, site: Site, cookies: str, orders: list[Any]) -> None:
        super().__init__()
        self.site, self.cookies = site, cookies
        self.forms = {
            order.pk: urlencode({
                "csrfmiddlewaretoken": TOKEN, "step": "submit", "confirmed": "submit", "seen_version": order.version, "request_id": uuid4(),
            })
            for order in orders
        }  # fmt: skip
        self.answers: dict[int, list[int]] = {pk: [] for pk in self.forms}
        self.unanswered: Counter[int] = Counter()

    def run(self) -> None:
        for pk in self.forms:
            self.send(pk)

    def send(self, pk: int) -> None:
        for _ in range(40):
            try:
                self.answers[pk].append(self.post(pk))
                return
            except (OSError, http.client.HTTPException):
                self.unanswered[pk] += 1
                time.sleep(0.1)

    def post(self, pk: int) -> int:
        line = http.client.HTTPConnection(urlsplit(self.site.url).netloc, timeout=20)
        try:
            line.request(
                "POST", f"/d/orders.supervisionorder/{pk}/act/", self.forms[pk],
                {"Cookie": self.cookies, "Content-Type": "application/x-www-form-urlencoded"},
            )  # fmt: skip
            answer = line.getresponse()
            answer.read()
            return answer.status
        finally:
            line.close()


def so_many_or_over(count: int, clients: list[Client]) -> bool:
    over = not any(client.is_alive() for client in clients)
    return over or Entry.objects.filter(step="submit").count() >= count


def test_a_decision_sent_again_after_the_web_process_was_killed_counts_once(
    place: County, live_server_process: Site
) -> None:
    dice = ground.chance()
    cookies = signed_in(place.people["drafter"])
    documents = [
        [order_of(place, title=f"督办事项{client}-{n}", at=AT) for n in range(EACH)]
        for client in range(CLIENTS)
    ]
    clients = [Client(live_server_process, cookies, orders) for orders in documents]
    for client in clients:
        client.start()
    kills = 0
    while any(client.is_alive() for client in clients) and kills < 3:
        few_more = Entry.objects.filter(step="submit").count() + 3
        ground.until(partial(so_many_or_over, few_more, clients), 30, lambda: "nobody is answered")
        time.sleep(dice.uniform(0.0, 0.1))
        child = live_server_process.child
        assert child.process is not None
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait(10)
        child.start()
        kills += 1
    for client in clients:
        client.join(60)
        assert not client.is_alive()
    first = Counter(
        status for client in clients for statuses in client.answers.values() for status in statuses
    )
    unknown = sum(client.unanswered.total() for client in clients)
    assert first == {302: CLIENTS * EACH}, (
        "whatever was answered, at the first or a later sending, was the first result"
    )
    assert unknown >= 1, "a kill hit somebody"
    for client in clients:  # and all of it once more
        for pk in client.forms:
            assert client.post(pk) == 302

    submitted = Counter(Entry.objects.filter(step="submit").values_list("document_id", flat=True))
    assert submitted == {order.pk: 1 for orders in documents for order in orders}
    open_items = Counter(
        WorkItem.objects.filter(kind="orders.supervisionorder", closed_at=None).values_list(
            "document_id", "duty"
        )
    )
    assert open_items == {(order.pk, "order.signature"): 1 for orders in documents for order in orders}
    told = Counter(Notice.objects.filter(code="submit").values_list("document_id", "person__name"))
    assert set(told.values()) <= {1}
    assert verify().clean
    from workflows import auditor

    assert [f for f in auditor.find(database_clock()) if f.code not in ("step_missed",)] == []
    print(f"{CLIENTS * EACH} decisions, {kills} kills, {unknown} requests without an answer")

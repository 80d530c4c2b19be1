"""The web process is killed while people decide; they send the same requests again, and each decision counts once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.chaos import ground
from tests.chaos.clients import Client, assert_each_counts_once, form_for, send, signed_in
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.conftest import Site
from tests.supervision.county import County
from tests.workflows.ground import orders_of
from workflows import auditor
from workflows.clockwork import database_clock
from workflows.models import Entry, Notice, WorkItem
from workflows.verification import verify

pytestmark = pytest.mark.timeout(600)

MORE = 4
"""Decisions between two kills."""


def so_many_or_over(count: int, clients: list[Client]) -> bool:
    over = not any(client.is_alive() for client in clients)
    return over or Entry.objects.filter(step="submit").count() >= count


def test_a_decision_sent_again_after_the_web_process_was_killed_counts_once(
    place: County, live_server_process: Site, record: Record
) -> None:
    record.title = "The web process killed while people decide"
    dice = ground.chance()
    cookies = signed_in(place.people["drafter"])
    made = orders_of(place, SCALE.clients * SCALE.requests)
    address = urlsplit(live_server_process.url).netloc
    clients = [
        Client(address, [form_for(order, "submit", 1, cookies) for order in made[n :: SCALE.clients]], record)
        for n in range(SCALE.clients)
    ]
    for client in clients:
        client.start()
    kills = 0
    while any(client.is_alive() for client in clients) and kills < SCALE.web_kills:
        few_more = Entry.objects.filter(step="submit").count() + MORE
        ground.until(partial(so_many_or_over, few_more, clients), 60, lambda: "nobody is answered")
        time.sleep(dice.uniform(0.0, 0.1))
        child = live_server_process.child
        assert child.process is not None
        os.kill(child.process.pid, signal.SIGKILL)
        child.process.wait(10)
        child.start()
        kills += 1
        record.event("killed", kills=kills)
    for client in clients:
        client.join(120)
        assert not client.is_alive()
    unknown = sum(client.sendings[0] for client in clients)
    record.figure("T1", "kills of the web process", kills)
    record.towards("kill -9", kills)
    record.least("T4", "requests whose answer was lost, all settled by sending them again", unknown, 1)
    assert_each_counts_once(clients, record, "T4")
    for client in clients:  # and all of it once more
        for form in client.forms:
            assert send(address, form).status == 302

    submitted = Counter(Entry.objects.filter(step="submit").values_list("document_id", flat=True))
    assert submitted == {order.pk: 1 for order in made}
    open_items = Counter(
        WorkItem.objects.filter(kind="orders.supervisionorder", closed_at=None).values_list(
            "document_id", "duty"
        )
    )
    assert open_items == {(order.pk, "order.signature"): 1 for order in made}
    told: Counter[Any] = Counter(
        Notice.objects.filter(code="submit").values_list("document_id", "person__name")
    )
    record.exactly("T1", "notices of those decisions, a person and document", set(told.values()), {1})
    assert verify().clean
    found = [f for f in auditor.find(database_clock()) if f.code != "step_missed"]
    record.exactly("T1", "findings of the auditor", found, [])

"""The broker is killed, stands still, is emptied, and loses its file, while people decide: they do not notice, and nothing is
lost (T6)."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable

import pytest
import redis

from config import home
from tests.chaos import ground
from tests.chaos.clients import Client, assert_each_counts_once, at_work, back_and_forth, signed_in
from tests.chaos.installation import Installation
from tests.chaos.record import Record, percentile
from tests.chaos.scale import FULL, SCALE
from tests.notifications.ground import Sink
from tests.supervision.county import County
from tests.workflows.clock_ground import orders
from tests.workflows.ground import orders_of
from workflows.clockwork import database_clock

pytestmark = [pytest.mark.alone, pytest.mark.timeout(600)]

BACK_WITHIN = 60.0
OVERDUE = 5


def killed(own: Installation) -> None:
    own.kill("valkey")
    time.sleep(1.0)
    own.restart("valkey")


def frozen(own: Installation) -> None:
    own.signal("valkey", signal.SIGSTOP)
    time.sleep(SCALE.broker_frozen)
    own.signal("valkey", signal.SIGCONT)


def emptied(own: Installation) -> None:
    client = redis.Redis.from_url(home.broker_url(own.folder))
    client.flushall()
    client.close()


def without_its_file(own: Installation) -> None:
    own.kill("valkey")
    shutil.rmtree(own.folder / "valkey")
    os.mkdir(own.folder / "valkey", 0o700)
    own.restart("valkey")


FAULTS: tuple[Callable[[Installation], None], ...] = (killed, frozen, emptied, without_its_file)


def test_nobody_notices_that_the_broker_is_gone(
    own: Installation, own_place: County, sink: Sink, record: Record
) -> None:
    record.title = "The broker killed, frozen, emptied, without its file, while people decide"
    cookies = signed_in(own_place.people["drafter"])
    own.start("web", "worker", "beat")
    own.wait_for_web()
    clients = [
        Client(own.address, back_and_forth(order, cookies), record, pause=0.3)
        for order in orders_of(own_place, SCALE.clients)
    ]
    overdue = 0
    slowest = 0.0
    with at_work(clients):
        for fault in FAULTS if SCALE is FULL else FAULTS[:1]:
            record.event("fault", what=fault.__name__)
            orders(own_place, OVERDUE, ground.days_ago(20))
            overdue += OVERDUE
            fault(own)
            begun = time.monotonic()
            record.event("over", what=fault.__name__)
            record.towards("broker", 1)
            record.towards("kill -9", fault in (killed, without_its_file))
            orders(own_place, OVERDUE, ground.days_ago(20))
            overdue += OVERDUE
            ground.until(ground.all_taken, BACK_WITHIN, lambda: own.log("worker")[-3000:])
            slowest = max(slowest, time.monotonic() - begun)
    own.parts["beat"].stop()
    own.parts["worker"].stop()
    ground.settle()
    seconds = [s for client in clients for s in client.seconds]
    assert_each_counts_once(clients, record, "T6")
    record.exactly(
        "T6",
        "requests without an answer or refused",
        sum(n for c in clients for s, n in c.sendings.items() if s != 302),
        0,
    )
    record.most("T6", "p99 of the web server throughout", percentile(seconds, 0.99), 1.0, " s")
    record.figure("T6", "slowest request", f"{max(seconds):.3f} s")
    record.most("T6", "deadlines run again after the fault", round(slowest, 1), BACK_WITHIN, " s")
    steps = ground.assert_nothing_lost(database_clock())
    record.towards("deadlines", steps)
    record.least("T6", "deadline steps, none lost, none twice, each at its instant", steps, overdue * 4)
    record.most("T6", "mails sent twice", ground.assert_mails_are_copies(sink, 0), 0)

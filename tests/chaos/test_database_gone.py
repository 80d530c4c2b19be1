"""The database crashes while people decide and workers sweep, and is gone for a while: a page says so, and whatever was
under way counts once or not at all (T7)."""

from __future__ import annotations

import signal
import time

import pytest

from tests.chaos import ground
from tests.chaos.clients import (
    Client,
    Form,
    assert_each_counts_once,
    at_work,
    back_and_forth,
    send,
    signed_in,
)
from tests.chaos.installation import Installation
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.notifications.ground import Sink
from tests.supervision.county import County
from tests.workflows.clock_ground import orders
from tests.workflows.ground import orders_of
from workflows.clockwork import database_clock

pytestmark = pytest.mark.timeout(900)

OVERDUE = 5


def crash(own: Installation) -> None:
    """As `pg_ctl stop -m immediate` does: every session is cut, nothing is written; the next start recovers."""
    own.kill("postgres", signal.SIGQUIT)


def test_a_database_that_crashes_loses_nothing_and_nobody_sees_a_trace(
    own: Installation, own_place: County, sink: Sink, record: Record
) -> None:
    record.title = "The database crashes again and again, and is gone for a while"
    dice = ground.chance()
    cookies = signed_in(own_place.people["drafter"])
    own.start("web", "worker", "beat")
    own.wait_for_web()
    clients = [
        Client(own.address, back_and_forth(order, cookies), record, pause=0.02)
        for order in orders_of(own_place, SCALE.clients)
    ]
    page = Form("/queue/", "", "", cookies)
    overdue = 0
    with at_work(clients):
        for number in range(SCALE.database_crashes):
            orders(own_place, OVERDUE, ground.days_ago(20))
            overdue += OVERDUE
            time.sleep(dice.uniform(0.3, 1.5))
            record.event("crash", number=number)
            crash(own)
            own.restart("postgres")
            record.event("back")
        ground.until(ground.all_taken, 60, lambda: own.log("worker")[-3000:])
        crash(own)
        record.event("gone")
        begun = time.monotonic()
        shown = [send(own.address, page)]
        while time.monotonic() - begun < SCALE.database_gone:
            shown.append(send(own.address, page))
            time.sleep(0.2)
        health = own.health()
        gone = round(time.monotonic() - begun)
        own.restart("postgres")
        record.event("back")
        orders(own_place, OVERDUE, ground.days_ago(20))
        overdue += OVERDUE
    record.figure("T7", "crashes of the database", SCALE.database_crashes + 1)
    record.towards("crashes", SCALE.database_crashes + 1)
    record.towards("gone", gone)
    record.figure("T7", "longest absence", f"{gone} s", "longer than every timeout of ours (20 s)")
    record.exactly(
        "T7", "statuses of a page while it is gone", sorted({answer.status for answer in shown}), [503]
    )
    assert all("系统维护中" in answer.text and "Traceback" not in answer.text for answer in shown)
    record.most("T7", "slowest such page", round(max(answer.seconds for answer in shown), 3), 6.0, " s")
    assert health[0] == 503
    assert "The database does not answer" in health[1]
    record.exactly(
        "T7", "traces of requests in the web server's log", own.log("web").count("Internal Server Error"), 0
    )
    own.parts["beat"].stop()
    own.parts["worker"].stop()
    ground.settle()
    assert_each_counts_once(clients, record, "T7")
    unknown = sum(client.sendings[0] + client.sendings[503] for client in clients)
    record.figure("T7", "requests with an unknown outcome, all settled by sending them again", unknown)
    steps = ground.assert_nothing_lost(database_clock())
    record.towards("deadlines", steps)
    record.least("T7", "deadline steps, none lost, none twice, each at its instant", steps, overdue * 4)
    record.most(
        "T7",
        "mails sent twice",
        ground.assert_mails_are_copies(sink, SCALE.database_crashes + 1),
        SCALE.database_crashes + 1,
    )

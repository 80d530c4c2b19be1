"""Two beats, a beat that is killed again and again, and no beat (T15)."""

from __future__ import annotations

import time

import pytest

from tests.chaos import ground
from tests.chaos.installation import Installation
from tests.chaos.record import Record
from tests.chaos.scale import FULL, SCALE
from tests.notifications.ground import Sink
from tests.supervision.county import County
from tests.workflows.clock_ground import orders
from workflows.clockwork import database_clock

pytestmark = pytest.mark.timeout(600)

SHOWS_WITHIN = 180.0
TWO = ("beat", "beat two")


def test_two_beats_are_as_one_and_a_killed_one_begins_again(
    own: Installation, own_place: County, sink: Sink, record: Record
) -> None:
    record.title = "Two beats, beats killed, no beat"
    own.start("worker", *TWO)
    overdue, kills, begun = 0, 0, time.monotonic()
    while kills < SCALE.beat_kills or time.monotonic() - begun < SCALE.beats_seconds:
        orders(own_place, 3, ground.days_ago(20))
        overdue += 3
        time.sleep(0.5)
        if kills < SCALE.beat_kills:
            own.kill(TWO[kills % 2])
            own.restart(TWO[kills % 2])
            kills += 1
            record.event("killed", beat=kills % 2)
    ground.until(ground.all_taken, 60, lambda: own.log("beat") + own.log("worker")[-3000:])
    record.figure("T15", "kills of a beat", kills)
    record.towards("kill -9", kills)
    if SCALE is FULL:
        for name in TWO:
            own.kill(name)
        record.towards("kill -9", len(TWO))
        own.start("web")
        own.wait_for_web()
        silent = time.monotonic()
        ground.until(
            lambda: "Last sign of the sweep" in own.health()[1] and own.health()[0] == 503,
            SHOWS_WITHIN,
            lambda: own.health()[1],
        )
        record.most(
            "T15",
            "without a beat /healthz says so after",
            round(time.monotonic() - silent, 1),
            SHOWS_WITHIN,
            " s",
        )
        own.restart("beat")
        orders(own_place, 3, ground.days_ago(20))
        overdue += 3
        ground.until(ground.all_taken, 60, lambda: own.log("worker")[-3000:])
    for name in (*TWO, "worker"):
        own.parts[name].stop()
    ground.settle()
    steps = ground.assert_nothing_lost(database_clock())
    record.least("T15", "deadline steps, none lost, none twice, each at its instant", steps, overdue * 4)
    record.towards("deadlines", steps)
    record.most("T15", "mails sent twice", ground.assert_mails_are_copies(sink, 0), 0)

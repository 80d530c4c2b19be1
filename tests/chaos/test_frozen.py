"""A process stands still beyond its lease, as a virtual machine that is moved does: it is overtaken, and not believed (T8)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from notifications import sending
from notifications.models import Delivery
from tests.chaos import ground
from tests.chaos.mortals import Mortal, assert_none_raised, fork
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.notifications.ground import Sink, notice, use
from tests.supervision.county import County
from tests.workflows.clock_ground import orders
from workflows import deadlines
from workflows.clockwork import database_clock
from workflows.models import Notice

pytestmark = pytest.mark.timeout(600)

LEASE = 0.8  # seconds
MAILS = 12


def deliver_with_short_leases(said: Path, stops_at: str = "") -> Callable[[], None]:
    """One pass whose leases are short; it stops itself when it first comes by the named place."""

    def run() -> None:
        sending.LEASE = timedelta(seconds=LEASE)
        sending.reached = stops_once(stops_at)
        figures = sending.deliver(database_clock()).figures()
        said.write_text(repr(figures))

    return run


def stops_once(where: str) -> Callable[[str], None]:
    stopped: list[str] = []

    def reached(name: str) -> None:
        if name == where and not stopped:
            stopped.append(name)
            os.kill(os.getpid(), signal.SIGSTOP)

    return reached


def stands_still(mortal: Mortal) -> bool:
    return psutil.Process(mortal.pid).status() == psutil.STATUS_STOPPED


def has_stopped(mortal: Mortal) -> bool:
    """Whether it stands still, or has ended because there was nothing for it to do."""
    return mortal.poll() is not None or stands_still(mortal)


@pytest.mark.parametrize(("where", "copies"), [("after_lease", 0), ("after_smtp_accept", 1)])
def test_a_deliverer_that_stood_still_is_overtaken_and_what_it_says_is_not_written(
    place: County, sink: Sink, settings: Any, tmp_path: Path, where: str, copies: int
) -> None:
    use(settings, sink.port)
    now = database_clock()
    for n in range(MAILS):
        notice(place, ("drafter", "checker")[n % 2], at=now)
    slow, fast = tmp_path / "slow", tmp_path / "fast"
    frozen = fork(deliver_with_short_leases(slow, where), tmp_path)
    try:
        ground.until(lambda: stands_still(frozen), 30, lambda: "it did not stop")
        held = Delivery.objects.get(status="leased")
        time.sleep(LEASE + 0.2)
        assert fork(deliver_with_short_leases(fast), tmp_path).wait() == 0
        assert "'taken_back': 1" in fast.read_text()
        assert Delivery.objects.filter(status="sent").count() == MAILS
        marked = Delivery.objects.get(pk=held.pk)
        frozen.send(signal.SIGCONT)
        assert frozen.wait() == 0, frozen.words()
    finally:
        frozen.kill()
    assert "'overtaken': 1" in slow.read_text()
    assert "'sent': 0" in slow.read_text()
    after = Delivery.objects.get(pk=held.pk)
    assert (after.status, after.sent_at, after.attempts) == ("sent", marked.sent_at, 2)
    assert ground.assert_mails_are_copies(sink, copies) == copies
    assert Notice.objects.filter(code="outage").count() == MAILS


def test_deliverers_stopped_at_random_for_longer_than_their_lease_overwrite_nothing(
    place: County, sink: Sink, settings: Any, tmp_path: Path, record: Record
) -> None:
    """Three at work at a time, each stops with its first message in hand; mails keep coming in, and one that does not stop
    overtakes them.

    All three have stopped before it begins. One that came late would find only what it has taken back, at the end of the line,
    and one message that is eight times in the hands of somebody who stops is given up, as it should be.
    """
    record.title = f"{SCALE.pauses} pauses of deliverers beyond their lease"
    use(settings, sink.port)
    dice = ground.chance()
    at_work: list[Mortal] = []
    pauses, overwritten = 0, 0
    while pauses < SCALE.pauses:
        now = database_clock()
        for n in range(12):
            notice(place, ("drafter", "checker", "leader")[n % 3], at=now)
        at_work = [mortal for mortal in at_work if mortal.poll() is None]
        while len(at_work) < 3:
            at_work.append(
                fork(
                    deliver_with_short_leases(
                        tmp_path / "figures", dice.choice(("after_lease", "after_smtp_accept"))
                    ),
                    tmp_path,
                )
            )
        for mortal in at_work:
            ground.until(partial(has_stopped, mortal), 30, lambda: "one neither stops nor ends")
        still = [mortal for mortal in at_work if mortal.poll() is None]
        pauses += len(still)
        time.sleep(LEASE + 0.2)
        helper = fork(deliver_with_short_leases(tmp_path / "figures"), tmp_path)
        helper.wait()
        marked = dict(Delivery.objects.filter(status="sent").values_list("pk", "sent_at"))
        for mortal in still:
            mortal.send(signal.SIGCONT)
        ended = [mortal.wait() for mortal in still]
        assert_none_raised([*still, helper])
        after = dict(Delivery.objects.filter(pk__in=marked, status="sent").values_list("pk", "sent_at"))
        overwritten += sum(after.get(pk) != sent_at for pk, sent_at in marked.items())
        record.event("pause", stopped=len(still), ended=ended, sent=len(marked))
    for mortal in at_work:
        mortal.send(signal.SIGCONT)
        mortal.wait()
    assert_none_raised(at_work)
    ground.settle()
    record.least("T8", "deliverers stopped beyond their lease", pauses, SCALE.pauses)
    record.towards("pauses", pauses)
    record.exactly("T8", "results overwritten by one that came back", overwritten, 0)
    stops = pauses + len(at_work)
    record.most(
        "T8",
        "mails sent twice, each with the same Message-ID",
        ground.assert_mails_are_copies(sink, stops),
        stops,
    )
    record.figure("T8", "mails in all", len(set(sink.ids)))


def test_a_sweeper_that_stands_still_holds_back_only_what_it_has_locked(
    place: County, tmp_path: Path, record: Record
) -> None:
    record.title = "Sweepers stopped in the middle of a transaction"
    for number in range(max(SCALE.pauses // 6, 1)):
        orders(place, 20, ground.days_ago(20))

        def sweep_and_stop(where: str = ("sweep.locked", "sweep.written")[number % 2]) -> None:
            deadlines.reached = stops_once(where)
            deadlines.sweep(database_clock(), batch=5)

        frozen = fork(sweep_and_stop, tmp_path)
        try:
            ground.until(lambda frozen=frozen: stands_still(frozen), 30, lambda: "it did not stop")
            swept = deadlines.sweep(database_clock())
            record.exactly(
                "T8",
                "documents taken beside a sweeper that stands still with five",
                (swept.documents, swept.held),
                (15, 5),
            )
            frozen.send(signal.SIGCONT)
            assert frozen.wait() == 0, frozen.words()
        finally:
            frozen.kill()
    steps = ground.assert_nothing_lost(database_clock())
    record.towards("pauses", max(SCALE.pauses // 6, 1))
    record.towards("deadlines", steps)
    record.exactly("T8", "deadline steps, none lost, none twice", steps, max(SCALE.pauses // 6, 1) * 80)

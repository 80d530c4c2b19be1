"""What the tests of chaos need: processes that are killed, a bell, a mail server, and a checker of the final rows.

The checker knows nothing of how the rows came about. It asks of every ladder whether each step that was due is in the
ledger exactly once with its true instant, and of every mail whose copy it is.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from django.db import connection, connections

from config import home
from config.processes import Child
from notifications.models import Delivery
from notifications.preferences import lay_down
from notifications.sending import deliver
from organisation.actors import clock_of
from tests.chaos.scale import SEED
from tests.conftest import CeleryWorker, Clone
from tests.notifications.ground import Sink, address
from tests.supervision.county import County
from workflows import auditor, ladders
from workflows.clockwork import database_clock
from workflows.deadlines import sweep
from workflows.models import Entry, Payload, WorkItem
from workflows.verification import verify


def chance() -> random.Random:
    """One row of numbers for a test; DUBAN_CHAOS_SEED gives another, and is printed by a test that fails."""
    print(f"DUBAN_CHAOS_SEED={SEED}")
    return random.Random(SEED)


REACHABLE = ("drafter", "checker", "leader", "staff", "head")


def reachable_at_any_hour(place: County, *who: str) -> None:
    """No quiet hours, whatever the time of day the tests run at, and an address for these (none named: for all who are told)."""
    lay_down(
        place.institution.pk, by=clock_of(place.institution.pk), at=database_clock(), quiet_from="00:00", quiet_until="00:00"
    )  # fmt: skip
    for name in who or REACHABLE:
        address(place, name)


def until(what: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    """Wait until it is so, or fail with what `otherwise` tells."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.05)


# --- A worker that dies -------------------------------------------------------------------------------------


@dataclass
class Mortal:
    """A Celery worker in several lives, and how many of its processes have died."""

    worker: CeleryWorker
    environment: dict[str, str]
    deaths: Counter[str] = field(default_factory=Counter)

    def born(self, failpoint: str = "") -> None:
        """Start it; every process of it dies on reaching `failpoint`."""
        self.environment["DUBAN_FAILPOINT"] = failpoint
        self.worker.start()

    def pool(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.worker.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def kill_some(self, many: int, dice: random.Random) -> None:
        """kill -9 of so many of the processes that do the work, one after the other; the worker replaces them."""
        wanted = self.deaths["killed"] + many
        while self.deaths["killed"] < wanted:
            time.sleep(dice.uniform(0.05, 0.4))
            pool = self.pool()
            with suppress(psutil.NoSuchProcess):
                if pool and (one := dice.choice(pool)).status() != psutil.STATUS_ZOMBIE:
                    one.kill()
                    self.deaths["killed"] += 1

    def fell(self) -> int:
        """How many of this life ended at the failpoint. (The task that each had in hand is told of in further lines.)"""
        return self.worker.log.count("exited with 'exitcode 137'")

    def die(self) -> None:
        """kill -9 of the whole worker; when this returns, nothing of it is left."""
        pool = self.pool()
        self.deaths["failpoint"] += self.fell()
        self.deaths["worker"] += 1
        self.worker.kill()
        psutil.wait_procs(pool, timeout=20)
        assert not [process for process in pool if process.is_running() and process.status() != "zombie"]


@contextmanager
def mortal_worker(db: Clone, folder: Path, sink: Sink) -> Iterator[Mortal]:
    """A worker of two processes on the test's database and mail server; gone afterwards."""
    from config.celery import app

    environment = {**db.environment, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(sink.port)}
    child = Child(
        name="worker",
        command=[
            *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--concurrency", "2"),
            *("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--hostname", "chaos@%h"),
        ],
        environment=environment, log=folder / "worker.log", stop_signal=signal.SIGQUIT, folder=home.ROOT, patience=3.0,
    )  # fmt: skip
    app.control.purge()
    try:
        yield Mortal(CeleryWorker(child), environment)
    finally:
        child.stop()
        app.control.purge()
        app.close()


@contextmanager
def ringing(*tasks: str, every: float = 0.15) -> Iterator[None]:
    """Beat, only faster: argument-less bells that expire."""
    from config.celery import app

    over = threading.Event()

    def ring() -> None:
        while not over.wait(every):
            for task in tasks:
                app.send_task(task, expires=2)

    bell = threading.Thread(target=ring)
    bell.start()
    try:
        yield
    finally:
        over.set()
        bell.join()


def let_leases_end() -> None:
    """Only while nobody lives who could hold one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_delivery SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'leased'"
        )
    let_the_next_pass_in()


def let_the_next_pass_in() -> None:
    """The place of a pass that died is free after a minute; passes may overlap without harm, so here it is at once."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_heartbeat SET detail = '{}' WHERE component = 'deliver_place'")


def all_taken() -> bool:
    """Whether no step is due that has not been taken."""
    due = WorkItem.objects.filter(closed_at=None, paused_at=None, next_step_at__lte=database_clock())
    return not due.exists()


def settle() -> None:
    """While nobody else lives: one sweep takes what is due, one pass of deliverers sends what is left."""
    let_leases_end()
    sweep(database_clock())
    deliver(database_clock(), budget=600)


def in_background(job: Callable[[], Any]) -> threading.Thread:
    """Run on a connection of its own."""

    def run() -> None:
        try:
            job()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


# --- The checker --------------------------------------------------------------------------------------------


def due_steps(at: datetime) -> Counter[tuple[int, str, datetime]]:
    """Of every open item the steps of its ladder that are due at `at`, each with its true instant."""
    rows = WorkItem.objects.filter(closed_at=None, paused_at=None).values_list("pk", "opened_at", "ladder")
    return Counter(
        (pk, step.key, max(step.at, opened_at)) for pk, opened_at, ladder in rows for step in ladders.read(ladder) if step.at <= at
    )  # fmt: skip


def steps_of_closed() -> Counter[tuple[int, str, datetime]]:
    """Of every closed item the steps that were due while it was open: each may have been taken, once."""
    rows = WorkItem.objects.filter(closed_at__isnull=False).values_list(
        "pk", "opened_at", "closed_at", "ladder"
    )
    return Counter(
        (pk, step.key, max(step.at, opened_at))
        for pk, opened_at, closed_at, ladder in rows
        for step in ladders.read(ladder)
        if step.at <= closed_at
    )


def recorded_steps() -> Counter[tuple[int, str, datetime]]:
    """Of the ledger: each ladder step, by item and key, with the instant it counts from."""
    content = {
        key: json.loads(bytes(text))
        for *key_, text in Payload.objects.values_list("kind", "document_id", "sequence", "content")
        for key in [tuple(key_)]
    }
    entries = Entry.objects.filter(step__startswith="ladder:").values_list(
        "kind", "document_id", "sequence", "step", "effective_at"
    )
    return Counter(
        (content[kind, pk, sequence]["item"], step.removeprefix("ladder:"), effective)
        for kind, pk, sequence, step, effective in entries
    )


def assert_nothing_lost(at: datetime) -> int:
    """Every step of an open item that was due is recorded exactly once, with its true instant, and of a closed one at most
    once; chains, seals and items are sound.

    Returns how many steps that are.
    """
    due, recorded, over = due_steps(at), recorded_steps(), steps_of_closed()
    rest = recorded - over
    assert rest == due, f"lost: {list(due - rest)[:5]}, too many: {list(rest - due)[:5]}"
    verdict = verify()
    assert verdict.clean, verdict.faults[:5]
    assert auditor.find(database_clock()) == []
    return recorded.total()


def assert_mails_are_copies(sink: Sink, most_doubled: int) -> int:
    """Nothing waits, nothing is lost, every mail belongs to a delivery, and of those sent twice there are only so many.

    Returns how many were sent twice.
    """
    waiting = Delivery.objects.exclude(status__in=("sent", "suppressed", "gathered", "waiting"))
    left = list(waiting.values_list("status", "attempts", "last_error"))
    assert left == [], f"{len(left)} have not left: {left[:5]}"
    sent = set(Delivery.objects.filter(status="sent").values_list("message_id", flat=True))
    times = Counter(sink.ids)
    assert set(times) == sent
    doubled = times.total() - len(times)
    assert doubled <= most_doubled, f"{doubled} doubled by {most_doubled} deaths"
    bodies: dict[str, set[bytes]] = {}
    for mail in sink.taken:
        bodies.setdefault(str(mail["Message-ID"]), set()).add(mail.as_bytes())
    assert all(len(copies) == 1 for copies in bodies.values()), "a copy is the same to the byte"
    return doubled


def days_ago(days: int) -> datetime:
    """Nine in the morning, so many days before the database's today."""
    return (database_clock() - timedelta(days=days)).replace(hour=1, minute=0, second=0, microsecond=0)

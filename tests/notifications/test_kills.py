"""Several deliverers at once, and processes that end in the middle: on a database that really commits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections

from config.home import ROOT
from notifications.models import Delivery
from notifications.planning import plan
from notifications.sending import MOST_ATTEMPTS, Delivered, deliver
from tests.conftest import Clone
from tests.notifications.ground import AT, Sink, notice, smtp_server, use
from tests.supervision import county as counties
from workflows.failpoints import KILLED
from workflows.models import Notice


@pytest.fixture
def place(committed_db: Clone) -> counties.County:
    return counties.county()


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with smtp_server() as server:
        use(settings, server.port)
        yield server


DELIVER_ONCE = """
import sys, django
django.setup()
from datetime import datetime
from notifications.sending import deliver
print(deliver(datetime.fromisoformat(sys.argv[1])).figures())
"""


def deliverer(db: Clone, sink: Sink, failpoint: str = "") -> subprocess.CompletedProcess[str]:
    """One pass in a process of its own, which dies at the failpoint."""
    environment = {
        **db.environment, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(sink.port), "DUBAN_FAILPOINT": failpoint,
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", DELIVER_ONCE, AT.isoformat()], env=environment, cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def expire_leases() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE notifications_delivery SET lease_until = clock_timestamp() - interval '1 second' WHERE status = 'leased'"
        )


def test_killed_after_the_server_has_it_the_copy_bears_the_same_message_id(
    place: counties.County, committed_db: Clone, sink: Sink
) -> None:
    notice(place, "head")
    notice(place, "staff")
    died = deliverer(committed_db, sink, "after_smtp_accept")
    assert died.returncode == KILLED, died.stderr
    assert len(sink.ids) == 1
    expire_leases()
    again = deliverer(committed_db, sink)
    assert again.returncode == 0, again.stderr
    assert sorted(Counter(sink.ids).values()) == [1, 2]
    assert set(sink.ids) == set(Delivery.objects.values_list("message_id", flat=True))
    assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}
    copies = [mail.as_bytes() for mail in sink.taken if sink.ids.count(mail["Message-ID"]) == 2]
    assert copies[0] == copies[1], "the copy is the same to the byte"
    assert Notice.objects.count() == 2, "the notice of record is one"


def test_killed_before_anything_was_said_nothing_is_lost_and_nothing_doubled(
    place: counties.County, committed_db: Clone, sink: Sink
) -> None:
    notice(place)
    died = deliverer(committed_db, sink, "after_lease")
    assert died.returncode == KILLED, died.stderr
    assert sink.ids == []
    expire_leases()
    assert deliver(AT).sent == 1
    assert len(sink.ids) == 1


def test_a_hundred_kills_lose_nothing_and_double_no_more_than_they_are(
    place: counties.County, committed_db: Clone, sink: Sink
) -> None:
    """In one process, with the two failpoints made to raise what nobody catches: a hundred times the same as kill -9."""
    from notifications import sending

    class Died(BaseException):
        pass

    kills = Counter[str]()
    numbers = iter(range(10_000))

    def dies(name: str) -> None:
        if next(numbers) % 3 == 0 and sum(kills.values()) < 100:
            kills[name] += 1
            raise Died

    for _ in range(120):
        notice(place)
    original, sending.reached = sending.reached, dies
    try:
        for _ in range(400):
            try:
                done = deliver(AT)
                if not done.sent and not done.taken_back:
                    break
            except Died:
                expire_leases()
    finally:
        sending.reached = original
    statuses = Counter(Delivery.objects.values_list("status", flat=True))
    assert set(statuses) <= {"sent", "uncertain"}
    assert sum(kills.values()) == 100
    assert all(row.attempts == MOST_ATTEMPTS for row in Delivery.objects.filter(status="uncertain")), (
        "given up only after as many deaths"
    )
    times = Counter(sink.ids)
    assert set(Delivery.objects.filter(status="sent").values_list("message_id", flat=True)) <= set(times)
    assert sum(times.values()) - len(times) <= kills["after_smtp_accept"]


def test_two_deliverers_at_once_send_each_message_once(
    place: counties.County, committed_db: Clone, sink: Sink
) -> None:
    for n in range(60):
        notice(place, urgent=n % 3 > 0)
    done: list[Delivered] = []

    def run() -> None:
        try:
            done.append(deliver(AT))
        finally:
            connections.close_all()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    deliver(AT)
    assert len(done) == 4
    assert len(sink.ids) == len(set(sink.ids)) == 41, "forty urgent ones and one digest"
    assert Delivery.objects.filter(notice__isnull=False).count() == 60
    assert sum(d.digests for d in done) == 1


def test_a_late_commit_with_a_low_id_is_not_forgotten(place: counties.County, committed_db: Clone) -> None:
    """The transaction that took the lower id commits after the higher one has been planned."""
    from django.db import transaction

    def later() -> None:
        try:
            with transaction.atomic():
                low = notice(place, "head")
                ids.append(low.pk)
                ready.set()
                go_on.wait(30)
        finally:
            connections.close_all()

    from threading import Event

    ids: list[int] = []
    ready, go_on = Event(), Event()
    thread = Thread(target=later)
    thread.start()
    assert ready.wait(30)
    high = notice(place, "staff")
    assert high.pk > ids[0]
    assert plan(AT, "mail", thorough=False).notices == 1
    go_on.set()
    thread.join(30)
    assert plan(AT, "mail", thorough=False).notices == 1
    assert sorted(Delivery.objects.values_list("notice_id", flat=True)) == sorted([ids[0], high.pk])


def test_the_celery_task_and_the_command_make_one_pass(
    place: counties.County, committed_db: Clone, celery_worker_process: Any, tmp_path: Any
) -> None:
    import time

    from workflows.models import Heartbeat

    notice(place)
    celery_worker_process.send("notifications.tasks.deliver")
    deadline = time.monotonic() + 30
    while not Heartbeat.objects.filter(component="deliver").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    beat = Heartbeat.objects.get(component="deliver")
    assert beat.detail["now"]["planned"] == 1
    assert Delivery.objects.count() == 1
    ran = subprocess.run(
        [sys.executable, "manage.py", "deliver_notices"], env={**os.environ, **committed_db.environment}, cwd=ROOT,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert '"planned": 0' in ran.stdout

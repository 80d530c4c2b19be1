"""A deliverer stands still beyond its lease, as a virtual machine that is moved does: it is overtaken, and not believed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from config.home import ROOT
from notifications.models import Delivery
from tests.chaos import ground
from tests.conftest import Clone
from tests.notifications.ground import Sink, notice
from tests.supervision.county import County
from workflows.clockwork import database_clock
from workflows.models import Notice

LEASE = 1.5  # seconds

DELIVER = """
import sys, os, signal, django
django.setup()
from datetime import timedelta
from notifications import sending
from workflows.clockwork import database_clock
sending.LEASE = timedelta(seconds=float(sys.argv[1]))
where, stopped = sys.argv[2], []
def reached(name):
    if name == where and not stopped:
        stopped.append(name)
        os.kill(os.getpid(), signal.SIGSTOP)
sending.reached = reached
print(sending.deliver(database_clock()).figures())
"""


def deliverer(db: Clone, sink: Sink, stops_at: str = "") -> subprocess.Popen[str]:
    environment = {
        **db.environment, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(sink.port), "DJANGO_SETTINGS_MODULE": "config.settings",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-c", DELIVER, str(LEASE), stops_at], env=environment, cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(("where", "copies"), [("after_lease", 0), ("after_smtp_accept", 1)])
def test_a_deliverer_that_stood_still_is_overtaken_and_what_it_says_is_not_written(
    place: County, committed_db: Clone, sink: Sink, where: str, copies: int
) -> None:
    now = database_clock()
    for n in range(40):
        notice(place, ("drafter", "checker")[n % 2], at=now)
    frozen = deliverer(committed_db, sink, where)
    try:
        ground.until(
            lambda: psutil.Process(frozen.pid).status() == psutil.STATUS_STOPPED,
            30,
            lambda: "it did not stop",
        )
        held = Delivery.objects.get(status="leased")
        time.sleep(LEASE + 0.2)
        quick = deliverer(committed_db, sink)
        said, erred = quick.communicate(timeout=60)
        assert quick.returncode == 0, erred
        assert "'taken_back': 1" in said
        assert Delivery.objects.filter(status="sent").count() == 40
        marked = Delivery.objects.get(pk=held.pk)
        os.kill(frozen.pid, signal.SIGCONT)
        said, erred = frozen.communicate(timeout=60)
        assert frozen.returncode == 0, erred
    finally:
        if frozen.poll() is None:
            frozen.kill()
            frozen.communicate()
    assert "'overtaken': 1" in said
    assert "'sent': 0" in said
    after = Delivery.objects.get(pk=held.pk)
    assert (after.status, after.sent_at, after.attempts) == ("sent", marked.sent_at, 2)
    assert ground.assert_mails_are_copies(sink, copies) == copies
    assert Notice.objects.filter(code="outage").count() == 40

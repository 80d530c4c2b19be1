"""Processes that die: forked from the test, so that a hundred of them cost seconds; each with connections of its own."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections

from config.processes import die_with_parent
from tests.chaos.record import Record
from workflows.failpoints import KILLED

WELL, RAISED = 0, 1


@dataclass
class Mortal:
    """A forked process; `how` it ended, once it has: 0 well, 1 it raised, 137 at its failpoint, -9 by a kill."""

    pid: int
    said: Path
    how: int | None = None

    def wait(self, seconds: float = 60.0) -> int:
        """Until it has ended; a process that goes on for longer is killed, and fails the test."""
        ends = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > ends:
                self.kill()
                raise AssertionError(f"process {self.pid} did not end: {self.words()}")
            time.sleep(0.002)
        assert self.how is not None
        return self.how

    def poll(self) -> int | None:
        """How it ended, or None while it lives."""
        if self.how is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.how = os.waitstatus_to_exitcode(status)
        return self.how

    def send(self, number: int) -> None:
        """A signal, if it still lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> int:
        """kill -9; how it ended, which may be earlier than the kill."""
        self.send(signal.SIGKILL)
        if self.how is None:
            _, status = os.waitpid(self.pid, 0)
            self.how = os.waitstatus_to_exitcode(status)
        return self.how

    def words(self) -> str:
        """What it raised."""
        return self.said.read_text() if self.said.exists() else ""


def fork(job: Callable[[], Any], folder: Path, failpoint: str = "") -> Mortal:
    """Run the job in a process of its own, which dies on reaching the failpoint."""
    connections.close_all()  # a connection of two processes would serve neither
    parent, said = os.getpid(), folder / f"mortal-{time.monotonic_ns()}"
    if pid := os.fork():
        return Mortal(pid, said)
    try:
        die_with_parent(parent)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.environ["DUBAN_FAILPOINT"] = failpoint
        job()
        os._exit(WELL)
    except BaseException:
        said.write_text(traceback.format_exc())
        os._exit(RAISED)


def assert_none_raised(mortals: Iterable[Mortal]) -> None:
    """They died or ended well: none of them by an error of its own."""
    raised = [mortal.words() for mortal in mortals if mortal.how == RAISED]
    assert raised == [], raised[0]


def counted(mortals: Sequence[Mortal], record: Record) -> None:
    """Tell the report how they died."""
    record.towards("kill -9", sum(mortal.how == -signal.SIGKILL for mortal in mortals))
    record.towards("named point", sum(mortal.how == KILLED for mortal in mortals))


def died(mortals: Iterable[Mortal]) -> int:
    """How many were killed, by a signal or at their failpoint."""
    return sum(mortal.how in (KILLED, -signal.SIGKILL) for mortal in mortals)

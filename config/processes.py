"""Processes that end with us: started so that no kill of anybody leaves one behind, restarted with growing pauses."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = str(Path(__file__).with_name("launch.py"))
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
# A process that lived this long was well: the next failure starts counting anew.
SETTLED_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 30.0


def die_with_parent(parent: int, with_signal: int = signal.SIGKILL) -> None:
    """Ask the kernel to end this process when its parent, process `parent`, ends. Linux only; elsewhere does nothing."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), with_signal)


def adopt_orphans() -> None:
    """Become the parent of descendants whose parent died, so that they can be reaped (see `reap_orphans`)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(own: Iterable[int]) -> None:
    """Collect ended processes that are not among `own` (whose Popen objects want to collect them themselves)."""
    mine = set(own)
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None or ended.si_pid in mine:
            return
        os.waitpid(ended.si_pid, 0)


def command_of(command: Sequence[str], *, at_parents_death: int, identity: str = "same") -> list[str]:
    """The command line that starts `command` through the launcher, as a child of this very process."""
    return [
        sys.executable,
        "-I",
        "-S",
        LAUNCHER,
        str(os.getpid()),
        str(int(at_parents_death)),
        identity,
        *command,
    ]


def signal_group(pid: int, number: int) -> None:
    """Send a signal to what is left of a process group; none left is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


@dataclass
class Child:
    """One program that should always be running.

    It must be started from the main thread: the kernel's parent-death signal is sent when the *thread* that
    started the program ends.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path | None = None  # None: it writes where we write
    stop_signal: int = signal.SIGTERM
    at_our_death: int = signal.SIGKILL
    identity: str = "same"
    patience: float = 10.0  # seconds between the stop signal and SIGKILL
    pass_fds: tuple[int, ...] = ()
    folder: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    restarts: int = 0
    started_at: float = 0.0
    not_before: float = 0.0
    ended: list[int] = field(default_factory=list)  # how each earlier life ended: exit status or -signal

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        return self.process.pid if self.process is not None else None

    def start(self) -> None:
        """Start it, in a session of its own so that a terminal's Ctrl-C reaches us alone."""
        with contextlib.ExitStack() as stack:
            target = stack.enter_context(self.log.open("ab")) if self.log is not None else None
            self.process = subprocess.Popen(
                command_of(self.command, at_parents_death=self.at_our_death, identity=self.identity),
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=target,
                stderr=subprocess.STDOUT if target is not None else None,
                start_new_session=True,
                pass_fds=self.pass_fds,
                cwd=self.folder,
            )
        self.started_at = time.monotonic()

    def keep_running(self) -> str | None:
        """Start it again when it has ended and its pause is over; returns a sentence when something happened."""
        now = time.monotonic()
        if self.process is None:
            if now < self.not_before:
                return None
            self.start()
            self.restarts += 1
            return f"{self.name} started again (process {self.pid})"
        status = self.process.poll()
        if status is None:
            return None
        pid, lived = self.process.pid, now - self.started_at
        self.process = None
        self.ended.append(status)
        # What the leader started and did not outlive (a worker's pool) goes with it.
        signal_group(pid, signal.SIGKILL)
        self.failures = 1 if lived > SETTLED_SECONDS else self.failures + 1
        pause = 0.0 if self.failures == 1 else min(0.5 * 2 ** (self.failures - 2), LONGEST_PAUSE_SECONDS)
        self.not_before = now + pause
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"{self.name} {how}; starting it again{f' in {pause:g} s' if pause else ''}"

    def ask_to_stop(self) -> None:
        """Send the stop signal; does not wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def stop(self) -> None:
        """Stop it and everything it started; returns when its group is gone."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        signal_group(self.process.pid, signal.SIGKILL)
        self.process = None

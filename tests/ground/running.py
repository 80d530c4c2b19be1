"""Starts a whole `make run` of its own and watches it, for the tests of its life and death."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from config import home

PIECES = {
    "valkey": "valkey-server",
    "postgres": "bin/postgres",
    "web": "config.web",
    "worker": " worker ",
    "beat": " beat ",
}


def until(what: Callable[[], Any], seconds: float, complaint: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := what():
            return result
        time.sleep(0.05)
    return pytest.fail(complaint)


class Run:
    """One `make run`, without make."""

    command = (sys.executable, "-m", "config.supervisor")

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.output = folder.parent / "output"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DUBAN_", "DATABASE_", "REDIS_", "DJANGO_", "MAKE"))
        }
        self.environment = {**inherited, "DUBAN_HOME": str(folder), "PORT": "0", **environment}

    def start(self) -> None:
        """Start it and wait for the line that says it is ready."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=home.ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: "is ready" in self.said or self.process.poll() is not None, 60, "It said nothing.")
        assert self.process.poll() is None, self.said

    @property
    def said(self) -> str:
        """What it has printed."""
        return self.output.read_text()

    @property
    def address(self) -> str:
        """The address it printed."""
        return next(word for word in self.said.split() if word.startswith("http://"))

    def family(self) -> list[psutil.Process]:
        """Every process it has, grandchildren too."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def piece(self, name: str) -> psutil.Process | None:
        """The direct child of that name, once it has become its program."""
        for child in psutil.Process(self.process.pid).children():
            try:
                if PIECES[name] in " ".join(child.cmdline()) and "launch.py" not in " ".join(child.cmdline()):
                    return child
            except psutil.Error:
                continue
        return None

    def nobody_left(self, seconds: float = 10) -> None:
        """Wait until no process holds the descriptor that all of them inherit."""

        def free() -> bool:
            if not (self.folder / "servers.lock").exists():
                return True  # it never started servers
            fd = os.open(self.folder / "servers.lock", os.O_RDWR)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(fd)
            return True

        until(free, seconds, "Processes of the killed run are still there.")

    def health(self) -> dict[str, Any]:
        """The body of /healthz, whatever its status; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.address}healthz", timeout=10) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as answer:
            with answer:
                return dict(json.load(answer))
        except OSError:
            return {}

    def stop(self) -> int:
        """SIGTERM and wait; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextmanager
def running(folder: Path, kind: type[Run] = Run, **environment: str) -> Iterator[Run]:
    """A run that is certainly gone afterwards, with all that it started."""
    run = kind(folder, **environment)
    try:
        run.start()
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        run.nobody_left()

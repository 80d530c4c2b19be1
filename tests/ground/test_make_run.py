"""`make run` in the life of a machine: started twice, killed piece by piece, killed whole, ended politely."""

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


def _until(what: Callable[[], Any], seconds: float, complaint: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := what():
            return result
        time.sleep(0.05)
    return pytest.fail(complaint)


class Run:
    """One `make run`, without make."""

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
                [sys.executable, "-m", "config.supervisor"],
                env=self.environment,
                cwd=home.ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _until(lambda: "is ready" in self.said or self.process.poll() is not None, 60, "It said nothing.")
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

        _until(free, seconds, "Processes of the killed run are still there.")

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
def _running(folder: Path, **environment: str) -> Iterator[Run]:
    run = Run(folder, **environment)
    run.start()
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.wait()
        run.nobody_left()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all, so that only the first start is slow."""
    return tmp_path_factory.mktemp("run") / "var"


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    """A run that the gentle tests share."""
    with _running(folder) as running:
        yield running


def test_a_second_start_is_refused_in_one_sentence(run: Run) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "config.supervisor"],
        env=run.environment,
        cwd=home.ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == (
        f"Duban is already running on {run.folder} (process {run.process.pid}):"
        " stop it first, or give another DUBAN_HOME.\n"
    )


def test_a_port_in_use_is_told_in_one_sentence(run: Run, tmp_path: Path) -> None:
    port = run.address.rstrip("/").rsplit(":", 1)[1]
    other = subprocess.run(
        [sys.executable, "-m", "config.supervisor"],
        env={**run.environment, "DUBAN_HOME": str(tmp_path / "var"), "PORT": port},
        cwd=home.ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert other.returncode == 1
    assert other.stderr == (
        f"Duban cannot listen on 127.0.0.1:{port} (Address already in use): choose another with PORT=8001.\n"
    )


@pytest.mark.parametrize("name", PIECES)
def test_a_killed_piece_comes_back(run: Run, name: str) -> None:
    before = _until(lambda: run.piece(name), 10, f"{name} does not run")
    below = before.children(recursive=True)
    before.kill()

    def back() -> bool:
        after = run.piece(name)
        return after is not None and after.pid != before.pid

    _until(back, 15, f"{name} did not come back: {run.said}")
    _gone, alive = psutil.wait_procs(below, timeout=10)
    assert alive == [], "what it had started outlived it"
    _until(lambda: run.health().get("database") and run.health().get("broker"), 20, f"{run.health()}")
    assert run.process.poll() is None


def test_a_frozen_broker_does_not_hold_up_the_web(run: Run) -> None:
    broker = _until(lambda: run.piece("valkey"), 10, "no broker")
    broker.suspend()
    try:
        begun = time.monotonic()
        body = run.health()
        assert body["broker"] is False
        assert "The broker does not answer." in body["reasons"]
        assert time.monotonic() - begun < 5
    finally:
        broker.resume()
    _until(lambda: run.health().get("broker"), 10, "the broker did not recover")


def test_killing_a_worker_and_the_supervisor_leaves_nothing_and_the_next_start_recovers(
    folder: Path, run: Run
) -> None:
    for _ in range(3):
        family = run.family()
        assert len(family) > 8  # servers with their own processes, web, worker with its pool, beat
        run.process.kill()
        run.process.wait()
        _gone, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []
        run.nobody_left()
        run.start()
        assert run.health()["database"] is True


def test_a_restart_right_after_the_kill_waits_for_the_old_servers(run: Run) -> None:
    run.process.kill()
    run.process.wait()
    run.start()  # no pause: the old servers may still be writing their checkpoint
    assert run.health()["database"] is True


def test_sigterm_ends_everything_in_order(run: Run) -> None:
    family = run.family()
    assert run.stop() == 0
    _gone, alive = psutil.wait_procs(family, timeout=1)
    assert alive == []
    assert not (run.folder / "run").exists()
    log = (run.folder / "log" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")
    run.start()
    assert "beginning anew" not in run.said


def test_an_interrupted_seeding_begins_anew(run: Run) -> None:
    run.stop()
    (run.folder / "seeding").touch()
    run.start()
    assert "beginning anew" in run.said
    assert run.health()["database"] is True
    assert not (run.folder / "seeding").exists()


def test_a_given_server_is_not_started(tmp_path: Path) -> None:
    """With both addresses given, no server of ours runs."""
    given = {"DATABASE_URL": os.environ["DATABASE_URL"], "REDIS_URL": os.environ["REDIS_URL"]}
    import psycopg

    from tests.conftest import _url_of

    name = f"{os.environ['DUBAN_TEST_DB']}_given"
    with psycopg.connect(given["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        given["DATABASE_URL"] = _url_of(name)
        with _running(tmp_path / "var", DUBAN_BROKER_PREFIX=f"{name}:", **given) as run:
            assert run.piece("postgres") is None
            assert run.piece("valkey") is None
            assert run.health()["database"] is True
            assert run.health()["broker"] is True
            assert not (run.folder / "postgres").exists()
            assert run.stop() == 0
    finally:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

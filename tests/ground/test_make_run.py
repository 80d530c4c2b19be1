"""`make run` in the life of a machine: started twice, killed piece by piece, killed whole, ended politely."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest

from config import home
from tests.ground.running import PIECES, Run, running, until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all, so that only the first start is slow."""
    return tmp_path_factory.mktemp("run") / "var"


@pytest.fixture(scope="module")
def run(folder: Path) -> Iterator[Run]:
    """A run that the gentle tests share."""
    with running(folder) as one:
        yield one


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
    before = until(lambda: run.piece(name), 10, f"{name} does not run")
    below = before.children(recursive=True)
    before.kill()

    def back() -> bool:
        after = run.piece(name)
        return after is not None and after.pid != before.pid

    until(back, 15, f"{name} did not come back: {run.said}")
    _gone, alive = psutil.wait_procs(below, timeout=10)
    assert alive == [], "what it had started outlived it"
    until(lambda: run.health().get("database") and run.health().get("broker"), 20, f"{run.health()}")
    assert run.process.poll() is None


def test_a_frozen_broker_does_not_hold_up_the_web(run: Run) -> None:
    broker = until(lambda: run.piece("valkey"), 10, "no broker")
    broker.suspend()
    try:
        begun = time.monotonic()
        body = run.health()
        assert body["broker"] is False
        assert "The broker does not answer." in body["reasons"]
        assert time.monotonic() - begun < 5
    finally:
        broker.resume()
    until(lambda: run.health().get("broker"), 10, "the broker did not recover")


def test_killing_a_worker_and_the_supervisor_leaves_nothing_and_the_next_start_recovers(
    folder: Path, run: Run
) -> None:
    for _ in range(2):
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


# --- Through make -------------------------------------------------------------------------------------------


class MadeRun(Run):
    """A `make run` through make."""

    command = ("make", "--no-print-directory", "run")


@pytest.fixture
def stopped(run: Run) -> Path:
    """The data folder of all, at rest."""
    if run.process.poll() is None:
        run.stop()
    return run.folder


@pytest.mark.parametrize("how", ["make killed", "ctrl-c", "terminal closed", "group terminated"])
def test_the_end_of_make_is_the_end_of_all(stopped: Path, how: str) -> None:
    """make may be killed too, and Ctrl-C reaches everybody at once."""
    with running(stopped, MadeRun) as run:
        family = run.family()
        if how == "make killed":
            os.kill(run.process.pid, signal.SIGKILL)
        else:
            number = {
                "ctrl-c": signal.SIGINT,
                "terminal closed": signal.SIGHUP,
                "group terminated": signal.SIGTERM,
            }[how]
            os.killpg(run.process.pid, number)
        run.process.wait(30)
        _gone, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
        assert not (run.folder / "run").exists(), "the stop was orderly"
        assert (
            (run.folder / "log" / "postgres.log")
            .read_text()
            .rstrip()
            .endswith("database system is shut down")
        )


# --- Servers of one's own -----------------------------------------------------------------------------------


def test_a_given_server_is_not_started(tmp_path: Path) -> None:
    """With both addresses given, no server of ours runs. Its database is in use already, so no demonstration is filled in."""
    given = {"DATABASE_URL": os.environ["DATABASE_URL"], "REDIS_URL": os.environ["REDIS_URL"]}
    name = f"{os.environ['DUBAN_TEST_DB']}_given"
    with psycopg.connect(given["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        given["DATABASE_URL"] = urlunsplit(urlsplit(given["DATABASE_URL"])._replace(path=f"/{name}"))
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity=0"],
            env={**os.environ, "DATABASE_URL": given["DATABASE_URL"]},
            cwd=home.ROOT,
            check=True,
        )
        with psycopg.connect(given["DATABASE_URL"]) as server:
            server.execute(
                "INSERT INTO organisation_institution (slug, name_zh, name_en, time_zone) VALUES ('own', '本县', '', 'Asia/Shanghai')"
            )
        with running(tmp_path / "var", DUBAN_BROKER_PREFIX=f"{name}:", **given) as run:
            assert run.piece("postgres") is None
            assert run.piece("valkey") is None
            assert run.health()["database"] is True
            assert run.health()["broker"] is True
            assert not (run.folder / "postgres").exists()
            with psycopg.connect(given["DATABASE_URL"]) as server:
                assert server.execute("SELECT slug FROM organisation_institution").fetchall() == [("own",)]
            assert run.stop() == 0
    finally:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

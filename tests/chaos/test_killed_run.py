"""A whole `make run` under load: each of its processes killed again and again, then the one that looks after them, then all at
once; nothing survives that should not, everything comes back, and nothing is lost (T9). Only in `make chaos`: the short version
is tests/ground/test_make_run.py."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings as known_settings
from django.db import Error, connections

from config import home
from config.embedded import Servers
from tests.chaos import ground
from tests.chaos.clients import Client, assert_each_counts_once, at_work, back_and_forth, signed_in
from tests.chaos.installation import copied_to
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.ground.running import PIECES, Run, running, until
from tests.notifications.ground import Sink, use
from tests.supervision import county as counties
from tests.workflows.clock_ground import orders
from tests.workflows.ground import orders_of
from workflows.clockwork import database_clock

pytestmark = pytest.mark.timeout(1500)

UP_WITHIN = 15.0
WAVE = 100


def a_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def is_back(run: Run, name: str, before: int) -> bool:
    after = run.piece(name)
    return after is not None and after.pid != before


def whole_group(run: Run) -> None:
    """kill -9 of everything in one breath."""
    for process in [psutil.Process(run.process.pid), *run.family()]:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def test_a_whole_run_is_killed_piece_by_piece_and_all_at_once(
    django_db_setup: None, django_db_blocker: Any, sink: Sink, settings: Any, tmp_path: Path, record: Record
) -> None:
    record.title = "A whole `make run` killed piece by piece, its supervisor, and all at once"
    dice = ground.chance()
    folder = tmp_path / "var"
    database = connections.settings["default"]
    before = {name: database[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    environment = {
        "SECRET_KEY": known_settings.SECRET_KEY, "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(sink.port), "PORT": str(a_port()),
    }  # fmt: skip
    use(settings, sink.port)
    kills = 0
    slowest = 0.0
    with django_db_blocker.unblock():
        try:
            servers = Servers(folder)
            servers.start()
            try:
                connections.close_all()
                copied_to(database["NAME"], folder, home.DATABASE)
                sockets = str(home.run_folder(folder) / home.POSTGRES_SOCKET.parent)
                database.update(
                    NAME=home.DATABASE, USER=home.DATABASE_USER, PASSWORD="", HOST=sockets, PORT=""
                )
                place = counties.county()
                ground.reachable_at_any_hour(place, "drafter")
                cookies = signed_in(place.people["drafter"])
                made = orders_of(place, 4)
                for _ in range(SCALE.rounds_of_run):
                    orders(place, WAVE, ground.days_ago(20))
            finally:
                connections.close_all()
                servers.stop()
            with running(folder, **environment) as run:
                address = f"127.0.0.1:{environment['PORT']}"
                clients = [
                    Client(address, back_and_forth(order, cookies), record, pause=0.2) for order in made
                ]
                with at_work(clients):
                    for number in range(SCALE.rounds_of_run):
                        names = list(PIECES)
                        dice.shuffle(names)
                        pids = {}
                        for name in names:
                            piece = until(lambda name=name: run.piece(name), 60, f"{name} does not run")
                            pids[name] = piece.pid
                            piece.kill()
                            kills += 1
                            record.event("killed", piece=name)
                            time.sleep(dice.uniform(0.0, 0.5))
                        for name in names:
                            until(
                                lambda name=name, pid=pids[name]: is_back(run, name, pid),
                                60,
                                f"{name} did not come back: {run.said}",
                            )
                        until(
                            lambda: run.health().get("database") and run.health().get("broker"),
                            60,
                            f"{run.health()}",
                        )
                        family = run.family()
                        if number % 2:
                            whole_group(run)
                            kills += len(family)
                        else:
                            run.process.kill()
                        kills += 1
                        run.process.wait()
                        record.event("killed", piece="all" if number % 2 else "supervisor")
                        _gone, alive = psutil.wait_procs(family, timeout=20)
                        assert alive == [], "nothing outlives its supervisor"
                        begun = time.monotonic()
                        run.start()
                        slowest = max(slowest, time.monotonic() - begun)
                        record.event("up", seconds=round(time.monotonic() - begun, 2))
                        if number == 0:
                            second = subprocess.run(
                                [sys.executable, "-m", "config.supervisor"], env=run.environment, cwd=home.ROOT, capture_output=True,
                                text=True, timeout=30, check=False,
                            )  # fmt: skip
                            assert "is already running" in second.stderr
                    ground.until(everything_swept, 300, lambda: run.said)
                brokers = [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder / "valkey")]
                record.exactly("T9", "brokers on one data folder", len(brokers), 1)
                for name in ("beat", "worker"):
                    piece = run.piece(name)
                    assert piece is not None
                settle_when_only_the_database_lives(run)
                assert_each_counts_once(clients, record, "T9")
                steps = ground.assert_nothing_lost(database_clock())
                record.least(
                    "T9",
                    "deadline steps, none lost, none twice, each at its instant",
                    steps,
                    SCALE.rounds_of_run * WAVE * 4,
                )
                record.most("T9", "mails sent twice", ground.assert_mails_are_copies(sink, kills), kills)
                connections.close_all()
            record.figure("T9", "kills in all", kills)
            record.towards("kill -9", kills)
            record.towards("deadlines", steps)
            record.figure("T9", "of them of the supervisor or of everything at once", SCALE.rounds_of_run)
            record.most("T9", "up again after the kill of everything", round(slowest, 1), UP_WITHIN, " s")
            record.exactly(
                "T9",
                "processes left",
                [p.pid for p in psutil.process_iter(["environ"]) if left_of(p, folder)],
                [],
            )
        finally:
            connections.close_all()
            database.update(before)


def everything_swept() -> bool:
    """This process's own connection may have been cut by a kill: then it looks again."""
    try:
        return ground.all_taken()
    except Error:
        connections.close_all()
        return False


def settle_when_only_the_database_lives(run: Run) -> None:
    """Stop the worker and beat where they are, let their leases end, and finish here."""
    for name in ("worker", "beat"):
        if piece := run.piece(name):
            for process in [piece, *piece.children(recursive=True)]:
                os.kill(process.pid, signal.SIGSTOP)
    ground.settle()


def left_of(process: psutil.Process, folder: Path) -> bool:
    try:
        return (process.info["environ"] or {}).get("DUBAN_HOME") == str(folder)
    except (psutil.Error, AttributeError):
        return False

"""A whole installation of a test's own: servers in a folder of their own, which can be crashed without touching anybody,
and web, worker and beat beside them as processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections

from config import home
from config.embedded import Servers, postgres_binaries
from config.processes import Child, signal_group
from config.web import listening_socket
from tests.chaos.ground import until

_numbers = count(1)


class Roomy(Servers):
    """Servers with room for a hundred people who each have a connection."""

    def _postgres(self, run: Path) -> Child:
        child = super()._postgres(run)
        child.command = [
            word.replace("--max_connections=100", "--max_connections=250") for word in child.command
        ]
        return child


class Installation:
    """Its parts by name: postgres, valkey, web, worker, beat, and whatever else is added. Parts are started by the main
    thread, because they end with the thread that started them."""

    def __init__(self, folder: Path, mail_port: int) -> None:
        self.folder = folder
        self.database = f"chaos_{next(_numbers)}"
        self.servers = Roomy(folder, durable=False)
        self.sock = listening_socket("127.0.0.1", 0)
        os.set_inheritable(self.sock.fileno(), True)
        self.address = f"127.0.0.1:{self.sock.getsockname()[1]}"
        self.parts: dict[str, Child] = {}
        self.mail_port = mail_port

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to belong to it."""
        return {
            **os.environ, "DUBAN_HOME": str(self.folder), "DATABASE_URL": home.database_url(self.folder, self.database),
            "REDIS_URL": home.broker_url(self.folder), "DUBAN_BROKER_PREFIX": "", "SECRET_KEY": settings.SECRET_KEY,
            "DUBAN_WEB_FD": str(self.sock.fileno()), "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(self.mail_port),
            "MEDIA_ROOT": str(self.folder / "files"), "LOG_LEVEL": "INFO", "PGOPTIONS": "",
        }  # fmt: skip

    def start(self, *names: str) -> None:
        """Start these parts of web, worker and beat (again)."""
        for name in names:
            self.parts.setdefault(name, self._part(name)).start()

    def _part(self, name: str) -> Child:
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]
        quick = [*celery[:-1], "tests.chaos.quick"]
        schedule = str(self.folder / f"{name}-schedule")
        commands = {
            "web": [sys.executable, "-m", "config.web"],
            "worker": [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"],
            "beat": [*quick, "beat", "--pidfile", "", "--schedule", schedule],
        }
        return Child(
            name=name, command=commands[name.partition(" ")[0]], environment=self.environment, log=self.folder / "log" / f"{name}.log",
            pass_fds=(*self.servers.pass_fds, self.sock.fileno()), folder=home.ROOT, patience=20.0,
        )  # fmt: skip

    def part(self, name: str) -> Child:
        """A part by its name, the servers too."""
        if name in ("valkey", "postgres"):
            return self.servers.children[("valkey", "postgres").index(name)]
        return self.parts[name]

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """kill -9 of a part with all that it has started, or another signal to its leader that ends it; returns when it has
        ended."""
        child = self.part(name)
        assert child.process is not None
        os.kill(child.process.pid, number)
        child.process.wait(30)

    def signal(self, name: str, number: int) -> None:
        """A signal to a part's leader that does not end it."""
        pid = self.part(name).pid
        assert pid is not None
        os.kill(pid, number)

    def restart(self, name: str) -> None:
        """Start a part that has ended. The servers are waited for."""
        self.part(name).start()
        if name == "postgres":
            connections.close_all()  # this thread's own was cut
            self.wait_for_database()
        elif name == "valkey":
            until(self.servers._valkey_answers, 30, lambda: "the broker does not answer")

    def wait_for_database(self) -> None:
        until(self.servers._postgres_answers, 60, lambda: "the database does not answer")

    def wait_for_web(self) -> None:
        """Until the application is loaded."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/i18n/", timeout=60):
                pass
        except urllib.error.HTTPError as answer:
            answer.close()

    def health(self) -> tuple[int, str]:
        """The status and body of /healthz."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/healthz", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def log(self, name: str) -> str:
        """What a part has written."""
        path = self.part(name).log
        return path.read_text(errors="replace") if path and path.exists() else ""

    def stop(self) -> None:
        """End everything; nothing is left."""
        for child in self.parts.values():
            if child.pid is not None:
                signal_group(child.pid, signal.SIGKILL)
            child.stop()
        for child in self.servers.children:
            if child.pid is not None:
                _wake(child.pid)
        self.servers.stop()
        self.sock.close()


def _wake(pid: int) -> None:
    """A part that stands still would not hear that it is to end."""
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return


def copied_to(template: str, folder: Path, name: str) -> None:
    """The migrated test database, copied to the server of this folder under this name."""
    bin_, known = postgres_binaries(), connections.settings["default"]
    where = {"PGUSER": known["USER"], "PGHOST": known["HOST"], "PGPORT": str(known["PORT"] or "")}
    source = {**os.environ, **{key: value for key, value in where.items() if value}}
    if known["PASSWORD"]:
        source["PGPASSWORD"] = known["PASSWORD"]
    dump = folder / "template.dump"
    subprocess.run(
        [bin_ / "pg_dump", "--format=custom", "--compress=0", "--no-owner", f"--file={dump}", template], env=source, check=True
    )  # fmt: skip
    with psycopg.connect(home.database_url(folder, "postgres"), autocommit=True) as server:
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            server.execute(f'CREATE DATABASE "{name}"')
    subprocess.run(
        [bin_ / "pg_restore", "--no-owner", f"--dbname={home.database_url(folder, name)}", dump], check=True
    )


@contextmanager
def installation(folder: Path, mail_port: int) -> Iterator[Installation]:
    """One with its servers running, and Django's default connection, in every thread, on its database."""
    known = connections.settings["default"]
    before = {name: known[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}
    made = Installation(folder, mail_port)
    made.servers.start()
    try:
        connections.close_all()
        copied_to(known["NAME"], folder, made.database)
        sockets = str(home.run_folder(folder) / home.POSTGRES_SOCKET.parent)
        known.update(NAME=made.database, USER=home.DATABASE_USER, PASSWORD="", HOST=sockets, PORT="")
        yield made
    finally:
        connections.close_all()
        known.update(before)
        made.stop()

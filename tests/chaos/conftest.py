from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.chaos import ground
from tests.chaos.installation import Installation, installation
from tests.chaos.record import Record
from tests.chaos.scale import FULL, SCALE
from tests.conftest import Clone, Site
from tests.notifications.ground import Sink, smtp_server, use
from tests.supervision import county as counties

# Whose short version stands elsewhere: tests/ground/test_make_run.py (runs, brokers), tests/notifications/test_faulty_servers.py,
# and in tests/workflows test_clockwork.py (beats), test_races.py (crowds), test_deadlines.py (poison) and test_backup.py.
ONLY_FULL = [
    "test_killed_run.py", "test_broker_gone.py", "test_mail_servers.py", "test_beats.py", "test_crowds.py", "test_poison.py",
    "test_restored.py",
]  # fmt: skip
collect_ignore = [] if SCALE is FULL else ONLY_FULL


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """At full size a scenario may take its time, on a machine that has other work too."""
    for item in items if SCALE is FULL else ():
        item.add_marker(pytest.mark.timeout(3600), append=False)


@pytest.fixture
def place(committed_db: Clone, settings: Any, tmp_path: Path) -> counties.County:
    """A county on a database of the test's own, whose people can be told at any hour."""
    settings.MEDIA_ROOT = str(tmp_path / "files")
    place = counties.county()
    ground.reachable_at_any_hour(place)
    return place


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Iterator[Record]:
    """What the test tells the report."""
    record = Record(request.node.name, "")
    failed = request.session.testsfailed
    yield record
    record.keep(passed=request.session.testsfailed == failed)


@pytest.fixture
def own(
    django_db_setup: None, django_db_blocker: Any, tmp_path: Path, sink: Sink, settings: Any
) -> Iterator[Installation]:
    """An installation of the test's own: its servers run, and Django works on its database."""
    with django_db_blocker.unblock(), installation(tmp_path / "var", sink.port) as made:
        settings.MEDIA_ROOT = str(made.folder / "files")
        use(settings, sink.port)
        yield made


@pytest.fixture
def crowd(request: pytest.FixtureRequest) -> None:
    """Room for everybody who acts at once: of a hundred, the shared server has none."""
    request.getfixturevalue("own" if SCALE is FULL else "committed_db")


@pytest.fixture
def web_address(request: pytest.FixtureRequest, crowd: None) -> str:
    """Where the crowd's web server answers."""
    if SCALE is not FULL:
        site: Site = request.getfixturevalue("live_server_process")
        return urlsplit(site.url).netloc
    own: Installation = request.getfixturevalue("own")
    own.start("web")
    own.wait_for_web()
    return own.address


@pytest.fixture
def own_place(own: Installation) -> counties.County:
    """A county on it."""
    place = counties.county()
    ground.reachable_at_any_hour(place)
    return place

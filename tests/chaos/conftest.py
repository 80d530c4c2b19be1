from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import ground
from tests.chaos.installation import Installation, installation
from tests.chaos.record import Record
from tests.chaos.scale import FULL, SCALE
from tests.conftest import Clone
from tests.notifications.ground import Sink, smtp_server, use
from tests.supervision import county as counties

collect_ignore = [] if SCALE is FULL else ["test_killed_run.py"]


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
def own_place(own: Installation) -> counties.County:
    """A county on it."""
    place = counties.county()
    ground.reachable_at_any_hour(place)
    return place

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import ground
from tests.conftest import Clone
from tests.notifications.ground import Sink, smtp_server
from tests.supervision import county as counties


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

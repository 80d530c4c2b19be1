from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.notifications import ground
from tests.supervision import county as counties


@pytest.fixture
def place(db: None) -> counties.County:
    """A county on a database that is rolled back."""
    return counties.county()


@pytest.fixture
def sink(settings: Any) -> Iterator[ground.Sink]:
    """A real SMTP server that this process's mail goes to."""
    with ground.smtp_server() as server:
        ground.use(settings, server.port)
        yield server

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.browser.people import Reader, name_everybody, set_clock
from tests.conftest import CeleryWorker, Clone, Site
from tests.supervision import county as counties
from tests.supervision.county import County
from workflows.clockwork import SWEEP
from workflows.models import Heartbeat

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"


@pytest.fixture
def place(committed_db: Clone) -> County:
    """A county of its own, committed, whose clock stands at AT and whose people can sign in."""
    found = counties.county()
    name_everybody(found)
    set_clock(found, counties.AT)
    return found


@pytest.fixture
def open_as(place: County, live_server_process: Site, browser: Any) -> Iterator[Callable[..., Reader]]:
    """Seat one of the county's people at a browser of their own. At the end none of them may have complained."""
    readers: list[Reader] = []

    def seat(who: str, **context: Any) -> Reader:
        reader = Reader(browser, live_server_process.url, place.people[who], **context)
        readers.append(reader)
        return reader

    yield seat
    for reader in readers:
        reader.context.close()
    assert [fault for reader in readers for fault in reader.faults] == []


@pytest.fixture
def time_comes(place: County, celery_worker_process: CeleryWorker) -> Callable[[datetime], None]:
    """Put the county's clock forward, ring the bell, and wait until the worker has looked."""

    def ring(at: datetime) -> None:
        set_clock(place, at)
        before = _looked_at()
        celery_worker_process.send("workflows.tasks.sweep")
        until = time.monotonic() + 30
        while _looked_at() == before:
            assert time.monotonic() < until, celery_worker_process.log[-4000:]
            time.sleep(0.05)

    return ring


def _looked_at() -> datetime | None:
    return Heartbeat.objects.filter(component=SWEEP).values_list("at", flat=True).first()

"""A county, and a bureau that must never see it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from organisation import changes
from tests.organisation.places import Place, Told, place


@pytest.fixture
def county(db: None) -> Place:
    return place("hoboksar", "和布克赛尔县", name_en="Hoboksar County")


@pytest.fixture
def bureau(db: None) -> Place:
    return place("tengzhou", "滕州市住建局")


@pytest.fixture
def told() -> Iterator[list[Told]]:
    """What the registry was told, in order."""
    heard: list[Told] = []

    before = list(changes.on_changed)
    changes.on_changed[:] = [lambda *change: heard.append(Told(*change))]
    yield heard
    changes.on_changed[:] = before

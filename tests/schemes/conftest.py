from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from organisation.actors import Actor
from organisation.models import Institution
from supervision.schemes.models import Cycle, SchemeVersion
from supervision.schemes.pack import SHIPPED, read_pack
from supervision.schemes.publishing import open_cycle, publish_version

AT = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)
SHIPPED_TEXT = (SHIPPED / "hoboksar-county.yaml").read_text(encoding="utf-8")
Edited = Callable[..., Path]


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    """The shipped pack with passages replaced: `edited(("count: 5", "count: 7"), ...)` writes it and gives its path."""

    def write(*changes: tuple[str, str]) -> Path:
        text = SHIPPED_TEXT
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "county.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def county() -> Institution:
    return Institution.objects.create(slug="hoboksar", name_zh="和布克赛尔蒙古自治县", name_en="Hoboksar")


@pytest.fixture
def office(county: Institution) -> Actor:
    """Somebody of the county who publishes; these commands ask for no role, their callers do."""
    return Actor(None, county.pk, "县绩效办")


@pytest.fixture
def version(office: Actor) -> SchemeVersion:
    return publish_version(read_pack(SHIPPED / "hoboksar-county.yaml"), by=office, at=AT)[0]


@pytest.fixture
def cycle(version: SchemeVersion, office: Actor) -> Cycle:
    return open_cycle(version, 2026, by=office, at=AT)


def document(cycle: Cycle | None, **fields: Any) -> Any:
    """What a rule book reads of a document, without the kinds of document that the rooms above define."""
    return SimpleNamespace(
        cycle_id=cycle and cycle.pk, institution_id=cycle and cycle.institution_id, **{"period": "", **fields}
    )

"""A county for tests of the engine."""

from __future__ import annotations

import pytest

from tests.supervision import county as counties


@pytest.fixture
def place(db: None) -> counties.County:
    """A county on a database that is rolled back."""
    return counties.county()


@pytest.fixture
def real_place(committed_db: object) -> counties.County:
    """A county on a database of the test's own, where commits are real."""
    return counties.county()

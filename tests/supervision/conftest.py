from __future__ import annotations

import pytest

from tests.supervision import county as counties


@pytest.fixture
def place(db: None) -> counties.County:
    """A county on a database that is rolled back."""
    return counties.county()

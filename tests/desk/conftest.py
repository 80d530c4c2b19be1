from __future__ import annotations

import pytest

from tests.supervision import county as counties


@pytest.fixture
def place(db: None) -> counties.County:
    """A county on a database that is rolled back; its clock stands at AT."""
    found = counties.county()
    found.institution.frozen_at = counties.AT
    found.institution.save()
    return found

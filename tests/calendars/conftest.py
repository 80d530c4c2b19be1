from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from calendars.edition_files import shipped_editions
from calendars.state_years import calendar_from
from calendars.working_days import Calendar


@pytest.fixture(scope="session")
def china() -> Calendar:
    """The State's calendar as shipped: 2025 and 2026."""
    return calendar_from(shipped_editions())


@pytest.fixture(scope="session")
def shanghai() -> ZoneInfo:
    return ZoneInfo("Asia/Shanghai")

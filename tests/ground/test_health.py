"""What /healthz says, and when it says no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config import health
from workflows.models import Heartbeat

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _beats(**ages: float) -> dict[str, Heartbeat]:
    return {
        name: Heartbeat(component=name, at=NOW - timedelta(seconds=age), detail={"faults": 0})
        for name, age in ages.items()
    }


def _judged(
    beats: dict[str, Heartbeat] | None, *, broker: bool = True, uptime: float = 3600
) -> tuple[int, str, list]:
    status, body = health.judge(beats, broker=broker, at=NOW, uptime=uptime)
    return status, body["status"], body["reasons"]


def test_all_is_well() -> None:
    assert _judged(_beats(worker=10, sweep=4, audit=50)) == (200, "ok", [])


@pytest.mark.parametrize(
    ("beats", "broker", "reason"),
    [
        (_beats(worker=10, sweep=4, audit=50), False, "The broker does not answer."),
        (None, True, "The database does not answer or is not migrated."),
        (_beats(worker=61, sweep=4, audit=50), True, "Last sign of a worker: 61 s ago."),
        (_beats(worker=10, sweep=61, audit=50), True, "Last sign of the sweep of deadlines: 61 s ago."),
        (_beats(worker=10, sweep=4, audit=301), True, "Last sign of the auditor: 301 s ago."),
        (_beats(sweep=4, audit=50), True, "Nothing has been heard of a worker."),
    ],
)
def test_each_fault_is_told(beats: dict[str, Heartbeat] | None, broker: bool, reason: str) -> None:
    assert _judged(beats, broker=broker) == (503, "failing", [reason])


def test_the_auditors_verdict_counts() -> None:
    beats = _beats(worker=10, sweep=4, audit=50)
    beats["audit"].detail = {"faults": 3}
    assert _judged(beats) == (503, "failing", ["The auditor has found 3 faults."])
    assert _judged(beats, uptime=1) == (503, "failing", ["The auditor has found 3 faults."])


@pytest.mark.parametrize("beats", [{}, _beats(worker=80000, sweep=80000, audit=80000)])
def test_the_first_minute_is_a_start(beats: dict[str, Heartbeat]) -> None:
    status, name, reasons = _judged(beats, uptime=59)
    assert (status, name, len(reasons)) == (200, "starting", 3)
    assert _judged(beats, uptime=61)[:2] == (503, "failing")
    assert _judged(beats, uptime=59, broker=False)[:2] == (503, "failing")


@pytest.mark.django_db
def test_the_page(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "STARTED", health.STARTED - 3600)
    silent = client.get("/healthz")
    assert silent.status_code == 503
    assert silent.json()["database"] is True
    assert silent.json()["broker"] is True
    assert len(silent.json()["reasons"]) == 3
    from django.utils import timezone

    for name in health.LIMITS:
        Heartbeat.objects.create(component=name, at=timezone.now(), detail={"faults": 0})
    well = client.get("/healthz")
    assert (well.status_code, well.json()["status"], well.json()["reasons"]) == (200, "ok", [])
    assert well["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_a_broker_that_is_not_there(client: Any, settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"
    assert client.get("/healthz").json()["reasons"][0] == "The broker does not answer."


def test_a_database_that_is_not_there(committed_db: Any) -> None:
    from django.db import connections

    known = connections.settings["default"]
    name = known["NAME"]
    connections.close_all()
    known["NAME"] = "no_such_database"
    try:
        assert health.read_heartbeats() is None
    finally:
        connections.close_all()
        known["NAME"] = name
    assert health.read_heartbeats() == {}

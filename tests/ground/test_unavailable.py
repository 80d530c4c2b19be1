"""A database that is gone is told by 503 with a page; everything else that was not expected stays a 500."""

from __future__ import annotations

import logging
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError, connections
from django.test import Client

from config.unavailable import is_gone
from tests.conftest import Clone


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (_caused(OperationalError(), psycopg.OperationalError("connection refused")), True),
        (_caused(OperationalError(), psycopg.errors.AdminShutdown()), True),
        (_caused(OperationalError(), psycopg.errors.CrashShutdown()), True),
        (_caused(OperationalError(), psycopg.errors.CannotConnectNow()), True),
        (_caused(OperationalError(), psycopg.errors.TooManyConnections()), True),
        (InterfaceError("connection already closed"), True),
        (_caused(OperationalError(), psycopg.errors.DeadlockDetected()), False),
        (_caused(OperationalError(), psycopg.errors.LockNotAvailable()), False),
        (_caused(IntegrityError(), psycopg.errors.UniqueViolation()), False),
        (RuntimeError(), False),
        (None, False),
    ],
)
def test_what_counts_as_gone(error: Exception | None, gone: bool) -> None:
    assert is_gone(error) is gone


def test_a_page_says_so_with_503_and_one_line_in_the_log(
    committed_db: Clone, caplog: pytest.LogCaptureFixture
) -> None:
    known = connections.settings["default"]
    here = known["HOST"]
    connections.close_all()
    known["HOST"] = "/nowhere"
    try:
        browser = Client(raise_request_exception=False)
        browser.cookies["duban_session"] = "x" * 32
        with caplog.at_level(logging.INFO):
            answer = browser.get("/queue/")
    finally:
        known["HOST"] = here
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    page = answer.content.decode()
    assert "系统维护中" in page
    assert "counts once" in page
    assert "Traceback" not in page
    [told] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert told.getMessage().startswith("GET /queue/: the database does not answer: ")
    assert told.exc_info is None


@pytest.mark.django_db
def test_what_else_was_not_expected_is_a_500(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from config import health

    def raises(*given: Any, **more: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(health, "judge", raises)
    answer = Client(raise_request_exception=False).get("/healthz")
    assert answer.status_code == 500
    assert "系统出错" in answer.content.decode()
    assert [r for r in caplog.records if r.exc_info], "with its trace in the log"

"""What is answered while the database is gone: 503 with a page that says so and when to come back, and one line in the log.

Whether a decision that was under way has been written is then not known. The same form sent again finds out, and counts
once; the page says so.
"""

from __future__ import annotations

import logging
import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.defaults import server_error

logger = logging.getLogger(__name__)

RETRY_AFTER = "10"  # seconds
GONE = ("08", "53", "57P")
"""Beginnings of PostgreSQL's codes for: no connection, no room for one, shut down or starting."""


def is_gone(error: BaseException | None) -> bool:
    """Whether this is the database being away, not something that it refused. A lost connection has no code."""
    if not isinstance(error, OperationalError):
        return isinstance(error, InterfaceError)
    code = getattr(error.__cause__, "sqlstate", None)
    return code is None or code.startswith(GONE)


def failed(request: HttpRequest) -> HttpResponse:
    """`handler500`: whatever was not expected; of a database that is gone, 503."""
    error = sys.exc_info()[1]
    if not is_gone(error):
        return server_error(request)
    logger.error(
        "%s %s: the database does not answer: %s",
        request.method,
        request.path,
        str(error).strip().partition("\n")[0],
    )
    response = HttpResponse(
        render_to_string("503.html"),
        status=503,
        headers={"Retry-After": RETRY_AFTER, "Cache-Control": "no-store"},
    )
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would add a trace for each request
    return response

"""What a form is told whose session has ended: enough to keep what was typed, and to send it again."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionEnded:
    """A part of a page that is asked for without a session is answered with 401. A redirect htmx would follow, and put the
    sign-in page where the form was.

    Stands after AuthenticationMiddleware and HtmxMiddleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code == 302
            and request.htmx  # type: ignore[attr-defined]  # set by HtmxMiddleware
            and not request.user.is_authenticated
            and response["Location"].startswith(resolve_url(settings.LOGIN_URL))
        ):
            return HttpResponse(status=401)
        return response

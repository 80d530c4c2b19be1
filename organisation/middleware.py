"""What a page knows about its reader: the language, the instant, and the capacities of that day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from organisation.actors import Actor
from organisation.models import Person
from organisation.queries import actor_for, now_of

GetResponse = Callable[[HttpRequest], HttpResponse]


class Page(HttpRequest):
    """For annotations: a request as the views behind `login_required` receive it."""

    user: Person
    actor: Actor
    at: datetime
    LANGUAGE_CODE: str


class LanguageOfPerson:
    """Shows pages in the person's own language, unless this browser chose one (the language cookie).

    Stands after LocaleMiddleware and AuthenticationMiddleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and request.user.is_authenticated:
            translation.activate(cast(Page, request).user.language)
            cast(Page, request).LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class ActorMiddleware:
    """Sets `request.at`, the institution's clock read once a request (aware; frozen in a simulation), and
    `request.actor`, loaded by one query when first looked at. Instants are shown in the institution's zone. Nobody signed
    in: the real clock, and None.

    Stands after AuthenticationMiddleware.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        page = cast(Page, request)
        page.at = timezone.now()
        page.actor = cast(Actor, None)
        # A browser without a session cookie is nobody: health checks and static files stay free of queries.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            page.at = now_of(page.user.institution, page.at)
            page.actor = cast(Actor, SimpleLazyObject(lambda: actor_for(page.user, page.at)))
            with timezone.override(page.user.institution.zone):
                return self.get_response(request)
        return self.get_response(request)

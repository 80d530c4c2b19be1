"""The institution's clock and day; what a page knows about its reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import translation

from organisation.actors import Actor
from organisation.middleware import ActorMiddleware, LanguageOfPerson
from organisation.models import Institution, Person, validate_time_zone
from organisation.queries import local_day, now_of
from tests.organisation.places import NOON, Place, place

FROZEN = datetime(2026, 4, 10, 1, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _language_of_the_suite() -> Any:
    with translation.override("zh-hans"):
        yield


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 1, 4, 15, 59, 59, 999999, tzinfo=UTC), date(2026, 1, 4)),
        (datetime(2026, 1, 4, 16, 0, tzinfo=UTC), date(2026, 1, 5)),
        (datetime(2026, 1, 5, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai")), date(2026, 1, 5)),
    ],
)
def test_a_day_begins_at_midnight_in_the_institution(county: Place, at: datetime, day: date) -> None:
    assert local_day(county.institution, at) == day
    assert local_day(county.institution.pk, at) == day


def test_two_institutions_in_two_zones_have_two_days(db: None) -> None:
    urumqi = place("urumqi", "乌鲁木齐", time_zone="Asia/Urumqi")  # UTC+6
    shanghai = place("shanghai", "上海")
    at = datetime(2026, 1, 4, 17, 0, tzinfo=UTC)

    assert local_day(urumqi.institution.pk, at) == date(2026, 1, 4)
    assert local_day(shanghai.institution.pk, at) == date(2026, 1, 5)


def test_a_naive_instant_names_no_day(county: Place) -> None:
    with pytest.raises(ValueError, match="time zone"):
        local_day(county.institution, datetime(2026, 1, 5))


def test_the_day_of_a_known_institution_costs_no_query(county: Place, django_assert_num_queries: Any) -> None:
    local_day(county.institution.pk, NOON)

    with django_assert_num_queries(0):
        local_day(county.institution.pk, NOON)


def test_an_institutions_zone_never_changes(county: Place) -> None:
    with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
        Institution.objects.filter(pk=county.institution.pk).update(time_zone="Asia/Urumqi")


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="Mars"), translation.override("en"):
        validate_time_zone("Mars/Olympus")
    validate_time_zone("Asia/Urumqi")


def test_the_database_refuses_a_zone_it_does_not_know(db: None) -> None:
    with pytest.raises(IntegrityError, match="does not know the time zone"), transaction.atomic():
        Institution.objects.create(slug="olympus", name_zh="奥林匹斯", time_zone="Mars/Olympus")


def test_the_clock_is_real_until_it_is_frozen(county: Place) -> None:
    assert now_of(county.institution, NOON) == NOON
    county.institution.frozen_at = FROZEN
    assert now_of(county.institution, NOON) == FROZEN


# --- A page's reader ---------------------------------------------------------------------------------------


def page_of(person: Person | None, **cookies: str) -> HttpRequest:
    """A request of a signed-in person (None: of nobody), as it reaches our middleware."""
    request = RequestFactory().get("/")
    request.COOKIES.update(cookies)
    request.session = SessionStore()
    request.user = AnonymousUser() if person is None else person
    if person is not None:
        request.COOKIES["duban_session"] = "a key"
    return request


def through(middleware: Callable[..., Any], request: HttpRequest) -> str:
    """The language that a page is written in after the middleware."""
    return str(middleware(lambda request: HttpResponse(translation.get_language()))(request).content.decode())


def test_pages_are_in_the_persons_own_language(county: Place) -> None:
    request = page_of(county.person("王建国", language="en"))

    assert through(LanguageOfPerson, request) == "en"
    assert request.LANGUAGE_CODE == "en"


def test_the_language_this_browser_chose_goes_before_the_persons_own(county: Place) -> None:
    request = page_of(county.person("王建国", language="en"), django_language="zh-hans")

    assert through(LanguageOfPerson, request) == "zh-hans"


def test_who_has_not_signed_in_keeps_the_browsers_language() -> None:
    assert through(LanguageOfPerson, page_of(None)) == "zh-hans"


def test_a_page_knows_who_acts_in_which_capacity_from_one_query(
    county: Place, django_assert_num_queries: Any
) -> None:
    county.post("王建国", "head", county.root)
    request = page_of(county.person("王建国"))

    with django_assert_num_queries(0):
        through(ActorMiddleware, request)
    with django_assert_num_queries(1):
        roles = [capacity.role for capacity in request.actor.capacities]
        same = request.actor.name

    assert (roles, same) == (["head"], "王建国")
    assert isinstance(request.actor, Actor)
    assert abs((datetime.now(UTC) - request.at).total_seconds()) < 60


def test_a_page_of_a_frozen_institution_shows_the_frozen_instant_and_that_days_posts(county: Place) -> None:
    county.institution.frozen_at = FROZEN
    county.institution.save()
    county.post("王建国", "head", county.root, date(2026, 4, 10), date(2026, 4, 10))
    request = page_of(Person.objects.get(name="王建国"))

    through(ActorMiddleware, request)

    assert request.at == FROZEN
    assert [capacity.role for capacity in request.actor.capacities] == ["head"]


def test_a_page_of_nobody_has_no_actor_and_asks_the_database_nothing(
    db: None, django_assert_num_queries: Any
) -> None:
    request = page_of(None)

    with django_assert_num_queries(0):
        through(ActorMiddleware, request)

    assert request.actor is None
    assert request.at.tzinfo is not None


def test_whoever_is_signed_in_is_loaded_together_with_the_institution(
    county: Place, django_assert_num_queries: Any, client: Client
) -> None:
    client.force_login(county.person("王建国"), backend="organisation.sign_in.PersonBackend")
    request = RequestFactory().get("/")
    request.session = client.session
    len(request.session.keys())

    with django_assert_num_queries(1):
        person = get_user(request)
        zone = person.institution.time_zone  # type: ignore[union-attr]

    assert (person, zone) == (county.person("王建国"), "Asia/Shanghai")


def test_who_is_no_longer_active_is_signed_out_with_the_next_page(county: Place, client: Client) -> None:
    client.force_login(county.person("王建国"), backend="organisation.sign_in.PersonBackend")
    Person.objects.filter(name="王建国").update(is_active=False)
    request = RequestFactory().get("/")
    request.session = client.session

    assert get_user(request) == AnonymousUser()


def test_a_person_signs_in_with_the_password_given_and_not_without_one(county: Place) -> None:
    with_one = Person.objects.create_user(
        "wang", "correct horse", institution=county.institution, name="王建国"
    )
    without = Person.objects.create_user("li", institution=county.institution.pk, name="李梅")

    assert with_one.check_password("correct horse")
    assert not without.has_usable_password()
    assert (with_one.is_staff, with_one.is_superuser) == (False, False)
    with pytest.raises(ValueError, match="username"):
        Person.objects.create_user("", institution=county.institution, name="无名")


def test_who_administers_the_installation_has_no_say_in_any_document(county: Place) -> None:
    root = Person.objects.create_superuser("root", "secret", institution=county.institution, name="管理员")

    request = page_of(root)
    through(ActorMiddleware, request)

    assert root.is_superuser
    assert request.actor.capacities == ()

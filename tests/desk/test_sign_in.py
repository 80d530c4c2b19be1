"""Signing in: clear refusals, the lock, the language, and the demonstration's accounts only in the demonstration."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from supervision.desk.demo import PASSWORD
from tests.organisation.places import Place, place

WORD = "a-long-enough-password"


@pytest.fixture
def county(db: None) -> Iterator[Place]:
    cache.clear()
    county = place("hoboksar", "和布克赛尔县", name_en="Hoboksar County")
    county.post("刘敏", "performance_office", county.root)
    person = county.person("刘敏")
    person.set_password(WORD)
    person.save()
    yield county
    cache.clear()


def sign_in(client: Client, word: str = WORD, **more: str) -> object:
    return client.post("/sign-in/", {"username": "hoboksar-刘敏", "password": word, **more})


def test_signing_in_goes_on_to_the_page_asked_for(client: Client, county: Place) -> None:
    answer = client.post("/sign-in/", {"username": "hoboksar-刘敏", "password": WORD, "next": "/board/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/board/")


def test_signing_in_never_leads_to_another_site(client: Client, county: Place) -> None:
    answer = client.post(
        "/sign-in/", {"username": "hoboksar-刘敏", "password": WORD, "next": "https://elsewhere.example/"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


@pytest.mark.parametrize(("username", "word"), [("hoboksar-刘敏", "wrong"), ("nobody", WORD)])
def test_a_refusal_says_what_to_do_and_never_which_half_was_wrong(
    client: Client, county: Place, username: str, word: str
) -> None:
    html = client.post("/sign-in/", {"username": username, "password": word}).content.decode()
    assert "用户名或密码不对。请注意大小写；连续输错数次，账户将暂时锁定。" in html
    assert 'aria-invalid="true"' in html
    assert 'role="alert"' in html
    assert word not in html


def test_an_empty_form_is_answered_beside_each_field(client: Client, county: Place) -> None:
    html = client.post("/sign-in/", {"username": "", "password": ""}).content.decode()
    assert '<p class="err" id="e-username">请填写用户名。</p>' in html
    assert 'aria-describedby="e-username"' in html
    assert '<p class="err" id="e-password">请填写密码。</p>' in html


def test_five_failures_lock_the_account_even_for_the_right_password(client: Client, county: Place) -> None:
    for _ in range(5):
        answer = client.post("/sign-in/", {"username": "hoboksar-刘敏", "password": "wrong"})
    assert answer.status_code == 429
    assert "密码连续输错 5 次" in answer.content.decode()
    right = client.post("/sign-in/", {"username": "hoboksar-刘敏", "password": WORD})
    assert right.status_code == 429
    assert "_auth_user_id" not in client.session


def test_the_language_chosen_before_signing_in_is_remembered(client: Client, county: Place) -> None:
    client.post("/i18n/setlang/", {"language": "en", "next": "/sign-in/"})
    html = client.get("/sign-in/").content.decode()
    assert '<html lang="en">' in html
    assert "User name" in html
    refused = client.post("/sign-in/", {"username": "x", "password": "y"}).content.decode()
    assert "The user name or the password is wrong." in refused


def demonstration_account(county: Place) -> None:
    person = county.person("刘敏")
    person.username = "office"
    person.save()


def test_the_demonstrations_accounts_are_listed_and_nobody_else(client: Client, county: Place) -> None:
    demonstration_account(county)
    county.post("周岚", "head", county.unit("住建局"))
    html = client.get("/sign-in/").content.decode()
    assert 'data-fill="office"' in html
    assert html.count('data-fill="') == 1
    assert PASSWORD in html


def test_outside_the_demonstration_no_account_is_named(
    client: Client, county: Place, settings: object
) -> None:
    demonstration_account(county)
    settings.DUBAN_DEMO = False  # type: ignore[attr-defined]
    html = client.get("/sign-in/").content.decode()
    assert "data-fill" not in html
    assert PASSWORD not in html


def test_signing_out_is_a_post_and_ends_the_session(client: Client, county: Place) -> None:
    sign_in(client)
    assert "_auth_user_id" in client.session
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 302
    assert "_auth_user_id" not in client.session

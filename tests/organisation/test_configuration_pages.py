"""The configuration pages let nobody past the doors through which posts change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from organisation.models import Institution, Person
from tests.organisation.places import YEAR_BEGINS, Place

PAGES = "/configuration/organisation"


def client_of(person: Person) -> Client:
    client = Client()
    client.force_login(person, backend="organisation.sign_in.PersonBackend")
    return client


@pytest.fixture
def superuser(county: Place) -> Client:
    root = Person.objects.create_superuser("root", "secret", institution=county.institution, name="管理员")
    return client_of(root)


@pytest.fixture
def clerk(county: Place) -> Client:
    """Staff of the county with every permission, but no superuser."""
    person = county.person("文书", is_staff=True)
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="organisation"))
    return client_of(person)


@pytest.mark.parametrize("table", ["post", "delegation", "absence"])
def test_posts_and_their_cover_are_shown_and_never_written(
    county: Place, superuser: Client, table: str
) -> None:
    post = county.post("王建国", "head", county.root)
    days = {"begins": YEAR_BEGINS, "ends": YEAR_BEGINS, "reason": "出差"}
    delegation = post.delegations.create(to=county.person("李梅"), **days)
    absence = post.absences.create(substitute=county.person("李梅"), **days)
    row = {"post": post, "delegation": delegation, "absence": absence}[table]

    assert "王建国" in superuser.get(f"{PAGES}/{table}/").content.decode()
    assert superuser.get(f"{PAGES}/{table}/{row.pk}/change/").status_code == 200
    for page in ("add/", f"{row.pk}/change/", f"{row.pk}/delete/"):
        assert superuser.post(f"{PAGES}/{table}/{page}", {"ends": "2030-01-01"}).status_code == 403
    row.refresh_from_db()
    assert str(row.ends) in ("None", "2026-01-01")


def test_a_units_name_is_corrected_and_its_life_is_not(county: Place, superuser: Client) -> None:
    section = county.unit("办公屋")
    form = {
        "kind": "section",
        "name_zh": "办公室",
        "name_en": "General office",
        "code": "B1",
        "ends": "2026-06-30",
        "parent": "",
    }

    assert superuser.get(f"{PAGES}/unit/add/").status_code == 403
    assert superuser.post(f"{PAGES}/unit/{section.pk}/change/", form).status_code == 302

    section.refresh_from_db()
    assert (section.name_zh, section.code) == ("办公室", "B1")
    assert (section.parent, section.ends) == (county.root, None)


def test_a_clerk_sees_only_the_own_institution(county: Place, bureau: Place, clerk: Client) -> None:
    county.post("王建国", "head", county.root)
    bureau.post("陈静", "head", bureau.root)

    for table in ("person", "post"):
        page = clerk.get(f"{PAGES}/{table}/").content.decode()
        assert "王建国" in page
        assert "陈静" not in page
    assert clerk.get(f"{PAGES}/person/{bureau.person('陈静').pk}/change/").status_code == 302
    assert "滕州" not in clerk.get(f"{PAGES}/institution/").content.decode()


def test_a_clerk_opens_an_account_in_the_own_institution_only(
    county: Place, bureau: Place, clerk: Client
) -> None:
    def open_account(username: str, institution: Institution) -> bool:
        form = {
            "username": username,
            "institution": institution.pk,
            "name": "张强",
            "usable_password": "true",
            "password1": "long enough, and odd",
            "password2": "long enough, and odd",
        }
        clerk.post(f"{PAGES}/person/add/", form)
        return Person.objects.filter(username=username, institution=institution).exists()

    assert open_account("zhang", county.institution)
    assert not open_account("zhang2", bureau.institution)
    assert Person.objects.get(username="zhang").check_password("long enough, and odd")


def test_a_clerk_raises_nobodys_rights_and_becomes_nobody_else(county: Place, clerk: Client) -> None:
    person = county.person("张强")
    boss = Person.objects.create_superuser("boss", "secret", institution=county.institution, name="主管")
    form = {
        "username": person.username,
        "name": "张强",
        "language": "en",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
    }

    assert clerk.post(f"{PAGES}/person/{person.pk}/change/", form).status_code == 302
    assert clerk.post(f"{PAGES}/person/{boss.pk}/password/", {"password1": "x"}).status_code == 403

    person.refresh_from_db()
    assert (person.language, person.is_staff, person.is_superuser) == ("en", False, False)


@pytest.mark.parametrize("who", ["superuser", "clerk"])
def test_nobody_deletes_what_stands_behind_decisions(
    county: Place, request: pytest.FixtureRequest, who: str
) -> None:
    client: Client = request.getfixturevalue(who)
    rows = {"person": county.person("张强"), "unit": county.root, "institution": county.institution}

    for table, row in rows.items():
        assert client.post(f"{PAGES}/{table}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        row.refresh_from_db()


def test_a_clerk_does_not_touch_the_clock(county: Place, clerk: Client) -> None:
    page = f"{PAGES}/institution/{county.institution.pk}/change/"

    assert clerk.post(page, {"frozen_at_0": "2026-01-01", "frozen_at_1": "00:00"}).status_code == 403
    county.institution.refresh_from_db()
    assert county.institution.frozen_at is None


def test_who_is_not_staff_does_not_come_in(county: Place) -> None:
    pages: list[Callable[[], int]] = [
        lambda page=page: client_of(county.person("王建国")).get(f"{PAGES}/{page}/").status_code
        for page in ("person", "unit", "post")
    ]

    assert [page() for page in pages] == [302, 302, 302]

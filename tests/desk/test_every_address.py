"""Every address as every role: own unit, other unit, other institution, nobody. An address missing from the table fails.

The table is written by hand: what each kind of reader is answered. 302 for somebody signed out is the sign-in page.
"""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern, URLResolver

from tests.supervision import county as counties
from tests.supervision.county import County, again, measure_of, order_of, owed, report_of, sheet_of, walk
from workflows.attachments import attach
from workflows.models import Attachment, Notice, WorkItem

READERS = (
    "staff",
    "head",
    "deputy",
    "staff elsewhere",
    "office",
    "drafter",
    "leader",
    "auditor",
    "discipline",
    "stranger",
    "outsider",
    None,
)
"""staff, head and deputy are of the unit that the documents are about; the outsider holds every post in another
institution, and sees its own (empty) board there; None is signed out."""

ALL = dict.fromkeys(READERS, 200) | {None: 302}
OWN = {"staff", "head", "deputy", "office", "drafter", "leader", "auditor", "discipline"}
"""Those in whose scope the documents of the town lie."""


def only(*allowed: str, status: int = 200, refused: int = 404) -> dict[str | None, int]:
    return {who: status if who in allowed else refused for who in READERS} | {None: 302}


def scoped(status: int = 200) -> dict[str | None, int]:
    return only(*OWN, status=status)


# name of the address -> (method, what each reader is answered)
ANSWERS: dict[str, tuple[str, dict[str | None, int]]] = {
    "home": ("GET", dict.fromkeys(READERS, 302)),
    "queue": ("GET", ALL),
    "documents": ("GET", ALL),
    "notices": ("GET", ALL),
    "read_notices": ("POST", dict.fromkeys(READERS, 302)),
    "notice": ("GET", only("head", status=302)),
    "board": (
        "GET",
        only("head", "deputy", "office", "drafter", "leader", "auditor", "discipline", "outsider"),
    ),
    "leader_desk": ("GET", only("leader", "outsider")),
    "operation": ("GET", only("office", "drafter", "auditor", "outsider")),
    "begin": ("GET", only("drafter", "outsider")),
    "begin_below": ("GET", only("staff")),
    "goals": ("GET", ALL),
    "call_for_goals": ("POST", dict.fromkeys(READERS, 302)),
    "document": ("GET", scoped()),
    "panel": ("GET", scoped(302)),
    "item_panel": ("GET", scoped(302)),
    "act": ("POST", scoped(422)),
    "edit": ("GET", scoped()),
    "attach": ("POST", scoped(302)),
    "attachment": ("GET", scoped()),
    "remove_attachment": ("POST", scoped(302)),
    "claim": ("POST", scoped(302)),
    "release": ("POST", scoped(302)),
    "hand_over": ("GET", scoped()),
    "bulk": ("POST", dict.fromkeys(READERS, 302)),
    "retry_item": ("POST", only("office", "drafter", "auditor", "outsider", status=302)),
    "pass_over_item": ("POST", only("office", "drafter", "auditor", status=302)),
    "resend_delivery": ("POST", only()),
}
ELSEWHERE = {"healthz", "sign_in", "sign_out", "set_language"}
"""Open to everybody, and shown by tests of their own."""


@pytest.fixture
def county(place: County) -> County:
    """The county with its clock standing on the day after the reports were opened."""
    place.institution.frozen_at = counties.moment(4, 2)
    place.institution.save()
    return place


@pytest.fixture
def addresses(county: County) -> dict[str, dict[str, Any]]:
    """What each address needs in its path: rows of the town."""
    at = counties.moment(4, 2)
    report = report_of(county)
    attach(report, io.BytesIO(b"ok"), name="a.txt", fact_on=at.date(), actor=county.actor("staff", at), at=at)
    item = WorkItem.objects.get(kind=report.kind(), document_id=report.pk, closed_at=None)
    head_notice = Notice.objects.filter(person=county.people["head"]).earliest("pk")
    document = {"kind": report.kind(), "pk": report.pk}
    return {
        "begin": {"kind": "orders.supervisionorder", "step": "draft_order"},
        "begin_below": {
            "kind": "goals.goalsheet",
            "pk": sheet_of(county, at).pk,
            "child": "goals.goal",
            "step": "write_goal",
        },
        **dict.fromkeys(("document", "panel", "act", "edit", "attach"), document),
        **{name: {"item_id": item.pk} for name in ("item_panel", "claim", "release", "hand_over")},
        **{name: {"pk": Attachment.objects.get().pk} for name in ("attachment", "remove_attachment")},
        "notice": {"pk": head_notice.pk},
        **{name: {"pk": item.pk} for name in ("retry_item", "pass_over_item")},
        "resend_delivery": {"pk": 1},
    }


def named(resolver: URLResolver, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            found.add(f"{prefix}{pattern.name}")
        elif isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            found |= named(pattern, prefix)
    return found


def test_no_address_is_missing_from_the_table() -> None:
    assert named(get_resolver()) == set(ANSWERS) | ELSEWHERE


def ask(county: County, who: str | None, name: str, method: str, path: dict[str, Any]) -> Any:
    client = Client()
    if who is not None:
        client.force_login(county.people[who])
    url = reverse(name, kwargs=path)
    answer = client.get(url) if method == "GET" else client.post(url, {})
    for close in answer._resource_closers:  # the file only: close() would end the test's connection too
        close()
    return answer


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_each_reader_gets_the_answer_of_the_table(
    name: str, county: County, addresses: dict[str, dict[str, Any]]
) -> None:
    method, answers = ANSWERS[name]
    given = {who: ask(county, who, name, method, addresses.get(name, {})).status_code for who in READERS}
    assert given == answers


def test_what_lies_outside_the_scope_answers_as_what_does_not_exist(
    county: County, addresses: dict[str, dict[str, Any]]
) -> None:
    client = Client()
    client.force_login(county.people["staff elsewhere"])
    there = client.get(reverse("document", kwargs=addresses["document"]))
    nowhere = client.get(reverse("document", kwargs={**addresses["document"], "pk": 999_999}))
    unknown = client.get(reverse("document", kwargs={"kind": "no.kind", "pk": 1}))
    assert (there.status_code, nowhere.status_code, unknown.status_code) == (404, 404, 404)
    assert there.content == nowhere.content


def test_a_post_without_a_decision_decides_nothing(
    county: County, addresses: dict[str, dict[str, Any]]
) -> None:
    at = counties.moment(4, 2)
    order = walk(county, order_of(county, at=at, due_on=counties.moment(4, 20).date()), "submit:drafter", at)
    client = Client()
    client.force_login(county.people["leader"])
    form = {"seen_version": order.version, "request_id": str(uuid4()), "opinion": "同意"}
    for extra in ({}, {"step": ""}, {"step": "nonsense"}, {"step": "draft_order"}):
        answer = client.post(
            reverse("act", args=[order.kind(), order.pk]), form | extra, HTTP_HX_REQUEST="true"
        )
        assert answer.status_code == 422
        assert "同意" in answer.content.decode()
    assert again(order).state == "for_signature"
    assert owed(order).keys() == {"order.signature"}
    done = client.post(
        reverse("act", args=[order.kind(), order.pk]), form | {"step": "sign"}, HTTP_HX_REQUEST="true"
    )
    assert done.status_code == 200
    assert again(order).state == "issued"


def test_the_configuration_pages_are_closed_to_everybody_without_that_right(county: County) -> None:
    for name in ("admin:index", "admin:organisation_post_changelist", "admin:organisation_person_changelist"):
        assert {ask(county, who, name, "GET", {}).status_code for who in READERS} == {302}


def test_measures_and_their_files_follow_the_scope_of_their_unit(place: County) -> None:
    measure = measure_of(place)
    seen = {
        who: ask(place, who, "document", "GET", {"kind": measure.kind(), "pk": measure.pk}).status_code
        for who in ("staff", "staff elsewhere", "outsider")
    }
    assert seen == {"staff": 200, "staff elsewhere": 404, "outsider": 404}

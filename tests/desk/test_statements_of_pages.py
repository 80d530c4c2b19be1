"""Every page takes a constant number of statements, however much there is to show."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.supervision.county import AT, County, order_of, plan_of, vote, walk
from workflows.models import WorkItem

MOST = 24
"""Statements that any page may take today; the target of 12 stands for the queue and the board."""


def statements(county: County, who: str, url: str) -> int:
    client = Client()
    client.force_login(county.people[who])
    client.get(url)
    with CaptureQueriesContext(connection) as taken:
        answer = client.get(url)
    assert answer.status_code == 200
    return len([q for q in taken if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))])


def orders(county: County, numbers: range, route: str) -> list[Any]:
    return [walk(county, order_of(county, title=f"事项{n}"), route) for n in numbers]


PAGES = {
    "queue of the supervision office": ("drafter", "/queue/", ""),
    "queue of a leader": ("leader", "/queue/", "submit:drafter"),
    "queue of a head": ("head", "/queue/", "submit:drafter, sign:leader"),
    "done by me": ("drafter", "/queue/?tab=done", "submit:drafter"),
    "board": ("office", "/board/", "submit:drafter, sign:leader"),
    "files": ("office", "/files/?of=orders.supervisionorder", "submit:drafter"),
    "notices": ("head", "/notices/", "submit:drafter, sign:leader"),
    "operation": ("drafter", "/operation/", "submit:drafter"),
}


MOST_OF_THE_QUEUE = 12
"""The target, session and reader included."""


@pytest.mark.parametrize("who", ["drafter", "leader", "head"])
def test_the_queue_page_counts_once_and_stays_below_its_target(who: str, place: County) -> None:
    orders(place, range(3), "submit:drafter, sign:leader" if who == "head" else "")
    client = Client()
    client.force_login(place.people[who])
    client.get("/queue/")
    with CaptureQueriesContext(connection) as taken:
        client.get("/queue/")
    assert len(taken) <= MOST_OF_THE_QUEUE, [q["sql"][:80] for q in taken]
    assert len([q for q in taken if "counted GROUP BY" in q["sql"]]) == 1


@pytest.mark.parametrize("name", PAGES)
def test_the_page_takes_as_many_statements_for_twenty_as_for_two(name: str, place: County) -> None:
    who, url, route = PAGES[name]
    orders(place, range(2), route)
    few = statements(place, who, url)
    orders(place, range(2, 20), route)
    assert (statements(place, who, url), few <= MOST) == (few, True)


def test_a_document_takes_as_many_statements_after_many_entries_as_after_few(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff")
    url = reverse("document", args=[order.kind(), order.pk])
    few = statements(place, "head", url)
    walk(
        place,
        order,
        "feed_back:head, note_feedback:checker, feed_back:head, ask_again:checker, feed_back:head, note_feedback:checker",
    )
    assert (statements(place, "head", url), few <= MOST) == (few, True)


def test_the_leaders_desk_takes_a_bounded_number_of_statements(place: County) -> None:
    orders(place, range(4), "submit:drafter")
    few = statements(place, "leader", "/desk/")
    orders(place, range(4, 20), "submit:drafter")
    assert statements(place, "leader", "/desk/") == few


def test_a_rounds_document_takes_no_more_statements_for_more_votes(place: County) -> None:
    plan = walk(place, plan_of(place), "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker")
    url = reverse("document", args=[plan.kind(), plan.pk])
    before = statements(place, "checker", url)
    vote(place, plan, "approve", "office", AT)
    assert statements(place, "checker", url) - before in (0, 1)  # one: names of the units of those who voted


def test_a_panel_is_opened_once_and_then_only_read(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    item = WorkItem.objects.get(kind=order.kind(), document_id=order.pk, closed_at=None)
    client = Client()
    client.force_login(place.people["leader"])
    url = reverse("item_panel", args=[item.pk])
    client.get(url, HTTP_HX_REQUEST="true")
    item.refresh_from_db()
    assert item.first_opened_by_id == place.people["leader"].pk
    with CaptureQueriesContext(connection) as taken:
        client.get(url, HTTP_HX_REQUEST="true")
    assert not [q for q in taken if q["sql"].startswith(("UPDATE workflows", "WITH"))]

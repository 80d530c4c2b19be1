"""How far things have come is said in the words of the scheme that a document is pinned to, never in the program's own."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override

from organisation.actors import clock_of
from organisation.models import Institution
from supervision.desk.queries.board import board_page
from supervision.desk.queries.queue import Address
from supervision.desk.queries.reader import Reader
from supervision.desk.queries.trail import entries_of
from supervision.schemes.models import SchemeVersion
from supervision.schemes.publishing import open_cycle, publish_version
from tests.supervision.county import County, moment, order_of
from workflows.deadlines import sweep

ESCALATED = moment(3, 9, 9)
"""A draft of 2 March was due on the 4th; three working days later its last step is taken."""


@pytest.fixture
def pinned(place: County) -> County:
    """The county in its next year, under a second version of its scheme, in which urging is a second degree and carries its own name."""
    content = copy.deepcopy(SchemeVersion.objects.get().content)
    content["steps"]["urge"] = {"zh": "亮牌督办", "en": "Card shown", "level": 2}
    content["steps"]["escalate"] = {"zh": "约谈", "en": "Interview", "level": 4}
    by = clock_of(place.institution.pk)
    version, _ = publish_version(content, by=by, at=moment(1, 2))
    place.cycle = open_cycle(version, 2027, by=by, at=moment(1, 2))
    return place


def looking(place: County, at: Any) -> Reader:
    return Reader(place.actor("office", at), at)


def test_the_board_names_and_counts_levels_as_the_scheme_in_force_does(pinned: County) -> None:
    order_of(pinned)
    Institution.objects.filter(pk=pinned.institution.pk).update(frozen_at=ESCALATED)
    sweep(ESCALATED)
    board = board_page(looking(pinned, ESCALATED), Address("/board/", Client().get("/").wsgi_request.GET))
    assert [(rung.level, str(getattr(rung.label, "zh", rung.label)), rung.count) for rung in board.ladder][:3] == [
        (4, "约谈", 1), (3, "转为督办", 0), (2, "亮牌督办", 0),
    ]  # fmt: skip
    [row] = board.rows
    assert (row.level, getattr(row.level_name, "zh", "")) == (4, "约谈")


def test_a_level_of_the_address_narrows_the_list_and_nonsense_does_not(pinned: County) -> None:
    order_of(pinned)
    Institution.objects.filter(pk=pinned.institution.pk).update(frozen_at=ESCALATED)
    sweep(ESCALATED)
    client = Client()
    client.force_login(pinned.people["office"])
    title = "和什托洛盖镇供热管网漏损整治"
    assert title in client.get("/board/?level=4").content.decode()
    assert title not in client.get("/board/?level=2").content.decode()
    assert title in client.get("/board/?level=urge").content.decode()


def test_the_trail_names_a_step_as_the_version_did_that_it_was_taken_under(
    place: County, pinned: County
) -> None:
    order = order_of(pinned)
    Institution.objects.filter(pk=pinned.institution.pk).update(frozen_at=ESCALATED)
    sweep(ESCALATED)
    for language, acts in (("zh-hans", ["约谈", "亮牌督办"]), ("en", ["Interview", "Card shown"])):
        with override(language):
            assert [str(entry.act) for entry in entries_of(order, looking(pinned, ESCALATED))][:2] == acts

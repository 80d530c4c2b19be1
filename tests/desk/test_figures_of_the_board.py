"""Every number on the board is what counting the items one by one says, after each thing that can happen to an item.

The count here is made in Python, row by row, of what `visible_to` shows: it shares nothing with the census or its SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict

from calendars.publishing import publish_overlay
from organisation import changes
from organisation.models import Institution
from supervision.desk.pages import Board
from supervision.desk.queries.board import AGES, board_page, lamp_counts
from supervision.desk.queries.counting import Counting
from supervision.desk.queries.queue import Address
from supervision.desk.queries.reader import Reader
from tests.supervision.county import (
    County,
    act,
    change,
    change_of,
    measure_of,
    moment,
    order_of,
    report_of,
    walk,
)
from workflows import census
from workflows.clockwork import pass_time
from workflows.deadlines import sweep
from workflows.documents import document_kinds
from workflows.models import CensusChange, WorkItem
from workflows.rerouting import reroute
from workflows.worklist import claim, hand_over, release

LAMPS = ("red", "yellow", "green")


def at_clock(place: County, at: datetime) -> datetime:
    """The county's clock stands at this instant."""
    Institution.objects.filter(pk=place.institution.pk).update(frozen_at=at)
    place.institution.frozen_at = at
    return at


def story(place: County) -> Iterator[tuple[str, datetime]]:
    """What can happen to items; after each, its name and when."""
    at = at_clock(place, moment(3, 2))
    measure_of(place, at)
    yield "a round held", at
    change_of(place, at)
    yield "goals issued", at
    first = order_of(place, title="和什托洛盖镇道路整治")
    yield "opened", at
    second = order_of(place, title="另一件", unit="bureau")
    walk(place, first, "submit:drafter")
    yield "moved", at
    signature = WorkItem.objects.get(document_id=first.pk, duty="order.signature", closed_at=None)
    claim(signature.pk, actor=place.actor("leader"), at=at)
    release(signature.pk, actor=place.actor("leader"), at=at)
    person = place.people["second leader"]
    hand_over(signature.pk, person, reason="值班", actor=place.actor("leader"), at=at)
    yield "claimed, released, handed over", at
    walk(place, first, "sign:second leader, sign_for:head, take_in_hand:staff")
    yield "in hand", at
    at = at_clock(place, moment(3, 4, 10))
    sweep(at)
    yield "yellow", at
    at = at_clock(place, moment(3, 9, 9))
    sweep(at)
    yield "red and escalated", at
    act(place, first, "suspend", "leader", at, review_date=date(2026, 4, 20))
    yield "paused", at
    act(place, first, "resume", "leader", at)
    yield "resumed", at
    act(place, first, "ask_extension", "head", at)
    act(place, first, "grant", "leader", at, new_date=date(2026, 3, 25))
    yield "extended", at
    change(place, second, "drafter", at, title="改了题目的一件", unit=place.units["town"])
    yield "edited into another unit", at
    publish_overlay(
        place.institution.pk, "closure", date(2026, 3, 10), date(2026, 3, 11), name_zh="暴雪停工", name_en="Closed for snow",
        source="和政办发〔2026〕9号", by=None, at=at,
    )  # fmt: skip
    yield "calendar changed", at
    walk(place, first, "prove:staff, claim_done:head, take_up:checker, close:checker", at)
    yield "closed in time", at
    walk(place, second, "submit:drafter", at)
    yield "closed late", at
    at = at_clock(place, moment(4, 2))
    report_of(place, at=at)
    report_of(place, "bureau", at=at)
    changes.end_post(
        place.posts["staff elsewhere"], ends=date(2026, 4, 1), by=place.actor("clock"), at=at, reason="调离"
    )
    reroute(at)
    yield "rerouted", at
    at = at_clock(place, moment(5, 6))
    pass_time(at)
    yield "weeks gone by", at
    at = at_clock(place, moment(1, 8, year=2027))
    pass_time(at)
    yield "another year", at


def seen(place: County, who: str, at: datetime) -> list[WorkItem]:
    actor = place.actor(who, at)
    scope = {
        (m.kind(), pk) for m in document_kinds() for pk in m.visible_to(actor).values_list("pk", flat=True)
    }
    items = WorkItem.objects.select_related("unit").filter(paused_at=None)
    return [item for item in items if (item.kind, item.document_id) in scope]


def level_of(item: WorkItem) -> int:
    return max((step.get("level") or 0 for step in item.ladder[: item.ladder_at]), default=0)


def rate(items: list[WorkItem]) -> float | None:
    good = sum(item.closed_at is not None and item.closed_at <= item.due_at for item in items)
    return round(100 * good / len(items), 1) if items else None


def counted(items: list[WorkItem], reader: Reader) -> dict[str, Any]:
    """The board's figures, item by item."""
    standing = [item for item in items if item.closed_at is None]
    closed = [
        item
        for item in items
        if item.closed_at and item.closed_at.astimezone(reader.at.tzinfo).year >= reader.at.year
    ]
    lamps = Counter(item.lamp for item in standing)
    red = [item for item in standing if item.lamp == "red"]
    ages = [0] * len(AGES)
    for item in red:
        if item.due_on is not None:
            over = max(1, reader.calendar.count(item.due_on, reader.today))
            ages[next(n for n, (_, last) in enumerate(AGES) if last is None or over <= last)] += 1
    units = {item.unit for item in standing}
    lines = sorted(
            (-of["red"], -of["yellow"], unit.path, unit.name_zh, sum(of.values()), of["green"], rate([i for i in closed if i.unit == unit]))
            for unit in units
            for of in [Counter(item.lamp for item in standing if item.unit == unit)]
    )  # fmt: skip
    return {
        "units": len(units), "open": len(standing), "lamps": [lamps[k] for k in LAMPS], "closed": len(closed), "on_time": rate(closed),
        "ages": ages, "levels": dict(Counter(map(level_of, red))),
        "league": [(zh, whole, -r, -y, g, good) for r, y, _path, zh, whole, g, good in lines], "now": (lamps["red"], lamps["yellow"]),
    }  # fmt: skip


def shown(board: Board) -> dict[str, Any]:
    """The same figures as the page shows them."""
    return {
        "units": board.units, "open": board.open, "lamps": [lamp.count for lamp in board.lamps[:3]], "closed": board.lamps[3].count,
        "on_time": board.on_time, "ages": [age.count for age in board.ages],
        "levels": {rung.level: rung.count for rung in board.ladder if rung.count},
        "league": [(getattr(u.unit, "zh", u.unit), u.open, u.red, u.yellow, u.green, u.on_time) for u in board.league],
        "now": (board.trend[-1].red, board.trend[-1].yellow),
    }  # fmt: skip


def page(reader: Reader, **query: Any) -> Board:
    return board_page(reader, Address("/board/", QueryDict(urlencode(query))))


def test_every_figure_is_what_the_items_say_after_each_event(place: County) -> None:
    town = place.units["town"].pk
    for number, (event, at) in enumerate(story(place)):
        if number % 3 == 2:
            census.fold()
        assert census.differences() == [], event
        for who in ("office", "head"):
            reader = Reader(place.actor(who, at), at)
            items = seen(place, who, at)
            assert shown(page(reader)) == counted(items, reader), (event, who)
            for kind in (model.kind() for model in document_kinds()):
                of_kind = [item for item in items if item.kind == kind]
                assert shown(page(reader, kind=kind)) == counted(of_kind, reader), (event, who, kind)
            of_unit = [item for item in items if item.unit_id == town]
            assert shown(page(reader, unit=town)) == counted(of_unit, reader), (event, who)
            with_text = [item for item in items if "镇" in item.title or "镇" in item.number]
            assert shown(page(reader, q="镇")) == counted(with_text, reader), (event, who)
            standing = Counter(item.lamp for item in items if item.closed_at is None)
            assert [lamp.count for lamp in lamp_counts(reader, "/board/")] == [standing[k] for k in LAMPS], (
                event
            )


def test_the_story_has_everything_in_it(place: County) -> None:
    """Else the test above could not fail: red, yellow, two degrees of escalation, paused, in time, late, and more than one kind."""
    lamps, how, levels = set(), set(), set()
    for event, _ in story(place):
        lamps |= set(WorkItem.objects.values_list("lamp", flat=True))
        levels |= {level_of(item) for item in WorkItem.objects.filter(lamp="red", closed_at=None)}
        how |= (
            {"paused"} if WorkItem.objects.filter(closed_at=None, paused_at__isnull=False).exists() else set()
        )
        how |= {
            "late" if item.closed_at > item.due_at else "in time"
            for item in WorkItem.objects.exclude(closed_at=None)
        }
        if event == "rerouted":
            assert set(WorkItem.objects.values_list("kind", flat=True)) == {
                m.kind() for m in document_kinds()
            }
    assert len(levels) >= 2
    assert (lamps, how) == ({"red", "yellow", "green"}, {"paused", "late", "in time"})


def test_each_bar_and_rung_leads_to_as_many_items(place: County) -> None:
    for event, at in story(place):
        for who in ("office", "head") if event in ("red and escalated", "weeks gone by") else ():
            reader = Reader(place.actor(who, at), at)
            board = page(reader)
            for lamp in board.lamps[:3]:
                assert page(reader, lamp=lamp.kind).pages.total == lamp.count
            for place_, age in enumerate(board.ages):
                assert page(reader, lamp="red", age=place_).pages.total == age.count, (event, age)
            for rung in board.ladder:
                assert page(reader, lamp="red", level=rung.level).pages.total == rung.count


def test_the_census_and_the_items_give_the_same_figures(place: County) -> None:
    for event, at in story(place):
        reader = Reader(place.actor("office", at), at)
        for counting in (
            Counting(reader),
            Counting(reader, "orders.supervisionorder"),
            Counting(reader, unit_id=place.units["town"].pk),
        ):
            assert counting.figures() == replace(counting, from_census=False).figures(), event
            assert counting.trend() == replace(counting, from_census=False).trend(), event


def test_the_board_is_the_same_before_and_after_folding(place: County) -> None:
    *_, (_event, at) = story(place)
    reader = Reader(place.actor("office", at), at)
    order_of(place, at=at)
    assert CensusChange.objects.exists()
    before = page(reader)
    census.fold()
    assert not CensusChange.objects.exists()
    assert page(reader) == before


@pytest.mark.parametrize(
    "query",
    [
        {"unit": "9" * 30},
        {"unit": "²"},
        {"level": "9" * 30},
        {"age": "-1"},
        {"age": "77"},
        {"page": "9" * 30},
        {"kind": "no.kind"},
    ],
)
def test_nonsense_in_the_address_is_no_error(place: County, query: dict[str, str]) -> None:
    order_of(place)
    reader = Reader(place.actor("office"), moment(3, 2))
    assert page(reader, **query).open == (0 if "kind" in query else 1)

"""Drawings of rounds: where it stands in words, and nothing that a strict content policy would refuse."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from django.utils.translation import override

from tests.workflows.round_ground import Ground, build
from workflows.models import Round
from workflows.rounds import policy_drawings, policy_svg, registered_rounds, round_svg, sittings_of

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
ROUND = "rectification.leadership"


@pytest.fixture
def county(db: None) -> Ground:
    return build()


def boxes(drawing: str) -> dict[str, tuple[str, list[str]]]:
    """Of each box: its fill, and its lines."""
    found = {}
    for group in ElementTree.fromstring(drawing).findall(f"{SVG}g"):
        shape = next(child for child in group if child.tag in (f"{SVG}rect", f"{SVG}circle"))
        name = group.attrib["id"].rsplit("-", 1)[1]
        found[name] = (shape.attrib["fill"], [text.text or "" for text in group.findall(f"{SVG}text")])
    return found


def assert_it_can_stand_in_a_page(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        assert element.tag not in (f"{SVG}style", f"{SVG}script")
        assert not {"style", "class"} & set(element.attrib)
        assert not any(name.startswith("on") for name in element.attrib)
        for name, value in element.attrib.items():
            if name == HREF:
                assert value.removeprefix("#") in ids
            if value.startswith("url("):
                assert value[5:-1] in ids
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] in ids


def test_the_policy_is_drawn_in_the_reader_s_language() -> None:
    chinese = boxes(policy_svg(ROUND))
    assert chinese["leaders"][1] == ["领导小组审定整改方案", "须达规定人数同意"]
    assert chinese["office"][1][-1] == "由其中一人决定"
    assert (chinese["approved"][1], chinese["refused"][1]) == (["审定通过"], ["审定不通过"])
    with override("en"):
        english = boxes(policy_svg(ROUND))
    assert english["leaders"][1] == ["the leading group", "decides on the plan", "as many as the rules say"]
    assert english["refused"][1] == ["Refuse"]


def test_every_policy_has_a_page_s_drawing_that_does_not_change_by_itself() -> None:
    drawings = dict(policy_drawings())
    assert set(drawings) == set(registered_rounds())
    assert drawings == dict(policy_drawings())
    for drawing in drawings.values():
        assert_it_can_stand_in_a_page(drawing)


def test_the_running_round_shows_where_it_stands(county: Ground) -> None:
    plan = county.forwarded()
    process = Round.objects.get()
    first = boxes(round_svg(process, sittings_of(plan)))
    assert first["office"][1][-1] == "进行中"
    assert first["leaders"][1] == ["领导小组审定整改方案", "须达规定人数同意"]

    county.vote(plan, "绩效员")
    county.vote(plan, "赵", "refuse", "时限过长")
    drawing = round_svg(process, sittings_of(plan))
    second = boxes(drawing)
    assert second["office"][1][-1] == "已完成"
    assert second["leaders"][1][1:] == ["3人中须2人同意", "同意0 · 不同意1 · 待2", "进行中"]
    live, done, ahead = second["leaders"][0], second["office"][0], second["approved"][0]
    assert len({live, done, ahead}) == 3
    assert second["start"][0] == done
    assert_it_can_stand_in_a_page(drawing)
    assert_it_can_stand_in_a_page(f"<svg xmlns='http://www.w3.org/2000/svg' role='img' aria-labelledby='round-{process.pk}-title'>"
                                  f"{drawing}{policy_svg(ROUND)}</svg>")  # fmt: skip


def test_a_finished_round_shows_the_step_it_ended_by(county: Ground) -> None:
    plan = county.at_the_group()
    county.vote(plan, "赵")
    county.vote(plan, "钱")
    drawn = boxes(round_svg(Round.objects.get(), sittings_of(plan)))
    assert drawn["approved"][0] == drawn["leaders"][0] != drawn["refused"][0]


def test_a_round_that_was_withdrawn_says_so(county: Ground) -> None:
    plan = county.at_the_group()
    county.take(plan, "withdraw_plan", "督查员", reason="方案有误")
    drawn = boxes(round_svg(Round.objects.get(), sittings_of(plan)))
    assert (drawn["office"][1][-1], drawn["leaders"][1][-1]) == ("已完成", "已撤销")


def test_a_round_whose_policy_is_gone_has_no_drawing(county: Ground) -> None:
    plan = county.forwarded()
    Round.objects.update(flow_class="rectification/rounds.Gone")
    assert round_svg(Round.objects.get(), sittings_of(plan)) == ""

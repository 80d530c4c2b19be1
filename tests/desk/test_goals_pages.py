"""Goals on the screen: the overview of the year, the call for goals, and a goal begun, filled in and changed on its page."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from organisation.models import Unit
from supervision.desk.queries.reader import tone_of
from supervision.goals.calling import call_for_goals
from supervision.goals.models import Goal, GoalChange, GoalSheet
from tests.supervision.county import (
    AT,
    TO_ISSUED,
    TO_REVIEW,
    County,
    again,
    change,
    goal_of,
    order_of,
    report_of,
    sheet_of,
    walk,
    write_goal,
)  # fmt: skip
from workflows.documents import Refused

MOST = 12
"""Statements that the overview may take, session and reader included."""


@pytest.fixture
def county(place: County) -> County:
    """The county with its clock standing still."""
    place.institution.frozen_at = AT
    place.institution.save()
    return place


def signed_in(county: County, who: str, language: str = "zh-hans") -> Client:
    client = Client(headers={"accept-language": language})
    person = county.people[who]
    person.language = language
    person.save()
    client.force_login(person)
    return client


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def page_of(document: Any) -> str:
    return reverse("document", args=[document.kind(), document.pk])


# --- The call ----------------------------------------------------------------------------------------------


def test_the_performance_office_calls_every_unit_once(county: County) -> None:
    office = signed_in(county, "office")
    assert "布置 2 个单位编报目标" in text_of(office.get("/goals/"))
    answer = office.post("/goals/call/", {"year": "2026"}, follow=True)
    assert "已布置 2 个单位编报目标。" in text_of(answer)
    assert {s.unit.name_zh for s in GoalSheet.objects.select_related("unit")} == {"和什托洛盖镇", "城建局"}
    assert "编报目标</button>" not in answer.content.decode()
    assert "已布置 0 个单位编报目标。" in text_of(office.post("/goals/call/", {"year": "2026"}, follow=True))
    assert GoalSheet.objects.count() == 2


@pytest.mark.parametrize("who", ["staff", "head", "drafter", "leader", "auditor", "outsider"])
def test_nobody_else_calls_for_goals(county: County, who: str) -> None:
    client = signed_in(county, who)
    assert "编报目标</button>" not in client.get("/goals/").content.decode()
    client.post("/goals/call/", {"year": "2026"})
    assert not GoalSheet.objects.exists()


def test_a_call_by_somebody_without_the_office_is_refused_by_the_engine(county: County) -> None:
    with pytest.raises(Refused) as refused:
        call_for_goals(county.cycle, actor=county.actor("drafter"), at=AT)
    assert [reason.code for reason in refused.value.reasons] == ["not_yours"]


# --- The overview ------------------------------------------------------------------------------------------


def test_a_unit_is_shown_with_its_goals_by_stage_its_low_targets_and_its_gaps(county: County) -> None:
    goal = goal_of(county, TO_REVIEW)
    write_goal(county, sheet_of(county, unit="bureau"), "staff elsewhere")
    text = text_of(signed_in(county, "office").get("/goals/"))
    assert "城建局 待编报 目标数 1 拟定中 1" in text
    town = text.partition("和什托洛盖镇 待审核")[2].partition("城建局")[0]
    assert "待审核 1" in town
    assert "经济社会发展、党建目标管理、党风廉政建设、社会治安综合治理" in town
    walk(county, goal, "return_goal:office")
    change(county, goal, "staff", target=Decimal(80))
    town = text_of(signed_in(county, "office").get("/goals/")).partition("和什托洛盖镇 待审核")[2]
    assert "目标偏低 1" in town


def test_a_unit_sees_its_own_line_and_a_leader_all(county: County) -> None:
    goal_of(county, TO_REVIEW)
    assert "城建局" not in text_of(signed_in(county, "head").get("/goals/"))
    assert "和什托洛盖镇 待审核" in text_of(signed_in(county, "head").get("/goals/"))
    assert "城建局 尚未布置" in text_of(signed_in(county, "leader").get("/goals/"))
    assert "没有符合条件的单位。" in text_of(signed_in(county, "stranger").get("/goals/"))


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("state=none", "城建局", "和什托洛盖镇"),
        ("state=for_review", "和什托洛盖镇", "城建局"),
        ("q=城建", "城建局", "和什托洛盖镇"),
        ("q=%00&year=abc&page=x&state=nowhere", "和什托洛盖镇", "没有符合条件的单位"),
    ],
)
def test_the_overview_is_narrowed_by_its_address(county: County, query: str, shown: str, hidden: str) -> None:
    goal_of(county, TO_REVIEW)
    answer = signed_in(county, "office").get(f"/goals/?{query}")
    assert answer.status_code == 200
    assert shown in text_of(answer)
    assert hidden not in text_of(answer)


def test_the_overview_takes_as_many_statements_for_twenty_units_as_for_two(county: County) -> None:
    def taken() -> int:
        client = signed_in(county, "office")
        client.get("/goals/")
        with CaptureQueriesContext(connection) as queries:
            client.get("/goals/")
        return len(queries)

    goal_of(county, TO_REVIEW)
    few = taken()
    for number in range(20):
        place = f"town {number}"
        county.units[place] = Unit.objects.create(
            institution=county.institution, parent=county.units["county"], kind="township", name_zh=f"第{number}镇", begins=AT.date()
        )  # fmt: skip
        sheet_of(county, unit=place)
    assert (taken(), few <= MOST) == (few, True)


@pytest.mark.parametrize(
    ("address", "row"),
    [
        ("/goals/?", "镇 尚未布置"),
        ("/files/?of=orders.supervisionorder&", r"第\d+件"),
        ("/notices/?", r"第\d+件"),
    ],
)
def test_a_page_holds_as_many_rows_as_its_address_says(county: County, address: str, row: str) -> None:
    for number in range(25):
        Unit.objects.create(
            institution=county.institution, parent=county.units["county"], kind="township", name_zh=f"第{number}镇", begins=AT.date()
        )  # fmt: skip
        walk(county, order_of(county, title=f"第{number}件", clause=f"第{number}条"), "submit:drafter")
    office = signed_in(county, "leader")
    shown = {
        size: len(re.findall(row, text_of(office.get(f"{address}size={size}")))) for size in ("", "50", "7")
    }
    assert shown["50"] >= 25 > shown[""] == shown["7"]


# --- A goal on its page ------------------------------------------------------------------------------------


def begin_url(above: Any, child: str, step: str) -> str:
    return reverse("begin_below", args=[above.kind(), above.pk, child, step])


def test_a_goal_is_begun_on_its_sheet_and_what_was_typed_stays(county: County) -> None:
    sheet, staff = sheet_of(county), signed_in(county, "staff")
    url = begin_url(sheet, "goals.goal", "write_goal")
    assert url in staff.get(page_of(sheet)).content.decode()
    form = staff.get(url).content.decode()
    assert '<option value="livelihood">保障和改善民生</option>' in form
    typed = {
        "f-title": "",
        "f-basis": "《三定规定》第三条",
        "f-target": "九十五",
        "f-indicator": "number",
        "f-nature": "expected",
        "f-move": "base",
    }
    answer = staff.post(url, typed | {"request_id": str(uuid4())})
    assert answer.status_code == 422
    assert "《三定规定》第三条" in answer.content.decode()
    assert "九十五" in answer.content.decode()
    assert not Goal.objects.exists()
    answer = staff.post(
        url,
        typed
        | {
            "f-title": "供热投诉办结率",
            "f-target": "95",
            "f-field": "livelihood",
            "request_id": str(uuid4()),
        },
    )
    goal = Goal.objects.get()
    assert answer["Location"] == reverse("edit", args=[goal.kind(), goal.pk])
    assert (goal.sheet_id, goal.unit_id, goal.field, goal.target) == (
        sheet.pk,
        sheet.unit_id,
        "livelihood",
        Decimal(95),
    )


def test_one_press_twice_begins_one_goal(county: County) -> None:
    sheet, staff = sheet_of(county), signed_in(county, "staff")
    url, request = begin_url(sheet, "goals.goal", "write_goal"), str(uuid4())
    sent = {
        "f-title": "供热投诉办结率",
        "f-indicator": "number",
        "f-nature": "expected",
        "f-move": "base",
        "request_id": request,
    }
    staff.post(url, sent)
    staff.post(url, sent)
    assert Goal.objects.count() == 1


def test_a_field_that_is_no_choice_is_refused_by_its_name(county: County) -> None:
    sheet, staff = sheet_of(county), signed_in(county, "staff")
    sent = {
        "f-title": "甲",
        "f-field": "weather",
        "f-indicator": "number",
        "f-nature": "expected",
        "f-move": "base",
        "request_id": str(uuid4()),
    }
    assert staff.post(begin_url(sheet, "goals.goal", "write_goal"), sent).status_code == 422
    assert not Goal.objects.exists()


def test_a_sheet_that_was_handed_on_says_why_no_goal_can_be_added(county: County) -> None:
    sheet = walk(county, sheet_of(county), TO_REVIEW)
    staff = signed_in(county, "staff")
    assert "目标责任书不在编报或修改阶段，不能增加目标。" in text_of(staff.get(page_of(sheet)))
    assert staff.get(begin_url(sheet, "goals.goal", "write_goal")).status_code == 302


@pytest.mark.parametrize(
    ("child", "step"),
    [
        ("goals.goal", "submit"),
        ("goals.goal", "nothing"),
        ("goals.milestone", "open"),
        ("goals.goalchange", "ask"),
        ("no.kind", "x"),
        ("auth.group", "x"),
    ],
)
def test_nothing_else_is_begun_on_a_sheet(county: County, child: str, step: str) -> None:
    sheet = sheet_of(county)
    assert signed_in(county, "staff").get(begin_url(sheet, child, step)).status_code == 404


def test_a_change_is_begun_on_a_goal_that_is_in_force(county: County) -> None:
    goal, staff = goal_of(county, TO_ISSUED), signed_in(county, "staff")
    url = begin_url(goal, "goals.goalchange", "ask")
    assert url in staff.get(page_of(goal)).content.decode()
    sent = {
        "f-asks": "revise",
        "f-new_target": "93",
        "f-new_target_text": "",
        "f-why": "上级口径调整",
        "request_id": str(uuid4()),
    }
    staff.post(url, sent)
    made = GoalChange.objects.get()
    assert (made.title, made.goal_id, made.sheet_id, made.new_target) == (
        "供热投诉办结率调整",
        goal.pk,
        goal.sheet_id,
        Decimal(93),
    )
    assert "该目标已有一份调整申请在办。" in text_of(staff.get(page_of(goal)))


@pytest.mark.parametrize(
    ("language", "said"), [("zh-hans", "目标偏低：不及上年实绩"), ("en", "Low target: short of last year")]
)
def test_a_low_target_is_remarked_beside_the_figure(county: County, language: str, said: str) -> None:
    goal = walk(county, write_goal(county, sheet_of(county), "staff"), "plan_goal:staff")
    change(county, goal, "staff", target=Decimal("80.5"))
    text = text_of(signed_in(county, "staff", language).get(page_of(goal)))
    assert f"80.5 {said}" in text


def test_the_head_passes_the_gates_on_the_page(county: County) -> None:
    sheet = walk(county, sheet_of(county), "goal_is_ready:staff, explain_fields:staff, hand_in:staff")
    head = signed_in(county, "head")
    url = reverse("act", args=[sheet.kind(), sheet.pk])
    sent = {
        "step": "sign",
        "seen_version": str(sheet.version),
        "request_id": str(uuid4()),
        "duties_fit": "yes",
        "head_said": "均已量化",
    }
    answer = head.post(url, sent, follow=True)
    assert "请确认“量化关：能量化的都已量化、口径明确”。" in text_of(answer)
    assert "均已量化" in answer.content.decode()
    assert again(sheet).state == "for_head"
    head.post(url, sent | {"quantified": "yes", "request_id": str(uuid4())})
    assert again(sheet).state == "for_review"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "请填写“核定目标值”。"),
        ("多一点", "“核定目标值”请填写数字，例如 96.5。"),
        ("1e99", "数值过大或小数超过四位。"),
    ],
)
def test_a_value_that_cannot_be_read_is_said_beside_its_field(county: County, typed: str, said: str) -> None:
    goal = goal_of(county, TO_REVIEW)
    sent = {
        "step": "set_value",
        "seen_version": str(goal.version),
        "request_id": str(uuid4()),
        "value": typed,
        "opinion": "偏低",
    }
    answer = signed_in(county, "office").post(reverse("act", args=[goal.kind(), goal.pk]), sent, follow=True)
    assert said in text_of(answer)
    assert again(goal).state == "under_review"


def test_the_office_sets_a_value_and_the_trail_says_it_as_a_figure(county: County) -> None:
    goal = goal_of(county, TO_REVIEW)
    office = signed_in(county, "office")
    sent = {
        "step": "set_value",
        "seen_version": str(goal.version),
        "request_id": str(uuid4()),
        "value": "1,096.50",
        "opinion": "偏低",
    }
    office.post(reverse("act", args=[goal.kind(), goal.pk]), sent)
    text = text_of(office.get(page_of(goal)))
    assert "核定目标值：1,096.5" in text
    assert "单位原报目标值" not in text
    walk(county, goal, "accept_value:head")
    text = text_of(office.get(page_of(goal)))
    assert "目标值 1,096.5" in text
    assert "单位原报目标值 95" in text


def test_a_verdict_is_chosen_by_its_words_and_said_by_them(county: County) -> None:
    goal = walk(county, goal_of(county, TO_ISSUED), "milestones_reached:office, report_result:head")
    office = signed_in(county, "office")
    page = office.get(f"{page_of(goal)}?step=conclude").content.decode()
    assert '<option value="met">完成</option>' in page
    walk(county, goal, "conclude:office")
    assert "核定结论：完成" in text_of(office.get(page_of(goal)))


def test_a_goal_that_waits_with_its_sheet_says_so(county: County) -> None:
    goal = goal_of(county, "goal_is_ready:staff")
    assert "随上级事项（目标责任书）一并办理。" in text_of(signed_in(county, "staff").get(page_of(goal)))


def test_a_scheme_without_goals_says_so(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    from workflows.rulebook import RuleMissing

    def without(*args: Any, **kwargs: Any) -> Any:
        raise RuleMissing("goals.propose")

    monkeypatch.setattr("supervision.goals.calling.start_many", without)
    answer = signed_in(county, "office").post("/goals/call/", {"year": "2026"}, follow=True)
    assert "本年度考核方案没有目标管理的规定。" in text_of(answer)


def test_a_sheet_is_not_begun_by_hand(county: County) -> None:
    office = signed_in(county, "office")
    url = reverse("begin", args=["goals.goalsheet", "call"])
    assert office.get(url).status_code == office.post(url, {"request_id": str(uuid4())}).status_code == 404


def test_the_step_by_which_the_head_reports_back_leads_forward(county: County) -> None:
    sheet = walk(county, sheet_of(county), f"{TO_REVIEW}, goals_approved:office, refer_to_unit:office")
    step = sheet.lifecycle.steps
    tones = {
        name: tone_of(sheet.kind(), step[name])
        for name in ("report_back", "refer_to_unit", "send_back", "sign")
    }
    assert tones == {
        "report_back": "forward",
        "refer_to_unit": "back",
        "send_back": "back",
        "sign": "forward",
    }


def test_a_reports_lines_name_their_goals_and_others_need_none(county: County) -> None:
    goal = goal_of(county, TO_ISSUED)
    other = write_goal(county, sheet_of(county, unit="bureau"), "staff elsewhere", title="别的单位的目标")
    report, staff = report_of(county), signed_in(county, "staff")
    url = reverse("edit", args=[report.kind(), report.pk])
    form = staff.get(url).content.decode()
    assert f'<option value="{goal.pk}" selected>' in form
    assert other.title not in form
    line = report.lines.get()
    sent = {
        "f-summary": "总体按计划推进", "lines-TOTAL_FORMS": "2", "lines-INITIAL_FORMS": "1", "lines-MIN_NUM_FORMS": "0",
        "lines-MAX_NUM_FORMS": "1000", "lines-0-id": str(line.pk), "lines-0-goal": str(goal.pk), "lines-0-task": goal.title,
        "lines-0-actual": "完成排查", "lines-0-value": "93.5", "lines-1-task": "其他工作", "lines-1-actual": "完成", "lines-1-goal": "",
        "seen_version": str(report.version), "request_id": str(uuid4()), "save": "1",
    }  # fmt: skip
    assert staff.post(url, sent | {"lines-1-goal": str(other.pk)}).status_code == 422
    assert staff.post(url, sent).status_code == 302
    found = list(report.lines.order_by("pk").values_list("goal", "value"))
    assert found == [(goal.pk, Decimal("93.5")), (None, None)]


def test_a_unit_of_another_institution_is_no_choice_of_a_form_however_it_is_sent(county: County) -> None:
    """The form was judged before its choices were narrowed: a unit of elsewhere passed as long as some field stood before it."""
    elsewhere = Unit.objects.exclude(institution=county.institution).filter(kind="township")[0]
    order = order_of(county)
    drafter = signed_in(county, "drafter")
    url = reverse("edit", args=[order.kind(), order.pk])
    sent = {
        "f-title": "改题", "f-unit": str(elsewhere.pk), "f-source": "meeting", "f-category": "daily", "f-level": "unit", "f-method": "follow_up",
        "f-due_on": "2026-06-01", "criteria-TOTAL_FORMS": "0", "criteria-INITIAL_FORMS": "0", "co_operating_units-TOTAL_FORMS": "1",
        "co_operating_units-INITIAL_FORMS": "0", "seen_version": str(order.version), "request_id": str(uuid4()), "save": "1",
    }  # fmt: skip
    assert drafter.post(url, sent).status_code == 422
    assert (
        drafter.post(
            url, sent | {"f-unit": str(order.unit_id), "co_operating_units-0-unit": str(elsewhere.pk)}
        ).status_code
        == 422
    )
    begin = reverse("begin", args=[order.kind(), "draft_order"])
    assert (
        drafter.post(
            begin, {k: v for k, v in sent.items() if k.startswith("f-")} | {"request_id": str(uuid4())}
        ).status_code
        == 422
    )
    assert again(order).title == order.title
    assert not type(order).objects.filter(unit=elsewhere).exists()

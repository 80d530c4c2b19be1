"""A unit's goals from the office's call to a milestone that is reached, by the hands of those who own the steps, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from supervision.goals.models import Goal, GoalSheet, Milestone
from tests.browser.people import Reader, set_clock
from tests.supervision.county import County, moment
from workflows.models import WorkItem
from workflows.verification import verify

SHEET = "和什托洛盖镇2026年度目标责任书"
GOAL = "群众来信来访按期办结率"
MILESTONE = f"{GOAL}：完成积案清理"
GATES = ("职能关：目标与本单位职责相符、没有遗漏", "量化关：能量化的都已量化、口径明确")

Seat = Callable[..., Reader]


@pytest.mark.timeout(240)
def test_a_goal_is_called_for_written_weighed_issued_and_reached(place: County, open_as: Seat) -> None:
    office = the_office_calls(open_as)
    staff = the_unit_writes_a_goal(open_as)
    head = the_head_passes_the_gates_on_a_phone(open_as)
    the_office_sets_another_value(office, staff)
    the_head_accepts_and_the_office_puts_it_to_the_leadership(head, office)
    the_leading_group_issues(open_as)
    a_milestone_is_reached(place, staff, office)
    everything_is_on_record(place, staff)


def the_office_calls(open_as: Seat) -> Reader:
    office = open_as("office").sign_in()
    office.menu("年度目标")
    office.page.get_by_role("button", name="布置 2 个单位编报目标").click()
    office.told("已布置 2 个单位编报目标")
    assert GoalSheet.objects.count() == 2
    return office


def the_unit_writes_a_goal(open_as: Seat) -> Reader:
    staff = open_as("staff").sign_in()
    staff.menu("我的待办")
    assert staff.titles() == [SHEET]
    staff.open_from_queue(SHEET)
    staff.page.get_by_role("link", name="增加目标").click()
    page = staff.page
    page.get_by_label("标题").fill(GOAL)
    page.get_by_label("所属领域").select_option(label="保障和改善民生")
    for label, value in (
        ("职责或法规依据", "《信访工作条例》第三十三条"), ("计量单位", "%"), ("目标值", "95"), ("上年实绩", "96.4"), ("统计方法", "办结件数除以受理件数"),
        ("数据来源", "县信访局台账"), ("责任人", "张三（副镇长）"),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_label("公开范围").select_option(label="本机构各单位")
    page.get_by_role("button", name="增加目标").click()
    staff.told("已登记")
    stage = staff.part("计划节点", 1)
    stage.get_by_label("阶段任务").fill("完成积案清理")
    stage.get_by_label("完成时限").fill("2026-06-30")
    stage.get_by_label("达到标志").fill("销号清单")
    staff.save()
    assert "目标偏低：不及上年实绩" in staff.section("事项内容").inner_text()
    staff.decide(GOAL, "拟定完成")
    staff.open_from_queue(SHEET)
    assert "以下领域没有目标：经济社会发展、党建目标管理" in staff.section("我能办理的").inner_text()
    staff.edit()
    staff.page.get_by_label("领域未覆盖的理由").fill("其余领域由县直主管部门统一编报。")
    staff.save()
    staff.decide(SHEET, "送签")
    assert staff.titles() == []
    return staff


def the_head_passes_the_gates_on_a_phone(open_as: Seat) -> Reader:
    head = open_as("head", phone=True).sign_in()
    form = head.open_step(SHEET, "两关审签并报送")
    assert (
        f"{GOAL} · 95 % · 上年实绩 96.4 · 目标偏低：不及上年实绩"
        in head.page.get_by_role("main").inner_text()
    )
    form.get_by_label(GATES[0]).check()
    form.get_by_label("把关意见").fill("符合职能，均已量化")
    form.get_by_role("button", name="两关审签并报送", exact=True).click()
    form = head.page.locator("form[data-decide]").filter(has=head.page.get_by_label("我的意见"))
    form.get_by_text(f"请确认“{GATES[1]}”。").wait_for()
    assert form.get_by_label(GATES[0]).is_checked()
    assert form.get_by_label("把关意见").input_value() == "符合职能，均已量化"
    form.get_by_label(GATES[1]).check()
    form.get_by_role("button", name="两关审签并报送", exact=True).click()
    head.told("已办理：两关审签并报送")
    return head


def the_office_sets_another_value(office: Reader, staff: Reader) -> None:
    office.decide(GOAL, "核定目标值", {"核定目标值": "97"}, opinion="上年已达96.4%，目标不宜低于上年。")
    staff.open_matter(GOAL, "目标")
    facts = staff.section("事项内容").inner_text()
    assert "绩效办核定值\n97" in facts
    assert "目标值\n95" in facts


def the_head_accepts_and_the_office_puts_it_to_the_leadership(head: Reader, office: Reader) -> None:
    head.decide(GOAL, "接受定值")
    goal = Goal.objects.get()
    assert (goal.target, goal.proposed_target) == (Decimal(97), Decimal(95))
    office.decide(SHEET, "呈领导审定")


def the_leading_group_issues(open_as: Seat) -> None:
    for who, said in (("leader", "表决已记录"), ("second leader", "审定下达")):
        leader = open_as(who, phone=True).sign_in()
        assert f"{GOAL} · 97 % · 上年实绩 96.4" in leader.page.get_by_role("main").inner_text()
        leader.decide(SHEET, "同意", where="待我审定", say=said)
    assert Goal.objects.get().state == "in_force"


def a_milestone_is_reached(place: County, staff: Reader, office: Reader) -> None:
    set_clock(place, moment(6, 24, 10))
    staff.open_from_queue(MILESTONE)
    assert "请先上传佐证材料。" in staff.section("我能办理的").inner_text()
    staff.attach("销号清单.txt", "积案全部销号".encode(), date(2026, 6, 23))
    staff.decide(MILESTONE, "报结", {"完成情况": "积案全部销号"})
    office.decide(MILESTONE, "核查通过", {"核查结论": "属实", "核查方式": "调阅台账"})
    assert Milestone.objects.get().state == "reached"


def everything_is_on_record(place: County, staff: Reader) -> None:
    staff.open_matter(GOAL, "目标")
    assert staff.trail() == ["增加目标", "修改内容", "拟定完成", "送审", "核定目标值", "接受定值", "下达"]
    staff.open_matter(SHEET, "目标责任书")
    assert staff.trail() == [
        "布置年度目标编报", "下级事项随本事项办理", "修改内容", "送签", "两关审签并报送", "呈领导审定", "同意", "同意", "审定下达",
    ]  # fmt: skip
    owed = WorkItem.objects.filter(unit=place.units["town"], closed_at=None).order_by("duty")
    assert list(owed.values_list("duty", flat=True)) == ["goal.finish", "goals.closing"]
    assert verify(place.institution.pk).faults == []

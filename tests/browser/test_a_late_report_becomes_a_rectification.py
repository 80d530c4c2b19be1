"""One matter from the first to the last step, by the hands of those who own the steps, in a browser.

The clock opens the report and it does not come; the clock reminds, urges and drafts an order; people complete and sign
it, plan, approve and do the rectification, hand the report in late, prove the order's criteria, and close it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from tests.browser.people import Reader, set_clock
from tests.supervision.county import County, moment
from workflows.models import WorkItem
from workflows.verification import verify

REPORT = "2026年第一季度工作目标任务落实情况季报表"
ORDER = "关于督促和什托洛盖镇报送2026年第一季度季报的督办单"
PLAN = f"{ORDER}整改"
MEASURES = ("整改措施1：明确季报专人负责", "整改措施2：建立到期前提醒制度")
ON_SITE = {"核查方式": "实地核查"}

Seat = Callable[..., Reader]
Clock = Callable[[datetime], None]


@pytest.mark.timeout(240)
def test_a_late_report_becomes_a_rectification(place: County, open_as: Seat, time_comes: Clock) -> None:
    staff = the_report_does_not_come(place, open_as, time_comes)
    supervisor = the_order_is_completed_and_submitted(place, open_as)
    leader = the_leader_signs_on_a_phone(place, open_as)
    head = the_unit_takes_it_in_hand(place, open_as, staff)
    checker = the_plan_is_drawn_up(place, open_as, staff, head)
    the_leadership_approves(place, open_as, leader)
    the_measures_are_done_and_checked(place, staff, checker)
    the_rectification_is_accepted(place, head, supervisor)
    the_report_comes_late(place, open_as, staff, head)
    the_order_is_proved_checked_and_closed(place, staff, head, checker)
    nothing_is_left_and_everything_is_on_record(place, staff)


def the_report_does_not_come(place: County, open_as: Seat, time_comes: Clock) -> Reader:
    time_comes(moment(4, 1, 9, 5))
    staff = open_as("staff").sign_in()
    staff.menu("我的待办")
    assert staff.titles() == [REPORT]
    row = staff.row(REPORT)
    assert "绿灯" in row.inner_text()
    assert "4月10日 周五" in row.inner_text()
    row.get_by_role("button", name="为什么是这一天").click()
    assert "每季度第1个月10日前" in staff.page.get_by_role("note").inner_text()

    time_comes(moment(4, 7, 9, 5))
    staff.menu("我的待办")
    assert "黄灯" in staff.row(REPORT).inner_text()
    for instant in (moment(4, 10, 9, 5), moment(4, 11, 0, 5), moment(4, 13, 9, 5)):
        time_comes(instant)
    staff.menu("我的待办")
    assert "红灯" in staff.row(REPORT).inner_text()
    assert "超期1日" in staff.row(REPORT).inner_text()
    staff.page.get_by_role("link", name="通知，").click()
    notices = staff.section("通知").inner_text()
    for said in ("下达填报任务", "到期提醒", "今日到期", "已逾期", "催办"):
        assert f"{said}：{REPORT}" in notices

    deputy = open_as("deputy").sign_in()
    deputy.page.get_by_role("link", name="通知，").click()
    assert f"催办：{REPORT}" in deputy.section("通知").inner_text()
    time_comes(moment(4, 17, 9, 5))
    assert SupervisionOrder.objects.get(unit=place.units["town"]).title == ORDER
    return staff


def the_order_is_completed_and_submitted(place: County, open_as: Seat) -> Reader:
    supervisor = open_as("drafter").sign_in()
    supervisor.menu("我的待办")
    assert ORDER in supervisor.titles()
    supervisor.open_from_queue(ORDER)
    supervisor.edit()
    supervisor.section("办结标准").get_by_label("办结标准").nth(2).fill("已对相关责任人进行提醒谈话")
    supervisor.page.get_by_label("办理要求").fill("限期补报季报，查明原因并整改，主要领导亲自过问。")
    supervisor.save()
    assert "3. 已对相关责任人进行提醒谈话" in supervisor.section("事项内容").inner_text()
    supervisor.decide(ORDER, "提请签发")
    assert ORDER not in supervisor.titles()
    return supervisor


def the_leader_signs_on_a_phone(place: County, open_as: Seat) -> Reader:
    leader = open_as("leader", phone=True).sign_in()
    assert leader.page.get_by_role("heading", level=1).inner_text().startswith("待我审定")
    assert leader.titles() == [ORDER]
    leader.decide(ORDER, "签发", opinion="请抓紧办理。", where="待我审定")
    assert leader.titles() == []
    return leader


def the_unit_takes_it_in_hand(place: County, open_as: Seat, staff: Reader) -> Reader:
    head = open_as("head").sign_in()
    head.decide(ORDER, "签收")
    staff.decide(ORDER, "承办", {"办理计划": "立即补报，四月底前整改到位"})
    return head


def the_plan_is_drawn_up(place: County, open_as: Seat, staff: Reader, head: Reader) -> Reader:
    staff.menu("我的待办")
    assert PLAN in staff.titles()
    staff.open_from_queue(PLAN)
    assert "请至少列出一条整改措施。" in staff.section("我能办理的").inner_text()
    staff.edit()
    staff.page.get_by_label("问题及原因").fill("季报逾期：无专人负责，到期前无提醒。")
    for number, (measure, done_by) in enumerate(
        (("明确季报专人负责", date(2026, 4, 24)), ("建立到期前提醒制度", date(2026, 4, 28))), 1
    ):
        row = staff.part("方案措施", number)
        row.get_by_label("问题", exact=False).first.fill("季报逾期")
        row.get_by_label("原因").fill("职责不清")
        row.get_by_label("措施").fill(measure)
        row.get_by_label("责任人").fill("巴特尔（承办人）")
        row.get_by_label("完成时限").fill(done_by.isoformat())
    staff.save()
    staff.decide(PLAN, "送签")
    head.decide(PLAN, "签报")
    checker = open_as("checker").sign_in()
    checker.decide(PLAN, "呈领导审定")
    return checker


def the_leadership_approves(place: County, open_as: Seat, leader: Reader) -> None:
    set_clock(place, moment(4, 20, 9))
    open_as("office").sign_in().decide(PLAN, "同意", opinion="措施可行。", say="表决已记录")
    leader.decide(PLAN, "同意", where="待我审定", say="表决已记录")
    second = open_as("second leader").sign_in()
    second.decide(PLAN, "同意", where="待我审定", say="审定通过")
    assert Rectification.objects.get().state == "in_progress"


def the_measures_are_done_and_checked(place: County, staff: Reader, checker: Reader) -> None:
    set_clock(place, moment(4, 22, 9))
    for measure in MEASURES:
        staff.open_from_queue(measure)
        assert "请先上传佐证材料。" in staff.section("我能办理的").inner_text()
        staff.attach("任命文件.txt", "关于明确专人负责的通知".encode(), date(2026, 4, 21))
        assert "4月21日" in staff.section("附件").inner_text()
        staff.decide(measure, "报结", {"落实情况": "已印发并执行"})
        checker.decide(measure, "开始核查")
        checker.decide(measure, "核查通过", {"核查结论": "属实", **ON_SITE})
    assert set(Measure.objects.values_list("state", flat=True)) == {"accepted"}


def the_rectification_is_accepted(place: County, head: Reader, supervisor: Reader) -> None:
    set_clock(place, moment(4, 23, 9))
    head.decide(PLAN, "报请验收")
    supervisor.decide(PLAN, "开始验收")
    supervisor.decide(PLAN, "验收销号", {"验收结论": "整改到位", "验收方式": "实地核验"})
    assert Rectification.objects.get().state == "accepted"


def the_report_comes_late(place: County, open_as: Seat, staff: Reader, head: Reader) -> None:
    staff.open_from_queue(REPORT)
    staff.edit()
    staff.page.get_by_label("本季综述").fill("总体按计划推进。")
    line = staff.part("报表明细", 1)
    line.get_by_label("目标任务").fill("人居环境整治")
    line.get_by_label("本季完成").fill("完成百分之五十五")
    staff.save()
    staff.decide(REPORT, "送签")
    head.decide(REPORT, "签发报送", opinion="迟报情况已核实。")
    office = open_as("office").sign_in()
    office.decide(REPORT, "接收")
    report = QuarterlyReport.objects.get(unit=place.units["town"])
    assert (report.state, report.first_submitted_at) == ("accepted", moment(4, 23, 9))


def the_order_is_proved_checked_and_closed(
    place: County, staff: Reader, head: Reader, checker: Reader
) -> None:
    set_clock(place, moment(4, 24, 9))
    staff.open_matter(ORDER)
    staff.edit()
    criteria = (
        "2026年第一季度季报已报送并经绩效办接收",
        "已查明逾期原因，并制定防止再次逾期的措施",
        "已对相关责任人进行提醒谈话",
    )
    for number, criterion in enumerate(criteria, 1):
        row = staff.part("佐证材料", number)
        row.get_by_label("办结标准").select_option(label=criterion)
        row.get_by_label("佐证说明").fill("见附件和台账")
        row.get_by_label("事实日期").fill("2026-04-23")
    staff.save()
    head.decide(ORDER, "报结", {"办结报告": "季报已补报，整改已验收。"})
    checker.decide(ORDER, "开始核查")
    checker.decide(ORDER, "核查销号", {"核查结论": "达到办结标准", **ON_SITE})


def nothing_is_left_and_everything_is_on_record(place: County, staff: Reader) -> None:
    town = WorkItem.objects.filter(unit=place.units["town"], closed_at=None)
    assert list(town.values_list("title", "duty")) == []
    staff.open_matter(ORDER)
    assert "和督〔2026〕1号" in staff.page.get_by_role("main").inner_text()
    assert staff.page.get_by_text("已经办结，无需再办。").is_visible()
    assert staff.trail() == [
        "逾期未报自动拟单", "修改内容", "提请签发", "签发", "签收", "承办", "修改内容", "报结", "开始核查", "核查销号",
    ]  # fmt: skip
    staff.open_matter(PLAN, "整改")
    assert staff.trail() == [
        "下达整改任务", "修改内容", "送签", "签报", "呈领导审定", "同意", "同意", "同意", "审定通过", "报请验收", "开始验收", "验收销号",
    ]  # fmt: skip
    staff.open_matter(REPORT, "季报")
    assert staff.trail() == [
        "下达填报任务", "到期提醒", "今日到期", "已逾期", "催办", "转为督办", "修改内容", "送签", "签发报送", "接收",
    ]  # fmt: skip
    staff.open_matter(MEASURES[0], "整改措施")
    assert staff.trail() == ["下达措施", "上传附件", "报结", "开始核查", "核查通过"]
    assert verify(place.institution.pk).faults == []

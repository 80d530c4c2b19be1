"""季报 The quarterly report: filled in by the unit, signed by its head, accepted by the performance office (R36).

Nobody is ever locked out: a late report is taken at any time, and is known as late to the minute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from supervision.conditions import RECENT, UNOPENED
from supervision.roles import DEPUTY, HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR, UNIT_STAFF
from workflows.lifecycle import AT, BIRTH, REASON, Given, Guard, Lifecycle, State
from workflows.lifecycle import Step as AnyStep
from workflows.roles import CLOCK
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.reports.models import QuarterlyReport  # noqa: F401  read by the type checker

Must = Guard["QuarterlyReport"]
Step = AnyStep["QuarterlyReport"]


# One step, one paragraph: the regulation is read as a table.
# fmt: off
class QuarterlyReportLifecycle(Lifecycle["QuarterlyReport"]):
    title = Text("季报", "Quarterly report")
    onlookers = (DEPUTY, SUPERVISOR, LEADER)

    # 一、状态：谁应办什么，依方案哪条时限 / States: who owes what, by which deadline rule of the scheme

    report = UNIT_STAFF.owes("填报季报并送单位一把手签发", "fill in the report and hand it to the head", within="quarterly_report")
    correct = UNIT_STAFF.owes("按退回意见补正并送签", "correct the report and hand it to the head", within="report.correction")
    signature = HEAD.owes("审签季报", "sign the report or send it back", within="report.sign")
    signature_again = HEAD.owes("审签补正后的季报", "sign the correction or send it back", within="report.sign_correction")

    drafting = State("待填报", "To be filled in", report, edits=UNIT_STAFF, attaches=(UNIT_STAFF,))
    for_signature = State("待签发", "For signature", report, signature)  # the statutory day runs until it is submitted
    submitted = State("已报送", "Submitted",
                      PERFORMANCE_OFFICE.owes("审核季报，接收或退回", "accept the report or return it", within="report.review"))
    returned = State("退回补正", "Returned for correction", correct, edits=UNIT_STAFF, attaches=(UNIT_STAFF,))
    correction_for_signature = State("补正待签发", "Correction for signature", correct, signature_again)
    accepted = State("已接收", "Accepted", final=True)

    # 二、条件：不满足时告知的理由 / Conditions, and what the refused person is told

    says_something = Must("请填写本季度工作综述，并至少填报一项目标任务。",
                          "Write the summary and report on at least one goal or task.",
                          lambda report, at: report.summary.strip() and report.line_count, facts=("line_count",))
    has_results = Must("尚有 {count} 项目标任务未填写完成情况。", "Goals or tasks without what was done: {count}.",
                       lambda report, at: report.lines_without_result == 0, facts=("lines_without_result",),
                       count=lambda report: report.lines_without_result)
    covers_goals = Must("以下目标没有填报：{missing}。请为其增加明细并选择目标。", "Goals without a line: {missing}. Add a line and choose the goal.",
                        lambda report, at: not report.goals_unreported, facts=("goals_unreported",),
                        missing=lambda report: "、".join(report.goals_unreported))
    has_values = Must("尚有 {count} 项数值目标未填写累计完成值。", "Goals measured by a figure without the value reached: {count}.",
                      lambda report, at: report.goals_without_value == 0, facts=("goals_without_value",),
                      count=lambda report: report.goals_without_value)
    unopened, recent = UNOPENED, RECENT

    # 三、须一并提交的内容 / What must be handed over

    missing = Given("需补正的内容", "what is to be corrected")

    # 四、步骤 / Steps

    open = Step("下达填报任务", "Open", BIRTH >> drafting, by=CLOCK, records={"opened_at": AT}, tells=(UNIT_STAFF, DEPUTY, HEAD))

    hand_in = Step("送签", "Hand to the head", drafting >> for_signature, by=UNIT_STAFF,
                   must=(says_something, has_results, covers_goals, has_values), tells=(HEAD,))
    take_back = Step("撤回", "Take back", for_signature >> drafting, by=UNIT_STAFF.who_did("hand_in"), must=(unopened, recent))
    send_back = Step("退回修改", "Send back", for_signature >> drafting, by=HEAD, decides=True, given=(REASON,), tells=(UNIT_STAFF,))
    sign = Step("签发报送", "Sign and submit", for_signature >> submitted, by=HEAD, signs=True,
                records={"first_submitted_at": AT, "submitted_at": AT}, tells=(PERFORMANCE_OFFICE, UNIT_STAFF))

    accept = Step("接收", "Accept", submitted >> accepted, by=PERFORMANCE_OFFICE, decides=True, records={"accepted_at": AT},
                  tells=(UNIT_STAFF, HEAD))
    return_report = Step("退回补正", "Return for correction", submitted >> returned, by=PERFORMANCE_OFFICE, decides=True,
                         given=(missing,), records={"times_returned": lambda report: report.times_returned + 1},
                         tells=(UNIT_STAFF, HEAD))

    hand_in_correction = Step("补正送签", "Hand the correction to the head", returned >> correction_for_signature,
                              by=UNIT_STAFF, must=(says_something, has_results, covers_goals, has_values), tells=(HEAD,))
    take_back_correction = Step("撤回补正", "Take the correction back", correction_for_signature >> returned,
                                by=UNIT_STAFF.who_did("hand_in_correction"), must=(unopened, recent))
    send_back_correction = Step("退回再补正", "Send the correction back", correction_for_signature >> returned, by=HEAD,
                                decides=True, given=(REASON,), tells=(UNIT_STAFF,))
    sign_correction = Step("签发补正", "Sign the correction", correction_for_signature >> submitted, by=HEAD, signs=True,
                           records={"submitted_at": AT}, tells=(PERFORMANCE_OFFICE, UNIT_STAFF))
# fmt: on

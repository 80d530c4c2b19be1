"""目标责任书 The goal sheet: a unit's goals of one year, from the performance office's call to issue and closing (R14, R23, R28, R29)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from organisation.queries import local_day
from supervision.conditions import RECENT, UNOPENED
from supervision.goals.conditions import DUTIES_FIT, HEAD_SAID, QUANTIFIED
from supervision.roles import DEPUTY, HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR, UNIT_STAFF
from workflows.lifecycle import AT, BIRTH, REASON, Effect, Given, Guard, Lifecycle, State
from workflows.lifecycle import Step as AnyStep
from workflows.roles import ROUND
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.goals.models import GoalSheet  # noqa: F401  read by the type checker

Must = Guard["GoalSheet"]
Step = AnyStep["GoalSheet"]


# One step, one paragraph: the regulation is read as a table.
# fmt: off
class GoalSheetLifecycle(Lifecycle["GoalSheet"]):
    title = Text("目标责任书", "Goal sheet")
    onlookers = (DEPUTY, SUPERVISOR, LEADER)

    # 一、状态：谁应办什么，依方案哪条时限 / States: who owes what, by which deadline rule of the scheme

    propose = UNIT_STAFF.owes("编报年度目标并送签", "write the year's goals and hand them to the head", within="goals.propose")
    signature = HEAD.owes("把好两关，审签年度目标", "pass the two gates and sign, or send back", within="goals.sign")
    review = PERFORMANCE_OFFICE.owes("逐项审核年度目标并呈领导审定", "review every goal and put them to the leadership", within="goals.review")
    answer = UNIT_STAFF.owes("按审核意见修改目标并送签", "mend the goals as asked and hand them to the head", within="goals.answer_sheet")
    signature_again = HEAD.owes("把好两关，审签修改稿", "pass the two gates again and report back, or send back", within="goals.sign_again")

    drafting = State("待编报", "To be written", propose, edits=UNIT_STAFF, attaches=(UNIT_STAFF,))
    for_head = State("待签报", "For the head's signature", propose, signature)
    for_review = State("待审核", "For review", review)
    with_unit = State("退单位修改答复", "Back with the unit", answer, edits=UNIT_STAFF, attaches=(UNIT_STAFF,), pauses=(review,))
    correction_for_head = State("修改待签报", "Correction for the head's signature", answer, signature_again, pauses=(review,))
    for_leadership = State("待领导审定", "For the leadership's decision", round="goals.leadership")
    issued = State("已下达", "Issued",
                   PERFORMANCE_OFFICE.owes("年终逐项核定目标并办结", "conclude every goal and close the year", within="goals.closing"))
    closed = State("年终办结", "Closed", final=True)
    ended = State("终止", "Ended", final=True)

    # 二、条件：不满足时告知的理由 / Conditions, and what the refused person is told

    has_goals = Must("请至少编报一项目标。", "Write at least one goal.", lambda sheet, at: sheet.goal_count, facts=("goal_count",))
    all_ready = Must("尚有 {count} 项目标未拟定完成。", "Goals not ready yet: {count}.", lambda sheet, at: sheet.unready == 0,
                     facts=("unready",), count=lambda sheet: sheet.unready)
    covers_fields = Must("以下领域没有目标：{missing}。请补充，或写明理由。", "Fields without a goal: {missing}. Add one, or say why not.",
                         lambda sheet, at: sheet.why_uncovered.strip() or not sheet.uncovered(), facts=("covered",),
                         missing=lambda sheet: "、".join(map(str, sheet.uncovered())))
    all_answered = Must("尚有 {count} 项绩效办定值未答复。", "Values set by the office and not answered: {count}.",
                        lambda sheet, at: sheet.awaiting_answer == 0, facts=("awaiting_answer",),
                        count=lambda sheet: sheet.awaiting_answer)
    all_reviewed = Must("尚有 {count} 项目标未审核。", "Goals not reviewed yet: {count}.", lambda sheet, at: sheet.under_review == 0,
                        facts=("under_review",), count=lambda sheet: sheet.under_review)
    all_settled = Must("尚有 {count} 项目标未审定（退回、待答复或有异议）。",
                       "Goals not settled (returned, to be answered, or objected to): {count}.",
                       lambda sheet, at: sheet.unsettled == 0, facts=("unsettled",), count=lambda sheet: sheet.unsettled)
    year_runs = Must("考核年度已于{ends}结束，不能再下达目标。", "The year ended on {ends}: goals can no longer be issued.",
                     lambda sheet, at: local_day(sheet.institution_id, at) <= sheet.year_ends, facts=("year_ends",),
                     ends=lambda sheet: sheet.year_ends)
    all_concluded = Must("尚有 {count} 项目标或目标调整未办结。", "Goals, or changes of goals, not concluded: {count}.",
                         lambda sheet, at: sheet.unfinished == 0, facts=("unfinished",), count=lambda sheet: sheet.unfinished)
    unopened, recent = UNOPENED, RECENT

    # 三、须一并提交的内容 / What must be handed over

    asked = Given("需修改、答复的内容", "what is to be mended or answered")
    duties_fit, quantified, head_said = DUTIES_FIT, QUANTIFIED, HEAD_SAID

    # 四、对其他事项的影响 / What a step causes elsewhere

    submit_goals = Effect("goals.submit", Text("各项目标一并送审", "submits its goals that are ready"))
    issue_goals = Effect("goals.issue", Text("各项目标一并下达", "issues its goals"))

    drop_goals = Effect("goals.drop", Text("各项目标一并终止", "ends its goals with it"))

    # 五、步骤 / Steps. `decides` refuses one's own work

    call = Step("布置年度目标编报", "Call for the year's goals", BIRTH >> drafting, by=PERFORMANCE_OFFICE, takes_note=True,
                tells=(UNIT_STAFF, DEPUTY, HEAD))  # who calls for goals has not written them, and may review them

    hand_in = Step("送签", "Hand to the head", drafting >> for_head, by=UNIT_STAFF, must=(has_goals, all_ready, covers_fields), tells=(HEAD,))
    take_back = Step("撤回", "Take back", for_head >> drafting, by=UNIT_STAFF.who_did("hand_in"), must=(unopened, recent))
    send_back = Step("退回修改", "Send back", for_head >> drafting, by=HEAD, decides=True, given=(REASON,), tells=(UNIT_STAFF,))
    sign = Step("两关审签并报送", "Sign and submit", for_head >> for_review, by=HEAD, signs=True, must=(all_ready,),
                given=(duties_fit, quantified, head_said), records={"signed_at": AT, "head_said": head_said},
                causes=(submit_goals,), tells=(PERFORMANCE_OFFICE, UNIT_STAFF))

    refer_to_unit = Step("退单位修改答复", "Refer back to the unit", for_review >> with_unit, by=PERFORMANCE_OFFICE, decides=True,
                         must=(all_reviewed,), given=(asked,),
                         records={"asked": asked, "times_returned": lambda sheet: sheet.times_returned + 1}, tells=(HEAD, UNIT_STAFF))
    hand_in_correction = Step("修改送签", "Hand the correction to the head", with_unit >> correction_for_head, by=UNIT_STAFF,
                              must=(has_goals, all_ready, all_answered, covers_fields), tells=(HEAD,))
    take_back_correction = Step("撤回修改", "Take the correction back", correction_for_head >> with_unit,
                                by=UNIT_STAFF.who_did("hand_in_correction"), must=(unopened, recent))
    send_back_correction = Step("退回再修改", "Send the correction back", correction_for_head >> with_unit, by=HEAD, decides=True,
                                given=(REASON,), tells=(UNIT_STAFF,))
    report_back = Step("两关审签并报回", "Sign and report back", correction_for_head >> for_review, by=HEAD, signs=True, must=(all_ready,),
                       given=(duties_fit, quantified, head_said), records={"signed_at": AT, "head_said": head_said},
                       causes=(submit_goals,), tells=(PERFORMANCE_OFFICE, UNIT_STAFF))
    forward = Step("呈领导审定", "Put to the leadership", for_review >> for_leadership, by=PERFORMANCE_OFFICE, decides=True,
                   must=(has_goals, all_settled, covers_fields, year_runs), tells=(HEAD,))
    withdraw_sheet = Step("撤回送审", "Withdraw from the leadership", for_leadership >> for_review, by=PERFORMANCE_OFFICE, decides=True,
                          given=(REASON,), tells=(HEAD, LEADER))
    issue = Step("审定下达", "Issue", for_leadership >> issued, by=ROUND, must=(all_settled, year_runs), causes=(issue_goals,),
                 records={"issued_at": AT, "due_on": lambda sheet: sheet.year_ends},
                 tells=(UNIT_STAFF, HEAD, DEPUTY, PERFORMANCE_OFFICE))
    refuse = Step("审定不通过", "Refuse", for_leadership >> for_review, by=ROUND,
                  records={"times_returned": lambda sheet: sheet.times_returned + 1}, tells=(PERFORMANCE_OFFICE, HEAD))

    close = Step("年终办结", "Close the year", issued >> closed, by=PERFORMANCE_OFFICE, decides=True, must=(all_concluded,),
                 records={"closed_at": AT}, tells=(UNIT_STAFF, HEAD, LEADER))
    end = Step("终止", "End", (drafting | for_head | for_review | with_unit | correction_for_head | for_leadership) >> ended,
               by=PERFORMANCE_OFFICE, given=(REASON,), causes=(drop_goals,), tells=(UNIT_STAFF, HEAD, LEADER), irreversible=True)
# fmt: on

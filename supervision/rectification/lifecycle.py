"""整改 Rectification and 整改措施 its measures: plan, approval by the leadership, work, acceptance (practice B5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from organisation.queries import local_day
from supervision.conditions import RECENT, UNOPENED
from supervision.roles import DEPUTY, DISCIPLINE, HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR, UNIT_STAFF
from workflows.lifecycle import AT, BIRTH, REASON, Check, Effect, Given, Guard, Lifecycle, State
from workflows.lifecycle import Step as AnyStep
from workflows.roles import CLOCK, ROUND
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.rectification.models import Measure, Rectification  # noqa: F401  read by the type checker

Must = Guard["Rectification"]
Step = AnyStep["Rectification"]
MeasureMust = Guard["Measure"]
MeasureStep = AnyStep["Measure"]


# One step, one paragraph: the regulation is read as a table.
# fmt: off
class RectificationLifecycle(Lifecycle["Rectification"]):
    title = Text("整改", "Rectification")
    onlookers = (DEPUTY, PERFORMANCE_OFFICE, LEADER, DISCIPLINE)

    # 一、状态：谁应办什么，依方案哪条时限 / States: who owes what, by which deadline rule of the scheme

    plan = UNIT_STAFF.owes("拟定整改方案并送签", "draw up the plan and hand it to the head", within="rectification.plan")
    correct = UNIT_STAFF.owes("按退回意见修改方案并送签", "correct the plan and hand it to the head", within="rectification.correction")
    signature = HEAD.owes("审签整改方案", "sign the plan or send it back", within="rectification.sign")
    measures = HEAD.owes("完成全部整改措施并报请验收", "have all measures done and ask for acceptance", within="rectification.measures")

    plan_owed = State("待报方案", "Plan owed", plan, edits=UNIT_STAFF, attaches=(UNIT_STAFF,))
    for_head = State("待签报", "For the head's signature", plan, signature)
    for_review = State("待审查", "For review", SUPERVISOR.owes("审查整改方案", "review the plan", within="rectification.review"))
    for_leadership = State("待领导审定", "For the leadership's approval", round="rectification.leadership")
    returned = State("退回修改", "Returned for correction", correct, edits=UNIT_STAFF, attaches=(UNIT_STAFF,))
    correction_for_head = State("修改待签报", "Correction for the head's signature", correct, signature)
    in_progress = State("整改中", "In progress", measures)
    claimed = State("报请验收", "Acceptance asked for",
                    SUPERVISOR.owes("开始验收", "take up the acceptance", within="rectification.acceptance_take_up"),
                    pauses=(measures,))
    under_acceptance = State("验收中", "Under acceptance",
                             SUPERVISOR.owes("作出验收结论", "conclude the acceptance", within="rectification.acceptance"),
                             pauses=(measures,))
    accepted = State("验收销号", "Accepted", final=True)

    # 二、条件：不满足时告知的理由 / Conditions, and what the refused person is told

    has_measures = Must("请至少列出一条整改措施。", "Plan at least one measure.", lambda plan, at: plan.planned_count,
                        facts=("planned_count",))
    has_owners = Must("尚有 {count} 条措施未明确责任人。", "Measures without a person responsible: {count}.",
                      lambda plan, at: plan.planned_without_owner == 0, facts=("planned_without_owner",),
                      count=lambda plan: plan.planned_without_owner)
    has_dates = Must("尚有 {count} 条措施未明确完成时限。", "Measures without a date: {count}.",
                     lambda plan, at: plan.planned_without_date == 0, facts=("planned_without_date",),
                     count=lambda plan: plan.planned_without_date)
    ends_ahead = Must("措施完成时限{first}已过，请重新确定。", "A measure's date, {first}, has passed: set a new one.",
                      lambda plan, at: not plan.first_planned or plan.first_planned >= local_day(plan.institution_id, at),
                      facts=("first_planned",), first=lambda plan: plan.first_planned)
    ends_with_order = Must("最晚措施{last}才完成，晚于督办单时限{due}，请说明理由。",
                           "A measure ends on {last}, after the order's {due}: say why.",
                           lambda plan, at: plan.why_later.strip() or not plan.last_planned or plan.last_planned <= plan.order_due_on,
                           facts=("last_planned", "order_due_on"), last=lambda plan: plan.last_planned,
                           due=lambda plan: plan.order_due_on)
    is_dated = Must("方案没有完成时限。", "The plan has no date.", lambda plan, at: plan.last_planned, facts=("last_planned",))
    all_accepted = Must("尚有 {count} 条措施未通过核查。", "Measures not accepted yet: {count}.",
                        lambda plan, at: plan.unfinished == 0, facts=("unfinished",), count=lambda plan: plan.unfinished)
    has_numbers = Must("没有可退回的措施。", "There is no measure to return.", lambda plan, at: plan.measure_numbers,
                       facts=("measure_numbers",))
    unopened, recent = UNOPENED, RECENT

    # 三、须一并提交的内容 / What must be handed over

    in_plan = Check[Any]("方案中没有这一序号的措施。", "The plan has no measure of this number.",
                         lambda plan, number, at: number in plan.measure_numbers)

    missing = Given("需修改的内容", "what is to be corrected")
    failed = Given("未通过的措施序号", "number of the measure that failed", int, checks=(in_plan,))
    how_checked = Given("验收方式（实地核验、抽查等）", "how it was checked (on site, by sample)")  # never from papers alone
    conclusion = Given("验收结论", "conclusion")

    # 四、对其他事项的影响 / What a step causes elsewhere

    open_measures = Effect("rectification.open_measures", Text("逐条下达整改措施", "opens every planned measure"))
    begin_again = Effect("rectification.begin_measure_again", Text("未通过的措施重新整改", "begins the failed measure again"))

    # 五、步骤 / Steps

    open = Step("下达整改任务", "Open", BIRTH >> plan_owed, by=CLOCK, tells=(UNIT_STAFF, DEPUTY, HEAD))

    hand_in = Step("送签", "Hand to the head", plan_owed >> for_head, by=UNIT_STAFF,
                   must=(has_measures, has_owners, has_dates, ends_ahead, ends_with_order), tells=(HEAD,))
    take_back = Step("撤回", "Take back", for_head >> plan_owed, by=UNIT_STAFF.who_did("hand_in"), must=(unopened, recent))
    send_back = Step("退回修改", "Send back", for_head >> plan_owed, by=HEAD, decides=True, given=(REASON,), tells=(UNIT_STAFF,))
    sign = Step("签报", "Sign and submit", for_head >> for_review, by=HEAD, signs=True, records={"signed_at": AT}, tells=(SUPERVISOR,))

    forward = Step("呈领导审定", "Forward to the leadership", for_review >> for_leadership, by=SUPERVISOR, decides=True, tells=(HEAD,))
    return_plan = Step("退回修改方案", "Return the plan", for_review >> returned, by=SUPERVISOR, decides=True, given=(missing,),
                       records={"times_returned": lambda plan: plan.times_returned + 1}, tells=(UNIT_STAFF, HEAD))
    withdraw_plan = Step("撤回送审", "Withdraw from the leadership", for_leadership >> for_review, by=SUPERVISOR, decides=True,
                         given=(REASON,), tells=(HEAD, LEADER))
    approve = Step("审定通过", "Approve", for_leadership >> in_progress, by=ROUND, must=(is_dated,), causes=(open_measures,),
                   records={"approved_at": AT, "due_on": lambda plan: plan.last_planned}, tells=(UNIT_STAFF, HEAD, SUPERVISOR))
    refuse = Step("审定不通过", "Refuse", for_leadership >> returned, by=ROUND,
                  records={"times_returned": lambda plan: plan.times_returned + 1}, tells=(UNIT_STAFF, HEAD, SUPERVISOR))

    hand_in_correction = Step("修改送签", "Hand the correction to the head", returned >> correction_for_head, by=UNIT_STAFF,
                              must=(has_measures, has_owners, has_dates, ends_ahead, ends_with_order), tells=(HEAD,))
    take_back_correction = Step("撤回修改", "Take the correction back", correction_for_head >> returned,
                                by=UNIT_STAFF.who_did("hand_in_correction"), must=(unopened, recent))
    send_back_correction = Step("退回再修改", "Send the correction back", correction_for_head >> returned, by=HEAD,
                                decides=True, given=(REASON,), tells=(UNIT_STAFF,))
    sign_correction = Step("签报修改稿", "Sign the correction", correction_for_head >> for_review, by=HEAD, signs=True,
                           records={"signed_at": AT}, tells=(SUPERVISOR,))

    ask_acceptance = Step("报请验收", "Ask for acceptance", in_progress >> claimed, by=HEAD, must=(all_accepted,),
                 records={"claimed_at": AT}, tells=(SUPERVISOR,))
    take_claim_back = Step("撤回验收申请", "Take the request back", claimed >> in_progress, by=HEAD.who_did("ask_acceptance"), must=(unopened, recent))
    take_up = Step("开始验收", "Take up the acceptance", claimed >> under_acceptance, by=SUPERVISOR, decides=True, tells=(HEAD,))
    return_measure = Step("验收退回", "Return a measure", under_acceptance >> in_progress, by=SUPERVISOR, decides=True,
                          must=(has_numbers,), given=(REASON, failed, how_checked), causes=(begin_again,),
                          records={"failed_measure": failed, "times_returned": lambda plan: plan.times_returned + 1},
                          tells=(UNIT_STAFF, HEAD, DEPUTY))
    accept = Step("验收销号", "Accept", under_acceptance >> accepted, by=SUPERVISOR, decides=True, must=(all_accepted,),
                  given=(conclusion, how_checked), records={"conclusion": conclusion, "accepted_at": AT},
                  tells=(UNIT_STAFF, HEAD, LEADER))


class MeasureLifecycle(Lifecycle["Measure"]):
    title = Text("整改措施", "Rectification measure")
    onlookers = (DEPUTY, PERFORMANCE_OFFICE, LEADER, DISCIPLINE)

    # 一、状态 / States

    to_do = State("待落实", "To do",
                  UNIT_STAFF.owes("落实措施并报结", "carry the measure out and claim it done", within="measure.finish"),
                  attaches=(UNIT_STAFF,))
    claimed = State("报结", "Claimed done", SUPERVISOR.owes("开始核查", "take up the check", within="measure.take_up"))
    under_check = State("核查中", "Under check", SUPERVISOR.owes("作出核查结论", "conclude the check", within="measure.check"))
    sent_back = State("退回重办", "Sent back",
                      UNIT_STAFF.owes("按核查意见重办并报结", "mend it and claim it done", within="measure.correction"),
                      attaches=(UNIT_STAFF,))
    accepted = State("核查通过", "Accepted", final=True)

    # 二、条件 / Conditions

    has_evidence = MeasureMust("请先上传佐证材料。", "Attach the evidence first.", lambda measure, at: measure.evidence_count,
                               facts=("evidence_count",))

    # 三、须一并提交的内容 / What must be handed over

    done = Given("落实情况", "what was done")
    how_checked = Given("核查方式（实地核查、抽查、调阅等）", "how it was checked (on site, by sample, from files)")
    conclusion = Given("核查结论", "conclusion")

    # 四、步骤 / Steps

    open = MeasureStep("下达措施", "Open", BIRTH >> to_do, by=CLOCK, tells=(UNIT_STAFF, DEPUTY))
    begin_again = MeasureStep("验收退回重办", "Begin again", BIRTH >> sent_back, by=CLOCK, tells=(UNIT_STAFF, DEPUTY))

    claim_done = MeasureStep("报结", "Claim done", (to_do | sent_back) >> claimed, by=UNIT_STAFF, must=(has_evidence,),
                        given=(done,), records={"done": done, "claimed_at": AT}, tells=(SUPERVISOR, HEAD))
    take_up = MeasureStep("开始核查", "Take up the check", claimed >> under_check, by=SUPERVISOR, decides=True, tells=(UNIT_STAFF,))
    accept = MeasureStep("核查通过", "Accept", under_check >> accepted, by=SUPERVISOR, decides=True,
                         given=(conclusion, how_checked), records={"conclusion": conclusion, "accepted_at": AT},
                         tells=(UNIT_STAFF, HEAD))
    return_work = MeasureStep("退回重办", "Send back", under_check >> sent_back, by=SUPERVISOR, decides=True,
                              given=(REASON, how_checked),
                              records={"times_returned": lambda measure: measure.times_returned + 1}, tells=(UNIT_STAFF, HEAD))
# fmt: on

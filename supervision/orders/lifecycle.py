"""督办单 The supervision order: one matter, one order, from registration to closure (practice B3; Regulation 733)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from organisation.queries import local_day
from supervision.conditions import RECENT, UNOPENED
from supervision.orders.numbering import ORDER_NUMBER
from supervision.roles import DEPUTY, DISCIPLINE, HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR, UNIT_STAFF
from workflows.lifecycle import AT, BIRTH, REASON, Check, Effect, Given, Guard, Lifecycle, State
from workflows.lifecycle import Step as AnyStep
from workflows.roles import CLOCK
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.orders.models import SupervisionOrder  # noqa: F401  read by the type checker

Must = Guard["SupervisionOrder"]
Step = AnyStep["SupervisionOrder"]


# One step, one paragraph: the regulation is read as a table.
# fmt: off
class SupervisionOrderLifecycle(Lifecycle["SupervisionOrder"]):
    title = Text("督办单", "Supervision order")
    onlookers = (PERFORMANCE_OFFICE, DISCIPLINE)

    # 一、状态：谁应办什么，依方案哪条时限 / States: who owes what, by which deadline rule of the scheme

    finish = HEAD.owes("办结并报结", "finish the matter and claim it done", within="order.finish")  # runs from issue on
    feedback = HEAD.owes("反馈办理进展", "report progress", within="order.feedback")
    suspension = LEADER.owes("复核挂账", "review the suspension", within="order.suspension")

    draft = State("拟办", "Draft",
                  SUPERVISOR.owes("拟定督办单并提请签发", "complete the order and submit it", within="order.draft"),
                  edits=SUPERVISOR,
                  only=("title", "unit", "source", "authority", "reference", "clause", "category", "level", "method",
                        "demand", "due_on", "demands_rectification", "criteria", "co_operating_units"))
    for_signature = State("待签发", "For signature", LEADER.owes("审签督办单", "sign the order or send it back", within="order.signature"))
    issued = State("已交办", "Issued", finish, HEAD.owes("签收或申请退回", "sign for it or dispute it", within="order.receipt"))
    return_disputed = State("退回申请", "Return asked for", finish,
                            SUPERVISOR.owes("裁定退回申请", "rule on the request", within="order.dispute"))
    received = State("已签收", "Received", finish, UNIT_STAFF.owes("提出办理计划", "plan the work", within="order.plan"))
    in_hand = State("承办中", "In hand", finish, feedback, edits=UNIT_STAFF, only=("evidence",), attaches=(UNIT_STAFF,))
    fed_back = State("已反馈", "Fed back", finish,
                     SUPERVISOR.owes("审阅反馈", "read the feedback", within="order.feedback_reading"), edits=UNIT_STAFF,
                     only=("evidence",), attaches=(UNIT_STAFF,))
    extension_asked = State("延期申请中", "Extension asked for", finish,  # the old date counts until it is decided
                            LEADER.owes("审定延期申请", "decide on the extension", within="order.extension"),
                            pauses=(feedback,), edits=UNIT_STAFF, only=("evidence",), attaches=(UNIT_STAFF,))
    suspended = State("挂账", "Suspended", suspension, pauses=(finish, feedback))
    claimed_done = State("报结", "Claimed done", SUPERVISOR.owes("开始核查", "take up the check", within="order.take_up"), pauses=(finish,))
    under_check = State("核查中", "Under check", SUPERVISOR.owes("作出核查结论", "conclude the check", within="order.check"),
                        pauses=(finish,))
    for_closing = State("待领导销号", "For the leader to close",
                        LEADER.owes("审定办结或另作批示", "close it or give a new instruction", within="order.closing"),
                        pauses=(finish,))
    closed = State("办结销号", "Closed", final=True)
    not_opened = State("不予立项", "Not opened", final=True)

    # 二、条件：不满足时告知的理由 / Conditions, and what the refused person is told

    has_authority = Must("请注明事项来源、批准依据和条款。", "State the source, the authority and the clause.",
                         lambda order, at: order.source and order.authority.strip() and order.clause.strip())
    has_criteria = Must("请逐条列明办结标准。", "List what counts as done.", lambda order, at: order.criteria_count, facts=("criteria_count",))
    has_due_date = Must("请写明原定办结时限。", "Name the original due date.", lambda order, at: order.due_on)
    is_no_instruction = Must("领导批示件立项与否由领导决定，办结由领导销号。",
                             "A leader's instruction is opened and closed by the leader.",
                             lambda order, at: order.source != "leaders_instruction")
    is_instruction = Must("本件不是领导批示件，由督查室直接销号。",
                          "This is no leader's instruction: the supervision office closes it.",
                          lambda order, at: order.source == "leaders_instruction")
    is_not_repeated = Must("同一事项已有督办单{others}未办结，不得重复督查、多头督查。",
                           "{others} already supervises this matter and is not closed.", lambda order, at: not order.same_matter,
                           facts=("same_matter",), others=lambda order: "、".join(order.same_matter))
    is_in_time = Must("申请延期须在{due}到期之前提出，逾期申请按逾期论。",
                      "An extension is asked for before {due} ends; asked for later, the matter counts as overdue.",
                      lambda order, at: order.finish_due_at and at < order.finish_due_at,
                      facts=("finish_due_at", "finish_due_on"), due=lambda order: order.finish_due_on)
    still_runs = Must("办结时限未在计时。", "Its clock does not run.", lambda order, at: order.finish_due_on, facts=("finish_due_on",))
    has_evidence = Must("尚有 {missing} 条办结标准没有佐证。", "Criteria without evidence: {missing}.",
                        lambda order, at: order.unproven == 0, facts=("unproven",), missing=lambda order: order.unproven)
    rectified = Must("整改尚未验收销号，不能报结。", "The rectification has not been accepted yet.",
                     lambda order, at: order.unfinished == 0, facts=("unfinished",))
    unopened, recent = UNOPENED, RECENT

    # 三、须一并提交的内容 / What must be handed over

    ahead = Check[Any]("日期须晚于今天。", "The date must be after today.",
                       lambda order, day, at: day > local_day(order.institution_id, at))
    later = Check[Any]("新的时限须晚于现定时限。", "The new date must be later than the present one.",
                       lambda order, day, at: day > order.finish_due_on)

    plan, progress = Given("办理计划", "plan of the work"), Given("进展情况", "progress")
    asked_date = Given("拟延至", "new date asked for", date, checks=(later, ahead))
    new_date = Given("准予延至", "new date", date, checks=(later, ahead))
    review_date = Given("复核日期", "review date", date, checks=(ahead,))
    closing_report, questions = Given("办结报告", "closing report"), Given("需继续反馈的问题", "what is still to be answered")
    how_checked = Given("核查方式（实地核查、抽查、调阅等）", "how it was checked (on site, by sample, from files)")
    conclusion, failed = Given("核查结论", "conclusion"), Given("未达到的办结标准", "criterion not met")
    instruction = Given("批示意见", "instruction")

    # 四、对其他事项的影响 / What a step causes elsewhere

    open_rectification = Effect("rectification.open", Text("需整改的，同时下达整改任务", "opens the rectification, where one is demanded"))

    # 五、步骤 / Steps. `decides` refuses one's own work; `takes_note` neither refuses it nor makes it one's own

    draft_order = Step("立项登记", "Register", BIRTH >> draft, by=SUPERVISOR)
    open_for_late_report = Step("逾期未报自动拟单", "Draft for a late report", BIRTH >> draft, by=CLOCK, tells=(SUPERVISOR,))

    submit = Step("提请签发", "Submit for signature", draft >> for_signature, by=SUPERVISOR,
                  must=(has_authority, has_criteria, has_due_date), tells=(LEADER,))
    set_aside = Step("不予立项", "Do not open", draft >> not_opened, by=SUPERVISOR, must=(is_no_instruction,), given=(REASON,),
                     tells=(SUPERVISOR, PERFORMANCE_OFFICE), irreversible=True)
    recall = Step("撤回", "Recall", for_signature >> draft, by=SUPERVISOR.who_did("submit"), must=(unopened, recent))
    send_back = Step("退回修改", "Send back", for_signature >> draft, by=LEADER, decides=True, given=(REASON,), tells=(SUPERVISOR,))
    decline = Step("不同意立项", "Decline", for_signature >> not_opened, by=LEADER, decides=True, given=(REASON,),
                   tells=(SUPERVISOR,), irreversible=True)
    sign = Step("签发", "Sign and issue", for_signature >> issued, by=LEADER, decides=True, must=(is_not_repeated,),
                numbers=ORDER_NUMBER,
                records={"issued_at": AT, "original_due_on": lambda order: order.original_due_on or order.due_on},
                tells=(HEAD, DEPUTY, SUPERVISOR))

    sign_for = Step("签收", "Sign for", issued >> received, by=HEAD, records={"received_at": AT}, tells=(UNIT_STAFF,))
    dispute = Step("申请退回", "Ask to return it", (issued | received) >> return_disputed, by=HEAD, given=(REASON,), tells=(SUPERVISOR,))
    drop_dispute = Step("撤销退回申请", "Withdraw the request", return_disputed >> issued, by=HEAD, tells=(SUPERVISOR,))
    take_back = Step("同意退回", "Take back", return_disputed >> draft, by=SUPERVISOR, decides=True, given=(REASON,), tells=(HEAD, LEADER))
    uphold = Step("维持交办", "Uphold", return_disputed >> issued, by=SUPERVISOR, decides=True, given=(REASON,), tells=(HEAD,))
    take_in_hand = Step("承办", "Take in hand", received >> in_hand, by=UNIT_STAFF, given=(plan,), records={"plan": plan},
                        causes=(open_rectification,), tells=(HEAD, DEPUTY, SUPERVISOR))

    feed_back = Step("反馈", "Report progress", in_hand >> fed_back, by=HEAD, given=(progress,),
                     records={"feedback": progress, "feedback_at": AT}, tells=(SUPERVISOR,))
    take_feedback_back = Step("撤回反馈", "Take the report back", fed_back >> in_hand, by=HEAD.who_did("feed_back"), must=(unopened, recent))
    note_feedback = Step("审阅通过", "Take note", fed_back >> in_hand, by=SUPERVISOR, takes_note=True, tells=(HEAD,))
    ask_again = Step("要求再反馈", "Ask again", fed_back >> in_hand, by=SUPERVISOR, takes_note=True, given=(questions,),
                     tells=(HEAD, UNIT_STAFF))

    ask_extension = Step("申请延期", "Ask for an extension", in_hand >> extension_asked, by=HEAD, must=(is_in_time,),
                         given=(REASON, progress, asked_date), records={"asked_due_on": asked_date}, tells=(LEADER, SUPERVISOR))
    drop_extension = Step("撤销延期申请", "Withdraw the request", extension_asked >> in_hand, by=HEAD, tells=(LEADER, SUPERVISOR))
    grant = Step("同意延期", "Grant", extension_asked >> in_hand, by=LEADER, decides=True, must=(still_runs,), given=(new_date,),
                 moves=(finish,),
                 records={"due_on": new_date, "times_extended": lambda order: order.times_extended + 1},
                 tells=(HEAD, UNIT_STAFF, SUPERVISOR))
    refuse = Step("不同意延期", "Refuse", extension_asked >> in_hand, by=LEADER, decides=True, given=(REASON,), tells=(HEAD, SUPERVISOR))

    suspend = Step("挂账", "Suspend", in_hand >> suspended, by=LEADER, decides=True, given=(REASON, review_date),
                   records={"review_on": review_date}, tells=(HEAD, UNIT_STAFF, SUPERVISOR))
    keep_suspended = Step("继续挂账", "Keep suspended", suspended >> suspended, by=LEADER, decides=True,
                          given=(REASON, review_date), records={"review_on": review_date}, moves=(suspension,),
                          tells=(HEAD, SUPERVISOR))
    resume = Step("恢复办理", "Resume", suspended >> in_hand, by=LEADER, decides=True, tells=(HEAD, UNIT_STAFF, SUPERVISOR))

    claim_done = Step("报结", "Claim done", (in_hand | fed_back | extension_asked) >> claimed_done, by=HEAD,
                      must=(has_evidence, rectified), given=(closing_report,),
                      records={"claim": closing_report, "claimed_at": AT}, tells=(SUPERVISOR,))
    take_claim_back = Step("撤回报结", "Take the claim back", claimed_done >> in_hand, by=HEAD.who_did("claim_done"), must=(unopened, recent))
    take_up = Step("开始核查", "Take up the check", claimed_done >> under_check, by=SUPERVISOR, decides=True, tells=(HEAD,))
    return_work = Step("退办", "Return", under_check >> in_hand, by=SUPERVISOR, decides=True,
                       given=(REASON, failed, how_checked), records={"times_returned": lambda order: order.times_returned + 1},
                       tells=(HEAD, UNIT_STAFF, DEPUTY))
    close = Step("核查销号", "Close", under_check >> closed, by=SUPERVISOR, decides=True, must=(is_no_instruction,),
                 given=(conclusion, how_checked), records={"conclusion": conclusion, "closed_at": AT},
                 tells=(HEAD, UNIT_STAFF, LEADER))
    submit_for_closing = Step("呈领导销号", "Submit for closing", under_check >> for_closing, by=SUPERVISOR, decides=True,
                              must=(is_instruction,), given=(conclusion, how_checked), records={"conclusion": conclusion},
                              tells=(LEADER,))
    approve_closing = Step("同意销号", "Approve the closing", for_closing >> closed, by=LEADER, decides=True,
                           records={"closed_at": AT}, tells=(HEAD, UNIT_STAFF, SUPERVISOR))
    instruct_again = Step("另作批示", "Give a new instruction", for_closing >> in_hand, by=LEADER, decides=True,
                          given=(instruction,), records={"times_returned": lambda order: order.times_returned + 1},
                          tells=(HEAD, UNIT_STAFF, SUPERVISOR))
# fmt: on

"""目标调整 A change of a goal after issue: by the same road as the goal itself; until it is approved the goal stands as issued."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from organisation.queries import local_day
from supervision.conditions import RECENT, UNOPENED
from supervision.goals.ambition import figure
from supervision.goals.conditions import DUTIES_FIT, FITS, HEAD_SAID, QUANTIFIED
from supervision.roles import DEPUTY, HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR, UNIT_STAFF
from workflows.lifecycle import AT, BIRTH, REASON, Effect, Given, Guard, Lifecycle, State
from workflows.lifecycle import Step as AnyStep
from workflows.roles import ROUND
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.goals.models import GoalChange  # noqa: F401  read by the type checker

Must = Guard["GoalChange"]
Step = AnyStep["GoalChange"]


# One step, one paragraph: the regulation is read as a table.
# fmt: off
class GoalChangeLifecycle(Lifecycle["GoalChange"]):
    title = Text("目标调整", "Change of a goal")
    onlookers = (DEPUTY, SUPERVISOR, LEADER)

    # 一、状态：谁应办什么，依方案哪条时限 / States: who owes what, by which deadline rule of the scheme

    draft = State("拟定中", "Being written", UNIT_STAFF.owes("拟定调整申请并送签", "write the request and hand it to the head", within="goal_change.draft"),
                  edits=UNIT_STAFF, attaches=(UNIT_STAFF,))
    for_head = State("待签报", "For the head's signature", HEAD.owes("审签调整申请", "sign the request or send it back", within="goal_change.sign"))
    for_review = State("待审核", "For review",
                       PERFORMANCE_OFFICE.owes("审核调整申请并呈领导审定", "review the request and put it to the leadership", within="goal_change.review"))
    returned = State("退回修改", "Returned for correction",
                     UNIT_STAFF.owes("按审核意见修改调整申请", "correct the request", within="goal_change.correction"), edits=UNIT_STAFF,
                     attaches=(UNIT_STAFF,))
    value_set = State("绩效办定值", "Value set by the office",
                      HEAD.owes("接受定值或提出异议", "accept the value or object", within="goal_change.answer"))
    objected = State("有异议待裁定", "Objected to", round="goals.change_objection")
    for_leadership = State("待领导审定", "For the leadership's decision", round="goals.change")
    applied = State("已调整", "Applied", final=True)
    declined = State("不予调整", "Declined", final=True)
    dropped = State("已撤销申请", "Dropped", final=True)

    # 二、条件：不满足时告知的理由 / Conditions, and what the refused person is told

    goal_was_issued = Must("目标未下达或已报年终结果，不能申请调整。", "Only a goal that is issued and not yet reported can be changed.",
                           lambda change, at: change.goal.state == "in_force")
    is_the_only_one = Must("该目标已有一份调整申请在办。", "A change of this goal is open already.",
                           lambda change, at: not change.goal.changes.exclude(state__in=change.ENDED).exists())
    says_why = Must("请写明调整理由。", "Say why it must change.", lambda change, at: change.why.strip())
    says_what = Must("请写明新的目标值；以节点衡量的，请写明新的完成标志。",
                     "Give the new target; for a goal measured by milestones, the new words for what counts as reached.",
                     lambda change, at: change.asks == "withdraw"
                     or (change.new_target_text.strip() if change.goal_is_words else change.new_target is not None),
                     facts=("goal_is_words",))
    differs = Must("新目标值与现行目标值{target}相同。", "The new target is the same as the present one, {target}.",
                   lambda change, at: change.asks == "withdraw" or change.goal_is_words or change.new_target != change.goal_target,
                   facts=("goal_is_words", "goal_target"), target=lambda change: figure(change.goal_target))
    is_figure = Must("此申请没有数值可定；请退回修改或呈领导审定。", "There is no figure to set: return it, or put it to the leadership.",
                     lambda change, at: change.asks == "revise" and not change.goal_is_words, facts=("goal_is_words",))
    goal_in_force = Must("目标已不在执行中。", "The goal is no longer in force.", lambda change, at: change.goal_state == "in_force",
                         facts=("goal_state",))
    year_runs = Must("考核年度已于{ends}结束，不能再调整目标。", "The year ended on {ends}: goals can no longer be changed.",
                     lambda change, at: local_day(change.institution_id, at) <= change.year_ends, facts=("year_ends",),
                     ends=lambda change: change.year_ends)
    unopened, recent = UNOPENED, RECENT

    # 三、须一并提交的内容 / What must be handed over

    missing = Given("需修改的内容", "what is to be corrected")
    value = Given("核定目标值", "value set", Decimal, checks=(FITS,))
    duties_fit, quantified, head_said = DUTIES_FIT, QUANTIFIED, HEAD_SAID

    # 四、对其他事项的影响 / What a step causes elsewhere

    apply = Effect("goals.apply_change", Text("目标按审定结果调整或撤销", "changes or withdraws the goal as decided"))

    # 五、步骤 / Steps. `decides` refuses one's own work

    ask = Step("申请调整目标", "Ask for a change", BIRTH >> draft, by=UNIT_STAFF, must=(goal_was_issued, is_the_only_one))

    hand_in = Step("送签", "Hand to the head", (draft | returned) >> for_head, by=UNIT_STAFF, must=(says_why, says_what, differs, goal_in_force, year_runs),
                   records={"old_target": lambda change: change.goal_target}, tells=(HEAD,))
    take_back = Step("撤回", "Take back", for_head >> draft, by=UNIT_STAFF.who_did("hand_in"), must=(unopened, recent))
    send_back = Step("退回修改", "Send back", for_head >> draft, by=HEAD, decides=True, given=(REASON,), tells=(UNIT_STAFF,))
    sign = Step("两关审签并报送", "Sign and submit", for_head >> for_review, by=HEAD, signs=True, given=(duties_fit, quantified, head_said),
                records={"head_said": head_said}, tells=(PERFORMANCE_OFFICE, UNIT_STAFF))
    drop = Step("撤销申请", "Drop the request", (draft | returned | for_review | value_set | for_leadership) >> dropped, by=UNIT_STAFF, given=(REASON,), tells=(HEAD,),
                irreversible=True)

    return_change = Step("退回修改", "Return", for_review >> returned, by=PERFORMANCE_OFFICE, decides=True, given=(missing,),
                         records={"times_returned": lambda change: change.times_returned + 1}, tells=(UNIT_STAFF, HEAD))
    forward = Step("呈领导审定", "Put to the leadership", for_review >> for_leadership, by=PERFORMANCE_OFFICE, decides=True,
                   must=(goal_in_force, year_runs), tells=(HEAD,))
    set_value = Step("核定目标值", "Set the value", for_review >> value_set, by=PERFORMANCE_OFFICE, signs=True, must=(is_figure,),
                     given=(value, REASON), records={"office_target": value, "why_set": REASON}, tells=(HEAD, UNIT_STAFF))
    accept_value = Step("接受定值", "Accept the value", value_set >> for_leadership, by=HEAD, takes_note=True,
                        records={"proposed_target": lambda change: change.new_target, "new_target": lambda change: change.office_target},
                        tells=(PERFORMANCE_OFFICE,))
    object = Step("提出异议", "Object", value_set >> objected, by=HEAD, takes_note=True, given=(REASON,), records={"objection": REASON},
                  tells=(PERFORMANCE_OFFICE,))
    withdraw_change = Step("撤回送审", "Withdraw from the leadership", for_leadership >> for_review, by=PERFORMANCE_OFFICE, decides=True,
                           given=(REASON,), tells=(HEAD, LEADER))

    # Whichever value is upheld, the change itself is still to be decided: nobody has agreed to it yet.
    uphold_value = Step("维持定值", "Uphold the office's value", objected >> for_leadership, by=ROUND,
                        records={"proposed_target": lambda change: change.new_target, "new_target": lambda change: change.office_target},
                        tells=(UNIT_STAFF, HEAD, PERFORMANCE_OFFICE))
    uphold_target = Step("采纳单位目标", "Uphold the unit's target", objected >> for_leadership, by=ROUND,
                         tells=(UNIT_STAFF, HEAD, PERFORMANCE_OFFICE))
    approve = Step("审定通过", "Approve", for_leadership >> applied, by=ROUND, must=(goal_in_force,), causes=(apply,),
                   records={"decided_at": AT}, tells=(UNIT_STAFF, HEAD, DEPUTY, PERFORMANCE_OFFICE))
    refuse = Step("审定不通过", "Refuse", for_leadership >> declined, by=ROUND, records={"decided_at": AT},
                  tells=(UNIT_STAFF, HEAD, PERFORMANCE_OFFICE))
# fmt: on

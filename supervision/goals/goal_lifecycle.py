"""目标 A goal: written by the unit, reviewed by the performance office, decided with its sheet, carried out, concluded (R17-R29)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from organisation.queries import local_day
from supervision.conditions import RECENT, UNOPENED
from supervision.goals.ambition import figure
from supervision.goals.conditions import FITS, VERDICTS
from supervision.roles import DEPUTY, DISCIPLINE, HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR, UNIT_STAFF
from workflows.lifecycle import AT, BIRTH, REASON, Effect, Given, Guard, Lifecycle, State
from workflows.lifecycle import Step as AnyStep
from workflows.roles import CLOCK, ROUND
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.goals.models import Goal  # noqa: F401  read by the type checker

Must = Guard["Goal"]
Step = AnyStep["Goal"]

WITH_UNIT = ("drafting", "with_unit")
"""States of the sheet in which its goals are the unit's to write."""


# One step, one paragraph: the regulation is read as a table.
# fmt: off
class GoalLifecycle(Lifecycle["Goal"]):
    title = Text("目标", "Goal")
    onlookers = (DEPUTY, SUPERVISOR, LEADER, DISCIPLINE)

    # 一、状态：谁应办什么，依方案哪条时限 / States: who owes what, by which deadline rule of the scheme

    finish = HEAD.owes("完成目标并报年终结果", "reach the goal and report the year's result", within="goal.finish")  # runs from issue on

    draft = State("拟定中", "Being written", UNIT_STAFF.owes("拟定目标", "write the goal", within="goal.draft"), edits=UNIT_STAFF,
                  attaches=(UNIT_STAFF,))
    ready = State("已拟定", "Ready", with_parent=True)
    under_review = State("待审核", "For review", PERFORMANCE_OFFICE.owes("审核目标", "review the goal", within="goal.review"))
    returned = State("退回修改", "Returned for correction", with_parent=True, edits=UNIT_STAFF, attaches=(UNIT_STAFF,))
    value_set = State("绩效办定值", "Value set by the office",
                      HEAD.owes("接受定值或提出异议", "accept the value or object", within="goal.answer"))
    objected = State("有异议待裁定", "Objected to", round="goals.objection")
    agreed = State("审核通过", "Settled", with_parent=True)
    in_force = State("已下达", "Issued", finish, attaches=(UNIT_STAFF,))
    reported = State("已报年终结果", "Result reported",
                     PERFORMANCE_OFFICE.owes("核定年终结果", "verify the year's result", within="goal.conclude"))
    result_returned = State("年终结果退回", "Result returned",
                            HEAD.owes("核实补正并重报年终结果", "correct the result and report it again", within="goal.result_correction"),
                            attaches=(UNIT_STAFF,))
    concluded = State("已核定", "Concluded", final=True)
    dropped = State("不再列入", "Dropped", final=True)
    withdrawn = State("已撤销", "Withdrawn", final=True)

    # 二、条件：不满足时告知的理由 / Conditions, and what the refused person is told

    sheet_takes_goals = Must("目标责任书不在编报或修改阶段，不能增加目标。", "The goal sheet is not with the unit: no goal can be added.",
                             lambda goal, at: goal.sheet.state in WITH_UNIT)
    with_the_unit = Must("目标责任书已送出，不能再改动目标；请先撤回或待其退回。",
                         "The goal sheet has been handed on: take it back, or wait for its return.",
                         lambda goal, at: goal.sheet_state in WITH_UNIT, facts=("sheet_state",))
    with_the_office = Must("目标责任书不在审核阶段。", "The goal sheet is not under review.",
                           lambda goal, at: goal.sheet_state == "for_review", facts=("sheet_state",))
    has_field = Must("请选择目标所属领域。", "Choose the field of work.", lambda goal, at: not goal.choices()["field"] or goal.field in dict(goal.choices()["field"]))
    has_basis = Must("请写明所依据的职责或法规。", "Say which duty or law it rests on.", lambda goal, at: goal.basis.strip())
    has_measure = Must("请写明目标值和计量单位；以节点衡量的，请写明完成标志。",
                       "Give the target with its unit of measure; measured by milestones, say what counts as reached.",
                       lambda goal, at: (goal.target is not None and goal.measured_in.strip()) if goal.is_number else goal.target_text.strip())
    has_baseline = Must("请填写上年实绩，供比较目标高低；首次设置、没有可比数的，请予注明。",
                        "Give last year's figure, beside which the target is read, or say that there is none.",
                        lambda goal, at: not goal.is_number or goal.is_new or goal.last_year is not None)
    has_method = Must("请写明统计方法和数据来源。", "State the statistical method and the source of the data.",
                      lambda goal, at: goal.method.strip() and goal.data_source.strip())
    has_owner = Must("请写明责任人。", "Name the person responsible.", lambda goal, at: goal.owner.strip())
    has_publication = Must("请选择公开范围。", "Choose to whom it is published.", lambda goal, at: goal.publication)
    has_milestones = Must("请至少列出一个节点，分段推进。", "Plan at least one milestone.", lambda goal, at: goal.milestone_count,
                          facts=("milestone_count",))
    milestones_dated = Must("尚有 {count} 个节点未写明完成时限。", "Milestones without a date: {count}.",
                            lambda goal, at: goal.milestones_undated == 0, facts=("milestones_undated",),
                            count=lambda goal: goal.milestones_undated)
    milestones_told = Must("尚有 {count} 个节点未写明完成标志。", "Milestones that do not say what shows they are reached: {count}.",
                           lambda goal, at: goal.milestones_without_criterion == 0, facts=("milestones_without_criterion",),
                           count=lambda goal: goal.milestones_without_criterion)
    within_year = Must("节点须在考核年度内（{begins}至{ends}）。", "Milestones lie within the year ({begins} to {ends}).",
                       lambda goal, at: all(goal.year_begins <= day <= goal.year_ends
                                            for day in (goal.first_milestone, goal.last_milestone) if day),
                       facts=("first_milestone", "last_milestone", "year_begins", "year_ends"),
                       begins=lambda goal: goal.year_begins, ends=lambda goal: goal.year_ends)
    milestones_ahead = Must("节点时限{first}已过，请重新确定。", "A milestone's date, {first}, has passed: set a new one.",
                            lambda goal, at: goal.first_milestone is None or goal.first_milestone >= local_day(goal.institution_id, at),
                            facts=("first_milestone",), first=lambda goal: goal.first_milestone)
    parts_told = Must("尚有 {count} 个配合单位未写明任务。", "Co-operating units without a part of their own: {count}.",
                      lambda goal, at: goal.co_units_without_part == 0, facts=("co_units_without_part",),
                      count=lambda goal: goal.co_units_without_part)
    parts_of_others = Must("配合单位不能是本单位，也不能重复。", "A co-operating unit is another unit, and named once.",
                           lambda goal, at: goal.co_units_named_wrongly == 0, facts=("co_units_named_wrongly",))
    shares_fit = Must("节点比重合计 {sum}%，不能超过 100%。", "The milestones' shares add up to {sum} %: at most 100 %.",
                      lambda goal, at: (goal.milestone_shares or 0) <= 100, facts=("milestone_shares",),
                      sum=lambda goal: figure(goal.milestone_shares))
    is_figure = Must("此目标以节点衡量，没有数值；请退回修改。", "It is measured by milestones and has no figure: return it instead.",
                     lambda goal, at: goal.is_number)
    is_words = Must("此目标以数值衡量，请填报数值结果。", "It is measured by a figure: report the figure.", lambda goal, at: not goal.is_number)
    has_figure = Must("此目标以节点衡量，请填报完成情况。", "It is measured by milestones: report what was achieved.",
                      lambda goal, at: goal.is_number)
    no_open_change = Must("目标调整申请尚未办结。", "A change of this goal is still open.", lambda goal, at: goal.open_changes == 0,
                          facts=("open_changes",))
    milestones_done = Must("尚有 {count} 个节点未核查办结。", "Milestones not concluded: {count}.",
                           lambda goal, at: goal.milestones_open == 0, facts=("milestones_open",),
                           count=lambda goal: goal.milestones_open)
    unopened, recent = UNOPENED, RECENT

    # 三、须一并提交的内容 / What must be handed over

    missing = Given("需修改的内容", "what is to be corrected")
    value = Given("核定目标值", "value set", Decimal, checks=(FITS,))
    result = Given("年终结果", "result of the year", Decimal, checks=(FITS,))
    achieved = Given("完成情况", "what was achieved")
    verdict = Given("核定结论", "verdict", choices=VERDICTS)
    conclusion = Given("核定意见", "conclusion")
    due = Given("完成时限", "to be reached by", date)
    new_target = Given("新目标值", "new target", Decimal)
    new_text = Given("新完成标志", "new words for what counts as reached")

    # 四、对其他事项的影响 / What a step causes elsewhere

    open_milestones = Effect("goals.open_milestones", Text("逐个下达节点", "opens its milestones"))
    cancel_milestones = Effect("goals.cancel_milestones", Text("撤销未完成的节点", "cancels its milestones that are still open"))

    # 五、步骤 / Steps. `decides` refuses one's own work

    write_goal = Step("增加目标", "Add a goal", BIRTH >> draft, by=UNIT_STAFF, must=(sheet_takes_goals,))

    finish_draft = Step("拟定完成", "Mark as ready", (draft | returned) >> ready, by=UNIT_STAFF,
                        must=(with_the_unit, has_field, has_basis, has_measure, has_baseline, has_method, has_owner, has_publication, has_milestones,
                              milestones_dated, milestones_told, within_year, milestones_ahead, shares_fit, parts_told, parts_of_others))
    reopen = Step("继续修改", "Go on writing", ready >> draft, by=UNIT_STAFF, must=(with_the_unit,))
    drop = Step("不再列入", "Drop", (draft | returned) >> dropped, by=UNIT_STAFF, must=(with_the_unit,), given=(REASON,), tells=(HEAD,),
                irreversible=True)
    lapse = Step("随责任书终止", "End with the sheet", (draft | ready | under_review | returned | value_set | objected | agreed) >> dropped,
                 by=CLOCK)
    submit = Step("送审", "Submit", ready >> under_review, by=CLOCK)

    approve = Step("审核通过", "Approve", under_review >> agreed, by=PERFORMANCE_OFFICE, decides=True)
    return_goal = Step("退回修改", "Return", under_review >> returned, by=PERFORMANCE_OFFICE, decides=True, given=(missing,),
                       records={"times_returned": lambda goal: goal.times_returned + 1}, tells=(UNIT_STAFF, HEAD))
    set_value = Step("核定目标值", "Set the value", under_review >> value_set, by=PERFORMANCE_OFFICE, signs=True, must=(is_figure,),
                     given=(value, REASON), records={"office_target": value, "why_set": REASON}, tells=(HEAD, UNIT_STAFF))
    take_value_back = Step("撤回定值", "Take the value back", value_set >> under_review, by=PERFORMANCE_OFFICE.who_did("set_value"),
                           takes_note=True, must=(unopened, recent))
    review_again = Step("重新审核", "Review again", agreed >> under_review, by=PERFORMANCE_OFFICE, decides=True, must=(with_the_office,),
                        given=(REASON,), tells=(HEAD,))
    accept_value = Step("接受定值", "Accept the value", value_set >> agreed, by=HEAD, takes_note=True,  # to answer is not to write
                        records={"proposed_target": lambda goal: goal.target, "target": lambda goal: goal.office_target},
                        tells=(PERFORMANCE_OFFICE,))
    object = Step("提出异议", "Object", value_set >> objected, by=HEAD, takes_note=True, given=(REASON,), records={"objection": REASON},
                  tells=(PERFORMANCE_OFFICE,))
    uphold_value = Step("维持定值", "Uphold the office's value", objected >> agreed, by=ROUND,
                        records={"proposed_target": lambda goal: goal.target, "target": lambda goal: goal.office_target},
                        tells=(UNIT_STAFF, HEAD, PERFORMANCE_OFFICE))
    uphold_target = Step("采纳单位目标", "Uphold the unit's target", objected >> agreed, by=ROUND, tells=(UNIT_STAFF, HEAD, PERFORMANCE_OFFICE))

    issue = Step("下达", "Issue", agreed >> in_force, by=CLOCK, given=(due,), causes=(open_milestones,),
                 records={"issued_at": AT, "due_on": due, "issued_target": lambda goal: goal.target})
    change_target = Step("调整目标值", "Change the target", in_force >> in_force, by=CLOCK, given=(new_target,), records={"target": new_target},
                         tells=(UNIT_STAFF, HEAD))
    change_words = Step("调整完成标志", "Change what counts as reached", in_force >> in_force, by=CLOCK, given=(new_text,),
                        records={"target_text": new_text}, tells=(UNIT_STAFF, HEAD))
    cancel = Step("撤销目标", "Withdraw", in_force >> withdrawn, by=CLOCK, causes=(cancel_milestones,), tells=(UNIT_STAFF, HEAD, DEPUTY))

    report_result = Step("报年终结果", "Report the result", (in_force | result_returned) >> reported, by=HEAD, must=(has_figure, no_open_change),
                         given=(result, achieved), records={"result": result, "result_text": achieved}, tells=(PERFORMANCE_OFFICE,))
    report_achievement = Step("报完成情况", "Report what was achieved", (in_force | result_returned) >> reported, by=HEAD,
                              must=(is_words, no_open_change), given=(achieved,), records={"result_text": achieved},
                              tells=(PERFORMANCE_OFFICE,))
    return_result = Step("退回重报", "Return the result", reported >> result_returned, by=PERFORMANCE_OFFICE, decides=True, given=(missing,),
                         records={"times_returned": lambda goal: goal.times_returned + 1}, tells=(HEAD, UNIT_STAFF))
    conclude = Step("核定", "Conclude", reported >> concluded, by=PERFORMANCE_OFFICE, decides=True, must=(milestones_done,),
                    given=(verdict, conclusion), records={"verdict": verdict, "conclusion": conclusion, "concluded_at": AT},
                    tells=(HEAD, UNIT_STAFF, DEPUTY))
# fmt: on

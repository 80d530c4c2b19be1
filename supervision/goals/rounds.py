"""目标领导审定 Who decides on goals: the leading group, on a sheet as a whole, on a contested value, and on a change (R8, R28)."""

from __future__ import annotations

from viewflow import this

from supervision.roles import LEADER, PERFORMANCE_OFFICE
from workflows.round_nodes import Fire, Opening, Panel, RoundFlow
from workflows.words import Text


# One step, one paragraph: the policy is read as a table, and drawn from the same lines.
# fmt: off
class SheetDecision(RoundFlow):
    title = Text("年度目标领导审定", "Decision of the leadership on the year's goals")
    convenes = PERFORMANCE_OFFICE  # puts the sheet to decision, and names who sits for a member who must withdraw
    within = "goals.leadership"

    start = Opening().Next(this.leaders)

    leaders = (Panel("领导小组审定年度目标", "the leading group decides on the year's goals", each_of=LEADER, need="goals.leadership_need")
               .Then(this.issued).Else(this.refused))

    issued = Fire("issue")
    refused = Fire("refuse")


class ObjectionDecision(RoundFlow):
    title = Text("目标定值异议裁定", "Decision on a contested value")
    convenes = PERFORMANCE_OFFICE
    within = "goals.objection"

    start = Opening().Next(this.leaders)

    leaders = (Panel("领导小组裁定：是否维持绩效办定值", "the leading group decides whether the office's value stands", each_of=LEADER,
                     need="goals.leadership_need")
               .Then(this.office).Else(this.unit))

    office = Fire("uphold_value")
    unit = Fire("uphold_target")


class ChangeDecision(RoundFlow):
    title = Text("目标调整领导审定", "Decision of the leadership on a change")
    convenes = PERFORMANCE_OFFICE
    within = "goals.change"

    start = Opening().Next(this.leaders)

    leaders = (Panel("领导小组审定目标调整", "the leading group decides on the change", each_of=LEADER, need="goals.leadership_need")
               .Then(this.approved).Else(this.refused))

    approved = Fire("approve")
    refused = Fire("refuse")


class ChangeObjectionDecision(RoundFlow):
    title = Text("目标调整定值异议裁定", "Decision on a contested value of a change")
    convenes = PERFORMANCE_OFFICE
    within = "goals.change_objection"

    start = Opening().Next(this.leaders)

    leaders = (Panel("领导小组裁定：调整后是否采用绩效办定值", "the leading group decides whether the office's value is taken", each_of=LEADER,
                     need="goals.leadership_need")
               .Then(this.office).Else(this.unit))

    office = Fire("uphold_value")
    unit = Fire("uphold_target")
# fmt: on

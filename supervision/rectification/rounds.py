"""整改方案领导审定 Who approves a rectification plan: the performance office first, then the leading group (R8)."""

from __future__ import annotations

from viewflow import this

from supervision.roles import LEADER, PERFORMANCE_OFFICE, SUPERVISOR
from workflows.round_nodes import Fire, Opening, Panel, RoundFlow
from workflows.words import Text


# One step, one paragraph: the policy is read as a table, and drawn from the same lines.
# fmt: off
class LeadershipApproval(RoundFlow):
    title = Text("整改方案领导审定", "Approval of the rectification plan by the leadership")
    convenes = SUPERVISOR  # forwards the plan, and names who sits for a member who must withdraw
    within = "rectification.leadership"

    start = Opening().Next(this.office)

    office = (Panel("绩效办审核整改方案", "the performance office reviews the plan", one_of=PERFORMANCE_OFFICE,
                    within="rectification.office_opinion")
              .Then(this.leaders).Else(this.refused))

    leaders = (Panel("领导小组审定整改方案", "the leading group decides on the plan", each_of=LEADER,
                     need="rectification.leadership_need")
               .Then(this.approved).Else(this.refused))

    approved = Fire("approve")
    refused = Fire("refuse")
# fmt: on

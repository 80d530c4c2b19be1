"""节点 A milestone of a goal that was issued: done by its date, shown by evidence, checked by somebody else (R22, R45)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from organisation.queries import local_day
from supervision.roles import DEPUTY, DISCIPLINE, HEAD, LEADER, PERFORMANCE_OFFICE, SUPERVISOR, UNIT_STAFF
from workflows.lifecycle import AT, BIRTH, REASON, Effect, Given, Guard, Lifecycle, State
from workflows.lifecycle import Step as AnyStep
from workflows.roles import CLOCK
from workflows.words import Text

if TYPE_CHECKING:
    from supervision.goals.models import Milestone  # noqa: F401  read by the type checker

Must = Guard["Milestone"]
Step = AnyStep["Milestone"]


# One step, one paragraph: the regulation is read as a table.
# fmt: off
class MilestoneLifecycle(Lifecycle["Milestone"]):
    title = Text("节点", "Milestone")
    onlookers = (DEPUTY, SUPERVISOR, LEADER, DISCIPLINE)

    # 一、状态 / States

    to_do = State("待完成", "To do", UNIT_STAFF.owes("完成节点并报结", "reach the milestone and claim it", within="milestone.finish"),
                  attaches=(UNIT_STAFF,))
    claimed = State("报结待核查", "Claimed reached",
                    PERFORMANCE_OFFICE.owes("核查节点", "check the milestone", within="milestone.check"))
    sent_back = State("退回重办", "Sent back",
                      UNIT_STAFF.owes("按核查意见补正并报结", "mend it and claim it again", within="milestone.correction"),
                      attaches=(UNIT_STAFF,))
    reached = State("已达到", "Reached", final=True)
    missed = State("未达到", "Missed", final=True)
    cancelled = State("已取消", "Cancelled", final=True)

    # 二、条件 / Conditions

    has_evidence = Must("请先上传佐证材料。", "Attach the evidence first.", lambda milestone, at: milestone.evidence_count,
                        facts=("evidence_count",))
    is_over = Must("办理时限{due}未过，不能按未达到办结。", "Its time runs until {due}: it cannot be closed as missed before.",
                   lambda milestone, at: milestone.owed_until and milestone.owed_until < local_day(milestone.institution_id, at),
                   facts=("owed_until",), due=lambda milestone: milestone.owed_until)

    # 三、须一并提交的内容 / What must be handed over

    done = Given("完成情况", "what was done")
    how_checked = Given("核查方式（实地核查、抽查、调阅等）", "how it was checked (on site, by sample, from files)")
    conclusion = Given("核查结论", "conclusion")

    hands = Effect("goals.hands_of_milestone", Text("经手人同时为目标经手人", "who did it has handled the goal"))

    # 四、步骤 / Steps

    open = Step("下达节点", "Open", BIRTH >> to_do, by=CLOCK)

    claim_reached = Step("报结", "Claim reached", (to_do | sent_back) >> claimed, by=UNIT_STAFF, must=(has_evidence,), given=(done,), causes=(hands,),
                 records={"done": done, "claimed_at": AT}, tells=(PERFORMANCE_OFFICE, HEAD))
    accept = Step("核查通过", "Accept", claimed >> reached, by=PERFORMANCE_OFFICE, decides=True, given=(conclusion, how_checked),
                  records={"conclusion": conclusion, "reached_at": AT}, tells=(UNIT_STAFF, HEAD))
    return_work = Step("退回重办", "Send back", claimed >> sent_back, by=PERFORMANCE_OFFICE, decides=True, given=(REASON, how_checked),
                       records={"times_returned": lambda milestone: milestone.times_returned + 1}, tells=(UNIT_STAFF, HEAD))
    close_as_missed = Step("按未达到办结", "Close as missed", (to_do | sent_back) >> missed, by=PERFORMANCE_OFFICE, decides=True,
                           must=(is_over,), given=(REASON,), records={"conclusion": REASON}, tells=(UNIT_STAFF, HEAD, DEPUTY),
                           irreversible=True)
    cancel = Step("取消", "Cancel", (to_do | claimed | sent_back) >> cancelled, by=CLOCK)
# fmt: on

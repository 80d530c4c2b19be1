"""Goals of the demonstration's year: sheets at every stage, told from the eve of today like the other matters.

A leg is `day doing doing ...`, days being working days from the eve, but none before the year of the eve begins. A doing is a step of the sheet; `g2.step` of the second goal,
`g2m1.step` of its first milestone, `change.step` of a change of the first goal; by whoever the lifecycle names, or by `:who`.
What is in DOINGS is no step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from organisation.queries import local_day
from supervision.desk.demonstration import evidence
from supervision.desk.demonstration.course import OF_THE_UNIT, hours_of
from supervision.desk.demonstration.life import Life, Plot, soon
from supervision.goals.calling import title_of
from supervision.goals.models import Goal, GoalChange, GoalSheet, Milestone
from workflows.models import Vote


@dataclass(frozen=True)
class Aim:
    """One goal as its unit writes it; the days of its milestones are working days from the eve."""

    title: str
    field: str
    basis: str
    measured_in: str
    target: str
    last_year: str
    plan: str
    peers: str
    method: str
    source: str
    stages: tuple[tuple[str, str, int], ...]
    less_is_better: bool = False
    binding: bool = False


AIMS: tuple[Aim, ...] = (
    Aim("城乡居民人均可支配收入增速", "development", "《县国民经济和社会发展计划》第二章", "%", "8.5", "8.1", "8.0", "8.3", "抽样调查，按季核算",
        "国家统计局县调查队", (("完成上半年核算", "核算通报", -9), ("完成第三季度核算", "核算通报", 4)), binding=True),
    Aim("群众来信来访按期办结率", "livelihood", "《信访工作条例》第三十三条", "%", "95", "96.4", "95", "94", "办结件数除以受理件数", "县信访局台账",
        (("完成积案清理", "销号清单", -3), ("完成满意度回访", "回访记录", 18))),
    Aim("基层党组织达标率", "party_building", "《年度党建工作要点》第四条", "%", "100", "97", "100", "98", "达标支部数除以支部总数", "县委组织部考核通报",
        (("完成半年自查", "自查报告", -20), ("完成年终考核", "考核通报", 22))),
    Aim("党风廉政责任书履行率", "clean_government", "《党风廉政建设责任制规定》第六条", "%", "100", "100", "100", "100", "履行项数除以责任项数",
        "县纪委监委台账", (("完成廉政谈话", "谈话记录", -15), ("完成年度述责述廉", "述责述廉报告", 24))),
    Aim("治安案件发案数", "public_security", "《平安建设工作要点》第五条", "起", "34", "38", "36", "35", "公安机关立案数", "县公安局统计报表",
        (("完成重点部位巡查", "巡查记录", -11), ("完成年度平安创建", "创建通报", 20)), less_is_better=True),
)  # fmt: skip

SAID: Mapping[str, Any] = {
    "head_said": "目标与本单位职责相符，数据口径已与统计部门核对。", "asked": "第二项目标低于上年实绩，请说明理由或提高目标值。",
    "missing": "统计口径与上年不一致，请按主管部门口径修改。", "reason": "上年已达到更高水平，目标不宜低于上年。", "value": Decimal(97),
    "done": "阶段任务已完成，佐证材料已上传。", "conclusion": "经核查，阶段任务已完成，材料真实完整。", "how_checked": "调阅台账并实地抽查。",
    "duties_fit": True, "quantified": True,
}  # fmt: skip

TO_FORCE = "-48 call; -44 write; -42 hand_in; -41 sign; -38 approve_all; -37 forward; -35 agree:leader; -34 agree:leader2"

COURSES: tuple[tuple[str, int, str], ...] = (
    # In force: one milestone reached, one overdue, one claimed and waiting for the check, a change at the office.
    ("hoxtolgay", 5, f"{TO_FORCE}; -14 g4m1.attach g4m1.claim_reached; -13 g4m1.accept g3m1.attach g3m1.claim_reached; -12 g3m1.accept g5m1.attach;"
                     "-11 g5m1.claim_reached; -10 g1m1.attach g1m1.claim_reached g5m1.accept; -9 g1m1.accept; -2 ask change.hand_in; -1 change.sign"),
    ("building", 2, "-47 call; -43 write; -41 hand_in; -40 sign; -38 g1.approve g2.set_value; -36 g2.accept_value; -35 forward;"
                    "-33 agree:leader2; -32 agree:leader3; -10 g1m1.attach g1m1.claim_reached; -9 g1m1.accept; -1 g2m1.attach g2m1.claim_reached"),
    # Under way today, at every stage.
    ("civil", 1, "-3 call; -1 write_one"),
    ("tax", 2, "-6 call; -3 write; 0 hand_in"),
    ("education", 3, "-9 call; -6 write; -4 hand_in; -2 sign"),
    ("police", 2, "-10 call; -8 write; -6 hand_in; -4 sign; -2 g1.approve g2.set_value"),
    ("health", 2, "-12 call; -10 write; -8 hand_in; -6 sign; -4 g1.approve g2.set_value; -2 g2.object"),
    ("transport", 2, "-11 call; -9 write; -7 hand_in; -5 sign; -3 g1.approve g2.return_goal; -2 refer_to_unit"),
    ("finance", 2, "-14 call; -11 write; -9 hand_in; -7 sign; -4 approve_all; -3 forward; -1 agree:leader"),
)  # fmt: skip
"""Whose sheet, with how many goals, and its timetable. The other units have not been called upon yet."""


def goals_of_the_year(life: Life) -> Iterator[GoalCourse]:
    """The sheets of the year, at every stage."""
    for unit, many, legs in COURSES:
        yield GoalCourse(life, unit, many, legs)


@dataclass
class GoalCourse:
    """One unit's sheet and what belongs to it."""

    life: Life
    unit: str
    many: int
    legs: str

    def run(self) -> Plot:
        """The plot: waits for each doing's hour, and does it."""
        calendar, random = self.life.calendar, Random(f"{self.unit} {self.legs}")
        first = calendar.roll(date(self.life.eve.year, 1, 1))
        last: datetime | None = None
        for leg in self.legs.split(";"):
            offset, *doings = leg.split()
            day = max(calendar.shift(self.life.eve, int(offset)), first)
            for hour, doing in zip(hours_of(len(doings)), doings, strict=True):
                when = soon(self.life.instant(day, hour), random.randrange(35))
                when = max(when, last + timedelta(minutes=11)) if last else when
                last = yield when
                self._do(doing, last)

    def _do(self, doing: str, at: datetime) -> None:
        what, _, who = doing.partition(":")
        about, _, step = what.rpartition(".")
        if step in DOINGS:
            DOINGS[step](self, about, who, at)
            return
        document = self._document(about)
        declared = document.lifecycle.steps[step]
        self.life.act(
            document,
            step,
            self._who(who or declared.by.key),
            at,
            {g.name: SAID[g.name] for g in declared.given},
        )

    def _who(self, who: str) -> str:
        return (
            f"{self.unit}:{OF_THE_UNIT[who]}"
            if who in OF_THE_UNIT
            else {"performance_office": "office"}.get(who, who)
        )

    def _document(self, about: str) -> Any:
        """The sheet, a goal, a milestone of one, or the change of the first."""
        sheet = GoalSheet.objects.get(unit=self.life.county.units[self.unit])
        if not about:
            return sheet
        if about == "change":
            return GoalChange.objects.get(sheet=sheet)
        goal, _, milestone = about.removeprefix("g").partition("m")
        found = Goal.objects.filter(sheet=sheet).order_by("pk")[int(goal) - 1]
        return Milestone.objects.get(goal=found, place=int(milestone)) if milestone else found

    # --- What is done besides steps

    def call(self, about: str, who: str, at: datetime) -> None:
        """The performance office calls upon the unit."""
        unit, cycle = self.life.county.units[self.unit], self.life.county.cycles[self.life.eve.year]
        self.life.draft(
            GoalSheet, "call", "office", at, {}, {"unit_id": unit.pk, "title": title_of(unit.name_zh, cycle)}
        )

    def write(self, about: str, who: str, at: datetime) -> None:
        """The unit's staff write the goals, and why some fields have none."""
        for aim in AIMS[: self.many]:
            goal = self._begin(aim, at)
            self.life.act(goal, "finish_draft", f"{self.unit}:staff", at, {})
        words = {"summary": "稳中求进，补短板、强弱项，重点工作按节点推进。"}
        if self.many < len(AIMS):
            words["why_uncovered"] = "其余领域目标由县直主管部门统一编报，本单位配合。"
        self.life.change(self._document(""), f"{self.unit}:staff", at, words, {})

    def write_one(self, about: str, who: str, at: datetime) -> None:
        """One goal is begun and not ready yet."""
        self._begin(AIMS[1], at)

    def _begin(self, aim: Aim, at: datetime) -> Goal:
        sheet, staff, calendar = self._document(""), f"{self.unit}:staff", self.life.calendar
        fields = {
            "unit_id": sheet.unit_id, "sheet_id": sheet.pk, "title": aim.title, "field": aim.field, "basis": aim.basis,
            "measured_in": aim.measured_in, "target": Decimal(aim.target), "last_year": Decimal(aim.last_year),
            "planned_value": Decimal(aim.plan), "peer_value": Decimal(aim.peers), "method": aim.method, "data_source": aim.source,
            "less_is_better": aim.less_is_better, "nature": "binding" if aim.binding else "expected", "publication": "all_units",
            "owner": f"{self.life.county.people[staff].name}（经办）", "points": Decimal(20),
        }  # fmt: skip
        written, ends = local_day(sheet.institution_id, at), sheet.cycle.ends
        stages = [
            {
                "text": text,
                "criterion": criterion,
                "due_on": min(max(calendar.shift(self.life.eve, day), calendar.shift(written, 6)), ends),
                "share": Decimal(50),
            }
            for text, criterion, day in aim.stages
        ]
        goal: Goal = self.life.draft(Goal, "write_goal", staff, at, {"planned_milestones": stages}, fields)
        return Goal.objects.get(pk=goal.pk)

    def approve_all(self, about: str, who: str, at: datetime) -> None:
        """The office approves every goal that it has before it."""
        for goal in Goal.objects.filter(sheet=self._document(""), state="under_review").order_by("pk"):
            self.life.act(goal, "approve", "office", at, {})

    def agree(self, about: str, who: str, at: datetime) -> None:
        """A member of the leading group agrees."""
        self.life.vote(self._document(about), Vote.APPROVE, who, at, "同意。")

    def attach(self, about: str, who: str, at: datetime) -> None:
        """What shows that a milestone is reached."""
        milestone, day = self._document(about), at.astimezone(self.life.county.institution.zone).date()
        lines = (milestone.title, f"达到标志：{milestone.criterion}", "阶段任务已按期完成。")
        self.life.add_evidence(milestone, f"{self.unit}:staff", at, "完成情况.pdf", evidence.pdf(lines), day)

    def ask(self, about: str, who: str, at: datetime) -> None:
        """A change of the first goal is asked for."""
        goal = self._document("g1")
        fields = {
            "unit_id": goal.unit_id, "sheet_id": goal.sheet_id, "goal_id": goal.pk, "title": GoalChange.titled_below(goal),
            "new_target": Decimal("8.2"), "why": "上级年中下调全地区增速预期目标，按同口径调整。",
        }  # fmt: skip
        self.life.draft(GoalChange, "ask", f"{self.unit}:staff", at, {}, fields)


DOINGS: Mapping[str, Callable[[GoalCourse, str, str, datetime], None]] = {
    name: getattr(GoalCourse, name)
    for name in ("call", "write", "write_one", "approve_all", "agree", "attach", "ask")
}

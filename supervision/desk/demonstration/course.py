"""The course of one matter, written as a timetable: `"-4 submit; -3 sign sign_for; 0 feed_back"`.

A leg is a day (working days from the course's own day) with what is done on it, in order: a step of the order, of its
report (`report.`), of its rectification (`plan.`) or of a measure (`1.`, `2.`, ...), by whoever the lifecycle names, or by
`:who`; or one of DOINGS, which are not steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from supervision.desk.demonstration import evidence
from supervision.desk.demonstration.life import Life, Plot, soon
from supervision.desk.demonstration.matters import Matter
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from workflows.documents import Document
from workflows.models import Vote

HOURS = tuple(
    time.fromisoformat(hour)
    for hour in ("10:05", "10:50", "11:35", "12:20", "16:00", "16:40", "17:20", "18:00", "18:40", "19:15")
)
"""When things are done: the offices of Xinjiang work from 10 to 13:30 and from 15:30 to 19:30, Beijing time."""
OF_THE_UNIT = {"unit_staff": "staff", "head": "head", "deputy_in_charge": "deputy"}
DRAFTS = frozenset({"draft", "find", "complete", "submit", "recall", "set_aside"})


@dataclass
class Course:
    """One matter of one unit: an order, and what belongs to it. `checker` reads and checks, `drafter` drafts."""

    life: Life
    unit: str
    day: date
    legs: str
    matter: Matter = field(default_factory=Matter)
    period: str = ""
    drafter: str = "supervisor"
    checker: str = "supervisor2"
    not_before: datetime | None = None
    order: SupervisionOrder | None = None

    def run(self) -> Plot:
        """The plot: waits for each doing's hour, and does it."""
        last, calendar = self.not_before, self.life.calendar
        random = Random(f"{self.unit} {self.period} {self.matter.title} {self.legs}")
        for leg in self.legs.split(";"):
            offset, *doings = leg.split()
            day = calendar.shift(self.day, int(offset))
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
        document: Any = self._document(about)
        declared = document.lifecycle.steps[step]
        inputs = {given.name: self._given(given.name, about, step) for given in declared.given}
        self.life.act(document, step, self._who(who or declared.by.key, step), at, inputs)

    def _who(self, who: str, step: str) -> str:
        if who in OF_THE_UNIT:
            return f"{self.unit}:{OF_THE_UNIT[who]}"
        if who == "supervisor":
            return self.drafter if step in DRAFTS else self.checker
        return {"leading_group": "leader", "performance_office": "office"}.get(who, who.lstrip("@"))

    def _document(self, about: str) -> Document:
        if about == "report":
            return QuarterlyReport.objects.get(unit=self.life.county.units[self.unit], period=self.period)
        if about == "plan":
            return Rectification.objects.get(order=self.order)
        if about:
            measures = Measure.objects.filter(rectification__order=self.order, place=int(about))
            return measures.order_by("-again")[0]
        return self._order

    @property
    def _order(self) -> SupervisionOrder:
        """The order as it stands."""
        if self.order is None:
            raise LookupError(f"{self.matter.title}: no order has been drafted yet")
        return SupervisionOrder.objects.get(pk=self.order.pk)

    def _given(self, name: str, about: str, step: str) -> object:
        if name in ("asked_date", "new_date", "review_date"):
            return self.life.calendar.shift(self.day, self.matter.later)
        if name == "failed":
            return 1 if about == "plan" else f"第一条：{self.matter.criteria[0]}"
        return self.matter.words(name, step)

    # --- What is done besides steps

    def draft(self, about: str, who: str, at: datetime) -> None:
        """The supervision office drafts the order by hand."""
        matter = self.matter
        fields = {name: getattr(matter, name) for name in ("title", "source", "authority", "reference", "clause", "category", "level",
                                                           "method", "demand", "demands_rectification")}  # fmt: skip
        units = self.life.county.units
        parts = {
            "criteria": [{"text": text} for text in matter.criteria],
            "co_operating_units": [
                {"unit_id": units[code].pk, "task": task} for code, task in matter.together
            ],
        }
        fields |= {"unit_id": units[self.unit].pk, "due_on": self.life.calendar.shift(self.day, matter.due)}
        self.order = self.life.draft(SupervisionOrder, "draft_order", who or self.drafter, at, parts, fields)

    def find(self, about: str, who: str, at: datetime) -> None:
        """The order that the clock drafted because of the report."""
        self.order = SupervisionOrder.objects.get(report_id=self._document("report").pk)

    def complete(self, about: str, who: str, at: datetime) -> None:
        """The supervision office completes what the clock drafted: date, criteria, who helps."""
        order = self._order
        criteria = [
            *order.criteria.order_by("pk").values("id", "text"),
            *({"text": text} for text in self.matter.criteria),
        ]
        changes = {
            "due_on": self.life.calendar.shift(self.day, self.matter.due),
            "demand": f"{order.demand}{self.matter.demand}",
            "demands_rectification": self.matter.demands_rectification,
        }
        self.life.change(order, who or self.drafter, at, changes, {"criteria": criteria})

    def fill(self, about: str, who: str, at: datetime) -> None:
        """The unit's staff fill in the report, or correct it."""
        changes, parts = self.matter.report(self.unit, self.period, Random(f"{self.unit} {self.period}"))
        report: Any = self._document("report")
        of_goals = [
            {
                "id": line.pk,
                "actual": "按节点推进，阶段任务已完成。",
                "value": line.goal.last_year,
                "share": Decimal(75),
            }
            for line in report.lines.filter(goal__isnull=False).select_related("goal").order_by("pk")
        ]
        self.life.change(report, f"{self.unit}:staff", at, changes, {"lines": [*of_goals, *parts["lines"]]})

    def amend(self, about: str, who: str, at: datetime) -> None:
        """What the performance office asked for is added to the report."""
        report: Any = self._document("report")
        said = f"{report.summary}\n补充说明：已按退回意见逐项核对数据，补充未完成原因和下步措施。"
        self.life.change(report, f"{self.unit}:staff", at, {"summary": said}, {})

    def write(self, about: str, who: str, at: datetime) -> None:
        """The unit's staff draw up the rectification plan."""
        rows = [
            {
                "problem": problem,
                "cause": cause,
                "measure": measure,
                "owner": owner,
                "due_on": self.life.calendar.shift(self.day, due),
            }
            for problem, cause, measure, owner, due in self.matter.measures
        ]
        changes = {"summary": self.matter.words("summary", "plan"), "why_later": self.matter.why_later}
        self.life.change(self._document("plan"), f"{self.unit}:staff", at, changes, {"planned": rows})

    def rewrite(self, about: str, who: str, at: datetime) -> None:
        """The plan as it was asked to be corrected."""
        plan: Any = self._document("plan")
        said = f"{plan.summary}\n第{plan.times_returned}次修改：已按退回意见细化责任分工，逐条补充可核验的目标和完成时限。"
        self.life.change(plan, f"{self.unit}:staff", at, {"summary": said}, {})

    def prove(self, about: str, who: str, at: datetime) -> None:
        """Evidence for every criterion of the order, and a file."""
        order, day = self._order, at.astimezone(self.life.county.institution.zone).date()
        rows = [
            {"criterion_id": pk, "text": f"“{text}”已落实，详见所附材料。", "fact_on": day}
            for pk, text in order.criteria.order_by("pk").values_list("pk", "text")
        ]
        staff = f"{self.unit}:staff"
        self.life.change(order, staff, at, {}, {"evidence": rows})
        lines = (f"关于{order.title}办理情况的报告", *self.matter.words("closing_report", "").split("；"))
        self.life.add_evidence(order, staff, soon(at, 4), "办理情况报告.pdf", evidence.pdf(lines), day)

    def attach(self, about: str, who: str, at: datetime) -> None:
        """Evidence that a measure has been carried out: a picture and a note."""
        measure: Any = self._document(about)
        day, staff = at.astimezone(self.life.county.institution.zone).date(), f"{self.unit}:staff"
        self.life.add_evidence(measure, staff, at, "现场照片.png", evidence.picture(measure.title), day)
        note = evidence.text((measure.title, f"落实情况：{self.matter.words('done', about)}"))
        self.life.add_evidence(measure, staff, soon(at, 3), "落实情况说明.txt", note, day)

    def agree(self, about: str, who: str, at: datetime) -> None:
        """A seat of the round agrees."""
        self.life.vote(self._document("plan"), Vote.APPROVE, who, at, "同意。")

    def disagree(self, about: str, who: str, at: datetime) -> None:
        """A seat of the round does not agree."""
        self.life.vote(
            self._document("plan"), Vote.REFUSE, who, at, "第二条措施缺少可核验的目标，请修改后再报。"
        )


DOINGS: Mapping[str, Callable[[Course, str, str, datetime], None]] = {
    name: getattr(Course, name)
    for name in (
        "draft",
        "find",
        "complete",
        "fill",
        "amend",
        "write",
        "rewrite",
        "prove",
        "attach",
        "agree",
        "disagree",
    )
}


def hours_of(many: int) -> list[time]:
    """So many hours of one day, in order; the same for the same number."""
    if many > len(HOURS):
        raise ValueError(f"{many} doings do not fit into one day")
    return [HOURS[n * len(HOURS) // many] for n in range(many)]

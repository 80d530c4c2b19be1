"""A year of quarterly reports through the product's own doors, a stage at a time. Every stage takes up what is left to do, so
that one that was cut off is begun again without harm."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from benchmarks.systems.duban_ground import DubanSystem  # first: it sets Django up

from organisation.models import Person
from organisation.queries import actor_for
from supervision.orders.models import SupervisionOrder
from supervision.reports.models import QuarterlyReport
from supervision.reports.opening import open_quarterly_reports
from tests.supervision.county import moment
from workflows.deadlines import sweep
from workflows.fire import edit, fire, fire_many
from workflows.models import WorkItem

OPENED = {1: moment(4, 1), 2: moment(7, 1), 3: moment(10, 1), 4: moment(1, 1, year=2027)}
"""When the reports on each quarter are opened: the day after it."""
LATE = 10
"""One unit in so many reports only after the order on its late report has been drafted."""
GOALS = 20
"""Goals of a unit: each report tells of so many, a line each."""
CHUNK = 1000
"""Documents held in memory at once."""


class System(DubanSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = ()

    def open(self, number: int) -> None:
        super().open(number)
        self.institution = self.county.institution.pk

    def stages(self) -> list[str]:
        """Their names, in order."""
        return list(self._stages(1))

    def _stages(self, quarter: int) -> dict[str, Callable[[], int]]:
        at = OPENED[quarter]
        signed, late = at + timedelta(days=3), at + timedelta(days=30)
        return {
            "open": lambda: open_quarterly_reports(self.institution, at),
            "fill in": lambda: self.fill_in(quarter, signed, late=False),
            "hand in": lambda: self.each(quarter, "hand_in", "drafting", signed, self.county.staff),
            "sign": lambda: self.each(quarter, "sign", "for_signature", signed, self.county.heads),
            "accept": lambda: self.accept(quarter, signed),
            "sweep": lambda: sum(self.swept(at + timedelta(days=day)) for day in range(1, 29)),
            "fill in late": lambda: self.fill_in(quarter, late, late=True),
            "hand in late": lambda: self.each(quarter, "hand_in", "drafting", late, self.county.staff),
            "sign late": lambda: self.each(quarter, "sign", "for_signature", late, self.county.heads),
            "accept late": lambda: self.accept(quarter, late),
            "late orders set aside": lambda: self.set_orders_aside(late),
        }

    def stage(self, quarter: int, name: str) -> dict[str, float]:
        """Take one stage of one quarter (1 to 4): documents it handled, CPU seconds of this process, peak memory in MiB."""
        begun, cpu = time.perf_counter(), time.process_time()
        documents = self._stages(quarter)[name]()
        return {
            "documents": float(documents), "client_cpu": time.process_time() - cpu, "seconds": time.perf_counter() - begun,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }  # fmt: skip

    def _reports(self, quarter: int, **having: Any) -> Iterator[list[QuarterlyReport]]:
        """The laid townships' reports on a quarter, a chunk at a time."""
        towns = self.county.towns
        rows = QuarterlyReport.objects.filter(
            period=f"2026Q{quarter}", unit__in=[town.pk for town in towns], **having
        )
        after = 0
        while chunk := list(rows.filter(pk__gt=after).order_by("pk")[:CHUNK]):
            yield chunk
            after = chunk[-1].pk

    def fill_in(self, quarter: int, at: datetime, *, late: bool) -> int:
        tardy = {town.pk for place, town in enumerate(self.county.towns) if place % LATE == 0}
        lines = [
            {"task": f"第{goal}项目标任务", "planned": "完成60%", "actual": "完成55%", "gap": "资金到位慢", "measure": "协调资金"}
            for goal in range(1, GOALS + 1)
        ]  # fmt: skip
        done = 0
        for chunk in self._reports(quarter, state="drafting", summary=""):
            for report in (each for each in chunk if (each.unit_id in tardy) is late):
                edit(
                    report, actor=self.county.staff[report.unit_id], at=at, seen_version=report.version, request_id=uuid4(),
                    changes={"summary": "总体按计划推进，个别项目滞后"}, parts={"lines": lines},
                )  # fmt: skip
                done += 1
        return done

    def each(self, quarter: int, step: str, state: str, at: datetime, actors: dict[int, Any]) -> int:
        """A step that every unit takes on its own report."""
        done = 0
        for chunk in self._reports(quarter, state=state):
            for report in (each for each in chunk if each.summary):
                fire(
                    report,
                    step,
                    actor=actors[report.unit_id],
                    at=at,
                    seen_version=report.version,
                    request_id=uuid4(),
                )
                done += 1
        return done

    def accept(self, quarter: int, at: datetime) -> int:
        actor = self.county.actors["office"]
        return sum(
            self._many(chunk, "accept", actor, at) for chunk in self._reports(quarter, state="submitted")
        )

    def set_orders_aside(self, at: datetime) -> int:
        drafter = actor_for(Person.objects.get(institution=self.institution, name="drafter"), at)
        done = 0
        while chunk := list(
            SupervisionOrder.objects.filter(source="late_report", state="draft").order_by("pk")[:CHUNK]
        ):
            done += self._many(chunk, "set_aside", drafter, at, reason="季报已补报")
        return done

    def _many(self, documents: list[Any], step: str, actor: Any, at: datetime, **given: Any) -> int:
        seen = {document.pk: document.version for document in documents}
        many = fire_many(type(documents[0]), seen, step, actor=actor, at=at, request_id=uuid4(), **given)
        if many.turned_down:
            raise RuntimeError(f"{step}: {len(many.turned_down)} were turned down")
        return len(seen)

    def swept(self, at: datetime) -> int:
        found = sweep(at, budget=3600)
        if found.set_aside or found.unfinished:
            raise RuntimeError(f"{at}: {found.figures()}")
        return found.documents

    def check(self) -> dict[str, int]:
        """What stands at the end: reports, those accepted, orders, and work items still open for the laid units."""
        towns = [town.pk for town in self.county.towns]
        reports = QuarterlyReport.objects.filter(unit__in=towns)
        return {
            "reports": reports.count(), "accepted": reports.filter(state="accepted").count(),
            "orders": SupervisionOrder.objects.filter(source="late_report").count(), "open": WorkItem.objects.filter(closed_at=None, unit__in=towns).count(),
        }  # fmt: skip

"""Duban: the quarterly report's way from the draft to its acceptance through the real fire(), every guarantee on."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from benchmarks.systems.duban_ground import DubanSystem  # first: it sets Django up

from benchmarks.county import AT
from organisation.actors import Actor
from supervision.reports.models import QuarterlyReport
from workflows.fire import fire

ROUTE = ("hand_in", "sign", "accept")
"""By a member of the unit's staff, its head and the performance office."""


class System(DubanSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = tuple(self.step(name) for name in ROUTE)

    def prepare(self, documents: int) -> None:
        self.documents.extend(self.county.reports(documents))

    def actor(self, name: str, report: QuarterlyReport) -> Actor:
        if name == "accept":
            return self.county.actors["office"]
        return (self.county.staff if name == "hand_in" else self.county.heads)[report.unit_id]

    def step(self, name: str) -> Any:
        number = ROUTE.index(name)

        def act(report: QuarterlyReport) -> None:
            # A new report has version 1, and every step adds one: that is what the person has seen.
            fire(
                report,
                name,
                actor=self.actor(name, report),
                at=AT,
                seen_version=1 + number,
                request_id=uuid4(),
            )

        return act

    def check(self) -> int:
        return QuarterlyReport.objects.filter(state="accepted").count()

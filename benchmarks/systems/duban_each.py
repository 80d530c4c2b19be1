"""Duban: orders submitted one by one through fire(), 3 in 100 of which are refused. The measure for fire_many()."""

from __future__ import annotations

from uuid import uuid4

from benchmarks.systems.duban_ground import DubanSystem  # first: it sets Django up

from benchmarks.county import AT
from supervision.orders.models import SupervisionOrder
from workflows.documents import Refused
from workflows.fire import fire

REFUSED = 0.03


class System(DubanSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = (self.submit,)
        self.refused = 0

    def prepare(self, documents: int) -> None:
        self.documents.extend(self.county.orders(documents, without_criteria=round(documents * REFUSED)))

    def submit(self, order: SupervisionOrder) -> None:
        try:
            fire(
                order,
                "submit",
                actor=self.county.actors["drafter"],
                at=AT,
                seen_version=1,
                request_id=uuid4(),
            )
        except Refused:
            self.refused += 1

    def check(self) -> int:
        return SupervisionOrder.objects.filter(state="for_signature").count()

"""Duban: 1,000 orders submitted at once through fire_many(), 30 of which are refused with their reasons."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from benchmarks.systems.duban_ground import DubanSystem  # first: it sets Django up

from benchmarks.county import AT
from benchmarks.systems.duban_each import REFUSED
from supervision.orders.models import SupervisionOrder
from workflows.fire import fire_many

MANY = int(os.environ.get("BENCHMARK_MANY", "1000"))


class System(DubanSystem):
    """`documents` are whole batches; a step is one batch."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps: tuple[Callable[[Any], None], ...] = (self.submit,)

    def prepare(self, documents: int) -> None:
        for _ in range(documents):
            orders = self.county.orders(MANY, without_criteria=round(MANY * REFUSED))
            self.documents.append({order.pk: order.version for order in orders})

    def submit(self, seen: Mapping[int, int]) -> None:
        many = fire_many(
            SupervisionOrder, seen, "submit", actor=self.county.actors["drafter"], at=AT, request_id=uuid4()
        )
        if len(many.turned_down) != round(MANY * REFUSED):
            raise RuntimeError(f"{len(many.turned_down)} were turned down")

    def check(self) -> int:
        return SupervisionOrder.objects.filter(state="for_signature").count()

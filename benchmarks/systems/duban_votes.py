"""Duban's rounds: votes of a leading group on rectification plans, of whom two must agree. The first vote on a plan decides
nothing; the second ends the round, fires the plan's step and opens its measures."""

from __future__ import annotations

from collections import deque
from typing import Any
from uuid import uuid4

from benchmarks.systems.duban_ground import DubanSystem  # first: it sets Django up

from benchmarks.county import AT
from supervision.rectification.models import Rectification
from workflows import rounds
from workflows.models import Seat, Vote

VOTERS = ("leader", "second leader")


class System(DubanSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = (self.vote,)
        self.seats: list[tuple[Seat, Seat]] = []

    def prepare(self, documents: int) -> None:
        self.seats = self.county.plans_at_the_group(documents)

    def turn(self, number: int) -> None:
        """The seats whose turn it is: 0 the first vote of every plan, 1 the one that ends the round."""
        self.documents = deque((VOTERS[number], seats[number], number == 1) for seats in self.seats)

    def vote(self, document: Any) -> None:
        who, seat, ends = document
        voted = rounds.vote(seat, Vote.APPROVE, actor=self.county.actors[who], at=AT, request_id=uuid4())
        if (voted.outcome == "approve") is not ends:
            raise RuntimeError(f"{who}: {voted}")

    def check(self) -> int:
        return Rectification.objects.filter(state="in_progress").count()

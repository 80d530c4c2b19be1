"""Choosing among what the model says is possible: drawn by Hypothesis, and named in what a failure prints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from hypothesis import note
from hypothesis import strategies as st

from tests.model.book import ENDS, Book, Matter
from tests.model.days import DAY, today
from tests.model.people import CAST
from tests.model.regulations import STEPS_OF, Step
from tests.model.starts import values
from tests.model.world import SECOND, World

T = TypeVar("T")
WORDS = ("", "  ", None, 7, "a\x00b")


class Choosing:
    """`whole` is false while an act is under way: after a failure nothing more is asked of the example."""

    world: World
    book: Book
    whole: bool

    def _do(self, act: Any, *arguments: Any) -> None:
        self.whole = False
        act(*arguments)
        self.whole = True

    def _try(self, matter: Matter, step: Step, who: str, given: dict[str, Any]) -> None:
        self._do(self.world.step, matter, step, who, given)

    def _pick(self, data: st.DataObject, among: Sequence[T], label: str) -> T:
        chosen = among[data.draw(st.integers(0, len(among) - 1), label=label)]
        note(f"{label}: {_named(chosen)}")
        return chosen

    def _open(self) -> list[Matter]:
        return [m for m in self.book.matters if m.state not in ENDS]

    def _ways(self, matter: Matter) -> dict[tuple[str, ...], list[tuple[Matter, Step, str]]]:
        """By what would be answered: every step here by everybody, and every step that is not possible here."""
        at, ways = self.world.at + SECOND, defaultdict(list)
        for step in STEPS_OF[matter.kind].values():
            if matter.state not in step.sources:
                ways[("not_in_this_state",)].append((matter, step, "staff"))
                continue
            given = self._first_sensible(matter, step)
            for who in CAST:
                ways[tuple(self.book.refusal(matter, step, who, at, given))].append((matter, step, who))
        return ways

    def _first_ways(self, matter: Matter) -> list[tuple[Matter, Step, str]]:
        """Of every step that may be taken here, the first who may."""
        first = {step.name: (m, step, who) for m, step, who in reversed(self._ways(matter)[()])}
        return list(first.values())

    def _first_sensible(self, matter: Matter, step: Step) -> dict[str, Any]:
        return {name: values(self.world, matter, name)[0] for name in step.given}

    def _sensible(self, data: st.DataObject, matter: Matter, step: Step) -> dict[str, Any]:
        return {name: self._pick(data, values(self.world, matter, name), name) for name in step.given}

    def _spoilt(self, name: str) -> list[Any]:
        day = today(self.world.at + SECOND)
        if name == "failed_number":
            return [0, 9, True, "1", None]
        if name.endswith("_date"):
            return [None, day, day - 9 * DAY, datetime(2026, 12, 1), "2026-12-01"]
        return list(WORDS)


def _named(chosen: Any) -> str:
    if isinstance(chosen, tuple):
        return ", ".join(map(_named, chosen))
    if isinstance(chosen, Matter):
        return f"{chosen.kind} {chosen.pk} in {chosen.state}"
    return str(getattr(chosen, "duty", getattr(chosen, "name", chosen)))

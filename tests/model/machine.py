"""The machine: anything may happen at any time, by anybody; after each of them product and model say the same."""

from __future__ import annotations

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.model import ending
from tests.model.acts import Acts
from tests.model.comparing import compare
from tests.model.starts import Start
from tests.model.world import World
from tests.supervision.county import County

OFTEN = {
    "work_goes_on": 6, "everybody_else_is_refused": 2, "nonsense_is_handed_over": 2, "a_stale_client_tries": 1, "a_request_comes_again": 2,
    "the_editor_completes_it": 3, "somebody_edits": 2, "somebody_attaches": 1, "somebody_handles_an_item": 4, "somebody_votes": 4,
    "somebody_looks_at_their_queue": 1, "somebody_stands_in": 2, "somebody_is_back": 1, "time_passes": 3, "the_clock_ticks": 1,
    "offices_are_looked_after": 1, "something_begins": 1,
}  # fmt: skip
"""How often each act is drawn, in parts of the whole: left alone, most examples would never leave the first states."""
CHANGES_WHO_MAY = ("somebody_edits", "somebody_handles_an_item", "somebody_stands_in", "time_passes")
ACTS = [name for name, parts in OFTEN.items() for _ in range(parts)]


class Machine(Acts, RuleBasedStateMachine):
    """One county, driven from one of the starts. Everything is rolled back with the example."""

    def __init__(self, place: County, start: Start) -> None:
        super().__init__()
        self.start = start
        self.whole = False
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.world = World(place, start.at)
        self.book = self.world.book
        self.start.begin(self.world)

    @initialize(data=st.data())
    def go_some_way(self, data: st.DataObject) -> None:
        """Some way along one of the roads that end in a deep state."""
        road = self._pick(data, self.start.texts, "road")
        for leg in self.start.legs(road):
            leg(self.world)
            self.everything_is_as_the_model_says()
        for matter in self._open():
            self.all_refusals(data, matter)
        for matter, step, who in [way for m in self._open() for way in self._first_ways(m) if way[1].given]:
            self.all_nonsense(data, matter, step, who)

    @rule(data=st.data(), act=st.sampled_from(ACTS))
    def happens(self, data: st.DataObject, act: str) -> None:
        """One act."""
        getattr(self, act)(data)
        if act in CHANGES_WHO_MAY and data.draw(st.integers(0, 2), label="and then") == 0:
            self.everybody_else_is_refused(data)

    # --- After every rule -------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        self.whole = False
        compare(self.world)
        self.whole = True

    def teardown(self) -> None:
        """What must hold at the end of every example; then nothing of it is left."""
        try:
            if self.whole:
                ending.at_the_end(self.world)
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

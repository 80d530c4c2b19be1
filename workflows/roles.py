"""Role: one object answers who may act, whose queue it is, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from organisation.actors import Actor, Capacity
from workflows.words import Text

if TYPE_CHECKING:
    from workflows.lifecycle import Duty


@dataclass(frozen=True)
class Role:
    """A post as one document sees it: `post` held in the unit that the document's field `unit` names.

    `unit=None` means that post anywhere in the institution (the performance office, the leading group).
    """

    key: str
    text: Text
    post: str
    unit: str | None = None

    def unit_of(self, document: Any) -> int | None:
        """The unit whose holder is meant on this document, or None for the whole institution."""
        return getattr(document, self.unit) if self.unit else None

    def capacities(self, actor: Actor, document: Any) -> tuple[Capacity, ...]:
        """Every capacity of the actor that fits this role on this document, own posts before those acted for."""
        unit = self.unit_of(document)
        if actor.institution_id != document.institution_id or (self.unit and unit is None):
            return ()
        places = [(self.post, unit), *self._standing_in(document)]
        fitting = (
            c
            for c in actor.capacities
            if any(c.role == post and at in (None, c.unit_id) for post, at in places)
        )
        return tuple(sorted(fitting, key=lambda c: (c.role != self.post, c.via != "post", c.post_id or 0)))

    def _standing_in(self, document: Any) -> list[tuple[str, int | None]]:
        """The next offices up that hold this role's open items, because nobody can act for it.

        `document.rerouted` is read with the document (`workflows.fire.take`): which duty is now whose.
        """
        return [
            (place["post"], place["unit"])
            for place in getattr(document, "rerouted", None) or ()
            if (duty := document.lifecycle.duty(place["duty"])) is not None and duty.role.key == self.key
        ]

    def owes(self, zh: str, en: str, *, within: str) -> Duty:
        """A duty of this role, to be done within the deadline rule `within` of the document's scheme."""
        from workflows.lifecycle import Duty

        return Duty(self, Text(zh, en), within)

    def who_did(self, step: str) -> DoerOf:
        """Of this role, only the person who took `step` last: the one who may recall it."""
        return DoerOf(self.key, self.text, self.post, self.unit, step)


@dataclass(frozen=True)
class DoerOf(Role):
    """The person who brought the document into its present state by the named step."""

    step: str = ""

    def capacities(self, actor: Actor, document: Any) -> tuple[Capacity, ...]:
        if document.moved_step != self.step or document.moved_by_id != actor.person_id:
            return ()
        return super().capacities(actor, document)


CLOCK = Role("clock", Text("系统时钟", "the clock"), "clock")
"""A step that the sweep takes because a date was reached; only `clock_of()` holds this post."""

ROUND = Role("round", Text("会签结果", "the outcome of the round"), "round")
"""A step that a round's last vote takes; only `workflows.rounds` acts with this post."""

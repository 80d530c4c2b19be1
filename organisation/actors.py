"""Who acts, and in which capacity (R9: one person may hold several posts; the screen always names the one used)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Capacity:
    """One post that a person may act for on a day.

    `via` is "post" (one's own), "delegation" or "absence" (as the named substitute); `holder_id` is whose post it is.
    """

    post_id: int | None
    role: str
    unit_id: int | None
    holder_id: int | None
    via: str = "post"


@dataclass(frozen=True)
class Actor:
    """A person with the capacities of one day, loaded once a request; or the clock, which is nobody."""

    person_id: int | None
    institution_id: int
    name: str
    capacities: tuple[Capacity, ...] = ()
    clock: bool = False


def clock_of(institution_id: int) -> Actor:
    """The system itself, acting because a date was reached."""
    return Actor(None, institution_id, "clock", (Capacity(None, "clock", None, None, "clock"),), clock=True)

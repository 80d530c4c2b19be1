"""How big the tests of chaos are: small in `make test`, whole in `make chaos` (DUBAN_CHAOS=full)."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Every size in one place. Times are seconds."""

    name: str
    # Kill
    wave: int
    """Orders that come in during one life of a worker: four steps each."""
    falls: int
    """Processes that must have died at its failpoint before a life ends."""
    random_kills: int
    """Pool processes killed at random in a life without a failpoint."""
    random_lives: int
    """Such lives; each ends with the kill of the whole worker."""
    cases: int
    """Orders that mortal deciders carry through their steps."""
    decider_kills: int
    clients: int
    requests: int
    """Decisions of each client at the web server."""
    web_kills: int
    mails: int
    deliverer_kills: int
    pauses: int
    """Deliverers stopped beyond their lease."""
    rounds_of_run: int
    """Times that a whole `make run` is killed; each of its processes is killed in between."""
    # Cut
    broker_frozen: float
    database_crashes: int
    database_gone: float
    beat_kills: int
    beats_seconds: float
    mails_at_fault: int
    # Race
    racers: int
    race_rounds: int
    answer_within: float
    """p99 of a hundred answers; the short one shares its machine with other tests."""
    countersigns: int
    controls: int
    bulk: int
    same_request: int
    # Time and the rest
    outage_items: int
    poisoned_among: int
    restored_items: int


SHORT = Scale(
    name="short", wave=25, falls=2, random_kills=4, random_lives=1, cases=12, decider_kills=6, clients=8, requests=12, web_kills=3,
    mails=40, deliverer_kills=5, pauses=2, rounds_of_run=2, broker_frozen=2.0, database_crashes=1, database_gone=0.5, beat_kills=1,
    beats_seconds=6.0, mails_at_fault=6, racers=12, race_rounds=1, answer_within=20.0, countersigns=2, controls=2, bulk=24, same_request=12,
    outage_items=60, poisoned_among=40, restored_items=40,
)  # fmt: skip
FULL = Scale(
    name="full", wave=220, falls=25, random_kills=40, random_lives=4, cases=1300, decider_kills=250, clients=8, requests=60, web_kills=25,
    mails=1000, deliverer_kills=120, pauses=60, rounds_of_run=10, broker_frozen=60.0, database_crashes=20, database_gone=600.0, beat_kills=30,
    beats_seconds=40.0, mails_at_fault=300, racers=100, race_rounds=10, answer_within=2.0, countersigns=300, controls=30, bulk=500, same_request=50,
    outage_items=5000, poisoned_among=400, restored_items=1000,
)  # fmt: skip

SCALE = FULL if os.environ.get("DUBAN_CHAOS") == "full" else SHORT
SEED = int(os.environ.get("DUBAN_CHAOS_SEED", "20261124"))
"""Who is killed when; another one by DUBAN_CHAOS_SEED."""

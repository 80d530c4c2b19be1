"""What a scenario of chaos did: its raw history, a line an event, and the figures that are held against their bounds.

`make chaos` keeps both in the folder that DUBAN_CHAOS_RECORDS names, for the report (report.py); otherwise they are gone
with the test.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One figure with its bound in words; `catalogue` is the row of the catalogue that asks for it."""

    catalogue: str
    what: str
    measured: str
    bound: str = ""


@dataclass
class Record:
    """Of one scenario. Events may come from any thread."""

    name: str
    title: str
    begun: float = field(default_factory=time.monotonic)
    figures: list[Figure] = field(default_factory=list)
    shares: dict[str, float] = field(default_factory=dict)
    points: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def event(self, event: str, /, **details: Any) -> None:
        """One line of the raw history, with the seconds since the scenario began."""
        told = {"s": round(time.monotonic() - self.begun, 4), "event": event, **details}
        with self._lock:
            self.lines.append(json.dumps(told, ensure_ascii=False, default=str))

    def figure(self, catalogue: str, what: str, measured: object, bound: str = "") -> None:
        """A figure of which nothing is demanded here."""
        self.figures.append(Figure(catalogue, what, str(measured), bound))

    def exactly(self, catalogue: str, what: str, measured: object, wanted: object, why: object = "") -> None:
        """A figure that must be this."""
        self.figure(catalogue, what, measured, f"{wanted}")
        assert measured == wanted, f"{what}: {measured}, not {wanted}. {why}"

    def most(self, catalogue: str, what: str, measured: float, bound: float, unit: str = "") -> None:
        """A figure that must not be greater."""
        self.figure(catalogue, what, f"{measured:g}{unit}", f"at most {bound:g}{unit}")
        assert measured <= bound, f"{what}: {measured}{unit}, more than {bound}{unit}"

    def least(self, catalogue: str, what: str, measured: float, bound: float, unit: str = "") -> None:
        """A figure that must not be smaller."""
        self.figure(catalogue, what, f"{measured:g}{unit}", f"at least {bound:g}{unit}")
        assert measured >= bound, f"{what}: {measured}{unit}, less than {bound}{unit}"

    def towards(self, demand: str, number: float) -> None:
        """What this scenario adds to a demand on the whole run (report.DEMANDS)."""
        self.shares[demand] = self.shares.get(demand, 0) + number

    def keep(self, passed: bool) -> None:
        """Write it down for the report, when one is being made."""
        if not (folder := os.environ.get("DUBAN_CHAOS_RECORDS")):
            return
        where, name = Path(folder), re.sub(r"\W+", "-", self.name).strip("-")
        where.mkdir(parents=True, exist_ok=True)
        history = "".join(line + "\n" for line in self.lines).encode()
        (where / f"{name}.jsonl").write_bytes(history)
        told = {
            "name": name, "title": self.title, "passed": passed, "seconds": round(time.monotonic() - self.begun, 1),
            "events": len(self.lines), "sha256": hashlib.sha256(history).hexdigest(), "figures": [asdict(f) for f in self.figures],
            "shares": self.shares, "points": sorted(self.points),
        }  # fmt: skip
        (where / f"{name}.json").write_text(json.dumps(told, ensure_ascii=False, indent=1))


def percentile(seconds: list[float], share: float) -> float:
    """The time that this share did not exceed; 0.0 of none."""
    ordered = sorted(seconds)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3) if ordered else 0.0

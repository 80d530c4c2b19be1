"""One client process: `python -m benchmarks.worker MODULE URL`. Speaks JSON lines on stdin and stdout (see clients.py).

Runs under the peers' own interpreters too, so it imports the standard library only; the system's module imports the rest.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol


class System(Protocol):
    """What a module of `benchmarks.systems` offers as `System`. `documents` are the drafts not yet walked."""

    documents: deque[Any]
    steps: Sequence[Callable[[Any], None]]
    """One approval step each, in a transaction of its own, by another person."""

    def __init__(self, url: str) -> None: ...

    def lay(self) -> None:
        """Once for a database: tables, people, permissions."""

    def open(self, number: int) -> None:
        """Once for a client: connect, load the people."""

    def prepare(self, documents: int) -> None:
        """Make so many drafts; never timed."""

    def report(self) -> None:
        """Have the server count by now what this session did."""

    def check(self) -> int:
        """How many documents have taken all steps."""


def run(system: System, seconds: float, start: float, limit: int | None = None) -> dict[str, Any]:
    """Walk drafts through all their steps for `seconds` from the instant `start` of the monotonic clock, or `limit` steps.

    Gives the steps taken, the seconds they took, this process's CPU seconds, and each step's latency in microseconds.
    """
    steps = system.steps
    latencies: list[int] = []
    while (wait := start - time.monotonic()) > 0:
        time.sleep(wait)
    clock, until = time.perf_counter, time.perf_counter() + seconds
    begun, cpu = clock(), time.process_time()
    before = begun
    while system.documents and before < until and (limit is None or len(latencies) < limit):
        document = system.documents.popleft()
        for step in steps:
            step(document)
            now = clock()
            latencies.append(round((now - before) * 1e6))
            before = now
    return {
        "steps": len(latencies),
        "seconds": before - begun,
        "cpu": time.process_time() - cpu,
        "latencies": latencies,
        "dry": not system.documents and before < until,
    }


def main() -> None:
    """Answer calls until stdin ends: {"call": name, "with": {...}} with {"gave": ...} or {"raised": ...}."""
    # What a library prints must not stand between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, url = sys.argv[1:]
    os.environ["BENCHMARK_URL"] = url  # for what must know it when it is imported
    system = importlib.import_module(module).System(url)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if asked["call"] == "run":
                gave: Any = run(system, **asked["with"])
            elif asked["call"] == "stock":
                gave = system.prepare(max(0, asked["with"]["documents"] - len(system.documents)))
            else:
                gave = getattr(system, asked["call"])(**asked["with"])
            answer: dict[str, Any] = {"gave": gave}
        except Exception:
            answer = {"raised": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

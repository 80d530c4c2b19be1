"""Client processes: several of one system at once, each a process and a connection of its own, asked by JSON lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import home
from config.processes import command_of


class ClientFailed(RuntimeError):
    """A client process raised or ended; the message is what it said."""


class Client:
    """One process of one system. It ends with us, however we end."""

    def __init__(
        self, module: str, url: str, python: Path, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.module, self.log = module, log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command_of(
                    [str(python), "-m", "benchmarks.worker", module, url], at_parents_death=signal.SIGKILL
                ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=home.ROOT,
                env=_clean() | dict(environment or {}),
            )

    def ask(self, call: str, **arguments: Any) -> None:
        """Send a call; `answer` waits for what came of it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"call": call, "with": arguments}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        """What the oldest unanswered call gave. Raises ClientFailed."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise ClientFailed(f"{self.module} ended: {self.log.read_text(errors='replace')[-2000:]}")
        said = json.loads(line)
        if "raised" in said:
            raise ClientFailed(f"{self.module}: {said['raised']}")
        return said["gave"]

    def do(self, call: str, **arguments: Any) -> Any:
        """Call and wait."""
        self.ask(call, **arguments)
        return self.answer()

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it; returns when it is gone, so that the server has its last figures."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def _clean() -> dict[str, str]:
    """Our environment without what a shell, Django or Duban might have put into it."""
    strange = ("DUBAN_", "DJANGO_", "PYTHON", "PG", "VIRTUAL_ENV", "DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)}


@dataclass(frozen=True)
class Ran:
    """What several clients did at once."""

    steps: int
    rate: float  # steps a second, all clients together
    cpu: float  # seconds, the clients' processes
    latencies: list[int]  # microseconds
    dry: bool  # some client ran out of drafts, so it measured for less than was asked


def together(clients: Sequence[Client], call: str, **arguments: Any) -> list[Any]:
    """The same call to all of them at once."""
    for client in clients:
        client.ask(call, **arguments)
    return [client.answer() for client in clients]


def run(clients: Sequence[Client], seconds: float, limit: int | None = None) -> Ran:
    """Let all of them take steps at once, beginning at one instant."""
    return gather(together(clients, "run", seconds=seconds, start=time.monotonic() + 0.03, limit=limit))


def gather(said: Iterable[Mapping[str, Any]]) -> Ran:
    """What the clients' answers amount to."""
    answers = list(said)
    return Ran(
        steps=sum(a["steps"] for a in answers),
        rate=sum(a["steps"] / a["seconds"] for a in answers if a["seconds"]),
        cpu=sum(a["cpu"] for a in answers),
        latencies=[latency for a in answers for latency in a["latencies"]],
        dry=any(a["dry"] for a in answers),
    )

"""What the parts of the benchmark share: the ground, the systems with their databases and clients, and one figure of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from benchmarks import clients, environments
from benchmarks.catalogue import DUBAN, SYSTEMS, Measured
from benchmarks.clients import Client, Ran
from benchmarks.ground import FOLDER, Count, Ground


@dataclass
class Lab:
    """One run. `seconds` of a cell and the number of rounds are the parts' own affair; `quick` asks for the least."""

    ground: Ground
    quick: bool = False
    seed: int = 20261128
    missing: dict[str, str] = field(default_factory=dict)
    """Systems that could not be measured, and why."""
    _pools: dict[str, list[Client]] = field(default_factory=dict)
    _rates: dict[tuple[str, int], float] = field(default_factory=dict)
    _has_duban: bool = False

    def lay_duban(self) -> str:
        """The migrated database with the county; made once. Gives its name, for copies."""
        if not self._has_duban:
            url = self.ground.make(DUBAN)
            few = {"BENCHMARK_UNITS": "10"} if self.quick else {}
            client = self._client(replace(SYSTEMS["duban"], variables=few), url)
            client.do("lay")
            client.close()
            self._has_duban = True
        return DUBAN

    @contextmanager
    def systems(self, *keys: str) -> Iterator[list[str]]:
        """A fresh database for each of these, laid; gives those that are there. They are dropped afterwards,
        unless something failed: then the whole server goes."""
        there = []
        try:
            for key in keys:
                system = SYSTEMS[key]
                try:
                    environments.interpreter(system.python)
                except environments.CannotInstall as reason:
                    self.missing[key] = str(reason)
                    continue
                if system.copies == DUBAN:
                    self.lay_duban()
                url = self.ground.make(key, system.copies)
                if system.copies != DUBAN:
                    client = self._client(system, url)
                    client.do("lay")
                    client.close()
                there.append(key)
            yield there
        except BaseException:
            for (
                key
            ) in there:  # the server with its databases is about to go: nothing to be tidied but processes
                for client in self._pools.pop(key, []):
                    client.kill()
            raise
        for key in there:
            for client in self._pools.pop(key, []):
                client.close()
            self.ground.drop(key)

    def clients(self, key: str, many: int) -> list[Client]:
        """So many open clients of a system; started when first asked for, and kept."""
        pool = self._pools.setdefault(key, [])
        new = [self._client(SYSTEMS[key], self.ground.url(key)) for _ in range(many - len(pool))]
        for number, client in enumerate(new, start=len(pool)):
            client.ask("open", number=number)
        for client in new:
            client.answer()
        pool += new
        return pool[:many]

    def run(self, key: str, many: int, seconds: float, steps: int = 3) -> dict[str, float]:
        """The figures of one cell: so many clients for so long, each with drafts enough, made before.

        `rate` is steps a second of all clients together; `client_cpu` and `server_cpu` are seconds a step, `p50` seconds;
        `dry` is 1 when some client ran out of drafts before its time.
        """
        crew = self.clients(key, many)
        expected = self._rates.get((key, many)) or self._rates.get((key, 1), 40.0) / min(many, 2)
        drafts = math.ceil(1.4 * expected * seconds / steps) + 2
        clients.together(crew, "stock", documents=drafts)
        figures = self.timed(lambda: clients.run(crew, seconds))
        self._rates[key, many] = max(self._rates.get((key, many), 0.0), figures["rate"] / many)
        return figures

    def timed(self, work: Callable[[], Ran]) -> dict[str, float]:
        """The figures of what clients do at once."""
        before = self.ground.cpu_seconds()
        ran = work()
        server = self.ground.cpu_seconds() - before
        if not ran.steps:
            raise clients.ClientFailed("not a single step was taken")
        ordered = sorted(ran.latencies)
        return {
            "rate": ran.rate, "client_cpu": ran.cpu / ran.steps, "server_cpu": server / ran.steps,
            "cpu": (ran.cpu + server) / ran.steps, "p50": ordered[len(ordered) // 2] / 1e6, "steps": float(ran.steps),
            "dry": float(ran.dry),
        }  # fmt: skip

    def counted(self, key: str, documents: int, turns: Sequence[int] = ()) -> list[dict[str, float]]:
        """What a step costs in statements, rows and WAL, counted with a client of its own: after as many documents that do
        not count, twice, of which the lower WAL stands; or once for each of the `turns` that the system takes.

        Raises ClientFailed when the documents did not come to their end: a system that does nothing is fast.
        """
        found: list[dict[str, float]] = []
        with self.ground.log_statements(key):
            client = self._client(SYSTEMS[key], self.ground.url(key))
            client.do("open", number=9)  # no measuring client has this number, so their documents are others
            if not turns:
                client.do("prepare", documents=documents)
                clients.run([client], 3600)
            ended = client.do("check")
            for turn in turns or (0, 0):
                if not turns or not found:
                    client.do("prepare", documents=documents)
                if turns:
                    client.do("turn", number=turn)
                client.do("report")
                with self.ground.count(key) as count:
                    ran = clients.run([client], 3600)
                    client.do("report")
                found.append(_a_step(count, ran))
            ended = client.do("check") - ended
            client.close()
        if ended < 0.9 * documents * (1 if turns else 2):
            raise clients.ClientFailed(f"{key}: only {ended} documents came to their end")
        return found if turns else [min(found, key=lambda each: each["wal"])]

    def _client(self, system: Measured, url: str) -> Client:
        log = FOLDER / "server" / "log" / f"{system.key}.log"
        return Client(system.module, url, environments.interpreter(system.python), log, system.variables)


def _a_step(count: Count, ran: Ran) -> dict[str, float]:
    return {name: value / ran.steps for name, value in vars(count).items()}

"""Votes in a round, one client: one that decides nothing, and the one that ends the round, beside a plain step of viewflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks import clients, pages
from benchmarks.interleaved import Sample, Spread, interleave, median, ratio
from benchmarks.lab import Lab
from benchmarks.pages import Goal, Section

TURNS = {
    "first": "a vote that decides nothing",
    "last": "the vote that ends the round: the plan approved, two measures opened",
}


def measure(lab: Lab) -> Section:
    """About two minutes; quick: half a one."""
    plans = 6 if lab.quick else 20
    with lab.systems("duban_votes", "viewflow", "viewflow_lock", "duban") as keys:
        counts = dict(zip(TURNS, lab.counted("duban_votes", plans, turns=(0, 1)), strict=True))

        def cell(name: str) -> Mapping[str, float]:
            if name != "votes":
                return lab.run(name, 1, 0.2 if lab.quick else 0.5)
            (client,) = lab.clients("duban_votes", 1)
            client.do("prepare", documents=plans)
            figures: dict[str, float] = {}
            for number, turn in enumerate(TURNS):
                client.do("turn", number=number)
                measured = lab.timed(lambda: clients.run([client], 60))
                figures |= {f"{turn} {figure}": value for figure, value in measured.items()}
            return figures

        cells = ["votes", *(key for key in keys if key != "duban_votes")]
        for name in cells:
            cell(name)
        samples = interleave(cells, cell, seed=lab.seed, seconds=6 if lab.quick else 100)
    return section(samples, counts)


def section(samples: Sequence[Sample], counts: Mapping[str, Mapping[str, float]]) -> Section:
    """What was measured, as a part of the page."""

    def beside(turn: str, other: str, figure: str = "rate") -> Spread | None:
        return ratio(samples, f"{turn} {figure}", "votes", other, figure)

    found = Section("Votes in a round")
    found.lines += [f"{len({sample.round for sample in samples})} rounds, 1 client. The leading group decides on a rectification plan, two must"
                    " agree. Ratio: votes a second beside steps a second in the same round.", ""]  # fmt: skip
    head = ["vote", "SQL / with BEGIN, COMMIT, savepoints", "rows + / ~", "WAL B", "votes/s (median)", "CPU µs: client + server", "p50 ms",
            "to a viewflow step", "to a viewflow step with its lock", "to a Duban step"]  # fmt: skip
    rows = [
        [
            text, f"{counts[turn]['statements']:.1f} / {counts[turn]['statements'] + counts[turn]['framing']:.1f}",
            f"{counts[turn]['inserted']:.1f} / {counts[turn]['updated']:.1f}", f"{counts[turn]['wal']:,.0f}",
            pages.short(median(samples, "votes", f"{turn} rate")),
            f"{pages.micro(median(samples, 'votes', f'{turn} client_cpu'))} + {pages.micro(median(samples, 'votes', f'{turn} server_cpu'))}",
            pages.milli(median(samples, "votes", f"{turn} p50")),
            *(pages.number(beside(turn, other)) for other in ("viewflow", "viewflow_lock", "duban")),
        ]
        for turn, text in TURNS.items()
    ]  # fmt: skip
    found.lines += pages.table(head, rows)
    found.goals = [
        Goal("a vote that decides nothing beside a plain viewflow step: faster", 1.0,
             {"no lock": beside("first", "viewflow"), "with its lock": beside("first", "viewflow_lock")}),
    ]  # fmt: skip
    return found

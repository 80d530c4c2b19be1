"""One approval step: 1, 2 and 8 client processes on documents of their own, every system in every round."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import pages
from benchmarks.catalogue import GUARANTEES, SYSTEMS
from benchmarks.interleaved import Sample, Spread, interleave, median, ratio
from benchmarks.lab import Lab
from benchmarks.pages import Goal, Section

KEYS = (
    "floor_simple", "floor_own", "floor_apart", "duban", "viewflow", "viewflow_lock", "fsm_log", "joeflow", "spiff", "river",
)  # fmt: skip
FLOOR = "floor_own"


def measure(lab: Lab) -> Section:
    """About seven minutes; quick: one."""
    crowds = (1, 2) if lab.quick else (1, 2, 8)
    with lab.systems(*KEYS) as keys:
        counts = {key: lab.counted(key, 4 if lab.quick or key == "river" else 30)[0] for key in keys}
        cells = {f"{key} {many}": (key, many) for key in keys for many in crowds}
        for key, many in cells.values():
            lab.run(
                key, many, 0.1 if lab.quick else 0.5
            )  # warm: clients started, statements prepared, rates known
        samples = interleave(
            list(cells), lambda cell: lab.run(*cells[cell], seconds=0.2 if lab.quick else 1.0),
            seed=lab.seed, seconds=20 if lab.quick else 360,
        )  # fmt: skip
    return section(samples, counts, keys, crowds)


def section(
    samples: Sequence[Sample], counts: dict[str, dict[str, float]], keys: Sequence[str], crowds: Sequence[int]
) -> Section:
    """What was measured, as a part of the page."""

    def against(key: str, other: str, many: int, figure: str = "rate") -> Spread | None:
        return ratio(samples, figure, f"{key} {many}", f"{other} {many}")

    def beside(other: str) -> dict[str, Spread | None]:
        return {_clients(many): against("duban", other, many) for many in crowds}

    rounds = len({sample.round for sample in samples})
    found = Section("One step")
    found.lines += [f"{rounds} rounds; a document each, draft → submitted → reviewed → approved, each step by another person in a transaction"
                    " of its own. Ratio: steps a second beside the own floor in the same round."
                    f" In {sum(sample.figures['dry'] > 0 for sample in samples)} of {len(samples)} cells a client ran out of drafts"
                    " and measured for less than its time.", ""]  # fmt: skip
    head = ["system", "SQL / with BEGIN, COMMIT, savepoints", "rows + / ~", "WAL B", f"steps/s, {' / '.join(map(str, crowds))} clients (median)",
            *(f"ratio, {_clients(many)}" for many in crowds), "CPU µs a step, 1 client: client + server", "CPU ratio", "p50 ms, 1 client"]  # fmt: skip
    rows = []
    for key in keys:
        count = counts[key]
        rows.append([
            SYSTEMS[key].title, f"{count['statements']:.1f} / {count['statements'] + count['framing']:.1f}",
            f"{count['inserted']:.1f} / {count['updated']:.1f}", f"{count['wal']:,.0f}",
            " / ".join(pages.short(median(samples, f"{key} {many}", "rate")) for many in crowds),
            *(pages.number(against(key, FLOOR, many)) for many in crowds),
            f"{pages.micro(median(samples, f'{key} 1', 'client_cpu'))} + {pages.micro(median(samples, f'{key} 1', 'server_cpu'))}",
            pages.number(against(key, FLOOR, 1, "cpu")), pages.milli(median(samples, f"{key} 1", "p50")),
        ])  # fmt: skip
    found.lines += pages.table(head, rows)
    others = [key for key in keys if key != "duban"]
    found.lines += ["Duban beside each, steps a second in the same round:", ""]
    found.lines += pages.table(
        ["system", *map(_clients, crowds)],
        [[SYSTEMS[key].title, *(pages.number(spread) for spread in beside(key).values())] for key in others],
    )
    found.lines += ["What a step of each does and leaves out. The way of the documents differs accordingly: Duban's is the quarterly report"
                    " handed in by the unit's staff, signed by its head, accepted by the performance office.", ""]  # fmt: skip
    found.lines += pages.table(
        ["system", *GUARANTEES],
        [[SYSTEMS[key].title, *(SYSTEMS[key].has[name] for name in GUARANTEES)] for key in keys],
    )
    found.goals = [
        Goal("a step beside the own floor", 0.6, beside(FLOOR)),
        Goal("a step beside viewflow without a lock", 4, beside("viewflow")),
        Goal("a step beside viewflow with its lock", 4, beside("viewflow_lock")),
        Goal("a step beside joeflow", 4, beside("joeflow")),
        Goal("a step beside django-fsm-2 with its log", 2.5, beside("fsm_log")),
    ]
    return found


def _clients(many: int) -> str:
    return f"{many} client{'s' if many > 1 else ''}"

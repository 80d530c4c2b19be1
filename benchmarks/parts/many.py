"""1,000 documents at once, 30 of them refused: fire_many() beside the set-based floor and beside fire() one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks import clients, pages
from benchmarks.catalogue import SYSTEMS
from benchmarks.interleaved import Sample, interleave, median, ratio
from benchmarks.lab import Lab
from benchmarks.pages import Goal, Section

BATCH = 1000
KEYS = {"duban_many": BATCH, "floor_many": BATCH, "duban_each": 1}
"""Systems, and how many documents a step of theirs is."""


def measure(lab: Lab) -> Section:
    """About two and a half minutes; quick: half a one."""
    singles = 40 if lab.quick else 200
    with lab.systems(*KEYS):
        counts = {key: lab.counted(key, 1 if of > 1 else singles)[0] for key, of in KEYS.items()}

        def cell(key: str) -> Mapping[str, float]:
            (client,) = lab.clients(key, 1)
            client.do("stock", documents=1 if KEYS[key] > 1 else singles)
            figures = lab.timed(lambda: clients.run([client], 60))
            of = KEYS[key]
            return {name: value * of if name == "rate" else value / of for name, value in figures.items()}

        for key in KEYS:
            cell(key)
        samples = interleave(list(KEYS), cell, seed=lab.seed, seconds=6 if lab.quick else 120)
    return section(samples, counts)


def section(samples: Sequence[Sample], counts: Mapping[str, Mapping[str, float]]) -> Section:
    """What was measured, as a part of the page. Figures are per document asked for, those refused included."""
    found = Section("1,000 documents at once")
    found.lines += [f"{len({sample.round for sample in samples})} rounds, 1 client: supervision orders submitted for signature, 3 in 100 refused because they"
                    " list no criteria. Everything is per document. The floor is told which are refused.", ""]  # fmt: skip
    head = ["way", "SQL for 1,000", "rows + / ~", "WAL B", "documents/s (median)", "ratio to the own floor", "ratio to fire() one by one",
            "CPU µs: client + server", "CPU ratio to the own floor", "ms for 1,000"]  # fmt: skip
    rows = []
    for key, of in KEYS.items():
        count = counts[key]
        p50 = median(samples, key, "p50")
        rows.append([
            SYSTEMS[key].title, pages.short(count["statements"] * BATCH / of), f"{count['inserted'] / of:.2f} / {count['updated'] / of:.2f}",
            f"{count['wal'] / of:,.0f}", pages.short(median(samples, key, "rate")), pages.number(ratio(samples, "rate", key, "floor_many")),
            pages.number(ratio(samples, "rate", key, "duban_each")),
            f"{pages.micro(median(samples, key, 'client_cpu'))} + {pages.micro(median(samples, key, 'server_cpu'))}",
            pages.number(ratio(samples, "cpu", key, "floor_many")), pages.short(p50 and p50 * 1e3 * BATCH),
        ])  # fmt: skip
    found.lines += pages.table(head, rows)
    found.goals = [
        Goal("fire_many() beside the set-based own floor", 0.5, {"": ratio(samples, "rate", "duban_many", "floor_many")}),
        Goal("a document of fire_many() beside one of fire()", 15, {"": ratio(samples, "rate", "duban_many", "duban_each")}),
    ]  # fmt: skip
    return found

"""What reading costs as the backlog grows: the first page of a queue, its counts, the pages through HTTP, the board, beside
the raw keyset statement and beside viewflow's own Queue page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import pages
from benchmarks.catalogue import CROWDS, VIEWFLOW_CROWDS
from benchmarks.interleaved import Sample, Spread, interleave, median, ratio
from benchmarks.lab import Lab
from benchmarks.pages import Goal, Section

WHATS = {
    "raw": "raw keyset, first 50",
    "page": "queue(), first 50",
    "counts": "queue_counts()",
    "queue": "the queue page, HTTP",
    "board": "the board, HTTP",
}
TIMES = {"raw": 9, "page": 9, "counts": 9, "queue": 3, "board": 1}


def measure(lab: Lab) -> Section:
    """A quarter of an hour, most of it seeding the million; quick: two minutes on the smallest two."""
    sizes = sorted(CROWDS)[: 2 if lab.quick else None]
    peers = [size for size in sorted(VIEWFLOW_CROWDS) if size in sizes]
    with lab.systems(*(CROWDS[size] for size in sizes), *(VIEWFLOW_CROWDS[size] for size in peers)) as there:
        counted: dict[str, int] = {}
        seeded: dict[str, float] = {}
        plans: dict[int, Mapping[str, Any]] = {}
        for size in sizes:
            key = CROWDS[size]
            (client,) = lab.seeded(key, size, seeded)
            counted |= {
                f"{what} {size}": len(client.do("statements", what=what))
                for what in ("page", "counts", "queue", "board")
            }
            plans[size] = client.do("nothing_due")
        for size in peers:
            if VIEWFLOW_CROWDS[size] in there:
                (client,) = lab.seeded(VIEWFLOW_CROWDS[size], size, seeded)
                counted[f"viewflow {size}"] = len(client.do("statements", what="queue"))
        cells = {f"{what} {size}": (CROWDS[size], what) for size in sizes for what in WHATS}
        cells |= {
            f"viewflow {size}": (VIEWFLOW_CROWDS[size], "queue")
            for size in peers
            if VIEWFLOW_CROWDS[size] in there
        }

        def cell(name: str) -> Mapping[str, float]:
            key, what = cells[name]
            (client,) = lab.clients(key, 1)
            figures: Mapping[str, float] = client.do(
                "read", what=what, times=1 if name.startswith("viewflow") else TIMES[what]
            )
            return figures

        samples = interleave(list(cells), cell, seed=lab.seed, seconds=10 if lab.quick else 240)
    return section(samples, sizes, counted, seeded, plans)


def section(
    samples: Sequence[Sample],
    sizes: Sequence[int],
    counted: Mapping[str, int],
    seeded: Mapping[str, float],
    plans: Mapping[int, Mapping[str, Any]],
) -> Section:
    """What was measured, as a part of the page."""
    small, large = sizes[0], sizes[-1]
    found = Section("Queue and board over a backlog")
    found.lines += [f"{len({sample.round for sample in samples})} rounds, 1 client. {', '.join(f'{size:,}' for size in sizes)} open items in 2,000 units;"
                    " a person of the supervision office, who has claimed one item in 400 and may claim one in four.", ""]  # fmt: skip
    head = [
        "reading",
        "SQL",
        *(f"ms at {size:,}" for size in sizes),
        "to raw, " + " / ".join(f"{size:,}" for size in sizes),
        f"{large:,} to {small:,}",
    ]
    rows: list[Sequence[object]] = []
    for what, text in WHATS.items():
        rows.append([
            text, counted.get(f"{what} {large}", 1), *(pages.milli(median(samples, f"{what} {size}", "seconds")) for size in sizes),
            " / ".join(pages.number(_to(samples, what, "raw", size)) for size in sizes), pages.number(ratio(samples, "seconds", f"{what} {large}", f"{what} {small}")),
        ])  # fmt: skip
    peers = [size for size in sizes if f"viewflow {size}" in counted]
    if peers:
        rows.append(
            [
                "viewflow's Queue page, HTTP",
                counted[f"viewflow {peers[-1]}"],
                *(pages.milli(median(samples, f"viewflow {size}", "seconds")) for size in sizes),
                "",
                "",
            ]
        )
    found.lines += pages.table(head, rows)
    found.lines += [f"A sweep with nothing due reads {plan['rows']:g} rows and touches {plan['buffers']} buffers at {size:,} items: {', '.join(plan['reads'])}."
                    for size, plan in plans.items()] + [""]  # fmt: skip
    found.lines += [
        f"Seeding took {', '.join(f'{seconds:.0f} s ({key})' for key, seconds in seeded.items())}.",
        "",
    ]
    beside = {f"{size:,}": _to(samples, "page", "raw", size) for size in sizes}
    found.goals = [
        Goal("first page of a queue beside the raw keyset statement, time", 6, beside, at_most=True),
        Goal(f"first page of a queue, {large:,} items beside {small:,}", 1.5, {"": ratio(samples, "seconds", f"page {large}", f"page {small}")}, at_most=True),
        Goal(f"the queue page through HTTP, {large:,} items beside {small:,}", 1.5, {"": ratio(samples, "seconds", f"queue {large}", f"queue {small}")}, at_most=True),
        Goal("statements of the queue page", 12, {f"{size:,}": _exactly(counted[f"queue {size}"]) for size in sizes}, at_most=True),
        Goal("statements of the board", 12, {f"{size:,}": _exactly(counted[f"board {size}"]) for size in sizes}, at_most=True),
    ]  # fmt: skip
    if large > sizes[-2] >= 100_000:
        found.goals.append(
            Goal(
                f"the board, {large:,} items beside {sizes[-2]:,}",
                2,
                {"": ratio(samples, "seconds", f"board {large}", f"board {sizes[-2]}")},
                at_most=True,
            )
        )
    found.goals += [
        Goal(f"the queue page beside viewflow's Queue page at {size:,}: faster", 100 if size >= 1_000_000 else 10,
             {"": ratio(samples, "rate", f"queue {size}", f"viewflow {size}")}) for size in peers if size >= 100_000
    ]  # fmt: skip
    return found


def _to(samples: Sequence[Sample], what: str, other: str, size: int) -> Spread | None:
    return ratio(samples, "seconds", f"{what} {size}", f"{other} {size}")


def _exactly(count: int) -> Spread:
    return Spread(count, count, count, 1)

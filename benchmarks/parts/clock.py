"""The sweep of what falls due at one second, and the verification of the ledger: beside raw SQL, loops and bare hashing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks import pages
from benchmarks.catalogue import SWEPT, SWEPT_FEW, VIEWFLOW_TIMERS
from benchmarks.interleaved import Sample, interleave, median, ratio
from benchmarks.lab import Lab
from benchmarks.pages import Goal, Section

WAYS = {
    "raw": "raw SQL: one statement over all that is due", "sweep": "**Duban**: sweep()", "loop": "Django: load, create and save each, a transaction each",
    "viewflow": "viewflow: fire_due_timers()",
}  # fmt: skip


def measure(lab: Lab) -> Section:
    """Ten minutes, half of it seeding; quick: one and a half on 100,000 items, a tenth as many due."""
    items = 100_000 if lab.quick else 1_000_000
    due, few = items // 100, 100 if lab.quick else 500
    with lab.systems(SWEPT, SWEPT_FEW, VIEWFLOW_TIMERS) as there:
        seeded: dict[str, float] = {}
        verified = {}
        for size, key in (
            (10_000, SWEPT_FEW),
            (items, SWEPT),
        ):  # now: what raw SQL writes later does not verify
            lab.seeded(key, size, seeded)
            client = lab.fresh(key)
            verified[key] = client.do("verify")
            verified[key] |= {"hashing": client.do("hash_alone")["seconds"]}
            client.close()
        if VIEWFLOW_TIMERS in there:
            lab.seeded(VIEWFLOW_TIMERS, items, seeded, timers=True)
        (client,) = lab.clients(SWEPT, 1)
        statements = len(client.do("sweep_statements", most=due))

        def cell(way: str) -> Mapping[str, float]:
            if way == "idle":
                (client,) = lab.clients(SWEPT, 1)
                idle: Mapping[str, float] = client.do("idle")
                return idle
            (client,) = lab.clients(VIEWFLOW_TIMERS if way == "viewflow" else SWEPT, 1)
            figures: Mapping[str, float] = client.do(
                "fall_due", way=way, most=due if way in ("raw", "sweep") else few
            )
            return figures

        ways = [way for way in WAYS if way != "viewflow" or VIEWFLOW_TIMERS in there]
        samples = interleave([*ways, "idle"], cell, seed=lab.seed, seconds=20 if lab.quick else 180)
    return section(samples, items, due, statements, verified)


def section(
    samples: Sequence[Sample],
    items: int,
    due: int,
    statements: int,
    verified: Mapping[str, Mapping[str, float]],
) -> Section:
    """What was measured, as a part of the page."""
    found = Section("What falls due, and the ledger")
    found.lines += [f"{len({sample.round for sample in samples})} rounds: {items:,} armed items, {due:,} of which fall due at one second, each with an entry, a"
                    " notice and its next step. The loops take fewer, and their rates are compared.", ""]  # fmt: skip
    rows = [
        [text, pages.short(median(samples, way, "rate")), pages.number(ratio(samples, "rate", "raw", way)), pages.number(ratio(samples, "rate", "sweep", way))]
        for way, text in WAYS.items()
    ]  # fmt: skip
    found.lines += pages.table(
        ["way", "items/s (median)", "time beside raw SQL", "the sweep is so many times as fast"], rows
    )
    dwell = {name: median(samples, "sweep", f"dwell_{name}") for name in ("p50", "p99", "max")}
    found.lines += [f"Dwell from due to noticed, seconds: {', '.join(f'{name} {pages.short(value)}' for name, value in dwell.items())}; {statements}"
                    f" statements for {due:,}. With nothing due a sweep takes {pages.milli(median(samples, 'idle', 'seconds'))} ms.", ""]  # fmt: skip
    found.lines += pages.table(
        ["verify_ledger", "entries/s", "peak memory, MiB (before it)", "time beside bare SHA-256 of the same bytes"],
        [
            [f"{figures['entries']:,.0f} entries", pages.short(figures["rate"]), f"{figures['peak']:.0f} ({figures['before']:.0f})", pages.short(figures["seconds"] / figures["hashing"])]
            for figures in verified.values()
        ],
    )  # fmt: skip
    found.goals = [
        Goal("a sweep beside raw SQL that writes the same rows, time", 2, {"": ratio(samples, "rate", "raw", "sweep")}, at_most=True),
        Goal("a sweep beside a loop over objects: faster", 20, {"": ratio(samples, "rate", "sweep", "loop")}),
        Goal("a sweep beside viewflow's loop over timers: faster", 20, {"": ratio(samples, "rate", "sweep", "viewflow")}),
    ]  # fmt: skip
    return found

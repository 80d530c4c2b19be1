"""`python -m benchmarks.year`: a year of quarterly reports with their late orders, on 200 and on 2,000 units.

Writes YEAR.md: CPU per document for both, and the memory that it took at most. It may be cut off at any time: what is done is
kept in var/bench/year, and the next run goes on there. `--afresh` begins anew; `--units` names other sizes, whose figures are
printed and not kept.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import pages
from benchmarks.clients import Client, ClientFailed
from benchmarks.ground import FOLDER, Ground
from benchmarks.machine import facts
from config import home
from config.embedded import CannotStart, Servers
from config.home import HomeInUse

PLACE = FOLDER / "year"
RESULTS = Path(__file__).with_name("YEAR.md")
SIZES = [200, 2000]
QUARTERS = (1, 2, 3, 4)
FLAT = 1.2
"""A document may cost at most so many times as much on the most units as on the fewest."""
BIRTHS = ("open", "late orders set aside")
"""Stages that handle every document of a kind exactly once."""
Figures = dict[str, dict[str, dict[str, float]]]
"""Of one size: by quarter, by stage."""


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.year", description="A year of quarterly reports."
    )
    parser.add_argument("--units", nargs="+", type=int, default=SIZES)
    parser.add_argument("--afresh", action="store_true")
    wanted = parser.parse_args()
    try:
        home.make_home(PLACE)
        lock = home.take_lock(PLACE)
        if wanted.afresh:
            for left in ("postgres", "done.json"):
                _remove(PLACE / left)
        servers = Servers(PLACE, durable=True, valkey=False)
        try:
            servers.start()
            here = Ground(servers)
            done = {units: _year(here, units) for units in wanted.units}
            machine = facts(here)
            here.admin.close()
        finally:
            servers.stop()
            os.close(lock)
    except (CannotStart, HomeInUse, ClientFailed) as reason:
        print(reason, file=sys.stderr)
        return 1
    told = report(done)
    print("\n".join(told))
    if wanted.units == SIZES:
        RESULTS.write_text(page(told, machine))
        print(f"Written: {RESULTS}")
    return 0


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _year(here: Ground, units: int) -> Figures:
    """What is left of the year on so many units; gives the figures of all of it."""
    kept = PLACE / "done.json"
    everything: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    found: Figures = everything.setdefault(str(units), {})
    name = f"year_{units}"
    log = PLACE / "log" / f"{name}.log"
    if "laid" not in found:
        print(f"{units} units: laying the county", flush=True)
        client = _client(here.make(name), units, log)
        client.do("lay")
        client.close()
        found["laid"] = {}
        _keep(kept, everything)
    client = _client(here.url(name), units, log)
    client.do("open", number=0)
    for quarter in QUARTERS:
        stages = found.setdefault(str(quarter), {})
        for stage in (each for each in client.do("stages") if each not in stages):
            cut_off = found.setdefault("begun", {})
            began_before = f"{quarter} {stage}" in cut_off
            cut_off[f"{quarter} {stage}"] = {}
            _keep(kept, everything)
            server = here.cpu_seconds()
            figures = client.do("stage", quarter=quarter, name=stage)
            stages[stage] = figures | {
                "server_cpu": here.cpu_seconds() - server,
                "cut_off": float(began_before),
            }
            _keep(kept, everything)
            print(
                f"{units} units, quarter {quarter}, {stage}: {figures['documents']:.0f} documents, {figures['seconds']:.1f} s",
                flush=True,
            )
    stands = client.do("check")
    client.close()
    print(f"{units} units: {stands}", flush=True)
    if (
        stands["reports"] != units * len(QUARTERS)
        or stands["accepted"] != stands["reports"]
        or stands["open"]
    ):
        raise ClientFailed(f"the year on {units} units did not come to its end: {stands}")
    return found


def _keep(path: Path, content: object) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content))
    fresh.replace(path)  # whole, or not at all


def _client(url: str, units: int, log: Path) -> Client:
    return Client(
        "benchmarks.systems.duban_year", url, Path(sys.executable), log, {"BENCHMARK_UNITS": str(units)}
    )


def by_stage(found: Figures) -> dict[str, float]:
    """CPU seconds a document by stage, client and server together: over all that the stage handled in the year."""
    return {stage: cpu / documents for stage, (cpu, documents) in _totals(found).items() if documents}


def per_document(found: Figures) -> float:
    """CPU seconds of the whole year for each document that came into being: reports, and orders on the late ones."""
    totals = _totals(found)
    documents = sum(totals[stage][1] for stage in BIRTHS)
    return sum(cpu for cpu, _ in totals.values()) / documents


def _totals(found: Figures) -> dict[str, tuple[float, float]]:
    totals: dict[str, tuple[float, float]] = {}
    for quarter in (found[str(number)] for number in QUARTERS):
        for stage, figures in quarter.items():
            cpu, documents = totals.get(stage, (0.0, 0.0))
            totals[stage] = (
                cpu + figures["client_cpu"] + figures["server_cpu"],
                documents + figures["documents"],
            )
    return totals


def report(done: Mapping[int, Figures]) -> list[str]:
    """What was measured, as lines."""
    stages = {units: by_stage(found) for units, found in done.items()}
    cost = {units: per_document(found) for units, found in done.items()}
    lines = pages.table(
        ["CPU µs a document, client and server", *(f"{units:,} units" for units in done)],
        [[stage, *(pages.micro(each.get(stage)) for each in stages.values())] for stage in next(iter(stages.values()))],
    )  # fmt: skip
    for units, found in done.items():
        stages_done = [figures for quarter in QUARTERS for figures in found[str(quarter)].values()]
        peak = max(figures["peak"] for figures in stages_done)
        handled = sum(figures["documents"] for figures in stages_done)
        seconds = sum(figures["seconds"] for figures in stages_done)
        lines.append(
            f"{units:,} units: {cost[units] * 1e3:.2f} ms of CPU for each report and each order of the year; at most {peak:.0f} MiB;"
            f" {handled:,.0f} documents handled in {seconds:.0f} s, one process and one after the other."
        )
    for units, found in done.items():
        lost = [
            f"{n} {stage}" for n in QUARTERS for stage, figures in found[str(n)].items() if figures["cut_off"]
        ]
        if lost:
            lines.append(
                f"{units:,} units: cut off in quarter {', '.join(lost)}, whose first part is not counted; use --afresh for figures to quote."
            )
    few, many = min(cost), max(cost)
    if few != many:
        ratio = cost[many] / cost[few]
        lines.append(
            f"{'met' if ratio <= FLAT else 'not met'}: {many:,} units beside {few:,}: {ratio:.2f} times the cost a document (goal: at most {FLAT})."
        )
    return lines


def page(told: Sequence[str], machine: Sequence[str]) -> str:
    """YEAR.md, from the lines of the report and the sentences on the machine."""
    lines = [
        "# A year of quarterly reports on 200 and on 2,000 units", "", "Written by `make bench-year`; see `benchmarks/README.md`.", "",
        *(f"- {line}" if line and not line.startswith("|") else line for line in told), "", "## Machine", "", *(f"- {sentence}" for sentence in machine),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

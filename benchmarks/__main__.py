"""`python -m benchmarks`: measure and write RESULTS.md. Ends by itself and leaves nothing running.

--quick              a few short rounds, into var/bench/quick.md
--only PART ...      these parts alone; the page is then printed and not kept
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from benchmarks import pages
from benchmarks.clients import ClientFailed
from benchmarks.ground import FOLDER, ground
from benchmarks.lab import Lab
from benchmarks.machine import facts
from benchmarks.parts import many, steps, votes
from config.embedded import CannotStart
from config.home import HomeInUse

PARTS = {"steps": steps.measure, "votes": votes.measure, "many": many.measure}
LONGEST = {False: 30 * 60, True: 5 * 60}
"""Seconds after which a run ends itself, come what may; by whether it is quick."""
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Duban beside its peers.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    wanted = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LONGEST[wanted.quick])
    begun = time.monotonic()
    try:
        with ground() as here:
            lab, sections = Lab(here, quick=wanted.quick), []
            for name in wanted.only:
                print(f"Measuring {name} ({time.monotonic() - begun:.0f} s)", flush=True)
                sections.append(PARTS[name](lab))
            spent = time.monotonic() - begun
            machine = [*facts(here), f"The run took {spent / 60:.1f} minutes; seed {lab.seed}."]
            text = pages.page(sections, machine, lab.missing, quick=wanted.quick)
    except (CannotStart, HomeInUse, ClientFailed) as reason:
        print(reason, file=sys.stderr)
        return 1
    if wanted.only != list(PARTS):
        print(text)
        return 0
    target = FOLDER / "quick.md" if wanted.quick else RESULTS
    target.write_text(text)
    print(f"Written: {target}")
    return 0


def _too_long(number: int, frame: object) -> None:
    raise ClientFailed("The benchmark took longer than it may; nothing was written.")


if __name__ == "__main__":
    sys.exit(main())

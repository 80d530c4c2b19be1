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

import psutil

from benchmarks import pages
from benchmarks.clients import ClientFailed
from benchmarks.ground import FOLDER, ground
from benchmarks.lab import Lab
from benchmarks.machine import facts
from benchmarks.parts import clock, many, reading, steps, votes
from config.embedded import CannotStart
from config.home import HomeInUse

PARTS = {
    "steps": steps.measure,
    "votes": votes.measure,
    "many": many.measure,
    "reading": reading.measure,
    "clock": clock.measure,
}
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
    sections: list[pages.Section] = []
    unmeasured: dict[str, str] = {}
    machine: list[str] = []
    try:
        with ground() as here:
            machine += facts(here)
            lab = Lab(here, quick=wanted.quick, missing=unmeasured)
            for name in wanted.only:
                print(f"Measuring {name} ({time.monotonic() - begun:.0f} s)", flush=True)
                sections.append(PARTS[name](lab))
            signal.alarm(0)
    except TookTooLong:
        unmeasured |= dict.fromkeys(wanted.only[len(sections) :], "the time was up")
    except (CannotStart, HomeInUse, ClientFailed) as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    complete = len(sections) == len(wanted.only)
    machine.append(
        f"The run took {(time.monotonic() - begun) / 60:.1f} minutes; load over its last minute: {psutil.getloadavg()[0]:.1f}."
    )
    text = pages.page(sections, machine, unmeasured, quick=wanted.quick)
    if wanted.only != list(PARTS):
        print(text)
        return 0 if complete else 1
    target = (
        RESULTS if complete and not wanted.quick else FOLDER / ("quick.md" if complete else "unfinished.md")
    )
    target.write_text(text)
    print(f"Written: {target}")
    return 0 if complete else 1


class TookTooLong(Exception):
    """The time was up."""


def _too_long(number: int, frame: object) -> None:
    raise TookTooLong


if __name__ == "__main__":
    sys.exit(main())

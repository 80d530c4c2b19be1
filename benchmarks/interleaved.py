"""Measuring several things side by side on a machine that others use: in shuffled rounds, compared inside a round only.

What a shared machine gives swings between minutes; what two neighbours in one round got does not. Hence ratios are
taken inside a round, and their median and quartiles are what is reported.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """What one cell measured in one round: named figures, such as rate or CPU seconds a step."""

    round: int
    cell: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of `of` values."""

    median: float
    low: float
    high: float
    of: int


def spread(values: Iterable[float]) -> Spread | None:
    """Median and quartiles (those of the inclusive method: the extremes count); None of no value."""
    known = sorted(values)
    if not known:
        return None
    if len(known) == 1:
        return Spread(known[0], known[0], known[0], 1)
    low, median, high = statistics.quantiles(known, n=4, method="inclusive")
    return Spread(median, low, high, len(known))


def interleave(
    cells: Sequence[str],
    measure: Callable[[str], Mapping[str, float]],
    *,
    seed: int,
    seconds: float,
    least: int = 2,
    most: int = 100,
) -> list[Sample]:
    """Whole rounds of all cells, each in a new shuffled order, as many as `seconds` allow (`least` to `most`)."""
    order, samples = random.Random(seed), []
    begun = time.monotonic()
    for number in range(most):
        spent = time.monotonic() - begun
        if number >= least and spent + spent / number > seconds:
            break
        for cell in order.sample(list(cells), len(cells)):
            samples.append(Sample(number, cell, dict(measure(cell))))
    return samples


def values(samples: Iterable[Sample], cell: str, figure: str) -> dict[int, float]:
    """A cell's figure by round."""
    return {s.round: s.figures[figure] for s in samples if s.cell == cell and figure in s.figures}


def ratio(samples: Sequence[Sample], figure: str, cell: str, to: str, to_figure: str = "") -> Spread | None:
    """`cell`'s figure divided by that of `to` in the same round."""
    own, other = values(samples, cell, figure), values(samples, to, to_figure or figure)
    return spread(own[number] / other[number] for number in own if other.get(number))


def median(samples: Sequence[Sample], cell: str, figure: str) -> float | None:
    """The median of a cell's figure over all rounds."""
    found = spread(values(samples, cell, figure).values())
    return found.median if found else None

"""The geometry of the small drawings: bars, mixes and the trend line, as numbers for SVG attributes. Pure.

The strict content policy forbids `style="width:…"`, so every drawing is an SVG whose size stands in attributes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil


def bar_width(share: float, room: int) -> int:
    """Pixels of a bar for a share of 0 to 1; anything above nothing gets at least two pixels."""
    return 0 if share <= 0 else max(2, round(min(share, 1) * room))


def mix_of(counts: Sequence[int], room: int) -> list[tuple[int, int]]:
    """(x, width) of each part of a bar `room` pixels wide, in proportion to `counts`; the last part takes what
    rounding leaves. All nothing when the counts are all 0."""
    whole = sum(counts)
    if not whole:
        return [(0, 0) for _ in counts]
    edges = [round(sum(counts[:n]) * room / whole) for n in range(len(counts) + 1)]
    return [(start, end - start) for start, end in itertools.pairwise(edges)]


@dataclass(frozen=True)
class Trend:
    """Points of two lines in a `width` by `height` box, the horizontal grid, and the labels below it."""

    width: int
    height: int
    base: float
    grid: tuple[tuple[float, int], ...]
    red: tuple[tuple[float, float], ...]
    yellow: tuple[tuple[float, float], ...]
    labelled: tuple[tuple[float, int], ...]
    red_label_y: float
    yellow_label_y: float

    @staticmethod
    def path(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y in points)


def trend_of(red: Sequence[int], yellow: Sequence[int], width: int, height: int, every: int = 2) -> Trend:
    """Two lines over the same days, from 0 up to a round number above the highest count. `labelled` are the (x,
    index) of the days to name: the last, and one in `every` before it. The labels at the ends of the two lines
    are kept 14 pixels apart."""
    left, right, top, bottom = 30, 70, 10, 24
    highest = max([*red, *yellow, 1])
    step = next(
        size
        for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6)
        if highest <= size * 4 or size == 10**6
    )
    ceiling = step * ceil(highest / step)
    base = height - bottom
    room = base - top
    across = (width - left - right) / max(1, len(red) - 1)

    def points(counts: Sequence[int]) -> tuple[tuple[float, float], ...]:
        return tuple(
            (round(left + n * across, 1), round(base - count * room / ceiling, 1))
            for n, count in enumerate(counts)
        )

    red_points, yellow_points = points(red), points(yellow)
    red_end, yellow_end = (red_points[-1][1], yellow_points[-1][1]) if red else (base, base)
    if abs(red_end - yellow_end) < 14:
        middle = (red_end + yellow_end) / 2
        above, below = middle - 7, middle + 7
        red_end, yellow_end = (above, below) if red_end < yellow_end else (below, above)
    return Trend(
        width,
        height,
        base,
        tuple((round(base - value * room / ceiling, 1), value) for value in range(0, ceiling + 1, step)),
        red_points,
        yellow_points,
        tuple((x, n) for n, (x, _) in enumerate(red_points) if (len(red) - 1 - n) % every == 0),
        red_end,
        yellow_end,
    )

"""The numbers behind bars, mixes and lines."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervision.desk.drawing import Trend, bar_width, mix_of, trend_of

counts = st.lists(st.integers(0, 5000), min_size=1, max_size=60)


@pytest.mark.parametrize(("share", "width"), [(0, 0), (0.001, 2), (0.5, 78), (1, 156), (1.7, 156), (-1, 0)])
def test_a_bar_is_as_long_as_its_share_and_never_invisible(share: float, width: int) -> None:
    assert bar_width(share, 156) == width


@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=3))
def test_a_mix_fills_its_room_without_gap_or_overlap(parts: list[int]) -> None:
    drawn = mix_of(parts, 72)
    if sum(parts) == 0:
        assert drawn == [(0, 0)] * 3
        return
    assert drawn[0][0] == 0
    assert all(a[0] + a[1] == b[0] for a, b in itertools.pairwise(drawn))
    assert sum(drawn[-1]) == 72
    for count, (_, width) in zip(parts, drawn, strict=True):
        assert abs(width - 72 * count / sum(parts)) <= 1


@given(counts, st.integers(1, 4))
def test_both_lines_stay_in_the_box_and_their_labels_apart(red: list[int], every: int) -> None:
    trend = trend_of(red, red[::-1], 340, 180, every)
    for points in (trend.red, trend.yellow):
        assert len(points) == len(red)
        assert all(30 <= x <= 340 - 70 and 9 <= y <= trend.base for x, y in points)
    assert trend.grid[0] == (trend.base, 0)
    assert trend.grid[-1][1] >= max(red)
    assert len(trend.grid) <= 6
    assert abs(trend.red_label_y - trend.yellow_label_y) >= 13.9
    assert trend.labelled[-1][1] == len(red) - 1


def test_nothing_at_all_is_a_flat_line_at_the_bottom() -> None:
    trend = trend_of([0, 0], [0, 0], 340, 180)
    assert {y for _, y in trend.red} == {trend.base}
    assert Trend.path(trend.red) == f"30,{trend.base:g} 270,{trend.base:g}"

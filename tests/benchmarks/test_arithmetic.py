"""Ratios inside a round, quartiles, and the page that shows them."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks import pages
from benchmarks.interleaved import Sample, Spread, interleave, median, ratio, spread
from benchmarks.pages import Goal, Section, page


def samples(**rates: list[float]) -> list[Sample]:
    """One sample of each cell in each round."""
    return [
        Sample(number, cell, {"rate": rate})
        for cell, found in rates.items()
        for number, rate in enumerate(found)
    ]


def test_a_ratio_is_taken_inside_a_round_and_not_between_medians() -> None:
    # The machine was ten times slower in the second round and twice as fast in the third.
    measured = samples(ours=[200.0, 20.0, 400.0], theirs=[100.0, 10.0, 100.0])
    assert ratio(measured, "rate", "ours", "theirs") == Spread(2.0, 2.0, 3.0, 3)


def test_a_round_that_lacks_one_side_gives_no_ratio() -> None:
    measured = [*samples(ours=[200.0, 20.0], theirs=[100.0]), Sample(7, "theirs", {"rate": 1.0})]
    assert ratio(measured, "rate", "ours", "theirs") == Spread(2.0, 2.0, 2.0, 1)
    assert ratio(measured, "rate", "ours", "nobody") is None


def test_one_figure_may_be_divided_by_another() -> None:
    measured = [Sample(0, "votes", {"first rate": 30.0}), Sample(0, "steps", {"rate": 10.0})]
    found = ratio(measured, "first rate", "votes", "steps", "rate")
    assert found is not None
    assert found.median == pytest.approx(3.0)


def test_quartiles_count_the_extremes() -> None:
    assert spread([5.0, 1.0, 2.0, 4.0, 3.0]) == Spread(3.0, 2.0, 4.0, 5)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.25, 1.75, 2)
    assert spread([]) is None


def test_the_median_is_that_of_the_cell_alone() -> None:
    assert median(samples(ours=[3.0, 1.0, 2.0], theirs=[9.0]), "ours", "rate") == 2.0
    assert median([], "ours", "rate") is None


def test_every_round_has_every_cell_once_in_an_order_of_its_own_and_the_seed_repeats_it() -> None:
    cells = list("abcdefgh")
    orders = [interleave(cells, lambda cell: {"rate": 1.0}, seed=5, seconds=0, least=4) for _ in range(2)]
    assert [s.cell for s in orders[0]] == [s.cell for s in orders[1]]
    rounds = [[s.cell for s in orders[0] if s.round == number] for number in range(4)]
    assert all(Counter(cells) == Counter(each) for each in rounds)
    assert len({tuple(each) for each in rounds}) == 4


def test_rounds_end_with_the_time_they_were_given() -> None:
    assert {s.round for s in interleave("ab", lambda cell: {}, seed=1, seconds=60, most=3)} == {0, 1, 2}
    assert {s.round for s in interleave("ab", lambda cell: {}, seed=1, seconds=-1, least=2)} == {0, 1}


def test_a_goal_is_met_only_when_every_figure_reaches_it() -> None:
    high, low = Spread(0.7, 0.6, 0.8, 5), Spread(0.59, 0.5, 0.9, 5)
    assert Goal("a step", 0.6, {"1 client": high}).met
    assert Goal("a step", 0.6, {"1 client": high, "2 clients": low}).met is False
    assert Goal("a step", 0.6, {"1 client": high, "2 clients": None}).met is None
    assert Goal("a step", 0.6, {}).met is None


def test_the_page_says_met_and_not_met_with_the_true_figures_and_names_what_is_missing() -> None:
    goals = [
        Goal("a step beside the floor", 0.6, {"1 client": Spread(0.713, 0.65, 0.7649, 9)}),
        Goal("a step beside a peer", 4, {"1 client": Spread(3.999, 3.1, 4.5, 9)}),
    ]
    text = page([Section("Steps", ["words", ""], goals)], ["2 cores."], {"river": "it is old"}, quick=False)
    assert "- **met**: a step beside the floor (goal 0.6). Measured: 1 client 0.713 (0.65–0.765)." in text
    assert "- **not met**: a step beside a peer (goal 4). Measured: 1 client 4.00 (3.10–4.50)." in text
    assert "Not measured: river, because it is old." in text
    assert text.endswith("## Machine\n\n- 2 cores.\n")


def test_numbers_are_shown_with_three_digits() -> None:
    assert [pages.short(n) for n in (0.01234, 0.5, 1.0, 3.456, 45.67, 4567.8, None)] == [
        "0.0123", "0.5", "1.00", "3.46", "45.7", "4,568", "–",
    ]  # fmt: skip
    assert pages.micro(0.0012345) == "1,234"
    assert pages.table(["a", "b"], [[1, "x"]]) == ["| a | b |", "| --- | --- |", "| 1 | x |", ""]

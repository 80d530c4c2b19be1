"""What the year's benchmark says of the figures it took."""

from __future__ import annotations

import pytest

from benchmarks.year import BIRTHS, QUARTERS, Figures, by_stage, page, per_document, report


def year(reports: int, orders: int, cpu: float, *, cut_off: bool = False) -> Figures:
    """Four equal quarters, in which opening and setting aside cost `cpu` seconds a document on either side."""
    stages = {
        stage: {"documents": many, "client_cpu": cpu * many, "server_cpu": cpu * many, "seconds": 1.0, "peak": 80.0, "cut_off": float(cut_off)}
        for stage, many in zip(BIRTHS, (reports, orders), strict=True)
    }  # fmt: skip
    return {"laid": {}, "begun": {}} | {str(quarter): stages for quarter in QUARTERS}


def test_a_document_costs_the_cpu_of_the_year_by_reports_and_orders() -> None:
    assert per_document(year(200, 20, 0.002)) == pytest.approx(0.004)
    assert by_stage(year(200, 20, 0.002)) == pytest.approx(dict.fromkeys(BIRTHS, 0.004))


@pytest.mark.parametrize(("cpu", "word"), [(0.0023, "met: "), (0.0025, "not met: ")])
def test_the_goal_is_met_while_the_cost_stays_flat(cpu: float, word: str) -> None:
    assert report({200: year(200, 20, 0.002), 2000: year(2000, 200, cpu)})[-1].startswith(word)


def test_a_stage_that_was_cut_off_is_named() -> None:
    told = report({20: year(20, 2, 0.002, cut_off=True)})
    assert "cut off in quarter 1 open" in told[-1]


def test_the_page_lists_what_is_told_below_its_table() -> None:
    told = report({200: year(200, 20, 0.002), 2000: year(2000, 200, 0.002)})
    written = page(told, ["2 cores."]).splitlines()
    assert "| open | 4,000 | 4,000 |" in written
    assert [line[:6] for line in written if line.startswith("- ")] == ["- 200 ", "- 2,00", "- met:", "- 2 co"]

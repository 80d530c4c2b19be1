"""Words and tables of RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.interleaved import Spread


@dataclass(frozen=True)
class Goal:
    """One aim with what was measured: `figures` are named medians with quartiles, and every one of them must reach `least`."""

    text: str
    least: float
    figures: dict[str, Spread | None]

    @property
    def met(self) -> bool | None:
        """None when something was not measured."""
        if not self.figures or None in self.figures.values():
            return None
        return all(found is not None and found.median >= self.least for found in self.figures.values())

    def line(self) -> str:
        """One line of the list of goals."""
        word = {True: "**met**", False: "**not met**", None: "not measured"}[self.met]
        said = "; ".join(f"{name} {number(found)}" for name, found in self.figures.items())
        return f"- {word}: {self.text} (goal {self.least:g}). Measured: {said}."


@dataclass
class Section:
    """One part of the page."""

    title: str
    lines: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A Markdown table and an empty line."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(str(cell) for cell in line)} |" for line in lines] + [""]


def number(found: Spread | None) -> str:
    """A ratio with its quartiles, such as "0.71 (0.66–0.75)"."""
    if found is None:
        return "–"
    return f"{short(found.median)} ({short(found.low)}–{short(found.high)})"


def short(value: float | None) -> str:
    """Three significant digits; thousands in full, with commas."""
    if value is None:
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 10 or abs(value) < 1 else f"{value:.2f}"


def micro(seconds: float | None) -> str:
    """Seconds as whole microseconds."""
    return "–" if seconds is None else f"{seconds * 1e6:,.0f}"


def milli(seconds: float | None) -> str:
    """Seconds as milliseconds."""
    return "–" if seconds is None else f"{seconds * 1e3:.2f}"


def page(sections: Sequence[Section], machine: Sequence[str], missing: dict[str, str], *, quick: bool) -> str:
    """RESULTS.md."""
    lines = ["# Duban beside its peers and beside the floor of the database", ""]
    lines += ["Written by `make bench-quick`: a few short rounds, for a first look only." if quick
              else "Written by `make bench`; see `benchmarks/README.md` for what is measured and how.", ""]  # fmt: skip
    lines += ["Ratios are taken inside a round and shown as median (quartiles): absolute rates swing with whatever else the"
              " machine does. CPU is that of the client process and of all of the server's processes together.", ""]  # fmt: skip
    lines += ["## Goals", ""]
    goals = [goal.line() for section in sections for goal in section.goals]
    lines += [*(goals or ["None was measured."]), ""]
    for key, reason in sorted(missing.items()):
        lines += [f"Not measured: {key}, because {reason}.", ""]
    for section in sections:
        lines += [f"## {section.title}", "", *section.lines]
        if lines[-1]:
            lines.append("")
    lines += ["## Machine", "", *(f"- {fact}" for fact in machine)]
    return "\n".join(lines) + "\n"

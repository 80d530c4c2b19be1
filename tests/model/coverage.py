"""What a run has reached: every transition of every regulation, and every refusal of every step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tests.model.regulations import DATED, NEVER, STEPS_OF, Step

taken: Counter[tuple[str, str, str]] = Counter()
"""kind, step, the state it left; a birth leaves "-"."""
refused: Counter[tuple[str, str, str]] = Counter()
"""kind, step, code."""
doors: Counter[tuple[str, str]] = Counter()
"""What else was asked for, and how it was answered: an empty text when it was done."""

DOORS = {
    "edit": ("", "not_editable", "not_yours", "no_such_field", "unchanged"),
    "attach": ("", "not_yours", "no_evidence_here"),
    "claim": ("", "not_eligible", "their_own_work", "item_claimed", "unchanged", "item_closed"),
    "release": ("", "not_claimed"),
    "open": ("", "nothing"),
    "hand_over": ("", "not_eligible", "their_own_work", "item_claimed", "not_theirs", "given.reason"),
    "vote approve": ("", "not_yours", "own_work", "taken"),
    "vote refuse": ("", "not_yours", "own_work", "taken", "given.opinion"),
    "vote recuse": ("", "not_yours", "too_few_left", "taken", "given.opinion"),
    "delegation": ("", "oneself", "already_delegated", "ended"),
    "absence": ("", "oneself", "already_absent", "ended"),
    "stale client": ("",), "same request": ("",), "other content": ("",), "sweep": ("", "nothing"), "reroute": ("",), "queue": ("",),
}  # fmt: skip


def transitions() -> set[tuple[str, str, str]]:
    return {
        (kind, step.name, source)
        for kind, steps in STEPS_OF.items()
        for step in steps.values()
        for source in step.sources or ("-",)
    }


def refusals() -> set[tuple[str, str, str]]:
    """Every refusal that a step can meet by the tables."""
    found = {
        (kind, name, code)
        for kind, steps in STEPS_OF.items()
        for name, step in steps.items()
        for code in _codes(step)
    }
    assert set(NEVER) <= found, f"no such refusals: {set(NEVER) - found}"
    return found - set(NEVER)


def _codes(step: Step) -> Iterable[str]:
    yield "not_yours"
    yield "not_in_this_state"
    if step.decides:
        yield "own_work"
    yield from step.must
    for name in step.given:
        shown = "failed" if name == "failed_number" else name
        yield f"given.{shown}"
        yield from (f"given.{shown}.{number}" for number, _ in enumerate(DATED.get(name, ())))


def not_reached() -> list[str]:
    """What no example has come to, as sentences."""
    ways = {(door, answer) for door, answers in DOORS.items() for answer in answers}
    return [
        *(f"{kind}: {step} was never taken from {source}" for kind, step, source in sorted(transitions() - set(taken))),
        *(f"{kind}: {step} was never refused with {code}" for kind, step, code in sorted(refusals() - set(refused))),
        *(f"{door} never answered {answer or 'yes'}" for door, answer in sorted(ways - set(doors))),
        *(f"{kind}: {step} was refused with {code}, which cannot be: {NEVER[kind, step, code]}"
          for kind, step, code in sorted(set(NEVER) & set(refused))),
    ]  # fmt: skip


def report() -> str:
    """Figures for the end of a long run."""
    whole, answers = transitions(), refusals()
    lines = [
        f"transitions taken: {len(whole & set(taken))} of {len(whole)} ({sum(taken.values())} times)",
        f"refusals of steps met: {len(answers & set(refused))} of {len(answers)} ({sum(refused.values())} times)",
        "other doors: "
        + ", ".join(f"{door} {answer or 'yes'} {n}" for (door, answer), n in sorted(doors.items())),
    ]
    return "\n".join([*lines, *not_reached()])

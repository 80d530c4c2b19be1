"""Where an item stands on its ladder: pure, by hand-written examples and by properties."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflows import ladders
from workflows.ladders import Position
from workflows.ledger import plain
from workflows.rulebook import LadderStep

DUE = datetime(2026, 1, 12, 16, tzinfo=UTC)
DAY = timedelta(days=1)


def ladder(due: datetime = DUE) -> tuple[LadderStep, ...]:
    return (
        LadderStep("remind", due - 3 * DAY, ("owner",), "yellow"),
        LadderStep("overdue", due, ("owner",), "red"),
        LadderStep("urge", due + DAY, ("owner", "head"), urgent=True, level=1),
        LadderStep("order", due + 5 * DAY, ("supervisor",), None, "order.open", level=2),
    )


def stored(steps: tuple[LadderStep, ...]) -> list[dict[str, object]]:
    return [{**asdict(step), "at": plain(step.at)} for step in steps]


def test_a_stored_ladder_reads_back_as_it_was() -> None:
    assert ladders.read(stored(ladder())) == ladder()


def test_of_a_stored_step_only_its_key_and_instant_must_be_there() -> None:
    assert ladders.read([{"key": "remind", "at": "2026-01-09T16:00:00+00:00"}]) == (
        LadderStep("remind", DUE - 3 * DAY),
    )


def test_a_step_is_due_from_its_own_instant_on() -> None:
    assert ladders.due(ladder(), 0, DUE - 3 * DAY - timedelta(microseconds=1)) == ()
    assert [step.key for step in ladders.due(ladder(), 0, DUE - 3 * DAY)] == ["remind"]


def test_after_a_silence_every_missed_step_is_due_in_order() -> None:
    due, coming = ladders.due_of(stored(ladder()), 1, DUE + 2 * DAY)
    assert [step.key for step in due] == ["overdue", "urge"]
    assert coming == DUE + 5 * DAY


def test_an_exhausted_ladder_has_no_next_step() -> None:
    assert ladders.due_of(stored(ladder()), 4, DUE + 90 * DAY) == ([], None)
    assert ladders.after(ladder(), 4, "red") == Position(4, None, "red")


def test_an_extended_item_stands_where_its_new_date_has_it() -> None:
    """Granted to the 18th on the 14th: nothing of the old ladder is taken again, and the red lamp goes out."""
    assert ladders.passed(ladder(DUE + 6 * DAY), DUE + 2 * DAY) == Position(0, DUE + 3 * DAY, "green")
    assert ladders.passed(ladder(DUE + 4 * DAY), DUE + 2 * DAY) == Position(1, DUE + 4 * DAY, "yellow")


def test_a_new_calendar_leaves_taken_steps_taken() -> None:
    steps, position = ladders.on_new_dates(ladder(), 1, ladder(DUE + DAY), DUE - DAY)
    assert steps == ladder(DUE + DAY)
    assert position == Position(1, DUE + DAY, "yellow")


def test_what_was_taken_too_early_is_taken_again_on_the_new_date_but_causes_nothing_twice() -> None:
    """All four steps were taken; then a calendar says the date is still to come."""
    later = DUE + 10 * DAY
    steps, position = ladders.on_new_dates(ladder(), 4, ladder(later), DUE + 6 * DAY)
    assert position == Position(0, later - 3 * DAY, "green")
    assert [(step.key, step.action) for step in steps] == [
        ("remind", None),
        ("overdue", None),
        ("urge", None),
        ("order", None),
    ]


def test_an_exhausted_ladder_stays_exhausted_when_its_new_dates_have_passed_too() -> None:
    earlier = ladder(DUE - DAY)
    assert ladders.on_new_dates(ladder(), 4, earlier, DUE + 6 * DAY) == (
        earlier,
        Position(4, None, "red"),
    )


def test_a_step_taken_at_the_very_instant_of_its_new_date_stays_taken() -> None:
    steps, position = ladders.on_new_dates(ladder(), 2, ladder(DUE + DAY), DUE + DAY)
    assert steps == ladder(DUE + DAY)
    assert position == Position(2, DUE + 2 * DAY, "red")


def test_a_step_that_was_not_taken_keeps_its_action_and_is_due_by_the_new_date() -> None:
    steps, position = ladders.on_new_dates(ladder(), 3, ladder(DUE - 2 * DAY), DUE + 4 * DAY)
    assert position.taken == 3
    assert [step.key for step in ladders.due(steps, position.taken, DUE + 4 * DAY)] == ["order"]
    assert steps[3].action == "order.open"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # busy machines
@given(
    offsets=st.sets(st.integers(0, 500), min_size=1, max_size=8).map(sorted),
    taken=st.integers(0, 8),
    minutes=st.integers(-600, 1200),
)
def test_taking_what_is_due_in_any_portions_comes_to_the_same(
    offsets: list[int], taken: int, minutes: int
) -> None:
    """One late sweep takes exactly what many timely ones would have taken."""
    steps = tuple(LadderStep(str(n), DUE + timedelta(minutes=n)) for n in offsets)
    taken, at = min(taken, len(steps)), DUE + timedelta(minutes=minutes)
    at_once = [step.key for step in ladders.due(steps, taken, at)]
    one_by_one, place = [], taken
    for minute in range(-600, minutes + 1):
        for step in ladders.due(steps, place, DUE + timedelta(minutes=minute)):
            one_by_one.append(step.key)
            place += 1
    assert at_once == one_by_one
    coming = ladders.after(steps, place, "green").next_step_at
    assert coming is None or coming > at
    assert ladders.due_of(stored(steps), taken, at) == (list(steps[taken:place]), coming)

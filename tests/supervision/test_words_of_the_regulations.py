"""The regulations read in both languages: every phrase is there twice, and says the same things with the same blanks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from supervision.goals.models import Goal, GoalChange, GoalSheet, Milestone
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from workflows.effects import registered_effects
from workflows.lifecycle import Given
from workflows.roles import DoerOf
from workflows.words import Text

KINDS = [QuarterlyReport, SupervisionOrder, Rectification, Measure, GoalSheet, Goal, Milestone, GoalChange]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def phrases(lifecycle: Any) -> Iterator[tuple[str, Text]]:
    yield "title", lifecycle.title
    for name, state in lifecycle.states.items():
        yield name, state.text
        yield from ((f"{name}/{duty.rule}", duty.text) for duty in state.duties)
    for name, guard in lifecycle.guards.items():
        yield name, guard.text
    for name, step in lifecycle.steps.items():
        yield name, step.text
        yield from ((f"{name}/{effect.key}", effect.text) for effect in step.causes)
        for given in step.given:
            yield f"{name}/{given.name}", given.text
            yield from ((f"{name}/{given.name}/check", check.text) for check in given.checks)
    yield from ((role.key, role.text) for role in lifecycle.roles.values())


@pytest.mark.parametrize("kind", KINDS)
def test_every_phrase_stands_in_both_languages_with_the_same_blanks(kind: Any) -> None:
    wrong = [
        (where, text)
        for where, text in phrases(kind.lifecycle)
        if not CHINESE.search(text.zh)
        or CHINESE.search(text.en)
        or not text.en.strip()
        or sorted(re.findall(r"{(\w+)}", text.zh)) != sorted(re.findall(r"{(\w+)}", text.en))
    ]
    assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_blank_of_a_condition_is_filled(kind: Any) -> None:
    for guard in kind.lifecycle.guards.values():
        assert set(re.findall(r"{(\w+)}", guard.text.zh)) == set(guard.params), guard.name


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_handed_over_and_what_is_a_state_or_step_is_called_by_one_word_only(kind: Any) -> None:
    lifecycle = kind.lifecycle
    for labels in (
        [state.text for state in lifecycle.states.values()],
        [guard.text for guard in lifecycle.guards.values()],
    ):
        assert len({label.zh for label in labels}) == len({label.en for label in labels}) == len(labels)


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_one_may_choose_between_in_a_state_have_different_names(kind: Any) -> None:
    for name in kind.lifecycle.states:
        labels = [step.text for step in kind.lifecycle.leaving(name)]
        assert len({label.zh for label in labels}) == len({label.en for label in labels}) == len(labels), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_effect_is_brought_about_by_some_room(kind: Any) -> None:
    caused = {effect.key for step in kind.lifecycle.steps.values() for effect in step.causes}
    assert caused <= registered_effects()


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_that_gives_a_reason_for_turning_something_down_says_so_in_words(kind: Any) -> None:
    """Whatever goes back to somebody, or ends without being done, carries words for them."""
    turning_down = re.compile(r"return|refuse|send_back|decline|uphold|set_aside|withdraw|again|instruct")
    for name, step in kind.lifecycle.steps.items():
        if turning_down.search(name) and not step.is_birth and step.by.key != "round":
            assert any(
                isinstance(given, Given) and not given.optional and given.kind is str for given in step.given
            ), name


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_recalled_is_recalled_unopened_and_in_time(kind: Any) -> None:
    guards = kind.lifecycle.guards
    for step in kind.lifecycle.steps.values():
        if isinstance(step.by, DoerOf):
            assert {guards["unopened"], guards["recent"]} <= set(step.must), step.name

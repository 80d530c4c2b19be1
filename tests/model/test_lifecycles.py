"""Every lifecycle against a model that shares no code with it: random people do random things at random times.

`make test` runs a small fixed share; `make model` (DUBAN_MODEL=long) runs 200 examples of 30 acts from each start and
then says what was reached, and fails when a transition or a refusal was not.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model import coverage
from tests.model.machine import Machine
from tests.model.starts import STARTS
from tests.supervision.county import County, county

LONG = os.environ.get("DUBAN_MODEL") == "long"
COMMON: dict[str, Any] = {
    "deadline": None, "report_multiple_bugs": False, "print_blob": True, "database": None,
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip
# What the short run finds it finds again; the long one takes the time to make it small.
SHORT_RUN = settings(
    max_examples=3, stateful_step_count=16, derandomize=True, phases=[Phase.generate], **COMMON
)
LONG_RUN = settings(max_examples=1, stateful_step_count=30, phases=[Phase.generate, Phase.shrink], **COMMON)
EXAMPLES = int(os.environ.get("DUBAN_MODEL_EXAMPLES", "200"))
"""From each start in the long run: as many from each of its roads."""


@pytest.fixture
def place(db: None, settings: Any, tmp_path: Path) -> County:
    settings.MEDIA_ROOT = str(tmp_path / "files")
    return county()


@pytest.mark.timeout(7200 if LONG else 300)
@pytest.mark.parametrize("start", STARTS)
def test_the_product_does_what_the_model_says(place: County, start: str) -> None:
    whole = STARTS[start]
    if not LONG:
        run_state_machine_as_test(partial(Machine, place, whole), settings=SHORT_RUN)
        return
    share = settings(LONG_RUN, max_examples=-(-EXAMPLES // len(whole.texts)))
    for road in whole.texts:
        run_state_machine_as_test(partial(Machine, place, replace(whole, texts=(road,))), settings=share)


if LONG:

    def test_every_transition_and_every_refusal_was_reached(capsys: pytest.CaptureFixture[str]) -> None:
        with capsys.disabled():
            print(f"\n{coverage.report()}")
        assert coverage.not_reached() == []

"""Every act that the engine writes into a document's chain has words in both languages on the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils.translation import override

from supervision.desk.queries.reader import ACTS, step_text
from workflows import rounds
from workflows.documents import document_kinds
from workflows.soundness import ENGINES_OWN
from workflows.words import Text

ENGINE = Path(__file__).resolve().parents[2] / "workflows"
WRITTEN = re.compile(r'(?:note|link_of)\(\s*[\w.]+,\s*"([a-z_]+)"')


def test_the_engine_writes_no_act_without_words() -> None:
    found = {act for path in ENGINE.glob("*.py") for act in WRITTEN.findall(path.read_text("utf-8"))}
    assert {"attach", "edit", "claim", "hand_over", "vote"} <= found
    assert found <= set(ACTS) | set(rounds.ENTRY_WORDS)


def test_no_step_of_a_lifecycle_may_be_called_like_an_act_of_the_engine() -> None:
    """Else the ledger would tell of somebody who claimed an item as of somebody who claimed the matter done."""
    assert set(ACTS) | set(rounds.ENTRY_WORDS) == ENGINES_OWN
    assert not any(set(model.lifecycle.steps) & ENGINES_OWN for model in document_kinds())


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_step_reads_in_both_languages(language: str) -> None:
    with override(language):
        for model in document_kinds():
            for name in model.lifecycle.steps:
                said = step_text(model.kind(), name)
                assert isinstance(said, Text)
                assert bool(re.search("[\u4e00-\u9fff]", str(said))) is (language == "zh-hans")

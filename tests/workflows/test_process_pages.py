"""The pages that show each lifecycle are what the lifecycles say, and a stale one is found."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from workflows.diagrams import file_name, page
from workflows.documents import document_kinds


def called(*arguments: str) -> str:
    out = io.StringIO()
    call_command("process_pages", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def house(tmp_path: Path, settings: Any) -> Path:
    """A place to write the pages to."""
    settings.BASE_DIR = tmp_path
    return tmp_path / "docs" / "processes"


def test_the_pages_in_the_house_are_as_the_lifecycles_say() -> None:
    called("--check")


def test_every_kind_has_a_page_and_every_round_a_drawing(house: Path) -> None:
    called()
    assert {path.name for path in house.glob("*.md")} == {file_name(kind) for kind in document_kinds()}
    rounds = {s.round for kind in document_kinds() for s in kind.lifecycle.states.values() if s.round}
    assert {path.stem for path in (house / "rounds").glob("*.svg")} >= rounds
    called("--check")


def test_a_page_names_every_state_step_condition_and_rule_in_both_languages() -> None:
    for kind in document_kinds():
        text = page(kind)
        for state in kind.lifecycle.states.values():
            assert f'state "{state.text.zh} {state.text.en}" as {state.name}' in text
            assert all(f"`{duty.rule}`" in text for duty in state.duties)
        for step in kind.lifecycle.steps.values():
            assert f"{step.text.zh} {step.text.en} `{step.name}`" in text
            assert f"--> {step.path.target.name}: {step.text.zh} {step.text.en}" in text
        for guard in kind.lifecycle.guards.values():
            assert guard.text.zh in text
            assert guard.text.en in text


def test_a_table_has_as_many_cells_in_each_row() -> None:
    for kind in document_kinds():
        widths: list[int] = []
        for line in page(kind).splitlines():
            if not line.startswith("|"):
                widths = []
                continue
            widths.append(line.count("|"))
            assert len(set(widths)) == 1, line


@pytest.mark.parametrize("how", ["changed", "missing", "left over"])
def test_a_stale_page_is_found_named_and_mended(house: Path, how: str) -> None:
    called()
    path = house / "orders.supervisionorder.md"
    if how == "changed":
        path.write_text(path.read_text("utf-8").replace("督办单", "督查单", 1), "utf-8")
    elif how == "missing":
        path.unlink()
    else:
        path = house / "goals.goal.md"
        path.write_text("# 旧\n", "utf-8")
    with pytest.raises(CommandError) as error:
        called("--check")
    assert error.value.returncode == 1
    assert path.name in str(error.value)
    called()
    called("--check")


def test_the_check_writes_nothing(house: Path) -> None:
    with pytest.raises(CommandError):
        called("--check")
    assert not house.exists()

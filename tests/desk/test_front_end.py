"""What the browser gets: nothing newer than Chromium 90, nothing that the content policy would refuse, nothing unlocked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tools import vendor

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = (ROOT / "static" / "app.css").read_text(encoding="utf-8")
SCRIPT = (ROOT / "static" / "app.js").read_text(encoding="utf-8")

TOO_NEW_IN_CSS = (
    r"color-mix\(", r":has\(", r":is\([^)]*:has", r"@container", r"@layer", r"@property", r"light-dark\(", r"oklch\(", r"oklab\(",
    r"popover", r"[0-9](?:dvh|svh|lvh|dvw|cqw)\b", r":modal", r"accent-color", r"subgrid", r"text-wrap", r"@starting-style",
)  # fmt: skip
TOO_NEW_IN_JS = (
    r"\?\.[a-zA-Z_(\[]", r"\?\?", r"\|\|=", r"&&=", r"\.replaceAll\(", r"\.at\(", r"structuredClone", r"\.findLast", r"Object\.hasOwn",
    r"requestSubmit", r"\bawait\b.*^\}", r"#[a-z]\w*\s*[=(;]",
)  # fmt: skip


def without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/", "", source, flags=re.S)


@pytest.mark.parametrize("feature", TOO_NEW_IN_CSS)
def test_the_styles_use_nothing_newer_than_the_oldest_browser_of_our_users(feature: str) -> None:
    assert re.findall(feature, without_comments(STYLES)) == []


def test_the_styles_do_not_nest() -> None:
    depth, at_rule = 0, []
    for piece in re.findall(r"@[^{}]*\{|[^{}]*\{|\}", without_comments(STYLES)):
        if piece == "}":
            at_rule.pop()
            continue
        selector = piece.strip()
        is_at = selector.startswith("@")
        assert is_at or not any(not outer for outer in at_rule), f"nested: {selector}"
        at_rule.append(is_at)
        depth = max(depth, len(at_rule))
    assert at_rule == []
    assert depth == 2


@pytest.mark.parametrize("feature", TOO_NEW_IN_JS)
def test_the_script_is_es2019_and_presses_buttons_instead_of_submitting_forms(feature: str) -> None:
    code = re.sub(r'"(?:[^"\\]|\\.)*"', '""', without_comments(SCRIPT))
    assert re.findall(feature, code) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_template_carries_what_the_content_policy_refuses(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    assert (
        re.findall(r"<style|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|javascript:|hx-on|hx-vals=[\"']js", source)
        == []
    )
    for tag in re.findall(r"<script[^>]*>", source):
        assert " src=" in tag, tag
    for address in re.findall(r"(?:src|href)\s*=\s*[\"'](https?:)?//", source):
        pytest.fail(f"{template} loads from elsewhere: {address}")


def test_every_icon_named_is_vendored_and_every_vendored_icon_is_named() -> None:
    wanted = set(tomllib.loads((ROOT / "tools" / "vendor.toml").read_text())["bootstrap-icons"]["icons"])
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(r'{% icon "([\w-]+)"', path.read_text(encoding="utf-8"))
    }
    assert named == wanted


def test_every_part_that_a_template_includes_exists() -> None:
    for path in TEMPLATES:
        for name in re.findall(r'{% (?:include|extends) "([^"]+)"', path.read_text(encoding="utf-8")):
            assert (ROOT / "templates" / name).is_file(), f"{path.name} wants {name}"


def test_the_vendored_files_are_the_locked_ones() -> None:
    assert vendor.faults() == []


def test_a_changed_or_added_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vendor, "DESTINATION", tmp_path)
    for path in (ROOT / "static" / "vendor").rglob("*"):
        if path.is_file():
            copy = tmp_path / path.relative_to(ROOT / "static" / "vendor")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    assert vendor.faults() == []
    (tmp_path / "htmx" / "htmx.min.js").write_bytes(b"changed")
    (tmp_path / "extra.js").write_bytes(b"added")
    (tmp_path / "bootstrap" / "LICENSE").unlink()
    assert vendor.faults() == [
        "bootstrap/LICENSE: locked but not on disk",
        "extra.js: on disk but not locked",
        "htmx/htmx.min.js: differs from the lock",
    ]

"""Conditions that several regulations share, word for word."""

from __future__ import annotations

from typing import Any

from workflows.lifecycle import Guard

UNOPENED = Guard[Any](
    "对方已打开办理，不能再撤回；如需修改，请与对方联系退回。",
    "It has been opened already and can no longer be recalled; ask for it to be sent back.",
    lambda document, at: document.unopened,
    facts=("unopened",),
)

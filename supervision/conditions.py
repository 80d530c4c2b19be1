"""Conditions that several regulations share, word for word."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workflows.lifecycle import Guard
from workflows.rulebook import RuleMissing, rulebook_of

WITHIN_HOURS = "recall.within_hours"
"""Number of the scheme: for how many hours a submission may be recalled. Not given: until it is opened."""


def hours_to_recall(document: Any) -> int | None:
    """How long the document's scheme lets a submission be recalled; None: without limit."""
    try:
        return rulebook_of(document, getattr(document, "calendar_stamp", 0)).number(WITHIN_HOURS)
    except RuleMissing:
        return None


def _is_recent(document: Any, at: datetime) -> bool:
    hours = hours_to_recall(document)
    return hours is None or at <= document.moved_at + timedelta(hours=hours)


UNOPENED = Guard[Any](
    "对方已打开办理，不能再撤回；如需修改，请与对方联系退回。",
    "It has been opened already and can no longer be recalled; ask for it to be sent back.",
    lambda document, at: document.unopened,
    facts=("unopened",),
)

RECENT = Guard[Any](
    "提交已超过 {hours} 小时，不能再撤回。",
    "The time in which it could be recalled ({hours} h) has passed.",
    _is_recent,
    hours=hours_to_recall,
)

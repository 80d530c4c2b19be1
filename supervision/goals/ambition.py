"""目标偏低 Whether a target is low beside what it is held against (R20, R21). Pure: the flag is for people, it refuses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from workflows.words import Text

LAST_YEAR, PLAN, PEERS = (
    Text("上年实绩", "last year"),
    Text("规划值", "the plan"),
    Text("同类地区", "comparable places"),
)
LOW = Text("目标偏低：不及{what}", "Low target: short of {what}")
LAX = Text("目标偏宽：高于{what}（越低越好）", "Lax target: above {what} (less is better)")
SHORT = Text("未达目标值", "short of the target")
SHORT_AND_BINDING = Text(
    "未达目标值；约束性指标未完成", "short of the target, which is binding: it counts as missed"
)


def figure(value: Decimal | None) -> str:
    """A figure without the zeros that its column adds; — for none."""
    return "—" if value is None else f"{value.normalize():f}"


def why_low(
    target: Decimal | None, beside: Sequence[tuple[Text, Decimal | None]], *, less_is_better: bool = False
) -> Text | None:
    """What the target falls short of, in words; None when nothing, or when there is no figure to compare."""
    if target is None:
        return None
    short = [
        text
        for text, value in beside
        if value is not None and (target > value if less_is_better else target < value)
    ]
    if not short:
        return None
    words = LAX if less_is_better else LOW
    return Text(
        words.zh.format(what="、".join(text.zh for text in short)),
        words.en.format(what=", ".join(text.en for text in short)),
    )


def falls_short(
    result: Decimal | None, target: Decimal | None, *, binding: bool, less_is_better: bool = False
) -> Text | None:
    """That a result is short of its target, in words; None when it is not, or when there is nothing to compare."""
    if result is None or target is None or (result <= target if less_is_better else result >= target):
        return None
    return SHORT_AND_BINDING if binding else SHORT

"""What the regulations on goals share: the head's two gates, what counts as a figure, and the verdicts of the year's end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from workflows.lifecycle import Check, Given
from workflows.words import Text

DUTIES_FIT = Given(
    "职能关：目标与本单位职责相符、没有遗漏",
    "gate of duties: the goals fit the unit's duties and leave none out",
    bool,
)
QUANTIFIED = Given(
    "量化关：能量化的都已量化、口径明确",
    "gate of figures: what can be measured is, and it is clear how",
    bool,
)
HEAD_SAID = Given("把关意见", "words on the two gates")
"""The head's two gates (R29): each is answered, and the answers stand in the ledger with the signature."""

MOST = Decimal(10) ** 14
"""What a figure's column can hold."""

FITS = Check[Any](
    "数值过大或小数超过四位。", "The figure is too large, or has more than four decimals.",
    lambda goal, value, at: abs(value) < MOST and -value.normalize().as_tuple().exponent <= 4,
)  # fmt: skip

VERDICTS = {
    "met": Text("完成", "met"), "partly": Text("部分完成", "partly met"), "missed": Text("未完成", "missed"),
}  # fmt: skip
"""What became of a goal at the end of its year."""

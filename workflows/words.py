"""Words of a regulation, in both languages, and reasons that are stored as a code with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import get_language


@dataclass(frozen=True)
class Text:
    """One phrase of a regulation. `str()` gives it in the reader's language; placeholders are `{name}`."""

    zh: str
    en: str

    def __str__(self) -> str:
        return self.in_language(get_language() or "zh-hans")

    def in_language(self, language: str) -> str:
        return self.en if language.startswith("en") else self.zh

    def format(self, **params: object) -> str:
        return str(self).format(**params)


@dataclass(frozen=True)
class Reason:
    """Why something was refused: stored as `code` and `params`, read out as `text` in the reader's language."""

    code: str
    text: Text
    params: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.params)

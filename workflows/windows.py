"""Looking at every document in turn: a window of ids of each kind at a time, so that a look costs the same at any size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from workflows.documents import Document, document_kinds

WIDTH = 20_000
"""Ids in a window."""
BEYOND = 2**62


@dataclass(frozen=True)
class Window:
    """Documents of one kind with ids from `first` to `last`, both included."""

    model: type[Document]
    first: int = 0
    last: int = BEYOND


def everything() -> list[Window]:
    """All documents of all kinds."""
    return [Window(model) for model in document_kinds()]


def in_turn(turn: int) -> list[Window]:
    """The window of each kind whose turn it is; `turn` counts the looks, and each kind begins anew after its last window.

    The outermost windows reach beyond the ids there are, so that what points at no document is seen as well.
    """
    return [_window(model, lowest, highest, turn) for model, lowest, highest in _spans(document_kinds())]


def _window(model: type[Document], lowest: int, highest: int, turn: int) -> Window:
    count = 1 + (highest - lowest) // WIDTH
    place = turn % count
    first = lowest + place * WIDTH
    return Window(model, 0 if place == 0 else first, BEYOND if place == count - 1 else first + WIDTH - 1)


def _spans(models: Iterable[type[Document]]) -> list[tuple[type[Document], int, int]]:
    """The lowest and the highest id of each kind: one statement, two probes a kind."""
    kinds = list(models)
    spans = " UNION ALL ".join(
        f"SELECT {place}, coalesce(min(id), 0), coalesce(max(id), 0) FROM {connection.ops.quote_name(kind._meta.db_table)}"
        for place, kind in enumerate(kinds)
    )
    with connection.cursor() as cursor:
        cursor.execute(spans)
        return [(kinds[place], lowest, highest) for place, lowest, highest in cursor.fetchall()]

"""The registry through which a step, or a ladder, causes something in a room above.

A lifecycle declares an `Effect`; the room that owns the consequence fills the registry at start-up.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from organisation.actors import Actor

Cause = Callable[[Any, Actor, datetime], None]
"""Takes the document as it stands after the step (its row is locked), who caused it, and the instant."""

_causes: dict[str, Cause] = {}


class NoSuchEffect(Exception):
    """A lifecycle or a ladder names an effect that no room has registered."""


def register_effect(key: str, cause: Cause) -> None:
    """Fill `key`. Called once at start-up by the room that owns the consequence."""
    _causes[key] = cause


def registered_effects() -> frozenset[str]:
    return frozenset(_causes)


def bring_about(key: str, document: Any, *, actor: Actor, at: datetime) -> None:
    """Run the effect inside the transaction that caused it. Raises NoSuchEffect."""
    if key not in _causes:
        raise NoSuchEffect(key)
    _causes[key](document, actor, at)

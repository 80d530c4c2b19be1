"""The protocol through which a scheme's deadlines, ladders and numbers reach the engine.

`workflows` knows no scheme: the room that keeps schemes registers itself here at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from workflows.documents import Document


class RuleMissing(Exception):
    """A lifecycle names a deadline rule or number that the document's scheme does not carry; the sentence names both."""


@dataclass(frozen=True)
class LadderStep:
    """One step of a ladder (催办升级阶梯): what happens at `at` while the item is still open.

    `tells` holds role keys of the document's lifecycle, or "owner" for whoever owes the item;
    `lamp` is "green", "yellow" or "red", or None to leave it; `action` names an entry of the action registry;
    `level` is how far things have come when it is taken (0: not escalated).
    """

    key: str
    at: datetime
    tells: tuple[str, ...] = ()
    lamp: str | None = None
    action: str | None = None
    urgent: bool = False
    level: int = 0


@dataclass(frozen=True)
class Deadline:
    """A due date with its reason. `due_at` is exclusive: due 12 January is midnight at the start of 13 January, local."""

    rule: str
    due_on: date
    due_at: datetime
    derivation: Mapping[str, Any]
    ladder: tuple[LadderStep, ...] = ()
    provisional: bool = False


class RuleBook(Protocol):
    """One version of a scheme, as one document sees it: the version and calendar it is pinned to."""

    @property
    def version(self) -> str:
        """`slug@number` of the scheme version, written into every ledger entry."""
        ...

    def derive(self, rule: str, document: Document, at: datetime) -> Deadline:
        """The deadline that `rule` gives this document when its clock starts at `at`. Raises RuleMissing."""
        ...

    def resume(
        self, deadline: Mapping[str, Any], document: Document, paused_at: datetime, resumed_at: datetime
    ) -> Deadline:
        """The stored derivation, moved by the time its clock stood still."""
        ...

    def extend(
        self, deadline: Mapping[str, Any], due_on: date, *, at: datetime, by: str = "", reason: str = ""
    ) -> Deadline:
        """The stored derivation with an approved extension to a later date; the original one is kept."""
        ...

    def rederive(self, deadline: Mapping[str, Any], document: Document) -> Deadline:
        """The stored derivation again, under the calendar as it is now."""
        ...

    def number(self, key: str) -> int:
        """A number of the institution, such as how many of a leading group must agree. Raises RuleMissing."""
        ...


_resolver: Callable[[Document, int], RuleBook] | None = None


def register_rulebooks(resolver: Callable[[Document, int], RuleBook]) -> None:
    """Called once at start-up by the room that keeps schemes. The resolver takes the document and the calendar stamp."""
    global _resolver
    _resolver = resolver


def rulebook_of(document: Document, calendar_stamp: int) -> RuleBook:
    """The rule book this document is pinned to. Must not query once its scheme version is in the process's cache."""
    if _resolver is None:
        raise RuleMissing("no room has registered its rule books; see workflows.rulebook.register_rulebooks")
    return _resolver(document, calendar_stamp)

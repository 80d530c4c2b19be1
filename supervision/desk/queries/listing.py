"""Files: the documents of one kind within the reader's scope, latest movement first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from supervision.desk.pages import ActiveFilter, Choice, Pages, Select, Tab, Words
from supervision.desk.queries import reader as said
from supervision.desk.queries.facts import unit_name
from supervision.desk.queries.queue import Address, filters_of, pages_of, size_of
from supervision.desk.queries.reader import Reader
from workflows.documents import document_kinds


@dataclass(frozen=True)
class DocumentLine:
    title: str
    url: str
    number: str
    unit: Words
    state: Words
    moved_at: datetime | None


@dataclass(frozen=True)
class Listing:
    tabs: tuple[Tab, ...]
    rows: tuple[DocumentLine, ...]
    pages: Pages
    search: str
    keep: tuple[tuple[str, str], ...]
    selects: tuple[Select, ...]
    filters: tuple[ActiveFilter, ...]
    clear_url: str


def documents_page(reader: Reader, address: Address) -> Listing:
    """One page of one kind; two statements, whatever the number of documents."""
    kinds = list(document_kinds())
    model = next((m for m in kinds if m.kind() == address.get("of")), kinds[0])
    rows = model.visible_to(reader.actor).select_related("unit")
    states = model.lifecycle.states
    if address.get("state") in states:
        rows = rows.filter(state=address.get("state"))
    if address.get("q"):
        rows = rows.filter(Q(title__icontains=address.get("q")) | Q(number__icontains=address.get("q")))
    page, size = max(address.number("page", 1), 1), size_of(address)
    found = list(rows.order_by("-moved_at", "-pk")[size * (page - 1) : size * page + 1])
    total: int | str = f"{size * page}+" if len(found) > size else size * (page - 1) + len(found)
    lines = tuple(
        DocumentLine(
            d.title, said.document_url(d.kind(), d.pk), d.number, unit_name(d.unit), said.state_text(d.kind(), d.state), d.moved_at
        )
        for d in found[:size]
    )  # fmt: skip
    tabs = tuple(
        Tab(m.kind(), str(m.lifecycle.title), f"{address.path}?of={m.kind()}", None, m is model)
        for m in kinds
    )
    choices = tuple(Choice(name, state.text) for name, state in states.items())
    return Listing(
        tabs, lines, pages_of(address, page, size, len(lines), total), address.get("q"), (("of", model.kind()),),
        (Select("state", _("State"), _("All states"), choices, address.get("state")),), filters_of(address),
        f"{address.path}?of={model.kind()}",
    )  # fmt: skip

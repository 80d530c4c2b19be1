"""What conditions read on rows other than the document's own: expressions for `Document.facts()`."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, IntegerField, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from workflows.documents import Document, document_kinds, parent_of
from workflows.models import Attachment, WorkItem


def unopened(model: type[Document]) -> Any:
    """Whether nobody has opened a work item that the document's last step gave out."""
    given_out = _open_items(model).filter(opened_at__gte=OuterRef("moved_at"))
    return ~Exists(given_out.filter(first_opened_at__isnull=False))


def of_open_item(model: type[Document], duty: str, column: str) -> Any:
    """A column of the open work item of this duty, such as its due date as it stands; None without one."""
    return Subquery(_open_items(model).filter(duty=duty).values(column)[:1])


def attachments(model: type[Document]) -> Any:
    """How many attachments stand."""
    rows = Attachment.objects.filter(kind=model.kind(), document_id=OuterRef("pk"), removed_at__isnull=True)
    return count(rows, "document_id")


def parts(model: type[Document], name: str, **conditions: Any) -> Any:
    """How many rows of a part there are, or how many of them meet the conditions."""
    owner = model.parts[name]
    rows = model._meta.get_field(name).related_model._base_manager  # type: ignore[union-attr]
    return count(rows.filter(**{owner: OuterRef("pk")}, **conditions), owner)


def unfinished_children(model: type[Document]) -> Any:
    """How many documents whose parent this is have not come to an end.

    They cannot move meanwhile: whoever moves a child holds its parent's row.
    """
    total: Any = Value(0)
    for child in document_kinds():
        if parent_of(child) is model:
            ends = [name for name, state in child.lifecycle.states.items() if state.final]
            rows: Any = child._base_manager.filter(**{child.parent: OuterRef("pk")})
            total = total + count(rows.exclude(state__in=ends), child.parent)
    return total


def _open_items(model: type[Document]) -> Any:
    return WorkItem.objects.filter(
        kind=model.kind(), document_id=OuterRef("pk"), closed_at__isnull=True, seat__isnull=True
    )


def count(rows: Any, by: str) -> Any:
    """How many of these rows there are, of those that name this document in `by`."""
    counted = rows.order_by().values(by).annotate(many=Count("pk")).values("many")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)

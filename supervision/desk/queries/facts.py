"""What a document says: its own fields and parts, each under the name the model gives it, and its files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.formats import number_format

from organisation.models import Unit
from supervision.desk import wording
from supervision.desk.pages import Fact, File, Who
from supervision.schemes.documents import Supervised
from workflows.attachments import of_document
from workflows.documents import Document
from workflows.words import Text

SHOWN_ELSEWHERE = frozenset({"id", "state", "title", "number", "unit"})


def own_fields(model: type[Document]) -> list[models.Field[Any, Any]]:
    """The fields that the kind itself declares, in its own order, without what every document has."""
    common = {field.name for field in Supervised._meta.get_fields()}
    return [f for f in model._meta.concrete_fields if f.name not in common | SHOWN_ELSEWHERE]


def facts_of(document: Any, *, deciding: bool = False) -> tuple[Fact, ...]:
    """Every field that says something, then every part with its rows. One statement a part.

    `deciding`: and what whoever decides without the document's page before them must know besides.
    """
    remarks = document.remarks()
    facts = [
        Fact(_label(field), value, was=_was(document, field), tag=str(remarks.get(field.name, "")))
        for field in own_fields(type(document))
        if not isinstance(field, models.ForeignKey) and (value := value_of(document, field))
    ]
    told = (
        Fact(str(label)[:1].upper() + str(label)[1:], text)
        for label, text in (document.told() if deciding else ())
        if text
    )
    return (*facts, *_parts(document), *told)


def _label(field: models.Field[Any, Any]) -> str:
    name = str(field.verbose_name)
    return name[:1].upper() + name[1:]


def _was(document: Any, field: models.Field[Any, Any]) -> str:
    """A date that was moved shows the first one, struck out."""
    first = getattr(document, f"original_{field.name}", None)
    return wording.full_day(first) if first and first != getattr(document, field.name) else ""


def value_of(row: Any, field: models.Field[Any, Any]) -> str:
    """A field's value as text in the reader's language; "" when it says nothing."""
    value = getattr(row, field.attname)
    if value is None or value == "" or value is False or field.name.startswith("original_"):
        return ""
    if isinstance(row, Document) and (named := dict(row.choices()).get(field.name)):
        return str(dict(named).get(value, value))
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    if isinstance(field, models.DateTimeField):
        from django.utils import timezone

        return wording.full_moment(value.astimezone(timezone.get_current_timezone()))
    if isinstance(field, models.DateField):
        return wording.full_day(value)
    if value is True:
        return wording.yes()
    if isinstance(field, models.PositiveSmallIntegerField) and value == 0:
        return ""
    if isinstance(field, models.DecimalField):
        return wording.figure(value)
    if isinstance(value, int | float):
        return str(number_format(value))
    return str(value)


def _parts(document: Any) -> Iterable[Fact]:
    for name, owner in type(document).parts.items():
        manager = getattr(document, name)
        related = [
            f.name
            for f in manager.model._meta.concrete_fields
            if isinstance(f, models.ForeignKey) and f.name != owner and not _is_document(f.related_model)
        ]
        rows = list(manager.select_related(*related) if related else manager.all())
        if rows:
            label = str(manager.model._meta.verbose_name_plural)
            lines = [f"{place}. {_line(row, owner)}" for place, row in enumerate(rows, 1)]
            yield Fact(label[:1].upper() + label[1:], "\n".join(lines))


def _line(row: Any, owner: str) -> str:
    """One row of a part as one line: the first value as it is, the others with their names."""
    said: list[str] = []
    for field in row._meta.concrete_fields:
        if field.primary_key or field.name == owner or _is_document(field.related_model):
            continue
        value = (
            str(getattr(row, field.name) or "")
            if isinstance(field, models.ForeignKey)
            else value_of(row, field)
        )
        if value:
            said.append(value if not said else f"{field.verbose_name}{wording.colon()}{value}")
    return wording.semicolon().join(said)


def _is_document(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, Document)


def files_of(document: Any, *, may_remove: bool = False) -> tuple[File, ...]:
    """The files that stand; with `may_remove` those added in the present state can be taken off again."""
    return tuple(
        File(
            a.name, reverse("attachment", args=[a.pk]), a.size, a.fact_on, a.uploaded_at,
            Who(Text(a.uploaded_by.name, a.uploaded_by.name_en or a.uploaded_by.name)), a.sha256,
            reverse("remove_attachment", args=[a.pk]) if may_remove and a.state == document.state else "",
        )
        for a in of_document(document)
    )  # fmt: skip


def unit_name(unit: Unit) -> Text:
    return Text(unit.name_zh, unit.name_en or unit.name_zh)

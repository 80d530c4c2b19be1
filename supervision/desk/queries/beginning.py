"""What may be begun on a document's page: documents below it that a person opens, such as a goal on its sheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import reverse

from supervision.desk.pages import Begin
from supervision.desk.queries.reader import Reader
from workflows.documents import Document, document_kinds
from workflows.judgement import judge


def blank_below(model: type[Document], above: Any) -> Any:
    """A new document of a kind that is begun on this one: same institution, unit and year, and the same documents above it."""
    blank: Any = model(
        institution_id=above.institution_id, unit_id=above.unit_id, title=model.titled_below(above)
    )
    blank.cycle_id = above.cycle_id
    for field in model._meta.concrete_fields:
        if field.name == model.begun_on:
            setattr(blank, field.name, above)
        elif (
            isinstance(field.related_model, type)
            and issubclass(field.related_model, Document)
            and hasattr(above, field.attname)
        ):
            setattr(blank, field.attname, getattr(above, field.attname))
    return blank


def births_on(document: Any, reader: Reader) -> tuple[Begin, ...]:
    """The births of other kinds that are this person's on this document, each with every reason against it."""
    return tuple(_births_on(document, reader))


def _births_on(document: Any, reader: Reader) -> Iterable[Begin]:
    for model in document_kinds():
        if not model.begun_on or model._meta.get_field(model.begun_on).related_model is not type(document):
            continue
        for step in model.lifecycle.births():
            blank = blank_below(model, document)
            if step.by.capacities(reader.actor, blank):
                reasons = judge(blank, step, reader.actor, reader.at).reasons
                url = reverse("begin_below", args=[document.kind(), document.pk, model.kind(), step.name])
                yield Begin(step.text, url, tuple(str(reason) for reason in reasons))

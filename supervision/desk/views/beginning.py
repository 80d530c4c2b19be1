"""Opening documents by hand: an order from the navigation, a goal on its sheet, a change on its goal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.db.models import ForeignKey
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from organisation.middleware import Page
from supervision.desk.editing import birth_form
from supervision.desk.queries import reader as said
from supervision.desk.queries.beginning import blank_below
from supervision.desk.queries.reader import Reader, reader_of
from supervision.desk.views.answers import go, said_no, sorted_out
from supervision.desk.views.deciding import found
from supervision.schemes.queries import cycle_in_force
from workflows.documents import Refused, model_of
from workflows.fire import start
from workflows.judgement import judge
from workflows.lifecycle import Step


@login_required
def begin(request: Page, kind: str, step: str) -> HttpResponse:
    """Open a document by hand, where the lifecycle lets a person do so."""
    reader = reader_of(request)
    model, birth = _birth(kind, step)
    if (
        "unit" not in model.content  # begun elsewhere: below another document, or for many units at once
        or not birth.by.capacities(reader.actor, model(institution_id=reader.actor.institution_id))
    ):
        raise Http404
    blank = model(institution_id=reader.actor.institution_id)
    return _begin(
        request,
        reader,
        birth,
        blank,
        lambda: {"cycle": cycle_in_force(reader.actor.institution_id, reader.today)},
    )


@login_required
def begin_below(request: Page, kind: str, pk: int, child: str, step: str) -> HttpResponse:
    """Begin a document on the page of the one above it: a goal on its sheet, a change on its goal."""
    reader = reader_of(request)
    above = found(kind, pk, reader)
    model, birth = _birth(child, step)
    if not model.begun_on or model._meta.get_field(model.begun_on).related_model is not type(above):
        raise Http404
    blank = blank_below(model, above)
    if not birth.by.capacities(reader.actor, blank):
        raise Http404
    if reasons := judge(blank, birth, reader.actor, reader.at).reasons:
        return said_no(request, tuple(map(str, reasons)), 409, said.document_url(kind, pk))
    known = {
        f.attname: getattr(blank, f.attname) for f in model._meta.concrete_fields if isinstance(f, ForeignKey)
    }
    own = {name: value for name, value in known.items() if value is not None}
    title = {} if "title" in model.content else {"title": blank.title}
    return _begin(request, reader, birth, blank, lambda: own | title, back=said.document_url(kind, pk))


def _birth(kind: str, step: str) -> tuple[Any, Step[Any]]:
    """The kind of document and the birth that an address names. Raises Http404."""
    try:
        model = model_of(kind)
    except (LookupError, ValueError):
        raise Http404 from None
    birth = model.lifecycle.steps.get(step)
    if birth is None or not birth.is_birth:
        raise Http404
    return model, birth


def _begin(
    request: Page,
    reader: Reader,
    birth: Step[Any],
    blank: Any,
    known: Callable[[], Mapping[str, Any]],
    back: str = "",
) -> HttpResponse:
    """The form, and what comes of it: `known` are the fields that nobody types."""
    model, kind = type(blank), blank.kind()
    form = birth_form(model, reader, request.POST if request.method == "POST" else None, blank)
    request_id, status = request.POST.get("request_id") or str(uuid4()), 200
    notes: tuple[str, ...] = ()
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made: Any = start(
                    model, birth.name, actor=reader.actor, at=reader.at, request_id=UUID(request_id),
                    **{"institution_id": reader.actor.institution_id, **known(), **form.cleaned_data},
                )  # fmt: skip
            except Refused as refused:
                fields, notes = sorted_out(refused)
                for name, text in fields.items():
                    form.add_error(name if name in form.fields else None, text)
            else:
                return go(
                    request,
                    reverse("edit", args=[kind, made.pk]),
                    _("Opened: %(title)s") % {"title": made.title},
                )
    context = {
        "kind": model.lifecycle.title, "step": birth.text, "form": form, "request_id": request_id, "notes": notes,
        "back": back or reverse("queue"),
    }  # fmt: skip
    return render(request, "desk/begin.html", context, status=status)

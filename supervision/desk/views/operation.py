"""The operator's page: what the clockwork could not do by itself, and the way to have it done again."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from notifications.deliveries import is_of, resend
from organisation.middleware import Page
from supervision.desk.queries.chrome import OPERATORS
from supervision.desk.queries.operation import operation_page
from supervision.desk.queries.reader import Reader, reader_of
from supervision.desk.views.answers import go, said_no
from workflows.documents import Refused
from workflows.models import WorkItem
from workflows.setting_aside import pass_over, retry


def _operator(request: Page) -> Reader:
    reader = reader_of(request)
    if not reader.roles & OPERATORS:
        raise Http404
    return reader


@login_required
@require_GET
def operation(request: Page) -> HttpResponse:
    return render(request, "desk/operation.html", {"operation": operation_page(_operator(request))})


@login_required
@require_POST
def retry_item(request: Page, pk: int) -> HttpResponse:
    """Let the sweep look at an item again at once that it had set aside."""
    reader = _operator(request)
    if not retry(pk, institution_id=reader.actor.institution_id):
        return said_no(request, (_("This item is not set aside any more."),), 409, reverse("operation"))
    return go(request, reverse("operation"), _("The item is looked at again with the next tick."))


@login_required
@require_POST
def pass_over_item(request: Page, pk: int) -> HttpResponse:
    """Leave out the steps of an item that raise an error, with the reason on record."""
    reader = _operator(request)
    try:
        pass_over(pk, actor=reader.actor, at=reader.at, reason=request.POST.get("reason", ""))
    except WorkItem.DoesNotExist:
        raise Http404 from None
    except Refused as refused:
        return said_no(request, tuple(str(r) for r in refused.reasons), 422, reverse("operation"))
    return go(request, reverse("operation"), _("The steps are passed over; the duty and its date stand."))


@login_required
@require_POST
def resend_delivery(request: Page, pk: int) -> HttpResponse:
    """Send a message again that could not be delivered, with the reason on record."""
    reader = _operator(request)
    if not is_of(pk, reader.actor.institution_id):
        raise Http404
    try:
        resend(pk, by=reader.actor, at=reader.at, reason=request.POST.get("reason", ""))
    except Refused as refused:
        return said_no(request, tuple(str(r) for r in refused.reasons), 422, reverse("operation"))
    return go(request, reverse("operation"), _("It is sent again with the next tick."))

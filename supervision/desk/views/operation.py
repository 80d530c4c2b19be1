"""The operator's page: what the clockwork could not do by itself, and the way to have it done again."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from organisation.middleware import Page
from supervision.desk.queries.chrome import OPERATORS
from supervision.desk.queries.operation import operation_page
from supervision.desk.queries.reader import Reader, reader_of
from supervision.desk.views.answers import go, said_no


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
    from workflows.deadlines import retry

    reader = _operator(request)
    if not retry(pk, institution_id=reader.actor.institution_id):
        return said_no(request, (_("This item is not set aside any more."),), 409, reverse("operation"))
    return go(request, reverse("operation"), _("The item is looked at again with the next tick."))


@login_required
@require_POST
def resend_delivery(request: Page, pk: int) -> HttpResponse:
    """Send a message again that could not be delivered, with the reason on record."""
    from notifications.queries import dead_letter
    from notifications.resending import NotDead, resend

    reader = _operator(request)
    delivery = dead_letter(pk, reader.actor.institution_id)
    if delivery is None:
        raise Http404
    reason = request.POST.get("reason", "").strip()
    if not reason:
        return said_no(request, (_("Say why it is sent again."),), 422, reverse("operation"))
    try:
        resend(delivery, by=reader.actor, at=reader.at, reason=reason)
    except NotDead as refused:
        return said_no(request, (str(refused),), 409, reverse("operation"))
    return go(request, reverse("operation"), _("It is sent again with the next tick."))

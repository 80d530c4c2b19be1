"""Goals of the year: the overview, and the performance office's call for them."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from organisation.middleware import Page
from supervision.desk.queries.goals import goals_page, year_of
from supervision.desk.queries.queue import Address
from supervision.desk.queries.reader import reader_of
from supervision.desk.views.answers import go, said_no
from supervision.goals.calling import call_for_goals
from workflows.documents import Refused
from workflows.rulebook import RuleMissing


@login_required
@require_GET
def goals(request: Page) -> HttpResponse:
    page = goals_page(reader_of(request), Address(request.path, request.GET))
    return render(request, "desk/goals.html", {"goals": page})


@login_required
@require_POST
def call(request: Page) -> HttpResponse:
    """Open a sheet for every unit that has none."""
    reader, back = reader_of(request), reverse("goals")
    _cycles, cycle = year_of(reader, Address(request.path, request.POST))
    if cycle is None:
        return said_no(
            request, (_("No appraisal year is open; the performance office must open one first."),), 422, back
        )
    try:
        called = call_for_goals(cycle, actor=reader.actor, at=reader.at)
    except Refused as refused:
        return said_no(request, tuple(str(reason) for reason in refused.reasons), 403, back)
    except RuleMissing:
        sentence = _(
            "The scheme of this year says nothing about goals. Publish a version of the scheme with the rules for goals, and open the year with it."
        )
        return said_no(request, (sentence,), 422, back)
    text = ngettext(
        "%(count)d unit was called upon to set its goals.",
        "%(count)d units were called upon to set their goals.",
        called,
    )
    return go(request, back, text % {"count": called})

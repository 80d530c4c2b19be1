"""How the desk answers: pages for a browser that asked for one, fragments for htmx, and what was typed always kept."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure

from organisation.middleware import Page
from supervision.desk.pages import Stale as StalePanel
from supervision.desk.pages import Who
from supervision.desk.queries import reader as said
from supervision.desk.queries.chrome import shown
from supervision.desk.queries.document import name_of
from supervision.desk.queries.leader import for_decision
from supervision.desk.queries.reader import reader_of
from workflows.documents import Refused, Stale
from workflows.models import Vote
from workflows.rounds import SeatTaken
from workflows.worklist import queue_counts


def is_fragment(request: Any) -> bool:
    """Whether htmx asked for a part of a page."""
    return bool(request.htmx) and not request.htmx.boosted


def said_no(request: Page, reasons: tuple[str, ...], status: int, back: str) -> HttpResponse:
    """A refusal of something that has no form of its own: a toast for htmx, a message on the page before otherwise."""
    text = " ".join(reasons)
    if is_fragment(request):
        return HttpResponse(
            text,
            status=status,
            headers={"Duban-Reason": quote(text)},
            content_type="text/plain; charset=utf-8",
        )
    messages.error(request, text)
    return HttpResponseRedirect(back)


def decided(
    request: Page, *, key: str, text: str, back: str, action: str = "", url: str = ""
) -> HttpResponse:
    """It is done: for htmx an empty body, the page's counts out of band and the event that moves the focus on."""
    if not is_fragment(request):
        messages.success(request, text)
        return HttpResponseRedirect(back)
    counts = queue_counts(request.actor)
    every, claimable = sum(counts.values()), sum(n for (_l, c), n in counts.items() if c)
    told = [("nav-queue", every)]
    if request.POST.get("shape") == "card":
        told += [("desk", len(for_decision(reader_of(request))))]
    else:
        # On that tab the lamps count what can be claimed.
        only = "tab=claimable" in request.headers.get("HX-Current-URL", "")
        lamps = {
            lamp: sum(n for (k, c), n in counts.items() if k == lamp and (c or not only))
            for lamp in ("red", "yellow", "green")
        }
        told += [("tab-mine", every), ("tab-claimable", claimable), ("lamp-all", sum(lamps.values()))]
        told += [(f"lamp-{lamp}", n) for lamp, n in lamps.items()]
    response = render(request, "desk/_decided.html", {"counts": tuple((k, shown(n)) for k, n in told)})
    response["HX-Trigger"] = json.dumps({"decided": {"id": key, "text": text, "action": action, "url": url}})
    return response


def go(request: Page, url: str, text: str = "") -> HttpResponse:
    """To another page, with a message there."""
    if text:
        messages.success(request, text)
    if is_fragment(request):
        return HttpResponse(status=200, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def token_was_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form with a token of before the last sign-in. htmx gets the new one for the forms of its page, which keep what was
    typed; only this site's own pages can read it. Everybody else gets the page that says so."""
    if request.headers.get("HX-Request") != "true":
        return csrf_failure(request, reason)
    text = _(
        "You have signed in again since this page was opened. Nothing was recorded yet: press the button again."
    )
    return HttpResponse(status=403, headers={"Duban-Reason": quote(text), "Duban-Token": get_token(request)})


def stale_panel(error: Stale, kind: str) -> StalePanel:
    """Who was first, what they did, when, and where it stands now."""
    name: str = getattr(error, "name", "") or name_of(error.by)
    act: Any = said.step_text(kind, error.step)
    if isinstance(error, SeatTaken):
        act = Vote(error.vote).label
    who = Who(name or _("the clock"))
    return StalePanel(who, act, error.at, said.state_text(kind, error.state))


def sorted_out(refused: Refused) -> tuple[dict[str, str], tuple[str, ...]]:
    """A refusal's reasons: those about a field under its name, the others as sentences about the whole."""
    fields: dict[str, str] = {}
    general = []
    for reason in refused.reasons:
        if reason.code.startswith("given."):
            fields.setdefault(reason.code.split(".")[1], str(reason))
        else:
            general.append(str(reason))
    return fields, tuple(general)

"""Deciding: the panel, the one door for steps and votes, claiming, handing over, and many at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from organisation.middleware import Page
from organisation.models import Person
from supervision.desk.pages import Bulk, BulkResult
from supervision.desk.pages import Step as PageStep
from supervision.desk.queries import reader as said
from supervision.desk.queries.deciding import INPUT_KINDS, MAIN_WORDS, Typed, own_seat, panel_of
from supervision.desk.queries.document import document_page, item_of, item_on, opened_by, visible
from supervision.desk.queries.queue import row_of
from supervision.desk.queries.reader import Reader, reader_of
from supervision.desk.views.answers import decided, go, is_fragment, said_no, sorted_out, stale_panel
from workflows import rounds
from workflows.documents import Conflict, Refused, Stale
from workflows.fire import fire, fire_many
from workflows.lifecycle import Given, Step
from workflows.models import Seat, WorkItem
from workflows.roles import DoerOf
from workflows.worklist import Narrowing, claim, hand_over, open_items, queue, release, role_of
from workflows.worklist import candidates as candidates_for


def found(kind: str, pk: int, reader: Reader) -> Any:
    """The document, or 404 alike for what does not exist and what this reader may not see."""
    try:
        return visible(kind, pk, reader)
    except (LookupError, ValueError, ObjectDoesNotExist):
        raise Http404 from None


def _item_in_scope(item_id: int, reader: Reader) -> tuple[WorkItem, Any]:
    item = item_of(reader.actor.institution_id, item_id)
    if item is None:
        raise Http404
    return item, found(item.kind, item.document_id, reader)


@login_required
@require_GET
def item_panel(request: Page, item_id: int) -> HttpResponse:
    """The panel under a queue row or inside a card. Opening it is what ends the submitter's right to recall."""
    reader = reader_of(request)
    item, document = _item_in_scope(item_id, reader)
    if item.closed_at:
        return said_no(
            request,
            (_("This has been dealt with; reload the list."),),
            410,
            said.document_url(item.kind, item.document_id),
        )
    items = open_items(document)
    opened_by([i for i in items if i.pk == item.pk], document, reader)
    mine = next(i for i in items if i.pk == item.pk)
    shape = request.GET.get("shape", "row")
    shape = shape if shape in ("row", "card") else "row"
    panel = panel_of(
        document, reader, items=items, item=mine, shape=shape, typed=Typed(step=request.GET.get("step", ""))
    )
    if not is_fragment(request):
        return go(
            request,
            f"{said.document_url(item.kind, item.document_id)}?step={request.GET.get('step', '')}#act",
        )
    whole = shape == "row" and request.GET.get("part") != "form"
    return render(
        request, "desk/_panel.html" if whole else "desk/_decide.html", {"panel": panel, "now": reader.at}
    )


@login_required
@require_GET
def panel(request: Page, kind: str, pk: int) -> HttpResponse:
    """The decision form of a document's own page, with the inputs of the step that was chosen."""
    reader = reader_of(request)
    document = found(kind, pk, reader)
    if not is_fragment(request):
        return go(request, f"{said.document_url(kind, pk)}?step={request.GET.get('step', '')}#act")
    built = panel_of(
        document,
        reader,
        items=open_items(document),
        shape="page",
        typed=Typed(step=request.GET.get("step", "")),
    )
    return render(request, "desk/_decide.html", {"panel": built, "now": reader.at})


def typed_in(request: Page) -> Typed:
    """What came with the form, kept for every way it may come back."""
    post = request.POST
    values = {name: str(value) for name, value in post.items() if name not in ("csrfmiddlewaretoken",)}
    seen = post.get("seen_version", "")
    return Typed(
        step=post.get("step") or post.get("confirmed") or "", opinion=post.get("opinion", ""), values=values,
        request_id=post.get("request_id", ""), seen_version=int(seen) if seen.isdigit() else None, capacity=post.get("capacity", ""),
    )  # fmt: skip


def read_inputs(step: Step[Any], typed: Typed) -> tuple[dict[str, Any], dict[str, str]]:
    """The step's inputs as values, and what cannot be read; the panel's own text is the reason or the opinion."""
    values: dict[str, Any] = {"opinion": typed.opinion.strip()} if typed.opinion.strip() else {}
    errors: dict[str, str] = {}
    for given in step.given:
        raw = typed.opinion if given.name == MAIN_WORDS else typed.values.get(given.name, "")
        if given.name == MAIN_WORDS:
            values.pop("opinion", None)
        try:
            values[given.name] = _read(given, raw.strip())
        except ValueError:
            errors[given.name] = _wrong(given)
    return values, errors


def _read(given: Given, raw: str) -> Any:
    if not raw:
        return None
    if given.kind is date:
        return date.fromisoformat(raw)
    if given.kind is int:
        return int(raw)
    if given.kind is Decimal:
        try:
            return Decimal(raw.replace(",", "").replace("，", ""))
        except InvalidOperation as unreadable:
            raise ValueError(raw) from unreadable
    return raw == "yes" if given.kind is bool else raw


def _wrong(given: Given) -> str:
    kind = INPUT_KINDS.get(given.kind)
    if kind == "date":
        return _("Enter “%(name)s” as a date, such as 2026-10-10.") % {"name": given.text}
    if kind == "decimal":
        return _("Enter “%(name)s” as a number, such as 96.5.") % {"name": given.text}
    return _("Enter “%(name)s” as a whole number.") % {"name": given.text}


@login_required
@require_POST
def act(request: Page, kind: str, pk: int) -> HttpResponse:
    """The one door through which a person moves a document or decides a seat. Nothing is decided without a named step."""
    reader = reader_of(request)
    document = found(kind, pk, reader)
    typed = typed_in(request)
    item = item_on(document, request.POST.get("item", ""))
    try:
        text, undo = _take(document, item, typed, reader)
    except Refused as refused:
        errors, general = sorted_out(refused)
        return _again(request, document, item, reader, typed, 422, errors=errors, general=general)
    except _Confirm:
        typed.confirming = typed.step
        return _again(request, document, item, reader, typed, 422)
    except _Incomplete as incomplete:
        return _again(
            request, document, item, reader, typed, 422, errors=incomplete.errors, general=incomplete.general
        )
    except Stale as stale:
        typed.stale = stale_panel(stale, kind)
        return _again(request, document, item, reader, typed, 409)
    except (Conflict, rounds.Busy):
        sentence = _(
            "This form was sent before with other content, or others are deciding right now. Check it and send it again."
        )
        typed.request_id = ""
        return _again(request, document, item, reader, typed, 409, general=(sentence,))
    url = said.document_url(kind, pk)
    if item is None or request.POST.get("shape") == "page":
        return go(request, url, text)
    return decided(
        request,
        key=str(item.pk),
        text=text,
        back=url,
        action=_("Recall") if undo else "",
        url=f"{url}?step={undo}#act" if undo else url,
    )


class _Confirm(Exception):
    """The step cannot be undone and was not confirmed yet."""


class _Incomplete(Exception):
    """The form says no step, or an input cannot be read."""

    def __init__(self, errors: Mapping[str, str], general: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.errors, self.general = errors, general


def _take(document: Any, item: WorkItem | None, typed: Typed, reader: Reader) -> tuple[str, str]:
    """Fire the step or cast the vote; returns what was done in words, and the step that would recall it."""
    if typed.seen_version is None or not _is_uuid(typed.request_id):
        raise _Incomplete(
            {}, (_("The form is incomplete. Reload the page and try again; what you typed is still here."),)
        )
    as_post = int(typed.capacity) if typed.capacity.isdigit() else None
    common: dict[str, Any] = {
        "actor": reader.actor,
        "at": reader.at,
        "request_id": UUID(typed.request_id),
        "as_post": as_post,
    }
    if typed.step.startswith("vote:"):
        return _vote(document, item, typed, common)
    declared = document.lifecycle.steps.get(typed.step)
    if declared is None or declared.is_birth:
        raise _Incomplete({}, (_("Choose what you want to do: no step was named, so nothing was decided."),))
    values, errors = read_inputs(declared, typed)
    if errors:
        raise _Incomplete(errors)
    if declared.irreversible and typed.values.get("confirmed") != typed.step:
        raise _Confirm
    fire(document, typed.step, seen_version=typed.seen_version, **common, **values)
    undo = next(
        (
            s.name
            for s in document.lifecycle.steps.values()
            if isinstance(s.by, DoerOf) and s.by.step == typed.step
        ),
        "",
    )
    return _("Done: %(step)s. %(title)s") % {"step": declared.text, "title": document.title}, undo


def _vote(document: Any, item: WorkItem | None, typed: Typed, common: dict[str, Any]) -> tuple[str, str]:
    choice = typed.step.removeprefix("vote:")
    seat = item if item is not None and item.seat_id else _own_seat(document, common["actor"])
    if seat is None or choice not in ("approve", "refuse", "recuse"):
        raise _Incomplete({}, (_("There is no open seat of yours in this round."),))
    voted = rounds.vote(seat, choice, opinion=typed.opinion, seen_version=typed.seen_version, **common)
    if voted.outcome:
        outcome = said.step_text(document.kind(), voted.outcome)
        return _("Your vote is recorded; with it the round ended: %(outcome)s. %(title)s") % {
            "outcome": outcome,
            "title": document.title,
        }, ""
    return _("Your vote is recorded. %(title)s") % {"title": document.title}, ""


def _own_seat(document: Any, actor: Any) -> WorkItem | Seat | None:
    return own_seat(open_items(document), Reader(actor, document.moved_at))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _again(
    request: Page, document: Any, item: WorkItem | None, reader: Reader, typed: Typed, status: int, *,
    errors: Mapping[str, str] | None = None, general: tuple[str, ...] = (),
) -> HttpResponse:  # fmt: skip
    """The form once more, with what was typed and what was wrong with it."""
    fresh = found(document.kind(), document.pk, reader)
    typed.errors, typed.general = errors or {}, general
    typed.request_id = typed.request_id if _is_uuid(typed.request_id) else str(uuid4())
    if not is_fragment(request):
        context = {"document": document_page(fresh, reader, typed), "now": reader.at}
        return render(request, "desk/document.html", context, status=status)
    items = open_items(fresh)
    mine = next((i for i in items if item is not None and i.pk == item.pk), None)
    shape = request.POST.get("shape", "row")
    shape = shape if shape in ("row", "card", "page") else "row"
    built = panel_of(fresh, reader, items=items, item=mine, shape=shape, typed=typed)
    if item is not None and mine is None:
        built = replace(built, key=str(item.pk))
    return render(request, "desk/_decide.html", {"panel": built, "now": reader.at}, status=status)


@login_required
@require_POST
def claim_item(request: Page, item_id: int) -> HttpResponse:
    """Take a role's item into one's own queue."""
    reader = reader_of(request)
    item, document = _item_in_scope(item_id, reader)
    back = said.document_url(item.kind, item.document_id)
    try:
        claim(item_id, actor=reader.actor, at=reader.at)
    except Refused as refused:
        return said_no(request, tuple(str(r) for r in refused.reasons), 409, back)
    return decided(
        request,
        key=str(item_id),
        text=_("Claimed: %(title)s") % {"title": document.title},
        back=back,
        action=_("Open"),
        url=back,
    )


@login_required
@require_POST
def release_item(request: Page, item_id: int) -> HttpResponse:
    """Give a claimed item back to its office."""
    reader = reader_of(request)
    item, document = _item_in_scope(item_id, reader)
    back = said.document_url(item.kind, item.document_id)
    try:
        release(item_id, actor=reader.actor, at=reader.at)
    except Refused as refused:
        return said_no(request, tuple(str(r) for r in refused.reasons), 409, back)
    return go(
        request,
        back,
        _("Released: everybody of the office can claim it again. %(title)s") % {"title": document.title},
    )


@login_required
def hand_over_item(request: Page, item_id: int) -> HttpResponse:
    """Give an item to a named colleague who holds the same post today (转办), with the reason."""
    reader = reader_of(request)
    item, document = _item_in_scope(item_id, reader)
    back = said.document_url(item.kind, item.document_id)
    errors: dict[str, str] = {}
    general: tuple[str, ...] = ()
    standing = candidates_for(item, role_of(item), document, reader.at).exclude(
        person_id=reader.actor.person_id
    )
    people = {row.person_id: row.person for row in standing.select_related("person", "unit")}
    chosen, reason = request.POST.get("to", ""), request.POST.get("reason", "")
    if request.method == "POST":
        person = people.get(int(chosen)) if chosen.isdigit() else None
        if person is None:
            errors["to"] = _("Choose a colleague who holds this post today.")
        else:
            try:
                hand_over(item_id, person, reason=reason, actor=reader.actor, at=reader.at)
            except Refused as refused:
                errors, general = sorted_out(refused)
            else:
                return go(
                    request,
                    back,
                    _("Handed over to %(name)s: %(title)s") % {"name": person.name, "title": document.title},
                )
    context = {
        "item": item, "document": document, "people": tuple(_choices(people)), "chosen": chosen, "reason": reason, "errors": errors,
        "general": general, "back": back, "now": reader.at, "duty": said.duty_text(item),
    }  # fmt: skip
    return render(request, "desk/hand_over.html", context, status=422 if request.method == "POST" else 200)


def _choices(people: Mapping[int, Person]) -> Any:
    return ((str(pk), person.name) for pk, person in sorted(people.items(), key=lambda pair: pair[1].name))


@login_required
@require_POST
def bulk(request: Page) -> HttpResponse:
    """One step for many items of one kind and state: first the list to confirm, then what came of each."""
    reader = reader_of(request)
    ids = {int(raw) for raw in request.POST.getlist("items") if raw.isdigit()}
    step, confirmed = request.POST.get("step", ""), request.POST.get("confirmed", "")
    items = [item for item in queue(reader.actor, Narrowing(), limit=1000) if item.pk in ids]
    rows = tuple(row_of(item, reader) for item in items)
    if (
        not items
        or not step
        or any(row.bulk is None or row.bulk.key != step for row in rows)
        or len({r.bulk_group for r in rows}) > 1
    ):
        return said_no(
            request,
            (_("Only items of one kind at one step can be decided together. Nothing was decided."),),
            422,
            "/",
        )
    if any(row.lamp == "red" for row in rows):
        return said_no(
            request, (_("Overdue items each need an opinion of their own. Nothing was decided."),), 422, "/"
        )
    shown: PageStep = rows[0].bulk  # type: ignore[assignment]  # just checked
    opinion = request.POST.get("opinion", "")
    request_id = request.POST.get("request_id", "")
    if confirmed != step or not _is_uuid(request_id):
        built = Bulk(shown, request.path, str(uuid4()), rows=rows, opinion=opinion)
        return render(request, "desk/_bulk.html", {"bulk": built, "now": reader.at})
    model = type(found(items[0].kind, items[0].document_id, reader))
    documents = {
        d.pk: d for d in model.visible_to(reader.actor).filter(pk__in=[i.document_id for i in items])
    }
    said_too: dict[str, Any] = {"opinion": opinion.strip()} if opinion.strip() else {}
    many = fire_many(
        model, {pk: d.version for pk, d in documents.items()}, step, actor=reader.actor, at=reader.at, request_id=UUID(request_id), **said_too
    )  # fmt: skip
    results = tuple(
        _result(document, many.turned_down.get(pk), model.kind()) for pk, document in documents.items()
    )
    built = Bulk(shown, request.path, request_id, results=results)
    return render(request, "desk/_bulk.html", {"bulk": built, "now": reader.at})


def _result(document: Any, error: Exception | None, kind: str) -> BulkResult:
    url = said.document_url(kind, document.pk)
    if isinstance(error, Refused):
        return BulkResult(document.title, url, " ".join(str(r) for r in error.reasons))
    if isinstance(error, Stale):
        stale = stale_panel(error, kind)
        return BulkResult(
            document.title, url, _("%(who)s was first: %(act)s") % {"who": stale.who.name, "act": stale.act}
        )
    return BulkResult(document.title, url, _("sent twice") if error else "")

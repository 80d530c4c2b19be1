"""The desk's pages: queue, one document, its draft, its files, the board, the leader's desk, notices."""

from __future__ import annotations

from datetime import date
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from organisation.middleware import Page
from supervision.desk.editing import editor_for
from supervision.desk.queries import reader as said
from supervision.desk.queries.board import board_page
from supervision.desk.queries.chrome import BOARD_READERS, home_of
from supervision.desk.queries.deciding import Typed
from supervision.desk.queries.document import document_page, opened_by
from supervision.desk.queries.leader import leader_desk
from supervision.desk.queries.listing import documents_page
from supervision.desk.queries.notices import notices_page, opened_notice
from supervision.desk.queries.queue import Address, queue_page
from supervision.desk.queries.reader import reader_of
from supervision.desk.views.answers import go, said_no, sorted_out
from supervision.desk.views.deciding import found
from workflows import attachments
from workflows.documents import Conflict, Refused, Stale
from workflows.fire import edit
from workflows.models import Attachment
from workflows.notices import mark_read
from workflows.worklist import open_items


@login_required
@require_GET
def home(request: Page) -> HttpResponse:
    """Leaders begin with what waits for their decision, everybody else with their queue."""
    return redirect(home_of(request.actor))


@login_required
@require_GET
def queue(request: Page) -> HttpResponse:
    page = queue_page(reader_of(request), Address(request.path, request.GET))
    return render(request, "desk/queue.html", {"queue": page})


@login_required
@require_GET
def document(request: Page, kind: str, pk: int) -> HttpResponse:
    reader = reader_of(request)
    row = found(kind, pk, reader)
    items = open_items(row)
    if opened_by(items, row, reader):
        row, items = found(kind, pk, reader), open_items(row)
    page = document_page(row, reader, Typed(step=request.GET.get("step", "")), items=items)
    return render(request, "desk/document.html", {"document": page})


@login_required
def edit_draft(request: Page, kind: str, pk: int) -> HttpResponse:
    """Change a draft's content. Nothing that was typed is lost: neither by an error nor by somebody who was first."""
    reader = reader_of(request)
    row = found(kind, pk, reader)
    state = row.lifecycle.states.get(row.state)
    if state is None or state.edits is None:
        return said_no(
            request, (_("The content cannot be changed in this state."),), 409, said.document_url(kind, pk)
        )
    data = request.POST if request.method == "POST" else None
    more = request.POST.get("more", "")
    editor = editor_for(row, reader, data, more=more)
    request_id, seen = (
        request.POST.get("request_id") or str(uuid4()),
        request.POST.get("seen_version") or str(row.version),
    )
    status = 200
    notes: tuple[str, ...] = ()
    if request.method == "POST" and not more:
        status = 422
        if editor.is_valid():
            try:
                edit(
                    row, actor=reader.actor, at=reader.at, seen_version=int(seen), request_id=UUID(request_id), changes=editor.changes(),
                    parts=editor.rows(),
                )  # fmt: skip
            except Refused as refused:
                fields, notes = sorted_out(refused)
                editor.errors_of(fields)
            except (Stale, Conflict):
                status = 409
                notes = (
                    _(
                        "Somebody changed this draft after you opened it. Your text is below; compare it with the file before you save again."
                    ),
                )
                seen = str(row.version)
                request_id = str(uuid4())
            else:
                return go(request, said.document_url(kind, pk), _("Saved: %(title)s") % {"title": row.title})
    context = {
        "document": row, "kind": row.lifecycle.title, "editor": editor, "request_id": request_id, "seen_version": seen, "notes": notes,
        "back": said.document_url(kind, pk), "attach_url": reverse("attach", args=[kind, pk]),
    }  # fmt: skip
    return render(request, "desk/edit.html", context, status=status)


@login_required
@require_POST
def attach(request: Page, kind: str, pk: int) -> HttpResponse:
    """Add a file with the day of the fact."""
    reader = reader_of(request)
    row = found(kind, pk, reader)
    back = f"{said.document_url(kind, pk)}#h-files"
    upload, fact_on = request.FILES.get("file"), _day(request.POST.get("fact_on", ""))
    if upload is None or upload.file is None or fact_on is None:
        missing = (
            _("Choose a file.") if upload is None else _("Enter the day of the fact, such as 2026-10-10.")
        )
        return said_no(request, (missing,), 422, back)
    try:
        attachments.attach(
            row, upload.file, name=upload.name or "file", fact_on=fact_on, actor=reader.actor, at=reader.at
        )
    except Refused as refused:
        return said_no(request, tuple(str(r) for r in refused.reasons), 422, back)
    return go(request, back, _("Added: %(name)s") % {"name": upload.name})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@login_required
@require_GET
def attachment(request: Page, pk: int) -> HttpResponseBase:
    """A file, only through the scope of its document; shown in the page's own sandbox where it is safe to show."""
    try:
        row = attachments.visible(pk, request.actor)
        content = attachments.path_of(row).open("rb")
    except (Attachment.DoesNotExist, FileNotFoundError):
        raise Http404 from None
    inline = row.media_type in attachments.SHOWN_IN_PAGE and "download" not in request.GET
    response = FileResponse(content, as_attachment=not inline, filename=row.name, content_type=row.media_type)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_POST
def remove_attachment(request: Page, pk: int) -> HttpResponse:
    """Take a file off the document; file and digest stay on record."""
    reader = reader_of(request)
    try:
        row = attachments.visible(pk, reader.actor)
    except Attachment.DoesNotExist:
        raise Http404 from None
    back = f"{said.document_url(row.kind, row.document_id)}#h-files"
    try:
        attachments.remove(pk, actor=reader.actor, at=reader.at)
    except Refused as refused:
        return said_no(request, tuple(str(r) for r in refused.reasons), 409, back)
    return go(request, back, _("Removed: %(name)s") % {"name": row.name})


@login_required
@require_GET
def board(request: Page) -> HttpResponse:
    reader = reader_of(request)
    if not reader.roles & BOARD_READERS:
        raise Http404
    return render(
        request, "desk/board.html", {"board": board_page(reader, Address(request.path, request.GET))}
    )


@login_required
@require_GET
def desk(request: Page) -> HttpResponse:
    reader = reader_of(request)
    if not reader.holds("leading_group"):
        raise Http404
    return render(request, "desk/leader.html", {"desk": leader_desk(reader)})


@login_required
@require_GET
def documents(request: Page) -> HttpResponse:
    page = documents_page(reader_of(request), Address(request.path, request.GET))
    return render(request, "desk/documents.html", {"listing": page})


@login_required
@require_GET
def notices(request: Page) -> HttpResponse:
    return render(
        request,
        "desk/notices.html",
        {"notices": notices_page(reader_of(request), Address(request.path, request.GET))},
    )


@login_required
@require_POST
def read_notices(request: Page) -> HttpResponse:
    """Everything unread becomes read: the receipt of each."""
    mark_read(request.user.pk, None, request.at)
    return redirect("notices")


@login_required
@require_GET
def notice(request: Page, pk: int) -> HttpResponse:
    """A notice leads to its document; following it is its receipt."""
    row = opened_notice(reader_of(request), pk)
    if row is None:
        raise Http404
    mark_read(request.user.pk, [pk], request.at)
    return redirect(said.document_url(row.kind, row.document_id))

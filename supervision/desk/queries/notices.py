"""What a person was told: their own notices and nobody else's."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from supervision.desk.pages import NoticeLine, Notices, Tab
from supervision.desk.queries.queue import Address, pages_of, size_of
from supervision.desk.queries.reader import Reader
from workflows.models import Notice
from workflows.notices import Wording, wordings


def notices_page(reader: Reader, address: Address) -> Notices:
    """One page, latest first: a constant number of statements."""
    own = Notice.objects.filter(person_id=reader.actor.person_id or 0)
    unread = own.filter(read_at__isnull=True)
    only_unread = address.get("only") == "unread"
    page, size = max(address.number("page", 1), 1), size_of(address)
    rows = list((unread if only_unread else own).order_by("-at", "-id")[size * (page - 1) : size * page + 1])
    waiting = unread[:100].count()
    language = get_language() or "zh-hans"
    shown = rows[:size]
    said = wordings(shown, [language] * len(shown))
    lines = tuple(_line(row, words) for row, words in zip(shown, said, strict=True))
    total: int | str = f"{size * page}+" if len(rows) > size else size * (page - 1) + len(lines)
    return Notices(
        lines, pages_of(address, page, size, len(lines), total), waiting,
        (
            Tab("all", _("All notices"), address.path, None, not only_unread),
            Tab("unread", _("Unread"), f"{address.path}?only=unread", waiting, only_unread),
        ),
        reverse("read_notices"),
    )  # fmt: skip


def _line(row: Notice, said: Wording) -> NoticeLine:
    return NoticeLine(
        row.pk,
        said.subject,
        row.at,
        reverse("notice", args=[row.pk]),
        "" if row.title in said.subject else row.title,  # most sentences name their document
        row.urgent,
        row.read_at is not None,
    )


def opened_notice(reader: Reader, pk: int) -> Notice | None:
    return Notice.objects.filter(pk=pk, person_id=reader.actor.person_id or 0).first()

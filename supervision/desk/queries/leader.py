"""The leader's desk: what waits for my decision with the facts to decide on, made for a phone first."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from organisation.roles import PostRole
from supervision.desk.pages import Card, LeaderDesk
from supervision.desk.queries import reader as said
from supervision.desk.queries.board import lamp_counts, longest_overdue
from supervision.desk.queries.facts import facts_of, files_of
from supervision.desk.queries.queue import row_of
from supervision.desk.queries.reader import Reader
from supervision.desk.queries.trail import opinions_of
from workflows import rounds
from workflows.documents import model_of
from workflows.models import WorkItem
from workflows.worklist import Narrowing, queue

CARDS = 3
"""How many cards stand on the desk: each shows its whole file, so that their number bounds the page's statements."""


def for_decision(reader: Reader) -> list[Any]:
    """What waits for this leader as a leader. One statement."""
    items = queue(reader.actor, Narrowing(), limit=200)
    return [item for item in items if item.post_role == PostRole.LEADING_GROUP]


def leader_desk(reader: Reader) -> LeaderDesk:
    """What waits for this leader as a leader; the rest of their work is in the queue. Statements bounded by CARDS."""
    items = for_decision(reader)
    board_url = reverse("board")
    return LeaderDesk(
        today=reader.today, cards=tuple(_card(item, reader) for item in items[:CARDS]), total=len(items),
        lamps=lamp_counts(reader, board_url), board_url=board_url, attention=longest_overdue(reader), queue_url=reverse("queue"),
        last_done=said.last_done(reader) if not items else None,
    )  # fmt: skip


def _card(item: Any, reader: Reader) -> Card:
    document = model_of(item.kind).visible_to(reader.actor).get(pk=item.document_id)
    spoken = [opinion for opinion in opinions_of(document, reader) if opinion.text]
    return Card(
        row_of(item, reader), facts_of(document, deciding=True), files_of(document), spoken[-1] if spoken else None, _standing(item, document)
    )  # fmt: skip


def _standing(item: WorkItem, document: Any) -> str:
    """How the round stands, in a sentence."""
    if item.seat_id is None:
        return ""
    sitting = next(
        (s for s in rounds.sittings_of(document) if any(seat.pk == item.seat_id for seat in s.seats)), None
    )
    if sitting is None:
        return ""
    tally = sitting.tally()
    return _("%(agreed)d agreed, %(against)d against, %(waiting)d open; %(need)d must agree") % {
        "agreed": tally.agreed, "against": tally.against, "waiting": tally.waiting, "need": max(tally.need, 1),
    }  # fmt: skip

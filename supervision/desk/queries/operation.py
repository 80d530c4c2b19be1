"""What an operator must look after: the auditor's findings, items set aside, the clockwork, dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from notifications.deliveries import ChannelState, DeliveryLine, channels, page_of_deliveries
from supervision.desk.pages import Words
from supervision.desk.queries import reader as said
from supervision.desk.queries.reader import Reader
from workflows.auditor import FAULT_WORDS
from workflows.documents import document_kinds, model_of
from workflows.models import Finding, Heartbeat, WorkItem
from workflows.words import Text

SHOWN = 100

COMPONENTS = {
    "sweep": Text("到期扫描", "what falls due"),
    "worker": Text("后台进程", "background worker"),
    "audit": Text("巡检", "auditor"),
    "reroute": Text("职务变动转派", "sending on after changes of posts"),
    "calendar": Text("日历变更", "changes of calendars"),
    "openings": Text("定期下达", "opening by date"),
    "files": Text("附件核对", "check of files"),
    "deliver": Text("消息发送", "delivery of messages"),
    "deliver_place": Text("本轮发送", "the pass that is sending"),
}
"""What the parts of the clockwork are called; one without a name shows its key."""


@dataclass(frozen=True)
class FindingLine:
    what: Words
    text: str
    url: str
    at: datetime


@dataclass(frozen=True)
class SetAside:
    id: int
    title: str
    duty: Words
    url: str
    error: str
    attempts: int
    retry_at: datetime | None


@dataclass(frozen=True)
class Beat:
    component: Words
    at: datetime


@dataclass(frozen=True)
class Operation:
    findings: tuple[FindingLine, ...]
    set_aside: tuple[SetAside, ...]
    beats: tuple[Beat, ...]
    dead: tuple[DeliveryLine, ...]
    channels: tuple[ChannelState, ...]


def operation_page(reader: Reader) -> Operation:
    """Everything that waits for an operator; a constant number of statements."""
    stuck = WorkItem.objects.filter(
        institution_id=reader.actor.institution_id, closed_at__isnull=True, attempts__gt=0
    )
    return Operation(
        tuple(_finding(row) for row in _findings(reader)[:SHOWN]),
        tuple(
            SetAside(i.pk, i.title, said.duty_text(i), said.document_url(i.kind, i.document_id), i.last_error, i.attempts, i.retry_at)
            for i in stuck.order_by("retry_at")[:SHOWN]
        ),
        tuple(Beat(COMPONENTS.get(b.component, b.component), b.at) for b in Heartbeat.objects.order_by("component")),
        page_of_deliveries(reader.actor.institution_id, status="dead", size=SHOWN).rows,
        channels(reader.actor.institution_id, reader.at),
    )  # fmt: skip


def _findings(reader: Reader) -> QuerySet[Finding]:
    """Findings about documents in the reader's scope, and those about the system itself."""
    kinds = document_kinds()
    seen = ~Q(kind__in=[model.kind() for model in kinds])
    for model in kinds:
        seen |= Q(kind=model.kind(), document_id__in=model.visible_to(reader.actor).values("pk"))
    return Finding.objects.filter(seen).order_by("-found_at")


def _finding(row: Finding) -> FindingLine:
    try:
        model_of(row.kind)
        url = said.document_url(row.kind, row.document_id)
    except (LookupError, ValueError):
        url = ""
    return FindingLine(
        FAULT_WORDS.get(row.code, row.code),
        ", ".join(f"{k}: {v}" for k, v in row.params.items()),
        url,
        row.found_at,
    )

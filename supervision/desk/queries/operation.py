"""What an operator must look after: the auditor's findings, items set aside, the clockwork, dead letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from supervision.desk.queries import reader as said
from supervision.desk.queries.reader import Reader
from workflows.documents import model_of
from workflows.models import Finding, Heartbeat, WorkItem

SHOWN = 100


@dataclass(frozen=True)
class FindingLine:
    code: str
    text: str
    url: str
    at: datetime


@dataclass(frozen=True)
class SetAside:
    id: int
    title: str
    url: str
    error: str
    attempts: int
    retry_at: datetime | None


@dataclass(frozen=True)
class Beat:
    component: str
    at: datetime
    detail: str


@dataclass(frozen=True)
class Operation:
    findings: tuple[FindingLine, ...]
    set_aside: tuple[SetAside, ...]
    beats: tuple[Beat, ...]
    dead: tuple[Any, ...]
    breakers: tuple[Any, ...]


def operation_page(reader: Reader) -> Operation:
    """Everything that waits for an operator; a constant number of statements."""
    from notifications.queries import breakers, dead_letters

    stuck = WorkItem.objects.filter(
        institution_id=reader.actor.institution_id, closed_at__isnull=True, attempts__gt=0
    )
    return Operation(
        tuple(_finding(row) for row in Finding.objects.order_by("-found_at")[:SHOWN]),
        tuple(
            SetAside(i.pk, i.title, said.document_url(i.kind, i.document_id), i.last_error, i.attempts, i.retry_at)
            for i in stuck.order_by("retry_at")[:SHOWN]
        ),
        tuple(Beat(b.component, b.at, ", ".join(f"{k}: {v}" for k, v in b.detail.items())) for b in Heartbeat.objects.order_by("component")),
        tuple(dead_letters(reader.actor.institution_id)[:SHOWN]), tuple(breakers()),
    )  # fmt: skip


def _finding(row: Finding) -> FindingLine:
    try:
        model_of(row.kind)
        url = said.document_url(row.kind, row.document_id)
    except (LookupError, ValueError):
        url = ""
    return FindingLine(row.code, ", ".join(f"{k}: {v}" for k, v in row.params.items()), url, row.found_at)

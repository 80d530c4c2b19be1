"""What the tests of the clock do over and over: many orders at once, and what became of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from config import home
from organisation import changes
from organisation.actors import clock_of
from organisation.models import Post
from supervision.orders.models import SupervisionOrder
from tests.supervision.county import AT, County, county, moment
from workflows.fire import start_many
from workflows.models import Entry, Notice, WorkItem

WHO = frozenset({
    "staff", "colleague", "deputy", "head", "staff elsewhere", "head elsewhere", "office", "drafter", "checker", "leader",
    "second leader", "former leader", "discipline", "auditor",
})  # fmt: skip
"""The people of the county that these tests speak of: who is told what depends on who there is."""

DRAFTED = "order.draft"
"""What a fresh order owes: drafted on Monday 2 March, due on Wednesday 4 March, by the supervision office."""


def stage() -> County:
    """The county with these people in office and nobody else."""
    place = county()
    for post in Post.objects.filter(institution=place.institution).exclude(person__name__in=WHO):
        changes.end_post(
            post, ends=date(2025, 12, 31), by=clock_of(place.institution.pk), at=moment(1, 1), reason="调离"
        )
    return place


def orders(place: County, count: int, at: datetime = AT, unit: str = "town") -> list[SupervisionOrder]:
    """So many fresh orders, drafted at one instant: all their steps fall due together."""
    rows = [{**place.pinned(unit), "title": f"督办事项{n}", "due_on": date(2026, 6, 1)} for n in range(count)]
    return start_many(SupervisionOrder, "draft_order", rows, actor=place.actor("drafter", at), at=at)


def item_of(document: Any, duty: str) -> WorkItem:
    """The latest item of a duty, open or closed."""
    return WorkItem.objects.filter(kind=document.kind(), document_id=document.pk, duty=duty).latest("pk")


def steps_of(document: Any) -> list[tuple[str, datetime, datetime]]:
    """The ladder's entries in a document's chain: key, when it counts, when it was written."""
    rows = Entry.objects.filter(kind=document.kind(), document_id=document.pk, step__startswith="ladder:")
    return [
        (step.removeprefix("ladder:"), effective, recorded)
        for step, effective, recorded in rows.order_by("sequence").values_list(
            "step", "effective_at", "recorded_at"
        )
    ]


def told(document: Any, person: str | None = None) -> list[tuple[str, str]]:
    """Who was told what by the clock about a document, in order: person's name, code."""
    rows = Notice.objects.filter(kind=document.kind(), document_id=document.pk).exclude(
        code__in=document.lifecycle.steps
    )
    if person:
        rows = rows.filter(person__name=person)
    return list(rows.order_by("at", "code", "person__name").values_list("person__name", "code"))


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """All that a sweep writes, to be compared: nothing lost, nothing doubled."""
    items = WorkItem.objects.order_by("pk")
    entries = Entry.objects.order_by("kind", "document_id", "sequence")
    return {
        "items": list(items.values_list("pk", "ladder_at", "next_step_at", "lamp", "closed_at")),
        "entries": list(entries.values_list("kind", "document_id", "sequence", "step", "effective_at")),
        "notices": list(Notice.objects.order_by("key").values_list("key", "code")),
    }


def run(
    environment: dict[str, str], *arguments: str, failpoint: str = ""
) -> subprocess.CompletedProcess[str]:
    """`manage.py` in a process of its own, on this environment's database."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments, "--skip-checks"],
        cwd=home.ROOT,
        env={**environment, "DUBAN_FAILPOINT": failpoint},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def in_threads(*work: Callable[[], Any]) -> Sequence[Any]:
    """Run these at once, each on a connection of its own; raises what one of them raised."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Barrier

    from django.db import connections

    together = Barrier(len(work))

    def one(job: Callable[[], Any]) -> Any:
        try:
            together.wait(10)
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(work)) as pool:
        return [done.result() for done in [pool.submit(one, job) for job in work]]

"""The shortest words for tests of the engine; the county itself is `tests.supervision.county`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from organisation.models import Person
from supervision.orders.models import SupervisionOrder
from tests.supervision.county import AT, GIVEN, County, order_of
from workflows.fire import Many, fire_many, start_many
from workflows.models import Entry, Notice, Payload, WorkItem

OWN_AFFAIRS = (
    "SAVEPOINT",
    "RELEASE SAVEPOINT",
    "ROLLBACK TO SAVEPOINT",
    "BEGIN",
    "COMMIT",
    "SET CONSTRAINTS",
)


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that the block sends between BEGIN and COMMIT."""
    sent: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield sent
    sent += [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(OWN_AFFAIRS)]


def orders_of(place: County, many: int, at: Any = AT, **fields: Any) -> list[SupervisionOrder]:
    """So many drafts, opened together by the drafter."""
    rows = [
        {
            **place.pinned(), "title": f"第{number}件督办事项", "source": "meeting", "authority": "县政府第3次常务会议",
            "clause": f"会议纪要第{number}条", "due_on": AT.date().replace(day=16), **fields,
        }
        for number in range(many)
    ]  # fmt: skip
    parts = [{"criteria": [{"text": "全部完成"}]} for _ in rows]
    return start_many(
        SupervisionOrder, "draft_order", rows, actor=place.actor("drafter", at), at=at, parts=parts
    )


def act_on_all(
    place: County, documents: Sequence[Any], step: str, who: str, at: Any = AT, **more: Any
) -> Many:
    """`fire_many` with the versions as they stand in the database."""
    model = type(documents[0])
    seen = dict(model.objects.filter(pk__in=[d.pk for d in documents]).values_list("pk", "version"))
    given = {g.name: GIVEN[g.name] for g in model.lifecycle.steps[step].given}
    options = {"actor": place.actor(who, at), "request_id": uuid4(), **more}
    return fire_many(model, seen, step, at=at, **options, **given)


def issued(place: County, **fields: Any) -> SupervisionOrder:
    """An order for signature."""
    order = order_of(place, **fields)
    act_on_all(place, [order], "submit", "drafter")
    return order


def chain(document: Any) -> list[Entry]:
    return list(Entry.objects.filter(kind=document.kind(), document_id=document.pk).order_by("sequence"))


def last_content(document: Any) -> dict[str, Any]:
    """What the document's last entry was decided on."""
    rows = Payload.objects.filter(kind=document.kind(), document_id=document.pk).order_by("-sequence")
    content: dict[str, Any] = json.loads(bytes(rows.values_list("content", flat=True)[0]))
    return content


def item_of(document: Any, duty: str) -> WorkItem:
    """The open item of this duty."""
    return WorkItem.objects.get(kind=document.kind(), document_id=document.pk, duty=duty, closed_at=None)


def told(document: Any, sequence: int) -> list[Person]:
    """Who was told of this entry, in order of names."""
    rows = Notice.objects.filter(kind=document.kind(), document_id=document.pk)
    prefix = f"{document.kind()}:{document.pk}:{sequence}:"
    return sorted((n.person for n in rows.filter(key__startswith=prefix)), key=lambda p: p.name)


def run_sql(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def behind_its_back() -> Iterator[None]:
    """As a database administrator who switches every trigger off for the session."""
    run_sql("SET session_replication_role = replica")
    try:
        yield
    finally:
        run_sql("SET session_replication_role = origin")


def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each call gives or raises when all begin at once, each on a connection of its own."""
    gate, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        try:
            gate.wait(20)
            answers[number] = call()
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers

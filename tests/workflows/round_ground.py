"""A county whose rectification plans are put to the leadership: for the tests of rounds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from django.db import connections

from organisation.actors import Actor, clock_of
from organisation.models import Unit
from organisation.queries import actor_for
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Rectification
from supervision.schemes.models import Cycle
from supervision.schemes.pack import SHIPPED, read_pack
from supervision.schemes.publishing import open_cycle, publish_version
from tests.organisation.places import Place, place
from workflows.fire import edit, fire, start
from workflows.models import Seat, WorkItem
from workflows.rounds import Voted, vote

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # Monday 10:00 in the county
LEADERS = "赵钱孙李周吴郑王冯陈"


@dataclass
class Ground:
    """The county: 局 is the unit that rectifies; 赵, 钱, 孙 ... sit in the leading group."""

    place: Place
    bureau: Unit
    cycle: Cycle
    opened: list[Rectification] = field(default_factory=list)

    def actor(self, name: str, at: datetime = AT) -> Actor:
        return actor_for(self.place.person(name), at)

    def plan(self, title: str = "粉尘整改方案") -> Rectification:
        """A rectification whose plan the head has signed: in review by the supervision office."""
        clock, supervisor = clock_of(self.place.institution.pk), self.actor("督查员")
        shared = {
            "institution": self.place.institution,
            "unit": self.bureau,
            "cycle": self.cycle,
            "title": title,
        }
        order = start(
            SupervisionOrder, "draft_order", actor=supervisor, at=AT, due_on=date(2026, 9, 30), **shared
        )
        plan = start(Rectification, "open", actor=clock, at=AT, order=order, **shared)
        staff = self.actor("承办员")
        rows = [
            {"problem": "粉尘超标", "measure": "加装喷淋", "owner": "承办员", "due_on": date(2026, 6, 30)}
        ]
        edit(
            plan, actor=staff, at=AT, seen_version=plan.version, request_id=uuid4(), changes={"summary": "管理松懈"}, parts={"planned": rows}
        )  # fmt: skip
        self.take(plan, "hand_in", "承办员")
        self.take(plan, "sign", "局长")
        return self.fresh(plan)

    def forwarded(self, title: str = "粉尘整改方案") -> Rectification:
        """A plan that has just been put to the leadership: its round is open at the performance office."""
        plan = self.plan(title)
        self.take(plan, "forward", "督查员")
        return self.fresh(plan)

    def at_the_group(self, title: str = "粉尘整改方案") -> Rectification:
        """A plan that the performance office has agreed to: the leading group sits."""
        plan = self.forwarded(title)
        self.vote(plan, "绩效员")
        return plan

    def take(self, document: Any, step: str, who: str, at: datetime = AT, **inputs: Any) -> None:
        version = self.fresh(document).version
        fire(
            document,
            step,
            actor=self.actor(who, at),
            at=at,
            seen_version=version,
            request_id=uuid4(),
            **inputs,
        )

    def fresh(self, document: Any) -> Any:
        return type(document)._base_manager.get(pk=document.pk)

    def seats(self, document: Any) -> dict[str, Seat]:
        """Every seat of the document's latest open step by its holder's name; a role's own seat by its role's key."""
        rows = Seat.objects.filter(
            task__process__document_id=document.pk, task__process__kind=document.kind()
        )
        latest = rows.order_by("task_id").values_list("task_id", flat=True).last()
        seats = rows.filter(task_id=latest).select_related("post__person", "task", "work_item").order_by("pk")
        return {seat.post.person.name if seat.post else seat.role: seat for seat in seats}

    def seat(self, document: Any, who: str) -> Seat:
        seats = self.seats(document)
        return seats[who] if who in seats else next(iter(seats.values()))

    def vote(
        self,
        document: Any,
        who: str,
        choice: str = "approve",
        opinion: str = "",
        at: datetime = AT,
        **more: Any,
    ) -> Voted:
        """`who` votes on their own seat, or on the only one."""
        options = {"request_id": uuid4(), **more}
        return vote(
            self.seat(document, who), choice, actor=self.actor(who, at), at=at, opinion=opinion, **options
        )

    def open_items(self, document: Any) -> list[WorkItem]:
        rows = WorkItem.objects.filter(kind=document.kind(), document_id=document.pk, closed_at=None)
        return list(rows.order_by("pk"))


def build(*, leaders: int = 3, need: int = 2) -> Ground:
    """A county with so many in its leading group, `need` of whom must agree to a plan."""
    county = place("hoboksar", "和布克赛尔县")
    bureau = county.unit("住建局")
    for name, role, unit in (
        ("承办员", "unit_staff", bureau),
        ("局长", "head", bureau),
        ("督查员", "supervisor", county.root),
        ("绩效员", "performance_office", county.root),
        ("绩效副", "performance_office", county.root),
        *((name, "leading_group", county.root) for name in LEADERS[:leaders]),
    ):
        county.post(name, role, unit)
    pack = read_pack(SHIPPED / "hoboksar-county.yaml")
    pack["numbers"]["rectification.leadership_need"]["value"] = need
    publisher = Actor(None, county.institution.pk, "县绩效办")
    version, _ = publish_version(pack, by=publisher, at=AT)
    return Ground(county, bureau, open_cycle(version, 2026, by=publisher, at=AT))


def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each of several calls gives or raises when all begin at once, each on a connection of its own."""
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

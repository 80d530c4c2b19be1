"""The county that Duban's own cells work on: the tests' county, with more units, and documents ready for a step.

Everything is made through the product's doors; instants are passed in.
"""

from __future__ import annotations

import os
from datetime import date
from typing import Any
from uuid import uuid4

from calendars import periods
from organisation.actors import Actor, clock_of
from organisation.models import Institution, Person, Unit
from organisation.queries import actor_for
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Rectification
from supervision.reports.models import QuarterlyReport
from supervision.schemes.models import Cycle
from tests.supervision import county as tests_county
from workflows import rounds
from workflows.fire import edit, fire_many, start_many
from workflows.models import Seat, Vote

AT = tests_county.moment(4, 1)
"""The instant of every step: the Wednesday after the first quarter."""

UNITS = int(os.environ.get("BENCHMARK_UNITS", "40"))
"""Townships that owe reports, each with a head and a member of staff. A unit has one report on a quarter, so client
number n writes about the quarters of the century that begins in 2026 + 100 n."""


def lay() -> None:
    """The county with its scheme and calendars, and UNITS townships with their people."""
    county = tests_county.county()
    root = county.units["county"]
    for number in range(UNITS):
        town = Unit.objects.create(
            institution=county.institution, parent=root, kind="township", name_zh=f"第{number}镇", begins=date(2020, 1, 1)
        )  # fmt: skip
        for role in ("unit_staff", "head"):
            person = Person.objects.create_user(
                f"{role}-{number}", institution=county.institution, name=f"{role} {number}"
            )
            tests_county._appoint(person, role, town)


class County:
    """The people of a laid county with the posts they hold at AT, loaded once; and its documents."""

    def __init__(self, number: int = 0) -> None:
        self.number, self.made = number, 0
        self.institution = Institution.objects.get(slug="hoboksar")
        self.cycle = Cycle.objects.get(institution=self.institution)
        self.towns = list(Unit.objects.filter(name_zh__startswith="第", kind="township").order_by("pk"))
        people = Person.objects.filter(institution=self.institution)
        self.actors: dict[str, Actor] = {person.name: actor_for(person, AT) for person in people}
        self.heads = {town.pk: self.actors[f"head {n}"] for n, town in enumerate(self.towns)}
        self.staff = {town.pk: self.actors[f"unit_staff {n}"] for n, town in enumerate(self.towns)}
        self.town = Unit.objects.get(institution=self.institution, name_zh="和什托洛盖镇")

    def reports(self, many: int) -> list[QuarterlyReport]:
        """So many reports that are filled in and ready for `hand_in`."""
        rows = []
        for n in range(self.made, self.made + many):
            quarter, town = n // len(self.towns), self.towns[n % len(self.towns)]
            period = periods.parse(f"{2026 + 100 * self.number + quarter // 4}Q{quarter % 4 + 1}")
            rows.append({
                "institution_id": self.institution.pk, "cycle_id": self.cycle.pk, "unit_id": town.pk, "period": period.text,
                "title": f"{period.zh}工作目标任务落实情况季报表", "summary": "总体按计划推进，个别项目滞后",
            })  # fmt: skip
        self.made += many
        line = {"task": "人居环境整治", "planned": "完成60%", "actual": "完成55%", "gap": "资金到位慢", "measure": "协调资金"}  # fmt: skip
        return start_many(
            QuarterlyReport, "open", rows, actor=clock_of(self.institution.pk), at=AT, parts=[{"lines": [line]} for _ in rows]
        )  # fmt: skip

    def orders(self, many: int, *, without_criteria: int = 0, **fields: Any) -> list[SupervisionOrder]:
        """So many drafts ready for `submit`, the first few of which will be refused because they list no criteria."""
        rows = [
            {
                "institution_id": self.institution.pk, "cycle_id": self.cycle.pk, "unit_id": self.town.pk, "title": f"第{self.number}-{n}件督办事项",
                "source": "meeting", "authority": "县政府第3次常务会议", "clause": f"会议纪要第{n}条", "demand": "限期办结",
                "due_on": date(2026, 6, 1), **fields,
            }
            for n in range(self.made, self.made + many)
        ]  # fmt: skip
        self.made += many
        criteria = [{"text": "全部完成"}, {"text": "群众投诉全部回复"}]
        parts: list[dict[str, Any]] = [
            {"criteria": criteria if n >= without_criteria else []} for n in range(many)
        ]
        return start_many(
            SupervisionOrder, "draft_order", rows, actor=self.actors["drafter"], at=AT, parts=parts
        )

    def many(self, documents: list[Any], step: str, who: str, **given: Any) -> None:
        """Take a step with all of these as they stand; all must go."""
        model = type(documents[0])
        seen = dict(model.objects.filter(pk__in=[d.pk for d in documents]).values_list("pk", "version"))
        done = fire_many(model, seen, step, actor=self.actors[who], at=AT, request_id=uuid4(), **given)
        assert not done.turned_down, done.turned_down

    def plans_at_the_group(self, many: int) -> list[tuple[Seat, Seat]]:
        """So many rectification plans on which the leading group sits: two seats of each, of which two must agree."""
        orders = self.orders(many, demands_rectification=True)
        for step, who, given in (
            ("submit", "drafter", {}),
            ("sign", "leader", {}),
            ("sign_for", "head", {}),
            ("take_in_hand", "staff", {"plan": "三月完成排查"}),
        ):
            self.many(orders, step, who, **given)
        plans = list(Rectification.objects.filter(order__in=[order.pk for order in orders]).order_by("pk"))
        rows = [
            {"problem": "迟报", "cause": "无人负责", "measure": measure, "owner": "张三", "due_on": date(2026, 5, 13)}
            for measure in ("明确专人负责", "建立提前提醒制度")
        ]  # fmt: skip
        for plan in plans:
            edit(
                plan, actor=self.actors["staff"], at=AT, seen_version=plan.version, request_id=uuid4(),
                changes={"summary": "季报逾期"}, parts={"planned": rows},
            )  # fmt: skip
        for step, who in (("hand_in", "staff"), ("sign", "head"), ("forward", "checker")):
            self.many(plans, step, who)
        seats: list[tuple[Seat, Seat]] = []
        for plan in plans:
            office = self._seats(plan)[0]
            rounds.vote(office, Vote.APPROVE, actor=self.actors["office"], at=AT, request_id=uuid4())
            by_post = {seat.post_id: seat for seat in self._seats(plan)}
            first, second = (
                by_post[self.actors[who].capacities[0].post_id] for who in ("leader", "second leader")
            )
            seats.append((first, second))
        return seats

    def _seats(self, plan: Rectification) -> list[Seat]:
        rows = Seat.objects.filter(
            task__process__kind=plan.kind(), task__process__document_id=plan.pk, vote="", task__finished=None
        )
        return list(rows.order_by("pk"))

"""A county for tests: its units, its people with their posts, the shipped scheme and calendars, and the shortest words
for moving documents. Everything goes through the doors that the product uses; instants are passed in."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from calendars.edition_files import shipped_editions
from calendars.publishing import publish_edition
from calendars.state_years import StateYear
from organisation import changes
from organisation.actors import Actor, clock_of
from organisation.models import Institution, Person, Post, Unit
from organisation.queries import actor_for
from supervision.goals.models import Goal, GoalChange, GoalSheet, Milestone
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from supervision.reports.opening import open_quarterly_reports
from supervision.schemes.models import Cycle
from supervision.schemes.pack import read_pack, shipped_pack
from supervision.schemes.publishing import open_cycle, publish_version
from workflows import rounds
from workflows.attachments import attach
from workflows.fire import Fired, edit, fire, start
from workflows.models import Seat, Vote, WorkItem

CHINA = ZoneInfo("Asia/Shanghai")


def moment(month: int, day: int, hour: int = 9, minute: int = 0, *, year: int = 2026) -> datetime:
    """An instant by the county's clock."""
    return datetime(year, month, day, hour, minute, tzinfo=CHINA)


AT = moment(3, 2)
"""A Monday on which nothing is due."""

POSTS = {
    "staff": ("unit_staff", "town"),
    "colleague": ("unit_staff", "town"),
    "deputy": ("deputy_in_charge", "town"),
    "head": ("head", "town"),
    "staff elsewhere": ("unit_staff", "bureau"),
    "head elsewhere": ("head", "bureau"),
    "office": ("performance_office", "county"),
    "drafter": ("supervisor", "county"),
    "checker": ("supervisor", "county"),
    "leader": ("leading_group", "county"),
    "second leader": ("leading_group", "county"),
    "former leader": ("leading_group", "county"),
    "discipline": ("discipline_inspection", "county"),
    "auditor": ("auditor", "county"),
}
"""Who holds which post where. Besides: "two hats" holds all of TWO_HATS, "delegate" acts for the head, "stranger" holds
nothing, "outsider" holds every one of these posts in another institution, and "clock" is the system itself."""

TWO_HATS = (
    ("unit_staff", "town"), ("supervisor", "county"), ("leading_group", "county"), ("performance_office", "county"),
)  # fmt: skip
"""Somebody who could check in one capacity what they did in another (R9)."""

CAST = (*POSTS, "two hats", "delegate", "stranger", "outsider", "clock")

FORMER_LEADER_UNTIL = date(2026, 1, 31)


@dataclass
class County:
    """One institution of a test with everything a document needs."""

    institution: Institution
    units: dict[str, Unit]
    people: dict[str, Person]
    posts: dict[str, Post]
    cycle: Cycle

    def actor(self, who: str, at: datetime = AT) -> Actor:
        """The person with the posts of that day, or the clock."""
        return clock_of(self.institution.pk) if who == "clock" else actor_for(self.people[who], at)

    def pinned(self, unit: str = "town") -> dict[str, Any]:
        """The fields that every document of this county and unit has."""
        return {
            "institution_id": self.institution.pk,
            "cycle_id": self.cycle.pk,
            "unit_id": self.units[unit].pk,
        }


@cache
def shipped() -> tuple[Sequence[StateYear], str]:
    """The State's calendars, and the county's scheme as JSON: read once, for a thousand tests."""
    pack = shipped_pack("hoboksar-county")
    assert pack is not None
    return shipped_editions(), json.dumps(read_pack(pack))


def county(year: int = 2026) -> County:
    """Hoboksar with a town, a bureau and their people, the shipped scheme applied to `year`, and the State's calendars."""
    editions, scheme = shipped()
    for edition in editions:
        publish_edition(edition, None, moment(1, 1))
    institution, units = _institution("hoboksar", "和布克赛尔蒙古自治县")
    people, posts = {}, {}
    for name, (role, unit) in POSTS.items():
        people[name] = _person(institution, name)
        ends = FORMER_LEADER_UNTIL if name == "former leader" else None
        posts[name] = _appoint(people[name], role, units[unit], ends)
    people |= {name: _person(institution, name) for name in ("two hats", "delegate", "stranger")}
    for role, unit in TWO_HATS:
        _appoint(people["two hats"], role, units[unit])
    delegate_head(posts["head"], people["delegate"])
    people["outsider"] = _outsider()
    version, _ = publish_version(json.loads(scheme), by=clock_of(institution.pk), at=moment(1, 1))
    cycle = open_cycle(version, year, by=clock_of(institution.pk), at=moment(1, 1))
    return County(institution, units, people, posts, cycle)


def delegate_head(post: Post, to: Person) -> None:
    """`to` acts for the post for the whole of 2026."""
    changes.delegate(
        post, to=to, begins=date(2026, 1, 1), ends=date(2026, 12, 31), by=clock_of(post.institution_id),
        at=moment(1, 1), reason="外出学习期间代理",
    )  # fmt: skip


def _institution(slug: str, name: str) -> tuple[Institution, dict[str, Unit]]:
    institution = Institution.objects.create(slug=slug, name_zh=name)

    def unit(kind: str, name: str, parent: Unit | None = None) -> Unit:
        return Unit.objects.create(
            institution=institution, parent=parent, kind=kind, name_zh=name, begins=date(2020, 1, 1)
        )

    root = unit("county", name)
    return institution, {
        "county": root,
        "town": unit("township", "和什托洛盖镇", root),
        "bureau": unit("department", "城建局", root),
        "section": unit("section", "办公室", root),
    }


def _person(institution: Institution, name: str) -> Person:
    return Person.objects.create_user(
        f"{institution.slug}-{name.replace(' ', '-')}", institution=institution, name=name
    )


def _appoint(person: Person, role: str, unit: Unit, ends: date | None = None) -> Post:
    return changes.appoint(
        person=person, role=role, unit=unit, begins=date(2025, 1, 1), ends=ends, by=clock_of(unit.institution_id),
        at=moment(1, 1), reason="任职通知",
    )  # fmt: skip


def _outsider() -> Person:
    institution, units = _institution("elsewhere", "邻县")
    person = _person(institution, "outsider")
    for role in sorted({role for role, _ in POSTS.values()}):
        _appoint(person, role, units["town"])
    return person


# --- Moving documents --------------------------------------------------------------------------------------

GIVEN: dict[str, Any] = {
    "reason": "情况说明", "missing": "第二项未写完成比例", "plan": "三月完成排查，四月整改", "progress": "已完成六成",
    "asked_date": date(2026, 6, 1), "new_date": date(2026, 6, 1), "review_date": date(2026, 5, 8), "closing_report": "已全部完成",
    "questions": "请说明资金到位情况", "how_checked": "实地核查", "conclusion": "事实清楚，达到办结标准", "failed": "第一条",
    "instruction": "请再核实", "done": "已更换阀门三处", "opinion": "同意", "head_said": "符合职能，均已量化", "asked": "第二项目标偏低，请修改",
    "value": Decimal("96.5"), "result": Decimal("97.1"), "achieved": "全年目标已完成", "verdict": "met", "new_target": Decimal(93), "new_text": "主体完工并投入使用",
    "due": date(2026, 12, 31), "duties_fit": True, "quantified": True,
}  # fmt: skip
"""Something sensible for whatever a step wants handed over; each test overrides what it is about."""


def act(place: County, document: Any, step: str, who: str, at: datetime = AT, **given: Any) -> Fired:
    """Fire the step as this person, who has just looked at the document. Raises what `fire` raises."""
    return fire(
        document, step, actor=place.actor(who, at), at=at, seen_version=version_of(document), request_id=uuid4(),
        **inputs_for(document, step, **given),
    )  # fmt: skip


def inputs_for(document: Any, step: str, **given: Any) -> dict[str, Any]:
    """What the step wants handed over, from `given` or something sensible."""
    wanted = document.lifecycle.steps[step].given
    return {g.name: given.get(g.name, 1 if g.kind is int else GIVEN[g.name]) for g in wanted}


def version_of(document: Any) -> int:
    """The version as it stands in the database."""
    version: int = type(document).objects.values_list("version", flat=True).get(pk=document.pk)
    return version


def again(document: Any) -> Any:
    """The document as it stands: a protected state is read again, never refreshed."""
    return type(document).objects.get(pk=document.pk)


def change(place: County, document: Any, who: str, at: datetime = AT, **content: Any) -> Fired:
    """Edit as this person: lists are parts, everything else fields."""
    parts = {name: value for name, value in content.items() if isinstance(value, list)}
    changes_ = {name: value for name, value in content.items() if name not in parts}
    return edit(
        document, actor=place.actor(who, at), at=at, seen_version=version_of(document), request_id=uuid4(), changes=changes_,
        parts=parts,
    )  # fmt: skip


def walk(place: County, document: Any, route: str, at: datetime = AT) -> Any:
    """Take "step:person, step:person, ..."; what is no step is something done meanwhile (see MEANWHILE)."""
    for leg in filter(None, (part.strip() for part in route.split(","))):
        step, _, who = leg.partition(":")
        if step in MEANWHILE:
            MEANWHILE[step](place, document, who, at)
        else:
            act(place, document, step, who, at)
    return again(document)


def vote(place: County, document: Any, choice: str, who: str, at: datetime = AT) -> None:
    """Vote on the seat that this person has in the document's open round."""
    actor = place.actor(who, at)
    posts = {c.post_id for c in actor.capacities}
    offices = {c.role for c in actor.capacities}
    seats = Seat.objects.filter(
        vote="", task__process__document_id=document.pk, task__process__kind=document.kind()
    )
    seat = next(s for s in seats if s.post_id in posts or (s.post_id is None and s.role in offices))
    rounds.vote(seat, choice, actor=actor, at=at, opinion="意见", request_id=uuid4())


def prove(place: County, order: Any, who: str, at: datetime = AT) -> None:
    """Evidence for every criterion of an order."""
    rows = [
        {"criterion_id": pk, "text": "现场照片", "fact_on": at.date()}
        for pk in order.criteria.values_list("pk", flat=True)
    ]
    change(place, order, who, at, evidence=rows)


def fill_in(place: County, report: Any, who: str, at: datetime = AT) -> None:
    """A report with one line."""
    line = {
        "task": "人居环境整治",
        "planned": "完成60%",
        "actual": "完成55%",
        "gap": "资金到位慢",
        "measure": "协调资金",
    }
    change(place, report, who, at, summary="总体按计划推进", lines=[line])


def plan_two_measures(place: County, plan: Any, who: str, at: datetime = AT) -> None:
    """A plan of two measures that ends with its order."""
    rows = [
        {"problem": "迟报", "cause": "无人负责", "measure": measure, "owner": "张三（办公室主任）", "due_on": date(2026, 3, 13)}
        for measure in ("明确专人负责", "建立提前提醒制度")
    ]  # fmt: skip
    change(place, plan, who, at, summary="季报逾期", planned=rows)


def add_evidence(place: County, document: Any, who: str, at: datetime = AT) -> None:
    """A file on the document."""
    attach(
        document, io.BytesIO("落实情况".encode()), name="佐证.txt", fact_on=at.date(), actor=place.actor(who, at), at=at
    )  # fmt: skip


def finish_measures(place: County, plan: Any, who: str, at: datetime = AT) -> None:
    """Every open measure of a rectification is done by `who` and accepted by the checker."""
    for measure in Measure.objects.filter(rectification=plan, state__in=("to_do", "sent_back")):
        walk(place, measure, f"add_evidence:{who}, claim_done:{who}, take_up:checker, accept:checker", at)


def plan_goal(place: County, goal: Any, who: str, at: datetime = AT, **fields: Any) -> None:
    """Everything that a goal must say: a figure above last year's, two milestones, and a section that has a part in it."""
    content = {
        "field": "livelihood", "basis": "《三定规定》第三条", "measured_in": "%", "target": Decimal(95), "last_year": Decimal(92),
        "method": "抽样调查", "data_source": "县统计局", "owner": "张三（副镇长）", "publication": "unit", **fields,
    }  # fmt: skip
    stages = [
        {"text": "完成管网排查", "due_on": date(2026, 6, 30), "criterion": "排查报告", "share": Decimal(40)},
        {"text": "完成改造", "due_on": date(2026, 10, 31), "criterion": "验收单", "share": Decimal(60)},
    ]
    parts = [{"unit_id": place.units["section"].pk, "task": "提供管网图"}]
    change(place, goal, who, at, planned_milestones=stages, co_units=parts, **content)


def goals_approved(place: County, sheet: Any, who: str, at: datetime = AT) -> None:
    """Every goal of the sheet that is under review is approved by `who`."""
    for goal in Goal.objects.filter(sheet=sheet, state="under_review"):
        act(place, goal, "approve", who, at)


def explain_fields(place: County, sheet: Any, who: str, at: datetime = AT) -> None:
    """The sheet says why some fields of work have no goal."""
    change(place, sheet, who, at, summary="稳中求进", why_uncovered="其余领域由县直部门统一编报")


def write_goal(place: County, sheet: Any, who: str, at: datetime = AT, **fields: Any) -> Goal:
    """Another goal on the sheet, still to be filled in."""
    return start(
        Goal, "write_goal", actor=place.actor(who, at), at=at, request_id=uuid4(), institution_id=sheet.institution_id,
        cycle_id=sheet.cycle_id, unit_id=sheet.unit_id, sheet_id=sheet.pk, **{"title": "供热投诉办结率", **fields},
    )  # fmt: skip


def goal_is_ready(place: County, sheet: Any, who: str, at: datetime = AT) -> None:
    """A goal that is filled in and ready stands on the sheet."""
    goal = write_goal(place, sheet, who, at)
    walk(place, goal, f"plan_goal:{who}, finish_draft:{who}", at)


def goals_concluded(place: County, sheet: Any, who: str, at: datetime = AT) -> None:
    """Every goal in force is reported by the head and concluded by `who`, its milestones reached before."""
    for goal in Goal.objects.filter(sheet=sheet, state="in_force"):
        walk(place, goal, f"milestones_reached:{who}, report_result:head, conclude:{who}", at)


def milestones_reached(place: County, goal: Any, who: str, at: datetime = AT) -> None:
    """Every milestone of the goal is reached by the unit's staff and accepted by `who`."""
    for milestone in Milestone.objects.filter(goal=goal, state="to_do"):
        walk(place, milestone, f"add_evidence:staff, claim_reached:staff, accept:{who}", at)


def in_words(place: County, goal: Any, who: str, at: datetime = AT) -> None:
    """The goal is measured by its milestones, and has no figure."""
    change(place, goal, who, at, indicator="milestone", target=None, target_text="管网全部改造并通过验收")


def change_asked(place: County, goal: Any, who: str, at: datetime = AT) -> None:
    """A change of the goal is asked for."""
    change_of(place, at, who, again(goal))


MEANWHILE: dict[str, Any] = {
    "milestones_reached": milestones_reached,
    "in_words": in_words,
    "change_asked": change_asked,
    "sheet_back": lambda place, goal, who, at: walk(place, goal.sheet, f"refer_to_unit:{who}", at),
    "unready_goal": lambda place, sheet, who, at: write_goal(place, sheet, who, at, title="另一项目标"),
    "empty_goal": lambda place, goal, who, at: change(place, goal, who, at, basis="", planned_milestones=[]),
    "empty_change": lambda place, made, who, at: change(place, made, who, at, why=""),
    "ask_to_withdraw": lambda place, made, who, at: change(
        place, made, who, at, asks="withdraw", new_target=None
    ),
    "plan_goal": plan_goal,
    "goals_approved": goals_approved,
    "explain_fields": explain_fields,
    "goal_is_ready": goal_is_ready,
    "goals_concluded": goals_concluded,
    "prove": prove,
    "fill_in": fill_in,
    "plan_two_measures": plan_two_measures,
    "add_evidence": add_evidence,
    "finish_measures": finish_measures,
    "agree": lambda place, document, who, at: vote(place, document, Vote.APPROVE, who, at),
    "disagree": lambda place, document, who, at: vote(place, document, Vote.REFUSE, who, at),
}


# --- Documents to begin with -------------------------------------------------------------------------------


def report_of(
    place: County, unit: str = "town", period: str = "2026Q1", at: datetime | None = None
) -> QuarterlyReport:
    """The report that the clock opened for this unit on the first day after the quarter."""
    open_quarterly_reports(place.institution.pk, at or moment(4, 1))
    return QuarterlyReport.objects.get(unit=place.units[unit], period=period)


def order_of(
    place: County, who: str = "drafter", at: datetime = AT, unit: str = "town", **fields: Any
) -> SupervisionOrder:
    """An order of two criteria, drafted by `who`."""
    values = {
        "title": "和什托洛盖镇供热管网漏损整治", "source": "meeting", "authority": "县政府第3次常务会议", "clause": "会议纪要第四条",
        "demand": "供热季前完成整治", "due_on": date(2026, 3, 16), **fields,
    }  # fmt: skip
    criteria = [{"text": "漏损率低于百分之十"}, {"text": "群众投诉全部回复"}]
    return start(
        SupervisionOrder, "draft_order", actor=place.actor(who, at), at=at, parts={"criteria": criteria},
        **{**place.pinned(unit), **values},
    )  # fmt: skip


TO_HAND = "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff"


def plan_of(place: County, at: datetime = AT) -> Rectification:
    """The rectification that opened when an order demanding one was taken in hand."""
    order = walk(place, order_of(place, at=at, demands_rectification=True), TO_HAND, at)
    return Rectification.objects.get(order=order)


TO_APPROVED = "plan_two_measures:staff, hand_in:staff, sign:head, forward:checker, agree:office, agree:leader, agree:second leader"


def measure_of(place: County, at: datetime = AT) -> Measure:
    """The first measure of an approved plan."""
    plan = walk(place, plan_of(place, at), TO_APPROVED, at)
    return Measure.objects.get(rectification=plan, place=1, again=0)


def owed(document: Any) -> dict[str, Any]:
    """Open duties of a document with their due dates; None for those that are paused."""
    items = WorkItem.objects.filter(kind=document.kind(), document_id=document.pk, closed_at=None, seat=None)
    return {item.duty: None if item.paused_at else item.due_on for item in items}


# --- Goals -------------------------------------------------------------------------------------------------


def sheet_of(place: County, at: datetime = AT, who: str = "office", unit: str = "town") -> GoalSheet:
    """The sheet that the performance office called for."""
    return start(
        GoalSheet, "call", actor=place.actor(who, at), at=at, request_id=uuid4(), title="2026年度目标责任书", **place.pinned(unit)
    )  # fmt: skip


TO_REVIEW = "goal_is_ready:staff, explain_fields:staff, hand_in:staff, sign:head"
GOALS_DECIDED = "goals_approved:office, forward:office, agree:leader, agree:second leader"
TO_ISSUED = f"{TO_REVIEW}, {GOALS_DECIDED}"


def goal_of(place: County, route: str = "", at: datetime = AT) -> Goal:
    """The goal of a sheet that was carried so far."""
    sheet = walk(place, sheet_of(place, at), route, at)
    return Goal.objects.get(sheet=sheet)


def milestone_of(place: County, at: datetime = AT) -> Milestone:
    """The first milestone of a goal that was issued."""
    return Milestone.objects.get(goal=goal_of(place, TO_ISSUED, at), place=1)


def change_of(
    place: County, at: datetime = AT, who: str = "staff", goal: Goal | None = None, **fields: Any
) -> GoalChange:
    """A change of an issued goal, filled in by `who`."""
    goal = goal or goal_of(place, TO_ISSUED, at)
    made = start(
        GoalChange, "ask", actor=place.actor(who, at), at=at, request_id=uuid4(), institution_id=goal.institution_id,
        cycle_id=goal.cycle_id, unit_id=goal.unit_id, sheet_id=goal.sheet_id, goal_id=goal.pk, title=f"{goal.title}调整",
    )  # fmt: skip
    change(place, made, who, at, **{"new_target": Decimal(93), "why": "上级口径调整", **fields})
    changed: GoalChange = again(made)
    return changed

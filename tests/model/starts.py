"""Where examples begin: the documents there are, and roads that lead deep into their lives. And what people write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from supervision.reports.opening import open_quarterly_reports
from tests.model import doors, ending, sitting
from tests.model.book import Matter
from tests.model.days import DAY, today
from tests.model.people import COUNTY, Cover
from tests.model.regulations import MEASURE, ORDER, PLAN, REPORT, STEPS_OF
from tests.model.world import SECOND, World
from tests.supervision.county import moment

Leg = Callable[[World], None]


@dataclass(frozen=True)
class Start:
    """One kind of beginning; `roads` are texts of legs, taken one after the other."""

    name: str
    at: datetime
    begin: Callable[[World], None]
    texts: tuple[str, ...]

    def legs(self, road: str) -> list[Leg]:
        return [leg(text.strip()) for text in road.split(",") if text.strip()]


CHOICES = {"vote": "approve", "against": "refuse", "recuse": "recuse"}


def leg(text: str) -> Leg:
    """ "order submit drafter": a step; "order + staff": what the next step needs is written; "vote leader": agrees ("against", "recuse");
    "measures staff": every measure is carried out and accepted; "sweep 20": so many days later the clock ticks; "edit plan 3":
    one of the ways to write it; "open order": somebody looks at it; "delegate staff unit_staff head"; "wait 2": days."""
    first, _, rest = text.partition(" ")

    def go(world: World) -> None:
        if first in CHOICES:
            _vote(world, rest, CHOICES[first])
        elif first == "delegate":
            _delegate(world, *rest.split())
        elif first == "edit":
            kind, number = rest.split()
            matter = [m for m in world.book.matters if m.kind == kind][-1]
            editor = next(
                w for w in COUNTY if world.book.capacities(matter, matter.rules.editor, w, world.at)
            )
            world.change(matter, editor, contents(matter, world.at)[int(number)])
        elif first == "open":
            _open(world, rest)
        elif first == "wait":
            world.at += int(rest) * DAY
        elif first == "measures":
            _carry_out(world, rest)
        elif first == "second":
            ending.draft(world, "drafter", "meeting")
        elif first == "sweep":
            world.at += int(rest) * DAY
            doors.run_sweep(world)
        else:
            verb, _, who = rest.partition(" ")
            _go(world, first, verb, who)

    return go


def _go(world: World, kind: str, verb: str, who: str) -> None:
    matter = [m for m in world.book.matters if m.kind == kind][-1]
    if verb == "+":
        prepare(world, matter, who)
        return
    step = STEPS_OF[kind][verb]
    given = {name: values(world, matter, name)[0] for name in step.given}
    assert world.step(matter, step, who, given), f"{kind} {verb} {who}"


def prepare(world: World, matter: Matter, who: str) -> None:
    """Whatever the next step needs, by somebody who may."""
    if matter.rules.editor:
        world.change(matter, who, complete(matter, world.at))
    else:
        world.attach(matter, who)


def _vote(world: World, who: str, choice: str) -> None:
    matter = [m for m in world.book.matters if m.kind == PLAN][-1]
    seat = next(
        s for s in sitting.sitting(matter) if not s.vote and who in sitting.people(world.book, s, world.at)
    )
    doors.vote(world, matter, seat, who, choice, "理由")


def _delegate(world: World, holder: str, role: str, to: str) -> None:
    day = today(world.at + SECOND)
    doors.cover(world, Cover("delegation", world.book.register.post(holder, role), to, day, day + 60 * DAY))


def _open(world: World, kind: str) -> None:
    """Somebody of the office looks at what was given out last."""
    matter = [m for m in world.book.matters if m.kind == kind][-1]
    owed = matter.owed[-1]
    fitting = [w for w in COUNTY if not doors.against_taking(world, matter, owed, w)]
    doors.open_item(world, matter, owed, fitting[0])


def _carry_out(world: World, who: str) -> None:
    for measure in [m for m in world.book.matters if m.kind == MEASURE and m.state in ("to_do", "sent_back")]:
        world.attach(measure, who)
        for name, by in (("claim_done", who), ("take_up", "checker"), ("accept", "checker")):
            step = STEPS_OF[MEASURE][name]
            world.step(measure, step, by, {field: values(world, measure, field)[0] for field in step.given})


# --- What people write ---------------------------------------------------------------------------------------


def values(world: World, matter: Matter, name: str) -> list[Any]:
    """Sensible values for what a step wants handed over."""
    if name == "failed_number":
        return [n + 1 for n in range(len(matter.fields.get("planned") or [1]))]
    if name.endswith("_date"):
        finish = matter.owing("order.finish")
        first = max(
            today(world.at + SECOND), finish.clock.due_on if finish and name != "review_date" else date.min
        )
        return [first + n * DAY for n in (18, 1, 4)]
    return [f"{name}：情况说明"]


def complete(matter: Matter, at: datetime) -> dict[str, Any]:
    """Content with which the next step's conditions hold."""
    day = today(at + SECOND)
    if matter.kind == REPORT:
        return {"summary": "总体按计划推进", "lines": [{"actual": "完成55%"}]}
    if matter.kind == PLAN:
        rows = [{"owner": "张三", "due_on": day + 5 * DAY}, {"owner": "李四", "due_on": day + 8 * DAY}]
        return {"planned": rows, "why_later": "管材四月才能到货"}
    if matter.state == "draft":
        whole = {
            "source": matter.fields["source"] or "meeting",
            "authority": "县政府第3次常务会议",
            "clause": "会议纪要第四条",
        }
        return {**whole, "criteria": 2, "due_on": day + 14 * DAY}
    return {"evidence": list(range(matter.fields["criteria"]))}


def contents(matter: Matter, at: datetime) -> list[dict[str, Any]]:
    """What somebody might write: enough, too little, nothing new, and what is not theirs to change here."""
    day = today(at + SECOND)
    if matter.kind == REPORT:
        return [
            {"summary": " "}, {"summary": "总体按计划推进"}, {"lines": []}, {"lines": [{"actual": ""}, {"actual": "完成"}]},
            {"summary": matter.fields["summary"]}, {"period": "2025Q4"},
        ]  # fmt: skip
    if matter.kind == PLAN:
        good = {"owner": "张三", "due_on": day + 4 * DAY}
        return [
            {"planned": []}, {"planned": [good, {**good, "owner": ""}]}, {"planned": [{**good, "due_on": None}]},
            {"planned": [{**good, "due_on": day - 3 * DAY}]}, {"planned": [{**good, "due_on": day + 90 * DAY}], "why_later": ""},
            {"why_later": "", "summary": "迟报"}, {"due_on": day},
        ]  # fmt: skip
    if matter.kind == ORDER and matter.state != "draft":
        most = matter.fields["criteria"]
        return [
            {"evidence": []},
            {"evidence": [0]} if most else {"evidence": []},
            {"evidence": list(range(most))},
            {"title": "甲", "criteria": 0},
        ]
    if matter.kind == ORDER:
        return [
            {"title": "甲"}, {"title": "乙"}, {"authority": " "}, {"criteria": 0}, {"due_on": None}, {"due_on": day + 30 * DAY},
            {"source": "leaders_instruction"}, {"source": "meeting", "unit": "bureau"}, {"unit": "town"}, {"evidence": []}, {"due_on": day},
        ]  # fmt: skip
    return [{"title": "甲"}, {}]


# --- Beginnings ----------------------------------------------------------------------------------------------


def _reports(world: World) -> None:
    open_quarterly_reports(world.place.institution.pk, world.at)
    for unit in ("bureau", "town"):
        fields: dict[str, Any] = {"summary": "", "lines": []}
        world.book.born(Matter(REPORT, "drafting", unit, world.at, None, "open", fields), None)
    world.adopt()


def _order(world: World) -> None:
    ending.draft(world, "drafter", "meeting")


def _instruction(world: World) -> None:
    ending.draft(world, "two hats", "leaders_instruction")


def _order_that_demands(world: World) -> None:
    ending.draft(world, "drafter", "meeting", demands=True)


ISSUED = "order submit drafter, order sign leader"
TO_HAND = f"{ISSUED}, order sign_for head, order take_in_hand staff"
TWO_HATS = f"{ISSUED}, order sign_for delegate, order take_in_hand two hats"
CLAIMED = f"{TO_HAND}, order + staff, order claim_done head"
CHECKED = f"{CLAIMED}, order take_up checker"
INSTRUCTED = "order submit two hats, order sign second leader, order sign_for head, order take_in_hand staff, order + two hats"
PLANNED = f"{TO_HAND}, plan + staff, plan hand_in staff"
SIGNED = f"{TO_HAND}, plan + two hats, plan hand_in colleague, plan sign head"
RETURNED = f"{SIGNED}, plan return_plan checker"
PUT = f"{TO_HAND}, plan + staff, plan hand_in staff, plan sign head, plan forward checker"
APPROVED = f"{PUT}, vote office, vote leader, vote second leader"
DONE = f"{APPROVED}, measures staff, plan ask_acceptance head"

STARTS = {
    start.name: start
    for start in (
        Start("quarterly reports", moment(4, 1), _reports, (
            "", "report + two hats, report hand_in staff", "report + staff, report hand_in staff, report sign delegate",
            "report + two hats, report hand_in staff, report sign head, report return_report office",
            "report + staff, report hand_in staff, report sign head, report return_report office, report hand_in_correction two hats",
            "report + two hats, report hand_in staff, report sign head", "sweep 10, sweep 7", "delegate staff unit_staff head, report + head, report hand_in colleague",
            "delegate staff unit_staff head, report + staff, report hand_in colleague, report sign delegate, report return_report office,"
            "report + head, report hand_in_correction colleague",
            "report + staff, edit report 3", "report + staff, report hand_in staff, wait 2", "report + staff, report hand_in staff, open report",
            "report + staff, report hand_in staff, report sign head, report return_report office, edit report 3",
            "report + staff, report hand_in staff, report sign head, report return_report office, edit report 2",
            "report + staff, report hand_in staff, report sign head, report return_report office, report hand_in_correction staff, wait 2",
            "report + staff, report hand_in staff, report sign head, report return_report office, report hand_in_correction staff, open report",
        )),
        Start("supervision order", moment(3, 2), _order, (
            "", "order submit drafter", ISSUED, f"{ISSUED}, order sign_for head", f"{ISSUED}, order dispute head", TO_HAND, TWO_HATS,
            f"{TO_HAND}, order + staff, order feed_back head", f"{TWO_HATS}, order ask_extension head",
            f"{TWO_HATS}, order suspend leader", CLAIMED, CHECKED, f"{TO_HAND}, wait 20", f"{ISSUED}, second order, order submit drafter",
            "order submit drafter, wait 2", "order submit drafter, open order", f"{CLAIMED}, wait 2", f"{CLAIMED}, open order",
            f"{TO_HAND}, order feed_back head, wait 2", f"{TO_HAND}, order + staff, order feed_back head", f"{TO_HAND}, order feed_back head, open order", "edit order 2", "edit order 3",
            "edit order 4", f"{TO_HAND}, order + staff, order ask_extension head",
            f"{ISSUED}, order sign_for delegate, order take_in_hand staff, order + two hats, delegate checker supervisor staff,"
            "order claim_done head, order take_up checker",
        )),
        Start("leader's instruction", moment(3, 9), _instruction, (
            "", "order submit two hats", f"{INSTRUCTED}, order claim_done head", f"{INSTRUCTED}, order claim_done head, order take_up checker",
            f"{INSTRUCTED}, order claim_done head, order take_up checker, order submit_for_closing checker",
        )),
        Start("rectification plan", moment(4, 20), _order_that_demands, (
            TO_HAND, PLANNED, SIGNED, RETURNED, f"{RETURNED}, plan hand_in_correction staff", PUT, f"{PUT}, vote office", DONE,
            f"{DONE}, plan take_up checker", f"{SIGNED}, plan forward checker, vote office", f"{SIGNED}, plan forward checker",
            *(f"{TO_HAND}, plan + staff, edit plan {n}" for n in range(5)), *(f"{RETURNED}, edit plan {n}" for n in range(5)),
            f"{PUT}, against office", f"{PUT}, vote office, recuse leader", f"{PUT}, vote office, against leader", f"{PLANNED}, wait 2", f"{PLANNED}, open plan", f"{RETURNED}, plan hand_in_correction staff, wait 2",
            f"{RETURNED}, plan hand_in_correction staff, open plan", f"{DONE}, wait 2", f"{DONE}, open plan",
            f"{TO_HAND}, delegate staff unit_staff head, plan + head, plan hand_in colleague",
            f"{RETURNED}, delegate staff unit_staff head, plan + head, plan hand_in_correction colleague",
            f"{SIGNED}, plan forward checker, vote office, vote leader, vote second leader, measures staff, plan ask_acceptance head",
            f"{SIGNED}, plan forward checker, vote office, vote leader, vote second leader, measures staff, plan ask_acceptance head, plan take_up checker",
        )),
        Start("rectification measures", moment(5, 6), _order_that_demands, (
            APPROVED, f"{APPROVED}, measure + two hats, measure claim_done staff",
            f"{APPROVED}, measure + two hats, measure claim_done staff, measure take_up checker", DONE, f"{DONE}, plan take_up checker",
            f"{DONE}, plan take_up checker, plan return_measure checker",
        )),
    )
}  # fmt: skip

"""What follows from a decision on goals: goals are submitted and issued with their sheet, milestones open and close with their goal.

Whoever calls holds the sheet's row, and each is taken by the clock: the decision is the sheet's, or the change's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from organisation.actors import Actor, clock_of
from organisation.queries import local_day
from supervision.goals.models import Asks, Goal, Milestone, PlannedMilestone
from workflows.fire import fire_many, note, start_many
from workflows.judgement import hands_of
from workflows.taking import take


def submit_goals(sheet: Any, actor: Actor, at: datetime) -> None:
    """Every goal that is ready goes to the performance office; who handled or signed the sheet does not review them."""
    _move_all(sheet, ("ready",), "submit", at, along_with=sheet)


def issue_goals(sheet: Any, actor: Actor, at: datetime) -> None:
    """Every settled goal is in force from now on, to the end of the year."""
    _move_all(sheet, ("agreed",), "issue", at, due=sheet.due_on)


def drop_goals(sheet: Any, actor: Actor, at: datetime) -> None:
    """A sheet that was ended takes all its goals with it."""
    going = ("draft", "ready", "under_review", "returned", "value_set", "objected", "agreed")
    _move_all(sheet, going, "lapse", at)


def open_milestones(goal: Any, actor: Actor, at: datetime) -> None:
    """Every planned milestone becomes one that somebody owes: one statement for all of them."""
    planned = (
        PlannedMilestone.objects.filter(goal_id=goal.pk)
        .order_by("pk")
        .values("text", "criterion", "share", "due_on")
    )
    today = local_day(goal.institution_id, at)
    rows = [
        {
            "institution_id": goal.institution_id, "cycle_id": goal.cycle_id, "unit_id": goal.unit_id, "goal_id": goal.pk,
            "place": place, "title": f"{goal.title[:150]}：{row['text'][:140]}", "criterion": row["criterion"], "share": row["share"],
            "due_on": max(row["due_on"] or today, today),  # what passed while the leadership decided is due at once, not overdue
        }
        for place, row in enumerate(planned, start=1)
    ]  # fmt: skip
    start_many(Milestone, "open", rows, actor=clock_of(goal.institution_id), at=at)


def cancel_milestones(goal: Any, actor: Actor, at: datetime) -> None:
    """Milestones of a goal that was withdrawn are owed no longer."""
    open_ones = Milestone.objects.filter(goal_id=goal.pk, state__in=("to_do", "claimed", "sent_back"))
    _move(Milestone, dict(open_ones.values_list("pk", "version")), "cancel", goal.institution_id, at)


def apply_change(change: Any, actor: Actor, at: datetime) -> None:
    """The goal stands as the change says, or is withdrawn."""
    goal = Goal.objects.get(pk=change.goal_id)
    if change.asks == Asks.WITHDRAW:
        _move(Goal, {goal.pk: goal.version}, "cancel", goal.institution_id, at)
        return
    if goal.is_number:
        _move(
            Goal,
            {goal.pk: goal.version},
            "change_target",
            goal.institution_id,
            at,
            new_target=change.new_target,
        )
    else:
        _move(
            Goal,
            {goal.pk: goal.version},
            "change_words",
            goal.institution_id,
            at,
            new_text=change.new_target_text,
        )


def _move_all(sheet: Any, states: tuple[str, ...], step: str, at: datetime, **given: Any) -> None:
    seen = dict(Goal.objects.filter(sheet_id=sheet.pk, state__in=states).values_list("pk", "version"))
    _move(Goal, seen, step, sheet.institution_id, at, **given)


def _move(
    model: Any, seen: dict[int, int], step: str, institution_id: int, at: datetime, **given: Any
) -> None:
    """Raises the first refusal: a decision whose consequence cannot follow does not stand."""
    if not seen:
        return
    many = fire_many(model, seen, step, actor=clock_of(institution_id), at=at, request_id=uuid4(), **given)
    for error in many.turned_down.values():
        raise error


def hands_of_milestone(milestone: Any, actor: Actor, at: datetime) -> None:
    """Who carried a milestone out has handled the goal, whose result they do not verify. The goal's row is locked."""
    goal = take(Goal, [milestone.goal_id], actor, None)[0]
    hands = hands_of(milestone) - set(goal.workers)
    if hands:
        joined = [{"kind": milestone.kind(), "document": milestone.pk, "title": milestone.title}]
        note(
            goal,
            "joined",
            actor=actor,
            at=at,
            content={"joined": joined, "workers": sorted(hands)},
            hands=hands,
        )

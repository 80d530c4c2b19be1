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
from workflows.fire import fire_many, join_parents, start_many


def submit_goals(sheet: Any, actor: Actor, at: datetime) -> None:
    """Every goal that is ready goes to the performance office; who handled or signed the sheet does not review them."""
    _move_all(Goal, "submit", sheet, at, along_with=sheet)


def issue_goals(sheet: Any, actor: Actor, at: datetime) -> None:
    """Every settled goal is in force from now on, to the end of the year."""
    _move_all(Goal, "issue", sheet, at, due=sheet.due_on)


def drop_goals(sheet: Any, actor: Actor, at: datetime) -> None:
    """A sheet that was ended takes all its goals with it."""
    _move_all(Goal, "lapse", sheet, at)


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
    _move_all(Milestone, "cancel", goal, at)


def apply_change(change: Any, actor: Actor, at: datetime) -> None:
    """The goal stands as the change says, or is withdrawn."""
    goal = Goal.objects.get(pk=change.goal_id)
    step, given = "cancel", {}
    if change.asks == Asks.REVISE and goal.is_number:
        step, given = "change_target", {"new_target": change.new_target}
    elif change.asks == Asks.REVISE:
        step, given = "change_words", {"new_text": change.new_target_text}
    _move(Goal, {goal.pk: goal.version}, step, goal.institution_id, at, **given)


def _move_all(model: Any, step: str, above: Any, at: datetime, **given: Any) -> None:
    """Every document under this one that stands where the step leaves from."""
    states = [state.name for state in model.lifecycle.steps[step].path.sources]
    rows = model.objects.filter(**{model.parent: above.pk}, state__in=states)
    _move(model, dict(rows.values_list("pk", "version")), step, above.institution_id, at, **given)


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
    join_parents([milestone], actor=actor, at=at)

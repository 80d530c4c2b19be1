"""What a report begins with: a line for every goal of the unit that is in force, with what was planned for the quarter (R36)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from calendars.periods import Period
from supervision.goals.ambition import figure
from supervision.goals.models import Goal, Milestone
from supervision.schemes.models import Cycle

LONGEST = 500


def lines_of_goals(
    cycle: Cycle, units: Collection[int], quarter: Period, at: datetime
) -> Mapping[int, list[dict[str, Any]]]:
    """By unit: the lines that its report on this quarter, opened at `at`, begins with. Two statements for all units."""
    goals = Goal.objects.filter(cycle=cycle, unit__in=units, state="in_force", issued_at__lt=at).order_by(
        "pk"
    )
    stages: dict[int, list[str]] = defaultdict(list)
    due = Milestone.objects.filter(goal__in=goals, due_on__range=(quarter.begins, quarter.ends)).exclude(
        state="cancelled"
    )
    for milestone in due.order_by("place"):
        text = milestone.title.rpartition("：")[2]
        stages[milestone.goal_id].append(f"{text}（{milestone.due_on.month}月{milestone.due_on.day}日前）")
    lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for goal in goals:
        lines[goal.unit_id].append(
            {"goal_id": goal.pk, "task": goal.title, "planned": _planned(goal, stages[goal.pk])}
        )
    return lines


def _planned(goal: Goal, stages: Collection[str]) -> str:
    aim = f"{figure(goal.target)}{goal.measured_in}" if goal.is_number else goal.target_text
    text = f"全年目标：{aim}" + (f"；本季节点：{'、'.join(stages)}" if stages else "")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"

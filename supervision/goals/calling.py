"""布置年度目标编报 The performance office calls for the goals of a year: a sheet for every unit of the scheme that has none."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from organisation.actors import Actor
from organisation.models import Unit
from organisation.queries import local_day
from supervision.goals.models import GoalSheet
from supervision.schemes.models import Cycle, CycleState
from supervision.schemes.queries import units_of_scheme
from workflows.documents import Refused
from workflows.fire import start_many
from workflows.words import Reason, Text

YEAR_IS_OVER = Text(
    "{year}年度已结束，不能再布置目标编报。", "The year {year} is over: no goals can be called for."
)
AT_ONCE = 500
"""Sheets held in memory together; all of a year are opened in one transaction."""


def is_running(cycle: Cycle, at: datetime) -> bool:
    """Whether goals may still be called for in this year."""
    return cycle.state == CycleState.OPEN and local_day(cycle.institution_id, at) <= cycle.ends


def without_sheet(cycle: Cycle, at: datetime) -> QuerySet[Unit]:
    """The units that the scheme appraises and that have no goal sheet of this year."""
    has_one = GoalSheet.objects.filter(unit=OuterRef("pk"), cycle=cycle).exclude(state="ended")
    return units_of_scheme(cycle, local_day(cycle.institution_id, at)).exclude(Exists(has_one))


def call_for_goals(cycle: Cycle, *, actor: Actor, at: datetime) -> int:
    """Open a sheet for every unit that has none, and tell it; how many. A second call finds nothing missing.

    Raises Refused for anybody but the performance office and for a year that is over, and RuleMissing when the year's scheme knows no goals.
    """
    with transaction.atomic():
        # Of two that call at once the second waits here.
        held = Cycle.objects.select_for_update(no_key=True).get(pk=cycle.pk)
        if not is_running(held, at):
            raise Refused(Reason("year_is_over", YEAR_IS_OVER, {"year": cycle.year}))
        missing = list(without_sheet(cycle, at).values_list("pk", "name_zh"))
        for first in range(0, len(missing), AT_ONCE):
            rows = [
                {
                    "institution_id": cycle.institution_id,
                    "cycle_id": cycle.pk,
                    "unit_id": unit,
                    "title": title_of(name, cycle),
                }
                for unit, name in missing[first : first + AT_ONCE]
            ]
            start_many(GoalSheet, "call", rows, actor=actor, at=at)
    return len(missing)


def title_of(unit: str, cycle: Cycle) -> str:
    """What a sheet is called: with its unit, because a leader has those of many units before them."""
    return f"{unit}{cycle.year}年度目标责任书"

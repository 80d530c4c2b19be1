"""Which appraisal year a new document belongs to, and which units it appraises."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from organisation.models import Unit
from supervision.schemes.models import Cycle, CycleState
from workflows.documents import Refused
from workflows.words import Reason, Text

NO_CYCLE = Text(
    "本单位当日没有启用的考核年度，不能立项；请先由绩效办启用考核方案。",
    "No appraisal year is open on this day; the performance office must open one first.",
)


def cycle_in_force(institution_id: int, day: date) -> Cycle:
    """The open cycle whose year holds this day, else the latest open one. Raises Refused when there is none."""
    cycles = Cycle.objects.filter(institution_id=institution_id, state=CycleState.OPEN)
    found = (
        cycles.filter(begins__lte=day, ends__gte=day).order_by("-year").first()
        or cycles.order_by("-year").first()
    )
    if found is None:
        raise Refused(Reason("no_cycle", NO_CYCLE))
    return found


def units_of_scheme(cycle: Cycle, day: date) -> QuerySet[Unit]:
    """The units of the scheme's groups that stand on that day, in the order of the tree."""
    kinds = {kind for group in cycle.scheme_version.content["groups"].values() for kind in group["kinds"]}
    return Unit.objects.on(day).filter(institution_id=cycle.institution_id, kind__in=kinds).order_by("path")

"""What opens by itself: a rectification when its order is taken in hand, its measures when the plan is approved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from organisation.actors import Actor, clock_of
from supervision.rectification.models import Measure, PlannedMeasure, Rectification
from workflows.fire import start, start_many

COPIED = ("problem", "cause", "measure", "owner", "due_on")


def open_rectification(order: Any, actor: Actor, at: datetime) -> None:
    """Open the rectification of an order that demands one; once. The order's row is locked by whoever calls."""
    if not order.demands_rectification or Rectification.objects.filter(order_id=order.pk).exists():
        return
    start(
        Rectification,
        "open",
        actor=clock_of(order.institution_id),
        at=at,
        institution_id=order.institution_id,
        cycle_id=order.cycle_id,
        unit_id=order.unit_id,
        order_id=order.pk,
        title=f"{order.title[:280]}整改",
        due_on=order.due_on,
    )


def open_measures(plan: Any, actor: Actor, at: datetime) -> None:
    """Open every measure of an approved plan, numbered in the plan's order: one statement for all of them."""
    planned = PlannedMeasure.objects.filter(rectification_id=plan.pk).order_by("pk").values(*COPIED)
    rows = [_row(plan, place, measure) for place, measure in enumerate(planned, start=1)]
    start_many(Measure, "open", rows, actor=clock_of(plan.institution_id), at=at)


def begin_measure_again(plan: Any, actor: Actor, at: datetime) -> None:
    """Open the measure that failed the acceptance once more; what was done the first time stands as it was."""
    last = (
        Measure.objects.filter(rectification_id=plan.pk, place=plan.failed_measure).order_by("-again").first()
    )
    if last is None:
        raise Measure.DoesNotExist(f"measure {plan.failed_measure} of rectification {plan.pk}")
    row = _row(plan, last.place, {name: getattr(last, name) for name in COPIED})
    start_many(
        Measure, "begin_again", [{**row, "again": last.again + 1}], actor=clock_of(plan.institution_id), at=at
    )


def _row(plan: Any, place: int, measure: dict[str, Any]) -> dict[str, Any]:
    return {
        "institution_id": plan.institution_id,
        "cycle_id": plan.cycle_id,
        "unit_id": plan.unit_id,
        "rectification_id": plan.pk,
        "place": place,
        "title": f"整改措施{place}：{measure['measure'][:250]}",
        **measure,
    }

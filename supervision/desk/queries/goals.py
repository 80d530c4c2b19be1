"""年度目标 Goals of the year: how far every unit's sheet has come, what stands in the way, and which targets are low."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from organisation.models import Unit
from organisation.roles import PostRole
from supervision.desk.pages import ActiveFilter, Choice, Pages, Select, Words
from supervision.desk.queries import reader as said
from supervision.desk.queries.facts import unit_name
from supervision.desk.queries.queue import Address, filters_of, pages_of, size_of
from supervision.desk.queries.reader import Reader
from supervision.goals.calling import is_running, without_sheet
from supervision.goals.models import Goal, GoalSheet
from supervision.schemes.models import Cycle
from supervision.schemes.queries import units_of_scheme
from supervision.schemes.rulebooks import fields_of_cycle
from workflows.scope import within_reach
from workflows.words import Text

NONE_YET = "none"
"""What the filter calls a unit without a sheet."""
BY_STAGE: Mapping[str, tuple[str, ...]] = {
    "writing": ("draft", "ready", "returned"), "review": ("under_review",), "contested": ("value_set", "objected"),
    "settled": ("agreed",), "in_force": ("in_force", "reported", "result_returned"), "concluded": ("concluded",),
}  # fmt: skip
"""The columns of the page: which states of a goal each counts."""


@dataclass(frozen=True)
class UnitGoals:
    """One unit's line. `counts` are its goals by stage, each with the stage's name; `uncovered` the fields that have none."""

    unit: Words
    state: Words
    url: str
    total: int
    counts: tuple[tuple[str, int], ...]
    low: int
    uncovered: tuple[Text, ...]


@dataclass(frozen=True)
class GoalsPage:
    """`missing` is how many units have no sheet; `may_call` whether the reader calls for them."""

    year: int | None
    stages: tuple[str, ...]
    rows: tuple[UnitGoals, ...]
    pages: Pages
    missing: int
    may_call: bool
    search: str
    selects: tuple[Select, ...]
    filters: tuple[ActiveFilter, ...]
    clear_url: str


def year_of(reader: Reader, address: Address) -> tuple[list[Cycle], Cycle | None]:
    """The institution's appraisal years, and the one that the address names, else the newest: one statement."""
    cycles = list(
        Cycle.objects.filter(institution_id=reader.actor.institution_id)
        .select_related("scheme_version")
        .order_by("-year", "-pk")
    )
    named = address.number("year", 0)
    return cycles, next((c for c in cycles if c.year == named), cycles[0] if cycles else None)


def goals_page(reader: Reader, address: Address) -> GoalsPage:
    """The whole page from its address: five statements, however many units and goals there are."""
    cycles, cycle = year_of(reader, address)
    states = GoalSheet.lifecycle.states
    choices = (
        Choice(NONE_YET, _("No sheet yet")),
        *(Choice(name, state.text) for name, state in states.items()),
    )
    selects = (
        Select("state", _("Where it stands"), _("All states"), choices, address.get("state")),
        Select(
            "year",
            _("Year"),
            _("Newest year"),
            tuple(Choice(str(c.year), str(c.year)) for c in cycles),
            address.get("year"),
        ),
    )
    page, size = max(address.number("page", 1), 1), size_of(address)
    units = _units(reader, cycle, address)[size * (page - 1) : size * page + 1] if cycle else []
    found = list(units)
    rows = _lines(found[:size], cycle, reader) if cycle else ()
    total: int | str = f"{size * page}+" if len(found) > size else size * (page - 1) + len(rows)
    offices = reader.holds(PostRole.PERFORMANCE_OFFICE)
    missing = (
        without_sheet(cycle, reader.at).count() if cycle and offices and is_running(cycle, reader.at) else 0
    )
    return GoalsPage(
        cycle.year if cycle else None, stage_names(), rows, pages_of(address, page, size, len(rows), total), missing, bool(missing),
        address.get("q"), selects, (*filters_of(address), *_state_filter(address)), address.path,
    )  # fmt: skip


def _state_filter(address: Address) -> tuple[ActiveFilter, ...]:
    state, known = address.get("state"), GoalSheet.lifecycle.states
    if state == NONE_YET or state in known:
        label = _("No sheet yet") if state == NONE_YET else str(known[state].text)
        return (ActiveFilter(label, address.having(state=None)),)
    return ()


def stage_names() -> tuple[str, ...]:
    """What the columns of BY_STAGE are called."""
    return (_("Being written"), _("For review"), _("Value set"), _("Settled"), _("In force"), _("Concluded"))


def _units(reader: Reader, cycle: Cycle, address: Address) -> Any:
    """The units of the year's scheme within the reader's scope, narrowed by name and by where their sheet stands."""
    units = within_reach(units_of_scheme(cycle, reader.today), reader.actor, unit="pk")
    if text := address.get("q"):
        units = units.filter(Q(name_zh__icontains=text) | Q(name_en__icontains=text))
    state = address.get("state")
    if state == NONE_YET:
        return units.filter(pk__in=without_sheet(cycle, reader.at).values("pk"))
    if state in GoalSheet.lifecycle.states:
        return units.filter(pk__in=GoalSheet.objects.filter(cycle=cycle, state=state).values("unit"))
    return units


def _lines(units: Sequence[Unit], cycle: Cycle, reader: Reader) -> tuple[UnitGoals, ...]:
    sheets = {
        sheet.unit_id: sheet
        for sheet in GoalSheet.visible_to(reader.actor)
        .filter(cycle=cycle, unit__in=[u.pk for u in units])
        .exclude(state="ended")
    }
    goals: dict[int, list[Goal]] = defaultdict(list)
    for goal in Goal.objects.filter(sheet__in=[s.pk for s in sheets.values()]).exclude(
        state__in=Goal.GIVEN_UP
    ):
        goals[goal.sheet_id].append(goal)
    return tuple(_line(unit, sheets.get(unit.pk), goals, cycle) for unit in units)


def _line(
    unit: Unit, sheet: GoalSheet | None, goals: Mapping[int, Sequence[Goal]], cycle: Cycle
) -> UnitGoals:
    if sheet is None:
        return UnitGoals(
            unit_name(unit), _("No sheet yet"), "", 0, tuple((name, 0) for name in stage_names()), 0, ()
        )
    own = goals.get(sheet.pk, ())
    by_state, covered = Counter(goal.state for goal in own), {goal.field for goal in own}
    return UnitGoals(
        unit_name(unit), said.state_text(sheet.kind(), sheet.state), said.document_url(sheet.kind(), sheet.pk), len(own),
        tuple((name, sum(by_state[state] for state in states)) for name, states in zip(stage_names(), BY_STAGE.values(), strict=True)),
        sum(1 for goal in own if goal.remarks()), tuple(text for key, text in fields_of_cycle(cycle.pk).items() if key not in covered),
    )  # fmt: skip

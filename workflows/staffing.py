"""Could today's staff carry a document to its end? The live half of the proof (promise 7), with the counter-example."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from calendars.queries import current_stamp
from organisation.models import Institution, Standing, Unit
from organisation.queries import local_day
from workflows.documents import Document, document_kinds
from workflows.lifecycle import Lifecycle, Step
from workflows.roles import Role
from workflows.round_nodes import Panel
from workflows.round_policies import policy_of
from workflows.rulebook import RuleBook, rulebook_of

CARRIED_BY_NOBODY = frozenset({"clock", "round"})


@dataclass(frozen=True)
class Gap:
    """Where a document of this kind and unit would stand still, and the way that leads there."""

    kind: str
    unit: str
    state: str
    role: str
    why: str
    way: tuple[str, ...]

    def __str__(self) -> str:
        path = " → ".join(self.way) or "birth"
        return (
            f"{self.kind}, {self.unit}: in {self.state} {self.role} owes, but {self.why} (reached by {path})"
        )


@dataclass(frozen=True)
class Holder:
    """Somebody who may act for a post that day, and whose post it is."""

    person: int
    holder: int


Hand = tuple[str, int]
"""Somebody who has handled a document (""), or has signed it in a role."""


def gaps(institution: Institution, *, at: Any) -> list[Gap]:
    """Every (kind, unit, state) where nobody may act that day: no holder, all away, or only people whose own work it is."""
    day = local_day(institution, at)
    staff = _staff(institution, day)
    rules = _rules_of_latest(institution)
    found = []
    for unit in _units(institution, day):
        for model in document_kinds():
            found += list(_gaps_of(model, unit, staff, rules.get(model)))
    return found


def _units(institution: Institution, day: date) -> Iterable[Unit]:
    """The units that documents are about: those with staff or a head that day, and those with open items."""
    from workflows.models import WorkItem

    posted = (
        Standing.objects.on(day)
        .filter(institution=institution, role__in=("unit_staff", "head"))
        .values("unit")
    )
    owing = WorkItem.objects.filter(institution=institution, closed_at__isnull=True).values("unit")
    return Unit.objects.filter(Q(pk__in=posted) | Q(pk__in=owing)).order_by("path")


Staff = Mapping[tuple[str, int | None], frozenset[Holder]]


def _staff(institution: Institution, day: date) -> Staff:
    """Who may act, by (role, unit) and by (role, None) for the whole institution. Somebody who is away may not count on
    coming back that day: they are left out, their substitute is in."""
    from organisation.models import Absence

    away = set(
        Absence.objects.on(day).filter(post__institution=institution).values_list("post_id", flat=True)
    )
    staff: dict[tuple[str, int | None], set[Holder]] = {}
    rows = Standing.objects.on(day).filter(institution=institution)
    for post, role, unit, person, holder, via in rows.values_list(
        "post_id", "role", "unit_id", "person_id", "holder_id", "via"
    ):
        if via == "post" and post in away:
            continue
        keys: list[tuple[str, int | None]] = [(role, unit), (role, None)]
        for key in keys:
            staff.setdefault(key, set()).add(Holder(person, holder))
    return {key: frozenset(people) for key, people in staff.items()}


def _who(role: Role, unit: Unit, staff: Staff) -> frozenset[Holder]:
    return staff.get((role.post, unit.pk if role.unit else None), frozenset())


def _gaps_of(model: type[Document], unit: Unit, staff: Staff, rules: RuleBook | None) -> Iterable[Gap]:
    lifecycle = model.lifecycle
    ways, forced = _ways(lifecycle), _forced(lifecycle, unit, staff)
    for name, state in lifecycle.states.items():
        for duty in state.duties:
            steps = [s for s in lifecycle.leaving(name) if s.by.key == duty.role.key]
            why = _why_nobody(steps, duty.role, unit, staff, forced[name])
            if why:
                yield Gap(model.kind(), unit.name_zh, name, duty.role.key, why, ways[name])
        for panel in policy_of(state.round).panels() if state.round else ():
            why = _why_too_few(panel, unit, staff, rules, forced[name])
            if why:
                yield Gap(model.kind(), unit.name_zh, f"{name}/{panel.name}", panel.role.key, why, ways[name])


def _why_too_few(
    panel: Panel, unit: Unit, staff: Staff, rules: RuleBook | None, forced: frozenset[Hand]
) -> str:
    """Why a panel of a round could not decide: too few who hold the post and have not handled the document."""
    bound = {person for signed_as, person in forced if signed_as != panel.role.post}
    people = _who(panel.role, unit, staff)
    clean = {p.holder for p in people if p.person not in bound and p.holder not in bound}
    need = _need(panel, rules)
    if len(clean) >= need:
        return ""
    return f"{len(clean)} may decide there and {need} must agree"


def _need(panel: Panel, rules: RuleBook | None) -> int:
    """How many must agree; at least one."""
    if not isinstance(panel.need, str):
        return panel.need or 1
    return rules.number(panel.need) if rules else 1


def _rules_of_latest(institution: Institution) -> dict[type[Document], RuleBook]:
    """The rules of the institution's latest document of each kind that a round decides; nothing of a kind without any.

    One statement finds them, and one reads each that there is.
    """
    deciding = [m for m in document_kinds() if any(state.round for state in m.lifecycle.states.values())]
    latest = {
        f"latest_{n}": Subquery(
            m._base_manager.filter(institution=OuterRef("pk")).order_by("-pk").values("pk")[:1]
        )
        for n, m in enumerate(deciding)
    }
    found = Institution.objects.filter(pk=institution.pk).annotate(**latest).values_list(*latest).get()
    return {
        model: rulebook_of(model._base_manager.get(pk=pk), current_stamp())
        for model, pk in zip(deciding, found, strict=True)
        if pk is not None
    }


def _why_nobody(steps: list[Step[Any]], role: Role, unit: Unit, staff: Staff, forced: frozenset[Hand]) -> str:
    people = _who(role, unit, staff)
    if not people:
        return "nobody holds this post today, or everybody is away without a substitute"
    bound = {person for signed_as, person in forced if signed_as != role.post}
    deciding = bool(steps) and all(step.decides for step in steps)
    if deciding and all(p.person in bound or p.holder in bound for p in people):
        return "whoever holds this post must have handled the document before, and nobody decides on their own work"
    return ""


def _ways(lifecycle: type[Lifecycle[Any]]) -> dict[str, tuple[str, ...]]:
    """The shortest way to every state, as step names."""
    ways: dict[str, tuple[str, ...]] = {}
    waiting: deque[tuple[str, tuple[str, ...]]] = deque(
        (birth.path.target.name, (birth.name,)) for birth in lifecycle.births()
    )
    while waiting:
        state, way = waiting.popleft()
        if state in ways:
            continue
        ways[state] = way
        waiting.extend((step.path.target.name, (*way, step.name)) for step in lifecycle.leaving(state))
    return ways


def _forced(lifecycle: type[Lifecycle[Any]], unit: Unit, staff: Staff) -> dict[str, frozenset[Hand]]:
    """For each state, the people who must have handled or signed a document that stands there, whichever way it came.

    A step forces whoever it cannot be taken without; where ways meet, only who is forced on all of them.
    """
    by_step = {name: _forced_by(step, unit, staff) for name, step in lifecycle.steps.items()}
    forced = dict.fromkeys(lifecycle.states, frozenset[Hand]().union(*by_step.values()))
    changed = True
    while changed:
        changed = False
        for name, step in lifecycle.steps.items():
            for before in [forced[s.name] for s in step.path.sources] or [frozenset[Hand]()]:
                kept = frozenset(hand for hand in before if hand[0]) if step.begins_anew else before
                after = forced[step.path.target.name] & (kept | by_step[name])
                if after != forced[step.path.target.name]:
                    forced[step.path.target.name] = after
                    changed = True
    return forced


def _forced_by(step: Step[Any], unit: Unit, staff: Staff) -> frozenset[Hand]:
    """Whose hand is in this step whoever takes it: a post's only holder, be it by their delegate."""
    handles = not step.decides and not step.takes_note and not step.begins_anew
    if not (handles or step.signs) or step.by.key in CARRIED_BY_NOBODY:
        return frozenset()
    people = [frozenset({p.person, p.holder}) for p in _who(step.by, unit, staff)]
    signed_as = step.by.post if step.signs else ""
    return frozenset((signed_as, person) for person in (frozenset.intersection(*people) if people else ()))

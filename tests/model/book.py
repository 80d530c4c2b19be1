"""The model: matters as plain rows, and what a step does to them. Everything is predicted before the product is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.model import conditions
from tests.model.days import Clock, clock, due, today, went_on
from tests.model.people import OF_THE_UNIT, Register, Standing
from tests.model.regulations import MEASURE, MOVES, ORDER, PLAN, STATES_OF, STEPS_OF, State, Step

ENDS = {"closed", "not_opened", "accepted"}
Told = tuple[str, str, datetime]
"""Who, of what, when."""


@dataclass(eq=False)
class Owed:
    """One open duty. `office` and `unit` (None: anywhere) owe it; `came_from` is where it was before it went up."""

    duty: str
    role: str
    office: str
    unit: str | None
    turn: int
    given_out: datetime
    first_due: date
    clock: Clock
    still_since: datetime | None = None
    claimant: str | None = None
    was_opened: bool = False
    came_from: tuple[str, str | None] | None = None
    seat: int | None = None

    @property
    def next_at(self) -> datetime | None:
        return None if self.still_since else self.clock.next_at


@dataclass(eq=False)
class Seat:
    """A place in a panel of the document's n-th round, `turn`; `post` is a post's number, None for any one of an office."""

    number: int
    turn: int
    panel: str
    post: int | None
    vote: str = ""


@dataclass(eq=False)
class Matter:
    """One document. `hands` are the people whose own work it is, `signed` who signed it in which role."""

    kind: str
    state: str
    unit: str
    at: datetime
    by: str | None
    step: str
    fields: dict[str, Any] = field(default_factory=dict)
    parent: Matter | None = None
    pk: int = 0
    version: int = 1
    entries: int = 1
    number: str = ""
    hands: set[str] = field(default_factory=set)
    signed: set[tuple[str, str]] = field(default_factory=set)
    owed: list[Owed] = field(default_factory=list)
    turns: dict[str, int] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    ladder_told: dict[tuple[str, int, str, date, str], datetime] = field(default_factory=dict)
    seats: list[Seat] = field(default_factory=list)
    rounds: int = 0

    @property
    def rules(self) -> State:
        return STATES_OF[self.kind][self.state]

    def steps(self) -> Iterator[Step]:
        """The steps out of the present state."""
        return (step for step in STEPS_OF[self.kind].values() if self.state in step.sources)

    def owing(self, duty: str) -> Owed | None:
        return next((o for o in self.owed if o.duty == duty), None)

    def is_own_work(self, standing: Standing) -> bool:
        """Whether one of the two, who acts and who is acted for, has had a hand in it, or signed it in another role."""
        people = {standing.person, standing.holder}
        return bool(people & self.hands) or any(
            role != standing.post.role and person in people for role, person in self.signed
        )

    def only_decides(self, role: str) -> bool:
        """Whether all that a role can do here is to decide."""
        steps = [step for step in self.steps() if step.by == role]
        return bool(steps) and all(step.decides for step in steps)


@dataclass
class Book:
    """All matters of the county, and its register."""

    register: Register = field(default_factory=Register)
    matters: list[Matter] = field(default_factory=list)
    orders_numbered: int = 0
    seats_given: int = 0

    # --- Who --------------------------------------------------------------------------------------------

    def of_role(self, matter: Matter, role: str) -> str | None:
        """The unit in which a role is held on this matter; None for one of the county's."""
        return matter.unit if role in OF_THE_UNIT else None

    def capacities(self, matter: Matter, role: str, who: str, at: datetime) -> list[Standing]:
        """In which ways a person can act for a role: their own post first, then others', then for an office below whose
        item has come up to theirs."""
        places = [(role, self.of_role(matter, role))]
        places += [(o.office, o.unit) for o in matter.owed if o.came_from and o.role == role]
        rows = [
            s
            for s in self.register.standing(today(at))
            if s.person == who and any(s.post.role == r and u in (None, s.post.unit) for r, u in places)
        ]
        return sorted(rows, key=lambda s: (s.post.role != role, not s.own, s.post.number))

    def people(self, matter: Matter, role: str, at: datetime) -> set[str]:
        return {s.person for s in self.register.holding(role, self.of_role(matter, role), today(at))}

    # --- A step -----------------------------------------------------------------------------------------

    def refusal(self, matter: Matter, step: Step, who: str, at: datetime, given: dict[str, Any]) -> list[str]:
        """The codes of every reason against it, none when it may be taken."""
        if matter.state not in step.sources:
            return ["not_in_this_state"]
        did_it = not step.did or (matter.step == step.did and matter.by == who)
        fitting = self.capacities(matter, step.by, who, at) if did_it else []
        if not fitting:
            return ["not_yours"]
        if step.decides and all(matter.is_own_work(s) for s in fitting):
            return ["own_work"]
        unmet = [code for code in step.must if not conditions.HOLDS[code](self, matter, at)]
        return unmet or conditions.faults(matter, step, given, at)

    def take(self, matter: Matter, step: Step, who: str | None, at: datetime, given: dict[str, Any]) -> None:
        """The step, taken by a person or (None) by the round."""
        if who is not None:
            fitting = self.capacities(matter, step.by, who, at)
            acting = next(s for s in fitting if not (step.decides and matter.is_own_work(s)))
            if step.how == "handles":
                matter.hands |= {acting.person, acting.holder}
            if step.how == "signs":
                matter.signed |= {(acting.post.role, acting.person), (acting.post.role, acting.holder)}
        before, matter.state = matter.rules, step.target
        matter.version, matter.entries = matter.version + 1, matter.entries + 1
        matter.by, matter.step, matter.at = who, step.name, at
        self._record(matter, step, at, given)
        self._owe(matter, before, MOVES.get(step.name, ""), at)
        told = {person for role in step.told for person in self.people(matter, role, at)}
        matter.told += [(person, step.name, at) for person in told - {who}]
        self._cause(matter, step, at)

    def _record(self, matter: Matter, step: Step, at: datetime, given: dict[str, Any]) -> None:
        fields = matter.fields
        if step.name == "grant":
            fields["due_on"] = given["new_date"]
        elif step.name in ("suspend", "keep_suspended"):
            fields["review_on"] = given["review_date"]
        elif step.name == "approve":
            fields["due_on"] = max(row["due_on"] for row in fields["planned"])
        elif (matter.kind, step.name) == (ORDER, "sign"):
            if not matter.number:
                self.orders_numbered += 1
                matter.number = f"和督〔2026〕{self.orders_numbered}号"
            fields.setdefault("original_due_on", fields["due_on"])
        elif step.name == "return_measure":
            fields["failed"] = given["failed_number"]
        if step.name in (
            "return_work",
            "return_report",
            "return_plan",
            "instruct_again",
            "return_measure",
        ) or ((matter.kind, step.name) == (PLAN, "refuse")):
            fields["times_returned"] = fields.get("times_returned", 0) + 1

    def _owe(self, matter: Matter, before: State, moves: str, at: datetime) -> None:
        """Close what the new state does not owe, stop and start clocks, and open the rest."""
        now = matter.rules
        matter.owed = [o for o in matter.owed if o.seat is None and o.duty in {*now.owes, *now.still}]
        for owed in matter.owed:
            if owed.duty in now.still:
                owed.still_since = owed.still_since or at
            elif owed.duty == moves:
                named = due(owed.duty, at, matter.fields)
                started = owed.clock.started if named > owed.clock.due_on else at
                owed.clock, owed.still_since = clock(owed.duty, named, started).passed(at), None
            elif owed.still_since:
                later = went_on(owed.duty, owed.clock.due_on, owed.still_since, at)
                owed.clock, owed.still_since = clock(owed.duty, later, at).passed(at), None
        for duty, role in now.owes.items():
            if matter.owing(duty) is None:
                self.open(matter, duty, role, at)

    def open(self, matter: Matter, duty: str, role: str, at: datetime, **more: Any) -> Owed:
        """A new duty, with its date."""
        turn = matter.turns[duty] = matter.turns.get(duty, 0) + 1
        due_on = due(duty, at, matter.fields)
        place = {"office": role, "unit": self.of_role(matter, role), "turn": turn} | more
        owed = Owed(duty, role, given_out=at, first_due=due_on, clock=clock(duty, due_on, at), **place)
        matter.owed.append(owed)
        return owed

    def born(self, matter: Matter, who: str | None) -> Matter:
        """Enter a new matter: its first duties, and who is told. By a person, or (None) by the clock."""
        step = STEPS_OF[matter.kind][matter.step]
        if who is not None:
            acting = self.capacities(matter, step.by, who, matter.at)[0]
            matter.hands = {acting.person, acting.holder}
        for duty, role in matter.rules.owes.items():
            self.open(matter, duty, role, matter.at)
        told = {person for role in step.told for person in self.people(matter, role, matter.at)}
        matter.told = [(person, step.name, matter.at) for person in told - {who}]
        self.matters.append(matter)
        return matter

    def _cause(self, matter: Matter, step: Step, at: datetime) -> None:
        """What a step causes elsewhere."""
        from tests.model import sitting

        if step.sources and "for_leadership" in step.sources and step.by != "round":
            sitting.withdraw(self, matter, at)
        if step.target == "for_leadership":
            sitting.convene(self, matter, "office", at)
        if step.name == "take_in_hand" and matter.fields.get("demands_rectification"):
            fields = {"due_on": matter.fields["due_on"], "planned": [], "why_later": "", "summary": ""}
            self.born(Matter(PLAN, "plan_owed", matter.unit, at, None, "open", fields, matter), None)
        if (matter.kind, step.name) == (PLAN, "approve"):
            for place, row in enumerate(matter.fields["planned"], 1):
                self._measure(matter, "open", "to_do", place, 0, row["due_on"], at)
        if step.name == "return_measure":
            place = matter.fields["failed"]
            last = max(
                (m for m in self.children(matter) if m.fields["place"] == place),
                key=lambda m: m.fields["again"],
            )
            self._measure(
                matter, "begin_again", "sent_back", place, last.fields["again"] + 1, last.fields["due_on"], at
            )

    def _measure(
        self, plan: Matter, step: str, state: str, place: int, again: int, day: date, at: datetime
    ) -> None:
        fields = {"place": place, "again": again, "due_on": day, "files": 0}
        self.born(Matter(MEASURE, state, plan.unit, at, None, step, fields, plan), None)

    def children(self, matter: Matter) -> list[Matter]:
        return [m for m in self.matters if m.parent is matter]

    # --- The content ------------------------------------------------------------------------------------

    def refused_edit(self, matter: Matter, who: str, at: datetime, names: set[str]) -> list[str]:
        rules = matter.rules
        if not rules.editor:
            return ["not_editable"]
        if not self.capacities(matter, rules.editor, who, at):
            return ["not_yours"]
        return ["no_such_field" for name in names if name not in rules.fields]

    def edit(self, matter: Matter, who: str, at: datetime, content: dict[str, Any]) -> bool:
        """Whether anything changed. Parts that are handed over without their ids are new rows."""
        parts = ("lines", "criteria", "evidence", "planned")
        changed = {
            name: value
            for name, value in content.items()
            if (value or matter.fields.get(name) if name in parts else self._content(matter, name) != value)
        }
        if not changed:
            return False
        acting = self.capacities(matter, matter.rules.editor, who, at)[0]
        matter.hands |= {acting.person, acting.holder}
        matter.version, matter.entries = matter.version + 1, matter.entries + 1
        if "criteria" in changed:
            matter.fields["evidence"] = []
        matter.unit = changed.pop("unit", matter.unit)
        matter.fields |= changed
        return True

    def _content(self, matter: Matter, name: str) -> Any:
        return matter.unit if name == "unit" else matter.fields.get(name)

    def attach(self, matter: Matter, who: str, at: datetime) -> None:
        acting = self.capacities(matter, matter.rules.attaches, who, at)[0]
        matter.hands |= {acting.person, acting.holder}
        matter.entries += 1
        matter.fields["files"] = matter.fields.get("files", 0) + 1

"""The words a lifecycle is written in. Pure: no row is read or written here.

A lifecycle is one class: states with who owes what, conditions with the words shown to whoever is refused,
and steps with who, from, to, what must hold, what is handed over, who is told and what it causes elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from django.utils.module_loading import import_string
from django_fsm import FSMField, transition

from workflows.roles import Role
from workflows.words import Reason, Text

if TYPE_CHECKING:
    from workflows.documents import Document

D = TypeVar("D")


class Unsound(Exception):
    """A lifecycle that cannot be meant; raised at import with a sentence."""


@dataclass(frozen=True)
class Duty:
    """One work item: who owes what, by which deadline rule of the scheme. The rule is its key."""

    role: Role
    text: Text
    rule: str


class Named:
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name


class Sources:
    """Several states that a step may leave: `(a | b) >> c`."""

    def __init__(self, *states: State) -> None:
        self.states = states

    def __or__(self, other: State) -> Sources:
        return Sources(*self.states, other)

    def __rshift__(self, target: State) -> Path:
        return Path(self.states, target)


class State(Named):
    """Where a document stands: who owes what there, who may edit its content, who may add evidence.

    `only` narrows what the editor may change here to these content fields and parts (none named: all of them).
    `pauses` names duties whose clocks stand still here; `round` names the round that decides here.
    A state that is not final has a duty, a round, or waits `with_parent`: nobody owes anything on this document by itself,
    and a step of its parent's moves it on. Who handled it has handled the parent, which is decided with it.
    """

    def __init__(
        self,
        zh: str,
        en: str,
        *duties: Duty,
        edits: Role | None = None,
        only: tuple[str, ...] = (),
        attaches: tuple[Role, ...] = (),
        pauses: tuple[Duty, ...] = (),
        round: str | None = None,
        with_parent: bool = False,
        final: bool = False,
    ) -> None:
        self.text, self.duties, self.edits, self.pauses = Text(zh, en), duties, edits, pauses
        self.only, self.attaches, self.round, self.final = only, attaches, round, final
        self.with_parent = with_parent

    def __or__(self, other: State) -> Sources:
        return Sources(self, other)

    def __rshift__(self, target: State) -> Path:
        return Path((self,), target)


@dataclass(frozen=True)
class Path:
    sources: tuple[State, ...]
    target: State


class Beginning:
    """Before a document exists: `BIRTH >> draft` is the step that opens one."""

    def __rshift__(self, target: State) -> Path:
        return Path((), target)


BIRTH = Beginning()


class Guard(Named, Generic[D]):
    """A condition, and the words for whoever is refused. Its name is the stored code.

    `facts` names what it reads on other rows (keys of the document's `facts()`); they are read after the lock.
    """

    def __init__(
        self,
        zh: str,
        en: str,
        holds: Callable[[D, datetime], object],
        *,
        facts: tuple[str, ...] = (),
        **params: Callable[[D], object],
    ) -> None:
        self.text, self.holds, self.facts, self.params = Text(zh, en), holds, facts, params

    def unmet(self, document: D, at: datetime) -> Reason | None:
        """None when it holds, else the reason."""
        if self.holds(document, at):
            return None
        return Reason(self.name, self.text, {key: value(document) for key, value in self.params.items()})


class Check(Generic[D]):
    """What a handed-over value must satisfy, judged with the document and the instant."""

    def __init__(self, zh: str, en: str, holds: Callable[[D, Any, datetime], object]) -> None:
        self.text, self.holds = Text(zh, en), holds


class Given(Named):
    """Something the actor hands over with the step: a field of its form, kept in the ledger.

    `choices` are the values that a text may have, each with what it is called; a truth value must be true: it is confirmed.
    """

    def __init__(
        self,
        zh: str,
        en: str,
        kind: type = str,
        *,
        name: str = "",
        optional: bool = False,
        choices: Mapping[str, Text] | None = None,
        checks: tuple[Check[Any], ...] = (),
    ) -> None:
        self.text, self.kind, self.name, self.optional, self.checks = (
            Text(zh, en),
            kind,
            name,
            optional,
            checks,
        )
        self.choices = choices or {}

    def faults(self, document: Any, value: Any, at: datetime) -> Iterable[Reason]:
        """Why the value cannot be taken: missing, of the wrong kind, or against a check."""
        if value is None or value is False or (isinstance(value, str) and not value.strip()):
            if not self.optional:
                yield Reason(f"given.{self.name}", self._wanted())
            return
        if not self._is_of_kind(value):
            yield Reason(
                f"given.{self.name}",
                Text(f"“{self.text.zh}”格式不对。", f"“{self.text.en}” is not of the expected kind."),
            )
            return
        for number, check in enumerate(self.checks):
            if not check.holds(document, value, at):
                yield Reason(f"given.{self.name}.{number}", check.text)

    def _wanted(self) -> Text:
        if self.kind is bool:
            return Text(f"请确认“{self.text.zh}”。", f"Confirm “{self.text.en}”.")
        if self.choices:
            return Text(f"请选择“{self.text.zh}”。", f"Choose “{self.text.en}”.")
        return Text(f"请填写“{self.text.zh}”。", f"Fill in “{self.text.en}”.")

    def _is_of_kind(self, value: Any) -> bool:
        """A datetime is no date and a truth value no number, whatever Python says; and PostgreSQL takes no NUL in a text."""
        if self.choices:
            return value in self.choices
        if isinstance(value, Decimal):
            return self.kind is Decimal and value.is_finite()
        if isinstance(value, str):
            return (
                self.kind is str and "\x00" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
            )
        return isinstance(value, self.kind) and (self.kind is not date or not isinstance(value, datetime)) and (
            self.kind is bool or not isinstance(value, bool))  # fmt: skip


class Moment:
    """AT: the instant of the step."""


AT = Moment()
REASON = Given("理由", "reason", name="reason")
OPINION = Given("意见", "opinion", name="opinion", optional=True)


@dataclass(frozen=True)
class Effect:
    """What a step or a ladder causes elsewhere; the room above fills the registry under this key."""

    key: str
    text: Text


class Numbering(Protocol):
    """A series of running numbers that a step gives out: without gaps, and no number twice."""

    def hold(self, documents: Sequence[Any], at: datetime) -> None:
        """Lock the series to the end of the transaction. Called before facts are read, so that two who give a number
        at once also see what the other has done."""
        ...

    def give(self, documents: Sequence[Any], at: datetime) -> Mapping[int, str]:
        """The number of each document, by its id; one that has a number keeps it."""
        ...


class Step(Named, Generic[D]):
    """A transition: who, from where to where, under which conditions, with what consequences.

    Whoever takes a step has handled the document, and it is their own work from then on, except that
    `decides` refuses one's own work, and deciding is not handling;
    `signs` decides too, and the signer answers for the document: they may sign again, but never check it in another role;
    `takes_note` neither refuses one's own work nor makes it one's own: reading what others reported.
    `begins_anew` lets a fresh draft begin with clean hands; `numbers` gives the document its number;
    `moves` re-derives the dates of duties that go on; `irreversible` asks for confirmation on the screen.
    """

    def __init__(
        self,
        zh: str,
        en: str,
        path: Path,
        *,
        by: Role,
        must: tuple[Guard[D], ...] = (),
        given: tuple[Given, ...] = (),
        records: Mapping[str, Given | Moment | Callable[[D], object]] | None = None,
        tells: tuple[Role, ...] = (),
        urgent: bool = False,
        causes: tuple[Effect, ...] = (),
        moves: tuple[Duty, ...] = (),
        numbers: Numbering | None = None,
        decides: bool = False,
        signs: bool = False,
        takes_note: bool = False,
        begins_anew: bool = False,
        irreversible: bool = False,
    ) -> None:
        self.text, self.path, self.by, self.must, self.given = Text(zh, en), path, by, must, given
        self.records, self.tells, self.urgent, self.causes = records or {}, tells, urgent, causes
        self.moves, self.begins_anew, self.irreversible, self.numbers = (
            moves,
            begins_anew,
            irreversible,
            numbers,
        )
        self.decides, self.signs, self.takes_note = decides or signs, signs, takes_note

    @property
    def is_birth(self) -> bool:
        return not self.path.sources

    @property
    def facts(self) -> frozenset[str]:
        """What must be read after the lock before this step can be judged."""
        return frozenset(fact for guard in self.must for fact in guard.facts)

    def values(self, document: D, at: datetime, inputs: Mapping[str, object]) -> dict[str, Any]:
        """The document's own fields that this step sets."""
        return {
            field: at
            if isinstance(value, Moment)
            else inputs.get(value.name)
            if isinstance(value, Given)
            else value(document)
            for field, value in self.records.items()
        }


class Lifecycle(Generic[D]):
    """Base of every lifecycle; reading the class body top to bottom is reading the regulation."""

    title: ClassVar[Text]
    onlookers: ClassVar[tuple[Role, ...]] = ()
    """Roles that only a ladder tells."""
    initial: ClassVar[State]
    states: ClassVar[dict[str, State]]
    steps: ClassVar[dict[str, Step[Any]]]
    guards: ClassVar[dict[str, Guard[Any]]]
    roles: ClassVar[dict[str, Role]]

    def __init_subclass__(cls) -> None:
        def named(kind: type) -> dict[str, Any]:
            return {name: value for name, value in vars(cls).items() if isinstance(value, kind)}

        cls.states, cls.steps, cls.guards = named(State), named(Step), named(Guard)
        cls.initial = next(iter(cls.states.values()))
        cls.roles = {role.key: role for role in _roles_of(cls)}
        from workflows.soundness import faults  # the proof is part of being a lifecycle

        if found := faults(cls):
            raise Unsound(f"{cls.__module__}.{cls.__name__}: " + "; ".join(found))

    @classmethod
    def births(cls) -> list[Step[Any]]:
        return [step for step in cls.steps.values() if step.is_birth]

    @classmethod
    def leaving(cls, state: str) -> list[Step[Any]]:
        """The steps out of a state, in the order in which the file names them."""
        return [
            step for step in cls.steps.values() if any(source.name == state for source in step.path.sources)
        ]

    @classmethod
    def duty(cls, rule: str) -> Duty | None:
        return next(
            (duty for state in cls.states.values() for duty in state.duties if duty.rule == rule), None
        )


def _roles_of(cls: type[Lifecycle[Any]]) -> Iterable[Role]:
    for state in cls.states.values():
        yield from (duty.role for duty in state.duties)
        yield from state.attaches
        if state.edits:
            yield state.edits
    for step in cls.steps.values():
        yield step.by
        yield from step.tells
    yield from cls.onlookers


class StateField(FSMField):
    """The protected column, and the lifecycle's steps declared to django_fsm as its transitions.

    Takes the lifecycle's path, as a ForeignKey does: an import here would be a circle. Migrations see a plain
    column: no states, no default, so that a new state needs no migration.
    """

    def __init__(self, path: str = "", **options: Any) -> None:
        self.path = path
        super().__init__(**{"protected": True, "max_length": 50, **options})

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("default", None)
        return name, "django_fsm.FSMField", args, kwargs

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False, **kwargs: Any) -> None:
        lifecycle: type[Lifecycle[Any]] | None = (
            import_string(self.path) if self.path and not cls._meta.abstract else None
        )
        super().contribute_to_class(cls, name, private_only, **kwargs)
        if lifecycle:
            cls.lifecycle = lifecycle
            for step in lifecycle.steps.values():
                if not step.is_birth:
                    setattr(cls, step.name, self._declare(cls, step))

    def _declare(self, cls: Any, step: Step[Any]) -> Any:
        def body(document: Any, at: datetime, inputs: Mapping[str, object]) -> dict[str, Any]:
            values = step.values(document, at, inputs)
            for field, value in values.items():
                setattr(document, field, value)
            return values

        body.__name__, body.__qualname__ = (
            step.name,
            f"{cls.__qualname__}.{step.name}",
        )  # django_fsm compares by these
        return transition(
            self, [s.name for s in step.path.sources], step.path.target.name, custom={"step": step}
        )(body)


def lifecycle_of(model: type[Document]) -> type[Lifecycle[Any]]:
    """The lifecycle a document's model moves by."""
    return model.lifecycle

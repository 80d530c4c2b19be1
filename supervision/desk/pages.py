"""What each page is given: plain values, no rows. `queries.py` makes them, the templates of templates/desk/ show them.

`Words` is said in the reader's language: a `workflows.words.Text` pair for the regulation's own words and for data
entered in both languages, a plain string for data entered in one. Days are the institution's local days; instants
are aware. Addresses are paths. A tuple may be empty and an optional value None: the templates then say nothing, or
which kind of nothing it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from workflows.words import Text

Words = Text | str


# Dates


@dataclass(frozen=True)
class Because:
    """One line of a derivation; `main` marks the due date itself."""

    label: str
    text: str
    main: bool = False


@dataclass(frozen=True)
class Due:
    """A due date that explains itself. `left` is working days on the page's day: 0 today, negative overdue.

    `summary` is one short line (start, rule, holiday effect) and `why` the whole derivation; both are written by the
    deadline engine in the reader's language, never put together in a template. `basis` is the clause. `original_on`
    is the date before an extension. `paused`: the clock stands still.
    """

    on: date
    left: int
    summary: str = ""
    why: tuple[Because, ...] = ()
    basis: str = ""
    original_on: date | None = None
    provisional: bool = False
    paused: bool = False


# People


@dataclass(frozen=True)
class Who:
    """A person as shown: `role` and `unit` as they stood, `on_behalf_of` the holder whose post was exercised."""

    name: Words
    unit: Words = ""
    role: Words = ""
    on_behalf_of: Words = ""
    me: bool = False


# What can be done


@dataclass(frozen=True)
class Choice:
    value: str
    label: Words


@dataclass(frozen=True)
class Input:
    """One thing to hand over with a step. `kind`: text, lines, date, number, decimal, choice, yes or file."""

    name: str
    label: Words
    kind: str = "text"
    value: str = ""
    required: bool = False
    help: Words = ""
    choices: tuple[Choice, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Begin:
    """Another document that may be begun here; with `reasons` it is shown and cannot be begun."""

    label: Words
    url: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Confirm:
    """What is said once more before a step that nothing can undo: object, recipients, effect as label and text."""

    title: str
    lines: tuple[tuple[str, Words], ...]


@dataclass(frozen=True)
class Step:
    """One step that the document's state knows for this person.

    `label` names the outcome (「同意，送分管领导审定」), `short` is the verb alone (「同意」). `tone` is forward, back,
    refuse or plain. `why_not` holds every unmet guard's sentence: not empty means a grey button with the same words.
    `note` is "required" or "optional" (the opinion), `inputs` what else must be given.
    `confirm` is set when the step cannot be undone.
    """

    key: str
    label: Words
    short: Words = ""
    tone: str = "plain"
    why_not: tuple[str, ...] = ()
    note: str = "optional"
    inputs: tuple[Input, ...] = ()
    confirm: Confirm | None = None

    @property
    def verb(self) -> Words:
        return self.short or self.label

    @property
    def allowed(self) -> bool:
        return not self.why_not


@dataclass(frozen=True)
class Fact:
    """One line of what is asked. `was` is the old value, struck out; `tag` a short remark beside it."""

    label: Words
    value: Words
    was: Words = ""
    tag: str = ""


@dataclass(frozen=True)
class File:
    """An attachment with its two dates: when the fact happened, and when it was uploaded."""

    name: str
    url: str
    size: int = 0
    happened_on: date | None = None
    uploaded_at: datetime | None = None
    by: Who | None = None
    digest: str = ""
    remove_url: str = ""


@dataclass(frozen=True)
class Opinion:
    """One line of the opinions. `kind`: done (given), now (mine, awaited) or next (after me)."""

    who: Who
    act: Words = ""
    at: datetime | None = None
    text: str = ""
    kind: str = "done"


@dataclass(frozen=True)
class Stale:
    """Somebody was first: who, what, when, and the state now."""

    who: Who
    act: Words
    at: datetime | None
    state: Words


@dataclass(frozen=True)
class Panel:
    """The decision form, under a row, inside a card or on the document's page.

    `key` is unique on the page. `steps` in the order shown; `chosen` is the key of the step whose inputs are open.
    `opinion` and `opinion_error` come back after a refusal, as do the values and errors of the inputs. `errors` are
    sentences about the whole (a guard that no longer holds). `confirming` is the step to confirm. `stale` replaces
    the buttons. `capacities` are the capacities I may choose from (value = post id); `capacity` is the one in use.
    """

    key: str
    title: str
    act_url: str
    panel_url: str
    document_url: str
    seen_version: int
    request_id: str
    steps: tuple[Step, ...] = ()
    chosen: str = ""
    item: int | None = None
    shape: str = "row"
    facts: tuple[Fact, ...] = ()
    files: tuple[File, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    opinion: str = ""
    opinion_error: str = ""
    overdue: bool = False
    phrases: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    capacity: str = ""
    capacities: tuple[Choice, ...] = ()
    confirming: str = ""
    stale: Stale | None = None
    recall: str = ""

    @property
    def open(self) -> Step | None:
        """The step whose inputs are shown, if one with inputs was chosen."""
        return next(
            (step for step in self.steps if step.key == self.chosen and step.inputs and step.allowed), None
        )

    @property
    def primary(self) -> str:
        """The key of the one primary button, which Ctrl+Enter presses: the chosen step, else the first that moves the
        document on."""
        if any(step.key == self.chosen for step in self.allowed):
            return self.chosen
        return next((step.key for step in self.allowed if step.tone == "forward"), "")

    @property
    def to_confirm(self) -> Step | None:
        return next((step for step in self.allowed if step.key == self.confirming and step.confirm), None)

    @property
    def allowed(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.allowed)

    @property
    def refused(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if not step.allowed)

    @property
    def note(self) -> str:
        """always (every step wants it), some (`note_for` says which) or optional."""
        wanted = [step.note == "required" for step in self.allowed]
        return "always" if wanted and all(wanted) else "some" if any(wanted) else "optional"

    @property
    def note_for(self) -> tuple[Words, ...]:
        return tuple(step.verb for step in self.allowed if step.note == "required")


# Queue


@dataclass(frozen=True)
class Row:
    """One work item, as its owner sees it. The row's id in the page is the item's id.

    `kind` is the document's name (督办单), `state` where it stands, `duty` what is owed. `forward` and `back` are the
    two steps with a button in the row, `more` the others. `bulk` is the step that may be taken for many at once,
    `bulk_group` what may go together (kind and state). `acting` says whose post I act for, when not my own.
    Rows that can be claimed carry `claim_url`; rows done by me carry `decided`.
    """

    id: int
    kind: Words
    title: str
    url: str
    panel_url: str = ""
    number: str = ""
    lamp: str = "none"
    unit: Words = ""
    person: Words = ""
    state: Words = ""
    duty: Words = ""
    due: Due | None = None
    files: int = 0
    acting: str = ""
    forward: Step | None = None
    back: Step | None = None
    more: tuple[Step, ...] = ()
    bulk: Step | None = None
    bulk_group: str = ""
    claim_url: str = ""
    decided: Decided | None = None
    unit_id: int | None = None


@dataclass(frozen=True)
class Decided:
    """What I did, and whether it can still be recalled; `why_no_recall` is the reason when it cannot."""

    act: Words
    at: datetime
    text: str = ""
    recall_url: str = ""
    why_no_recall: str = ""


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    url: str
    count: int | str | None = None
    current: bool = False


@dataclass(frozen=True)
class LampCount:
    """`kind` "" counts all; `count` is "999+" where counting stops. `url` is the same page with this lamp chosen."""

    kind: str
    count: int | str
    url: str
    hint: str = ""
    current: bool = False
    change: str = ""


@dataclass(frozen=True)
class Select:
    """A drop-down of the filter bar, sent as `name` in the address."""

    name: str
    label: str
    all: str
    choices: tuple[Choice, ...]
    value: str = ""


@dataclass(frozen=True)
class ActiveFilter:
    """A filter in force, and the same page without it."""

    label: str
    without_url: str


@dataclass(frozen=True)
class Pages:
    """`first` to `last` of `total` rows are shown ("999+" where counting stops); the addresses are None at the ends.
    `sizes` offers other page sizes as (rows, address)."""

    first: int
    last: int
    total: int | str
    previous_url: str | None = None
    next_url: str | None = None
    size: int = 20
    sizes: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Queue:
    """`tab` is mine, claimable or done. `total` counts mine without filters. `calendar_note` is a sentence of the
    calendar about holidays near today. `keep` are the parts of the address that the search form sends along. `last_done` is the title and
    instant of what I finished last."""

    tab: str
    today: date
    tabs: tuple[Tab, ...]
    lamps: tuple[LampCount, ...]
    rows: tuple[Row, ...]
    pages: Pages
    search: str = ""
    keep: tuple[tuple[str, str], ...] = ()
    selects: tuple[Select, ...] = ()
    filters: tuple[ActiveFilter, ...] = ()
    clear_url: str = ""
    total: int | str = 0
    calendar_note: str = ""
    bulk_url: str = ""
    export_url: str = ""
    last_done: tuple[str, datetime] | None = None


@dataclass(frozen=True)
class BulkResult:
    title: str
    url: str
    refused: str = ""


@dataclass(frozen=True)
class Bulk:
    """Either the list to confirm (`rows`) or, afterwards, what came of each (`results`)."""

    step: Step
    url: str
    request_id: str
    rows: tuple[Row, ...] = ()
    results: tuple[BulkResult, ...] = ()
    opinion: str = ""
    error: str = ""

    @property
    def done(self) -> int:
        return sum(not result.refused for result in self.results)

    @property
    def refused(self) -> tuple[BulkResult, ...]:
        return tuple(result for result in self.results if result.refused)


# One document


@dataclass(frozen=True)
class StateMark:
    """A state on the line: passed, now or ahead."""

    label: Words
    kind: str
    at: datetime | None = None


@dataclass(frozen=True)
class Change:
    label: Words
    old: str
    new: str


@dataclass(frozen=True)
class Entry:
    """One line of the ledger. `tone` as for a step; `recorded_at` is set when it differs from `at` (effective)."""

    sequence: int
    who: Who
    act: Words
    at: datetime
    tone: str = "plain"
    before: Words = ""
    after: Words = ""
    text: str = ""
    changes: tuple[Change, ...] = ()
    files: tuple[File, ...] = ()
    recorded_at: datetime | None = None
    digest: str = ""


@dataclass(frozen=True)
class Holding:
    """Who holds it now: one open work item, and everybody who may act on it."""

    duty: Words
    people: tuple[Who, ...]
    lamp: str
    due: Due | None = None
    claimed: bool = False
    note: str = ""
    claim_url: str = ""
    release_url: str = ""
    hand_over_url: str = ""


@dataclass(frozen=True)
class Seat:
    """One place in a step of the round. `vote`: open, approve, refuse, recused or overtaken."""

    who: Who
    vote: str
    word: Words
    at: datetime | None = None
    text: str = ""


@dataclass(frozen=True)
class RoundStep:
    label: Words
    seats: tuple[Seat, ...]
    need: str = ""
    kind: str = "now"


@dataclass(frozen=True)
class Round:
    """The running (or last) round. `drawing` is SVG without styles of its own, or "" for none."""

    title: Words
    steps: tuple[RoundStep, ...]
    drawing: str = ""
    outcome: Words = ""


@dataclass(frozen=True)
class DocumentPage:
    """`lamp` is the worst of its open items, "done" when closed. `panel` holds what I can do and why not."""

    kind: Words
    title: str
    state: Words
    lamp: str
    number: str = ""
    unit: Words = ""
    responsible: tuple[tuple[Words, Who], ...] = ()
    due: Due | None = None
    states: tuple[StateMark, ...] = ()
    facts: tuple[Fact, ...] = ()
    panel: Panel | None = None
    holders: tuple[Holding, ...] = ()
    no_holder: str = ""
    files: tuple[File, ...] = ()
    entries: tuple[Entry, ...] = ()
    round: Round | None = None
    edit_url: str = ""
    verified: str = ""
    links: tuple[tuple[Words, str, str], ...] = ()
    attach_url: str = ""
    beginnings: tuple[Begin, ...] = ()


# Board


@dataclass(frozen=True)
class Age:
    """How many are overdue by how long. `share` is 0 to 1, of the longest bar; `css` age-1 (lightest) to age-5."""

    label: str
    count: int
    share: float
    url: str
    css: str = "age-1"


@dataclass(frozen=True)
class Rung:
    """One level of the ladder: how many stand on it. `level` 0 is not escalated."""

    level: int
    label: Words
    when: str
    count: int
    url: str


@dataclass(frozen=True)
class TrendPoint:
    day: date
    red: int
    yellow: int


@dataclass(frozen=True)
class UnitLine:
    """`rank` None for the line that sums up the rest. `on_time` is a percentage, None where nothing was due yet."""

    rank: int | None
    unit: Words
    open: int
    red: int
    yellow: int
    green: int
    on_time: float | None
    url: str = ""


@dataclass(frozen=True)
class OverdueRow:
    """`level` and `level_name` of the ladder; `last` and `next`: the last act and what comes, each with its instant."""

    title: str
    url: str
    due: Due
    number: str = ""
    unit: Words = ""
    person: Words = ""
    level: int = 0
    level_name: Words = ""
    last: Words = ""
    last_at: datetime | None = None
    next: Words = ""
    next_on: date | None = None
    lamp: str = "red"


@dataclass(frozen=True)
class Board:
    """`lamps` are the four counts (the lamp chosen decides what the list shows, `list_title` names it); `on_time` is
    the rate of the year in per cent and `on_time_goal` what the scheme wants."""

    scope: Words
    units: int
    open: int
    as_of: datetime
    lamps: tuple[LampCount, ...]
    ages: tuple[Age, ...]
    ladder: tuple[Rung, ...]
    league: tuple[UnitLine, ...]
    rows: tuple[OverdueRow, ...]
    pages: Pages
    on_time: float | None = None
    on_time_goal: float | None = None
    trend: tuple[TrendPoint, ...] = ()
    search: str = ""
    keep: tuple[tuple[str, str], ...] = ()
    selects: tuple[Select, ...] = ()
    filters: tuple[ActiveFilter, ...] = ()
    clear_url: str = ""
    list_title: str = ""
    export_url: str = ""


# Leader's desk


@dataclass(frozen=True)
class Card:
    """One decision that waits for me, with the facts it rests on; `last` is the latest opinion."""

    row: Row
    facts: tuple[Fact, ...] = ()
    files: tuple[File, ...] = ()
    last: Opinion | None = None
    standing: str = ""


@dataclass(frozen=True)
class LeaderDesk:
    """`standing` of a card is the state of its round in a sentence (5人中已同意3人)."""

    today: date
    cards: tuple[Card, ...]
    total: int
    lamps: tuple[LampCount, ...] = ()
    board_url: str = ""
    attention: tuple[OverdueRow, ...] = ()
    queue_url: str = ""
    last_done: tuple[str, datetime] | None = None


# Notices


@dataclass(frozen=True)
class NoticeLine:
    id: int
    text: str
    at: datetime
    url: str = ""
    title: str = ""
    urgent: bool = False
    read: bool = False
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notices:
    rows: tuple[NoticeLine, ...]
    pages: Pages
    unread: int
    tabs: tuple[Tab, ...]
    read_all_url: str = ""


# Every page


@dataclass(frozen=True)
class NavLink:
    label: str
    url: str
    current: bool = False
    count: int | str | None = None
    key: str = ""


@dataclass(frozen=True)
class CapacityLine:
    """One capacity of today, for the account menu: role and unit, and whose post it is when not one's own."""

    role: Words
    unit: Words = ""
    on_behalf_of: Words = ""
    until: date | None = None


@dataclass(frozen=True)
class Chrome:
    """What surrounds every signed-in page."""

    institution: Words
    home_url: str
    nav: tuple[NavLink, ...]
    notices_url: str
    unread: int
    person: Words
    capacities: tuple[CapacityLine, ...]
    frozen: bool = False

    @property
    def initial(self) -> str:
        return str(self.person)[:1]


@dataclass(frozen=True)
class DemoAccount:
    username: str
    name: Words
    role: Words
    unit: Words = ""


@dataclass(frozen=True)
class DemoInstitution:
    name: Words
    accounts: tuple[DemoAccount, ...]

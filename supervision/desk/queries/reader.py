"""What every page needs to know about its reader, and how rows are said: kinds, states, duties, dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from django.urls import reverse

from calendars.explanation import explain, in_short
from calendars.queries import calendar_of, current_stamp
from calendars.working_days import Calendar
from organisation.actors import Actor
from organisation.middleware import Page
from organisation.queries import local_day
from organisation.roles import PostRole
from supervision.desk.pages import Because, Due, Who, Words
from supervision.schemes.rulebooks import rules_in_force, rules_named
from workflows import rounds
from workflows.documents import model_of
from workflows.lifecycle import Step
from workflows.models import WorkItem
from workflows.words import Text
from workflows.worklist import queue_counts


@dataclass
class Reader:
    """Who looks, at which instant; everything is read for them and in their scope."""

    actor: Actor
    at: datetime

    @cached_property
    def today(self) -> date:
        return local_day(self.actor.institution_id, self.at)

    @cached_property
    def calendar(self) -> Calendar:
        return calendar_of(self.actor.institution_id, current_stamp())

    @cached_property
    def levels(self) -> Mapping[int, Text]:
        """What the levels of escalation are called by the scheme in force, the lowest (1) first."""
        rules = rules_in_force(self.actor.institution_id)
        named = sorted((level, key) for key, level in rules.levels.items() if level) if rules else []
        return {level: rules.steps[key] for level, key in named} if rules else {}

    @cached_property
    def waiting(self) -> Mapping[tuple[str, bool], int]:
        """Open items of the whole queue by (lamp, whether claimable): for the navigation and for the tabs, counted once."""
        return queue_counts(self.actor)

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(capacity.role for capacity in self.actor.capacities)

    def holds(self, *roles: str) -> bool:
        return bool(self.roles & set(roles))


def reader_of(request: Page) -> Reader:
    """The reader of this request: one for all of its parts, so that what each needs is read once."""
    reader: Reader | None = vars(request).get("reader")
    if reader is None:
        reader = vars(request)["reader"] = Reader(request.actor, request.at)
    return reader


def left_of(due_on: date, reader: Reader) -> int:
    """Working days from today to the due day: 0 today, negative when it is over; never 0 on another day."""
    days = reader.calendar.count(reader.today, due_on)
    if due_on > reader.today:
        return max(days, 1)
    return 0 if due_on == reader.today else min(days, -1)


def due_of(item: WorkItem, reader: Reader) -> Due | None:
    """The due date of a work item with its whole reason."""
    if item.due_on is None:
        return None
    derivation: Mapping[str, Any] = item.derivation
    moved = item.original_due_on if item.original_due_on != item.due_on else None
    lines = explain(derivation) if derivation else []
    due = str(item.due_on)
    why = tuple(
        Because(label, text, main=n == _due_line(lines, due)) for n, (label, text) in enumerate(lines[:-1])
    )
    return Due(
        item.due_on, left_of(item.due_on, reader), summary=in_short(derivation) if derivation else "", why=why,
        basis=lines[-1][1] if lines else "", original_on=moved, provisional=item.provisional, paused=item.paused_at is not None,
    )  # fmt: skip


def _due_line(lines: list[tuple[str, str]], due: str) -> int:
    """The line of the derivation that says the date itself."""
    return next((n for n, (label, _) in enumerate(lines) if label in ("截止", "Due")), -1)


def kind_text(kind: str) -> Text:
    return model_of(kind).lifecycle.title


def state_text(kind: str, state: str) -> Words:
    known = model_of(kind).lifecycle.states.get(state)
    return known.text if known else state


def step_text(kind: str, step: str) -> Words:
    """How an act of a person is called: a step of the lifecycle, or one of the engine's own acts."""
    known = model_of(kind).lifecycle.steps.get(step)
    if known:
        return known.text
    return ACTS.get(step) or rounds.ENTRY_WORDS.get(step) or step


def ladder_step_text(key: str, rules: str, reader: Reader) -> Words:
    """How a step of a ladder is called by the scheme version (`slug@number`) that the entry or item is pinned to."""
    known = rules_named(reader.actor.institution_id, rules)
    return known.steps.get(key, key) if known else key


ACTS = {
    "edit": Text("修改内容", "changed the content"),
    "claim": Text("认领", "claimed"),
    "release": Text("退回待认领", "released"),
    "hand_over": Text("转办", "handed over"),
    "open_item": Text("打开待办", "opened the item"),
    "attach": Text("上传附件", "added a file"),
    "remove_attachment": Text("移除附件", "removed a file"),
    "joined": Text("下级事项随本事项办理", "a document under it goes with it"),
    "erase": Text("清除个人信息", "erased personal data"),
    "pass_over": Text("越过出错的到期步骤", "passed over a due step that raised an error"),
    "rederived": Text("因日历更新重算时限", "date derived anew from a new calendar"),
    "rerouted": Text("因职务空缺转上级办理", "sent to the next office up: the post is vacant"),
    "came_back": Text("职务补任，退回原岗位办理", "back to its post: it is held again"),
    "claim_released": Text("认领人不再任职，退回待认领", "claim released: no longer holds the post"),
    "calendar_settled": Text("日历公布，暂定时限确定", "the published calendar settled a provisional date"),
}


def duty_text(item: WorkItem) -> Words:
    return duty_words(item.kind, item.duty)


def duty_words(kind: str, rule: str) -> Words:
    """What is owed, in the lifecycle's words or (a seat's) in those of its panel."""
    duty = model_of(kind).lifecycle.duty(rule)
    return duty.text if duty else rounds.duty_text(rule) or rule


def role_text(role: str) -> str:
    return str(PostRole(role).label) if role in PostRole.values else ""


def document_url(kind: str, pk: int) -> str:
    return reverse("document", args=[kind, pk])


def tone_of(kind: str, step: Step[Any]) -> str:
    """forward, back, refuse or plain: where a step leads, seen from where it stands.

    Back leads to an earlier state, or to where somebody must mend it, and asks for words; refuse ends the matter and asks for words.
    """
    if step.is_birth:
        return "forward"
    states = list(model_of(kind).lifecycle.states)
    source, target = states.index(step.path.sources[0].name), states.index(step.path.target.name)
    asks = any(given.kind is str and not given.optional for given in step.given)
    if step.path.target.final and asks and step.irreversible:
        return "refuse"
    goes_back = (target < source and not step.signs) or (
        step.decides and (step.path.target.edits or step.path.target.attaches)
    )
    if goes_back and asks:
        return "back"
    return (
        "plain"
        if target == source or (asks and target > source and step.name.startswith(("dispute", "suspend")))
        else "forward"
    )


def who_acted(name: str, unit: Words, role: str, holder: str = "", *, me: bool = False) -> Who:
    return Who(name, unit=unit, role=role_text(role), on_behalf_of=holder, me=me)


def last_done(reader: Reader) -> tuple[str, datetime] | None:
    """What the reader closed last, and when: said where nothing is left to do."""
    done = WorkItem.objects.filter(closed_by_id=reader.actor.person_id, closed_at__isnull=False)
    item = done.order_by("-closed_at").only("title", "closed_at").first()
    return (item.title, item.closed_at) if item and item.closed_at else None

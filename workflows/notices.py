"""Notices (通知) as their reader sees them: worded, counted, paged and marked as read.

A row holds a code and parameters; the sentence is made when it is read, in the reader's language. A notice that can no
longer be worded (its step or kind is gone) is shown by its title, and the log says so: nobody is left untold.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import override

from organisation.roles import PostRole
from workflows import calendar_changes, deadlines, rerouting, round_writing
from workflows.documents import Document, model_of
from workflows.lifecycle import Lifecycle
from workflows.models import Notice
from workflows.round_policies import duty_text
from workflows.words import Text

log = logging.getLogger(__name__)

LADDER = "ladder:"
HAND_OVER = {"hand_over": Text("{from}将一项待办转给您办理", "{from} has handed an item over to you")}
ENGINE_WORDS: dict[str, Text] = {
    **deadlines.NOTICE_WORDS,
    **rerouting.NOTICE_WORDS,
    **calendar_changes.NOTICE_WORDS,
    **round_writing.NOTICE_WORDS,
    **HAND_OVER,
}
"""What the engine's own notices say, by code; every other code is a step of the document's lifecycle or of its ladder."""

SUBJECT = Text("{what}：{title}", "{what}: {title}")
DUTY = Text("应办：{text}", "Owed: {text}")
DUE = Text("截止：{text}", "Due: {text}")
WHY = Text("理由：{text}", "Reason: {text}")
MISSED = Text("其间已到期的催办步骤：{count}", "Steps of the ladder that fell due meanwhile: {count}")
MISSED_LINE = Text("· {what}：{title}（截止 {due}）", "· {what}: {title} (due {due})")
UNNAMED_LADDER_STEP = Text("时限提醒", "Notice of a due date")
UNKNOWN = Text("通知", "Notice")

LadderNames = Mapping[int, Mapping[str, Text]]
"""By document id, the names of the steps of its ladders, by key."""

_ladder_names: Callable[[str, Collection[int]], LadderNames] | None = None


def register_ladder_names(resolver: Callable[[str, Collection[int]], LadderNames]) -> None:
    """Called once at start-up by the room that keeps schemes: the names of ladder steps, by kind and document ids."""
    global _ladder_names
    _ladder_names = resolver


@dataclass(frozen=True)
class Wording:
    """One notice in one language: a line that can stand alone, and what else there is to say (may be empty)."""

    subject: str
    body: str


def wording(notice: Notice, language: str) -> Wording:
    """The notice in `language` ("zh-hans" or "en"). Never raises: what cannot be worded falls back to its title, and is logged."""
    return wordings([notice], [language])[0]


def wordings(notices: Sequence[Notice], languages: Sequence[str]) -> list[Wording]:
    """Each notice in the language beside it. At most one statement a kind of document, however many notices."""
    names = _names_for(notices)
    return [_worded(notice, language, names) for notice, language in zip(notices, languages, strict=True)]


def _worded(notice: Notice, language: str, names: Mapping[tuple[str, int], Mapping[str, Text]]) -> Wording:
    with override(language):
        try:
            return _in_words(notice, language, names)
        except Exception:
            log.exception("notice %s (%s of %s) cannot be worded", notice.pk, notice.code, notice.kind)
            return Wording(SUBJECT.format(what=UNKNOWN, title=notice.title), "")


def _in_words(notice: Notice, language: str, names: Mapping[tuple[str, int], Mapping[str, Text]]) -> Wording:
    """In the active language, which is `language`."""
    if notice.code == "outage":
        return _of_outage(notice, language, names)
    lifecycle = model_of(notice.kind).lifecycle
    what = _what(notice.kind, notice.document_id, notice.code, notice.params, language, names)
    lines = []
    if duty := _duty(lifecycle, notice.params):
        lines.append(DUTY.format(text=duty))
    if due_on := notice.params.get("due_on"):
        lines.append(DUE.format(text=day_in_words(due_on, language)))
    if reason := notice.params.get("reason"):
        lines.append(WHY.format(text=reason))
    if missed := notice.params.get("missed"):
        lines.append(MISSED.format(count=missed))
    return Wording(SUBJECT.format(what=what, title=notice.title), "\n".join([str(lifecycle.title), *lines]))


def _of_outage(notice: Notice, language: str, names: Mapping[tuple[str, int], Mapping[str, Text]]) -> Wording:
    lines = [
        MISSED_LINE.format(
            what=_what(item["kind"], item["document_id"], item["code"], item, language, names),
            title=item["title"], due=day_in_words(item["due_on"], language),
        )
        for item in notice.params["items"]
    ]  # fmt: skip
    return Wording(ENGINE_WORDS["outage"].format(count=notice.params["count"]), "\n".join(lines))


def _what(
    kind: str,
    document_id: int,
    code: str,
    params: Mapping[str, Any],
    language: str,
    names: Mapping[tuple[str, int], Mapping[str, Text]],
) -> str:
    """What has happened or is owed, without the document's title."""
    if code.startswith(LADDER):
        known = names.get((kind, document_id), {})
        if (key := code.removeprefix(LADDER)) not in known:
            log.error("the ladder step %s of %s %s has no name", key, kind, document_id)
            return str(UNNAMED_LADDER_STEP)
        return str(known[key])
    lifecycle = model_of(kind).lifecycle
    if code in ENGINE_WORDS:
        return ENGINE_WORDS[code].format(**_readable(params, lifecycle, language))
    if code in lifecycle.steps:
        return str(lifecycle.steps[code].text)
    log.error("nothing says what the notice code %s of %s means", code, kind)
    return str(UNKNOWN)


def _duty(lifecycle: type[Lifecycle[Any]], params: Mapping[str, Any]) -> Text | None:
    """What is owed, in the lifecycle's words or (a seat's) in those of its panel."""
    duty = lifecycle.duty(params.get("duty", ""))
    return duty.text if duty else duty_text(params.get("duty", ""))


def _readable(params: Mapping[str, Any], lifecycle: type[Lifecycle[Any]], language: str) -> dict[str, Any]:
    """Parameters as words: days written out, roles and duties by name, pairs of words in the reader's language."""
    told: dict[str, Any] = {"step": _duty(lifecycle, params) or ""}
    for name, value in params.items():
        if name in ("due_on", "due_was") and value:
            told[name] = day_in_words(value, language)
        elif name == "role":
            # The lifecycle's own word for the post; one that it does not know has the organisation's.
            own = next((role.text for role in lifecycle.roles.values() if role.post == value), None)
            told[name] = str(own or (PostRole(value).label if value in PostRole.values else value))
        elif isinstance(value, Mapping) and value.keys() == {"zh", "en"}:
            told[name] = Text(**value).in_language(language)
        else:
            told[name] = value
    return told


def day_in_words(day: str | date, language: str) -> str:
    """2026年4月10日 / 10 Apr 2026."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    if language.startswith("en"):
        months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
        return f"{day.day} {months[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def _names_for(notices: Sequence[Notice]) -> dict[tuple[str, int], Mapping[str, Text]]:
    """The names of ladder steps that these notices speak of, by document."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for notice in notices:
        for kind, pk in _ladders_in(notice):
            wanted[kind].add(pk)
    found: dict[tuple[str, int], Mapping[str, Text]] = {}
    for kind, ids in wanted.items():
        if _ladder_names is None or not _is_known(kind):
            continue
        found |= {(kind, pk): names for pk, names in _ladder_names(kind, ids).items()}
    return found


def _ladders_in(notice: Notice) -> list[tuple[str, int]]:
    """The documents of whose ladders a notice speaks. One that cannot be read speaks of none, and holds up no other."""
    spoken = [(notice.kind, notice.document_id)] if notice.code.startswith(LADDER) else []
    try:
        lines = notice.params.get("items", ())
        spoken += [(line["kind"], line["document_id"]) for line in lines if line["code"].startswith(LADDER)]
    except (AttributeError, KeyError, TypeError):
        log.exception("notice %s (%s of %s) cannot be read", notice.pk, notice.code, notice.kind)
    return spoken


def _is_known(kind: str) -> bool:
    try:
        return issubclass(model_of(kind), Document)
    except LookupError:
        return False


# --- Reading -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """Some notices of a person, newest first; `after` asks for the ones before them (None: there are none)."""

    rows: tuple[Notice, ...]
    after: tuple[datetime, int] | None


def notices_of(
    person_id: int, *, after: tuple[datetime, int] | None = None, unread: bool = False, size: int = 50
) -> Page:
    """A person's notices, newest first: one statement. `after` is the instant and id of the last row seen."""
    rows: QuerySet[Notice] = Notice.objects.filter(person_id=person_id)
    if unread:
        rows = rows.filter(read_at__isnull=True)
    if after is not None:
        rows = rows.filter(Q(at__lt=after[0]) | Q(at=after[0], id__lt=after[1]), at__lte=after[0])
    found = list(rows.order_by("-at", "-id")[: size + 1])
    page = found[:size]
    return Page(tuple(page), (page[-1].at, page[-1].pk) if len(found) > size else None)


def unread_count(person_id: int, *, most: int = 1000) -> int:
    """How many notices the person has not read; counted no further than `most`."""
    return Notice.objects.filter(person_id=person_id, read_at__isnull=True)[:most].count()


def mark_read(person_id: int, ids: Collection[int] | None, at: datetime) -> int:
    """Mark these notices of the person (None: all) as read at `at`; how many were not yet. Other people's are left alone."""
    rows = Notice.objects.filter(person_id=person_id, read_at__isnull=True)
    return (rows if ids is None else rows.filter(pk__in=ids)).update(read_at=at)

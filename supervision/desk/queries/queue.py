"""My queue: what waits for me, what my office can claim, and what I have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from organisation.models import Unit
from supervision.desk import wording
from supervision.desk.pages import (
    ActiveFilter,
    Choice,
    Decided,
    LampCount,
    Pages,
    Queue,
    Row,
    Select,
    Step,
    Tab,
)  # fmt: skip
from supervision.desk.queries import reader as said
from supervision.desk.queries.chrome import shown
from supervision.desk.queries.reader import Reader
from workflows.documents import document_kinds, model_of
from workflows.judgement import judge
from workflows.models import Lamp, WorkItem
from workflows.roles import DoerOf
from workflows.taking import read_facts
from workflows.words import Text
from workflows.worklist import Narrowing, queue

SIZES = (20, 50, 100)
LAMP_ORDER = (Lamp.RED.value, Lamp.YELLOW.value, Lamp.GREEN.value)


class Address:
    """A page's own address with one part changed: filters live in the URL."""

    def __init__(self, path: str, query: QueryDict) -> None:
        self.path = path
        # PostgreSQL takes no NUL in a text: nobody types one, and no page should fall over it.
        said = {key: str(value).replace("\x00", "") for key, value in query.items()}
        self.query: dict[str, str] = {key: value for key, value in said.items() if value}

    def get(self, name: str, default: str = "") -> str:
        return self.query.get(name, default)

    def number(self, name: str, default: int) -> int:
        """What the address says in digits, as far as the database can count; the default for anything else."""
        said = self.query.get(name, "")
        return int(said) if said.isdecimal() and len(said) < 19 else default

    def having(self, **changes: str | int | None) -> str:
        kept = {k: v for k, v in self.query.items() if k != "page"} | {
            k: str(v) for k, v in changes.items() if v not in (None, "")
        }
        kept = {k: v for k, v in kept.items() if changes.get(k, v) not in (None, "")}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path


def kinds_for_filter() -> tuple[Choice, ...]:
    return tuple(Choice(model.kind(), model.lifecycle.title) for model in document_kinds())


def queue_page(reader: Reader, address: Address) -> Queue:
    """The whole page from its address: a constant number of statements."""
    tab = address.get("tab", "mine")
    if tab not in ("mine", "claimable", "done"):
        tab = "mine"
    size = size_of(address)
    page = max(address.number("page", 1), 1)
    narrowing = Narrowing(
        lamp=address.get("lamp") or None, kind=address.get("kind") or None, unit=address.number("unit", 0) or None, text=address.get("q")
    )  # fmt: skip
    counts = reader.waiting
    everything = sum(counts.values())
    claimable = sum(n for (_lamp, can_claim), n in counts.items() if can_claim)
    if tab == "done":
        rows, total = done_rows(reader, narrowing, size, page)
    else:
        which = "all" if tab == "mine" else "claimable"
        narrow = Narrowing(narrowing.lamp, narrowing.kind, narrowing.unit, narrowing.text, which)
        items = queue(reader.actor, narrow, limit=size * page + 1)
        rows = tuple(
            row_of(item, reader, claiming=tab == "claimable")
            for item in items[size * (page - 1) : size * page]
        )
        more = len(items) > size * page
        total = _total(counts, narrowing, tab) if not (narrowing.kind or narrowing.unit or narrowing.text) else (
            f"{size * page}+" if more else len(items)
        )  # fmt: skip
    filters = filters_of(address)
    bare = Address(address.path, QueryDict(urlencode({"tab": tab}) if tab != "mine" else ""))
    return Queue(
        tab=tab, today=reader.today,
        tabs=(
            Tab("mine", _("For me to do"), f"{address.path}", shown(everything), tab == "mine"),
            Tab("claimable", _("Can be claimed"), f"{address.path}?tab=claimable", shown(claimable), tab == "claimable"),
            Tab("done", _("Done by me"), f"{address.path}?tab=done", None, tab == "done"),
        ),
        lamps=_lamps(counts, address, tab) if tab != "done" else (), rows=rows, pages=pages_of(address, page, size, len(rows), total),
        search=address.get("q"), keep=tuple((n, address.get(n)) for n in ("tab", "lamp", "size")),
        selects=(
            Select("kind", _("Type"), _("All types"), kinds_for_filter(), address.get("kind")),
            Select("unit", _("Unit"), _("All units"), _units(rows, address), address.get("unit")),
        ),
        filters=filters, clear_url=bare.having(), total=shown(everything), calendar_note=calendar_note(reader),
        bulk_url=reverse("bulk") if tab == "mine" else "", last_done=said.last_done(reader) if not rows else None,
    )  # fmt: skip


def _total(counts: Mapping[tuple[str, bool], int], narrowing: Narrowing, tab: str) -> int | str:
    fitting = (
        n for (lamp, can_claim), n in counts.items()
        if (narrowing.lamp is None or lamp == narrowing.lamp) and (tab == "mine" or can_claim)
    )  # fmt: skip
    return shown(sum(fitting))


def _lamps(counts: Mapping[tuple[str, bool], int], address: Address, tab: str) -> tuple[LampCount, ...]:
    now = address.get("lamp")
    by_lamp = {
        lamp: sum(n for (k, c), n in counts.items() if k == lamp and (tab == "mine" or c))
        for lamp in LAMP_ORDER
    }
    hints = {"red": _("overdue"), "yellow": _("close to due"), "green": _("in time")}
    every = LampCount("", shown(sum(by_lamp.values())), address.having(lamp=None), current=not now)
    return (
        every,
        *(LampCount(k, shown(by_lamp[k]), address.having(lamp=k), hints[k], now == k) for k in LAMP_ORDER),
    )


def filters_of(address: Address) -> tuple[ActiveFilter, ...]:
    labels = []
    if address.get("q"):
        labels.append(ActiveFilter(f"“{address.get('q')}”", address.having(q=None)))
    if address.get("kind") in {model.kind() for model in document_kinds()}:
        labels.append(ActiveFilter(str(said.kind_text(address.get("kind"))), address.having(kind=None)))
    if pk := address.number("unit", 0):
        unit = Unit.objects.filter(pk=pk).first()
        labels.append(ActiveFilter(str(unit) if unit else "—", address.having(unit=None)))
    if address.get("lamp") in Lamp.values:
        labels.append(ActiveFilter(str(Lamp(address.get("lamp")).label), address.having(lamp=None)))
    return tuple(labels)


def _units(rows: Sequence[Row], address: Address) -> tuple[Choice, ...]:
    """The units of the rows shown: a drop-down over the whole backlog would grow with it."""
    found = {row.unit_id: row.unit for row in rows if row.unit_id}
    return tuple(Choice(str(pk), name) for pk, name in sorted(found.items(), key=lambda pair: str(pair[1])))


def size_of(address: Address) -> int:
    """How many rows a page has, as its address says; one of SIZES."""
    size = address.number("size", SIZES[0])
    return size if size in SIZES else SIZES[0]


def pages_of(address: Address, page: int, size: int, shown_rows: int, total: int | str) -> Pages:
    first = size * (page - 1) + 1 if shown_rows else 0
    last = size * (page - 1) + shown_rows
    more = isinstance(total, str) or total > last
    return Pages(
        first, last, total, address.having(page=page - 1 if page > 2 else None) if page > 1 else None,
        address.having(page=page + 1) if more and shown_rows == size else None, size,
        tuple((n, address.having(size=n if n != SIZES[0] else None)) for n in SIZES),
    )  # fmt: skip


def row_of(item: Any, reader: Reader, *, claiming: bool = False) -> Row:
    """One work item as its owner sees it; `item` carries the columns that `worklist.queue` adds. No statement."""
    lifecycle = model_of(item.kind).lifecycle
    steps = () if item.seat_id else tuple(
        Step(s.name, s.text, s.text, said.tone_of(item.kind, s)) for s in lifecycle.leaving(item.state)
        if s.by.key == item.role and not isinstance(s.by, DoerOf)
    )  # fmt: skip
    if item.seat_id:
        from supervision.desk.queries.deciding import VOTES

        steps = tuple(
            Step(f"vote:{c}", label, label, "back" if tone == "refuse" else tone)
            for c, (label, tone, _n) in VOTES.items()
        )
    forward = next((s for s in steps if s.tone == "forward"), None)
    back = next((s for s in steps if s.tone in ("back", "refuse")), None)
    declared = lifecycle.steps.get(forward.key) if forward else None
    bulk = (
        forward
        if declared
        and not declared.irreversible
        and not declared.numbers
        and all(g.optional for g in declared.given)
        else None
    )
    name = Text(item.unit_name_zh, item.unit_name_en or item.unit_name_zh)
    return Row(
        id=item.pk, kind=lifecycle.title, title=item.title, url=said.document_url(item.kind, item.document_id),
        panel_url=reverse("item_panel", args=[item.pk]), number=item.number, lamp=item.lamp, unit=name, unit_id=item.unit_id,
        person=item.claimed_name or "", state=said.state_text(item.kind, item.state), duty=said.duty_text(item), due=said.due_of(item, reader),
        files=item.files, acting=_acting(item, reader), forward=forward, back=back,
        more=tuple(s for s in steps if s not in (forward, back)), bulk=bulk,
        bulk_group=f"{lifecycle.title} · {said.state_text(item.kind, item.state)}",
        claim_url=reverse("claim", args=[item.pk]) if claiming else "",
    )  # fmt: skip


def _acting(item: Any, reader: Reader) -> str:
    """For whom, when I can act on this item only in somebody else's place."""
    fitting = [
        c for c in reader.actor.capacities
        if (c.post_id == item.post_id if item.post_id else c.role == item.post_role and item.owner_unit_id in (None, c.unit_id))
    ]  # fmt: skip
    if not fitting or any(c.via == "post" for c in fitting) or item.claimed_by_id:
        return ""
    return _("by delegation") if fitting[0].via == "delegation" else _("standing in")


def done_rows(
    reader: Reader, narrowing: Narrowing, size: int, page: int
) -> tuple[tuple[Row, ...], int | str]:
    """What this person closed, latest first, with the way to recall it while that is possible."""
    items = WorkItem.objects.filter(
        closed_by_id=reader.actor.person_id,
        closed_at__isnull=False,
        institution_id=reader.actor.institution_id,
    )
    if narrowing.kind:
        items = items.filter(kind=narrowing.kind)
    if narrowing.text:
        items = items.filter(title__icontains=narrowing.text)
    found = list(
        items.select_related("unit").order_by("-closed_at", "-pk")[size * (page - 1) : size * page + 1]
    )
    documents = _documents(found, reader)
    rows = tuple(_done(item, documents.get((item.kind, item.document_id)), reader) for item in found[:size])
    return rows, (f"{size * page}+" if len(found) > size else size * (page - 1) + len(found))


def _documents(items: Sequence[WorkItem], reader: Reader) -> dict[tuple[str, int], Any]:
    """The documents of these items with what their recall is judged on: two statements a kind."""
    found: dict[tuple[str, int], Any] = {}
    for kind in {item.kind for item in items}:
        model = model_of(kind)
        documents = list(
            model.visible_to(reader.actor).filter(pk__in={i.document_id for i in items if i.kind == kind})
        )
        names = frozenset(
            f for s in model.lifecycle.steps.values() if isinstance(s.by, DoerOf) for f in s.facts
        )
        read_facts(model, documents, names)
        found |= {(kind, document.pk): document for document in documents}
    return found


def _done(item: WorkItem, document: Any, reader: Reader) -> Row:
    url, why = "", ""
    if (
        document is not None
        and document.moved_step == item.closed_how
        and document.moved_by_id == reader.actor.person_id
    ):
        recalls = [
            s
            for s in document.lifecycle.leaving(document.state)
            if isinstance(s.by, DoerOf) and s.by.step == item.closed_how
        ]
        for step in recalls:
            verdict = judge(document, step, reader.actor, reader.at)
            url = (
                f"{said.document_url(item.kind, item.document_id)}?step={step.name}#act"
                if not verdict.reasons
                else ""
            )
            why = "" if url else str(verdict.reasons[0])
    act = said.step_text(item.kind, item.closed_how)
    assert item.closed_at is not None  # the list is of closed items
    return Row(
        id=item.pk, kind=said.kind_text(item.kind), title=item.title, url=said.document_url(item.kind, item.document_id),
        number=item.number, unit=Text(item.unit.name_zh, item.unit.name_en or item.unit.name_zh),
        state=said.state_text(item.kind, document.state) if document else "",
        decided=Decided(act, item.closed_at, recall_url=url, why_no_recall=why),
    )  # fmt: skip


def calendar_note(reader: Reader) -> str:
    """A sentence about the next or present rest days that are no ordinary weekend, within a fortnight."""
    days = [(reader.today + timedelta(days=n)) for n in range(15)]
    named = [
        (day, why)
        for day in days
        if (why := reader.calendar.why(day)) is not None
        and not reader.calendar.is_working(day)
        and day.weekday() < 5
    ]
    if not named:
        return ""
    first, last = named[0][0], named[-1][0]
    why = named[0][1]
    return _("%(name)s: %(first)s to %(last)s are not counted as working days.") % {
        "name": why.en if wording.in_english() else why.zh, "first": wording.bare_day(first, reader.today),
        "last": wording.bare_day(last, reader.today),
    }  # fmt: skip

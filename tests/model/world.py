"""The real county beside the model: every act is predicted, done through the product's own door, and compared."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from organisation.models import Post
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from tests.model import coverage
from tests.model.book import Book, Matter, Owed
from tests.model.regulations import MEASURE, ORDER, PLAN, REPORT, Step
from tests.supervision.county import County
from workflows.attachments import attach
from workflows.documents import Conflict, Refused, Stale
from workflows.fire import edit, fire
from workflows.models import Seat, WorkItem

MODELS: dict[str, Any] = {
    REPORT: QuarterlyReport,
    ORDER: SupervisionOrder,
    PLAN: Rectification,
    MEASURE: Measure,
}
SECOND = timedelta(seconds=1)


class Sent:
    """A request that was answered, to be sent once more."""

    def __init__(self, who: str, request_id: UUID, send: Callable[[], Any], answer: Any) -> None:
        self.who, self.request_id, self.send, self.answer = who, request_id, send, answer


class World:
    """A county, its clock, and the model's book of what must be true of it."""

    def __init__(self, place: County, at: datetime) -> None:
        self.place, self.at, self.book = place, at, Book()
        self.sent: list[Sent] = []
        self.after_refusal: list[tuple[Any, ...]] | None = (
            None  # spares reading every table twice between two refusals
        )
        self.posts = list(Post.objects.filter(institution=place.institution).order_by("pk"))
        self.names = {person.pk: name for name, person in place.people.items()}
        self.units = {unit.pk: name for name, unit in place.units.items()}
        self.tables = _tables()

    # --- The clock and the rows -------------------------------------------------------------------------

    def tick(self) -> datetime:
        """No two acts happen at one instant."""
        self.at += SECOND
        return self.at

    def document(self, matter: Matter) -> Any:
        return MODELS[matter.kind].objects.get(pk=matter.pk)

    def item(self, matter: Matter, owed: Owed) -> WorkItem:
        """The open row of a duty."""
        rows = WorkItem.objects.filter(
            kind=MODELS[matter.kind].kind(), document_id=matter.pk, duty=owed.duty, closed_at=None
        )
        return rows.get(seat=self.seat(matter, owed.seat)) if owed.seat else rows.get(seat=None)

    def seat(self, matter: Matter, number: int) -> Seat:
        rows = Seat.objects.filter(
            task__process__kind=Rectification.kind(), task__process__document_id=matter.pk
        )
        place = [seat.number for seat in matter.seats].index(number)
        return rows.order_by("pk")[place]

    def trace(self) -> list[tuple[Any, ...]]:
        """Every row of every table: how many there are, and a digest of what they say."""
        with connection.cursor() as cursor:
            cursor.execute(self.tables)
            return sorted(cursor.fetchall())

    def require_no_trace(self, before: list[tuple[Any, ...]], what: str) -> None:
        """Nothing was written since `before`."""
        changed = [row[0] for row, was in zip(self.trace(), before, strict=True) if row != was]
        assert not changed, f"{what} left something behind in {changed}"

    def let_triggers_speak(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")

    def adopt(self) -> None:
        """Find the rows of matters that a step has caused."""
        for matter in self.book.matters:
            if not matter.pk:
                matter.pk = self._row_of(matter).pk
                coverage.taken[matter.kind, matter.step, "-"] += 1

    def _row_of(self, matter: Matter) -> Any:
        fields = matter.fields
        if matter.kind == REPORT:
            return QuarterlyReport.objects.get(unit=self.place.units[matter.unit])
        if matter.kind == ORDER:
            return SupervisionOrder.objects.get(report_id=fields["late report"].pk)
        assert matter.parent is not None
        if matter.kind == PLAN:
            return Rectification.objects.get(order_id=matter.parent.pk)
        return Measure.objects.get(
            rectification_id=matter.parent.pk, place=fields["place"], again=fields["again"]
        )

    # --- Doors ------------------------------------------------------------------------------------------

    def ask(self, call: Callable[[], Any], against: list[str], what: str) -> Any:
        """Do it: what is predicted against it must be the answer, and leave no trace; else it must be done."""
        before = (self.after_refusal or self.trace()) if against else []
        self.after_refusal = None
        try:
            answer = call()
        except Refused as refused:
            codes = sorted(reason.code for reason in refused.reasons)
            assert codes == sorted(against), f"{what}: refused with {codes}, not with {sorted(against)}"
            self.require_no_trace(before, f"{what}, refused,")
            self.after_refusal = before
            return None
        assert not against, f"{what} was let through against {against}"
        return answer

    def step(self, matter: Matter, step: Step, who: str, given: dict[str, Any]) -> bool:
        """Somebody tries a step. True when it was taken."""
        at, document, request_id = self.tick(), self.document(matter), uuid4()
        against = self.book.refusal(matter, step, who, at, given)
        actor, seen = self.place.actor(who, at), matter.version
        inputs = {"failed" if name == "failed_number" else name: value for name, value in given.items()}

        def send() -> Any:
            return fire(
                document,
                step.name,
                actor=actor,
                at=self.at,
                seen_version=seen,
                request_id=request_id,
                **inputs,
            )

        fired = self.ask(send, against, f"{matter.kind} {step.name} in {matter.state} by {who}")
        for code in against:
            coverage.refused[matter.kind, step.name, code] += 1
        if fired is None:
            return False
        coverage.taken[matter.kind, step.name, matter.state] += 1
        self.book.take(matter, step, who, at, given)
        assert (fired.state, fired.version, fired.replayed) == (matter.state, matter.version, False)
        self.adopt()
        self.sent.append(Sent(who, request_id, send, (fired.state, fired.version, fired.sequence)))
        return True

    def change(self, matter: Matter, who: str, content: dict[str, Any]) -> None:
        """Somebody edits the content; `content` is in the model's words."""
        at, document, request_id = self.tick(), self.document(matter), uuid4()
        against = self.book.refused_edit(matter, who, at, set(content))
        actor, seen = self.place.actor(who, at), matter.version
        said = {name: self._in_product_s_words(document, name, value) for name, value in content.items()}
        parts = {name: value for name, value in said.items() if isinstance(value, list)}
        changes = {name: value for name, value in said.items() if name not in parts}

        def send() -> Any:
            return edit(
                document,
                actor=actor,
                at=self.at,
                seen_version=seen,
                request_id=request_id,
                changes=changes,
                parts=parts,
            )

        what = f"edit of {sorted(content)} in {matter.kind} {matter.state} by {who}"
        before = self.trace()
        fired = self.ask(send, against, what)
        coverage.doors["edit", against[0] if against else ""] += 1
        if fired is None:
            return
        if self.book.edit(matter, who, at, content):
            self.sent.append(Sent(who, request_id, send, (fired.state, fired.version, fired.sequence)))
        else:
            coverage.doors["edit", "unchanged"] += 1
            self.require_no_trace(before, f"{what}, which changed nothing,")
        assert fired.version == matter.version

    def _in_product_s_words(self, document: Any, name: str, value: Any) -> Any:
        if name == "unit":
            return self.place.units[value]
        if name == "lines":
            return [{"task": "人居环境整治", **row} for row in value]
        if name == "planned":
            return [{"problem": "迟报", "measure": "明确专人负责", **row} for row in value]
        if name == "criteria":
            return [{"text": f"标准{n}"} for n in range(value)]
        if name == "evidence":
            pks = (
                list(document.criteria.values_list("pk", flat=True)) if hasattr(document, "criteria") else []
            )
            return [
                {"criterion_id": pks[n], "text": "照片", "fact_on": self.at.date()}
                for n in value
                if n < len(pks)
            ]
        return value

    def attach(self, matter: Matter, who: str) -> None:
        """Somebody adds a file."""
        at, document, role = self.tick(), self.document(matter), matter.rules.attaches
        against = (
            []
            if role and self.book.capacities(matter, role, who, at)
            else ["not_yours" if role else "no_evidence_here"]
        )

        def send() -> Any:
            file = io.BytesIO("落实情况".encode())
            return attach(
                document, file, name="佐证.txt", fact_on=at.date(), actor=self.place.actor(who, at), at=at
            )

        done = self.ask(send, against, f"file to {matter.kind} {matter.state} by {who}")
        coverage.doors["attach", "".join(against)] += 1
        if done is not None:
            self.book.attach(matter, who, at)

    def stale(self, matter: Matter, step: Step, who: str, given: dict[str, Any]) -> None:
        """A second client, with an older page open."""
        at, before, stale = self.tick(), self.trace(), None
        try:
            fire(
                self.document(matter), step.name, actor=self.place.actor(who, at), at=at, seen_version=matter.version - 1,
                request_id=uuid4(), **{"failed" if name == "failed_number" else name: v for name, v in given.items()},
            )  # fmt: skip
        except Stale as told:
            stale = told
        assert stale, f"{matter.kind} {step.name} by {who} was taken from a stale page"
        assert (stale.state, stale.version) == (matter.state, matter.version)
        self.require_no_trace(before, "a stale client")
        coverage.doors["stale client", ""] += 1

    def once_more(self, sent: Sent) -> None:
        """The answer was lost, and the same request comes again: the same answer, and no new row."""
        self.tick()
        before = self.trace()
        answer = sent.send()
        assert answer.replayed
        assert (answer.state, answer.version, answer.sequence) == sent.answer
        self.require_no_trace(before, "a repeated request")
        coverage.doors["same request", ""] += 1

    def other_content(self, sent: Sent, matter: Matter, step: Step, given: dict[str, Any]) -> None:
        """A request id that was used, with something else."""
        at, before = self.tick(), self.trace()
        with pytest.raises(Conflict):
            fire(
                self.document(matter), step.name, actor=self.place.actor(sent.who, at), at=at, seen_version=matter.version,
                request_id=sent.request_id, **{"failed" if name == "failed_number" else name: v for name, v in given.items()}, unheard_of="x",
            )  # fmt: skip
        self.require_no_trace(before, "a conflicting request")
        coverage.doors["other content", ""] += 1


def _tables() -> str:
    """One statement that reads every table of the product."""
    with connection.cursor() as cursor:
        # So many small tables are read one after the other: planning for several processes takes longer than reading.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
        )
        names = [name for (name,) in cursor.fetchall()]
    quoted = [(name, connection.ops.quote_name(name)) for name in names]
    return " UNION ALL ".join(
        f"SELECT '{name}', count(*), coalesce(md5(string_agg(md5(t::text), '' ORDER BY t::text COLLATE \"C\")), '') FROM {table} t"
        for name, table in quoted
    )

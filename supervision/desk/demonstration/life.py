"""Living on a passed-in clock: what people do at their hours, and between it everything that the clock does.

Whoever acts does it by the engine's own doors, as from a page; the clock takes every ladder step at its instant.
"""

from __future__ import annotations

import heapq
import io
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any
from uuid import UUID

from django.db.models import Min

from calendars.queries import calendar_of, current_stamp
from calendars.working_days import Calendar
from notifications.channels import CHANNELS
from notifications.planning import plan
from organisation.queries import local_day
from supervision.desk.demonstration.county import County
from workflows import rounds
from workflows.attachments import attach
from workflows.clockwork import pass_time
from workflows.documents import Document
from workflows.fire import edit, fire, start
from workflows.models import Notice, Seat, WorkItem
from workflows.notices import mark_read

Plot = Generator[datetime, datetime, None]
"""Somebody's doings: yields when it wants to go on, and gets the instant at which it does."""


class WentWrong(RuntimeError):
    """The clock could not do its part; the demonstration is not fit to be shown."""


@dataclass
class Life:
    """The county's months up to `until`. Days of a plot are working days of the county's calendar."""

    county: County
    until: datetime
    random: Random = field(default_factory=lambda: Random("督办"))
    _waiting: list[tuple[datetime, int, Plot]] = field(default_factory=list)
    _turns: Any = field(default_factory=count)

    @property
    def calendar(self) -> Calendar:
        """The county's calendar as it stands."""
        return calendar_of(self.county.institution.pk, current_stamp())

    @property
    def eve(self) -> date:
        """The last working day before the day of `until`: what is freshest happened on it."""
        return self.calendar.shift(local_day(self.county.institution, self.until), -1)

    def instant(self, day: date, clock: time) -> datetime:
        """That hour of that day in the county."""
        return datetime.combine(day, clock, self.county.institution.zone)

    def at(self, when: datetime, do: Callable[[datetime], object]) -> None:
        """Do something once, unless `until` comes first."""

        def once() -> Plot:
            do((yield when))

        self.begin(once())

    def begin(self, plot: Plot) -> None:
        """Let a plot run along with the others."""
        self._wait(plot, next(plot))

    def _wait(self, plot: Plot, when: datetime) -> None:
        if when <= self.until:
            heapq.heappush(self._waiting, (when, next(self._turns), plot))

    def go_on(self) -> None:
        """Live until `until`: the next thing due, by people or by the clock, one after another."""
        passed = None
        while True:
            due = self._next_step()
            if due is not None and due <= (self._waiting[0][0] if self._waiting else self.until):
                if due == passed:
                    raise WentWrong(f"what is due at {due} cannot be taken")
                self.pass_time(due)
                passed = due
            elif self._waiting:
                when, _, plot = heapq.heappop(self._waiting)
                passed = None
                try:
                    self._wait(plot, plot.send(when))
                except StopIteration:
                    continue
            else:
                break
        self.pass_time(self.until)
        self.plan_notices(self.until)

    def _next_step(self) -> datetime | None:
        items = WorkItem.objects.filter(
            institution=self.county.institution, closed_at__isnull=True, next_step_at__isnull=False, next_step_at__lte=self.until
        )  # fmt: skip
        due: datetime | None = items.aggregate(at=Min("next_step_at"))["at"]
        return due

    def pass_time(self, at: datetime) -> None:
        """All that the clock causes at that instant. Raises WentWrong when some of it raised."""
        swept = pass_time(at, institution_id=self.county.institution.pk).swept
        if swept.set_aside or swept.held:
            raise WentWrong(f"{at}: {swept.figures()}")

    def plan_notices(self, at: datetime) -> None:
        """Every notice gets its row in every channel. Nobody has an address yet: nothing old goes out to anybody."""
        for channel in CHANNELS:
            plan(at, channel)

    def read_notices(self, at: datetime) -> None:
        """Everybody has read what they were told so far."""
        unread = Notice.objects.filter(institution=self.county.institution, read_at__isnull=True)
        for person in unread.order_by("person").values_list("person", flat=True).distinct():
            mark_read(person, None, at)

    # --- What people do

    def request(self) -> UUID:
        """The next request's id, the same in every life."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def act(self, document: Document, step: str, who: str, at: datetime, inputs: Mapping[str, Any]) -> None:
        """Take a step, with what it wants handed over, on a document as it was just read."""
        fire(
            document, step, actor=self.county.actor(who, at), at=at, seen_version=document.version, request_id=self.request(), **inputs
        )  # fmt: skip

    def draft(
        self,
        model: type[Any],
        step: str,
        who: str,
        at: datetime,
        parts: Mapping[str, Any],
        fields: Mapping[str, Any],
    ) -> Any:
        """Open a document."""
        return start(
            model, step, actor=self.county.actor(who, at), at=at, request_id=self.request(), parts=parts,
            institution_id=self.county.institution.pk,
            cycle_id=self.county.cycles[local_day(self.county.institution, at).year].pk, **fields,
        )  # fmt: skip

    def change(
        self, document: Document, who: str, at: datetime, changes: Mapping[str, Any], parts: Mapping[str, Any]
    ) -> None:
        """Edit the content of a document as it was just read."""
        edit(
            document, actor=self.county.actor(who, at), at=at, seen_version=document.version, request_id=self.request(),
            changes=changes, parts=parts,
        )  # fmt: skip

    def add_evidence(
        self, document: Document, who: str, at: datetime, name: str, content: bytes, fact_on: date
    ) -> None:
        """Attach a file."""
        attach(
            document, io.BytesIO(content), name=name, fact_on=fact_on, actor=self.county.actor(who, at), at=at
        )

    def vote(self, document: Document, choice: str, who: str, at: datetime, opinion: str) -> None:
        """Decide the open seat that this person has."""
        actor = self.county.actor(who, at)
        posts, roles = {c.post_id for c in actor.capacities}, {c.role for c in actor.capacities}
        seats = Seat.objects.filter(
            vote="", task__process__kind=document.kind(), task__process__document_id=document.pk
        )
        seat = next(s for s in seats if s.post_id in posts or (s.post_id is None and s.role in roles))
        rounds.vote(seat, choice, actor=actor, at=at, opinion=opinion, request_id=self.request())


def soon(at: datetime, minutes: int) -> datetime:
    """So many minutes later."""
    return at + timedelta(minutes=minutes)

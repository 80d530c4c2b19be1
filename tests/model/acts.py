"""What may happen in the county, each thing by itself: who does it, to what, and with which words, is drawn."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import product

from hypothesis import strategies as st

from tests.model import doors, ending, sitting, timekeeping
from tests.model.book import Matter, Seat
from tests.model.choosing import Choosing
from tests.model.days import DAY, today
from tests.model.people import CAST, COUNTY, Cover
from tests.model.regulations import ORDER, STEPS_OF, Step
from tests.model.starts import complete, contents
from tests.model.world import SECOND

LAST_DAY = date(2026, 10, 30)
CHOICES = ("approve", "refuse", "recuse")


class Acts(Choosing):
    """Every act goes through the product's door and through the model's book; nothing is compared here."""

    # --- Moving -----------------------------------------------------------------------------------------

    def work_goes_on(self, data: st.DataObject) -> None:
        """Somebody who may takes a step; every step that is possible is as likely as the next."""
        people: dict[tuple[Matter, str], list[str]] = defaultdict(list)
        for matter in self._open():
            for _, step, who in self._ways(matter)[()]:
                people[matter, step.name].append(who)
        if not people:
            return
        matter, name = self._pick(data, list(people), "way")
        who, step = self._pick(data, people[matter, name], "who"), STEPS_OF[matter.kind][name]
        self._try(matter, step, who, self._sensible(data, matter, step))

    def everybody_else_is_refused(self, data: st.DataObject) -> None:
        """A refusal leaves everything as it was, so that many can be asked for at once."""
        self.all_refusals(data, self._pick(data, self.book.matters, "matter"))

    def all_refusals(self, data: st.DataObject, matter: Matter) -> None:
        """Of every step out of here, each kind of refusal that is to be had; and steps that are not possible here."""
        by_step: dict[tuple[str, tuple[str, ...]], list[tuple[Matter, Step, str]]] = defaultdict(list)
        for answer, ways in self._ways(matter).items():
            for way in ways if answer else []:
                by_step[way[1].name if matter.state in way[1].sources else "", answer].append(way)
        for name, answer in sorted(by_step):
            for _ in range(1 if name else 3):
                _, step, who = self._pick(data, by_step[name, answer], "way")
                self._try(matter, step, who, self._sensible(data, matter, step))

        self._all_votes_refused(data, matter)

    def _all_votes_refused(self, data: st.DataObject, matter: Matter) -> None:
        """Of each kind of vote on an open seat, each kind of refusal."""
        answers: dict[tuple[str, str], list[tuple[Seat, str, str]]] = defaultdict(list)
        for seat in [s for s in sitting.sitting(matter) if not s.vote]:
            for choice, opinion in product(CHOICES, ("理由", " ")):
                for who in COUNTY:
                    against = sitting.refusal(
                        self.book, matter, seat, who, choice, opinion, self.world.at + SECOND
                    )
                    answers[choice, "".join(against)].append((seat, who, opinion))
        for choice, answer in sorted(answers):
            if answer:
                seat, who, opinion = self._pick(data, answers[choice, answer], "vote")
                self._do(doors.vote, self.world, matter, seat, who, choice, opinion)

    def nonsense_is_handed_over(self, data: st.DataObject) -> None:
        """Somebody may, and leaves out or spoils each of the things that the step wants, one after the other."""
        ways = [(m, step, who) for m in self._open() for _, step, who in self._ways(m)[()] if step.given]
        if not ways:
            return
        self.all_nonsense(data, *self._pick(data, ways, "way"))

    def all_nonsense(self, data: st.DataObject, matter: Matter, step: Step, who: str) -> None:
        """Each of the things that a step wants handed over is left out or spoilt."""
        for name in step.given:
            spoilt = {name: self._pick(data, self._spoilt(name), f"{name} spoilt")}
            self._try(matter, step, who, {**self._sensible(data, matter, step), **spoilt})

    def a_stale_client_tries(self, data: st.DataObject) -> None:
        """A second client still shows the version before."""
        matters = [m for m in self.book.matters if m.version > 1]
        if not matters:
            return
        matter = self._pick(data, matters, "matter")
        steps = list(STEPS_OF[matter.kind].values())
        step = self._pick(data, list(matter.steps()) or steps, "step")
        self._do(
            self.world.stale, matter, step, self._pick(data, CAST, "who"), self._sensible(data, matter, step)
        )

    def a_request_comes_again(self, data: st.DataObject) -> None:
        """The same request, or another one under its id."""
        if not self.world.sent:
            self.work_goes_on(data)
            return
        sent = self._pick(data, self.world.sent, "request")
        if isinstance(sent.answer, tuple) and data.draw(st.booleans(), label="same"):
            self._do(self.world.once_more, sent)
        elif isinstance(sent.answer, tuple):
            matter = self._pick(data, self.book.matters, "matter")
            step = self._pick(data, list(STEPS_OF[matter.kind].values()), "step")
            self._do(self.world.other_content, sent, matter, step, self._sensible(data, matter, step))
        else:
            self._do(ending.vote_once_more, self.world, sent)

    # --- Content ----------------------------------------------------------------------------------------

    def the_editor_completes_it(self, data: st.DataObject) -> None:
        """Whatever the next step needs is written, or a file added."""
        matters = [m for m in self._open() if m.rules.editor or m.rules.attaches]
        if not matters:
            return
        matter = self._pick(data, matters, "matter")
        role = matter.rules.editor or matter.rules.attaches
        people = [who for who in COUNTY if self.book.capacities(matter, role, who, self.world.at + SECOND)]
        who = self._pick(data, people, "who")
        if not matter.rules.editor:
            self._do(self.world.attach, matter, who)
        else:
            self._do(self.world.change, matter, who, complete(matter, self.world.at))

    def somebody_edits(self, data: st.DataObject) -> None:
        """Anybody changes anything, also what must not be changed here."""
        who = data.draw(st.sampled_from(CAST[:-1]), label="who")
        matter = self._pick(data, self.book.matters, "matter")
        if data.draw(st.booleans(), label="an editor"):
            role = matter.rules.editor or matter.rules.attaches
            who = next(
                (w for w in COUNTY if role and self.book.capacities(matter, role, w, self.world.at)), who
            )
        content = self._pick(data, contents(matter, self.world.at), "content")
        self._do(self.world.change, matter, who, dict(content))

    def somebody_attaches(self, data: st.DataObject) -> None:
        """A file, to anything."""
        who = data.draw(st.sampled_from(COUNTY), label="who")
        self._do(self.world.attach, self._pick(data, self.book.matters, "matter"), who)

    # --- Items and rounds -------------------------------------------------------------------------------

    def somebody_handles_an_item(self, data: st.DataObject) -> None:
        """Opened, claimed, given back, handed over; as likely as not by somebody of its office."""
        door = data.draw(st.sampled_from(("open", "claim", "release", "hand over", "done")), label="door")
        items = [(m, o) for m in self.book.matters for o in m.owed]
        if not items:
            return
        matter, owed = self._pick(data, items, "item")
        theirs = sorted(timekeeping.holders(self.book, matter, owed, self.world.at + SECOND))
        who = self._pick(
            data, theirs if data.draw(st.booleans(), label="theirs") and theirs else COUNTY, "who"
        )
        if door == "done":
            self._do(doors.claim_what_is_closed, self.world, who)
        elif door == "hand over":
            to = self._pick(
                data, theirs if data.draw(st.booleans(), label="to theirs") and theirs else COUNTY, "to"
            )
            reason = self._pick(data, ("出差", " ", "请假"), "reason")
            self._do(doors.hand_over, self.world, matter, owed, who, to, reason)
        elif door == "release":
            who = owed.claimant if owed.claimant and data.draw(st.booleans(), label="claimant") else who
            self._do(doors.release, self.world, matter, owed, who)
        else:
            self._do({"open": doors.open_item, "claim": doors.claim}[door], self.world, matter, owed, who)

    def somebody_looks_at_their_queue(self, data: st.DataObject) -> None:
        who = data.draw(st.sampled_from(COUNTY), label="who")
        self._do(doors.look_at_queue, self.world, who)

    def somebody_votes(self, data: st.DataObject) -> None:
        """On an open seat more often than on one that is decided; by its people more often than by others."""
        choice = data.draw(st.sampled_from(CHOICES), label="choice")
        opinion = data.draw(st.sampled_from(("意见", "理由", " ")), label="opinion")
        seats = [(m, s) for m in self.book.matters for s in m.seats]
        if not seats:
            self.work_goes_on(data)
            return
        sitting_now = [(m, s) for m in self.book.matters for s in sitting.sitting(m) if not s.vote]
        matter, seat = self._pick(data, sitting_now * 9 + seats, "seat")
        theirs = sorted(sitting.people(self.book, seat, self.world.at + SECOND))
        who = self._pick(data, [*theirs * 4, *COUNTY], "who")
        self._do(doors.vote, self.world, matter, seat, who, choice, opinion)

    # --- Posts and the clock ----------------------------------------------------------------------------

    def somebody_stands_in(self, data: st.DataObject) -> None:
        """A post is delegated, or its holder is away, with a substitute or without."""
        way = data.draw(st.sampled_from(("delegation", "absence")), label="way")
        begins = data.draw(st.integers(0, 1), label="begins")
        lasts = data.draw(st.sampled_from((0, 3, 20)), label="lasts")
        day = today(self.world.at + SECOND)
        post = self._pick(
            data, [p for p in self.book.register.posts if p.until > LAST_DAY + 60 * DAY], "post"
        )
        handlers = sorted({who for m in self._open() for who in m.hands})
        to = self._pick(data, handlers * 2 + [*COUNTY] + ([] if way == "delegation" else [None]), "to")
        self._do(
            doors.cover, self.world, Cover(way, post, to, day + begins * DAY, day + (begins + lasts) * DAY)
        )

    def somebody_is_back(self, data: st.DataObject) -> None:
        later = data.draw(st.integers(0, 1), label="later")
        row = self._pick(data, self.book.register.covers, "cover")
        if row.begins > today(self.world.at):
            return
        self._do(doors.end_cover, self.world, row, today(self.world.at) + later * DAY)

    def time_passes(self, data: st.DataObject) -> None:
        """To an instant of interest; and then the clock ticks, or does not."""
        how = data.draw(
            st.sampled_from(("minutes", "hours", "tomorrow", "days", "just before", "just then", "later")),
            label="how",
        )
        at, coming = self.world.at, [t for t in timekeeping.next_instants(self.book) if t > self.world.at]
        to = at + {
            "minutes": timedelta(minutes=7),
            "hours": timedelta(hours=5),
            "days": 2 * DAY,
            "later": 6 * DAY,
        }.get(how, DAY)
        if how in ("just before", "just then") and coming:
            to = self._pick(data, coming[:4], "instant") - (SECOND if how == "just before" else timedelta(0))
        if today(to) > LAST_DAY:
            return
        self.world.at = max(to, at)
        if data.draw(st.booleans(), label="tick"):
            self._do(doors.run_sweep, self.world)

    def the_clock_ticks(self, data: st.DataObject) -> None:
        self._do(doors.run_sweep, self.world)

    def offices_are_looked_after(self, data: st.DataObject) -> None:
        self._do(doors.run_reroute, self.world)

    def something_begins(self, data: st.DataObject) -> None:
        """Another order, or what only the clock may begin."""
        who = data.draw(st.sampled_from(CAST), label="who")
        if len([m for m in self.book.matters if m.kind == ORDER]) < 3 and data.draw(
            st.booleans(), label="order"
        ):
            source = self._pick(data, ("meeting", "leaders_instruction"), "source")
            self._do(ending.draft, self.world, who, source)
        else:
            kind, step = self._pick(data, ending.BY_THE_CLOCK, "birth")
            self._do(ending.begin, self.world, kind, step, who)

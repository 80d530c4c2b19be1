"""The model's calendar, its due dates and its ladders, written by hand from the notice of the State Council and the county's
scheme. It shares no code with the product: what both say the same way, both have read from the same paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)

OFF_2026 = (
    ("01-01", "01-03"), ("02-15", "02-23"), ("04-04", "04-06"), ("05-01", "05-05"), ("06-19", "06-21"), ("09-25", "09-27"),
    ("10-01", "10-07"),
)  # fmt: skip
MADE_UP_2026 = ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10")


def works(day: date) -> bool:
    """Whether offices are open: by the notice for 2026, otherwise from Monday to Friday."""
    if day.year == 2026:
        said = f"{day:%m-%d}"
        if said in MADE_UP_2026:
            return True
        if any(first <= said <= last for first, last in OFF_2026):
            return False
    return day.isoweekday() <= 5


def after(day: date, many: int) -> date:
    """So many working days after (before, when negative) a day that is itself not counted."""
    left = abs(many)
    while left:
        day += DAY if many > 0 else -DAY
        left -= works(day)
    return day


def opened(day: date) -> date:
    """The day itself when offices are open, else the next one on which they are."""
    while not works(day):
        day += DAY
    return day


def between(first: date, last: date) -> int:
    """Working days after `first` up to and including `last`."""
    return sum(works(first + n * DAY) for n in range(1, (last - first).days + 1))


def midnight_after(day: date) -> datetime:
    return datetime.combine(day + DAY, time(), CHINA)


def today(at: datetime) -> date:
    return at.astimezone(CHINA).date()


DEADLINES = {
    # rule: working days, or what it starts from; its ladder
    "quarterly_report": ("the tenth", "report"), "report.sign": ("the tenth", "unit"), "report.review": (5, "office"),
    "report.correction": (3, "unit"), "report.sign_correction": (2, "unit"),
    "order.draft": (2, "office"), "order.signature": (2, "leader"), "order.receipt": (1, "unit"), "order.dispute": (2, "office"),
    "order.plan": (3, "unit"), "order.finish": ("due_on", "dated"), "order.feedback": (10, "unit"),
    "order.feedback_reading": (2, "office"), "order.extension": (2, "leader"), "order.suspension": ("review_on", "leader"),
    "order.take_up": (2, "office"), "order.check": (5, "office"), "order.closing": (3, "leader"),
    "rectification.plan": (5, "unit"), "rectification.sign": (2, "unit"), "rectification.review": (3, "office"),
    "rectification.correction": (3, "unit"), "rectification.measures": ("due_on", "dated"),
    "rectification.acceptance_take_up": (2, "office"), "rectification.acceptance": (5, "office"),
    "measure.finish": ("due_on", "dated"), "measure.take_up": (2, "office"), "measure.check": (3, "office"),
    "measure.correction": (3, "unit"),
    "round:rectification.leadership:office": (2, "office"), "round:rectification.leadership:leaders": (3, "leader"),
}  # fmt: skip
THE_TENTH = date(2026, 4, 10)

LADDERS = {
    # step, working days from the due date (None: at its end), who is told, lamp, whether urgent
    "report": (("remind", -3, "owner", "yellow", False), ("due_today", 0, "owner", "", False),
               ("overdue", None, "owner performance_office", "red", False),
               ("urge", 1, "owner deputy_in_charge head", "", True), ("order", 5, "performance_office supervisor", "", True)),
    "unit": (("due_today", 0, "owner", "yellow", False), ("overdue", None, "owner", "red", False),
             ("urge", 1, "owner deputy_in_charge head", "", True), ("escalate", 3, "supervisor", "", True)),
    "office": (("due_today", 0, "owner", "yellow", False), ("overdue", None, "owner", "red", False),
               ("urge", 1, "owner", "", True), ("escalate", 3, "leading_group", "", True)),
    "leader": (("due_today", 0, "owner", "yellow", False), ("overdue", None, "owner", "red", False),
               ("urge", 1, "owner", "", True), ("escalate", 3, "performance_office supervisor", "", True)),
    "dated": (("remind", -5, "owner", "", False), ("near", -3, "owner", "yellow", False), ("due_today", 0, "owner", "", False),
              ("overdue", None, "owner supervisor", "red", False), ("urge", 1, "owner deputy_in_charge head", "", True),
              ("escalate", 5, "supervisor leading_group", "", True)),
}  # fmt: skip
BEFORE = {"remind", "near", "due_today"}
NINE = time(9)


@dataclass(frozen=True)
class Rung:
    """One step of a ladder, with its instant."""

    key: str
    at: datetime
    tells: tuple[str, ...]
    lamp: str
    urgent: bool


@dataclass(frozen=True)
class Clock:
    """A duty's date: when it began to run, when it is due, and what happens on the way. `taken` steps are behind it."""

    due_on: date
    started: datetime
    rungs: tuple[Rung, ...]
    taken: int = 0
    lamp: str = "green"

    @property
    def next_at(self) -> datetime | None:
        """When the next step is due; None when there is none left."""
        return self.rungs[self.taken].at if self.taken < len(self.rungs) else None

    def step(self) -> tuple[Rung, Clock]:
        """The next step, and the clock after it."""
        rung = self.rungs[self.taken]
        return rung, replace(self, taken=self.taken + 1, lamp=rung.lamp or self.lamp)

    def passed(self, at: datetime) -> Clock:
        """As it stands when it is set at `at`: what lies before that is not done again, but its lamps show."""
        clock = self
        while clock.next_at and clock.next_at <= at:
            _, clock = clock.step()
        return clock


def due(rule: str, at: datetime, fields: dict[str, object]) -> date:
    """When a duty that arises at `at` is due."""
    says = DEADLINES[rule][0]
    if isinstance(says, int):
        return after(today(at), says)
    named = THE_TENTH if says == "the tenth" else fields[says]
    assert isinstance(named, date)
    return opened(named)


def clock(rule: str, due_on: date, started: datetime) -> Clock:
    """The ladder of a due date. Nothing is born overdue: a reminder from before its clock ran is left out, and what it
    would have lit is lit at once; when the date itself was over by then, being late begins with the clock."""
    is_late = started >= midnight_after(due_on)
    late_from = today(started) if is_late else due_on
    rungs, lit = [], None
    for key, days, tells, lamp, urgent in LADDERS[DEADLINES[rule][1]]:
        if days is None:
            at = started if is_late else midnight_after(due_on)
        else:
            at = datetime.combine(after(due_on if key in BEFORE else late_from, days), NINE, CHINA)
        if key in BEFORE and at < started:
            lit = Rung(key, started, (), lamp, False) if lamp else lit
        else:
            rungs.append(Rung(key, at, tuple(tells.split()), lamp, urgent))
    if lit and not is_late:
        rungs.append(lit)
    return Clock(due_on, started, tuple(sorted(rungs, key=lambda rung: rung.at)))


def went_on(rule: str, due_on: date, paused: datetime, at: datetime) -> date:
    """The due date after the clock stood still: the working days that were left, or as many natural days later."""
    first, last = today(paused), today(at)
    if due_on < first:
        return due_on
    if isinstance(DEADLINES[rule][0], int):
        left = between(first, due_on)
        return max(due_on, after(last, left) if left else opened(last))
    return opened(due_on + (last - first)) if last > first else due_on

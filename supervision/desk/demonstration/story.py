"""What happened in the county: quarters of reports, and the matters that stand at every stage today.

Reports live by the dates of their quarter. The other matters are told from the eve of today, so that whatever day the
demonstration is asked for, something is fresh, something falls due and something is late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from calendars import periods
from calendars.edition_files import shipped_editions
from calendars.periods import Period
from calendars.publishing import publish_edition
from organisation import changes
from organisation.queries import local_day
from organisation.roles import PostRole
from supervision.desk.demonstration.county import (
    REPORTING,
    County,
    allow_to_sign_in,
    found_county,
    found_neighbour,
    give_addresses,
    post_of,
)
from supervision.desk.demonstration.course import Course
from supervision.desk.demonstration.goals import goals_of_the_year
from supervision.desk.demonstration.life import Life
from supervision.desk.demonstration.matters import Matter, late_report
from supervision.desk.demonstration.today import TOLD
from supervision.schemes.pack import read_pack, shipped_pack
from supervision.schemes.publishing import open_cycle, publish_version
from workflows.verification import seal_days

CHINA = ZoneInfo("Asia/Shanghai")
QUARTERS = 3
PACK = "hoboksar-county"


def live(until: datetime, *, quarters: int = QUARTERS) -> County:
    """The demonstration's institutions, lived up to `until`: the last closed quarters (two or three) and the matters of today.

    Raises WentWrong when the clock could not do its part. To be called in one transaction, so that there is all or nothing.
    """
    past = _closed_quarters(until.astimezone(CHINA).date(), quarters)
    first = datetime.combine(past[0].ends - timedelta(days=17), time(10, 30), CHINA)
    for edition in shipped_editions():
        publish_edition(edition, None, first)
    since = date(past[0].begins.year - 1, 1, 1)
    county = found_county(since, first)
    neighbour = found_neighbour(since, first)
    allow_to_sign_in(county, neighbour)
    life = Life(county, until)
    _publish_rules(life, first)
    for quarter in past:
        _open_reports(life, quarter)
    _report(life, past)
    _stand_ins(life)
    _read_notices(life, first)
    for matter in matters_of_today(life):
        life.begin(matter.run())
    for goals in goals_of_the_year(life):
        life.begin(goals.run())
    life.go_on()
    give_addresses(county)
    for institution in (county.institution, neighbour.institution):
        seal_days(institution, at=until)
    return county


def _closed_quarters(today: date, many: int) -> list[Period]:
    """The last quarters that are over, oldest first."""
    if many < 2:
        raise ValueError("a late report needs a quarter to be followed to its end: at least two")
    years = (today.year - 1, today.year)
    quarters = [periods.parse(f"{year}Q{number}") for year in years for number in (1, 2, 3, 4)]
    return [quarter for quarter in quarters if quarter.ends < today][-many:]


def _publish_rules(life: Life, first: datetime) -> None:
    """The performance office publishes the scheme, and opens each appraisal year before it begins."""
    county, path = life.county, shipped_pack(PACK)
    if path is None:
        raise FileNotFoundError(PACK)
    version, _ = publish_version(
        read_pack(path), by=county.actor("office", first), at=first + timedelta(minutes=40)
    )

    def open_year(year: int, at: datetime) -> None:
        county.cycles[year] = open_cycle(version, year, by=county.actor("office", at), at=at)

    open_year(first.year, first + timedelta(minutes=50))
    for year in range(first.year + 1, life.until.astimezone(CHINA).year + 1):
        life.at(life.instant(date(year - 1, 12, 25), time(11)), lambda at, year=year: open_year(year, at))  # type: ignore[misc]


# --- Reports -----------------------------------------------------------------------------------------------

IN_TIME = (
    "-2 report.fill report.hand_in; -1 report.sign; 2 report.accept",
    "-2 report.fill; -1 report.hand_in report.sign; 3 report.accept:@joint",
    "-1 report.fill report.hand_in; 0 report.sign; 1 report.accept",
    "0 report.fill report.hand_in report.sign; 4 report.accept:@joint",
)
SENT_BACK = "-2 report.fill report.hand_in; -1 report.send_back; 0 report.amend report.hand_in report.sign; 2 report.accept"
RETURNED = (
    "-2 report.fill report.hand_in; -1 report.sign; 2 report.return_report; 3 report.amend report.hand_in_correction;"
    "4 report.sign_correction; 6 report.accept"
)
LATE = "1 report.fill report.hand_in; 2 report.sign; 5 report.accept"

NEVER = "6 find complete submit; 7 sign sign_for; 8 take_in_hand"
SET_ASIDE = "6 find; 7 report.fill report.hand_in report.sign; 8 set_aside report.accept"
VERY_LATE = "6 find complete submit; 7 sign; 8 sign_for take_in_hand; 16 feed_back; 17 note_feedback"
TO_THE_END = (
    "6 find complete submit; 7 sign sign_for; 8 take_in_hand; 9 report.fill report.hand_in report.sign;"
    "10 plan.write plan.hand_in; 11 plan.sign; 12 report.accept plan.forward; 13 plan.agree:joint; 14 plan.agree:leader;"
    "15 plan.agree:leader2; 16 feed_back; 17 note_feedback 1.attach 1.claim_done; 18 1.take_up 2.attach 2.claim_done;"
    "19 1.accept 2.take_up 2.accept; 20 plan.ask_acceptance; 21 plan.take_up; 22 plan.accept; 23 prove claim_done; 24 take_up; 26 close"
)
BY_DETOURS = (
    "6 find complete submit; 8 sign; 9 sign_for take_in_hand; 10 report.fill report.hand_in report.sign; 11 plan.write plan.hand_in;"
    "12 plan.sign report.accept; 13 plan.return_plan; 14 plan.rewrite plan.hand_in_correction; 15 plan.sign_correction; 16 plan.forward;"
    "17 plan.agree:office plan.disagree:leader; 18 plan.disagree:leader3 feed_back; 19 note_feedback;"
    "20 plan.rewrite plan.hand_in_correction plan.sign_correction; 21 plan.forward plan.agree:joint plan.agree:leader2;"
    "22 plan.agree:leader3; 24 1.attach 1.claim_done 2.attach 2.claim_done; 25 1.take_up 1.return_work; 26 1.attach 1.claim_done 2.take_up 2.accept;"
    "27 1.take_up 1.accept; 28 plan.ask_acceptance feed_back; 29 plan.take_up plan.return_measure note_feedback; 31 1.attach 1.claim_done;"
    "32 1.take_up 1.accept; 33 plan.ask_acceptance plan.take_up; 34 plan.accept; 35 prove claim_done; 36 take_up; 38 close"
)

CHAINS = (
    (-2, "media", TO_THE_END, late_report(30, 16, 18)),
    (-1, "environment", BY_DETOURS, late_report(42, 26, 28)),
    (-1, "qagankul", SET_ASIDE, Matter()),
    (-1, "tebken", VERY_LATE, late_report(45)),
    (-1, "xazgay", NEVER, late_report(22, 16, 18)),
)
"""Reports that were overdue for so long that the clock drafted an order: which quarter from the end, whose, and what came of it."""


def _due_day(life: Life, quarter: Period) -> date:
    return life.calendar.roll(quarter.day_after(1, 10))


def _open_reports(life: Life, quarter: Period) -> None:
    """The clock opens a quarter's reports at midnight."""
    opens = life.instant(quarter.ends + timedelta(days=1), time(0))
    life.at(opens, life.pass_time)


def _usual_course(turn: int, place: int, unit: str) -> str:
    """How the report of a unit goes: some are returned, some are late, each quarter others."""
    if unit == "hoxtolgay":
        return (IN_TIME[2], RETURNED, LATE)[turn % 3]
    return {0: RETURNED, 1: LATE, 2: SENT_BACK, 3: RETURNED, 4: LATE}.get(
        (place + 7 * turn) % len(REPORTING), IN_TIME[(place + turn) % 4]
    )


def _report(life: Life, past: list[Period]) -> None:
    special = {(past[back].text, unit): (legs, matter) for back, unit, legs, matter in CHAINS}
    for turn, quarter in enumerate(past):
        due, opened = _due_day(life, quarter), life.instant(quarter.ends + timedelta(days=1), time(10))
        for place, unit in enumerate(REPORTING):
            legs, matter = special.get((quarter.text, unit), (_usual_course(turn, place, unit), Matter()))
            life.begin(Course(life, unit, due, legs, matter, quarter.text, not_before=opened).run())
    last, came = past[-1], life.calendar.shift(_due_day(life, past[-1]), 9)
    if life.eve > came:
        course = Course(
            life, "tebken", life.eve, "0 report.fill report.hand_in report.sign", period=last.text
        )
        life.begin(course.run())


# --- Who stands in for whom today --------------------------------------------------------------------------


def _stand_ins(life: Life) -> None:
    """The head of the town lets his deputy act for him; the head of the building bureau is away."""
    county, calendar, eve = life.county, life.calendar, life.eve

    def delegate(at: datetime) -> None:
        changes.delegate(
            post_of(county, "head", PostRole.HEAD), to=county.people["deputy"], begins=local_day(county.institution, at),
            ends=calendar.shift(eve, 6), by=county.actor("head", at), at=at, reason="赴塔城参加地区绩效考核工作会议，期间由分管领导代行审签",
        )  # fmt: skip
        county.posts_changed()

    def leave(at: datetime) -> None:
        changes.record_absence(
            post_of(county, "building-head", PostRole.HEAD), begins=calendar.shift(eve, -1), ends=calendar.shift(eve, 8),
            by=county.actor("personnel", at), at=at, reason="自治区党校学习", substitute=county.people["substitute"],
        )  # fmt: skip
        county.posts_changed()

    life.at(life.instant(eve, time(10, 15)), delegate)
    life.at(life.instant(calendar.shift(eve, -2), time(17, 30)), leave)


def _read_notices(life: Life, first: datetime) -> None:
    """Every few weeks everybody catches up with what they were told; what came since yesterday morning is new to them."""
    calendar, day = life.calendar, life.calendar.shift(life.eve, -1)
    while day > first.date():
        morning = life.instant(day, time(10))
        life.at(morning, life.plan_notices)
        life.at(morning, life.read_notices)
        day = calendar.shift(day, -20)


# --- The matters of today ----------------------------------------------------------------------------------


def matters_of_today(life: Life) -> Iterator[Course]:
    """Orders drafted by hand, and rectifications, at every stage: days are working days from the eve of today."""
    for unit, drafter, legs, matter in TOLD:
        checker = "supervisor2" if drafter == "supervisor" else "supervisor"
        yield Course(life, unit, life.eve, legs, matter, drafter=drafter, checker=checker)

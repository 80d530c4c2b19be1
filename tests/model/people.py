"""The model's register: who holds which post, who stands in for whom on which day, and which office comes next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

HELD = """
staff            unit_staff             town
colleague        unit_staff             town
deputy           deputy_in_charge       town
head             head                   town
staff elsewhere  unit_staff             bureau
head elsewhere   head                   bureau
office           performance_office     county
drafter          supervisor             county
checker          supervisor             county
leader           leading_group          county
second leader    leading_group          county
former leader    leading_group          county   2026-01-31
discipline       discipline_inspection  county
auditor          auditor                county
two hats         unit_staff             town
two hats         supervisor             county
two hats         leading_group          county
two hats         performance_office     county
"""
"""The county of the tests, in the order in which the posts were given: person, role, unit, last day."""

CAST = (
    "staff", "colleague", "deputy", "head", "staff elsewhere", "head elsewhere", "office", "drafter", "checker", "leader",
    "second leader", "former leader", "discipline", "auditor", "two hats", "delegate", "stranger", "outsider", "clock",
)  # fmt: skip
COUNTY = tuple(who for who in CAST if who not in ("outsider", "clock"))
OF_THE_UNIT = {"unit_staff", "head", "deputy_in_charge"}
"""Roles that are held in the unit that a matter is about; every other is the county's."""


@dataclass(frozen=True)
class Post:
    number: int
    person: str
    role: str
    unit: str
    until: date = date.max


@dataclass(frozen=True)
class Cover:
    """Somebody may act for a post from a day to a day: by delegation, or as the substitute of whoever is away."""

    way: str
    post: Post
    to: str | None
    begins: date
    ends: date


@dataclass(frozen=True)
class Standing:
    """One way in which a person may act on a day: for which post, and whose it is."""

    person: str
    post: Post
    own: bool

    @property
    def holder(self) -> str:
        return self.post.person


def _posts() -> tuple[Post, ...]:
    rows = []
    for number, line in enumerate(HELD.strip().splitlines()):
        person, rest = line[:17].strip(), line[17:].split()
        rows.append(
            Post(number, person, rest[0], rest[1], date.fromisoformat(rest[2]) if rest[2:] else date.max)
        )
    return tuple(rows)


@dataclass
class Register:
    """Posts and covers. To begin with, "delegate" acts for the head for the whole of 2026."""

    posts: tuple[Post, ...] = field(default_factory=_posts)
    covers: list[Cover] = field(default_factory=list)

    def __post_init__(self) -> None:
        head = self.post("head", "head")
        self.covers.append(Cover("delegation", head, "delegate", date(2026, 1, 1), date(2026, 12, 31)))

    def post(self, person: str, role: str) -> Post:
        return next(p for p in self.posts if (p.person, p.role) == (person, role))

    def standing(self, day: date) -> list[Standing]:
        """Everything that anybody may act for on this day."""
        held = [Standing(p.person, p, True) for p in self.posts if day <= p.until]
        return held + [
            Standing(c.to, c.post, False)
            for c in self.covers
            if c.to and c.begins <= day <= min(c.ends, c.post.until)
        ]

    def holding(self, role: str, unit: str | None, day: date) -> list[Standing]:
        """Who may act in this role, in this unit or (None) anywhere."""
        return [s for s in self.standing(day) if s.post.role == role and unit in (None, s.post.unit)]

    def refusal(self, cover: Cover) -> str:
        """Why this cover cannot be; empty when it can."""
        if cover.to == cover.post.person:
            return "oneself"
        clash = any(
            c.way == cover.way and c.post == cover.post and c.begins <= cover.ends and cover.begins <= c.ends
            for c in self.covers
        )
        already = {"delegation": "already_delegated", "absence": "already_absent"}
        return already[cover.way] if clash else ""

    def end(self, cover: Cover, ends: date) -> None:
        self.covers[self.covers.index(cover)] = replace(cover, ends=ends)

    def office_above(self, role: str, unit: str, day: date, without: set[str]) -> tuple[str, str] | None:
        """Where a matter of this office goes when nobody there can act: role and unit; None when there is nobody at all."""
        for above, where in ABOVE[role]:
            units = {"same": (unit,), "over": ("county",) if unit != "county" else (), "county": (None,)}[
                where
            ]
            for place in units:
                rows = [s for s in self.holding(above, place, day) if s.person not in without]
                if rows:
                    return above, rows[0].post.unit
        return None


_TOP = (("leading_group", "county"),)
_OVER = (("head", "over"), ("supervisor", "county"), *_TOP)
ABOVE = {
    "unit_staff": (("deputy_in_charge", "same"), ("head", "same"), *_OVER),
    "head": _OVER,
    "performance_office": (("supervisor", "county"), *_TOP),
    "supervisor": _TOP,
    "leading_group": (("head", "same"), ("head", "over")),
}
"""R3 and R9: deputy, head, supervision office, leading group. The county has no head of its own."""

"""The next office up: where an item goes when its role is vacant, or everybody in it is excluded. One table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto

from organisation.roles import PostRole


class Where(Enum):
    SAME_UNIT = auto()
    UNITS_ABOVE = auto()  # the parent, then its parent, up to the root
    NEAREST = auto()  # anywhere in the institution; the nearest in the tree first


@dataclass(frozen=True)
class Place:
    role: PostRole
    where: Where

    def reaches(self, from_unit: int, unit: int, units_above: Collection[int]) -> bool:
        """Whether an office of this role in `unit` is meant, seen from `from_unit` (which `units_above` includes)."""
        if self.where is Where.SAME_UNIT:
            return unit == from_unit
        return self.where is Where.NEAREST or (unit != from_unit and unit in units_above)


@dataclass(frozen=True)
class Office:
    """A role in a unit that somebody holds that day."""

    role: str
    unit_id: int


_TOP = (Place(PostRole.LEADING_GROUP, Where.NEAREST),)
_OVER_THE_UNIT = (
    Place(PostRole.HEAD, Where.UNITS_ABOVE),
    Place(PostRole.SUPERVISOR, Where.NEAREST),
    *_TOP,
)
_HEAD_OF_THE_UNIT = (Place(PostRole.HEAD, Where.SAME_UNIT), *_OVER_THE_UNIT)

# R3: the deputy in charge is directly responsible, the head first responsible: that is the order upwards.
# R9: the performance office and the supervision office share their staff. R8: the head leads the leading group.
NEXT_OFFICE_UP: dict[str, tuple[Place, ...]] = {
    PostRole.UNIT_STAFF: (Place(PostRole.DEPUTY_IN_CHARGE, Where.SAME_UNIT), *_HEAD_OF_THE_UNIT),
    PostRole.DEPUTY_IN_CHARGE: _HEAD_OF_THE_UNIT,
    PostRole.HEAD: _OVER_THE_UNIT,
    PostRole.INDICATOR_DEPARTMENT: (Place(PostRole.PERFORMANCE_OFFICE, Where.NEAREST), *_TOP),
    PostRole.PERFORMANCE_OFFICE: (Place(PostRole.SUPERVISOR, Where.NEAREST), *_TOP),
    PostRole.SUPERVISOR: _TOP,
    PostRole.ORGANISATION_DEPARTMENT: _TOP,
    PostRole.DISCIPLINE_INSPECTION: _TOP,
    PostRole.AUDITOR: (Place(PostRole.DISCIPLINE_INSPECTION, Where.NEAREST), *_TOP),
    PostRole.LEADING_GROUP: (Place(PostRole.HEAD, Where.SAME_UNIT), Place(PostRole.HEAD, Where.UNITS_ABOVE)),
}

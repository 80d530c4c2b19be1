"""Who is who in supervision: which post, held where, is meant by the words of the regulations (R2-R10)."""

from __future__ import annotations

from organisation.roles import PostRole
from workflows.roles import Role
from workflows.words import Text

UNIT_STAFF = Role("unit_staff", Text("承办人", "the unit's staff"), PostRole.UNIT_STAFF, "unit_id")
HEAD = Role("head", Text("单位一把手", "the head of the unit"), PostRole.HEAD, "unit_id")
DEPUTY = Role(
    "deputy_in_charge",
    Text("单位分管领导", "the unit's deputy in charge"),
    PostRole.DEPUTY_IN_CHARGE,
    "unit_id",
)

PERFORMANCE_OFFICE = Role(
    "performance_office", Text("绩效办", "the performance office"), PostRole.PERFORMANCE_OFFICE
)
SUPERVISOR = Role("supervisor", Text("督查室", "the supervision office"), PostRole.SUPERVISOR)
LEADER = Role("leading_group", Text("领导小组", "the leading group"), PostRole.LEADING_GROUP)
DISCIPLINE = Role(
    "discipline_inspection", Text("纪检监察机关", "discipline inspection"), PostRole.DISCIPLINE_INSPECTION
)

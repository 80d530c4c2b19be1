"""Who may sign in to the demonstration. Shown on the sign-in page under DUBAN_DEMO=1 and nowhere else."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from organisation.models import Institution, Standing
from organisation.queries import local_day, now_of
from organisation.roles import PostRole, Via
from supervision.desk.pages import DemoAccount, DemoInstitution
from workflows.words import Text

PASSWORD = "duban-demo-2026"
"""The password of every demonstration account; whatever fills in the demonstration data sets this one."""


def demo_institutions(real_now: datetime) -> tuple[DemoInstitution, ...]:
    """For each institution one account per role held on its day, in the order of the roles; empty outside the
    demonstration. One query for each institution."""
    if not settings.DUBAN_DEMO:
        return ()
    found = (_accounts_of(institution, real_now) for institution in Institution.objects.order_by("pk"))
    return tuple(institution for institution in found if institution.accounts)


def _accounts_of(institution: Institution, real_now: datetime) -> DemoInstitution:
    day = local_day(institution, now_of(institution, real_now))
    held = (
        Standing.objects.on(day)
        .filter(institution=institution, via=Via.POST, person__is_active=True)
        .order_by("role", "person__username")
        .distinct("role")
        .values_list(
            "role", "person__username", "person__name", "person__name_en", "unit__name_zh", "unit__name_en"
        )
    )
    ranks = {role: n for n, role in enumerate(PostRole.values)}
    return DemoInstitution(
        Text(institution.name_zh, institution.name_en or institution.name_zh),
        tuple(
            DemoAccount(
                username, Text(name, name_en or name), str(PostRole(role).label), Text(unit, unit_en or unit)
            )
            for role, username, name, name_en, unit, unit_en in sorted(held, key=lambda row: ranks[row[0]])
        ),
    )

"""What surrounds every signed-in page: navigation by role, counts, capacities. At most two statements of its own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from organisation.models import Person, Unit
from organisation.roles import PostRole
from supervision.desk.pages import CapacityLine, Chrome, NavLink
from supervision.desk.queries.reader import reader_of
from workflows.models import Notice
from workflows.scope import OVERSIGHT
from workflows.words import Text
from workflows.worklist import MOST_COUNTED

BOARD_READERS = OVERSIGHT | {PostRole.HEAD, PostRole.DEPUTY_IN_CHARGE}
OPERATORS = frozenset({PostRole.SUPERVISOR, PostRole.PERFORMANCE_OFFICE, PostRole.AUDITOR})


def shown(count: int) -> int | str:
    """Counting stops at 999: a backlog is not counted to its end on every page."""
    return count if count < MOST_COUNTED else f"{MOST_COUNTED - 1}+"


def chrome_of(request: Any) -> Chrome:
    """The frame of a page for its signed-in reader."""
    actor, person = request.actor, request.user
    roles = {capacity.role for capacity in actor.capacities}
    names = _names(actor)
    waiting = sum(reader_of(request).waiting.values()) if actor.capacities else 0
    here = request.resolver_match.url_name if request.resolver_match else ""
    nav = []
    if PostRole.LEADING_GROUP in roles:
        nav.append(NavLink(_("For my decision"), reverse("leader_desk"), here == "leader_desk"))
    nav.append(NavLink(_("My queue"), reverse("queue"), here == "queue", shown(waiting), "queue"))
    if roles & BOARD_READERS:
        nav.append(NavLink(_("Supervision board"), reverse("board"), here == "board"))
    if roles & (BOARD_READERS | {PostRole.UNIT_STAFF}):
        nav.append(NavLink(_("Goals of the year"), reverse("goals"), here == "goals"))
    nav.append(NavLink(_("All matters"), reverse("documents"), here == "documents"))
    if PostRole.SUPERVISOR in roles:
        nav.append(
            NavLink(
                _("Register an order"),
                reverse("begin", args=["orders.supervisionorder", "draft_order"]),
                here == "begin",
            )
        )
    if roles & OPERATORS:
        nav.append(NavLink(_("Operation"), reverse("operation"), here == "operation"))
    unread = Notice.objects.filter(person_id=person.pk, read_at__isnull=True)[:100].count()
    return Chrome(
        institution=Text(person.institution.name_zh, person.institution.name_en or person.institution.name_zh),
        home_url=home_of(actor), nav=tuple(nav), notices_url=reverse("notices"), unread=unread,
        person=Text(person.name, person.name_en or person.name), frozen=person.institution.frozen_at is not None,
        capacities=tuple(
            CapacityLine(
                str(PostRole(c.role).label) if c.role in PostRole.values else c.role, names.get(("unit", c.unit_id), ""),
                names.get(("person", c.holder_id), "") if c.via != "post" else "",
            )
            for c in actor.capacities
        ),
    )  # fmt: skip


def _names(actor: Any) -> dict[tuple[str, int | None], Text]:
    """Names of the units and absent holders among the capacities: one statement, two with somebody stood in for."""
    units = {c.unit_id for c in actor.capacities if c.unit_id}
    holders = {c.holder_id for c in actor.capacities if c.via != "post"}
    found: dict[tuple[str, int | None], Text] = {
        ("unit", pk): Text(zh, en or zh) for pk, zh, en in Unit.objects.filter(pk__in=units).values_list("pk", "name_zh", "name_en")
    } if units else {}  # fmt: skip
    if holders:
        people = Person.objects.filter(pk__in=holders).values_list("pk", "name", "name_en")
        found |= {("person", pk): Text(zh, en or zh) for pk, zh, en in people}
    return found


def home_of(actor: Any) -> str:
    """Where somebody begins: leaders with what waits for their decision, everybody else with their queue."""
    leads = any(capacity.role == PostRole.LEADING_GROUP for capacity in actor.capacities)
    return reverse("leader_desk") if leads else reverse("queue")


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Context processor."""
    if getattr(request, "actor", None) is None or not request.user.is_authenticated:
        return {}
    if getattr(request, "htmx", None) and not request.htmx.boosted:  # type: ignore[attr-defined]
        return {"now": getattr(request, "at", None)}
    return {"chrome": chrome_of(request), "now": getattr(request, "at", None)}

"""The only writers of units' lives, posts, delegations and absences. Each is one transaction, and each is told to
`on_changed`, through which the engine writes it into the institution's chain.

Whether a delegation would let somebody approve their own work is asked when they decide, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from organisation.actors import Actor
from organisation.models import Absence, Delegation, Institution, Person, Post, Unit
from organisation.roles import PostRole

OnChanged = Callable[[int, str, Mapping[str, Any], Actor, datetime], None]

# Filled at start-up by rooms above: f(institution_id, what, facts, by, at), called inside the change's transaction.
# `facts` holds ids, words and ISO days only. An exception undoes the change.
on_changed: list[OnChanged] = []


class NotPossible(Exception):
    """The change was refused and nothing was written. `code` names why; `str()` is the sentence in the reader's language."""

    def __init__(self, code: str, sentence: Any, /, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.sentence = sentence
        self.params = params

    def __str__(self) -> str:
        shown = {key: date_format(p) if isinstance(p, date) else str(p) for key, p in self.params.items()}
        return str(self.sentence) % shown


def may_change_posts(by: Actor, post: Post | None = None) -> bool:
    """The clock (start-up data, imports), the organisation department (R2), and of a post's cover its own holder."""
    if by.clock:
        return True
    if post is not None and post.person_id == by.person_id and by.person_id is not None:
        return True
    return any(capacity.role == PostRole.ORGANISATION_DEPARTMENT for capacity in by.capacities)


def begin_unit(
    *,
    institution: Institution,
    parent: Unit | None,
    kind: str,
    name_zh: str,
    begins: date,
    by: Actor,
    at: datetime,
    reason: str,
    name_en: str = "",
    code: str = "",
) -> Unit:
    """A new unit below `parent` from `begins` until the parent's own end, if it has one. Raises NotPossible."""
    with transaction.atomic():
        _check_who(by, institution.pk, may_change_posts(by))
        _check_reason(reason)
        if parent is not None:
            # Held until the end, so that it cannot be closed at this moment.
            parent = Unit.objects.select_for_update(no_key=True).get(pk=parent.pk)
            _check_same_institution(institution.pk, parent.institution_id)
            _check_within(parent.begins, parent.ends, begins, begins, parent)
        if code and Unit.objects.filter(institution=institution, code=code, ends=None).exists():
            raise NotPossible("code_taken", _("Another unit already has the code %(code)s."), code=code)
        unit = Unit.objects.create(
            institution=institution,
            parent=parent,
            kind=kind,
            name_zh=name_zh,
            name_en=name_en,
            code=code,
            begins=begins,
            ends=None if parent is None else parent.ends,
        )
        facts = {
            "unit": unit.pk,
            "parent": unit.parent_id,
            "kind": kind,
            "name_zh": name_zh,
            **_days(begins, unit.ends),
        }
        _tell(institution.pk, "unit_began", facts, by, at, reason)
        return unit


def end_unit(unit: Unit, *, ends: date, by: Actor, at: datetime, reason: str) -> Unit:
    """The unit's last day is `ends`, and so is that of each of its posts still held. Raises NotPossible while a unit
    below goes on."""
    with transaction.atomic():
        unit = Unit.objects.select_for_update(no_key=True).get(pk=unit.pk)
        _check_who(by, unit.institution_id, may_change_posts(by))
        _check_reason(reason)
        _check_last_day(unit.begins, unit.ends, ends)
        for below in Unit.objects.filter(_beyond(ends), parent=unit)[:1]:
            raise NotPossible("unit_below", _("%(unit)s below it goes on; end that unit first."), unit=below)
        held = Post.objects.filter(_beyond(ends), unit=unit)
        for later in held.filter(begins__gt=ends)[:1]:
            raise NotPossible(
                "post_begins_later", _("%(post)s begins only on %(day)s."), post=later, day=later.begins
            )
        for post in held.order_by("pk"):
            end_post(post, ends=ends, by=by, at=at, reason=reason)
        unit.ends = ends
        unit.save(update_fields=["ends"])
        _tell(unit.institution_id, "unit_ended", {"unit": unit.pk, "ends": str(ends)}, by, at, reason)
        return unit


def appoint(
    *,
    person: Person,
    role: str,
    unit: Unit,
    begins: date,
    by: Actor,
    at: datetime,
    reason: str,
    ends: date | None = None,
) -> Post:
    """`person` holds `role` in `unit` from `begins` to `ends`, both inclusive; no `ends`: until ended. Raises NotPossible."""
    with transaction.atomic():
        # Two appointments of one person wait for each other, so that the second sees the first.
        person = Person.objects.select_for_update(no_key=True, of=("self",)).get(pk=person.pk)
        unit = Unit.objects.select_for_update(no_key=True, of=("self",)).get(pk=unit.pk)
        _check_who(by, unit.institution_id, may_change_posts(by))
        _check_reason(reason)
        _check_same_institution(unit.institution_id, person.institution_id)
        if person.pk == by.person_id:
            raise NotPossible("own_appointment", _("Nobody appoints themselves."))
        if role not in PostRole.values:
            raise NotPossible("role_unknown", _("There is no role “%(role)s”."), role=role)
        _check_order(begins, ends)
        _check_within(unit.begins, unit.ends, begins, ends, unit)
        for held in Post.objects.touching(begins, ends).filter(person=person, unit=unit, role=role)[:1]:
            raise NotPossible(
                "already_held",
                _("%(person)s already holds this post from %(day)s."),
                person=person,
                day=held.begins,
            )
        post = Post.objects.create(
            institution_id=unit.institution_id, person=person, role=role, unit=unit, begins=begins, ends=ends
        )
        facts = {"post": post.pk, "person": person.pk, "role": role, "unit": unit.pk, **_days(begins, ends)}
        _tell(post.institution_id, "post_began", facts, by, at, reason)
        return post


def end_post(post: Post, *, ends: date, by: Actor, at: datetime, reason: str) -> Post:
    """The post's last day is `ends`. What was delegated beyond that day ends with it. Raises NotPossible."""
    with transaction.atomic():
        post = _taken(post)
        _check_who(by, post.institution_id, may_change_posts(by))
        _check_reason(reason)
        _check_last_day(post.begins, post.ends, ends)
        post.ends = ends
        post.save(update_fields=["ends"])
        facts = {
            "post": post.pk,
            "person": post.person_id,
            "role": post.role,
            "unit": post.unit_id,
            "ends": str(ends),
        }
        _tell(post.institution_id, "post_ended", facts, by, at, reason)
        return post


def delegate(
    post: Post, *, to: Person, begins: date, ends: date, by: Actor, at: datetime, reason: str
) -> Delegation:
    """`to` may act for the post from `begins` to `ends`, both inclusive; its holder may still act too. Raises NotPossible."""
    with transaction.atomic():
        post = _taken(post)
        _check_who(by, post.institution_id, may_change_posts(by, post))
        _check_reason(reason)
        _check_order(begins, ends)
        _check_within(post.begins, post.ends, begins, ends, post)
        _check_stand_in(post, to, by)
        for other in Delegation.objects.touching(begins, ends).filter(post=post).select_related("to")[:1]:
            raise NotPossible(
                "already_delegated",
                _("This post is already delegated to %(person)s from %(first)s to %(last)s."),
                person=other.to,
                first=other.begins,
                last=other.ends,
            )
        made = Delegation.objects.create(post=post, to=to, begins=begins, ends=ends, reason=reason)
        facts = {"delegation": made.pk, "post": post.pk, "to": to.pk, **_days(begins, ends)}
        _tell(post.institution_id, "post_delegated", facts, by, at, reason)
        return made


def end_delegation(delegation: Delegation, *, ends: date, by: Actor, at: datetime, reason: str) -> Delegation:
    """The delegation's last day is `ends`, earlier than agreed. Raises NotPossible."""
    with transaction.atomic():
        post = _taken(delegation.post)
        delegation = Delegation.objects.get(pk=delegation.pk)
        _check_who(by, post.institution_id, may_change_posts(by, post))
        _check_reason(reason)
        _check_last_day(delegation.begins, delegation.ends, ends)
        delegation.ends = ends
        delegation.save(update_fields=["ends"])
        facts = {"delegation": delegation.pk, "post": post.pk, "to": delegation.to_id, "ends": str(ends)}
        _tell(post.institution_id, "delegation_ended", facts, by, at, reason)
        return delegation


def record_absence(
    post: Post,
    *,
    begins: date,
    ends: date,
    by: Actor,
    at: datetime,
    reason: str,
    substitute: Person | None = None,
) -> Absence:
    """The holder is away from `begins` to `ends`, both inclusive; `substitute` may then act for the post. Raises NotPossible."""
    with transaction.atomic():
        post = _taken(post)
        _check_who(by, post.institution_id, may_change_posts(by, post))
        _check_reason(reason)
        _check_order(begins, ends)
        _check_within(post.begins, post.ends, begins, ends, post)
        if substitute is not None:
            _check_stand_in(post, substitute, by)
        for other in Absence.objects.touching(begins, ends).filter(post=post)[:1]:
            raise NotPossible(
                "already_absent",
                _("An absence from %(first)s to %(last)s is already recorded."),
                first=other.begins,
                last=other.ends,
            )
        absence = Absence.objects.create(
            post=post, begins=begins, ends=ends, substitute=substitute, reason=reason
        )
        facts = {
            "absence": absence.pk,
            "post": post.pk,
            "substitute": absence.substitute_id,
            **_days(begins, ends),
        }
        _tell(post.institution_id, "absence_recorded", facts, by, at, reason)
        return absence


def end_absence(absence: Absence, *, ends: date, by: Actor, at: datetime, reason: str) -> Absence:
    """The holder was last away on `ends`, and is back earlier than recorded. Raises NotPossible."""
    with transaction.atomic():
        post = _taken(absence.post)
        absence = Absence.objects.get(pk=absence.pk)
        _check_who(by, post.institution_id, may_change_posts(by, post))
        _check_reason(reason)
        _check_last_day(absence.begins, absence.ends, ends)
        absence.ends = ends
        absence.save(update_fields=["ends"])
        facts = {
            "absence": absence.pk,
            "post": post.pk,
            "substitute": absence.substitute_id,
            "ends": str(ends),
        }
        _tell(post.institution_id, "absence_ended", facts, by, at, reason)
        return absence


def _taken(post: Post) -> Post:
    """The post's row, held: changes of one post wait for each other, so that each sees the one before."""
    held: Post = Post.objects.select_for_update(no_key=True).get(pk=post.pk)
    return held


def _tell(
    institution_id: int, what: str, facts: Mapping[str, Any], by: Actor, at: datetime, reason: str
) -> None:
    for listener in on_changed:
        listener(institution_id, what, {**facts, "reason": reason}, by, at)


def _beyond(day: date) -> Q:
    return Q(ends__isnull=True) | Q(ends__gt=day)


def _days(begins: date, ends: date | None) -> dict[str, str | None]:
    return {"begins": str(begins), "ends": None if ends is None else str(ends)}


def _check_who(by: Actor, institution_id: int, may: bool) -> None:
    if by.institution_id != institution_id:
        raise NotPossible("other_institution", _("That belongs to another institution."))
    if not may:
        raise NotPossible(
            "not_yours",
            _(
                "Only the organisation department may do this; a post's own holder may delegate it and record absence."
            ),
        )


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise NotPossible("no_reason", _("Give a reason."))


def _check_same_institution(institution_id: int, other_id: int) -> None:
    if other_id != institution_id:
        raise NotPossible("other_institution", _("That belongs to another institution."))


def _check_stand_in(post: Post, person: Person, by: Actor) -> None:
    _check_same_institution(post.institution_id, person.institution_id)
    if person.pk == post.person_id:
        raise NotPossible(
            "oneself", _("%(person)s holds this post and cannot also stand in for it."), person=person
        )
    if person.pk == by.person_id:
        raise NotPossible("to_oneself", _("Nobody gives somebody else's post to themselves."))
    if not person.is_active:
        raise NotPossible("not_active", _("The account of %(person)s is closed."), person=person)


def _check_order(begins: date, ends: date | None) -> None:
    if ends is not None and ends < begins:
        raise NotPossible(
            "ends_first",
            _("The last day (%(last)s) is before the first day (%(first)s)."),
            first=begins,
            last=ends,
        )


def _check_within(
    first: date, last: date | None, begins: date, ends: date | None, whole: Post | Unit
) -> None:
    if begins < first:
        raise NotPossible("too_early", _("%(whole)s begins only on %(first)s."), whole=whole, first=first)
    if last is not None and (ends is None or ends > last):
        raise NotPossible("too_late", _("%(whole)s ends on %(last)s."), whole=whole, last=last)


def _check_last_day(begins: date, agreed: date | None, ends: date) -> None:
    _check_order(begins, ends)
    if agreed is not None and ends >= agreed:
        raise NotPossible("ended", _("It already ends on %(last)s."), last=agreed)

"""Whatever decides who may act stands in the institution's chain "posts": units, appointments, delegations, absences."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from organisation import changes
from organisation.actors import clock_of
from organisation.models import Absence, Delegation, Post
from tests.supervision.county import AT, County
from workflows.models import Entry, Payload
from workflows.verification import verify

FIRST, LAST = date(2026, 5, 1), date(2026, 5, 31)


def chain(place: County) -> list[tuple[str, dict[str, Any]]]:
    """The chain's steps with what they were decided on, in order."""
    entries = Entry.objects.filter(kind="institution.posts", document_id=place.institution.pk).order_by(
        "sequence"
    )
    payloads = dict(
        Payload.objects.filter(kind="institution.posts", document_id=place.institution.pk).values_list(
            "sequence", "content"
        )
    )
    return [(entry.step, json.loads(bytes(payloads[entry.sequence]))) for entry in entries]


def delegated(place: County, said: dict[str, Any]) -> Delegation:
    return changes.delegate(
        place.posts["deputy"], to=place.people["stranger"], begins=FIRST, ends=LAST, **said
    )


def absent(place: County, said: dict[str, Any]) -> Absence:
    return changes.record_absence(
        place.posts["deputy"], begins=FIRST, ends=LAST, substitute=place.people["stranger"], **said
    )


def appointed(place: County, said: dict[str, Any]) -> Post:
    return changes.appoint(
        person=place.people["stranger"], role="unit_staff", unit=place.units["bureau"], begins=FIRST, **said
    )


CHANGES: dict[str, Callable[[County, dict[str, Any]], Any]] = {
    "unit_began": lambda place, said: changes.begin_unit(
        institution=place.institution, parent=place.units["county"], kind="department", name_zh="数据局", begins=FIRST, **said
    ),
    "unit_ended": lambda place, said: changes.end_unit(place.units["section"], ends=LAST, **said),
    "post_began": appointed,
    "post_ended": lambda place, said: changes.end_post(place.posts["staff"], ends=LAST, **said),
    "post_delegated": delegated,
    "delegation_ended": lambda place, said: changes.end_delegation(
        delegated(place, said), ends=date(2026, 5, 15), **said
    ),
    "absence_recorded": absent,
    "absence_ended": lambda place, said: changes.end_absence(absent(place, said), ends=date(2026, 5, 15), **said),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_is_one_entry_with_who_when_and_why(place: County, what: str) -> None:
    before = len(chain(place))
    said = {"by": clock_of(place.institution.pk), "at": AT, "reason": "机构改革"}
    CHANGES[what](place, said)
    fresh = chain(place)[before:]
    assert fresh[-1][0] == what
    assert len(fresh) == (2 if what in ("delegation_ended", "absence_ended") else 1)
    assert fresh[-1][1]["reason"] == "机构改革"
    entry = Entry.objects.filter(kind="institution.posts").latest("sequence")
    assert (entry.institution_id, entry.actor, entry.recorded_at) == (place.institution.pk, None, AT)
    assert verify(place.institution.pk).clean


def test_the_writers_are_all_of_them() -> None:
    """A new way of changing who may act is either in the table above, or this fails."""
    writers = {
        name for name, value in vars(changes).items()
        if callable(value) and getattr(value, "__module__", "") == changes.__name__ and not name.startswith("_")
        and name not in ("NotPossible", "may_change_posts", "OnChanged")
    }  # fmt: skip
    assert len(writers) == len(CHANGES), sorted(writers)


def test_a_person_s_change_names_the_person_and_the_capacity(place: County) -> None:
    head = place.actor("head", AT)
    changes.delegate(
        place.posts["head"], to=place.people["stranger"], begins=date(2027, 1, 4), ends=date(2027, 1, 8), by=head, at=AT,
        reason="出差",
    )  # fmt: skip
    entry = Entry.objects.filter(kind="institution.posts").latest("sequence")
    assert (entry.actor, entry.as_role) == (place.people["head"].pk, "head")


def test_a_change_that_cannot_be_entered_does_not_happen(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workflows import ledger

    def no(*given: Any, **more: Any) -> None:
        raise IntegrityError("the ledger is not to be written")

    monkeypatch.setattr(ledger, "record_institution", no)
    with pytest.raises(IntegrityError), transaction.atomic():
        appointed(place, {"by": clock_of(place.institution.pk), "at": AT, "reason": "任职"})
    assert not Post.objects.filter(person=place.people["stranger"]).exists()


def test_another_institution_s_chain_is_another_chain(place: County) -> None:
    kinds = (
        Entry.objects.filter(kind="institution.posts").values_list("document_id", "institution_id").distinct()
    )
    assert len(kinds) == 2
    assert all(document == institution for document, institution in kinds)

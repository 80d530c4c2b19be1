"""One row a notice, found by its absence; one digest a person and working day; who is sent nothing, and why."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from django.core import mail

from notifications.deliveries import receipts_of
from notifications.models import Delivery, DigestRun, Status
from notifications.planning import plan
from notifications.preferences import lay_down, set_wishes, wishes_of
from notifications.sending import deliver
from organisation.actors import clock_of
from tests.notifications.ground import AT, address, notice
from tests.supervision.county import County, moment
from workflows.clockwork import SWEEP, beat
from workflows.models import Notice


def status_of(row: Notice) -> tuple[str, str]:
    found = Delivery.objects.get(notice=row)
    return found.status, found.why


def test_every_notice_gets_exactly_one_row_however_often_it_is_planned(place: County) -> None:
    rows = [notice(place, urgent=urgent) for urgent in (True, False, True)]
    assert plan(AT, "mail").notices == 3
    assert plan(AT, "mail").notices == 0
    assert sorted(
        Delivery.objects.filter(notice__isnull=False).values_list("notice_id", flat=True)
    ) == sorted(r.pk for r in rows)


def test_a_notice_with_a_lower_id_that_appears_later_is_planned_too(place: County) -> None:
    first = notice(place)
    late = notice(place)
    pk = late.pk
    late.delete()
    third = notice(place)
    assert pk < third.pk
    plan(AT, "mail")
    straggler = notice(place, pk=pk)
    assert straggler.pk < third.pk
    assert plan(AT, "mail", thorough=False).notices == 1
    assert status_of(straggler) == status_of(first) == ("pending", "")


def test_one_digest_a_day_lists_what_is_new_and_the_next_comes_the_next_working_day(place: County) -> None:
    friday = moment(3, 6, 9)
    first = [notice(place, urgent=False, title=f"事项{n}") for n in (1, 2)]
    assert deliver(friday).digests == 1
    assert len(mail.outbox) == 1
    assert mail.outbox[0].subject == "【督办】2026年3月6日 通知 2 条"
    assert mail.outbox[0].body.count("\n· ") == 2
    later = notice(place, urgent=False)
    assert deliver(friday + timedelta(hours=3)).digests == 0
    assert deliver(moment(3, 7, 10)).digests == 0, "a Saturday"
    assert status_of(later) == ("waiting", "")
    assert deliver(moment(3, 9, 8, 29)).digests == 0, "before the hour"
    assert deliver(moment(3, 9, 8, 31)).digests == 1
    assert len(mail.outbox) == 2
    assert DigestRun.objects.count() == 2
    assert [r.status for r in receipts_of([first[0].pk])[first[0].pk]] == ["sent"]


def test_what_was_read_meanwhile_is_not_mailed(place: County) -> None:
    seen, unseen = notice(place, urgent=False), notice(place, urgent=False)
    plan(moment(3, 2, 7), "mail")
    Notice.objects.filter(pk=seen.pk).update(read_at=moment(3, 2, 8))
    deliver(AT)
    assert status_of(seen) == ("suppressed", "read")
    assert status_of(unseen) == ("gathered", "")
    assert "1 条" in mail.outbox[0].subject


def test_a_digest_of_which_nothing_is_left_is_not_sent(place: County) -> None:
    seen = notice(place, urgent=False)
    Notice.objects.filter(pk=seen.pk).update(read_at=AT)
    deliver(AT)
    assert mail.outbox == []
    assert Delivery.objects.get(notice=None).why == "nothing_left"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"email": ""}, "no_address"),
        ({"is_active": False}, "inactive"),
    ],
)
def test_who_cannot_be_reached_is_sent_nothing_and_the_row_says_why(
    place: County, change: dict[str, Any], why: str
) -> None:
    row = notice(place)
    type(row.person).objects.filter(pk=row.person_id).update(**change)
    deliver(AT)
    assert status_of(row) == ("suppressed", why)
    assert mail.outbox == []


def test_a_simulated_institution_is_never_mailed_not_even_after_it_thaws(place: County) -> None:
    row = notice(place)
    place.institution.frozen_at = AT
    place.institution.save(update_fields=["frozen_at"])
    deliver(AT)
    place.institution.frozen_at = None
    place.institution.save(update_fields=["frozen_at"])
    deliver(AT)
    assert status_of(row) == ("suppressed", "simulation")
    assert mail.outbox == []


def test_a_persons_wish_goes_before_the_institutions_and_that_before_the_products(place: County) -> None:
    staff, head = address(place, "staff"), address(place, "head")
    lay_down(
        place.institution.pk,
        by=clock_of(place.institution.pk),
        at=AT,
        digest_by_mail=False,
        digest_at=time(17),
    )
    set_wishes(staff, digest_by_mail=True)
    assert wishes_of(staff)["digest_by_mail"] is True
    assert wishes_of(staff)["digest_at"] == time(17)
    assert wishes_of(head)["digest_by_mail"] is False
    assert wishes_of(head)["urgent_by_mail"] is True
    his, hers = notice(place, "head", urgent=False), notice(place, "staff", urgent=False)
    deliver(AT)
    assert (status_of(his), status_of(hers)) == (("suppressed", "switched_off"), ("waiting", ""))
    deliver(moment(3, 2, 17, 1))
    assert [m.to for m in mail.outbox] == [["staff@example.org"]]


def test_nothing_leaves_in_quiet_hours_and_everything_after_them(place: County) -> None:
    notice(place)
    for late in (moment(3, 2, 20), moment(3, 2, 23, 59), moment(3, 3, 7, 59)):
        assert deliver(late).sent == 0
    assert deliver(moment(3, 3, 8)).sent == 1


def test_planning_costs_the_same_for_one_notice_and_for_two_hundred(
    place: County, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    notice(place)
    plan(AT, "mail")
    notice(place)
    with django_assert_max_num_queries(9) as few:
        plan(AT, "mail")
    for _ in range(200):
        notice(place)
    with django_assert_num_queries(len(few)):
        plan(AT, "mail")
    notice(place, urgent=False)
    with django_assert_max_num_queries(16) as one_digest:
        assert plan(AT, "mail").digests == 1
    for who in ("staff", "head", "deputy"):
        for _ in range(30):
            notice(place, who, urgent=False)
    with django_assert_max_num_queries(len(one_digest)):
        assert plan(moment(3, 3, 9), "mail").digests == 3
    assert Delivery.objects.filter(status=Status.GATHERED).count() == 91


def test_a_pass_with_nothing_to_do_is_cheap(place: County, django_assert_max_num_queries: Any) -> None:
    deliver(AT)
    with django_assert_max_num_queries(6):
        deliver(AT, thorough=False)


def test_the_notice_of_an_outage_is_mailed_when_it_is_whole(place: County) -> None:
    """While the sweep still catches up, a batch a tick, the notice grows; what is mailed could not."""
    before = AT - timedelta(days=7)
    beat(SWEEP, AT, {"catching_up_from": before.isoformat()})
    notice(place, code="outage", params={"count": 0, "items": []})
    other = notice(
        place, code="hand_over", params={"from": "甲"}, kind="orders.supervisionorder", document_id=1
    )
    assert plan(AT, "mail").notices == 1
    assert list(Delivery.objects.values_list("notice_id", flat=True)) == [other.pk]
    beat(SWEEP, AT, {"outage": {"from": before.isoformat(), "to": AT.isoformat()}})
    assert plan(AT, "mail").notices == 1

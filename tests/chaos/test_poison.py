"""One that always raises among a thousand: the others pass in the same sweep and the same pass of mails, and somebody is shown
which one and why (T13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from notifications.models import Delivery
from notifications.sending import deliver
from tests.chaos import ground
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.notifications.ground import Sink, notice, use
from tests.supervision.county import County
from tests.workflows.clock_ground import DRAFTED, item_of, orders, steps_of
from workflows import auditor
from workflows.clockwork import database_clock, tick
from workflows.deadlines import sweep
from workflows.models import Finding, Heartbeat, Notice, WorkItem
from workflows.setting_aside import retry

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("how", ["it raises in Python", "the database refuses it"])
def test_one_deadline_that_always_raises_holds_back_none_of_the_others(
    place: County, how: str, record: Record
) -> None:
    record.title = f"One poisoned deadline among {SCALE.poisoned_among}: {how}"
    many = SCALE.poisoned_among
    made = orders(place, many, ground.days_ago(20))
    bad = made[many // 3]
    item = item_of(bad, DRAFTED)
    whole, spoilt = item.ladder, {"tells": ["nobody"]} if "Python" in how else {"key": "k" * 90}
    WorkItem.objects.filter(pk=item.pk).update(ladder=[{**step, **spoilt} for step in whole])
    now = database_clock()
    swept = sweep(now)
    record.exactly("T13", f"{how}: documents taken in the same sweep", swept.documents, many - 1)
    record.exactly("T13", f"{how}: set aside", swept.set_aside, 1)
    assert all(len(steps_of(order)) == 4 for order in made if order is not bad)
    assert steps_of(bad) == []

    Heartbeat.objects.create(component="sweep", at=now)
    auditor.audit(now)
    finding = Finding.objects.get(code="set_aside")
    assert (finding.document_id, finding.params["attempts"]) == (bad.pk, 1)
    browser = Browser()
    browser.force_login(place.people["checker"], backend="organisation.sign_in.PersonBackend")
    page = browser.get("/operation/").content.decode()
    shown = item_of(bad, DRAFTED).last_error
    assert bad.title in page
    assert shown.split(":")[0] in page, "the operator reads why"
    WorkItem.objects.filter(pk=item.pk).update(ladder=whole)
    assert browser.post(f"/operation/items/{item.pk}/retry/").status_code == 302
    assert not retry(item.pk, institution_id=item.institution_id), "it has been asked for"
    record.exactly(
        "T13", f"{how}: steps taken when it was mended and tried again", sweep(database_clock()).steps, 4
    )
    auditor.audit(database_clock())
    record.exactly(
        "T13", f"{how}: findings afterwards", list(Finding.objects.values_list("code", flat=True)), []
    )
    ground.assert_nothing_lost(database_clock())


def test_one_notice_that_cannot_be_worded_and_one_address_that_is_refused_hold_back_no_mail(
    place: County, sink: Sink, settings: Any, record: Record
) -> None:
    many = SCALE.poisoned_among
    record.title = f"One poisoned notice and one poisoned address among {many} mails"
    use(settings, sink.port)
    now = database_clock()
    for n in range(many - 3):
        notice(place, ("drafter", "checker", "leader")[n % 3], at=now)
    notice(place, "drafter", at=now, code="no.such.code", kind="no.such_kind", params={"items": None})
    notice(place, "drafter", at=now, params={"count": 1, "items": [{"nothing": "of use"}]})
    notice(place, "head", at=now)
    sink.answers["head@example.org"] = "550 5.1.1 no such user"
    done = deliver(now, budget=300)
    record.exactly("T13", "mails sent in the same pass", done.sent, many - 1)
    record.exactly(
        "T13",
        "dead letters",
        list(Delivery.objects.filter(status="dead").values_list("address", flat=True)),
        ["head@example.org"],
    )
    assert len(sink.ids) == len(set(sink.ids)) == many - 1
    found = [fault for fault in auditor.find(now + timedelta(hours=2)) if fault.code == "dead_letter"]
    assert len(found) == 1, "a dead letter is shown to an operator"


def test_one_person_who_cannot_be_told_and_one_broken_opening_stop_no_tick(
    place: County, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workflows import openings

    record.title = "A poisoned opening beside what is due"

    def raises(institution_id: int, at: object) -> int:
        raise RuntimeError("no")

    monkeypatch.setitem(openings._openings, "broken", raises)
    made = orders(place, 20, ground.days_ago(20))
    now = database_clock()
    ticked = tick(now)
    record.least("T13", "documents taken beside an opening that raises", ticked.swept.documents, 20)
    assert all(len(steps_of(order)) == 4 for order in made)
    assert Finding.objects.filter(code="opening_failed:broken").exists()
    assert Notice.objects.filter(code__startswith="ladder:").exists()

"""A published calendar moves running deadlines: each is listed, ledgered and told; what was taken is not taken again."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from calendars.edition_files import shipped_editions
from calendars.publishing import publish_edition, publish_overlay
from calendars.state_years import Span
from organisation.models import Institution
from supervision.orders.models import SupervisionOrder
from tests.supervision import county as counties
from tests.supervision.county import County, moment, order_of, report_of, walk
from tests.workflows.clock_ground import DRAFTED, in_threads, item_of, orders, stage, steps_of
from workflows.calendar_changes import rederive
from workflows.deadlines import sweep
from workflows.models import Entry, Notice, Payload, WorkItem
from workflows.verification import verify

PUBLISHED = moment(3, 3, 10)


@pytest.fixture
def place(db: None) -> County:
    return stage()


def close_days(place: County, first: date, last: date | None = None, at: datetime = PUBLISHED) -> None:
    """The county closes its offices on these days."""
    publish_overlay(
        place.institution.pk, "closure", first, last or first, name_zh="暴雪停工", name_en="Closed for snow",
        source="和政办发〔2026〕9号", by=None, at=at,
    )  # fmt: skip


def rederivations(document: Any) -> list[dict[str, Any]]:
    """What the chain of a document says about dates that a calendar moved."""
    entries = Entry.objects.filter(kind=document.kind(), document_id=document.pk, step="rederived").order_by(
        "sequence"
    )
    payloads = Payload.objects.filter(kind=document.kind(), document_id=document.pk)
    return [json.loads(bytes(payloads.get(sequence=entry.sequence).content)) for entry in entries]


def test_every_date_that_moves_is_written_told_and_listed(place: County) -> None:
    """Due on 4 March; the offices are closed on the 4th and 5th."""
    order = order_of(place)
    close_days(place, date(2026, 3, 4), date(2026, 3, 5))
    item = item_of(order, DRAFTED)
    assert (item.due_on, item.original_due_on) == (date(2026, 3, 6), date(2026, 3, 4))
    assert item.due_at == moment(3, 7, 0)
    assert item.next_step_at == moment(3, 6, 9)
    [content] = rederivations(order)
    assert (content["due_was"], content["due_on"], content["duty"]) == ("2026-03-04", "2026-03-06", DRAFTED)
    assert content["derivation"]["recalculated"][-1]["due_was"] == "2026-03-04"
    notice = Notice.objects.get(code="rederived", person=place.people["drafter"])
    assert notice.params == {"duty": DRAFTED, "due_was": "2026-03-04", "due_on": "2026-03-06"}
    assert sweep(moment(3, 5, 9)).steps == 0
    assert sweep(moment(3, 6, 9)).steps == 1
    assert verify().clean


def test_rederiving_lists_what_moved_and_the_second_time_nothing(place: County) -> None:
    order, report = order_of(place), report_of(place, at=moment(4, 1))
    before = Entry.objects.count()
    close_days(place, date(2026, 4, 10), at=moment(4, 2))
    moved = Entry.objects.filter(step="rederived")
    assert {(e.kind, e.document_id) for e in moved} >= {(report.kind(), report.pk)}
    assert (order.kind(), order.pk) not in {(e.kind, e.document_id) for e in moved}
    assert rederive(None, moment(4, 2)) == []
    assert Entry.objects.count() == before + moved.count() + 1  # and one in the institution's own chain


def test_rederive_returns_the_moves(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    from calendars import publishing

    order = order_of(place)
    monkeypatch.setattr(publishing, "on_published", [])
    close_days(place, date(2026, 3, 4))
    [moved] = rederive(place.institution.pk, PUBLISHED)
    assert (moved.kind, moved.document_id, moved.title) == (order.kind(), order.pk, order.title)
    assert (moved.due_was, moved.due_on, moved.duty) == (date(2026, 3, 4), date(2026, 3, 5), DRAFTED)


def test_a_paused_deadline_moves_too_and_goes_on_from_its_new_date(place: County) -> None:
    """Due on 16 March and paused on the 10th; then the 16th and 17th become rest days."""
    order = walk(place, order_of(place), counties.TO_HAND)
    walk(place, order, "prove:staff, claim_done:head", moment(3, 10))
    close_days(place, date(2026, 3, 16), date(2026, 3, 17), at=moment(3, 10, 15))
    item = item_of(order, "order.finish")
    assert item.due_on == date(2026, 3, 18)
    assert item.paused_at
    assert item.next_step_at is None
    assert "order.finish" in {content["duty"] for content in rederivations(order)}
    walk(place, order, "take_up:checker, return_work:checker", moment(3, 10, 17))
    item = item_of(order, "order.finish")
    assert (item.paused_at, item.due_on) == (None, date(2026, 3, 18))
    assert item.next_step_at


def test_what_was_taken_stays_taken(place: County) -> None:
    """Overdue since midnight and told so; then the due day turns out to have been a rest day."""
    order = order_of(place)
    sweep(moment(3, 5, 1))
    assert item_of(order, DRAFTED).lamp == "red"
    close_days(place, date(2026, 3, 4), at=moment(3, 5, 8))
    item = item_of(order, DRAFTED)
    assert (item.due_on, item.lamp, item.ladder_at) == (date(2026, 3, 5), "green", 0)
    sweep(moment(3, 6, 1))
    assert item_of(order, DRAFTED).lamp == "red"
    assert [key for key, _, _ in steps_of(order)] == ["due_today", "overdue", "due_today", "overdue"]
    told = Notice.objects.filter(person=place.people["drafter"], code__startswith="ladder:").count()
    assert told == 2  # once for each date


def test_what_a_step_caused_it_does_not_cause_again_for_the_new_date(place: County) -> None:
    report = report_of(place)
    sweep(moment(4, 20))
    assert SupervisionOrder.objects.filter(report=report).count() == 1
    close_days(place, date(2026, 4, 1), date(2026, 4, 30), at=moment(4, 21))
    item = item_of(report, "quarterly_report")
    assert (item.due_on, item.ladder_at) == (
        date(2026, 5, 6),
        1,
    )  # the reminder, three working days before, is past
    assert [step["action"] for step in item.ladder] == [None] * 5
    sweep(moment(6, 1))
    assert SupervisionOrder.objects.filter(report=report).count() == 1


def test_a_provisional_date_settles_when_its_year_is_published(place: County) -> None:
    """Due on 4 January 2027, by a calendar not published yet; its holiday ends on the 3rd, so the date stays."""
    order = walk(place, order_of(place, due_on=date(2027, 1, 4)), counties.TO_HAND)
    assert item_of(order, "order.finish").provisional
    new_year = Span(date(2027, 1, 1), date(2027, 1, 3), "元旦", "New Year's Day")
    year = replace(
        shipped_editions()[-1], year=2027, number=1, issued_on=date(2026, 11, 4), off=(new_year,), work=()
    )
    publish_edition(year, None, moment(11, 5))
    item = item_of(order, "order.finish")
    assert (item.provisional, item.due_on) == (False, date(2027, 1, 4))
    assert rederivations(order)[-1]["provisional"] is False
    assert (
        Notice.objects.filter(code="rederived", document_id=order.pk, params__duty="order.finish").count()
        == 0
    )


def test_one_institutions_own_days_move_nobody_elses(place: County) -> None:
    order = order_of(place)
    other = Institution.objects.get(slug="elsewhere")
    publish_overlay(
        other.pk, "closure", date(2026, 3, 4), date(2026, 3, 4), name_zh="停工", name_en="Closed", source="x", by=None,
        at=PUBLISHED,
    )  # fmt: skip
    assert item_of(order, DRAFTED).due_on == date(2026, 3, 4)
    assert rederivations(order) == []


def test_what_is_closed_keeps_the_date_it_had(place: County) -> None:
    order = order_of(place)
    counties.act(place, order, "set_aside", "drafter")
    close_days(place, date(2026, 3, 4))
    assert item_of(order, DRAFTED).due_on == date(2026, 3, 4)


def test_the_publication_stands_in_the_institutions_chain(place: County) -> None:
    close_days(place, date(2026, 3, 4))
    entry = Entry.objects.get(
        kind="institution.calendars",
        document_id=place.institution.pk,
        step="published",
        recorded_at=PUBLISHED,
    )
    content = json.loads(
        bytes(
            Payload.objects.get(
                kind=entry.kind, document_id=entry.document_id, sequence=entry.sequence
            ).content
        )
    )
    assert content["content"]["source"] == "和政办发〔2026〕9号"


def test_a_publication_waits_for_who_holds_a_document_and_loses_nothing(committed_db: Any) -> None:
    """The order is being submitted while the calendar is published: the item that step opens is derived anew as well."""
    place = stage()
    order = orders(place, 1)[0]
    counties.change(
        place,
        order,
        "drafter",
        criteria=[{"text": "达标"}],
        source="meeting",
        authority="县政府",
        clause="一",
    )

    def submit() -> None:
        with transaction.atomic():
            counties.act(place, order, "submit", "drafter", moment(3, 3))
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.3)")

    in_threads(submit, lambda: close_days(place, date(2026, 3, 4), date(2026, 3, 6)))
    # Whichever came first: afterwards nothing that is open would move again.
    rederive(None, PUBLISHED)
    assert WorkItem.objects.get(document_id=order.pk, closed_at=None).due_on > date(2026, 3, 6)
    assert verify().clean


def test_the_clock_settles_what_a_straggler_opened_under_the_old_calendar(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    from calendars import publishing
    from workflows.clockwork import tick

    tick(PUBLISHED - timedelta(minutes=10))
    order = order_of(place, at=PUBLISHED - timedelta(minutes=5))
    monkeypatch.setattr(publishing, "on_published", [])
    close_days(place, date(2026, 3, 4), date(2026, 3, 5))
    assert tick(PUBLISHED).moved == 0
    assert tick(PUBLISHED + timedelta(minutes=1)).moved == 0
    assert tick(PUBLISHED + timedelta(minutes=2)).moved == 1
    assert tick(PUBLISHED + timedelta(minutes=3)).moved == 0
    assert item_of(order, DRAFTED).due_on == date(2026, 3, 9)

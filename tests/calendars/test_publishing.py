"""Publishing: rows are for good, stamps grow, and a calendar of a stamp never changes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from calendars.edition_files import shipped_editions
from calendars.models import Edition, Overlay
from calendars.publishing import CannotPublish, Published, on_published, publish_edition, publish_overlay
from calendars.queries import STAMP, calendar_of, current_stamp
from calendars.state_years import Span, StateYear
from organisation.models import Institution

AT = datetime(2026, 11, 5, 2, 0, tzinfo=UTC)
NEW_YEAR = Span(date(2027, 1, 1), date(2027, 1, 3), "元旦", "New Year's Day")
OF_2027 = StateYear(2027, 1, "国办发明电〔2026〕X号", "通知", "notice", date(2026, 11, 4), (NEW_YEAR,), ())


@pytest.fixture
def county() -> Institution:
    return Institution.objects.create(slug="county", name_zh="某县")


@pytest.fixture
def told() -> Iterator[list[Published]]:
    """What listeners are told; theirs is taken off the list again, others' are put aside."""
    heard: list[Published] = []
    others, on_published[:] = on_published[:], [heard.append]
    yield heard
    on_published[:] = others


def close(institution: Institution, day: date, **changes: Any) -> Overlay:
    said: dict[str, Any] = {
        "name_zh": "停电",
        "name_en": "power cut",
        "source": "县政府通知",
        "by": None,
        "at": AT,
    }
    return publish_overlay(institution.pk, "closure", day, day, **{**said, **changes})


@pytest.mark.django_db
def test_a_fresh_database_holds_the_shipped_editions() -> None:
    assert [str(edition) for edition in Edition.objects.all()] == ["cn-2025#1", "cn-2026#1"]
    assert [edition.as_state_year() for edition in Edition.objects.all()] == shipped_editions()
    assert [edition.digest for edition in Edition.objects.all()] == [e.digest for e in shipped_editions()]


@pytest.mark.django_db
def test_a_publication_grows_the_stamp_and_tells_the_rooms_above(told: list[Published]) -> None:
    before = current_stamp()
    row, new = publish_edition(OF_2027, None, AT)
    assert new
    assert row.stamp == current_stamp() > before
    assert told == [Published("cn-2027#1", None, row.stamp, OF_2027.as_json(), None, AT)]


@pytest.mark.django_db
def test_own_days_are_told_with_their_institution(told: list[Published], county: Institution) -> None:
    row = close(county, date(2026, 12, 1))
    content = {
        "kind": "closure", "begins": "2026-12-01", "ends": "2026-12-01", "zh": "停电", "en": "power cut", "source": "县政府通知",
    }  # fmt: skip
    assert told == [Published(f"overlay-{row.pk}", county.pk, current_stamp(), content, None, AT)]


@pytest.mark.django_db
def test_nothing_is_told_about_what_was_published_before(told: list[Published]) -> None:
    _, new = publish_edition(shipped_editions()[0], None, AT)
    assert (new, told) == (False, [])


@pytest.mark.django_db
def test_a_listener_that_fails_takes_the_publication_back() -> None:
    def fails(published: Published) -> None:
        raise RuntimeError("the ledger is full")

    before = current_stamp()
    on_published.append(fails)
    try:
        with pytest.raises(RuntimeError, match="the ledger is full"):
            publish_edition(OF_2027, None, AT)
    finally:
        on_published.remove(fails)
    assert (current_stamp(), Edition.objects.filter(year=2027).count()) == (before, 0)


@pytest.mark.django_db
def test_a_calendar_of_an_earlier_stamp_stays_as_it_was(county: Institution) -> None:
    before = current_stamp()
    close(county, date(2026, 12, 1))
    after = current_stamp()
    assert calendar_of(county.pk, before).is_working(date(2026, 12, 1))
    assert not calendar_of(county.pk, after).is_working(date(2026, 12, 1))
    assert calendar_of(None, after).is_working(date(2026, 12, 1))


@pytest.mark.django_db
def test_own_days_of_one_institution_are_no_affair_of_another(county: Institution) -> None:
    other = Institution.objects.create(slug="other", name_zh="别县")
    close(county, date(2026, 12, 1))
    assert calendar_of(other.pk, current_stamp()).is_working(date(2026, 12, 1))


@pytest.mark.django_db
def test_a_calendar_is_read_once_per_stamp(county: Institution) -> None:
    close(county, date(2026, 12, 1))
    stamp = current_stamp()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        first = calendar_of(county.pk, stamp)
    with CaptureQueriesContext(connection) as none:
        second = calendar_of(county.pk, stamp)
    assert (len(queries), len(none)) == (2, 0)
    assert second is first


@pytest.mark.django_db
def test_a_stamp_that_was_rolled_back_is_never_given_again(county: Institution) -> None:
    """Otherwise a process that had read the calendar meanwhile would take it for the next one."""
    with transaction.atomic():
        close(county, date(2026, 12, 1))
        seen = current_stamp()
        assert not calendar_of(county.pk, seen).is_working(date(2026, 12, 1))
        transaction.set_rollback(True)
    close(county, date(2026, 12, 2))
    assert current_stamp() > seen
    assert calendar_of(county.pk, current_stamp()).is_working(date(2026, 12, 1))


@pytest.mark.django_db
def test_the_stamp_comes_along_with_other_rows(county: Institution) -> None:
    row = Institution.objects.annotate(stamp=STAMP).get(pk=county.pk)
    assert row.stamp == current_stamp()


@pytest.mark.django_db
def test_what_is_published_cannot_be_changed_or_removed(county: Institution) -> None:
    close(county, date(2026, 12, 1))
    for rows in (Edition.objects.filter(year=2026), Overlay.objects.all()):
        with pytest.raises(IntegrityError, match="never changed: publish a correction"), transaction.atomic():
            rows.update(stamp=1)
        with pytest.raises(IntegrityError, match="never changed: publish a correction"), transaction.atomic():
            rows.delete()


@pytest.mark.django_db
def test_a_correction_is_the_next_number_and_prevails() -> None:
    publish_edition(OF_2027, None, AT)
    longer = replace(NEW_YEAR, ends=date(2027, 1, 4))
    publish_edition(replace(OF_2027, number=2, off=(longer,)), None, AT)
    calendar = calendar_of(None, current_stamp())
    assert calendar.shift(date(2026, 12, 31), 1) == date(2027, 1, 5)
    assert [b.key for b in calendar.bases(date(2027, 1, 1), date(2027, 1, 5))] == ["cn-2027#2"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "party"}, "'party' is none of local_holiday, closure, own_working_day, withdrawn"),
        ({"ends": date(2026, 11, 30)}, "the last day 2026-11-30 is before the first day 2026-12-01"),
        ({"source": " "}, "source must be given"),
        ({"name_zh": "", "name_en": ""}, "name_zh, name_en must be given"),
    ],
)
def test_own_days_that_cannot_be_meant_are_refused(
    county: Institution, changes: dict[str, Any], reason: str
) -> None:
    said = {
        "kind": "closure", "begins": date(2026, 12, 1), "ends": date(2026, 12, 1), "name_zh": "停电", "name_en": "power cut",
        "source": "县政府通知", **changes,
    }  # fmt: skip
    with pytest.raises(CannotPublish) as refused:
        publish_overlay(
            county.pk, said.pop("kind"), said.pop("begins"), said.pop("ends"), by=None, at=AT, **said
        )
    assert str(refused.value) == reason


@pytest.mark.django_db
def test_an_edition_with_faults_is_refused() -> None:
    with pytest.raises(CannotPublish, match="元旦: ends 2026-12-31 before it begins 2027-01-01"):
        publish_edition(replace(OF_2027, off=(replace(NEW_YEAR, ends=date(2026, 12, 31)),)), None, AT)


def test_eight_publishers_at_once_get_eight_stamps(committed_db: object) -> None:
    county = Institution.objects.create(slug="county", name_zh="某县")
    stamps: list[int] = []

    def publish(day: int) -> None:
        try:
            stamps.append(close(county, date(2026, 12, day)).stamp)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish, args=(day,)) for day in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(stamps)) == 8
    assert current_stamp() == max(stamps)
    calendar = calendar_of(county.pk, current_stamp())
    assert calendar.shift(date(2026, 11, 30), 1) == date(2026, 12, 9)

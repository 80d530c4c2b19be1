"""Versions and years: published for good, pinned, and closed only by a decision."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from organisation.actors import Actor
from organisation.models import Institution
from supervision.schemes.models import Cycle, Scheme, SchemeVersion
from supervision.schemes.pack import SHIPPED, read_pack
from supervision.schemes.publishing import CannotPublish, close_cycle, open_cycle, publish_version
from workflows.models import Entry

from .conftest import AT, Edited

PACK = SHIPPED / "hoboksar-county.yaml"


def steps(institution_id: int) -> list[tuple[str, int]]:
    entries = Entry.objects.filter(kind="institution.schemes", document_id=institution_id).order_by(
        "sequence"
    )
    return [(entry.step, entry.sequence) for entry in entries]


@pytest.mark.django_db
def test_a_pack_becomes_version_one_and_stands_in_the_ledger(
    version: SchemeVersion, county: Institution
) -> None:
    assert str(version) == "hoboksar-county@1"
    assert version.content == read_pack(PACK)
    assert (version.scheme.name_zh, version.scheme.institution) == (
        "和布克赛尔蒙古自治县绩效考核方案",
        county,
    )
    assert steps(county.pk) == [("publish", 1)]


@pytest.mark.django_db
def test_the_same_content_again_is_no_new_version(version: SchemeVersion, office: Actor) -> None:
    again, new = publish_version(read_pack(PACK), by=office, at=AT)
    assert (again, new) == (version, False)
    assert SchemeVersion.objects.count() == 1
    assert steps(office.institution_id) == [("publish", 1)]


@pytest.mark.django_db
def test_changed_content_is_the_next_version_and_the_first_one_stays(
    version: SchemeVersion, office: Actor, edited: Edited
) -> None:
    second, new = publish_version(read_pack(edited(("count: 5", "count: 7"))), by=office, at=AT)
    assert (str(second), new) == ("hoboksar-county@2", True)
    version.refresh_from_db()
    assert version.content["deadlines"]["report.review"]["count"] == 5
    back, new = publish_version(read_pack(PACK), by=office, at=AT)
    assert (str(back), new) == ("hoboksar-county@3", True)


@pytest.mark.django_db
def test_a_comment_or_another_order_of_keys_is_no_change(
    version: SchemeVersion, office: Actor, edited: Edited
) -> None:
    path = edited(
        ("scheme: hoboksar-county\n", "# 说明\nscheme: hoboksar-county\n"),
        ("    month: 1\n    day: 10\n", "    day: 10\n    month: 1\n"),
    )
    assert publish_version(read_pack(path), by=office, at=AT) == (version, False)


@pytest.mark.django_db
def test_two_institutions_number_their_versions_apart(version: SchemeVersion) -> None:
    other = Institution.objects.create(slug="other", name_zh="别县")
    theirs, _ = publish_version(read_pack(PACK), by=Actor(None, other.pk, "绩效办"), at=AT)
    assert (theirs.number, theirs.scheme.institution) == (1, other)
    assert theirs.scheme != version.scheme


@pytest.mark.django_db
def test_a_ladder_that_names_an_action_nobody_registered_is_refused(office: Actor, edited: Edited) -> None:
    content = read_pack(edited(("action: order.open_for_late_report", "action: order.opne")))
    with pytest.raises(
        CannotPublish,
        match=r"actions that no room has registered: order\.opne \(registered: .*order\.open_for_late_report",
    ):
        publish_version(content, by=office, at=AT)
    assert Scheme.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            [("  report.review:\n", "  report.reading:\n")],
            "reports.quarterlyreport needs the deadline rule report.review",
        ),
        (
            [("  rectification.leadership_need:\n", "  rectification.need:\n")],
            "rectification.rectification needs the number rectification.leadership_need",
        ),
        (
            [
                (
                    "key: urge, after: 1, tells: [owner, deputy_in_charge, head]",
                    "key: urge, after: 1, tells: [owner, organisation_department]",
                )
            ],
            "ladder report of quarterly_report tells organisation_department, whom reports.quarterlyreport does not know",
        ),
    ],
)
def test_a_pack_that_documents_could_not_live_by_is_refused(
    office: Actor, edited: Edited, changes: list[tuple[str, str]], sentence: str
) -> None:
    with pytest.raises(CannotPublish) as refused:
        publish_version(read_pack(edited(*changes)), by=office, at=AT)
    assert sentence in str(refused.value).split("; ")


@pytest.mark.django_db
def test_a_version_cannot_be_changed_or_removed(version: SchemeVersion) -> None:
    with pytest.raises(IntegrityError, match="a scheme version is never changed"), transaction.atomic():
        SchemeVersion.objects.update(number=9)
    with pytest.raises(IntegrityError, match="a scheme version is never changed"), transaction.atomic():
        version.delete()


# --- Years -------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_year_is_opened_on_a_version(cycle: Cycle, version: SchemeVersion) -> None:
    assert (cycle.year, cycle.begins, cycle.ends) == (2026, date(2026, 1, 1), date(2026, 12, 31))
    assert (cycle.state, cycle.scheme_version, cycle.institution_id) == (
        "open",
        version,
        version.scheme.institution_id,
    )
    assert steps(cycle.institution_id) == [("publish", 1), ("open cycle", 2)]


@pytest.mark.django_db
def test_a_year_is_appraised_by_one_version_only(cycle: Cycle, office: Actor, edited: Edited) -> None:
    second, _ = publish_version(read_pack(edited(("count: 5", "count: 7"))), by=office, at=AT)
    with pytest.raises(CannotPublish, match="2026 is appraised by hoboksar-county@1 already"):
        open_cycle(second, 2026, by=office, at=AT)


@pytest.mark.django_db
def test_a_year_on_another_institution_s_version_is_refused_by_command_and_database(
    version: SchemeVersion,
) -> None:
    other = Institution.objects.create(slug="other", name_zh="别县")
    with pytest.raises(CannotPublish, match="hoboksar-county@1 belongs to another institution"):
        open_cycle(version, 2026, by=Actor(None, other.pk, "绩效办"), at=AT)
    with pytest.raises(IntegrityError, match="belongs to another institution"), transaction.atomic():
        Cycle.objects.create(
            institution=other,
            scheme_version=version,
            year=2026,
            begins=date(2026, 1, 1),
            ends=date(2026, 12, 31),
        )


@pytest.mark.django_db
def test_a_running_year_cannot_be_given_another_version(cycle: Cycle, office: Actor, edited: Edited) -> None:
    second, _ = publish_version(read_pack(edited(("count: 5", "count: 7"))), by=office, at=AT)
    with pytest.raises(IntegrityError, match="keeps its version and its days"), transaction.atomic():
        Cycle.objects.update(scheme_version=second)
    with pytest.raises(IntegrityError, match="keeps its version and its days"), transaction.atomic():
        Cycle.objects.update(ends=date(2027, 1, 31))
    with pytest.raises(IntegrityError, match="keeps its version and its days"), transaction.atomic():
        cycle.delete()


@pytest.mark.django_db
def test_a_year_is_closed_by_a_decision_and_stays_closed(cycle: Cycle, office: Actor) -> None:
    closed = close_cycle(cycle.pk, "领导小组第4次会议审定年度结果", by=office, at=AT)
    assert (closed.state, closed.closed_at, closed.decision) == (
        "closed",
        AT,
        "领导小组第4次会议审定年度结果",
    )
    assert steps(cycle.institution_id)[-1] == ("close cycle", 3)
    with pytest.raises(CannotPublish, match="2026 was closed on 2026-01-05"):
        close_cycle(cycle.pk, "再审定", by=office, at=AT)
    with pytest.raises(IntegrityError, match="is closed once, by a decision"), transaction.atomic():
        Cycle.objects.update(state="open", closed_at=None, decision="")


@pytest.mark.django_db
@pytest.mark.parametrize("decision", ["", "  \n"])
def test_a_year_is_not_closed_without_a_decision(cycle: Cycle, office: Actor, decision: str) -> None:
    with pytest.raises(CannotPublish, match="a year is closed only by a decision: write what was decided"):
        close_cycle(cycle.pk, decision, by=office, at=AT)
    with pytest.raises(IntegrityError, match="cycle_is_closed_by_a_decision"), transaction.atomic():
        Cycle.objects.update(state="closed", closed_at=AT)


@pytest.mark.django_db
def test_another_institution_s_year_cannot_be_closed(cycle: Cycle) -> None:
    other = Institution.objects.create(slug="other", name_zh="别县")
    with pytest.raises(Cycle.DoesNotExist):
        close_cycle(cycle.pk, "审定", by=Actor(None, other.pk, "绩效办"), at=AT)


def test_eight_loading_the_same_pack_at_once_make_one_version(committed_db: object) -> None:
    county = Institution.objects.create(slug="hoboksar", name_zh="某县")
    content, results = read_pack(PACK), []

    def publish() -> None:
        try:
            results.append(publish_version(content, by=Actor(None, county.pk, "绩效办"), at=AT))
        finally:
            connection.close()

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(new for _, new in results) == [False] * 7 + [True]
    assert {str(version) for version, _ in results} == {"hoboksar-county@1"}

"""The command line: one date out, or one clear sentence and exit code 2."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from calendars.models import Edition
from calendars.publishing import publish_overlay
from calendars.queries import current_stamp
from organisation.models import Institution

pytestmark = pytest.mark.django_db


def working_days(*args: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("working_days", *args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("start", "days", "expected"),
    [
        ("2026-09-30", "+5", "2026-10-13"),
        ("2026-09-30", "5", "2026-10-13"),
        ("2026-10-13", "-5", "2026-09-30"),
        ("2026-02-13", "+1", "2026-02-14"),
        ("2026-02-14", "+1", "2026-02-24"),
        ("2024-02-28", "+1", "2024-02-29"),
        ("2026-10-10", "0", "2026-10-10"),
    ],
)
def test_it_prints_the_date_alone(start: str, days: str, expected: str) -> None:
    assert working_days(start, days)[0] == expected + "\n"


def test_a_published_year_says_nothing_more() -> None:
    assert working_days("2026-09-30", "+5") == ("2026-10-13\n", "")


def test_a_year_without_an_edition_is_said_to_be_provisional_beside_the_date() -> None:
    out, err = working_days("2026-12-31", "+1")
    assert out == "2027-01-01\n"
    assert (
        err
        == "Provisional: no calendar is published for 2027; Monday to Friday were taken as working days.\n"
    )


@pytest.mark.parametrize(
    ("start", "days", "sentence"),
    [
        ("2026-02-30", "+5", "'2026-02-30' is not a date: write it as 2026-09-30."),
        ("30.9.2026", "+5", "'30.9.2026' is not a date: write it as 2026-09-30."),
        ("２０２６-09-30", "+5", "'２０２６-09-30' is not a date: write it as 2026-09-30."),
        ("2026-09-30", "five", "'five' is not a number of working days: write it as +5 or -3."),
        ("2026-09-30", "1.5", "'1.5' is not a number of working days: write it as +5 or -3."),
        ("2026-09-30", "99999", "99999 working days are too many: at most 10000 can be counted."),
        ("9999-12-31", "+1", "no working day within 366 days after 9999-12-31."),
        ("0001-01-01", "-1", "no working day within 366 days before 0001-01-01."),
    ],
)
def test_what_cannot_be_meant_is_one_sentence_and_exit_code_2(start: str, days: str, sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        working_days(start, days)
    assert str(refused.value) == sentence
    assert refused.value.returncode == 2


def test_an_institution_s_own_holiday_counts_when_it_is_named() -> None:
    county = Institution.objects.create(slug="county", name_zh="某县")
    publish_overlay(
        county.pk, "local_holiday", *[timezone.datetime(2026, 10, 8).date()] * 2, name_zh="那达慕", name_en="Naadam",
        source="县政府通知", by=None, at=timezone.now(),
    )  # fmt: skip
    assert working_days("2026-09-30", "+1", "--institution", "county")[0] == "2026-10-09\n"
    assert working_days("2026-09-30", "+1")[0] == "2026-10-08\n"


def unreachable() -> int:
    raise OperationalError("connection refused")


def test_without_a_database_the_shipped_editions_count_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("calendars.management.commands.working_days.current_stamp", unreachable)
    out, err = working_days("2026-09-30", "+5")
    assert out == "2026-10-13\n"
    assert err == "The database cannot be reached: counted by the editions that come with the product.\n"


def test_an_institution_s_own_days_are_not_guessed_without_a_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Institution.objects.create(slug="county", name_zh="某县")
    monkeypatch.setattr("calendars.management.commands.working_days.current_stamp", unreachable)
    with pytest.raises(CommandError, match=r"^The database cannot be reached\.$"):
        working_days("2026-09-30", "+5", "--institution", "county")


def test_an_unknown_institution_is_refused() -> None:
    with pytest.raises(CommandError, match=r"^There is no institution 'nowhere'\.$") as refused:
        working_days("2026-09-30", "+1", "--institution", "nowhere")
    assert refused.value.returncode == 2


EDITION_2027 = """
year: 2027
number: {number}
notice: 国办发明电〔2026〕X号
title: {{zh: 通知, en: notice}}
issued_on: 2026-11-05
off:
  - {{from: 2027-01-01, to: 2027-01-0{last}, zh: 元旦, en: New Year's Day}}
work: []
"""


def publish(path: Path, number: int = 1, last: int = 3) -> str:
    path.write_text(EDITION_2027.format(number=number, last=last), encoding="utf-8")
    out = StringIO()
    call_command("publish_edition", str(path), stdout=out)
    return out.getvalue()


def test_publishing_an_edition_settles_its_year(tmp_path: Path) -> None:
    before = current_stamp()
    said = publish(tmp_path / "cn-2027.yaml")
    assert (
        said == f"Published cn-2027#1 (国办发明电〔2026〕X号); the calendar is at stamp {current_stamp()}.\n"
    )
    assert current_stamp() > before
    assert working_days("2026-12-31", "+1") == ("2027-01-04\n", "")


def test_publishing_the_same_edition_again_changes_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "cn-2027.yaml")
    stamp = current_stamp()
    said = publish(tmp_path / "cn-2027.yaml")
    assert said == "cn-2027#1 is published already, with the same content; nothing to do.\n"
    assert (current_stamp(), Edition.objects.filter(year=2027).count()) == (stamp, 1)


def test_other_content_under_a_used_number_is_refused_and_the_next_number_is_named(tmp_path: Path) -> None:
    publish(tmp_path / "cn-2027.yaml")
    with pytest.raises(
        CommandError, match="published with other content; a correction is number 2"
    ) as refused:
        publish(tmp_path / "cn-2027.yaml", last=4)
    assert refused.value.returncode == 2


def test_a_correction_out_of_turn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="the next edition of 2027 is number 1, not 2"):
        publish(tmp_path / "cn-2027.yaml", number=2)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match=r"^missing\.yaml: cannot be read: No such file or directory$"
    ) as refused:
        call_command("publish_edition", str(tmp_path / "missing.yaml"))
    assert refused.value.returncode == 2

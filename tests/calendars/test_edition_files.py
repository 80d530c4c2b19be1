"""Reading an edition from a file: what cannot be right is said, all of it, before anything is published."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest

from calendars.edition_files import SHIPPED, EditionFault, faults_of, read_edition, shipped_editions
from calendars.state_years import Span, StateYear

GOOD = (SHIPPED / "cn-2026.yaml").read_text(encoding="utf-8")


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "cn.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EditionFault) as refused:
        read_edition(path)
    assert str(refused.value).startswith("cn.yaml: ")
    return refused.value.faults


def test_the_shipped_editions_name_their_notices() -> None:
    assert [(e.key, e.notice, e.issued_on.isoformat()) for e in shipped_editions()] == [
        ("cn-2025#1", "国办发明电〔2024〕12号", "2024-11-12"),
        ("cn-2026#1", "国办发明电〔2025〕7号", "2025-11-04"),
    ]


def test_an_edition_is_read_with_all_its_words_in_both_languages() -> None:
    edition = read_edition(SHIPPED / "cn-2026.yaml")
    assert (edition.title_zh, edition.title_en) == (
        "国务院办公厅关于2026年部分节假日安排的通知",
        "Notice of the General Office of the State Council on the holidays of 2026",
    )
    assert edition.off[0] == Span(date(2026, 1, 1), date(2026, 1, 3), "元旦", "New Year's Day")
    assert edition.work[0] == Span(
        date(2026, 1, 4), date(2026, 1, 4), "元旦调休上班", "make-up for New Year's Day"
    )


def test_an_edition_survives_being_stored() -> None:
    for edition in shipped_editions():
        assert StateYear.from_json(edition.as_json()) == edition


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "year: 2026",
            "year: 1926",
            "year 1926 is not a year of this century: write the year of the notice's title",
        ),
        ("year: 2026", "year: 二〇二六", "year must be given, as int"),
        ("year: 2026", "year: true", "year must be given, as int"),
        (
            "number: 1",
            "number: 0",
            "number must be 1 for the first edition of a year, and one more for each correction",
        ),
        ("notice: 国办发明电〔2025〕7号\n", "", "notice must be given, as str"),
        (
            "issued_on: 2025-11-04",
            "issued_on: 2026-12-31",
            "issued_on 2026-12-31 is not before the end of 2026",
        ),
        ("issued_on: 2025-11-04", "issued_on: November", "issued_on must be given, as date"),
        ("issued_on: 2025-11-04", "issued_on: 2025-11-04\nvenue: 北京", "unknown key 'venue': remove it"),
        (
            "to: 2026-01-03, zh: 元旦, en: New Year's Day",
            "to: 2026-01-03, zh: 元旦",
            "off 1: en must be given, as str",
        ),
        (
            "to: 2026-01-03, zh: 元旦",
            "to: 2025-12-31, zh: 元旦",
            "元旦: ends 2025-12-31 before it begins 2026-01-01",
        ),
        ("to: 2026-01-03, zh: 元旦", "to: 2026-01-04, zh: 元旦", "2026-01-04 is named twice"),
        (
            "from: 2026-01-01",
            "from: 2025-11-30",
            "元旦: 2025-11-30 to 2026-01-03 is outside 2026 and the December before",
        ),
        ("on: 2026-01-04", "on: 2026-01-05", "2026-01-05 under work is a Monday, a working day already"),
        ("on: 2026-01-04", "from: 2026-01-04", "work 1: on must be given, as date"),
        ("  en: Notice", "  fr: Notice", "title: en must be given, as str"),
        ("  en: Notice", "  fr: Notice", "title: unknown key 'fr': remove it"),
        (
            "{from: 2026-01-01, to: 2026-01-03, zh: 元旦, en: New Year's Day}",
            "元旦",
            "off 1 must hold from, to, zh, en",
        ),
    ],
)
def test_a_fault_is_named(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert GOOD.count(old) >= 1
    assert fault in faults(tmp_path, GOOD.replace(old, new, 1))


def test_a_notice_may_speak_about_the_december_before(tmp_path: Path) -> None:
    path = tmp_path / "cn.yaml"
    path.write_text(GOOD.replace("from: 2026-01-01", "from: 2025-12-31"), encoding="utf-8")
    assert read_edition(path).off[0].begins.isoformat() == "2025-12-31"


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    text = GOOD.replace("number: 1", "number: 0").replace("on: 2026-01-04", "on: 2026-01-05")
    assert len(faults(tmp_path, text)) == 2
    with pytest.raises(EditionFault) as refused:
        read_edition(tmp_path / "cn.yaml")
    assert str(refused.value) == (
        "cn.yaml: number must be 1 for the first edition of a year, and one more for each correction\n"
        "cn.yaml: 2026-01-05 under work is a Monday, a working day already"
    )


def edition(year: int, off: Iterable[tuple[date, date]] = ()) -> StateYear:
    spans = tuple(Span(begins, ends, "假", "holiday") for begins, ends in off)
    return StateYear(year, 1, "notice", "通知", "notice", date(year - 1, 11, 1), spans, ())


@pytest.mark.parametrize(("year", "taken"), [(1999, False), (2000, True), (2100, True), (2101, False)])
def test_an_edition_is_of_a_year_of_this_century(year: int, taken: bool) -> None:
    assert (list(faults_of(edition(year))) == []) is taken


def test_a_year_reaches_from_the_first_of_december_before_to_its_own_last_day() -> None:
    first, last = date(2025, 12, 1), date(2026, 12, 31)
    assert list(faults_of(edition(2026, [(first, last)]))) == []
    assert list(faults_of(edition(2026, [(date(2025, 11, 30), first), (last, date(2027, 1, 1))]))) == [
        "假: 2025-11-30 to 2025-12-01 is outside 2026 and the December before",
        "假: 2026-12-31 to 2027-01-01 is outside 2026 and the December before",
    ]


def test_days_the_wrong_way_round_do_not_hide_the_next_fault() -> None:
    spans = [(date(2026, 5, 3), date(2026, 5, 1)), (date(2026, 6, 3), date(2026, 6, 1))]
    assert list(faults_of(edition(2026, spans))) == [
        "假: ends 2026-05-01 before it begins 2026-05-03",
        "假: ends 2026-06-01 before it begins 2026-06-03",
    ]


@pytest.mark.parametrize("text", ["", "just a word", "- 1\n- 2"])
def test_what_is_no_edition_at_all_is_told_what_one_holds(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text) == ["must hold the keys year, number, notice, title, issued_on, off, work"]


@pytest.mark.parametrize("text", ["year: [2026", "year: 2026\nyear: 2027", "a: b: c", "year: 2026-02-30"])
def test_what_is_not_yaml_is_told_where(tmp_path: Path, text: str) -> None:
    (fault,) = faults(tmp_path, text)
    assert fault.startswith("is not YAML: ")


def test_a_fault_of_yaml_is_one_line_with_its_place(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "year: 2026\nyear: 2027")
    assert 'found duplicate key "year" with value "2027" (original value: "2026")' in fault
    assert "line 2, column 1" in fault
    assert "\n" not in fault


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(EditionFault) as refused:
        read_edition(tmp_path / "missing.yaml")
    assert str(refused.value) == "missing.yaml: cannot be read: No such file or directory"

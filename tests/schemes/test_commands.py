"""The command line of schemes: loading a pack, and asking why something is due."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from organisation.models import Institution
from supervision.schemes.models import SchemeVersion
from supervision.schemes.pack import SHIPPED

from .conftest import Edited

pytestmark = pytest.mark.django_db
PACK = str(SHIPPED / "hoboksar-county.yaml")


def run(*args: str) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def explain(*args: str) -> str:
    return run("explain_deadline", "--scheme", "hoboksar-county", *args)


def test_a_pack_is_loaded_as_the_next_version(county: Institution, edited: Edited) -> None:
    assert run("load_pack", PACK, "--institution", "hoboksar") == "Loaded hoboksar-county@1 for hoboksar.\n"
    changed = str(edited(("count: 5", "count: 7")))
    assert (
        run("load_pack", changed, "--institution", "hoboksar") == "Loaded hoboksar-county@2 for hoboksar.\n"
    )


def test_loading_the_same_pack_again_says_that_there_is_nothing_to_do(county: Institution) -> None:
    run("load_pack", PACK, "--institution", "hoboksar")
    said = run("load_pack", PACK, "--institution", "hoboksar")
    assert said == "hoboksar-county@1 says the same already; nothing to do.\n"


def test_a_faulty_pack_is_refused_with_all_its_faults_and_exit_code_2(
    county: Institution, edited: Edited
) -> None:
    path = str(edited(("count: 5", "count: five"), ("source: R36", "source: R99")))
    with pytest.raises(CommandError) as refused:
        run("load_pack", path, "--institution", "hoboksar")
    assert refused.value.returncode == 2
    said = str(refused.value)
    assert said.startswith("The pack cannot be loaded:\ncounty.yaml:")
    assert "deadlines.quarterly_report.source" in said
    assert "deadlines.report.review.count" in said
    assert SchemeVersion.objects.count() == 0


def test_an_unknown_institution_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no institution 'nowhere'") as refused:
        run("load_pack", PACK, "--institution", "nowhere")
    assert refused.value.returncode == 2


@pytest.mark.parametrize(("period", "due_on"), [("2025Q4", "2026-01-12"), ("2026Q3", "2026-10-10")])
def test_a_quarterly_report_s_date_is_explained_in_both_languages(
    version: SchemeVersion, period: str, due_on: str
) -> None:
    said = explain("--rule", "quarterly_report", "--period", period).splitlines()
    assert said[0] == due_on
    assert sum(line.startswith("截止：") for line in said) == 1
    assert sum(line.startswith("Due: ") for line in said) == 1
    assert any("hoboksar-county@1" in line for line in said)


def test_an_event_s_date_is_explained(version: SchemeVersion) -> None:
    assert explain("--rule", "report.review", "--from", "2026-09-30").splitlines() == [
        "2026-10-13",
        "",
        "起算：2026年9月30日（周三）00:00，当日不计入",
        "规则：5个工作日",
        "扣除：10月1日至7日 国庆节；10月11日 周末",
        "计入：10月10日 国庆节调休上班",
        "截止：2026年10月13日（周二）24时止",
        "依据：县绩效办收到季报后5个工作日内审核，予以接收或退回（系统默认值）；方案 hoboksar-county@1；"
        "国办发明电〔2025〕7号（cn-2026#1）",
        "",
        "Counted from: Wed 30 Sep 2026, 00:00; that day is not counted",
        "Rule: 5 working days",
        "Not counted: 1 Oct to 7 Oct National Day; 11 Oct weekend",
        "Counted, though a weekend: 10 Oct make-up for National Day",
        "Due: Tue 13 Oct 2026, to the end of the day",
        "Basis: The performance office accepts or returns a quarterly report within 5 working days of receiving it "
        "(the product's default); scheme hoboksar-county@1; 国办发明电〔2025〕7号 (cn-2026#1)",
    ]


def test_a_named_date_is_explained(version: SchemeVersion) -> None:
    assert explain("--rule", "order.finish", "--from", "2026-05-31").startswith("2026-06-01\n")


def test_the_stored_form_is_printed_as_json(version: SchemeVersion) -> None:
    said = json.loads(explain("--rule", "quarterly_report", "--period", "2025Q4", "--json"))
    assert {key: said[key] for key in ("rule", "due_on", "due_at", "provisional")} == {
        "rule": "quarterly_report", "due_on": "2026-01-12", "due_at": "2026-01-12T16:00:00+00:00", "provisional": False,
    }  # fmt: skip
    assert said["derivation"]["bases"] == [{"key": "cn-2026#1", "notice": "国办发明电〔2025〕7号"}]
    assert [step["key"] for step in said["ladder"]] == ["remind", "due_today", "overdue", "urge", "order"]


def test_a_scheme_that_nobody_has_loaded_is_read_from_the_shipped_pack() -> None:
    said = explain("--rule", "quarterly_report", "--period", "2025Q4")
    assert said.startswith("2026-01-12\n")
    assert "hoboksar-county (as shipped)" in said


def test_without_a_database_the_shipped_pack_and_editions_count_and_that_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*args: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("supervision.schemes.management.commands.explain_deadline.book_of", unreachable)
    out, err = StringIO(), StringIO()
    args = (
        "explain_deadline",
        "--scheme",
        "hoboksar-county",
        "--rule",
        "quarterly_report",
        "--period",
        "2026Q3",
    )
    call_command(*args, stdout=out, stderr=err)
    assert out.getvalue().startswith("2026-10-10\n")
    assert err.getvalue().startswith("The database cannot be reached: ")
    with pytest.raises(CommandError, match=r"^The database cannot be reached\.$"):
        call_command(*args, "--institution", "hoboksar", stdout=out)


def test_the_latest_loaded_version_counts(version: SchemeVersion, edited: Edited) -> None:
    run("load_pack", str(edited(("day: 10", "day: 15"))), "--institution", "hoboksar")
    assert explain("--rule", "quarterly_report", "--period", "2025Q4").startswith("2026-01-15\n")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("--rule", "lunch", "--period", "2025Q4"), "hoboksar-county@1 has no rule 'lunch'; it has goal.answer, "),
        (("--rule", "quarterly_report", "--period", "2025Q5"), "'2025Q5' is not a period: write 2026, 2026H1, 2026Q1 or 2026-01."),
        (("--rule", "quarterly_report", "--from", "2026-01-01"), "quarterly_report starts from a period: give --period, such as 2025Q4."),
        (("--rule", "report.review", "--period", "2025Q4"), "report.review starts from an event: give --from, such as 2026-09-30."),
        (("--rule", "order.finish", "--period", "2025Q4"), "order.finish starts from the date due_on of a document: give --from, "),
        (("--rule", "report.review", "--from", "tomorrow"), "'tomorrow' is not a date: write it as 2026-09-30."),
        (("--rule", "report.review", "--from", "2026-09-30", "--institution", "nowhere"), "There is no scheme 'hoboksar-county' of nowhere"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_sentence_and_exit_code_2(
    version: SchemeVersion, args: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(CommandError) as refused:
        explain(*args)
    assert str(refused.value).startswith(sentence)
    assert refused.value.returncode == 2


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no scheme 'nowhere': load its pack with load_pack"):
        run("explain_deadline", "--scheme", "nowhere", "--rule", "x", "--period", "2025Q4")


def test_two_institutions_with_the_same_scheme_must_be_told_apart(
    version: SchemeVersion, edited: Edited
) -> None:
    Institution.objects.create(slug="other", name_zh="别县")
    run("load_pack", str(edited(("day: 10", "day: 15"))), "--institution", "other")
    with pytest.raises(CommandError, match="name one of hoboksar, other with --institution"):
        explain("--rule", "quarterly_report", "--period", "2025Q4")
    said = explain("--rule", "quarterly_report", "--period", "2025Q4", "--institution", "other")
    assert said.startswith("2026-01-15\n")


def test_a_missing_file_is_one_sentence(county: Institution, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"missing\.yaml:1 \n.*文件无法读取") as refused:
        run("load_pack", str(tmp_path / "missing.yaml"), "--institution", "hoboksar")
    assert refused.value.returncode == 2

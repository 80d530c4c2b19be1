"""Packs: the shipped one says what the county asked for; a wrong one is refused with every fault, line, field and remedy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from supervision.schemes.fitness import misfits
from supervision.schemes.pack import AFTER, BEFORE, OWNER, SHIPPED, read_pack, shipped_pack
from supervision.schemes.pack_reading import PackError

from .conftest import SHIPPED_TEXT, Edited

PACKS = sorted(SHIPPED.glob("*.yaml"))
KEYS_OF_THE_SLICE = {
    "quarterly_report", "report.review", "report.correction", "report.sign",
    "order.draft", "order.signature", "order.receipt", "order.dispute", "order.plan", "order.finish", "order.feedback",
    "order.extension", "order.suspension", "order.take_up", "order.check", "order.due",
    "rectification.plan", "rectification.sign", "rectification.review", "rectification.leadership", "rectification.correction",
    "rectification.measures", "rectification.acceptance",
    "measure.finish", "measure.take_up", "measure.check", "measure.correction",
}  # fmt: skip


@pytest.fixture(scope="module")
def county_pack() -> dict[str, Any]:
    return read_pack(SHIPPED / "hoboksar-county.yaml")


# --- What is shipped ---------------------------------------------------------------------------------------


def test_the_county_s_pack_is_found_by_its_short_name() -> None:
    assert shipped_pack("hoboksar-county") == SHIPPED / "hoboksar-county.yaml"
    assert shipped_pack("../packs/hoboksar-county") is None


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_every_shipped_pack_can_be_loaded_under_its_file_s_name(path: Path) -> None:
    content = read_pack(path)
    assert content["scheme"] == path.stem
    assert json.loads(json.dumps(content)) == content


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.stem)
def test_every_document_can_live_by_every_shipped_pack(path: Path) -> None:
    assert misfits(read_pack(path)) == []


def test_the_pack_holds_every_rule_of_reports_orders_and_rectification(county_pack: dict[str, Any]) -> None:
    assert set(county_pack["deadlines"]) >= KEYS_OF_THE_SLICE


def test_the_quarterly_report_is_due_as_the_county_said(county_pack: dict[str, Any]) -> None:
    rule = county_pack["deadlines"]["quarterly_report"]
    stated = {key: rule[key] for key in ("base", "month", "day", "roll", "source")}
    assert stated == {
        "base": "period_end", "month": 1, "day": 10, "roll": "next_working_day", "source": "R36"
    }  # fmt: skip


def test_signing_a_report_has_no_time_of_its_own(county_pack: dict[str, Any]) -> None:
    report, sign = county_pack["deadlines"]["quarterly_report"], county_pack["deadlines"]["report.sign"]
    assert all(report[key] == sign[key] for key in ("base", "count", "unit", "month", "day", "roll"))


def test_only_the_statutory_duty_opens_an_order_so_that_none_is_opened_twice(
    county_pack: dict[str, Any],
) -> None:
    opening = {
        key
        for key, rule in county_pack["deadlines"].items()
        if any(
            step["action"] == "order.open_for_late_report" for step in county_pack["ladders"][rule["ladder"]]
        )
    }
    assert opening == {"quarterly_report"}


def test_the_ladder_of_reports_reminds_urges_and_opens_an_order(county_pack: dict[str, Any]) -> None:
    steps = [
        (step["key"], step["when"], step["days"], step["lamp"], step["action"])
        for step in county_pack["ladders"]["report"]
    ]
    assert steps == [
        ("remind", "before", 3, "yellow", None),
        ("due_today", "before", 0, None, None),
        ("overdue", "at_due", 0, "red", None),
        ("urge", "after", 1, None, None),
        ("order", "after", 5, None, "order.open_for_late_report"),
    ]


def test_every_ladder_turns_yellow_before_and_red_at_the_due_date_and_ends_at_an_office(
    county_pack: dict[str, Any],
) -> None:
    for steps in county_pack["ladders"].values():
        assert [step["lamp"] for step in steps if step["lamp"]] == ["yellow", "red"]
        assert steps[0]["when"] == BEFORE
        assert steps[-1]["when"] == AFTER
        assert set(steps[-1]["tells"]) & set(county_pack["offices"])


def test_every_first_reminder_goes_to_whoever_owes_the_item(county_pack: dict[str, Any]) -> None:
    assert all(steps[0]["tells"] == [OWNER] for steps in county_pack["ladders"].values())


def test_every_step_of_a_ladder_has_a_name_in_both_languages(county_pack: dict[str, Any]) -> None:
    keys = {step["key"] for steps in county_pack["ladders"].values() for step in steps}
    assert keys == set(county_pack["steps"])
    assert county_pack["steps"]["urge"] == {"zh": "催办", "en": "Urged", "level": 1}
    assert county_pack["steps"]["remind"]["level"] == 0, "a reminder is no escalation"


def test_numbers_come_with_unit_name_and_source(county_pack: dict[str, Any]) -> None:
    need = county_pack["numbers"]["rectification.leadership_need"]
    assert (need["value"], need["unit"], need["source"]) == (2, "people", "default")


# --- What is refused ---------------------------------------------------------------------------------------


def line_of(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "field", "zh", "en"),
    [
        ("    day: 10\n", "    dya: 10\n", "deadlines.quarterly_report.dya",
         "不认识 dya。是否为 day？", "dya is not known. Did you mean day?"),
        ("    count: 5\n", "    count: 五\n", "deadlines.report.review.count",
         "须为 0 至 1000 的整数，现为 “五”。", "Write a whole number from 0 to 1000, not “五”."),
        ("    count: 5\n", "    count: 1001\n", "deadlines.report.review.count",
         "1001 超出范围，须在 0 至 1000 之间。", "1001 is out of range: write a number from 0 to 1000."),
        ("    count: 5\n", "    count: true\n", "deadlines.report.review.count",
         "须为 0 至 1000 的整数，现为 “True”。", "Write a whole number from 0 to 1000, not “True”."),
        ("      en: An order is signed or sent back within 2 working days\n", "", "deadlines.order.signature.clause",
         "缺少 en，请补上。", "en is missing: add it."),
        ("      zh: 督办单提请签发后2个工作日内审签\n", "      zh:\n", "deadlines.order.signature.clause.zh",
         "须为文字，现为 空值 (nothing)。", "Write a text, not 空值 (nothing)."),
        ("tells: [owner, deputy_in_charge, head]", "tells: [owner, deputy_incharge, head]", "ladders.report.urge.tells.2",
         "不认识 deputy_incharge。是否为 deputy_in_charge？", "deputy_incharge is not known. Did you mean deputy_in_charge?"),
        ("base: period_end", "base: periode", "deadlines.quarterly_report.base",
         "不认识 periode。是否为 period_end？", "periode is not known. Did you mean period_end?"),
        ("unit: working_days", "unit: fortnights", "deadlines.report.review.unit",
         "不认识 fortnights。可用：natural_days、working_days。", "fortnights is not known. Allowed: natural_days, working_days."),
        ("ladder: report", "ladder: steep", "deadlines.quarterly_report.ladder",
         "不认识 steep。可用：dated、leader、office、report、unit。", "steep is not known. Allowed: dated, leader, office, report, unit."),
        ("    source: R36\n", "", "deadlines.quarterly_report",
         "缺少 source，请补上。", "source is missing: add it."),
        ("    source: R36\n", "    source: R84\n", "deadlines.quarterly_report.source",
         "来源 R84 无效：请写需求编号（R1 至 R83）、law: 法规条款、practice: 做法出处，或 default。",
         "R84 is no source: write R1 to R83, law: with the article, practice: with where it is done so, or default."),
        ("source: R15", "source: 听说", "groups.townships.source",
         "来源 听说 无效：请写需求编号（R1 至 R83）、law: 法规条款、practice: 做法出处，或 default。",
         "听说 is no source: write R1 to R83, law: with the article, practice: with where it is done so, or default."),
        ("kinds: [township]", "kinds: [village]", "groups.townships.kinds.1",
         "不认识 village。可用：county、department、prefecture、section、subordinate、township。",
         "village is not known. Allowed: county, department, prefecture, section, subordinate, township."),
        ('at: "09:00"', 'at: "9 o\'clock"', "time_of_day.at",
         "时间 9 o'clock 无效，请写成 09:00。", "9 o'clock is no time of day: write it as 09:00."),
        ("    field: due_on\n", "", "deadlines.order.finish",
         "base: field 须写明 field（文书中的日期字段）；其他 base 不得写 field。",
         "base: field needs field, the date's name in the document; any other base has none."),
        ("    month: 1\n", "", "deadlines.quarterly_report",
         "缺少 month，请与 month、day 一并写明。", "month is missing: give month and day together."),
        ("    month: 1\n", "    month: 1\n    count: 3\n    unit: working_days\n", "deadlines.quarterly_report",
         "count 与 day 只能写其一。", "Give either count or day, not both."),
        ("    month: 1\n    day: 10\n", "", "deadlines.quarterly_report",
         "缺少期限：请写 count 和 unit，或 month 和 day。", "Nothing says how long: give count and unit, or month and day."),
        ("    base: period_end\n", "    base: event\n", "deadlines.quarterly_report",
         "month 和 day 只用于 base: period_end。", "month and day go only with base: period_end."),
        ("tells: [performance_office, supervisor], action: order.open_for_late_report", "tells: [owner, head], action: order.open_for_late_report", "ladders.report.order",
         "阶梯没有升级到具名的机构：最后一步须在到期之时或之后，并告知 offices 中的一个机构。",
         "The ladder ends at no named office: its last step must come at or after the due date and tell one of the offices."),
        ("key: order, after: 5", "key: order, before: 0", "ladders.report.order",
         "阶梯没有升级到具名的机构：最后一步须在到期之时或之后，并告知 offices 中的一个机构。",
         "The ladder ends at no named office: its last step must come at or after the due date and tell one of the offices."),
        ("key: urge, after: 1", "key: urge, after: 0", "ladders.report.urge.after",
         "0 超出范围，须在 1 至 250 之间。", "0 is out of range: write a number from 1 to 250."),
        ("key: order, after: 5", "key: order, after: 9999", "ladders.report.order.after",
         "9999 超出范围，须在 1 至 250 之间。", "9999 is out of range: write a number from 1 to 250."),
        ("key: urge, after: 1", "key: urge, after: 1, before: 1", "ladders.report.urge",
         "须在 before（到期前几个工作日）、after（到期后几个工作日）和 at_due: true 中选写其一。",
         "Give exactly one of before (working days), after (working days) and at_due: true."),
        ("at_due: true", "at_due: false", "ladders.report.overdue.at_due",
         "只能写 true，否则删去此项。", "Write true, or leave the field out."),
        ("at_due: true", 'at_due: true, time: "10:00"', "ladders.report.overdue.time",
         "at_due 是到期的时刻，不能另写 time。", "at_due is an instant of its own: leave time out."),
        ("key: due_today, before: 0", "key: due_today, before: 4", "ladders.report.due_today",
         "须按发生的先后排列：应在 remind 之前。", "Steps stand in order of time: this one comes before remind."),
        ("key: due_today", "key: dew_today", "ladders.report.dew_today.key",
         "不认识 dew_today。是否为 due_today？", "dew_today is not known. Did you mean due_today?"),
        ("en: Urged, level: 1}", "en: Urged, level: 9}", "steps.urge.level",
         "9 超出范围，须在 1 至 4 之间。", "9 is out of range: write a number from 1 to 4."),
        ("  urge: {zh: 催办, en: Urged, level: 1}\n", "", "ladders.report.urge.key",
         "不认识 urge。", "urge is not known. "),
        ("key: due_today", "key: remind", "ladders.report.remind",
         "步骤名 remind 重复，请改名。", "The key remind is used twice: rename one."),
        ("lamp: yellow", "lamp: blue", "ladders.report.remind.lamp",
         "不认识 blue。可用：green、red、yellow。", "blue is not known. Allowed: green, red, yellow."),
        ("    ladder: unit\n\n  # 督办单", "    ladder: dated\n\n  # 督办单", "deadlines.report.sign_correction",
         "时限只有 2 个工作日，阶梯 dated 的 remind 却在到期前 5 个工作日：请换用较短的阶梯。",
         "There are only 2 working days, but remind of ladder dated comes 5 before the due date: choose a shorter ladder."),
        ("  rectification.leadership_need:\n", "  领导小组:\n", "numbers.领导小组",
         "名称 领导小组 只能用小写字母、数字、下划线和点。",
         "The name 领导小组 may hold only lower-case letters, digits, underscores and dots."),
        ("  performance_office: {zh: 县绩效办, en: county performance office}", "  head: {zh: 一把手, en: head}", "offices.head",
         "不认识 head。", "head is not known. "),
        ("  red:\n    name: {zh: 红灯, en: Red}\n    meaning: {zh: 已逾期, en: overdue}\n", "", "lamps",
         "缺少 red，请补上。", "red is missing: add it."),
        ("scheme: hoboksar-county\n", "", "", "缺少 scheme，请补上。", "scheme is missing: add it."),
        ("numbers:\n", "holidays: []\nnumbers:\n", "holidays", "不认识 holidays。", "holidays is not known. "),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_field_and_its_remedy_in_both_languages(
    edited: Edited, old: str, new: str, field: str, zh: str, en: str
) -> None:
    with pytest.raises(PackError) as refused:
        read_pack(edited((old, new)))
    found = [fault for fault in refused.value.faults if fault.field == field and fault.en.startswith(en)]
    assert len(found) == 1, str(refused.value)
    assert found[0].zh.startswith(zh)
    assert found[0].file == "county.yaml"


def test_a_fault_is_named_with_its_line(edited: Edited) -> None:
    path = edited(("    count: 5\n", "    count: five\n"))
    with pytest.raises(PackError) as refused:
        read_pack(path)
    (fault,) = refused.value.faults
    assert fault.line == line_of(path.read_text(encoding="utf-8"), "count: five")
    assert str(refused.value).splitlines()[0] == f"county.yaml:{fault.line} deadlines.report.review.count"


def test_all_faults_are_named_at_once_in_the_order_of_their_lines(edited: Edited) -> None:
    path = edited(
        ("numbers:\n", "extra: 1\nnumbers:\n"), ("source: R36", "source: R99"), ("count: 5", "count: -1"),
        ("lamp: red", "lamp: rot"), ("zh: 县绩效办,", ""),
    )  # fmt: skip
    with pytest.raises(PackError) as refused:
        read_pack(path)
    assert [fault.field for fault in refused.value.faults] == [
        "offices.performance_office", "deadlines.quarterly_report.source", "deadlines.report.review.count",
        "ladders.report.overdue.lamp", "extra",
    ]  # fmt: skip
    assert all(fault.zh and fault.en and fault.line > 1 for fault in refused.value.faults)


SOURCES = [found.span() for found in re.finditer(r"\n +source: .*|, source: [^}\n]*(?=\})", SHIPPED_TEXT)]


@pytest.mark.parametrize("place", range(0, len(SOURCES), 7))
def test_a_source_that_is_taken_away_is_missed(tmp_path: Path, place: int) -> None:
    start, end = SOURCES[place]
    path = tmp_path / "county.yaml"
    path.write_text(SHIPPED_TEXT[:start] + SHIPPED_TEXT[end:], encoding="utf-8")
    with pytest.raises(PackError) as refused:
        read_pack(path)
    assert [fault.en for fault in refused.value.faults] == ["source is missing: add it."]


@pytest.mark.parametrize(
    ("text", "line", "en"),
    [
        ("a: [1\nb: 2\n", 2, "Not valid YAML: "),
        (
            "name: 1\nname: 2\n",
            2,
            'Not valid YAML: found duplicate key "name" with value "2" (original value: "1").',
        ),
        ("", 1, "Write keys with values, not 空值 (nothing)."),
        ("- 1\n", 1, "Write keys with values, not 列表 (a list)."),
    ],
)
def test_what_is_no_pack_at_all_is_told_where(tmp_path: Path, text: str, line: int, en: str) -> None:
    path = tmp_path / "county.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PackError) as refused:
        read_pack(path)
    first = refused.value.faults[0]
    assert first.line == line
    assert any(fault.en.startswith(en) for fault in refused.value.faults)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PackError) as refused:
        read_pack(tmp_path / "missing.yaml")
    assert [fault.en for fault in refused.value.faults] == [
        "The file cannot be read: No such file or directory."
    ]

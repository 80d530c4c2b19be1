"""Who may take which step and why not: by hand-made documents and people, without a database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation

from organisation.actors import Actor, Capacity
from supervision.roles import HEAD, UNIT_STAFF
from workflows.judgement import Verdict, capacity_for, faults_of_inputs, is_own_work, judge
from workflows.lifecycle import BIRTH, REASON, Check, Given, Guard, Lifecycle, State, Step
from workflows.words import Reason, Text

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
TOWN = 5
FULL = Guard[Any]("尚缺{missing}份材料。", "{missing} papers are missing.", lambda d, at: d.papers >= 3,
                  missing=lambda d: 3 - d.papers)  # fmt: skip
OPEN = Guard[Any]("窗口已关闭。", "The window is closed.", lambda d, at: at.hour < 18)


class Trial(Lifecycle[Any]):
    """A sheet that the staff write and the head decides on."""

    title = Text("试件", "Trial")
    draft = State(
        "拟稿", "Draft", UNIT_STAFF.owes("拟稿", "draft it", within="trial.draft"), edits=UNIT_STAFF
    )
    waiting = State("待审", "Waiting", HEAD.owes("审定", "decide", within="trial.decide"))
    done = State("完", "Done", final=True)
    full, open_hours = FULL, OPEN
    open = Step("开", "Open", BIRTH >> draft, by=UNIT_STAFF)
    submit = Step("送", "Submit", draft >> waiting, by=UNIT_STAFF, must=(full, open_hours))
    accept = Step(
        "审",
        "Accept",
        waiting >> done,
        by=HEAD,
        decides=True,
        given=(REASON, Given("日", "days", int, name="days")),
    )


@dataclass
class Sheet:
    """As much of a document as is judged."""

    state: str = "waiting"
    workers: list[int] = field(default_factory=list)
    signers: list[str] = field(default_factory=list)
    papers: int = 3
    institution_id: int = 1
    unit_id: int = TOWN
    adding: bool = False
    lifecycle: type[Lifecycle[Any]] = Trial

    @property
    def _state(self) -> Any:
        return SimpleNamespace(adding=self.adding)


def post(number: int, role: str, holder: int | None, via: str = "post") -> Capacity:
    return Capacity(number, role, TOWN, holder, via)


def person(number: int, *capacities: Capacity) -> Actor:
    return Actor(number, 1, f"person {number}", capacities)


BATU, SARNA = person(7, post(70, "head", 7)), person(8, post(80, "unit_staff", 8))


def codes(verdict: Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def said(reason: Reason, language: str) -> str:
    with translation.override(language):
        return str(reason)


# --- One's own work ----------------------------------------------------------------------------------------


def test_the_head_decides_on_what_others_drafted() -> None:
    assert judge(Sheet(workers=[8]), Trial.accept, BATU, AT) == Verdict((), BATU.capacities[0])


def test_nobody_decides_on_work_they_drafted() -> None:
    verdict = judge(Sheet(workers=[8, 7]), Trial.accept, BATU, AT)
    assert (codes(verdict), verdict.capacity) == (["own_work"], None)
    assert (
        said(verdict.reasons[0], "en")
        == "Nobody decides on work they drafted or handled, nor for someone who did."
    )
    assert said(verdict.reasons[0], "zh-hans") == "不得审定本人拟办、经手的事项，也不得代其审定。"


def test_nobody_decides_for_a_holder_who_drafted() -> None:
    deputy = person(9, post(70, "head", 7, "delegation"))
    assert codes(judge(Sheet(workers=[7]), Trial.accept, deputy, AT)) == ["own_work"]
    assert judge(Sheet(workers=[8]), Trial.accept, deputy, AT).capacity == deputy.capacities[0]


def test_one_s_own_work_is_handled_on_but_not_decided() -> None:
    assert judge(Sheet("draft", workers=[8]), Trial.submit, SARNA, AT) == Verdict((), SARNA.capacities[0])


def test_of_two_posts_the_one_that_is_not_for_one_s_own_work_is_taken() -> None:
    """She stands in for two heads, and one of them drafted the sheet."""
    two = person(9, post(60, "head", 6, "delegation"), post(70, "head", 7, "delegation"))
    assert judge(Sheet(workers=[6]), Trial.accept, two, AT).capacity == two.capacities[1]
    assert judge(Sheet(workers=[8]), Trial.accept, two, AT).capacity == two.capacities[0]


@pytest.mark.parametrize(
    ("signers", "own"),
    [
        ([], False),
        (["head:7"], False),
        (["leading_group:7"], True),
        (["leading_group:8"], False),
        (["leading_group:8", "leading_group:7"], True),
        (["office:of:seals:7"], True),
    ],
)
def test_whoever_signed_may_sign_again_but_not_check_it_in_another_role(
    signers: list[str], own: bool
) -> None:
    assert is_own_work(BATU, BATU.capacities[0], Sheet(signers=signers)) is own


def test_a_signature_of_the_holder_counts_against_whoever_stands_in() -> None:
    deputy = person(9, post(70, "head", 7, "delegation"))
    assert is_own_work(deputy, deputy.capacities[0], Sheet(signers=["leading_group:7"]))


# --- Whose step it is --------------------------------------------------------------------------------------


def test_a_step_of_another_role_says_whose_it_is() -> None:
    verdict = judge(Sheet(), Trial.accept, SARNA, AT)
    assert (codes(verdict), verdict.capacity) == (["not_yours"], None)
    assert said(verdict.reasons[0], "zh-hans") == f"此步骤由{HEAD.text.zh}办理。"
    assert said(verdict.reasons[0], "en") == f"This step is for {HEAD.text.en}."


def test_the_post_that_was_chosen_is_the_one_that_acts() -> None:
    two = person(9, post(60, "head", 6, "delegation"), post(70, "head", 7, "delegation"))
    assert judge(Sheet(), Trial.accept, two, AT, as_post=70).capacity == two.capacities[1]
    assert codes(judge(Sheet(), Trial.accept, two, AT, as_post=80)) == ["not_yours"]
    assert capacity_for(two, HEAD, Sheet(), decides=True, as_post=60) == Verdict((), two.capacities[0])


# --- Where the document stands -----------------------------------------------------------------------------


def test_a_step_out_of_another_state_names_both() -> None:
    verdict = judge(Sheet("draft"), Trial.accept, BATU, AT)
    assert (codes(verdict), verdict.capacity) == (["not_in_this_state"], None)
    assert said(verdict.reasons[0], "zh-hans") == "“拟稿”状态下不能“审”。"
    assert said(verdict.reasons[0], "en") == "“Accept” is not possible in “Draft”."


def test_a_state_that_the_lifecycle_no_longer_knows_is_named_as_it_is_stored() -> None:
    [reason] = judge(Sheet("archived"), Trial.accept, BATU, AT).reasons
    assert said(reason, "zh-hans") == "“archived”状态下不能“审”。"
    assert said(reason, "en") == "“Accept” is not possible in “archived”."


def test_what_exists_is_not_opened_a_second_time() -> None:
    assert codes(judge(Sheet("draft"), Trial.open, SARNA, AT)) == ["not_in_this_state"]
    assert judge(Sheet("draft", adding=True), Trial.open, SARNA, AT) == Verdict((), SARNA.capacities[0])


# --- What must hold and what is handed over ----------------------------------------------------------------


def test_every_condition_that_does_not_hold_is_named_with_its_figures() -> None:
    late = AT.replace(hour=19)
    verdict = judge(Sheet("draft", papers=1), Trial.submit, SARNA, late)
    assert codes(verdict) == ["full", "open_hours"]
    assert said(verdict.reasons[0], "zh-hans") == "尚缺2份材料。"
    assert said(verdict.reasons[0], "en") == "2 papers are missing."
    assert verdict.capacity == SARNA.capacities[0]
    assert codes(judge(Sheet("draft"), Trial.submit, SARNA, late)) == ["open_hours"]
    assert judge(Sheet("draft"), Trial.submit, SARNA, AT).reasons == ()


def test_what_is_missing_from_a_form_is_named_field_by_field() -> None:
    assert faults_of_inputs(Sheet(), Trial.accept, AT, {"reason": "属实", "days": 3}) == ()
    missing = faults_of_inputs(Sheet(), Trial.accept, AT, {"days": "three"})
    assert [reason.code for reason in missing] == ["given.reason", "given.days"]
    assert said(missing[0], "en") == "Fill in “reason”."


def test_a_field_s_own_check_hears_the_document_the_value_and_the_instant() -> None:
    heard: list[Any] = []

    def holds(document: Any, value: Any, at: datetime) -> bool:
        heard.append((document, value, at))
        return value <= document.papers

    days = Given("日", "days", int, name="days", checks=(Check[Any]("过长。", "Too long.", holds),))
    step = Step[Any]("审", "Accept", Trial.waiting >> Trial.done, by=HEAD, given=(days,))
    sheet = Sheet(papers=2)
    assert faults_of_inputs(sheet, step, AT, {"days": 2}) == ()
    assert [reason.code for reason in faults_of_inputs(sheet, step, AT, {"days": 3})] == ["given.days.0"]
    assert heard == [(sheet, 2, AT), (sheet, 3, AT)]

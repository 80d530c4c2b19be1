"""The four regulations as plain tables, written by hand: what each state lets people do and owe, and every step.

Nothing here is read from the product's lifecycles. A step's columns: from, to, who, whether it is handling, deciding,
signing or taking note, what must hold, what is handed over, and who is told.
"""

from __future__ import annotations

from dataclasses import dataclass

STAFF, HEAD, DEPUTY, OFFICE = "unit_staff", "head", "deputy_in_charge", "performance_office"
SUPERVISOR, LEADER = "supervisor", "leading_group"

REPORT, ORDER, PLAN, MEASURE = "report", "order", "plan", "measure"

EVIDENCE = "evidence"
DRAFT = "title unit source authority reference clause category level method demand due_on demands_rectification criteria co_operating_units"

# state | owes | stands still | who edits | what (all, when empty) | who attaches
STATES = {
    REPORT: """
drafting                 | quarterly_report unit_staff                                  | | unit_staff | summary lines | unit_staff
for_signature            | quarterly_report unit_staff, report.sign head                | | | |
submitted                | report.review performance_office                             | | | |
returned                 | report.correction unit_staff                                 | | unit_staff | summary lines | unit_staff
correction_for_signature | report.correction unit_staff, report.sign_correction head    | | | |
accepted                 | | | | |
""",
    ORDER: f"""
draft           | order.draft supervisor                                  | | supervisor | {DRAFT} | supervisor
for_signature   | order.signature leading_group                           | | | |
issued          | order.finish head, order.receipt head                   | | | |
return_disputed | order.finish head, order.dispute supervisor             | | | |
received        | order.finish head, order.plan unit_staff                | | | |
in_hand         | order.finish head, order.feedback head                  | | unit_staff | {EVIDENCE} | unit_staff
fed_back        | order.finish head, order.feedback_reading supervisor    | | unit_staff | {EVIDENCE} | unit_staff
extension_asked | order.finish head, order.extension leading_group        | order.feedback | unit_staff | {EVIDENCE} | unit_staff
suspended       | order.suspension leading_group                          | order.finish order.feedback | | |
claimed_done    | order.take_up supervisor                                | order.finish | | |
under_check     | order.check supervisor                                  | order.finish | | |
for_closing     | order.closing leading_group                             | order.finish | | |
closed          | | | | |
not_opened      | | | | |
""",
    PLAN: """
plan_owed           | rectification.plan unit_staff                              | | unit_staff | summary why_later planned | unit_staff
for_head            | rectification.plan unit_staff, rectification.sign head     | | | |
for_review          | rectification.review supervisor                            | | | |
for_leadership      | | | | |
returned            | rectification.correction unit_staff                        | | unit_staff | summary why_later planned | unit_staff
correction_for_head | rectification.correction unit_staff, rectification.sign head | | | |
in_progress         | rectification.measures head                                | | | |
claimed             | rectification.acceptance_take_up supervisor                | rectification.measures | | |
under_acceptance    | rectification.acceptance supervisor                        | rectification.measures | | |
accepted            | | | | |
""",
    MEASURE: """
to_do       | measure.finish unit_staff     | | | | unit_staff
claimed     | measure.take_up supervisor    | | | |
under_check | measure.check supervisor      | | | |
sent_back   | measure.correction unit_staff | | | | unit_staff
accepted    | | | | |
""",
}

# step | from | to | who | how | must hold | handed over | told
STEPS = {
    REPORT: """
open | - | drafting | clock | handles | | | unit_staff deputy_in_charge head
hand_in | drafting | for_signature | unit_staff | handles | says_something has_results | | head
take_back | for_signature | drafting | unit_staff who hand_in | handles | unopened recent | |
send_back | for_signature | drafting | head | decides | | reason | unit_staff
sign | for_signature | submitted | head | signs | | | performance_office unit_staff
accept | submitted | accepted | performance_office | decides | | | unit_staff head
return_report | submitted | returned | performance_office | decides | | missing | unit_staff head
hand_in_correction | returned | correction_for_signature | unit_staff | handles | says_something has_results | | head
take_back_correction | correction_for_signature | returned | unit_staff who hand_in_correction | handles | unopened recent | |
send_back_correction | correction_for_signature | returned | head | decides | | reason | unit_staff
sign_correction | correction_for_signature | submitted | head | signs | | | performance_office unit_staff
""",
    ORDER: """
draft_order | - | draft | supervisor | handles | | |
open_for_late_report | - | draft | clock | handles | | | supervisor
submit | draft | for_signature | supervisor | handles | has_authority has_criteria has_due_date | | leading_group
set_aside | draft | not_opened | supervisor | handles | is_no_instruction | reason | supervisor performance_office
recall | for_signature | draft | supervisor who submit | handles | unopened recent | |
send_back | for_signature | draft | leading_group | decides | | reason | supervisor
decline | for_signature | not_opened | leading_group | decides | | reason | supervisor
sign | for_signature | issued | leading_group | decides | is_not_repeated | | head deputy_in_charge supervisor
sign_for | issued | received | head | handles | | | unit_staff
dispute | issued received | return_disputed | head | handles | | reason | supervisor
drop_dispute | return_disputed | issued | head | handles | | | supervisor
take_back | return_disputed | draft | supervisor | decides | | reason | head leading_group
uphold | return_disputed | issued | supervisor | decides | | reason | head
take_in_hand | received | in_hand | unit_staff | handles | | plan | head deputy_in_charge supervisor
feed_back | in_hand | fed_back | head | handles | | progress | supervisor
take_feedback_back | fed_back | in_hand | head who feed_back | handles | unopened recent | |
note_feedback | fed_back | in_hand | supervisor | notes | | | head
ask_again | fed_back | in_hand | supervisor | notes | | questions | head unit_staff
ask_extension | in_hand | extension_asked | head | handles | is_in_time | reason progress asked_date | leading_group supervisor
drop_extension | extension_asked | in_hand | head | handles | | | leading_group supervisor
grant | extension_asked | in_hand | leading_group | decides | still_runs | new_date | head unit_staff supervisor
refuse | extension_asked | in_hand | leading_group | decides | | reason | head supervisor
suspend | in_hand | suspended | leading_group | decides | | reason review_date | head unit_staff supervisor
keep_suspended | suspended | suspended | leading_group | decides | | reason review_date | head supervisor
resume | suspended | in_hand | leading_group | decides | | | head unit_staff supervisor
claim_done | in_hand fed_back extension_asked | claimed_done | head | handles | has_evidence rectified | closing_report | supervisor
take_claim_back | claimed_done | in_hand | head who claim_done | handles | unopened recent | |
take_up | claimed_done | under_check | supervisor | decides | | | head
return_work | under_check | in_hand | supervisor | decides | | reason failed how_checked | head unit_staff deputy_in_charge
close | under_check | closed | supervisor | decides | is_no_instruction | conclusion how_checked | head unit_staff leading_group
submit_for_closing | under_check | for_closing | supervisor | decides | is_instruction | conclusion how_checked | leading_group
approve_closing | for_closing | closed | leading_group | decides | | | head unit_staff supervisor
instruct_again | for_closing | in_hand | leading_group | decides | | instruction | head unit_staff supervisor
""",
    PLAN: """
open | - | plan_owed | clock | handles | | | unit_staff deputy_in_charge head
hand_in | plan_owed | for_head | unit_staff | handles | has_measures has_owners has_dates ends_ahead ends_with_order | | head
take_back | for_head | plan_owed | unit_staff who hand_in | handles | unopened recent | |
send_back | for_head | plan_owed | head | decides | | reason | unit_staff
sign | for_head | for_review | head | signs | | | supervisor
forward | for_review | for_leadership | supervisor | decides | | | head
return_plan | for_review | returned | supervisor | decides | | missing | unit_staff head
withdraw_plan | for_leadership | for_review | supervisor | decides | | reason | head leading_group
approve | for_leadership | in_progress | round | handles | is_dated | | unit_staff head supervisor
refuse | for_leadership | returned | round | handles | | | unit_staff head supervisor
hand_in_correction | returned | correction_for_head | unit_staff | handles | has_measures has_owners has_dates ends_ahead ends_with_order | | head
take_back_correction | correction_for_head | returned | unit_staff who hand_in_correction | handles | unopened recent | |
send_back_correction | correction_for_head | returned | head | decides | | reason | unit_staff
sign_correction | correction_for_head | for_review | head | signs | | | supervisor
ask_acceptance | in_progress | claimed | head | handles | all_accepted | | supervisor
take_claim_back | claimed | in_progress | head who ask_acceptance | handles | unopened recent | |
take_up | claimed | under_acceptance | supervisor | decides | | | head
return_measure | under_acceptance | in_progress | supervisor | decides | has_numbers | reason failed_number how_checked | unit_staff head deputy_in_charge
accept | under_acceptance | accepted | supervisor | decides | all_accepted | conclusion how_checked | unit_staff head leading_group
""",
    MEASURE: """
open | - | to_do | clock | handles | | | unit_staff deputy_in_charge
begin_again | - | sent_back | clock | handles | | | unit_staff deputy_in_charge
claim_done | to_do sent_back | claimed | unit_staff | handles | has_evidence | done | supervisor head
take_up | claimed | under_check | supervisor | decides | | | unit_staff
accept | under_check | accepted | supervisor | decides | | conclusion how_checked | unit_staff head
return_work | under_check | sent_back | supervisor | decides | | reason how_checked | unit_staff head
""",
}

MOVES = {"grant": "order.finish", "keep_suspended": "order.suspension"}
"""Steps that set a new date for a duty that goes on."""

DATED = {
    "asked_date": ("later", "ahead"),
    "new_date": ("later", "ahead"),
    "review_date": ("ahead",),
    "failed_number": ("planned",),
}
"""What is asked of a handed-over date or number, in the order in which its refusals are numbered."""

NEVER = {
    (ORDER, "grant", "still_runs"): "the matter's own clock runs whenever an extension is asked for",
    (
        PLAN,
        "approve",
        "is_dated",
    ): "no plan without dates is handed in, and none is edited before the leadership",
    (PLAN, "return_measure", "has_numbers"): "an approved plan has measures",
    (
        PLAN,
        "accept",
        "all_accepted",
    ): "nothing is claimed before all are accepted, and none begins again meanwhile",
}
"""Refusals that the rest of the regulation leaves no way to; each with the reason."""


@dataclass(frozen=True)
class State:
    """What a state means. `owes` maps duties to roles."""

    owes: dict[str, str]
    still: tuple[str, ...]
    editor: str
    fields: tuple[str, ...]
    attaches: str

    @property
    def is_end(self) -> bool:
        return not self.owes and not self.editor


@dataclass(frozen=True)
class Step:
    """One row of a table; `did` names the step whose doer alone may take this one."""

    name: str
    sources: tuple[str, ...]
    target: str
    by: str
    did: str
    how: str
    must: tuple[str, ...]
    given: tuple[str, ...]
    told: tuple[str, ...]

    @property
    def decides(self) -> bool:
        return self.how in ("decides", "signs")


def _cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def _states(table: str) -> dict[str, State]:
    return {
        name: State(
            dict(pair.split() for pair in owes.split(",") if pair.strip()), tuple(still.split()), editor, tuple(fields.split()), attaches
        )
        for name, owes, still, editor, fields, attaches in _cells(table)
    }  # fmt: skip


def _steps(table: str) -> dict[str, Step]:
    rows = {}
    for name, sources, target, by, how, must, given, told in _cells(table):
        role, _, did = by.partition(" who ")
        came = () if sources == "-" else tuple(sources.split())
        rows[name] = Step(
            name, came, target, role, did, how, tuple(must.split()), tuple(given.split()), tuple(told.split())
        )
    return rows


STATES_OF = {kind: _states(table) for kind, table in STATES.items()}
STEPS_OF = {kind: _steps(table) for kind, table in STEPS.items()}

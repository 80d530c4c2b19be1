"""The demonstration, lived to a fixed instant: what stands where, what everybody finds in their queue, and that it holds."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import override_settings

from organisation.models import Institution, Person
from organisation.queries import actor_for
from supervision.desk.demo import PASSWORD
from supervision.desk.demonstration import story
from supervision.desk.demonstration.accounts import ORDER, demo_institutions
from supervision.desk.demonstration.county import REPORTING
from supervision.goals.models import Goal, GoalChange, GoalSheet, Milestone
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure, Rectification
from supervision.reports.models import QuarterlyReport
from workflows.attachments import missing_files, path_of
from workflows.auditor import find
from workflows.documents import document_kinds
from workflows.models import Attachment, Entry, Finding, Lamp, Notice, WorkItem
from workflows.staffing import gaps
from workflows.verification import verify
from workflows.worklist import queue

UNTIL = "2026-11-24T11:00+08:00"
"""A Tuesday morning, six weeks after the reports of the third quarter were due."""
AT = datetime.fromisoformat(UNTIL)

QUIET = {"auditor", "neighbour"}
"""Who reads and decides nothing, and who has nothing to do with the county."""


@pytest.fixture(scope="module")
def lived(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any) -> Iterator[Institution]:
    """The county, filled in once by the command with two quarters, and undone after the last test."""
    files = override_settings(MEDIA_ROOT=str(tmp_path_factory.mktemp("files")))
    with django_db_blocker.unblock(), files, transaction.atomic():
        call_command("seed_demo", until=UNTIL, quarters=2, stdout=io.StringIO())
        yield Institution.objects.get(slug="hoboksar")
        transaction.set_rollback(True)


def _states(model: Any) -> dict[str, int]:
    return dict(Counter(model.objects.values_list("state", flat=True)))


def _queue(username: str) -> list[WorkItem]:
    return list(queue(actor_for(Person.objects.get(username=username), AT), limit=200))


@pytest.mark.django_db
def test_what_is_interrupted_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(life: story.Life) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(story.Life, "go_on", interrupt)
    with pytest.raises(KeyboardInterrupt):
        call_command("seed_demo", until=UNTIL, stdout=io.StringIO())
    assert not Institution.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_only_the_demonstration_is_filled_in(settings: Any) -> None:
    settings.DUBAN_DEMO = False
    with pytest.raises(CommandError, match="DUBAN_DEMO=1"):
        call_command("seed_demo", until=UNTIL)
    assert not Institution.objects.exists()
    assert demo_institutions() == ()


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["yesterday", "2026-11-24T11:00"])
def test_an_instant_needs_its_time_zone(text: str) -> None:
    with pytest.raises(CommandError):
        call_command("seed_demo", until=text)
    assert not Institution.objects.exists()


def test_an_institution_that_exists_is_left_alone(lived: Institution) -> None:
    before = Entry.objects.count()
    with pytest.raises(CommandError):
        call_command("seed_demo", until=UNTIL)
    assert Entry.objects.count() == before


def test_every_unit_reported_and_one_never_did(lived: Institution) -> None:
    found = Counter(QuarterlyReport.objects.values_list("period", "state"))
    assert found == {
        ("2026Q2", "accepted"): 20,
        ("2026Q3", "accepted"): 18,
        ("2026Q3", "submitted"): 1,
        ("2026Q3", "drafting"): 1,
    }
    assert len(REPORTING) == 20
    never = QuarterlyReport.objects.get(period="2026Q3", state="drafting")
    assert never.unit.name_zh == "夏孜盖乡"
    assert WorkItem.objects.get(kind=never.kind(), document_id=never.pk, closed_at=None).lamp == Lamp.RED
    assert QuarterlyReport.objects.filter(times_returned__gt=0).count() >= 3


def test_orders_stand_at_every_stage(lived: Institution) -> None:
    assert _states(SupervisionOrder) == {
        "draft": 3, "for_signature": 2, "issued": 2, "return_disputed": 1, "received": 3, "in_hand": 20, "fed_back": 2,
        "extension_asked": 2, "suspended": 1, "claimed_done": 2, "under_check": 1, "for_closing": 1, "closed": 4, "not_opened": 2,
    }  # fmt: skip
    assert set(_states(SupervisionOrder)) == set(SupervisionOrder.lifecycle.states)


def test_rectifications_stand_at_every_stage(lived: Institution) -> None:
    assert _states(Rectification) == {
        "plan_owed": 2, "for_head": 2, "for_review": 1, "for_leadership": 5, "returned": 1, "correction_for_head": 1, "in_progress": 3,
        "claimed": 1, "under_acceptance": 1, "accepted": 1,
    }  # fmt: skip
    assert set(_states(Rectification)) == set(Rectification.lifecycle.states)
    assert set(_states(Measure)) == set(Measure.lifecycle.states)


def test_a_report_that_never_came_went_all_the_way(lived: Institution) -> None:
    order = SupervisionOrder.objects.get(report__period="2026Q2")
    chain = Entry.objects.filter(kind=order.kind(), document_id=order.pk).order_by("sequence")
    assert list(chain.filter(from_state__isnull=False).exclude(step__startswith="ladder:").values_list("step", flat=True)) == [
        "open_for_late_report", "edit", "submit", "sign", "sign_for", "take_in_hand", "feed_back", "note_feedback", "edit", "attach",
        "claim_done", "take_up", "close",
    ]  # fmt: skip
    assert chain.first().actor is None, "the clock drafted it"
    drafted, checked = chain.get(step="submit").actor, chain.get(step="close").actor
    assert drafted != checked, "nobody closes what they drafted"
    assert order.number.startswith("和督〔2026〕")
    assert order.rectification.state == "accepted"
    assert list(order.rectification.measures.values_list("state", flat=True)) == ["accepted", "accepted"]
    votes = Entry.objects.filter(kind=Rectification.kind(), document_id=order.rectification.pk, step="vote")
    assert list(votes.order_by("sequence").values_list("as_role", flat=True)) == [
        "performance_office", "leading_group", "leading_group",
    ]  # fmt: skip


def test_the_clock_drafted_an_order_for_every_report_that_was_overdue_for_long(lived: Institution) -> None:
    orders = SupervisionOrder.objects.filter(report__isnull=False)
    assert sorted(orders.values_list("report__period", "unit__name_zh", "state")) == [
        ("2026Q2", "县广电局", "closed"), ("2026Q3", "县环保局", "in_hand"), ("2026Q3", "夏孜盖乡", "in_hand"),
        ("2026Q3", "查干库勒乡", "not_opened"), ("2026Q3", "铁布肯乌散乡", "in_hand"),
    ]  # fmt: skip


def test_numbers_run_without_gaps(lived: Institution) -> None:
    numbers = SupervisionOrder.objects.exclude(number="").values_list("number", flat=True)
    assert sorted(int(number.removeprefix("和督〔2026〕").removesuffix("号")) for number in numbers) == list(
        range(1, len(numbers) + 1)
    )


@pytest.mark.parametrize("username", [name for name in ORDER if name not in QUIET])
def test_everybody_finds_something_to_do(lived: Institution, username: str) -> None:
    assert _queue(username)


@pytest.mark.parametrize(
    "username", ["staff", "office", "joint", "supervisor", "supervisor2", "leader", "leader2", "leader3"]
)
def test_their_queues_hold_what_is_late_what_is_due_and_what_is_fresh(
    lived: Institution, username: str
) -> None:
    assert {item.lamp for item in _queue(username)} == {Lamp.RED, Lamp.YELLOW, Lamp.GREEN}


def test_who_only_reads_owes_nothing(lived: Institution) -> None:
    auditor = actor_for(Person.objects.get(username="auditor"), AT)
    assert not queue(auditor)
    for model in document_kinds():
        assert model.visible_to(auditor).count() == model.objects.count(), model.kind()


def test_nothing_crosses_to_the_neighbour(lived: Institution) -> None:
    neighbour = Person.objects.get(username="neighbour")
    actor = actor_for(neighbour, AT)
    assert actor.capacities
    assert not queue(actor)
    assert not Notice.objects.filter(person=neighbour).exists()
    for model in document_kinds():
        assert not model.visible_to(actor).exists(), model.kind()


def test_capacities_of_today(lived: Institution) -> None:
    def capacities(username: str) -> set[tuple[str, str]]:
        return {(c.role, c.via) for c in actor_for(Person.objects.get(username=username), AT).capacities}

    assert capacities("joint") == {("performance_office", "post"), ("supervisor", "post")}
    assert capacities("deputy") == {("deputy_in_charge", "post"), ("head", "delegation")}
    assert capacities("substitute") == {("deputy_in_charge", "post"), ("head", "absence")}


def test_evidence_is_there_to_be_opened(lived: Institution) -> None:
    kinds = Counter(Attachment.objects.values_list("media_type", flat=True))
    assert set(kinds) == {"application/pdf", "image/png", "text/plain"}
    assert not list(missing_files())
    a_report = Path(path_of(Attachment.objects.filter(media_type="application/pdf")[0])).read_bytes()
    assert a_report.startswith(b"%PDF-1.4")
    table = int(a_report.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert a_report[table:].startswith(b"xref\n")


def test_it_holds(lived: Institution) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert verify().clean
    assert find(AT) == []
    assert gaps(lived, at=AT) == []
    assert not Finding.objects.exists()
    assert not WorkItem.objects.filter(closed_at=None, next_step_at__lte=AT).exists()
    assert Entry.objects.filter(kind="institution.posts", step="post_delegated").count() == 1
    assert not Entry.objects.filter(recorded_at__gt=AT).exists()


def test_the_accounts_are_told_in_both_languages(lived: Institution) -> None:
    told = io.StringIO()
    call_command("demo_accounts", stdout=told)
    assert PASSWORD in told.getvalue()
    assert "马建军" in told.getvalue()
    assert "Ma Jianjun" in told.getvalue()
    output = io.StringIO()
    call_command("demo_accounts", json=True, stdout=output)
    said = json.loads(output.getvalue())
    assert [row["username"] for row in said["accounts"]] == list(ORDER)
    assert all(
        row[key][language]
        for row in said["accounts"]
        for key in ("name", "unit", "role", "try")
        for language in ("zh", "en")
    )
    assert [len(institution.accounts) for institution in demo_institutions()] == [14, 1]
    people = Person.objects.filter(username__in=ORDER)
    assert all(person.check_password(said["password"]) for person in people)


def test_goals_stand_at_every_stage(lived: Institution) -> None:
    assert _states(GoalSheet) == {
        "drafting": 1, "for_head": 1, "for_review": 3, "with_unit": 1, "for_leadership": 1, "issued": 2,
    }  # fmt: skip
    assert set(_states(Goal)) == {
        "draft", "ready", "under_review", "returned", "value_set", "objected", "agreed", "in_force",
    }  # fmt: skip
    assert _states(Milestone) == {"to_do": 8, "reached": 5, "claimed": 1}
    assert _states(GoalChange) == {"for_review": 1}
    assert Goal.objects.filter(state="in_force", proposed_target__isnull=False).get().office_target == 97
    assert any(goal.remarks() for goal in Goal.objects.all())

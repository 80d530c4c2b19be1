"""The checker bites: what it exists to find, it finds."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.home import ROOT
from notifications.sending import deliver
from tests.chaos import ground, report
from tests.chaos.record import Record
from tests.notifications.ground import Sink, notice, use
from tests.supervision.county import County
from tests.workflows.clock_ground import orders
from workflows import deadlines
from workflows.clockwork import database_clock
from workflows.models import WorkItem


def test_a_step_that_was_not_taken_or_taken_at_a_wrong_instant_is_found(place: County) -> None:
    made = orders(place, 3, ground.days_ago(20))
    with pytest.raises(AssertionError, match="lost"):
        ground.assert_nothing_lost(database_clock())
    deadlines.sweep(database_clock())
    assert ground.assert_nothing_lost(database_clock()) == 12
    item = WorkItem.objects.get(document_id=made[0].pk, duty="order.draft")
    ladder = item.ladder
    ladder[0]["at"] = ground.days_ago(19).isoformat()
    WorkItem.objects.filter(pk=item.pk).update(ladder=ladder)
    with pytest.raises(AssertionError, match="lost"):
        ground.assert_nothing_lost(database_clock())


def test_a_mail_that_is_lost_or_doubled_once_too_often_is_found(
    place: County, sink: Sink, settings: object
) -> None:
    use(settings, sink.port)
    now = database_clock()
    notice(place, "drafter", at=now)
    deliver(now)
    assert ground.assert_mails_are_copies(sink, 0) == 0
    taken, sink.taken = sink.taken, []
    with pytest.raises(AssertionError):
        ground.assert_mails_are_copies(sink, 0)
    sink.taken = taken
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notifications_delivery SET status = 'pending' WHERE status = 'sent'")
    deliver(now)
    with pytest.raises(AssertionError, match="1 doubled by 0 deaths"):
        ground.assert_mails_are_copies(sink, 0)
    assert ground.assert_mails_are_copies(sink, 1) == 1


def test_a_figure_beyond_its_bound_fails_and_stands_in_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBAN_CHAOS_RECORDS", str(tmp_path))
    record = Record("test_killed_somebody[a/b]", "Somebody is killed")
    record.event("killed", pid=1)
    record.exactly("T1", "lost", 0, 0)
    for beyond in (
        lambda: record.exactly("T1", "lost", 1, 0), lambda: record.most("T1", "p99", 1.2, 1.0, " s"), lambda: record.least("T1", "kills", 4, 5),
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            beyond()
    record.keep(passed=True)
    [kept] = tmp_path.glob("*.json")
    told = json.loads(kept.read_text())
    assert told["sha256"] == hashlib.sha256(kept.with_suffix(".jsonl").read_bytes()).hexdigest()
    text = report.page([told], "7", 90.0, "abc")
    assert "| T1 | p99 | 1.2 s | at most 1 s |" in text
    assert told["sha256"] in text
    assert "## Kill" in text


def test_a_run_in_which_a_scenario_failed_gets_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DUBAN_CHAOS_RECORDS", str(tmp_path))
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr("sys.argv", ["report", str(tmp_path), "1"])
    assert report.main() == 1
    Record("test_one", "One").keep(passed=True)
    Record("test_another", "Another").keep(passed=False)
    assert report.main() == 1
    assert "test_another failed" in capsys.readouterr().err
    assert not (tmp_path / "page.md").exists()


def a_whole_run() -> list[dict[str, Any]]:
    """What a run that has done all that is demanded has kept, in short."""
    first, *others = sorted(report.scenarios())
    enough = {name: demand.least or demand.most or 0.0 for name, demand in report.DEMANDS.items()}
    told = {"title": "", "passed": True, "seconds": 1.0, "events": 0, "sha256": "", "figures": []}
    return [
        {**told, "name": f"{first}-sign", "shares": enough, "points": sorted(report.named_points())},
        *({**told, "name": name, "shares": {}, "points": []} for name in others),
    ]


def test_a_run_that_falls_short_of_what_is_demanded_gets_no_report() -> None:
    whole = a_whole_run()
    assert report.shortcomings(whole) == []
    assert "| processes ended by kill -9 | 500 | at least 500 |" in report.page(whole, "7", 90.0, "abc")
    assert report.shortcomings(whole[:-1]) == [f"{whole[-1]['name']} kept nothing"]
    first = whole[0]
    whole[0] = {**first, "points": [point for point in first["points"] if point != "sweep.acted"]}
    assert report.shortcomings(whole) == ["nobody died at sweep.acted"]
    whole[0] = {**first, "shares": {**first["shares"], "kill -9": 499}}
    assert report.shortcomings(whole) == ["processes ended by kill -9: 499, at least 500"]
    whole[0], whole[1] = first, {**whole[1], "shares": {"p99": 2.1}}
    assert len(report.shortcomings(whole)) == 1


def test_the_report_is_a_program_of_its_own(tmp_path: Path) -> None:
    """It is run after the scenarios, without Django's settings."""
    command = [sys.executable, "-m", "tests.chaos.report", str(tmp_path), "1"]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "No report is written:")


def test_every_scenario_has_its_theme_and_every_theme_its_scenarios() -> None:
    named = report.scenarios()
    assert {name for name in named if report._theme(name) == "Other"} == set()
    beginnings = [beginning for theme in report.THEMES.values() for beginning in theme]
    assert [b for b in beginnings if not any(name.startswith(b) for name in named)] == []

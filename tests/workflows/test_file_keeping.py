"""Attachments' files over time: orphans go, missing ones alarm, and a folder of somebody else's is left alone."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.supervision.county import AT, County, add_evidence, order_of, walk
from workflows.attachments import MISSING, look_after_files, path_of, sweep_orphans
from workflows.auditor import audit
from workflows.models import Attachment, Finding, Heartbeat

IN_HAND = "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff"


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "files")
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def stray(folder: Path, name: str, written: datetime) -> Path:
    path = folder / name
    path.write_bytes(b"%PDF-")
    os.utime(path, (written.timestamp(), written.timestamp()))
    return path


def with_a_file(place: County) -> Attachment:
    order = walk(place, order_of(place), IN_HAND)
    add_evidence(place, order, "staff")
    return Attachment.objects.get()


def test_what_no_row_names_goes_after_a_day_and_what_a_row_names_stays(place: County, folder: Path) -> None:
    kept = path_of(with_a_file(place))
    os.utime(kept, (0, 0))
    old = stray(folder, "a.pdf", AT - timedelta(hours=25))
    being_uploaded = stray(folder, "b.pdf", AT - timedelta(hours=23))
    assert sweep_orphans(at=AT) == 1
    assert (kept.exists(), old.exists(), being_uploaded.exists()) == (True, False, True)


def test_a_folder_that_is_mostly_unknown_to_the_database_is_left_alone(
    place: County, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = path_of(with_a_file(place))
    os.utime(path, (0, 0))
    others = [stray(folder, f"{n}.pdf", AT - timedelta(days=9)) for n in range(21)]
    assert sweep_orphans(at=AT) == 0
    assert all(other.exists() for other in others)
    assert "21 of 22 files" in caplog.text
    others.pop().unlink()
    assert sweep_orphans(at=AT) == 20


def test_a_missing_file_is_found_within_the_hour_and_forgotten_when_it_is_back(
    place: County, folder: Path
) -> None:
    row = with_a_file(place)
    look_after_files(AT)
    assert [f for f in audit(AT) if f.code == MISSING] == []
    aside = path_of(row).rename(folder / "aside")
    look_after_files(AT + timedelta(hours=1))
    assert Heartbeat.objects.get(component="files").detail == {"orphans": 0, "missing": 1, "first": [row.pk]}
    [fault] = [f for f in audit(AT) if f.code == MISSING]
    assert (fault.kind, fault.document_id, fault.params["stored_as"]) == (
        row.kind,
        row.document_id,
        row.stored_as,
    )
    assert Finding.objects.filter(code=MISSING, document_id=row.document_id).exists()
    aside.rename(path_of(row))
    audit(AT + timedelta(hours=1, minutes=1))
    assert not Finding.objects.filter(code=MISSING).exists(), "the auditor looks again at what it was told"


def test_the_hourly_bell_looks_after_the_files(place: County, folder: Path) -> None:
    from workflows.tasks import seal

    old = stray(folder, "c.pdf", datetime(2020, 1, 1))
    seal()
    assert not old.exists()
    assert Heartbeat.objects.get(component="files").detail["orphans"] == 1

"""A county with attachments is backed up, restored elsewhere, and is the same; what is damaged is refused and leaves nothing."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import connection, connections

from tests.conftest import Clone
from tests.supervision import county as counties
from tests.supervision.county import AT, County, add_evidence, measure_of, moment, order_of, report_of, walk
from tests.workflows.clock_ground import everything
from workflows import backup, census
from workflows.attachments import path_of, remove
from workflows.auditor import find
from workflows.backup import CannotRestore, back_up, check, restore
from workflows.clockwork import pass_time
from workflows.models import Attachment, Census, CensusChange, Seal
from workflows.verification import seal_days, verify

IN_HAND = "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff"


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "files")
    return tmp_path / "files"


@pytest.fixture
def place(committed_db: Clone, folder: Path) -> County:
    """A county that has lived: orders, a rectification, a report, files that stand and one taken off, steps, seals."""
    place = counties.county()
    order = walk(place, order_of(place, title="道路改造"), IN_HAND)
    for _ in range(3):
        add_evidence(place, order, "staff")
    remove(Attachment.objects.latest("pk").pk, actor=place.actor("staff"), at=AT)
    walk(place, measure_of(place), "add_evidence:staff, claim_done:staff")
    report_of(place)
    pass_time(moment(4, 20))
    seal_days(place.institution, at=moment(5, 1))
    session = SessionStore()
    session["who"] = "head"
    session.save()
    return place


@pytest.fixture
def elsewhere(
    place: County, committed_db: Clone, folder: Path, tmp_path: Path, settings: Any
) -> Iterator[Callable[[], None]]:
    """Called, it makes an empty database and an empty folder the ones that the settings name."""
    database = connections.settings["default"]
    here, empty = database["NAME"], f"{database['NAME']}_empty"

    def point_at(name: str) -> None:
        connections.close_all()
        database["NAME"] = name

    def go() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{empty}"')
        point_at(empty)
        settings.MEDIA_ROOT = str(tmp_path / "files elsewhere")

    yield go
    point_at(here)
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{empty}" WITH (FORCE)')


def contents(folder: Path) -> dict[str, bytes]:
    return (
        {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        if folder.is_dir()
        else {}
    )


def tables() -> list[str]:
    return connection.introspection.table_names()


def test_what_was_backed_up_is_restored_elsewhere_and_verifies(
    place: County,
    elsewhere: Callable[[], None],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "orphan.pdf").write_bytes(b"%PDF-")
    order_of(place, title="尚未汇总", at=moment(5, 2))
    call_command("backup", str(tmp_path / "kept"))
    [archive] = (tmp_path / "kept").iterdir()
    assert archive.stat().st_mode & 0o777 == 0o600
    assert Census.objects.exists()
    assert CensusChange.objects.exists()
    before, verdict = everything(), verify()
    assert verdict.clean
    assert verdict.seals > 0
    files = contents(folder)
    del files["orphan.pdf"]
    assert len(files) == 4

    elsewhere()
    call_command("restore", str(archive))
    assert everything() == before
    assert Census.objects.exists()
    assert census.differences() == []
    again = verify()
    assert again.clean
    assert (again.entries, again.chains, again.seals) == (verdict.entries, verdict.chains, verdict.seals)
    assert contents(tmp_path / "files elsewhere") == files
    assert all(path_of(row).is_file() for row in Attachment.objects.all())
    assert [
        f.code for f in find(moment(4, 20)) if f.code in ("unprotected", "entry_differs", "version_differs")
    ] == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone() == (0,), "no sign-in comes back to life"


def test_the_restored_installation_works_on_and_is_protected(
    place: County, elsewhere: Callable[[], None], tmp_path: Path
) -> None:
    from django.db import IntegrityError

    archive = back_up(tmp_path / "kept", AT).path
    elsewhere()
    assert restore(archive).clean
    later = moment(5, 4)
    walk(place, order_of(place, at=later, title="恢复之后的一件"), IN_HAND, later)
    assert verify().clean
    assert census.differences() == []
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_entry SET step = 'x'")
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("UPDATE orders_supervisionorder SET state = 'closed'")


def test_the_manifest_tells_the_heads_and_the_seals_as_they_stood(place: County, tmp_path: Path) -> None:
    made = back_up(tmp_path / "kept", AT)
    manifest = check(made.path)
    assert manifest["ledger"] == backup.heads()
    assert made.entries == verify().entries
    last = Seal.objects.filter(institution=place.institution).latest("day")
    assert manifest["seals"][place.institution.slug]["root"] == bytes(last.root).hex()
    order_of(place)
    assert check(made.path)["ledger"] != backup.heads()


def _flipped(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x01
    path.write_bytes(content)


def _offset(path: Path, wanted: str) -> int:
    with tarfile.open(path) as archive:
        return next(info.offset_data for info in archive if info.name.startswith(wanted))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a byte of the dump": lambda path: _flipped(path, _offset(path, backup.DUMP) + 4000),
    "a byte of a file": lambda path: _flipped(path, _offset(path, backup.FILES) + 3),
    "a byte of the manifest": lambda path: _flipped(path, _offset(path, backup.MANIFEST) + 30),
    "a name": lambda path: _flipped(path, _offset(path, backup.FILES) - 512 + 8),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "cut before the manifest": lambda path: path.write_bytes(path.read_bytes()[: _offset(path, backup.MANIFEST) - 512]),
    "something else": lambda path: path.write_bytes(b"PK\x03\x04" + b"x" * 20_000),
    "empty": lambda path: path.write_bytes(b""),
}  # fmt: skip


def test_a_damaged_archive_is_refused_and_leaves_nothing(
    place: County, elsewhere: Callable[[], None], tmp_path: Path
) -> None:
    good = back_up(tmp_path / "kept", AT).path
    elsewhere()
    for what, harm in DAMAGE.items():
        bad = tmp_path / "bad.tar"
        shutil.copy(good, bad)
        harm(bad)
        with pytest.raises(CannotRestore, match="已损坏"):
            restore(bad)
        assert (what, tables(), contents(tmp_path / "files elsewhere")) == (what, [], {})
    with pytest.raises(CommandError) as refused:
        call_command("restore", str(tmp_path / "bad.tar"))
    assert refused.value.returncode == 2
    assert restore(good).clean, "after every refusal the place is still as empty as before"


def test_a_dump_that_postgresql_refuses_leaves_nothing(
    place: County, elsewhere: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digests hold, and yet the dump cannot be loaded: as from a newer PostgreSQL."""
    run = backup._run
    monkeypatch.setattr(
        backup,
        "_run",
        lambda command, refused: Path(command[3].removeprefix("--file=")).write_bytes(b"PGDMP?"),
    )
    bad = back_up(tmp_path / "kept", AT).path
    monkeypatch.setattr(backup, "_run", run)
    elsewhere()
    with pytest.raises(CannotRestore, match="pg_restore"):
        restore(bad)
    assert (tables(), contents(tmp_path / "files elsewhere")) == ([], {})


def test_nothing_is_restored_over_something(
    place: County, elsewhere: Callable[[], None], folder: Path, tmp_path: Path, settings: Any
) -> None:
    archive, before, files = back_up(tmp_path / "kept", AT).path, everything(), contents(folder)
    with pytest.raises(CannotRestore, match="不是空库"):
        restore(archive)
    assert (everything(), contents(folder)) == (before, files)
    elsewhere()
    other = Path(settings.MEDIA_ROOT)
    other.mkdir()
    (other / "somebody's.pdf").write_bytes(b"%PDF-")
    with pytest.raises(CannotRestore, match=r"somebody's\.pdf"):
        restore(archive)
    assert (tables(), list(contents(other))) == ([], ["somebody's.pdf"])


def test_a_restore_that_was_killed_can_be_started_again(
    place: County, elsewhere: Callable[[], None], folder: Path, tmp_path: Path, settings: Any
) -> None:
    archive, files = back_up(tmp_path / "kept", AT).path, contents(folder)
    elsewhere()
    other = Path(settings.MEDIA_ROOT)
    (other / ".duban-left").mkdir(parents=True)
    half = next(iter(files))
    (other / half).write_bytes(files[half][:2])
    assert restore(archive).clean
    assert contents(other) == files


def test_missing_and_altered_files_are_told_and_the_rest_is_kept(
    place: County, elsewhere: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, altered = [path_of(row) for row in Attachment.objects.order_by("pk")[:2]]
    gone.unlink()
    altered.write_bytes(b"other")
    with pytest.raises(CommandError) as told:
        call_command("backup", str(tmp_path / "kept"), "--json")
    assert told.value.returncode == 1
    made = json.loads(capsys.readouterr().out)
    assert (made["missing"], made["damaged"], made["files"]) == ([gone.name], [altered.name], 3)
    elsewhere()
    done = restore(Path(made["path"]))
    assert (done.clean, done.missing, done.damaged) == (True, (gone.name,), (altered.name,))


def test_work_goes_on_during_a_backup_and_is_not_half_in_it(
    place: County, elsewhere: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the snapshot and the dump a decision commits, with a file: neither is in the archive."""
    from tests.workflows.clock_ground import in_threads

    before, run = everything(), backup._run

    def meanwhile() -> None:
        add_evidence(place, walk(place, order_of(place, title="备份期间"), IN_HAND), "staff")

    def first_work(command: Any, refused: Any) -> None:
        in_threads(meanwhile)
        run(command, refused)

    monkeypatch.setattr(backup, "_run", first_work)
    made = back_up(tmp_path / "kept", AT + timedelta(days=1))
    monkeypatch.setattr(backup, "_run", run)
    assert everything() != before
    assert made.files == 4
    elsewhere()
    assert restore(made.path).clean
    assert everything() == before


def test_an_archive_of_a_newer_duban_is_refused(
    place: County, elsewhere: Callable[[], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied = backup._applied
    monkeypatch.setattr(backup, "_applied", lambda: {**applied(), "workflows": ["9999_from_the_future"]})
    archive = back_up(tmp_path / "kept", AT).path
    elsewhere()
    with pytest.raises(CannotRestore, match="9999_from_the_future"):
        restore(archive)
    assert tables() == []


def test_programs_older_than_the_server_are_named(
    place: County, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PG_BIN = str(tmp_path)
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o700)
    with pytest.raises(backup.CannotBackUp, match=r"9\.6\.1"):
        back_up(tmp_path / "kept", AT)
    assert not (tmp_path / "kept").exists() or list((tmp_path / "kept").iterdir()) == []

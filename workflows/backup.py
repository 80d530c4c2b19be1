"""Backup and restore: one archive with a consistent dump, every attachment's file, and a manifest by which both are checked.

The dump, the list of files and the heads of the ledger are read in one snapshot. A file is written before its row and is
never changed, so that the files of a snapshot's rows can be copied while people go on working. The manifest comes last:
an archive that broke off has none.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from workflows import attachments
from workflows.ledger import canonical
from workflows.models import Attachment, Entry, Seal
from workflows.verification import Verdict, verify
from workflows.words import Text

FORMAT = 1
DUMP, FILES, MANIFEST, MANIFEST_DIGEST = "database.dump", "files/", "manifest.json", "manifest.sha256"
KNOWN_NAME = re.compile(r"database\.dump|files/[0-9A-Za-z_-][0-9A-Za-z._-]*|manifest\.json|manifest\.sha256")
NOT_KEPT = ("django_session",)
"""Tables of which only the shape is kept: a sign-in must not come back to life with a backup."""

NO_PROGRAM = Text(
    "未找到版本不低于 {wanted} 的 PostgreSQL 程序 {program}：请安装，或用环境变量 PG_BIN 指明其所在文件夹。{found}",
    "PostgreSQL's program {program} of version {wanted} or newer was not found: install it, or name its folder in PG_BIN."
    " {found}",
)
FOUND_OLDER = Text("（找到的是：{found}）", "(Found: {found}.)")
PROGRAM_FAILED = Text("{program} 未能完成：{said}", "{program} did not succeed: {said}")
NO_ARCHIVE = Text("没有文件 {path}。", "There is no file {path}.")
DAMAGED = Text(
    "备份文件 {path} 已损坏，未恢复任何内容：{what}",
    "The archive {path} is damaged, so nothing was restored: {what}",
)
OTHER_FORMAT = Text(
    "该备份由更新版本的督办系统制作，请先升级再恢复（{what}）。",
    "The archive was made by a newer Duban: update this one first ({what}).",
)
NOT_EMPTY = Text(
    "目标数据库不是空库（已有 {what}），未恢复任何内容。请指向新建的空数据库。",
    "The database is not empty (it has {what}), so nothing was restored: name a new, empty database.",
)
FOLDER_NOT_EMPTY = Text(
    "附件文件夹 {folder} 中有不属于该备份的文件（如 {what}），未恢复任何内容。",
    "The folder {folder} holds files that are not of this archive (such as {what}), so nothing was restored.",
)


class CannotBackUp(Exception):
    """No archive was made; the message is a sentence for the operator."""


class CannotRestore(Exception):
    """Nothing was restored; the message is a sentence for the operator."""


@dataclass(frozen=True)
class Archived:
    """An archive that stands. `missing` and `damaged` are files that were no longer, or no longer as, their rows say."""

    path: Path
    files: int
    entries: int
    size: int
    digest: str
    missing: tuple[str, ...]
    damaged: tuple[str, ...]


@dataclass(frozen=True)
class Restored:
    """What was restored, and whether its ledger verifies; `differs` names the kinds whose heads are not the manifest's."""

    made_at: datetime
    files: int
    verdict: Verdict
    differs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        return self.verdict.clean and not self.differs


@dataclass
class _Copied:
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


# --- Backup -------------------------------------------------------------------------------------------------


def back_up(folder: Path, at: datetime) -> Archived:
    """Write `duban-<instant>.tar` into `folder`, readable by its owner alone; it appears only when it is complete.

    People may go on working meanwhile. Raises CannotBackUp.
    """
    program = _program("pg_dump", CannotBackUp)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"duban-{at.astimezone(UTC):%Y%m%dT%H%M%S}Z.tar"
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file, TemporaryDirectory(dir=folder, prefix=".duban-") as work:
            manifest = _write_archive(file, program, Path(work) / DUMP, at)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync_folder(folder)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return Archived(
        path, len(manifest["members"]) - 1, sum(kind["entries"] for kind in manifest["ledger"].values()), path.stat().st_size,
        hashlib.sha256(canonical(manifest)).hexdigest(), tuple(manifest["missing"]), tuple(manifest["damaged"]),
    )  # fmt: skip


def _write_archive(file: IO[bytes], program: Path, dump: Path, at: datetime) -> dict[str, Any]:
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # While the dump is written this session only waits.
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot: str = cursor.fetchone()[0]
            without = [f"--exclude-table-data={table}" for table in NOT_KEPT]
            _run(
                [str(program), "--format=custom", f"--snapshot={snapshot}", f"--file={dump}", *without],
                CannotBackUp,
            )
            copied = _Copied()
            copied.members[DUMP] = _add(archive, dump, DUMP)
            _add_files(archive, copied)
            manifest = {
                "format": FORMAT, "made_at": at.astimezone(UTC).isoformat(), "server": _server_version(), "migrations": _applied(),
                "members": copied.members, "missing": copied.missing, "damaged": copied.damaged, "ledger": heads(),
                "seals": last_seals(),
            }  # fmt: skip
        _add_text(archive, MANIFEST, canonical(manifest))
        _add_text(archive, MANIFEST_DIGEST, hashlib.sha256(canonical(manifest)).hexdigest().encode())
    return manifest


def _add_files(archive: tarfile.TarFile, copied: _Copied) -> None:
    """Every attachment's file. One that is gone or altered does not hinder the backup of the rest, and is told."""
    rows = Attachment.objects.order_by("pk").values_list("stored_as", "sha256").iterator(chunk_size=1000)
    for stored_as, sha256 in rows:
        path = attachments.root() / stored_as
        try:
            copied.members[FILES + stored_as] = added = _add(archive, path, FILES + stored_as)
        except FileNotFoundError:
            copied.missing.append(stored_as)
            continue
        if added["sha256"] != sha256:
            copied.damaged.append(stored_as)


class _Hashing:
    """A file that is read once, with the digest of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self.file.read(size)
        self.digest.update(chunk)
        return chunk


def _add(archive: tarfile.TarFile, path: Path, name: str) -> dict[str, Any]:
    with path.open("rb") as file:
        info = tarfile.TarInfo(name)
        info.size, info.mode = os.fstat(file.fileno()).st_size, 0o600
        hashing = _Hashing(file)
        archive.addfile(info, hashing)
        return {"size": info.size, "sha256": hashing.digest.hexdigest()}


def _add_text(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    archive.addfile(info, io.BytesIO(content))


def heads() -> dict[str, dict[str, Any]]:
    """Of each kind: how many chains and entries, and one digest over where every chain stands. In constant memory."""
    standing: dict[str, tuple[list[int], Any]] = {}
    last = Entry.objects.order_by("kind", "document_id", "-sequence").distinct("kind", "document_id")
    rows = last.values_list("kind", "document_id", "sequence", "digest").iterator(chunk_size=2000)
    for kind, pk, sequence, digest in rows:
        counts, running = standing.setdefault(kind, ([0, 0], hashlib.sha256()))
        counts[0] += 1
        counts[1] += sequence  # a chain counts from 1 without gaps
        running.update(f"{pk}:{sequence}:{bytes(digest).hex()}\n".encode())
    return {
        kind: {"chains": counts[0], "entries": counts[1], "heads": running.hexdigest()}
        for kind, (counts, running) in standing.items()
    }


def last_seals() -> dict[str, dict[str, Any]]:
    """The last sealed day of every institution, by its short name: what a copy kept outside is compared with."""
    seals = Seal.objects.select_related("institution").order_by("institution", "-day").distinct("institution")
    return {
        seal.institution.slug: {
            "day": seal.day.isoformat(), "entries": seal.entries, "root": bytes(seal.root).hex(), "previous": bytes(seal.previous).hex(),
        }
        for seal in seals
    }  # fmt: skip


def _applied() -> dict[str, list[str]]:
    applied: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        applied.setdefault(app, []).append(name)
    return applied


# --- Restore ------------------------------------------------------------------------------------------------


def restore(path: Path) -> Restored:
    """Put an archive into the empty database and the empty folder that the settings name, and verify its ledger.

    Raises CannotRestore when the archive is damaged or the place is not empty; nothing has changed then. A restore that
    is killed leaves an empty database and can be started again. A ledger that does not verify is restored all the same,
    because it is evidence, and is told.
    """
    manifest = check(path)
    _require_known(manifest)
    _require_empty(manifest)
    program = _program("pg_restore", CannotRestore)
    folder = attachments.root()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with TemporaryDirectory(dir=folder, prefix=".duban-") as work:
            dump = Path(work) / DUMP
            _extract(path, folder, dump)
            options = ("--single-transaction", "--no-owner", "--no-privileges")
            _run([str(program), *options, str(dump)], CannotRestore)
    except BaseException:
        for name in manifest["members"]:
            if name.startswith(FILES):
                (folder / name.removeprefix(FILES)).unlink(missing_ok=True)
        raise
    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    standing, then = heads(), manifest["ledger"]
    differs = sorted(kind for kind in standing.keys() | then.keys() if standing.get(kind) != then.get(kind))
    if last_seals() != manifest["seals"]:
        differs.append("seals")
    return Restored(
        datetime.fromisoformat(manifest["made_at"]), len(manifest["members"]) - 1, verify(), tuple(differs),
        tuple(manifest["missing"]), tuple(manifest["damaged"]),
    )  # fmt: skip


def check(path: Path) -> dict[str, Any]:
    """Read the whole archive and compare it with its manifest, which is returned. Raises CannotRestore."""
    if not path.is_file():
        raise CannotRestore(NO_ARCHIVE.format(path=path))
    found: dict[str, dict[str, Any]] = {}
    texts: dict[str, bytes] = {}
    try:
        with tarfile.open(path, mode="r:") as archive:
            for info, file in _members(archive):
                found[info.name], texts[info.name] = _read(file, info)
    except (tarfile.TarError, EOFError, OSError) as fault:
        raise _damaged(path, f"{fault}") from fault
    if MANIFEST not in found or MANIFEST_DIGEST not in found:
        raise _damaged(path, "it broke off before its manifest")
    if found.pop(MANIFEST)["sha256"].encode() != texts[MANIFEST_DIGEST]:
        raise _damaged(path, "its manifest was altered")
    del found[MANIFEST_DIGEST]
    manifest: dict[str, Any] = json.loads(texts[MANIFEST])
    if manifest["format"] != FORMAT:
        raise CannotRestore(OTHER_FORMAT.format(what=f"format {manifest['format']}"))
    wrong = sorted(
        name
        for name in found.keys() | manifest["members"].keys()
        if found.get(name) != manifest["members"].get(name)
    )
    if wrong:
        raise _damaged(path, ", ".join(wrong[:5]))
    return manifest


def _members(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for info in archive:
        file = archive.extractfile(info) if info.isreg() and KNOWN_NAME.fullmatch(info.name) else None
        if file is None:
            raise tarfile.TarError(f"it holds {info.name!r}")
        yield info, file


def _read(file: IO[bytes], info: tarfile.TarInfo) -> tuple[dict[str, Any], bytes]:
    """Size and digest of a member, and its content if it is one of the two texts."""
    digest, kept, size = hashlib.sha256(), [], 0
    while chunk := file.read(1024 * 1024):
        digest.update(chunk)
        size += len(chunk)
        if info.name in (MANIFEST, MANIFEST_DIGEST):
            kept.append(chunk)
    return {"size": size, "sha256": digest.hexdigest()}, b"".join(kept)


def _damaged(path: Path, what: str) -> CannotRestore:
    return CannotRestore(DAMAGED.format(path=path, what=what))


def _require_known(manifest: Mapping[str, Any]) -> None:
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    for app, names in manifest["migrations"].items():
        for name in names:
            if (app, name) not in known and any(key[0] == app for key in known):
                raise CannotRestore(OTHER_FORMAT.format(what=f"{app} {name}"))


def _require_empty(manifest: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind = ANY('{r,p,v,m,S,f}') LIMIT 1"""
        )
        if row := cursor.fetchone():
            raise CannotRestore(NOT_EMPTY.format(what=row[0]))
    folder = attachments.root()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        # What a killed restore left is of this archive; anything else is somebody's.
        if FILES + path.name not in manifest["members"] and not path.name.startswith(".duban-"):
            raise CannotRestore(FOLDER_NOT_EMPTY.format(folder=folder, what=path.name))


def _extract(path: Path, folder: Path, dump: Path) -> None:
    with tarfile.open(path, mode="r:") as archive:
        for info, file in _members(archive):
            if info.name in (MANIFEST, MANIFEST_DIGEST):
                continue
            target = dump if info.name == DUMP else folder / info.name.removeprefix(FILES)
            fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as out:
                shutil.copyfileobj(file, out, 1024 * 1024)
                out.flush()
                os.fsync(out.fileno())
    _sync_folder(folder)


# --- PostgreSQL's programs ----------------------------------------------------------------------------------


def _server_version() -> int:
    connection.ensure_connection()
    return int(connection.connection.info.server_version)


def _program(name: str, refused: type[Exception]) -> Path:
    """The first `name` that is not older than the server: in the folder PG_BIN if that is set, else in the usual places."""
    wanted, older = _server_version() // 10000, []
    for path in _places(name):
        told = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"(\d+)", told)
        if version and int(version[1]) >= wanted:
            return path
        older.append(f"{path} {told.strip()}")
    found = FOUND_OLDER.format(found="; ".join(older)) if older else ""
    raise refused(NO_PROGRAM.format(program=name, wanted=wanted, found=found).strip())


def _places(name: str) -> Iterator[Path]:
    if settings.PG_BIN:
        folders = [Path(settings.PG_BIN)]
    else:
        on_path = shutil.which(name)
        packaged = (*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin"))
        folders = [*([Path(on_path).parent] if on_path else []), *sorted(packaged, reverse=True)]
    return (folder / name for folder in folders if (folder / name).is_file())


def _run(command: Sequence[str], refused: type[Exception]) -> None:
    """Run one of them on this very database. Its password does not stand in the command line, which everybody may read."""
    connection.ensure_connection()
    info = connection.connection.info
    done = subprocess.run(
        [*command, f"--dbname={info.dsn}", "--no-password"],
        env={**os.environ, "PGPASSWORD": info.password, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[-600:]
        raise refused(PROGRAM_FAILED.format(program=Path(command[0]).name, said=said))


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)

"""Attachments: evidence with the day of the fact, the instant of upload and its SHA-256, kept outside the web root.

A file is written before its row and is only evidence once the row stands; a file without a row is an orphan.
"""

from __future__ import annotations

import hashlib
import logging
import os
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from organisation.actors import Actor, Capacity
from organisation.models import Person
from organisation.queries import local_day
from workflows.auditor import MOST_OF_EACH, Fault
from workflows.clockwork import beat
from workflows.documents import Document, Refused, model_of
from workflows.fire import note
from workflows.judgement import NOT_EDITABLE, capacity_for
from workflows.models import Attachment, Heartbeat
from workflows.reading import reading
from workflows.taking import take
from workflows.words import Reason, Text

log = logging.getLogger(__name__)

FILES = "files"
"""The heartbeat of whoever looks after the files."""
FEW_ORPHANS = 20
"""So many files without a row are a mishap of uploads at any time; more than that are compared with how many have one."""
MISSING = "file_missing"
MISSING_WORDS = Text("附件的文件不在存储中", "The file of an attachment is gone from the store")

LARGEST = 50 * 1024 * 1024
"""Bytes. A property of the program, not of an institution: what one request may put on disk."""

PACKAGE, OLD_OFFICE = (b"PK\x03\x04",), (b"\xd0\xcf\x11\xe0",)

MEDIA = {
    "pdf": ("application/pdf", (b"%PDF-",)),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", PACKAGE),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", PACKAGE),
    "pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation", PACKAGE),
    "ofd": ("application/ofd", PACKAGE),
    "doc": ("application/msword", OLD_OFFICE),
    "xls": ("application/vnd.ms-excel", OLD_OFFICE),
    "wps": ("application/vnd.ms-works", OLD_OFFICE),
    "txt": ("text/plain", ()),
}
CONTENTS = {"ofd": "OFD.xml"}
"""The file by which a package says what it holds; of office documents it is [Content_Types].xml."""
MACROS_INSIDE = "_VBA_PROJECT".encode("utf-16-le")
"""How an old office file names the place of its macros."""
SHOWN_IN_PAGE = frozenset({"application/pdf", "image/png", "image/jpeg"})

TOO_LARGE = Text(
    "文件超过 {limit} MB，请压缩或分成几份上传。",
    "The file is larger than {limit} MB; compress it or split it.",
)
EMPTY = Text("文件是空的，请检查后重新选择。", "The file is empty; choose it again.")
WRONG_KIND = Text(
    "不接收“{ending}”文件；可上传：{known}。",
    "Files of the kind “{ending}” are not taken; you can upload: {known}.",
)
NOT_WHAT_IT_SAYS = Text(
    "文件内容与扩展名“{ending}”不符。", "The file's content is not what its ending “{ending}” says."
)
HAS_MACROS = Text(
    "文件含有宏，请另存为不含宏的文件后上传。", "The file contains macros; save it without them."
)
UNSAFE_ARCHIVE = Text(
    "文件的压缩结构异常，未予接收。", "The file's packing is abnormal, so it was not taken."
)
FUTURE_FACT = Text("事实发生日期不能晚于今天。", "The date of the fact cannot be after today.")
NO_EVIDENCE_HERE = Text(
    "“{state}”状态下不能增减附件。", "Attachments cannot be added or removed in “{state}”."
)
NOT_THERE = Text("附件已不存在。", "The attachment is no longer there.")


def root() -> Path:
    """Where the files lie: a private folder outside the web root, part of the backup."""
    return Path(settings.MEDIA_ROOT)


def path_of(attachment: Attachment) -> Path:
    return root() / attachment.stored_as


@dataclass(frozen=True)
class _Stored:
    name: str
    size: int
    sha256: str


def attach(
    document: Document, content: IO[bytes], *, name: str, fact_on: date, actor: Actor, at: datetime, as_post: int | None = None
) -> Attachment:  # fmt: skip
    """Add evidence to a document in a state that takes it. It makes the document the actor's own work.

    `name` is the person's file name, `fact_on` the day the evidence is of. Raises Refused, each reason coded
    `given.file` or `given.fact_on`; nothing stays on disk then.
    """
    ending = clean_name(name).rpartition(".")[2].lower()
    _require_known(ending)
    if fact_on > local_day(document.institution_id, at):
        raise Refused(Reason("given.fact_on", FUTURE_FACT))
    stored = _store(content, ending)
    try:
        with transaction.atomic():
            locked: Any = take(type(document), [document.pk], actor, None)[0]
            capacity = _may_attach(locked, actor, as_post)
            attachment = Attachment.objects.create(
                institution_id=locked.institution_id, kind=locked.kind(), document_id=locked.pk, name=clean_name(name),
                media_type=MEDIA[ending][0], size=stored.size, sha256=stored.sha256, stored_as=stored.name, fact_on=fact_on,
                uploaded_at=at, uploaded_by_id=_person(actor), state=locked.state,
            )  # fmt: skip
            facts = {
                "attachment": attachment.pk,
                "name": attachment.name,
                "size": stored.size,
                "sha256": stored.sha256,
                "fact_on": fact_on,
            }
            note(locked, "attach", actor=actor, at=at, capacity=capacity, content=facts, handles=True)
    except BaseException:
        (root() / stored.name).unlink(missing_ok=True)
        raise
    return attachment


def remove(attachment_id: int, *, actor: Actor, at: datetime, as_post: int | None = None) -> Attachment:
    """Take an attachment off the document while the state it was added in lasts. The file and its hash stay on record."""
    with transaction.atomic():
        kind, pk = Attachment.objects.values_list("kind", "document_id").get(pk=attachment_id)
        locked: Any = take(model_of(kind), [pk], actor, None)[0]
        attachment = Attachment.objects.select_for_update().get(pk=attachment_id)
        if attachment.removed_at:
            raise Refused(Reason("not_there", NOT_THERE))
        if attachment.state != locked.state:
            raise Refused(_not_here(locked))
        capacity = _may_attach(locked, actor, as_post)
        attachment.removed_at = at
        attachment.save(update_fields=["removed_at"])
        note(locked, "remove_attachment", actor=actor, at=at, capacity=capacity, handles=True,
             content={"attachment": attachment.pk, "name": attachment.name, "sha256": attachment.sha256})  # fmt: skip
    return attachment


def _person(actor: Actor) -> int:
    if actor.person_id is None:
        raise TypeError("evidence is added by a person, not by the clock")
    return actor.person_id


def _not_here(document: Any) -> Reason:
    return Reason(
        "no_evidence_here", NO_EVIDENCE_HERE, {"state": document.lifecycle.states[document.state].text}
    )


def _may_attach(document: Any, actor: Actor, as_post: int | None) -> Capacity:
    state = document.lifecycle.states[document.state]
    roles = state.attaches or ((state.edits,) if state.edits else ())
    if not roles:
        raise Refused(_not_here(document))
    verdicts = [capacity_for(actor, role, document, decides=False, as_post=as_post) for role in roles]
    for verdict in verdicts:
        if verdict.capacity is not None:
            return verdict.capacity
    raise Refused(*verdicts[0].reasons or (Reason("not_editable", NOT_EDITABLE, {"state": state.text}),))


STANDING = """
SELECT {columns} FROM workflows_attachment a JOIN organisation_person p ON p.id = a.uploaded_by_id
 WHERE a.kind = %(kind)s::text AND a.document_id = %(document)s::bigint AND a.removed_at IS NULL ORDER BY a.uploaded_at, a.id"""


def of_document(document: Document) -> list[Attachment]:
    """The document's attachments that stand, oldest first, each with whoever added it: one statement."""
    asked, found = {"kind": document.kind(), "document": document.pk}, []
    for attachment, attachment.uploaded_by in reading(STANDING, a=Attachment, p=Person).rows(asked):
        found.append(attachment)
    return found


def visible(attachment_id: int, actor: Actor) -> Attachment:
    """The attachment, if the actor sees its document. Raises Attachment.DoesNotExist otherwise."""
    attachment = Attachment.objects.get(pk=attachment_id, institution_id=actor.institution_id)
    if not model_of(attachment.kind).visible_to(actor).filter(pk=attachment.document_id).exists():
        raise Attachment.DoesNotExist
    return attachment


def clean_name(name: str) -> str:
    """A file name without a path or control characters, at most 200 characters, its ending kept."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    base = "".join(c for c in base if unicodedata.category(c)[0] != "C").strip(" .") or "file"
    stem, dot, ending = base.rpartition(".")
    return f"{stem[: 200 - len(ending)]}{dot}{ending}" if dot else base[:200]


def _require_known(ending: str) -> None:
    if ending not in MEDIA:
        raise Refused(Reason("given.file", WRONG_KIND, {"ending": ending, "known": ", ".join(sorted(MEDIA))}))


def _store(content: IO[bytes], ending: str) -> _Stored:
    """Write the file under a name of its own, durably, and judge what it is. Raises Refused; leaves nothing then."""
    name = f"{uuid4().hex}.{ending}"
    target = root() / name
    root().mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, size, head = hashlib.sha256(), 0, b""
    try:
        with target.open("xb") as file:
            for chunk in _chunks(content):
                size += len(chunk)
                if size > LARGEST:
                    raise Refused(Reason("given.file", TOO_LARGE, {"limit": LARGEST // 1024 // 1024}))
                head = head or chunk[:16]
                digest.update(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        if fault := _fault_of(target, ending, head):
            raise Refused(Reason("given.file", fault, {"ending": ending}))
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return _Stored(name, size, digest.hexdigest())


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(1024 * 1024):
        yield chunk


def _fault_of(path: Path, ending: str, head: bytes) -> Text | None:
    if not head:
        return EMPTY
    media, marks = MEDIA[ending]
    if marks and not head.startswith(marks):
        return NOT_WHAT_IT_SAYS
    if media == "text/plain":
        return None if _is_text(path) else NOT_WHAT_IT_SAYS
    if marks == OLD_OFFICE:
        return HAS_MACROS if MACROS_INSIDE in path.read_bytes() else None
    return _fault_of_package(path, ending) if marks == PACKAGE else None


def _is_text(path: Path) -> bool:
    content = path.read_bytes()
    if b"\x00" in content:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


def _fault_of_package(path: Path, ending: str) -> Text | None:
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
    except zipfile.BadZipFile:
        return NOT_WHAT_IT_SAYS
    if not any(entry.filename == CONTENTS.get(ending, "[Content_Types].xml") for entry in entries):
        return NOT_WHAT_IT_SAYS
    if any(entry.filename.lower().endswith("vbaproject.bin") for entry in entries):
        return HAS_MACROS
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    strays = any(".." in Path(e.filename).parts or e.filename.startswith("/") for e in entries)
    bomb = len(entries) > 5000 or unpacked > 400 * 1024 * 1024 or unpacked > 200 * max(packed, 1)
    return UNSAFE_ARCHIVE if strays or bomb else None


def missing_files() -> list[Attachment]:
    """Rows whose file is gone, those taken off their document too: their files stay on record."""
    present = {entry.name for entry in os.scandir(root())} if root().is_dir() else set()
    known = Attachment.objects.order_by("pk").values_list("pk", "stored_as").iterator(chunk_size=5000)
    gone = [pk for pk, stored_as in known if stored_as not in present]
    return list(Attachment.objects.filter(pk__in=gone).order_by("pk"))


def sweep_orphans(*, at: datetime, older_than: timedelta = timedelta(days=1)) -> int:
    """Remove files that no row names, once they are older than an upload can take. Returns how many went.

    A folder most of whose files no row names belongs to another database, or this one is an older copy: nothing is
    removed then, and the log says so.
    """
    if not root().is_dir():
        return 0
    limit = (at - older_than).timestamp()
    old = [path for path in root().glob("*.*") if path.stat().st_mtime < limit]
    known = set(
        Attachment.objects.filter(stored_as__in=[path.name for path in old]).values_list(
            "stored_as", flat=True
        )
    )
    orphans = [path for path in old if path.name not in known]
    if len(orphans) > max(FEW_ORPHANS, len(known)):
        log.error(
            "%s of %s files in %s belong to no attachment of this database; none was removed",
            len(orphans), len(old), root(),
        )  # fmt: skip
        return 0
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def look_after_files(at: datetime) -> None:
    """Once an hour: orphans go, and what is missing is kept in mind for the auditor, which looks every minute."""
    removed, missing = sweep_orphans(at=at), missing_files()
    detail = {
        "orphans": removed,
        "missing": len(missing),
        "first": [row.pk for row in missing[:MOST_OF_EACH]],
    }
    beat(FILES, at, detail)


def still_missing(at: datetime) -> Iterator[Fault]:
    """The auditor's: attachments whose file was missing when last looked at, and still is."""
    seen = Heartbeat.objects.filter(component=FILES).values_list("detail__first", flat=True).first() or []
    for row in Attachment.objects.filter(pk__in=seen).order_by("pk"):
        if not path_of(row).exists():
            params = {"attachment": row.pk, "name": row.name, "stored_as": row.stored_as}
            yield Fault(row.kind, row.document_id, MISSING, params)

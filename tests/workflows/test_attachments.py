"""Evidence: what is taken, what is refused and leaves nothing, and who sees it."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from supervision.orders.models import SupervisionOrder
from tests.supervision.county import AT, TO_HAND, County, again, measure_of, moment, order_of, report_of, walk
from tests.supervision.permissions import trace
from tests.workflows.ground import chain, last_content
from workflows import attachments
from workflows.attachments import (
    attach,
    clean_name,
    missing_files,
    of_document,
    path_of,
    remove,
    sweep_orphans,
    visible,
)
from workflows.documents import Refused
from workflows.models import Attachment

PDF = b"%PDF-1.7\n" + "县政府第3次常务会议纪要".encode()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    """The files of one test."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


@pytest.fixture
def order(place: County) -> SupervisionOrder:
    """In hand: the unit's staff may add evidence."""
    made: SupervisionOrder = walk(place, order_of(place), TO_HAND)
    return made


def give(
    place: County,
    document: Any,
    content: bytes = PDF,
    *,
    name: str = "纪要.pdf",
    who: str = "staff",
    **more: Any,
) -> Attachment:
    options = {"fact_on": AT.date(), "at": AT, **more}
    return attach(document, io.BytesIO(content), name=name, actor=place.actor(who), **options)


def package(files: Mapping[str, bytes], *, office: bool = True) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in ({"[Content_Types].xml": b"<Types/>"} if office else {}).items() | files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def on_disk(folder: Path) -> list[str]:
    return sorted(os.listdir(folder)) if folder.is_dir() else []


def codes(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in error.value.reasons]


# --- What is taken -----------------------------------------------------------------------------------------


def test_evidence_keeps_its_hash_its_two_dates_and_who_brought_it(
    place: County, order: Any, folder: Path
) -> None:
    made = give(place, order, fact_on=date(2026, 2, 20))
    stored = Attachment.objects.get(pk=made.pk)
    assert (stored.sha256, stored.size) == (hashlib.sha256(PDF).hexdigest(), len(PDF))
    assert (stored.fact_on, stored.uploaded_at, stored.uploaded_by) == (
        date(2026, 2, 20),
        AT,
        place.people["staff"],
    )
    assert (stored.name, stored.media_type, stored.state) == ("纪要.pdf", "application/pdf", "in_hand")
    assert path_of(stored).read_bytes() == PDF
    assert on_disk(folder) == [stored.stored_as]
    assert "纪要" not in stored.stored_as
    entry, content = chain(order)[-1], last_content(order)
    assert (entry.step, entry.from_state, entry.to_state, entry.version) == (
        "attach",
        "in_hand",
        "in_hand",
        again(order).version,
    )
    assert (content["sha256"], content["fact_on"], content["name"]) == (
        stored.sha256,
        "2026-02-20",
        "纪要.pdf",
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("照片.JPG", b"\xff\xd8\xff\xe0" + b"x" * 40), ("图.png", b"\x89PNG\r\n\x1a\n" + b"x" * 40), ("说明.txt", "国标编码".encode("gb18030")),
        ("表.xlsx", package({"xl/workbook.xml": b"<w/>"})), ("文.docx", package({"word/document.xml": b"<w/>"})),
        ("版式.ofd", package({"OFD.xml": b"<o/>"}, office=False)), ("旧.doc", b"\xd0\xcf\x11\xe0" + b"x" * 600),
    ],
)  # fmt: skip
def test_the_usual_kinds_are_taken(place: County, order: Any, name: str, content: bytes) -> None:
    assert give(place, order, content, name=name).size == len(content)


def test_who_brings_evidence_has_handled_it_and_may_not_decide(place: County) -> None:
    from tests.supervision.county import _appoint

    _appoint(place.people["colleague"], "supervisor", place.units["county"])
    order = walk(place, order_of(place), TO_HAND)
    give(place, order, who="colleague")
    assert place.people["colleague"].pk in again(order).workers
    walk(place, order, "prove:staff, claim_done:head")
    with pytest.raises(Refused) as refused:
        walk(place, order, "take_up:colleague")
    assert codes(refused) == ["own_work"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\文件\\纪要.pdf", "纪要.pdf"), ("../../etc/纪要.pdf", "纪要.pdf"), ("纪\x00要\n.pdf", "纪要.pdf"), ("长" * 300 + ".pdf", "长" * 197 + ".pdf"),
        ("...", "file"), ("a\u202egnp.pdf", "agnp.pdf"), ("cafe\u0301.pdf", "caf\u00e9.pdf"),
    ],
)  # fmt: skip
def test_names_are_made_harmless(given: str, kept: str) -> None:
    assert clean_name(given) == kept


# --- What is refused ---------------------------------------------------------------------------------------

BOMB = package({"word/document.xml": b"\x00" * 8_000_000})

REFUSED = {
    "empty": ("空.pdf", b""),
    "of an unknown kind": ("脚本.exe", b"MZ" + b"x" * 40),
    "without an ending": ("纪要", PDF),
    "not what it says": ("照片.jpg", PDF),
    "a web page called a text": ("页.txt", b"\x00<script>"),
    "a text in no encoding": ("页.txt", b"\xff\xff\xff\xff"),
    "with macros": ("表.xlsx", package({"xl/vbaProject.bin": b"x"})),
    "with macros, spelt otherwise": ("表.xlsx", package({"xl/VBAPROJECT.BIN": b"x"})),
    "with macros, in an old file": (
        "旧.xls",
        b"\xd0\xcf\x11\xe0" + b"x" * 600 + "_VBA_PROJECT".encode("utf-16-le"),
    ),
    "a bomb": ("文.docx", BOMB),
    "a package that climbs out": ("文.docx", package({"../../x": b"x"})),
    "a broken package": ("文.docx", b"PK\x03\x04" + b"x" * 100),
    "a plain archive called a document": ("文.docx", package({"run.exe": b"MZ"}, office=False)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_is_refused_and_nothing_stays(place: County, order: Any, folder: Path, case: str) -> None:
    name, content = REFUSED[case]
    before = trace()
    with pytest.raises(Refused) as refused:
        give(place, order, content, name=name)
    assert codes(refused) == ["given.file"]
    assert all(str(reason) for reason in refused.value.reasons)
    assert on_disk(folder) == []
    assert trace() == before
    assert not Attachment.objects.exists()


def test_a_file_that_is_too_large_is_given_up_while_it_arrives(
    place: County, order: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "LARGEST", 3 * 1024 * 1024)

    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size: int = -1) -> bytes:
            self.read_so_far += size
            return b"%PDF-" + b"x" * (size - 5)

    endless = Endless()
    with pytest.raises(Refused) as refused:
        attach(order, endless, name="大.pdf", fact_on=AT.date(), actor=place.actor("staff"), at=AT)  # type: ignore[arg-type]
    assert codes(refused) == ["given.file"]
    assert "3 MB" in str(refused.value.reasons[0])
    assert endless.read_so_far <= 4 * 1024 * 1024
    assert on_disk(folder) == []


def test_a_fact_of_tomorrow_is_refused_by_the_institutions_own_day(
    place: County, order: Any, folder: Path
) -> None:
    late = moment(3, 2, 23, 30)  # in UTC it is the afternoon of the 2nd
    with pytest.raises(Refused) as refused:
        give(place, order, fact_on=date(2026, 3, 3), at=late)
    assert codes(refused) == ["given.fact_on"]
    assert on_disk(folder) == []
    assert give(place, order, fact_on=date(2026, 3, 3), at=late + timedelta(minutes=40)).fact_on == date(
        2026, 3, 3
    )


@pytest.mark.parametrize("who", ["head", "drafter", "leader", "stranger", "outsider", "staff elsewhere"])
def test_only_who_may_brings_evidence_and_else_nothing_stays(
    place: County, order: Any, folder: Path, who: str
) -> None:
    before = trace()
    with pytest.raises(Refused) as refused:
        give(place, order, who=who)
    assert codes(refused) == ["not_yours"]
    assert on_disk(folder) == []
    assert trace() == before


def test_a_state_that_takes_no_evidence_says_so(place: County, folder: Path) -> None:
    report = walk(place, report_of(place), "fill_in:staff, hand_in:staff", moment(4, 2))
    with pytest.raises(Refused) as refused:
        give(place, report, at=moment(4, 2))
    assert codes(refused) == ["no_evidence_here"]
    assert on_disk(folder) == []


def test_the_clock_brings_no_evidence(place: County, order: Any, folder: Path) -> None:
    with pytest.raises(Refused):
        attach(order, io.BytesIO(PDF), name="a.pdf", fact_on=AT.date(), actor=place.actor("clock"), at=AT)
    assert on_disk(folder) == []


def test_a_failure_after_the_file_was_written_removes_it(
    place: County, order: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: Any, **__: Any) -> None:
        raise RuntimeError("the ledger could not be written")

    monkeypatch.setattr(attachments, "note", break_down)
    with pytest.raises(RuntimeError), transaction.atomic():
        give(place, order)
    assert on_disk(folder) == []
    assert not Attachment.objects.exists()


# --- Taking off --------------------------------------------------------------------------------------------


def test_what_is_taken_off_stays_on_record(place: County, order: Any, folder: Path) -> None:
    made = give(place, order)
    remove(made.pk, actor=place.actor("colleague"), at=AT + timedelta(hours=1))
    assert list(of_document(order)) == []
    assert path_of(made).exists()
    assert chain(order)[-1].step == "remove_attachment"
    assert last_content(order)["sha256"] == made.sha256
    assert place.people["colleague"].pk in again(order).workers
    with pytest.raises(Refused) as refused:
        remove(made.pk, actor=place.actor("staff"), at=AT)
    assert codes(refused) == ["not_there"]


def test_evidence_that_was_submitted_is_not_taken_off_later(place: County, order: Any) -> None:
    made = give(place, order)
    walk(place, order, "feed_back:head")
    with pytest.raises(Refused) as refused:
        remove(made.pk, actor=place.actor("staff"), at=AT)
    assert codes(refused) == ["no_evidence_here"]
    assert [a.pk for a in of_document(order)] == [made.pk]


def test_evidence_that_was_taken_off_does_not_count(place: County) -> None:
    measure = walk(place, measure_of(place), "add_evidence:staff")
    remove(Attachment.objects.get(document_id=measure.pk).pk, actor=place.actor("staff"), at=AT)
    with pytest.raises(Refused) as refused:
        walk(place, measure, "claim_done:staff")
    assert codes(refused) == ["has_evidence"]


# --- Who sees it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("staff", True), ("head", True), ("delegate", True), ("deputy", True), ("leader", True), ("auditor", True),
        ("staff elsewhere", False), ("stranger", False), ("outsider", False),
    ],
)  # fmt: skip
def test_an_attachment_is_seen_by_who_sees_its_document(
    place: County, order: Any, who: str, sees: bool
) -> None:
    made = give(place, order)
    if sees:
        assert visible(made.pk, place.actor(who)) == made
    else:
        with pytest.raises(Attachment.DoesNotExist):
            visible(made.pk, place.actor(who))


# --- Files without rows, rows without files ----------------------------------------------------------------


def test_files_without_a_row_are_swept_when_they_are_old_and_evidence_never(
    place: County, order: Any, folder: Path
) -> None:
    made, removed = give(place, order), give(place, order, name="另一份.pdf")
    remove(removed.pk, actor=place.actor("staff"), at=AT)
    for name in ("old.pdf", "fresh.pdf"):
        (folder / name).write_bytes(PDF)
    for path in folder.iterdir():
        if path.name != "fresh.pdf":
            os.utime(path, (0, (AT - timedelta(days=2)).timestamp()))
    os.utime(folder / "fresh.pdf", (0, AT.timestamp()))
    assert sweep_orphans(at=AT) == 1
    assert on_disk(folder) == sorted(["fresh.pdf", made.stored_as, removed.stored_as])
    assert sweep_orphans(at=AT) == 0


def test_evidence_whose_file_is_gone_is_named(place: County, order: Any) -> None:
    here, gone = give(place, order), give(place, order, name="另一份.pdf")
    assert list(missing_files()) == []
    path_of(gone).unlink()
    assert list(missing_files()) == [gone]
    assert here.pk != gone.pk


def test_without_a_folder_there_is_nothing_to_sweep(db: None, folder: Path) -> None:
    assert not folder.exists()
    assert sweep_orphans(at=AT) == 0
    assert list(missing_files()) == []

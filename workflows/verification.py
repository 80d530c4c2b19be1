"""Verify the ledger, seal each day of it, and erase a payload without breaking the chain (promises 2 and 3)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, Subquery

from organisation.actors import Actor, Capacity
from organisation.models import Institution
from workflows import ledger
from workflows.documents import Document, document_kinds
from workflows.fire import note
from workflows.models import Chain, Entry, Payload, Seal
from workflows.taking import take

CHUNK = 2000

SETTLED = timedelta(hours=1)
"""A day is sealed this long after it ended: what was recorded in its last minute may still be committing."""


@dataclass(frozen=True)
class Fault:
    """One thing that does not fit: which chain, at which entry, and what."""

    kind: str
    document_id: int
    sequence: int
    code: str

    def __str__(self) -> str:
        return f"{self.kind} {self.document_id} #{self.sequence}: {self.code}"


@dataclass
class Verdict:
    """What a verification read and found; `clean` when nothing is wrong."""

    entries: int = 0
    chains: int = 0
    erased: int = 0
    seals: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.faults


@dataclass
class _Walk:
    """Where the reading of one chain stands."""

    key: tuple[str, int] = ("", 0)
    sequence: int = 0
    version: int = 0
    state: str = ""
    head: bytes = b""
    missing: set[int] = field(default_factory=set)
    excused: set[int] = field(default_factory=set)


def verify(institution_id: int | None = None) -> Verdict:
    """Read every chain (of one institution, or all), in constant memory, and compare with documents and seals.

    Finds: an altered or removed entry, a gap, a cut tail, a payload that does not match or vanished without an erasure,
    a state or version that no entry explains, and a day that no longer matches its seal.
    """
    verdict, walk = Verdict(), _Walk()
    for row in _entries(institution_id):
        key = (row["kind"], row["document_id"])
        if key != walk.key:
            _finish(walk, verdict)
            walk = _Walk(key)
            verdict.chains += 1
        verdict.entries += 1
        verdict.faults += [Fault(*key, row["sequence"], code) for code in _faults_of(row, walk)]
        walk.sequence, walk.head = row["sequence"], bytes(row["digest"])
        walk.version, walk.state = row["version"], row["to_state"]
    _finish(walk, verdict)
    verdict.faults += _heads(institution_id)
    _verify_seals(institution_id, verdict)
    return verdict


def _entries(institution_id: int | None) -> Iterator[dict[str, Any]]:
    payload = Payload.objects.filter(
        kind=OuterRef("kind"), document_id=OuterRef("document_id"), sequence=OuterRef("sequence")
    )
    rows = Entry.objects.annotate(
        salt=Subquery(payload.values("salt")), content=Subquery(payload.values("content"))
    )
    if institution_id is not None:
        rows = rows.filter(institution_id=institution_id)
    columns = (*ledger.HEADER, "digest", "salt", "content")
    return iter(rows.order_by("kind", "document_id", "sequence").values(*columns).iterator(chunk_size=CHUNK))


def _faults_of(row: Mapping[str, Any], walk: _Walk) -> Iterator[str]:
    if row["sequence"] != walk.sequence + 1:
        yield "entries are missing before it"
    if bytes(row["previous"]) != walk.head:
        yield "does not follow from the entry before it"
    columns = {name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()}
    if ledger.digest_of(ledger.header(columns)) != bytes(row["digest"]):
        yield "was altered"
    if row["salt"] is None:
        walk.missing.add(row["sequence"])
    elif hashlib.sha256(bytes(row["salt"]) + bytes(row["content"])).digest() != bytes(row["payload_digest"]):
        yield "its payload was altered"
    elif row["step"] == "erase":
        walk.excused |= set(_erased_sequences(bytes(row["content"])))
    if not row["kind"].startswith("institution."):
        if row["from_state"] != walk.state:
            yield f"leaves {row['from_state']!r} where the document stood in {walk.state!r}"
        if row["version"] not in (walk.version, walk.version + 1):
            yield f"version {row['version']} does not follow {walk.version}"


def _erased_sequences(content: bytes) -> Sequence[int]:
    sequences: Sequence[int] = json.loads(content)["sequences"]
    return sequences


def _finish(walk: _Walk, verdict: Verdict) -> None:
    verdict.erased += len(walk.missing & walk.excused)
    verdict.faults += [
        Fault(*walk.key, n, "its payload is gone without an erasure")
        for n in sorted(walk.missing - walk.excused)
    ]


def _heads(institution_id: int | None) -> list[Fault]:
    """Chains whose head is not their last entry (a cut tail), and documents that stand where no entry left them."""
    found = []
    for model in document_kinds():
        found += _stray(
            model._meta.db_table,
            model.kind(),
            institution_id,
            "d.ledger_sequence",
            "d.ledger_head",
            "d.id",
            documents=True,
        )
    for kind in Chain.objects.order_by("kind").values_list("kind", flat=True).distinct():
        found += _stray(
            "workflows_chain", kind, institution_id, "d.sequence", "d.head", "d.document_id", documents=False
        )
    return found


def _stray(
    table: str, kind: str, institution_id: int | None, sequence: str, head: str, key: str, *, documents: bool
) -> list[Fault]:
    own = "d.institution_id" if documents else "d.document_id"
    states = (
        "OR e.to_state IS DISTINCT FROM d.state OR e.version IS DISTINCT FROM d.version" if documents else ""
    )
    only = "" if documents else "AND d.kind = %(kind)s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {key}, {sequence} FROM {table} d LEFT JOIN LATERAL (
                  SELECT e.sequence, e.digest, e.to_state, e.version FROM workflows_entry e
                   WHERE e.kind = %(kind)s AND e.document_id = {key} ORDER BY e.sequence DESC LIMIT 1) e ON true
                WHERE (%(institution)s::bigint IS NULL OR {own} = %(institution)s) {only}
                  AND (e.sequence IS DISTINCT FROM {sequence} OR e.digest IS DISTINCT FROM {head} {states}) ORDER BY 1""",
            {"kind": kind, "institution": institution_id},
        )
        return [
            Fault(kind, pk, number, "does not stand where its last entry left it")
            for pk, number in cursor.fetchall()
        ]


def _of_day(institution: Institution, day: date) -> Any:
    begins = datetime.combine(day, time.min, institution.zone)
    ends = datetime.combine(day + timedelta(days=1), time.min, institution.zone)
    rows = Entry.objects.filter(institution=institution, recorded_at__gte=begins, recorded_at__lt=ends)
    return rows.order_by("kind", "document_id", "sequence").values_list("digest", flat=True)


def _root(previous: bytes, digests: Iterator[Any]) -> tuple[int, bytes]:
    """The seal over a day: the last seal's root, then every entry's digest in the order of chains."""
    running, count = hashlib.sha256(previous), 0
    for digest in digests:
        running.update(bytes(digest))
        count += 1
    return count, running.digest()


def seal_days(institution: Institution, *, at: datetime) -> list[Seal]:
    """Seal every day that has been over for SETTLED and is not sealed yet, in order; returns the new seals.

    Days are the institution's. Days without entries are skipped.
    """
    today = (at - SETTLED).astimezone(institution.zone).date()
    last = Seal.objects.filter(institution=institution).order_by("-day").first()
    fresh = Entry.objects.filter(institution=institution)
    if last:
        fresh = fresh.filter(
            recorded_at__gte=datetime.combine(last.day + timedelta(days=1), time.min, institution.zone)
        )
    days = sorted(
        {moment.date() for moment in fresh.datetimes("recorded_at", "day", tzinfo=institution.zone)}
    )
    sealed: list[Seal] = []
    for day in (d for d in days if d < today):
        previous = bytes(sealed[-1].root) if sealed else bytes(last.root) if last else b""
        count, root = _root(previous, _of_day(institution, day).iterator(chunk_size=CHUNK))
        sealed.append(
            Seal.objects.create(
                institution=institution, day=day, entries=count, root=root, previous=previous, sealed_at=at
            )
        )
    return sealed


def _verify_seals(institution_id: int | None, verdict: Verdict) -> None:
    seals = Seal.objects.select_related("institution").order_by("institution", "day")
    previous: dict[int, bytes] = {}
    for seal in seals if institution_id is None else seals.filter(institution_id=institution_id):
        verdict.seals += 1
        count, root = _root(
            bytes(seal.previous), _of_day(seal.institution, seal.day).iterator(chunk_size=CHUNK)
        )
        expected = previous.get(seal.institution_id, b"")
        if bytes(seal.previous) != expected or bytes(seal.root) != root or seal.entries != count:
            verdict.faults.append(
                Fault("seal", seal.institution_id, seal.day.toordinal(), f"the seal of {seal.day} is broken")
            )
        previous[seal.institution_id] = bytes(seal.root)


def erase(
    document: Document,
    sequences: Sequence[int],
    *,
    reason: str,
    actor: Actor,
    capacity: Capacity,
    at: datetime,
) -> int:
    """Remove the payloads of these entries (personal data), leaving the chain verifiable. Returns how many went.

    The erasure is itself an entry that names who, why and which; the database refuses a removal without it. Raises
    ValueError for entries that are not the document's, and for erasures: what was erased stays on record.
    """
    with transaction.atomic():
        locked = take(type(document), [document.pk], actor, None)[0]
        chain = Entry.objects.filter(kind=locked.kind(), document_id=locked.pk)
        if chain.filter(sequence__in=sequences).exclude(step="erase").count() < len(set(sequences)):
            raise ValueError("an erasure names entries of this document, and never another erasure")
        note(
            locked,
            "erase",
            actor=actor,
            at=at,
            capacity=capacity,
            content={"sequences": sorted(sequences), "reason": reason},
        )
        gone, _ = Payload.objects.filter(
            kind=locked.kind(), document_id=locked.pk, sequence__in=sequences
        ).delete()
    return gone

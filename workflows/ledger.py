"""Ledger: append-only, hash-chained entries with their payloads beside them.

A chain per document, and one per institution and subject (posts, schemes, calendars) for what has no document.
The chained row holds a salted digest of the payload, so that personal data can be erased and the chain still verifies.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from organisation.actors import Actor, Capacity
from workflows import rows
from workflows.models import Entry
from workflows.reading import reading
from workflows.rows import plain as plain

CANONICAL = json.JSONEncoder(default=plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(content: object) -> bytes:
    """The one byte string of a content: sorted keys, no spaces, UTF-8. What is no text is refused later, by its field."""
    return CANONICAL.encode(content).encode(errors="surrogatepass")


def digest_of(content: object) -> bytes:
    return hashlib.sha256(canonical(content)).digest()


@dataclass
class Link:
    """One entry to be appended after (`sequence - 1`, `previous`)."""

    institution: int
    kind: str
    document_id: int
    sequence: int
    version: int
    step: str
    from_state: str
    to_state: str
    actor: Actor
    capacity: Capacity | None
    effective_at: datetime
    recorded_at: datetime
    previous: bytes
    content: Mapping[str, Any]
    decides: bool = False
    request_id: UUID | None = None
    request_digest: bytes | None = None
    rules: str = ""
    salt: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    def __post_init__(self) -> None:
        self.payload = canonical(self.content)
        self.payload_digest = hashlib.sha256(self.salt + self.payload).digest()
        self.digest = digest_of(header(self.columns()))

    def columns(self) -> dict[str, Any]:
        """The row of `workflows_entry`, without its digest."""
        capacity = self.capacity
        return {
            "institution_id": self.institution,
            "kind": self.kind,
            "document_id": self.document_id,
            "sequence": self.sequence,
            "version": self.version,
            "step": self.step,
            "from_state": self.from_state,
            "to_state": self.to_state,
            "actor": self.actor.person_id,
            "as_role": capacity.role if capacity else "",
            "as_unit": capacity.unit_id if capacity else None,
            "as_post": capacity.post_id if capacity else None,
            "acting_for": capacity.holder_id
            if capacity and capacity.holder_id != self.actor.person_id
            else None,
            "decides": self.decides,
            "effective_at": self.effective_at,
            "recorded_at": self.recorded_at,
            "request_id": self.request_id,
            "request_digest": self.request_digest,
            "rules": self.rules,
            "payload_digest": self.payload_digest,
            "previous": self.previous,
        }

    def row(self) -> dict[str, Any]:
        """Everything the writing statement needs, as JSON; bytes as hex."""
        return {
            **self.columns(),
            "digest": self.digest,
            "salt": self.salt,
            "content": self.payload,
        }


HEADER = (
    "institution_id", "kind", "document_id", "sequence", "version", "step", "from_state", "to_state", "actor", "as_role", "as_unit",
    "as_post", "acting_for", "decides", "effective_at", "recorded_at", "request_id", "request_digest", "rules", "payload_digest",
    "previous",
)  # fmt: skip


def header(columns: Mapping[str, Any]) -> list[Any]:
    """What the digest of an entry covers, in a fixed order."""
    return [columns[name] for name in HEADER]


LINKS: Mapping[str, str] = {
    "kind": "text", "document_id": "bigint", "institution_id": "bigint", "sequence": "bigint", "version": "bigint", "step": "text",
    "from_state": "text", "to_state": "text", "actor": "bigint", "as_role": "text", "as_unit": "bigint", "as_post": "bigint",
    "acting_for": "bigint", "decides": "boolean", "effective_at": "timestamptz", "recorded_at": "timestamptz", "request_id": "uuid",
    "request_digest": "text", "rules": "text", "payload_digest": "text", "previous": "text", "digest": "text", "salt": "text",
    "content": "text",
}  # fmt: skip
"""The columns of `Link.row()` with the database's types."""

INSERT_ENTRIES = """
  INSERT INTO workflows_entry (kind, document_id, institution_id, sequence, version, step, from_state, to_state, actor, as_role,
      as_unit, as_post, acting_for, decides, effective_at, recorded_at, request_id, request_digest, rules, payload_digest, previous, digest)
  SELECT e.kind, e.document_id, e.institution_id, e.sequence, e.version, e.step, e.from_state, e.to_state, e.actor, e.as_role,
      e.as_unit, e.as_post, e.acting_for, e.decides, e.effective_at, e.recorded_at, e.request_id, decode(e.request_digest, 'hex'), e.rules,
      decode(e.payload_digest, 'hex'), decode(e.previous, 'hex'), decode(e.digest, 'hex')
    FROM links e"""

INSERT_PAYLOADS = """
  INSERT INTO workflows_payload (kind, document_id, sequence, salt, content)
  SELECT e.kind, e.document_id, e.sequence, decode(e.salt, 'hex'), decode(e.content, 'hex') FROM links e"""

ON_A_CHAIN = f"""
WITH {rows.many("links", LINKS)}, entries AS ({INSERT_ENTRIES}), payloads AS ({INSERT_PAYLOADS})
UPDATE workflows_chain c SET sequence = links.sequence, head = decode(links.digest, 'hex') FROM links
 WHERE c.kind = links.kind AND c.document_id = links.document_id"""


def rows_json(links: Sequence[Link]) -> str:
    """The links as `rows.many("links", LINKS)` reads them."""
    return rows.as_json([link.row() for link in links])


def record_institution(
    institution_id: int,
    subject: str,
    step: str,
    content: Mapping[str, Any],
    *,
    by: Actor,
    at: datetime,
    capacity: Capacity | None = None,
) -> Link:
    """Append to the institution's own chain `subject` ("posts", "schemes", "calendars", ...): two statements.

    The chain's row is locked last in the transaction, so that writers of one institution wait as briefly as possible.
    """
    kind = f"institution.{subject}"
    with transaction.atomic():
        sequence, head = _hold_chain(kind, institution_id)
        link = Link(
            institution=institution_id, kind=kind, document_id=institution_id, sequence=sequence + 1, version=0, step=step,
            from_state="", to_state="", actor=by, capacity=capacity or (by.capacities[0] if by.capacities else None),
            effective_at=at, recorded_at=at, previous=head, content=content,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(ON_A_CHAIN, {"links": rows_json([link])})
    return link


def _hold_chain(kind: str, institution_id: int) -> tuple[int, bytes]:
    """Where a chain without a document stands, its row locked; it begins with the first who asks."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO workflows_chain (kind, document_id, sequence, head) VALUES (%s, %s, 0, '')
            ON CONFLICT ON CONSTRAINT one_chain DO UPDATE SET sequence = workflows_chain.sequence RETURNING sequence, head""",
            [kind, institution_id],
        )
        sequence, head = cursor.fetchone()
    return sequence, bytes(head)


READ = """
SELECT {columns}, p.content FROM workflows_entry e
  LEFT JOIN workflows_payload p ON p.kind = e.kind AND p.document_id = e.document_id AND p.sequence = e.sequence
 WHERE e.kind = %(kind)s::text AND e.document_id = %(document)s::bigint ORDER BY e.sequence"""


def read_chain(document: Any) -> list[tuple[Entry, Mapping[str, Any]]]:
    """A document's entries with their payloads, oldest first; an erased payload reads as nothing. One statement."""
    found = reading(READ, e=Entry).rows({"kind": document.kind(), "document": document.pk})
    return [(entry, json.loads(bytes(content)) if content else {}) for entry, content in found]

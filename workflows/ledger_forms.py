"""Many entries that are alike, made quickly: one form with blanks, filled in for each document.

A sweep writes ten thousand entries that differ in a handful of values. The form is taken from an ordinary `Link`, so that
what it yields is byte for byte what `Link` would have written.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from workflows import ledger
from workflows.ledger import Link

BLANKS = (
    "document_id",
    "sequence",
    "version",
    "from_state",
    "to_state",
    "effective_at",
    "payload_digest",
    "previous",
)
"""What differs from one entry to the next in its header; all else is shared."""

# A private-use character: JSON leaves it as it is, and nobody types it.
MARK = "\ue000"


def _template(value: Any) -> str:
    """Canonical JSON as a %-template: each marked string becomes a blank of that name, quotes included."""
    text = ledger.canonical(value).decode().replace("%", "%%")
    pieces = text.split(f'"{MARK}')
    return pieces[0] + "".join(
        f"%({name})s{rest}" for name, rest in (piece.split(f'{MARK}"', 1) for piece in pieces[1:])
    )


def _marked(name: str) -> str:
    return f"{MARK}{name}{MARK}"


class Form:
    """What the entries of one group share. `fill` gives each its row for the writing statement, and its digest."""

    def __init__(self, sample: Link, own: tuple[str, ...]) -> None:
        """`sample` is one of the entries; `own` names the whole numbers of its content that differ from entry to entry."""
        columns = {**sample.columns(), **{name: _marked(name) for name in BLANKS}}
        self._payload = _template({**sample.content, **{name: _marked(name) for name in own}})
        self._header = _template(ledger.header(columns))
        self._row = _template({**columns, **{name: _marked(name) for name in ("digest", "salt", "content")}})

    def fill(
        self, document_id: int, sequence: int, version: int, state: str, effective_at: str, previous: bytes, own: Mapping[str, int],
        salt: bytes | None = None,
    ) -> tuple[str, bytes]:  # fmt: skip
        """One entry that leaves its document where it stands: its row as JSON, and its digest. `effective_at` as stored."""
        salt = salt or secrets.token_bytes(16)
        payload = (self._payload % own).encode()
        values: dict[str, Any] = {
            "document_id": document_id, "sequence": sequence, "version": version, "from_state": f'"{state}"', "to_state": f'"{state}"',
            "effective_at": f'"{effective_at}"', "payload_digest": f'"{hashlib.sha256(salt + payload).hexdigest()}"',
            "previous": f'"{previous.hex()}"',
        }  # fmt: skip
        digest = hashlib.sha256((self._header % values).encode()).digest()
        values["digest"], values["salt"], values["content"] = (
            f'"{digest.hex()}"',
            f'"{salt.hex()}"',
            f'"{payload.hex()}"',
        )
        return self._row % values, digest


def form_of(sample: Link, own: tuple[str, ...] = ()) -> Form:
    """The form of all entries like this one. Raises ValueError when the sample does not come out of it as it is."""
    form = Form(sample, own)
    row, _ = form.fill(
        sample.document_id, sample.sequence, sample.version, sample.to_state, str(ledger.plain(sample.effective_at)), sample.previous,
        {name: sample.content[name] for name in own}, sample.salt,
    )  # fmt: skip
    if json.loads(row) != json.loads(ledger.rows_json([sample]))[0]:
        raise ValueError(f"an entry of the step {sample.step!r} has more than a form can hold")
    return form

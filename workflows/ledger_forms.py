"""Many entries that are alike, made and written quickly: one form with blanks, filled in for each document.

A sweep writes ten thousand entries that differ in a handful of values. The form is taken from an ordinary `Link`, so that
what it yields is byte for byte what `Link` would have written; what its entries share reaches the database once.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import models

from workflows import ledger, rows, writing_texts
from workflows.ledger import Link
from workflows.statements import numbers, value_of
from workflows.writing import Lost

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


class Filled(NamedTuple):
    """What is one entry's own. It leaves its document in `state`; bytes are hex."""

    document_id: int
    sequence: int
    version: int
    state: str
    effective_at: str
    payload_digest: str
    previous: str
    digest: str
    salt: str
    content: str


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
        self.shared = {name: value for name, value in sample.columns().items() if name not in BLANKS}

    def fill(
        self, document_id: int, sequence: int, version: int, state: str, effective_at: str, previous: bytes, own: Mapping[str, int],
        salt: bytes | None = None,
    ) -> tuple[Filled, bytes]:  # fmt: skip
        """One entry that leaves its document where it stands, and its digest. `effective_at` as stored."""
        salt = salt or secrets.token_bytes(16)
        payload = (self._payload % own).encode()
        payload_digest, before = hashlib.sha256(salt + payload).hexdigest(), previous.hex()
        header = self._header % {
            "document_id": document_id, "sequence": sequence, "version": version, "from_state": f'"{state}"', "to_state": f'"{state}"',
            "effective_at": f'"{effective_at}"', "payload_digest": f'"{payload_digest}"', "previous": f'"{before}"',
        }  # fmt: skip
        digest = hashlib.sha256(header.encode()).digest()
        filled = Filled(
            document_id, sequence, version, state, effective_at, payload_digest, before, digest.hex(), salt.hex(), payload.hex()
        )  # fmt: skip
        return filled, digest

    def row(self, filled: Filled) -> dict[str, Any]:
        """The entry as `Link.row()` has it, bytes as hex."""
        own = filled._asdict()
        state = own.pop("state")
        return {**self.shared, **own, "from_state": state, "to_state": state}


def form_of(sample: Link, own: tuple[str, ...] = ()) -> Form:
    """The form of all entries like this one. Raises ValueError when the sample does not come out of it as it is."""
    form = Form(sample, own)
    filled, _ = form.fill(
        sample.document_id, sample.sequence, sample.version, sample.to_state, str(ledger.plain(sample.effective_at)), sample.previous,
        {name: sample.content[name] for name in own}, sample.salt,
    )  # fmt: skip
    if json.loads(rows.as_json([form.row(filled)])) != json.loads(ledger.rows_json([sample])):
        raise ValueError(f"an entry of the step {sample.step!r} has more than a form can hold")
    return form


SHARED = {
    name: kind for name, kind in ledger.LINKS.items() if name not in BLANKS and name not in Filled._fields
}
"""The columns of an entry that are its form's."""

OWN = f"""
own AS (
  SELECT * FROM unnest(%(form)s::int[], %(document_id)s::bigint[], %(sequence)s::bigint[], %(version)s::bigint[], %(state)s::text[],
    %(effective_at)s::timestamptz[], %(payload_digest)s::text[], %(previous)s::text[], %(digest)s::text[], %(salt)s::text[], %(content)s::text[])
    AS o(form, {", ".join(Filled._fields)}))"""

LINKS = f"""
links AS (
  SELECT {", ".join(f"f.{name}" for name in SHARED)}, {", ".join(f"o.{name}" for name in Filled._fields if name != "state")},
         o.state AS from_state, o.state AS to_state
    FROM own o JOIN forms f USING (form))"""


def append(model: type[models.Model], entries: Sequence[tuple[Form, Filled]]) -> None:
    """Append filled forms to locked documents' chains: one statement. Raises Lost."""
    forms: dict[Form, int] = {}
    which = numbers(forms.setdefault(form, len(forms)) for form, _ in entries)
    columns = dict(zip(Filled._fields, zip(*(filled for _, filled in entries), strict=True), strict=True))
    given = {
        "form": which, "workers": numbers(()), "forms": rows.as_json([{"form": n, **form.shared} for form, n in forms.items()]),
        **{name: _texts(values) if isinstance(values[0], str) else numbers(values) for name, values in columns.items()},
    }  # fmt: skip
    if value_of(_appending(model), given) != len(set(columns["document_id"])):
        raise Lost(model.__name__)


@cache
def _appending(model: type[models.Model]) -> str:
    return writing_texts.appending_from(model, rows.many("forms", {"form": "int", **SHARED}), OWN, LINKS)


def _texts(values: Iterable[str]) -> str:
    """As an array of texts that hold neither quote nor backslash: digits, instants, names of states."""
    return '{"' + '","'.join(values) + '"}'

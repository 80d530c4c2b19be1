"""Entries made from a form are byte for byte what a Link would have written."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organisation.actors import clock_of
from workflows import ledger, rows
from workflows.ledger import Link
from workflows.ledger_forms import form_of

AT = datetime(2026, 3, 4, 9, 0, 0, 123456, tzinfo=UTC)


def link(**changes: Any) -> Link:
    actor = clock_of(7)
    content = {
        "actor": "clock", "via": "clock", "item": 12, "due_on": date(2026, 3, 4), "tells": ("owner",), "duty": "100%(item)s “%s” %",
    }  # fmt: skip
    values = {
        "institution": 7, "kind": "orders.supervisionorder", "document_id": 4, "sequence": 3, "version": 2, "step": "ladder:urge",
        "from_state": "in_hand", "to_state": "in_hand", "actor": actor, "capacity": actor.capacities[0], "effective_at": AT,
        "recorded_at": AT + timedelta(seconds=3), "previous": b"\x01\xff", "content": content, "rules": "hoboksar-county@1", **changes,
    }  # fmt: skip
    return Link(**values)


FORM = form_of(link(), ("item",))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    document_id=st.integers(1, 2**62),
    sequence=st.integers(1, 2**62),
    version=st.integers(0, 2**62),
    state=st.from_regex(r"[a-z_]{1,50}", fullmatch=True),
    effective_at=st.datetimes(timezones=st.just(UTC)),
    previous=st.binary(max_size=32),
    item=st.integers(1, 2**62),
    salt=st.binary(min_size=16, max_size=16),
)
def test_a_filled_form_is_the_link(
    document_id: int, sequence: int, version: int, state: str, effective_at: datetime, previous: bytes, item: int, salt: bytes
) -> None:  # fmt: skip
    sample = link()
    wanted = Link(**{
        **{name: getattr(sample, name) for name in ("institution", "kind", "step", "actor", "capacity", "recorded_at", "rules")},
        "document_id": document_id, "sequence": sequence, "version": version, "from_state": state, "to_state": state,
        "effective_at": effective_at, "previous": previous, "content": {**sample.content, "item": item}, "salt": salt,
    })  # fmt: skip
    filled, digest = FORM.fill(
        document_id, sequence, version, state, str(ledger.plain(effective_at)), previous, {"item": item}, salt
    )
    assert digest == wanted.digest
    assert json.loads(rows.as_json([FORM.row(filled)])) == json.loads(ledger.rows_json([wanted]))


def test_each_entry_has_a_salt_of_its_own() -> None:
    filled = [FORM.fill(4, 3, 2, "in_hand", AT.isoformat(), b"", {"item": 12})[0] for _ in range(50)]
    assert len({one.salt for one in filled}) == len({one.payload_digest for one in filled}) == 50


def test_what_moves_a_document_does_not_fit_a_form() -> None:
    """A form leaves a document where it stands; an entry of a step that moves it is refused, not misstated."""
    with pytest.raises(ValueError, match="more than a form can hold"):
        form_of(link(from_state="draft"), ("item",))


def test_the_sample_is_a_link_as_any_other() -> None:
    assert replace(link(), salt=b"x" * 16).digest == replace(link(), salt=b"x" * 16).digest

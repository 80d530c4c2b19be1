"""Publishing a version of a scheme, opening and closing an appraisal year: the only writers of this room."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction

from organisation.actors import Actor
from supervision.schemes.fitness import misfits
from supervision.schemes.models import Cycle, CycleState, Scheme, SchemeVersion
from workflows.ledger import record_institution

LEDGER = "schemes"


class CannotPublish(Exception):
    """The version may not be published, or the year not opened or closed; the sentence says why."""


def digest_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of a pack's content, in hexadecimal: two packs that say the same have the same."""
    plain = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def publish_version(content: Mapping[str, Any], *, by: Actor, at: datetime) -> tuple[SchemeVersion, bool]:
    """The next version of the scheme that `content` (from `read_pack`) describes, for the actor's institution.

    Returns the version, and False when the latest one says the same already (nothing happens then). Raises CannotPublish
    when the documents could not live by it: see `misfits`.
    """
    if found := misfits(content):
        raise CannotPublish("; ".join(found))
    digest, name = digest_of(content), content["name"]
    with transaction.atomic():
        Scheme.objects.bulk_create(
            [
                Scheme(
                    institution_id=by.institution_id,
                    slug=content["scheme"],
                    name_zh=name["zh"],
                    name_en=name["en"],
                )
            ],
            ignore_conflicts=True,
        )
        scheme = Scheme.objects.select_for_update().get(
            institution_id=by.institution_id, slug=content["scheme"]
        )
        latest = scheme.versions.order_by("-number").first()
        if latest and latest.digest == digest:
            return latest, False
        version = SchemeVersion.objects.create(
            scheme=scheme, number=latest.number + 1 if latest else 1, content=dict(content), digest=digest,
            published_at=at, published_by_id=by.person_id,
        )  # fmt: skip
        Scheme.objects.filter(pk=scheme.pk).update(name_zh=name["zh"], name_en=name["en"])
        said = {"version": str(version), "digest": digest, "replaces": str(latest) if latest else ""}
        record_institution(by.institution_id, LEDGER, "publish", said, by=by, at=at)
    return version, True


def open_cycle(
    version: SchemeVersion,
    year: int,
    *,
    by: Actor,
    at: datetime,
    begins: date | None = None,
    ends: date | None = None,
) -> Cycle:
    """Apply a version to a year: the calendar year unless other days are given. Raises CannotPublish when another
    version of the scheme is applied to that year already, or the version belongs to another institution."""
    with transaction.atomic():
        scheme = Scheme.objects.select_for_update().get(pk=version.scheme_id)
        if scheme.institution_id != by.institution_id:
            raise CannotPublish(f"{version} belongs to another institution")
        if other := Cycle.objects.filter(scheme_version__scheme=scheme, year=year).first():
            raise CannotPublish(f"{year} is appraised by {other.scheme_version} already")
        cycle = Cycle.objects.create(
            institution_id=by.institution_id, scheme_version=version, year=year,
            begins=begins or date(year, 1, 1), ends=ends or date(year, 12, 31),
        )  # fmt: skip
        said = {
            "cycle": cycle.pk,
            "year": year,
            "begins": cycle.begins,
            "ends": cycle.ends,
            "version": str(version),
        }
        record_institution(by.institution_id, LEDGER, "open cycle", said, by=by, at=at)
    return cycle


def close_cycle(cycle_id: int, decision: str, *, by: Actor, at: datetime) -> Cycle:
    """Close an appraisal year by a decision in words (R41). Raises CannotPublish without one, or when it is closed."""
    if not decision.strip():
        raise CannotPublish("a year is closed only by a decision: write what was decided")
    with transaction.atomic():
        cycle = Cycle.objects.select_for_update().get(pk=cycle_id, institution_id=by.institution_id)
        if cycle.state == CycleState.CLOSED:
            raise CannotPublish(f"{cycle.year} was closed on {cycle.closed_at:%Y-%m-%d}")
        cycle.state, cycle.decision, cycle.closed_at, cycle.closed_by_id = (
            CycleState.CLOSED,
            decision,
            at,
            by.person_id,
        )
        cycle.save(update_fields=["state", "decision", "closed_at", "closed_by"])
        said = {"cycle": cycle.pk, "year": cycle.year, "decision": decision}
        record_institution(by.institution_id, LEDGER, "close cycle", said, by=by, at=at)
    return cycle

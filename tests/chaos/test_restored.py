"""What was backed up while people decided and their processes died is restored into an empty database, verifies, and goes on."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, connections

from supervision.orders.models import SupervisionOrder
from tests.chaos import ground
from tests.chaos.mortals import Mortal, counted, died, fork
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.conftest import Clone
from tests.notifications.ground import Sink, use
from tests.supervision.county import County, add_evidence, order_of, walk
from tests.workflows.clock_ground import everything, orders
from tests.workflows.ground import orders_of
from workflows import auditor
from workflows.clockwork import database_clock
from workflows.fire import fire
from workflows.verification import verify

pytestmark = pytest.mark.timeout(600)

IN_HAND = "submit:drafter, sign:leader, sign_for:head, take_in_hand:staff"


def test_a_backup_made_amid_kills_is_restored_verified_and_swept_on(
    place: County, committed_db: Clone, sink: Sink, settings: Any, tmp_path: Path, record: Record
) -> None:
    many = SCALE.restored_items
    record.title = f"Backup of {many} documents amid kills; restore into an empty database"
    dice = ground.chance()
    use(settings, sink.port)
    settings.MEDIA_ROOT = str(tmp_path / "files")
    order = walk(place, order_of(place, due_on=(database_clock() + timedelta(days=90)).date()), IN_HAND)
    for _ in range(3):
        add_evidence(place, order, "staff")
    orders(place, many // 2, ground.days_ago(20))
    made, actor = orders_of(place, many // 2), place.actor("drafter")

    def submit_all(mine: list[Any]) -> None:
        for one in mine:
            if SupervisionOrder.objects.get(pk=one.pk).state == "draft":
                fire(
                    SupervisionOrder(pk=one.pk),
                    "submit",
                    actor=actor,
                    at=database_clock(),
                    seen_version=1,
                    request_id=uuid4(),
                )

    def backup() -> None:
        call_command("backup", str(tmp_path / "kept"))

    deciders: list[Mortal] = []
    making: Mortal | None = None
    while making is None or making.poll() is None:
        if len(deciders) == 8:
            making = fork(backup, tmp_path)
        decider = fork(lambda: submit_all(made), tmp_path, dice.choice(("", "", "document.written")))
        time.sleep(dice.uniform(0.05, 0.2))
        decider.kill()
        deciders.append(decider)
    assert making.wait(300) == 0, making.words()
    assert [m.words() for m in deciders if m.how == 1] == []
    counted(deciders, record)
    record.figure("restore", "deciders killed before and during the backup", died(deciders))
    [archive] = (tmp_path / "kept").iterdir()

    known = connections.settings["default"]
    here, empty = known["NAME"], f"{known['NAME']}_restored"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{empty}"')
    try:
        connections.close_all()
        known["NAME"], settings.MEDIA_ROOT = empty, str(tmp_path / "files elsewhere")
        call_command("restore", str(archive))
        verdict = verify()
        record.exactly("restore", "faults of the restored ledger", verdict.faults, [])
        record.figure("restore", "entries and chains restored", f"{verdict.entries} in {verdict.chains}")
        half = Counter(
            SupervisionOrder.objects.filter(pk__in=[one.pk for one in made]).values_list("state", "version")
        )
        record.exactly(
            "restore",
            "documents half moved",
            sum(n for key, n in half.items() if key not in (("draft", 1), ("for_signature", 2))),
            0,
        )
        record.figure(
            "restore", "as they stood at the backup", {f"{s} v{v}": n for (s, v), n in sorted(half.items())}
        )
        before = everything()
        ground.settle()
        steps = ground.assert_nothing_lost(database_clock())
        record.least("restore", "steps taken by the first sweep afterwards", steps, many // 2 * 4)
        assert everything() != before
        submit_all(made)
        assert set(
            SupervisionOrder.objects.filter(pk__in=[one.pk for one in made]).values_list("state", flat=True)
        ) == {"for_signature"}
        ground.settle()
        assert ground.all_taken()
        record.exactly("restore", "faults of the ledger after going on", verify().faults, [])
        record.exactly(
            "restore", "findings of the auditor after going on", auditor.find(database_clock()), []
        )
    finally:
        connections.close_all()
        known["NAME"] = here
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{empty}" WITH (FORCE)')

"""Deliverers are killed, by kill -9 at random and at every named point: no mail is lost, and a second copy is the first (T1)."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notifications import sending
from notifications.models import Delivery, DigestRun
from notifications.preferences import lay_down
from organisation.actors import clock_of
from tests.chaos import ground
from tests.chaos.mortals import Mortal, assert_none_raised, counted, died, fork
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.notifications.ground import AT, Sink, notice, use
from tests.supervision.county import County
from workflows.models import Notice

pytestmark = pytest.mark.timeout(600)

POINTS = ("plan.written", "digest.written", "after_lease", "after_smtp_accept", "delivery.marked")
LEASE = 0.5  # seconds
PEOPLE = ("drafter", "checker", "leader", "staff", "head")


BEGUN = time.monotonic()


def now() -> datetime:
    """A working day on which time goes on, so that whoever is tried again stands behind the others."""
    return AT + timedelta(seconds=time.monotonic() - BEGUN)


def deliver_with_short_leases() -> None:
    sending.LEASE = timedelta(seconds=LEASE)
    sending.deliver(now())


def test_killed_deliverers_lose_no_mail_and_their_copies_are_the_same(
    place: County, sink: Sink, settings: Any, tmp_path: Path, record: Record
) -> None:
    record.title = "Deliverers killed at random and at named points"
    use(settings, sink.port)
    dice = ground.chance()
    lay_down(place.institution.pk, by=clock_of(place.institution.pk), at=AT, digest_at="00:00")
    mortals: list[Mortal] = []
    made = 0
    by_point: Counter[str] = Counter()
    rounds = max(SCALE.deliverer_kills // 3, 1)
    for number in range(rounds):
        for _ in range(SCALE.mails // rounds):
            notice(place, PEOPLE[made % 5], urgent=made % 4 > 0, at=now())
            made += 1
        while died(mortals) * rounds < SCALE.deliverer_kills * (number + 1):
            point = dice.choice((*POINTS, "", "", "", ""))
            pair = [
                fork(deliver_with_short_leases, tmp_path, point),
                fork(deliver_with_short_leases, tmp_path),
            ]
            time.sleep(dice.uniform(0.01, 0.25))
            for mortal in pair:
                if not point:
                    mortal.kill()
                else:
                    mortal.wait()
            assert_none_raised(pair)
            mortals += pair
            by_point.update(point or "at random" for mortal in pair if mortal.how not in (0, 1))
            record.event("pair", failpoint=point, how=[mortal.how for mortal in pair])
            if not Delivery.objects.filter(status__in=("pending", "leased")).exists():
                notice(place, PEOPLE[made % 5], at=now())
                made += 1
    time.sleep(LEASE)
    ground.until(
        undisturbed(tmp_path), 60, lambda: str(Counter(Delivery.objects.values_list("status", flat=True)))
    )
    record.least("T1", "deliverers killed", died(mortals), SCALE.deliverer_kills)
    counted(mortals, record)
    record.points.update(by_point.keys() - {"at random"})
    record.figure("T5", "of them by where", dict(sorted(by_point.items())))
    notices = Notice.objects.count()
    record.exactly("T1", "notices in the system, each once", notices, made)
    record.exactly(
        "T1",
        "notices without a delivery",
        Notice.objects.exclude(pk__in=Delivery.objects.values("notice")).count(),
        0,
    )
    assert DigestRun.objects.count() == len(set(DigestRun.objects.values_list("person", "day")))
    doubled = ground.assert_mails_are_copies(sink, died(mortals))
    record.most("T1", "mails sent twice, each with the same Message-ID and bytes", doubled, died(mortals))
    record.figure("T1", "mails in all", len(set(sink.ids)))


def undisturbed(folder: Path) -> Any:
    def done() -> bool:
        assert fork(deliver_with_short_leases, folder).wait() == 0
        return not Delivery.objects.filter(status__in=("pending", "leased")).exists()

    return done

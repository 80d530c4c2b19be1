"""Workers die at every bad moment, by kill -9 and at named points, while work keeps coming in: nothing is lost or doubled."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from notifications.models import Delivery
from organisation.models import Person
from tests.chaos import ground
from tests.chaos.record import Record
from tests.chaos.scale import FULL, SCALE
from tests.conftest import Clone
from tests.notifications.ground import Sink
from tests.supervision.county import County, report_of
from tests.workflows.clock_ground import orders
from workflows.clockwork import database_clock
from workflows.models import Heartbeat, Notice, WorkItem
from workflows.setting_aside import retry

pytestmark = pytest.mark.timeout(1200 if SCALE is FULL else 240)

POINTS = (
    "sweep.locked",
    "sweep.written",
    "sweep.committed",
    "plan.written",
    "after_lease",
    "after_smtp_accept",
    "delivery.marked",
)
LIVES = (
    "sweep.acted",
    *(POINTS if SCALE is FULL else ("after_smtp_accept",)),
    *[""] * SCALE.random_lives,
)
"""Where the processes of each life die: after an action, between claim and commit, between commit and send, between send
and mark; "" only where chance strikes. The first takes what acts, or the next would take it unharmed. The short version
leaves those out that others cover: a sweeper at each point in test_deadlines, a deliverer in test_killed_deliverers."""
WAVE = SCALE.wave
"""Orders that are overdue when they come in, in one life at least: four steps each."""
FEW = max(WAVE // 20, 5)
MOST_FALLS = {"sweep.acted": 4}
"""One that acts is tried three times on end, and there are two of them."""


def unsettled() -> list[str]:
    """What is still to be done: due steps, notices without a row, mails that have not left."""
    now = database_clock()
    due = WorkItem.objects.filter(closed_at=None, paused_at=None, next_step_at__lte=now)
    mails = Delivery.objects.filter(status__in=("pending", "leased"))
    planned = Delivery.objects.filter(notice__isnull=False).count()
    return [
        *(f"due: {row}" for row in due.values_list("kind", "document_id", "duty", "next_step_at", "attempts", "retry_at", "last_error")[:5]),
        *(f"mail: {row}" for row in mails.values_list("pk", "status", "attempts", "next_attempt_at", "last_error")[:5]),
        *([f"{planned} notices planned"] if planned != Notice.objects.count() else []),
    ]  # fmt: skip


def settled() -> bool:
    """The same, asked so that asking again and again holds nobody up."""
    mails = Delivery.objects.filter(status__in=("pending", "leased"))
    return ground.all_taken() and not mails.exists() and not unsettled()


def try_all_again() -> None:
    """The operator's button, for what was in hand when a worker died the third time."""
    for item in WorkItem.objects.filter(retry_at__isnull=False):
        retry(item.pk, institution_id=item.institution_id)


def have_fallen(mortal: ground.Mortal, falls: int) -> bool:
    ground.let_the_next_pass_in()
    return mortal.fell() >= falls


@contextmanager
def coming_in(place: County, made: list[int]) -> Iterator[None]:
    """Overdue orders keep coming in, a wave at least and for as long as the block lasts; `made` is told how many."""
    over = threading.Event()

    def feed() -> None:
        count = 0
        while count < WAVE or not over.wait(0.3):
            orders(place, FEW, ground.days_ago(20))
            count += FEW
        made.append(count)

    feeding = ground.in_background(feed)
    try:
        yield
    finally:
        over.set()
        feeding.join()


def told_of(mortal: ground.Mortal) -> str:
    beats = list(Heartbeat.objects.values_list("component", "at", "detail"))
    return "\n".join([*unsettled(), *map(str, beats), mortal.worker.log[-3000:]])


def test_killed_workers_lose_nothing_and_double_nothing_but_mails(
    place: County, committed_db: Clone, sink: Sink, tmp_path: Path, record: Record
) -> None:
    record.title = "Celery workers killed at random and at named points"
    dice = ground.chance()
    for unit in ("town", "bureau"):
        report_of(place, unit)
    if SCALE is FULL:  # one mail an order is enough
        Person.objects.exclude(pk=place.people["drafter"].pk).update(email="")
    made: list[int] = []
    with ground.mortal_worker(committed_db, tmp_path, sink) as mortal:
        for failpoint in LIVES:
            mortal.born(failpoint)
            with ground.ringing("workflows.tasks.sweep", "notifications.tasks.deliver"):
                with coming_in(place, made):
                    if failpoint:
                        falls = min(SCALE.falls, MOST_FALLS.get(failpoint, SCALE.falls))
                        ground.until(partial(have_fallen, mortal, falls), 300, partial(told_of, mortal))
                    else:
                        mortal.kill_some(SCALE.random_kills, dice)
                mortal.die()
                record.event("life over", failpoint=failpoint, deaths=dict(mortal.deaths), orders=made[-1])
            ground.let_leases_end()
        try_all_again()
        mortal.born()
        with ground.ringing("workflows.tasks.sweep", "notifications.tasks.deliver"):
            ground.until(settled, 300, partial(told_of, mortal))
        deaths = mortal.deaths

    steps = ground.assert_nothing_lost(database_clock())
    record.figure("T1", "kills of a worker's processes at a named point", deaths["failpoint"])
    record.figure("T1", "kills of a worker's processes at random", deaths["killed"])
    record.figure("T1", "kills of a whole worker", deaths["worker"])
    record.least("T1", "deadline steps, none lost, none twice, each at its instant", steps, sum(made) * 4)
    record.towards("kill -9", deaths["killed"] + deaths["worker"])
    record.towards("named point", deaths["failpoint"])
    record.towards("deadlines", steps)
    record.points.update(filter(None, LIVES))
    ladder = Notice.objects.filter(
        code__startswith="ladder:", kind="orders.supervisionorder", title__startswith="督办事项"
    )
    told: dict[int, Counter[tuple[str, str]]] = {}
    for pk, person, code in ladder.values_list("document_id", "person__name", "code"):
        told.setdefault(pk, Counter())[person, code] += 1
    assert len(told) == sum(made) >= len(LIVES) * WAVE
    assert len({frozenset(of.items()) for of in told.values()}) == 1, (
        "everybody is told of each order alike, and once"
    )
    assert max(count for of in told.values() for count in of.values()) == 1
    doubled = ground.assert_mails_are_copies(sink, deaths.total())
    record.most("T1", "mails sent twice, each with the same Message-ID and bytes", doubled, deaths.total())
    record.figure("T1", "mails in all", len(set(sink.ids)))
    assert deaths["failpoint"] >= sum(
        min(SCALE.falls, MOST_FALLS.get(point, SCALE.falls)) for point in LIVES if point
    )
    assert doubled >= 1, "those that died between the server and the mark had sent theirs"
    late = [d for d in WorkItem.objects.filter(kind="orders.supervisionorder", duty="order.draft").values_list("title", flat=True)
            if not d.startswith("督办事项")]  # fmt: skip
    assert len(late) == len(set(late)), "a late report opens one order"


def test_the_notice_of_a_week_without_workers_is_one_and_is_mailed_whole(
    place: County, committed_db: Clone, sink: Sink, tmp_path: Path, record: Record
) -> None:
    """The machine was off for a week. Two workers find it together, and die on the way."""
    from workflows.clockwork import tick

    record.title = "A week without workers, found by workers that are killed"
    place_orders = orders(place, WAVE * 4, ground.days_ago(8))
    tick(begun := ground.days_ago(8))
    dice = ground.chance()
    with ground.mortal_worker(committed_db, tmp_path, sink) as mortal:
        mortal.born()
        with ground.ringing("workflows.tasks.sweep", "notifications.tasks.deliver", every=0.05):
            mortal.kill_some(SCALE.random_kills, dice)
            mortal.die()
            ground.let_leases_end()
            try_all_again()
            mortal.born()
            ground.until(settled, 300, partial(told_of, mortal))
        deaths = mortal.deaths.total()
    steps = ground.assert_nothing_lost(database_clock())
    record.figure("T1", "kills of a worker or one of its processes", deaths)
    record.least(
        "T1", "missed steps, none lost, none twice, each at its instant", steps, len(place_orders) * 3
    )
    record.towards("kill -9", deaths)
    record.towards("deadlines", steps)
    outage = Notice.objects.filter(code="outage")
    per_person = Counter(outage.values_list("person__name", flat=True))
    assert per_person
    record.exactly("T10", "notices of the outage a person", set(per_person.values()), {1})
    assert not Notice.objects.filter(code__startswith="ladder:", at__gt=begun).exists(), (
        "all is in the one notice"
    )
    params = outage.get(person=place.people["drafter"]).params
    missed = Counter((item["kind"], item["document_id"], item["duty"]) for item in params["items"])
    assert params["count"] == missed.total()
    assert set(missed.values()) == {1}
    assert {("orders.supervisionorder", order.pk, "order.draft") for order in place_orders} <= missed.keys()
    assert (
        Delivery.objects.filter(notice__in=outage, notice__urgent=True).count()
        == outage.filter(urgent=True).count()
    )
    ground.assert_mails_are_copies(sink, deaths)

"""Processes that decide are killed, by kill -9 at random and at every named point: each decision counts once or not at all,
and sent again it counts once (T1, T4)."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from supervision.orders.models import SupervisionOrder
from tests.chaos import ground
from tests.chaos.mortals import Mortal, assert_none_raised, counted, died, fork
from tests.chaos.record import Record
from tests.chaos.scale import SCALE
from tests.supervision.county import AT, County, inputs_for
from tests.workflows.ground import orders_of
from workflows import auditor
from workflows.failpoints import KILLED
from workflows.fire import fire
from workflows.models import Entry, Notice, WorkItem
from workflows.verification import verify

pytestmark = pytest.mark.timeout(900)

SCRIPT = (
    ("submit", "drafter"), ("send_back", "leader"), ("submit", "drafter"), ("sign", "second leader"), ("sign_for", "head"),
    ("take_in_hand", "staff"), ("feed_back", "head"), ("note_feedback", "checker"),
)  # fmt: skip
POINTS = ("document.locked", "document.written", "document.caused", "document.committed")
DECIDERS = 2


class Journal:
    """What one decider has asked for, and what it has been told: a line each, kept by the kernel whatever becomes of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []

    def write(self, **what: Any) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(fd, (json.dumps(what) + "\n").encode())
        os.close(fd)


def asked_last(lines: list[dict[str, Any]]) -> dict[str, Any] | None:
    """What was asked for and never answered."""
    return lines[-1] if lines and "answer" not in lines[-1] else None


def what_is_next(cases: list[int], lines: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Case and place in the script, from where the journal stands."""
    answered = Counter(line["case"] for line in lines if "answer" in line)
    for case in cases:
        for place in range(answered[case], len(SCRIPT)):
            yield case, place


def decide(place: County, cases: list[int], journal: Journal, after: int, failpoint: str) -> None:
    """Carry the cases on; what was not answered is asked for again first. Dies at the failpoint, `after` so many."""
    actors = {who: place.actor(who) for _, who in SCRIPT}
    lines = journal.lines()
    open_request = asked_last(lines)
    for done, (case, step_at) in enumerate(what_is_next(cases, lines)):
        step, who = SCRIPT[step_at]
        again = open_request if done == 0 else None
        request = again["request"] if again else str(uuid4())
        if again:
            assert (again["case"], again["at"]) == (case, step_at)
        else:
            journal.write(case=case, at=step_at, request=request)
        if done == after:
            os.environ["DUBAN_FAILPOINT"] = failpoint
        order = SupervisionOrder(pk=case)
        fired = fire(
            order, step, actor=actors[who], at=AT + timedelta(minutes=step_at), seen_version=step_at + 1, request_id=UUID(request),
            **inputs_for(order, step),
        )  # fmt: skip
        journal.write(case=case, at=step_at, request=request, answer=fired.version, replayed=fired.replayed)


def lives(
    place: County,
    journals: dict[int, Journal],
    cases: list[int],
    dice: random.Random,
    folder: Path,
    record: Record,
) -> list[Mortal]:
    """Deciders in one life after the other, until so many have died; then undisturbed ones finish."""
    mine = {n: cases[n::DECIDERS] for n in range(DECIDERS)}
    living: dict[int, tuple[Mortal, float, str]] = {}
    all_: list[Mortal] = []

    def born(n: int, disturbed: bool) -> None:
        # Every point twice for sure, while there is most to do; then as chance will have it.
        early = len(all_) < 2 * len(POINTS)
        point = POINTS[len(all_) % len(POINTS)] if early else dice.choice((*POINTS, "", "", ""))
        point = point if disturbed else ""
        after = dice.randrange(1, 4) if early else dice.randrange(1, 12)
        mortal = fork(lambda: decide(place, mine[n], journals[n], after, point), folder)
        dies_at = time.monotonic() + dice.uniform(0.02, 0.4) if disturbed and not point else float("inf")
        living[n] = (mortal, dies_at, point)
        all_.append(mortal)
        record.event("born", decider=n, failpoint=point, after=after)

    for n in mine:
        born(n, True)
    while living:
        time.sleep(0.002)
        for n, (mortal, dies_at, point) in list(living.items()):
            if time.monotonic() > dies_at:
                mortal.kill()
            if mortal.poll() is None:
                continue
            record.event("ended", decider=n, how=mortal.how)
            del living[n]
            if mortal.how == KILLED:
                record.points.add(point)
            assert_none_raised([mortal])
            if mortal.how != 0:
                born(n, died(all_) < SCALE.decider_kills)
    return all_


def test_decisions_of_killed_processes_count_once_or_are_asked_for_again_and_count_once(
    place: County, tmp_path: Path, record: Record
) -> None:
    record.title = "Deciders killed at random and at named points"
    dice = ground.chance()
    made = orders_of(place, SCALE.cases)
    cases = [order.pk for order in made]
    journals = {n: Journal(tmp_path / f"journal-{n}") for n in range(DECIDERS)}
    mortals = lives(place, journals, cases, dice, tmp_path, record)
    for journal in journals.values():
        record.lines += journal.path.read_text().splitlines()

    lines = [line for journal in journals.values() for line in journal.lines()]
    requests = {line["request"] for line in lines}
    answers = Counter(line["request"] for line in lines if "answer" in line)
    replayed = sum(bool(line.get("replayed")) for line in lines)
    by_request = Counter(
        str(pk) for pk in Entry.objects.filter(request_id__isnull=False).values_list("request_id", flat=True)
    )
    wanted = SCALE.cases * len(SCRIPT)
    record.least("T1", "deciding processes killed", died(mortals), SCALE.decider_kills)
    counted(mortals, record)
    record.towards("decisions", sum(answers.values()))
    record.exactly("T1", "decisions asked for and answered", sum(answers.values()), wanted)
    record.exactly("T1", "decisions lost", sum(by_request[r] == 0 for r in requests), 0)
    record.exactly("T1", "decisions counted twice", sum(by_request[r] > 1 for r in by_request), 0)
    record.figure("T4", "answers lost after the commit, found by asking again", replayed)
    assert answers.keys() == requests == by_request.keys()
    assert replayed >= 1, "a kill hit an answer"

    steps: dict[int, list[str]] = {}
    kind = SupervisionOrder.kind()
    for pk, step in (
        Entry.objects.filter(kind=kind, document_id__in=cases)
        .order_by("document_id", "sequence")
        .values_list("document_id", "step")
    ):
        steps.setdefault(pk, []).append(step)
    orderly = ["draft_order", *(step for step, _ in SCRIPT)]
    record.exactly("T1", "cases whose chain is not the script", sum(steps[pk] != orderly for pk in cases), 0)
    standing = Counter(SupervisionOrder.objects.filter(pk__in=cases).values_list("state", "version"))
    assert standing == {("in_hand", len(SCRIPT) + 1): SCALE.cases}
    numbers = SupervisionOrder.objects.filter(pk__in=cases).values_list("number", flat=True)
    record.exactly(
        "T1",
        "numbers missing or given twice",
        len(set(numbers) ^ {f"和督〔2026〕{n}号" for n in range(1, SCALE.cases + 1)}),
        0,
    )

    told: dict[int, Counter[tuple[str, str]]] = {pk: Counter() for pk in cases}
    for pk, person, code in Notice.objects.filter(kind=kind, document_id__in=cases).values_list(
        "document_id", "person__name", "code"
    ):
        told[pk][person, code] += 1
    record.exactly(
        "T1",
        "different sets of notices among cases that are alike",
        len({frozenset(of.items()) for of in told.values()}),
        1,
    )
    owed: dict[int, Counter[str]] = {pk: Counter() for pk in cases}
    for pk, duty in WorkItem.objects.filter(kind=kind, document_id__in=cases, closed_at=None).values_list(
        "document_id", "duty"
    ):
        owed[pk][duty] += 1
    assert {frozenset(of.items()) for of in owed.values()} == {
        frozenset({("order.finish", 1), ("order.feedback", 1)})
    }
    record.exactly("T1", "faults of the ledger", verify().faults, [])
    record.exactly("T1", "findings of the auditor", [f for f in auditor.find(AT) if f.kind == kind], [])

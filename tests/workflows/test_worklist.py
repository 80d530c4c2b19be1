"""The queue, and what people do with an item besides deciding it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from organisation import changes
from organisation.actors import Actor, Capacity, clock_of
from organisation.models import Person
from supervision.orders.models import SupervisionOrder
from tests.supervision.county import (
    AT,
    TO_HAND,
    County,
    _appoint,
    _person,
    act,
    again,
    moment,
    order_of,
    walk,
)
from tests.supervision.permissions import trace
from tests.workflows.ground import (
    chain,
    issued,
    item_of,
    last_content,
    orders_of,
    run_sql,
    statements,
    together,
)
from workflows import worklist
from workflows.documents import Refused
from workflows.models import Notice, WorkItem
from workflows.worklist import Narrowing, claim, hand_over, open_item, queue, queue_counts, release


def code(error: pytest.ExceptionInfo[Refused]) -> str:
    return error.value.reasons[0].code


def titles(actor: Actor, **narrowing: Any) -> list[str]:
    return [item.title for item in queue(actor, Narrowing(**narrowing))]


@pytest.fixture
def signature(place: County) -> WorkItem:
    """The leading group owes a signature."""
    return item_of(issued(place), "order.signature")


def document_of(item: WorkItem) -> SupervisionOrder:
    return SupervisionOrder.objects.get(pk=item.document_id)


# --- Claiming ----------------------------------------------------------------------------------------------


def test_a_claim_takes_the_item_out_of_the_colleagues_queues(place: County, signature: WorkItem) -> None:
    leader, second = place.actor("leader"), place.actor("second leader")
    assert titles(leader) == titles(second) == [signature.title]
    claim(signature.pk, actor=leader, at=AT)
    assert (titles(leader), titles(second)) == ([signature.title], [])
    assert (titles(leader, which="mine"), titles(leader, which="claimable")) == ([signature.title], [])
    entry = chain(document_of(signature))[-1]
    assert (entry.step, entry.actor, entry.as_role) == ("claim", leader.person_id, "leading_group")
    assert last_content(document_of(signature))["duty"] == "order.signature"


def test_what_is_claimed_cannot_be_claimed_by_another_and_twice_by_oneself_is_once(
    place: County, signature: WorkItem
) -> None:
    claim(signature.pk, actor=place.actor("leader"), at=AT)
    before = trace()
    assert claim(signature.pk, actor=place.actor("leader"), at=AT + timedelta(hours=1)).claimed_at == AT
    with pytest.raises(Refused) as refused:
        claim(signature.pk, actor=place.actor("second leader"), at=AT)
    assert code(refused) == "item_claimed"
    assert refused.value.reasons[0].params == {"who": place.people["leader"], "when": AT}
    assert trace() == before


@pytest.mark.parametrize("who", ["drafter", "head", "stranger", "former leader"])
def test_only_who_owes_it_claims_it(place: County, signature: WorkItem, who: str) -> None:
    before = trace()
    with pytest.raises(Refused) as refused:
        claim(signature.pk, actor=place.actor(who), at=AT)
    assert code(refused) == "not_eligible"
    assert trace() == before


def test_nobody_of_another_institution_finds_the_item(place: County, signature: WorkItem) -> None:
    outsider = place.actor("outsider")
    for act_on in (claim, release, open_item):
        with pytest.raises(WorkItem.DoesNotExist):
            act_on(signature.pk, actor=outsider, at=AT)
    assert queue(outsider) == []


def test_a_closed_item_says_who_closed_it_when_and_how(place: County, signature: WorkItem) -> None:
    act(place, document_of(signature), "send_back", "second leader", AT + timedelta(minutes=9))
    with pytest.raises(Refused) as refused:
        claim(signature.pk, actor=place.actor("leader"), at=AT)
    reason = refused.value.reasons[0]
    assert code(refused) == "item_closed"
    assert (reason.params["who"], reason.params["when"]) == (
        place.people["second leader"],
        AT + timedelta(minutes=9),
    )
    assert reason.params["how"] == document_of(signature).lifecycle.steps["send_back"].text


def test_what_can_only_be_decided_is_not_claimed_by_who_handled_it(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head")
    item = item_of(order, "order.take_up")
    with pytest.raises(Refused) as refused:
        claim(item.pk, actor=place.actor("drafter"), at=AT)
    assert code(refused) == "their_own_work"
    assert claim(item.pk, actor=place.actor("checker"), at=AT).claimed_by_id == place.people["checker"].pk


def test_a_released_item_is_everybodys_again(place: County, signature: WorkItem) -> None:
    leader, second = place.actor("leader"), place.actor("second leader")
    claim(signature.pk, actor=leader, at=AT)
    with pytest.raises(Refused) as refused:
        release(signature.pk, actor=second, at=AT)
    assert code(refused) == "not_claimed"
    release(signature.pk, actor=leader, at=AT)
    assert titles(second) == [signature.title]
    assert [entry.step for entry in chain(document_of(signature))][-2:] == ["claim", "release"]
    with pytest.raises(Refused):
        release(signature.pk, actor=leader, at=AT)


def test_delegates_and_substitutes_see_and_claim(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader")
    item = item_of(order, "order.receipt")
    substitute = place.people["stranger"]
    changes.record_absence(
        place.posts["head"], begins=date(2026, 3, 1), ends=date(2026, 3, 31), substitute=substitute, by=clock_of(place.institution.pk),
        at=moment(2, 27), reason="休假",
    )  # fmt: skip
    for who, via in (("delegate", "delegation"), ("stranger", "absence")):
        actor = place.actor(who)
        assert {c.via for c in actor.capacities if c.role == "head"} == {via}
        assert item.pk in [row.pk for row in queue(actor)]
    claim(item.pk, actor=place.actor("stranger"), at=AT)
    entry = chain(order)[-1]
    assert (entry.actor, entry.acting_for) == (substitute.pk, place.people["head"].pk)
    assert item.pk not in [row.pk for row in queue(place.actor("delegate"))]


def test_of_many_who_claim_at_once_one_has_it(real_place: County) -> None:
    item = item_of(issued(real_place), "order.signature")
    for number in range(6):
        person = _person(real_place.institution, f"组员{number}")
        real_place.people[person.name] = person
        _appoint(person, "leading_group", real_place.units["county"])
    actors = [real_place.actor(f"组员{number}") for number in range(6)]
    answers = together([lambda actor=actor: claim(item.pk, actor=actor, at=AT) for actor in actors])
    winners = [answer for answer in answers if isinstance(answer, WorkItem)]
    assert len(winners) == 1
    assert {answer.reasons[0].code for answer in answers if isinstance(answer, Refused)} == {"item_claimed"}
    assert len(answers) == 6
    assert [entry.step for entry in chain(document_of(item))].count("claim") == 1


# --- Handing over ------------------------------------------------------------------------------------------


def test_an_item_handed_over_is_the_colleagues_who_is_told(place: County, signature: WorkItem) -> None:
    second = place.people["second leader"]
    hand_over(signature.pk, second, reason="本周由其值班", actor=place.actor("leader"), at=AT)
    assert (titles(place.actor("leader")), titles(place.actor("second leader"))) == ([], [signature.title])
    [notice] = Notice.objects.filter(code="hand_over")
    assert (notice.person, notice.params) == (second, {"from": "leader", "reason": "本周由其值班"})
    content = last_content(document_of(signature))
    assert (content["to"], content["reason"]) == (second.pk, "本周由其值班")


@pytest.mark.parametrize(
    ("to", "reason", "expected"),
    [
        ("second leader", "  ", "given.reason"), ("head", "换人", "not_theirs"), ("outsider", "换人", "not_theirs"),
        ("former leader", "换人", "not_theirs"),
    ],
)  # fmt: skip
def test_an_item_is_not_handed_over(
    place: County, signature: WorkItem, to: str, reason: str, expected: str
) -> None:
    before = trace()
    with pytest.raises(Refused) as refused:
        hand_over(signature.pk, place.people[to], reason=reason, actor=place.actor("leader"), at=AT)
    assert code(refused) == expected
    assert trace() == before


def test_what_another_has_claimed_is_not_handed_over(place: County, signature: WorkItem) -> None:
    claim(signature.pk, actor=place.actor("second leader"), at=AT)
    with pytest.raises(Refused) as refused:
        hand_over(signature.pk, place.people["leader"], reason="换人", actor=place.actor("leader"), at=AT)
    assert code(refused) == "item_claimed"


def test_nothing_to_decide_is_handed_to_who_handled_it_or_acts_for_them(place: County) -> None:
    changes.delegate(
        place.posts["drafter"], to=place.people["stranger"], begins=date(2026, 1, 1), ends=date(2026, 12, 31),
        by=clock_of(place.institution.pk), at=moment(1, 1), reason="出差",
    )  # fmt: skip
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head")
    item = item_of(order, "order.take_up")
    for who in ("drafter", "stranger"):
        with pytest.raises(Refused) as refused:
            hand_over(item.pk, place.people[who], reason="换人", actor=place.actor("checker"), at=AT)
        assert code(refused) == "their_own_work"


def test_nothing_to_decide_is_handed_to_who_signed_it_in_another_role(place: County) -> None:
    from tests.supervision.county import report_of

    _appoint(place.people["head"], "performance_office", place.units["county"])
    report = walk(place, report_of(place), "fill_in:staff, hand_in:staff, sign:head", moment(4, 2))
    item = item_of(report, "report.review")
    with pytest.raises(Refused) as refused:
        hand_over(
            item.pk,
            place.people["head"],
            reason="换人",
            actor=place.actor("office", moment(4, 2)),
            at=moment(4, 2),
        )
    assert code(refused) == "their_own_work"


# --- Opening, and recalling --------------------------------------------------------------------------------


def test_a_submission_is_recalled_until_somebody_who_owes_the_next_step_opens_it(
    place: County, signature: WorkItem
) -> None:
    order = document_of(signature)
    for who in ("drafter", "head", "stranger"):
        assert open_item(signature.pk, actor=place.actor(who), at=AT) is False
    assert WorkItem.objects.get(pk=signature.pk).first_opened_at is None
    assert open_item(signature.pk, actor=place.actor("leader"), at=AT) is True
    assert open_item(signature.pk, actor=place.actor("second leader"), at=AT) is False
    with pytest.raises(Refused) as refused:
        act(place, order, "recall", "drafter")
    assert code(refused) == "unopened"
    item = WorkItem.objects.get(pk=signature.pk)
    assert (item.first_opened_by, item.first_opened_at) == (place.people["leader"], AT)


def test_an_unopened_submission_is_recalled_by_who_submitted_it_and_nobody_else(
    place: County, signature: WorkItem
) -> None:
    order = document_of(signature)
    with pytest.raises(Refused):
        act(place, order, "recall", "checker")
    assert act(place, order, "recall", "drafter").state == "draft"


@pytest.mark.parametrize("disposes", ["claim", "hand over"])
def test_who_claims_or_hands_over_has_opened_it(place: County, signature: WorkItem, disposes: str) -> None:
    if disposes == "claim":
        claim(signature.pk, actor=place.actor("leader"), at=AT)
    else:
        hand_over(
            signature.pk, place.people["second leader"], reason="换人", actor=place.actor("leader"), at=AT
        )
    with pytest.raises(Refused) as refused:
        act(place, document_of(signature), "recall", "drafter")
    assert code(refused) == "unopened"


def test_an_item_opened_in_an_earlier_turn_does_not_stop_a_later_recall(
    place: County, signature: WorkItem
) -> None:
    order = document_of(signature)
    open_item(signature.pk, actor=place.actor("leader"), at=AT)
    walk(place, order, "send_back:leader", moment(3, 3))
    walk(place, order, "submit:drafter", moment(3, 4))
    assert act(place, order, "recall", "drafter", moment(3, 4, 10)).state == "draft"


# --- The queue ---------------------------------------------------------------------------------------------


def test_a_queue_is_read_in_one_statement_and_its_counts_in_one(place: County) -> None:
    orders_of(place, 5)
    actor = place.actor("drafter")
    with statements() as sent:
        rows = queue(actor)
        assert [(r.unit_name_zh, r.claimed_name, r.files) for r in rows] == [("和什托洛盖镇", None, 0)] * 5  # type: ignore[attr-defined]
    assert len(sent) == 1, sent
    with statements() as sent:
        assert queue_counts(actor) == {("green", True): 5}
    assert len(sent) == 1, sent


def test_paused_and_closed_items_are_in_no_queue(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    assert "order.finish" in [item.duty for item in queue(place.actor("head"))]
    walk(place, order, "prove:staff, claim_done:head")
    assert queue(place.actor("head")) == []
    assert queue(place.actor("staff")) == []


def test_the_queue_of_an_ended_post_is_empty_and_its_successor_has_the_items(place: County) -> None:
    """Items of a role follow the post: no row is rewritten when its holder changes."""
    order = walk(place, order_of(place), "submit:drafter, sign:leader")
    item = item_of(order, "order.receipt")
    changes.end_post(
        place.posts["head"], ends=date(2026, 3, 9), by=clock_of(place.institution.pk), at=AT, reason="调任"
    )
    successor = _person(place.institution, "新任")
    changes.appoint(
        person=successor, role="head", unit=place.units["town"], begins=date(2026, 3, 10), ends=None, by=clock_of(place.institution.pk),
        at=AT, reason="任职通知",
    )  # fmt: skip
    place.people["新任"] = successor
    on_last, after = moment(3, 9, 23, 59), moment(3, 10)
    assert item.pk in [row.pk for row in queue(place.actor("head", on_last))]
    assert queue(place.actor("head", after)) == []
    assert item.pk in [row.pk for row in queue(place.actor("新任", after))]
    assert act(place, order, "sign_for", "新任", after).state == "received"
    assert queue(place.actor("delegate", after)) == [], "a delegation ends with the post"


def test_filters_narrow_and_are_no_patterns(place: County) -> None:
    orders = orders_of(place, 3)
    from tests.supervision.county import change

    change(place, orders[1], "drafter", title="完成率100%的_项目\\甲", unit=place.units["bureau"])
    drafter = place.actor("drafter")
    assert len(titles(drafter)) == 3
    assert (
        titles(drafter, text="100%")
        == titles(drafter, text="的_项")
        == titles(drafter, text="目\\甲")
        == ["完成率100%的_项目\\甲"]
    )
    assert titles(drafter, text="%") == ["完成率100%的_项目\\甲"]
    assert titles(drafter, text="没有") == []
    assert titles(drafter, unit=place.units["bureau"].pk) == ["完成率100%的_项目\\甲"]
    assert (
        len(titles(drafter, kind="orders.supervisionorder")),
        titles(drafter, kind="reports.quarterlyreport"),
    ) == (3, [])
    WorkItem.objects.filter(document_id=orders[0].pk).update(lamp="red")
    assert titles(drafter, lamp="red") == [orders[0].title]
    assert queue_counts(drafter) == {("green", True): 2, ("red", True): 1}
    assert queue_counts(drafter, Narrowing(unit=place.units["bureau"].pk)) == {("green", True): 1}


def test_pages_follow_each_other_without_gap_or_repetition(place: County) -> None:
    orders_of(place, 17)
    run_sql("UPDATE workflows_workitem SET due_at = due_at - mod(id, 4) * interval '1 day'")
    actor, seen, after = place.actor("drafter"), [], None
    while page := queue(actor, limit=5, after=after):
        seen += [(item.due_at, item.pk) for item in page]
        after = seen[-1]
    assert len(seen) == 17
    assert seen == sorted(set(seen))


def test_the_queue_of_the_clock_or_of_nobody_is_empty(place: County, signature: WorkItem) -> None:
    assert queue(place.actor("clock")) == []
    assert queue(place.actor("stranger")) == []


# --- Many ---------------------------------------------------------------------------------------------------

MANY = 20_000


@pytest.fixture
def crowded(place: County) -> County:
    """20,000 open items of offices, units, posts and persons, and as many closed ones."""
    order = order_of(place)
    run_sql(
        """INSERT INTO workflows_workitem (kind, document_id, institution_id, title, number, unit_id, state, duty, turn, role, post_role,
              owner_unit_id, post_id, claimed_by_id, rerouted_from, opened_at, due_on, due_at, original_due_on, derivation, provisional,
              lamp, ladder, ladder_at, closed_how, attempts, last_error, closed_at)
           SELECT 'orders.supervisionorder', 1000000 + n, %s, '第' || n || '件', '', %s, 'draft', 'order.draft', 1, 'supervisor',
              CASE WHEN n %% 4 = 1 THEN 'head' ELSE 'supervisor' END, CASE WHEN n %% 4 = 1 THEN %s::bigint END,
              CASE WHEN n %% 4 = 2 THEN %s::bigint END, CASE WHEN n %% 4 = 3 THEN %s::bigint END, '', now(), '2026-03-16',
              timestamptz '2026-03-17' + n * interval '1 minute', '2026-03-16', '{}', false, 'green', '[]', 0, '', 0, '',
              CASE WHEN n > %s THEN now() END
             FROM generate_series(1, %s) AS n""",
        place.institution.pk, order.unit_id, place.units["town"].pk, place.posts["checker"].pk, place.people["checker"].pk, MANY, 2 * MANY,
    )  # fmt: skip
    run_sql("ANALYZE workflows_workitem")
    return place


def everything(place: County) -> Actor:
    """Somebody in the supervision office who is also the head of the town."""
    person: Person = place.people["checker"]
    capacities = (
        Capacity(place.posts["checker"].pk, "supervisor", place.units["county"].pk, person.pk),
        Capacity(
            place.posts["head"].pk, "head", place.units["town"].pk, place.people["head"].pk, "delegation"
        ),
    )
    return Actor(person.pk, place.institution.pk, person.name, capacities)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def plan_of(sql: str, actor: Actor, limit: int) -> dict[str, Any]:
    """How a statement of the queue was run."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.format(narrow=worklist.NARROW)}",
            {**worklist._parameters(actor, Narrowing()), "limit": limit},
        )
        found = cursor.fetchone()[0]
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def test_a_page_of_a_crowded_queue_looks_up_names_for_its_own_rows_alone(crowded: County) -> None:
    plan = plan_of(worklist.PAGE, everything(crowded), 50)
    merged = [n for n in nodes(plan) if n["Node Type"] == "CTE Scan"]
    assert [n["Actual Rows"] for n in merged] == [50], (
        "the sources are merged and cut before anything is joined"
    )


def test_the_counts_of_a_crowded_queue_carry_two_columns_and_join_nothing(crowded: County) -> None:
    plan = plan_of(worklist.COUNTS, everything(crowded), worklist.MOST_COUNTED)
    limits = [n for n in nodes(plan) if n["Node Type"] == "Limit"]
    assert len(limits) == 4
    assert all(n["Actual Rows"] <= worklist.MOST_COUNTED for n in limits)
    wide = [n for n in nodes(plan) if n["Node Type"] in ("Append", "Result") and n["Plan Width"] > 100]
    assert not wide, "whole rows are no part of a count"
    assert not [n for n in nodes(plan) if n.get("Relation Name", "").startswith("organisation_")]


def test_a_page_of_a_crowded_queue_reads_its_rows_from_the_partial_indexes_and_no_others(
    crowded: County,
) -> None:
    parameters = worklist._parameters(everything(crowded), Narrowing())
    plan = plan_of(worklist.PAGE, everything(crowded), 50)
    on_items = [n for n in nodes(plan) if n.get("Relation Name") == "workflows_workitem"]
    assert {n["Node Type"] for n in on_items} <= {"Index Scan", "Index Only Scan"}, [
        n["Node Type"] for n in on_items
    ]
    assert {n["Index Name"] for n in on_items} == {"queue_of_role", "queue_of_post", "queue_of_person"}
    sources = max(len(parameters[name]) for name in ("roles", "offices", "posts"))
    for node in on_items:  # a page of each source at most, never the backlog
        assert (node["Actual Rows"] <= 50, node["Actual Loops"] <= sources) == (True, True), node


def test_pages_of_a_crowded_queue_hold_every_source(crowded: County) -> None:
    rows = queue(everything(crowded), limit=200)
    assert len(rows) == 200
    assert {(r.post_role, r.post_id is not None, r.claimed_by_id is not None) for r in rows[1:]} == {
        ("supervisor", False, False), ("head", False, False), ("supervisor", True, False), ("supervisor", False, True),
    }  # fmt: skip
    assert sum(queue_counts(everything(crowded)).values()) == 4 * worklist.MOST_COUNTED
    last = rows[-1]
    following = queue(everything(crowded), limit=1, after=(last.due_at, last.pk))
    assert (following[0].due_at, following[0].pk) > (last.due_at, last.pk)
    assert again(SupervisionOrder.objects.get()).state == "draft"

"""One step with one document: what it costs, what it leaves, what it never does twice, and whom it refuses."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from organisation import changes
from organisation.actors import clock_of
from organisation.queries import holders_of
from supervision.orders.models import SupervisionOrder
from supervision.rectification.models import Measure
from tests.supervision.county import (
    AT,
    GIVEN,
    TO_HAND,
    County,
    act,
    again,
    change,
    measure_of,
    moment,
    order_of,
    owed,
    plan_of,
    report_of,
    version_of,
    walk,
)  # fmt: skip
from tests.supervision.permissions import trace
from tests.workflows.ground import chain, issued, item_of, last_content, statements, told
from workflows.documents import Conflict, Refused, Stale
from workflows.fire import Fired, fire
from workflows.models import Entry, Notice, WorkItem


def send(
    place: County, document: Any, step: str, who: str, request_id: UUID, seen: int, **inputs: Any
) -> Fired:
    return fire(
        document, step, actor=place.actor(who), at=AT, seen_version=seen, request_id=request_id, **inputs
    )


# --- What it costs -----------------------------------------------------------------------------------------


def test_a_plain_step_is_two_statements(place: County) -> None:
    walk(place, order_of(place), TO_HAND)  # caches warm: calendar, rules, zone, numbers
    order = walk(place, order_of(place, title="另一事项"), "submit:drafter, sign:leader")
    actor = place.actor("head")
    with statements() as sent:
        fire(order, "sign_for", actor=actor, at=AT, seen_version=order.version, request_id=uuid4())
    assert len(sent) == 2, sent


def test_a_step_of_a_child_takes_its_parent_in_one_statement_more(place: County) -> None:
    measure = walk(place, measure_of(place), "add_evidence:staff, claim_done:staff")
    actor = place.actor("checker")
    with statements() as sent:
        fire(measure, "take_up", actor=actor, at=AT, seen_version=measure.version, request_id=uuid4())
    assert len(sent) == 3, sent
    assert "rectification_rectification" in sent[0]
    assert "FOR UPDATE" in sent[0]


def test_facts_are_one_statement_after_the_lock(place: County) -> None:
    order = order_of(place)
    walk(place, order_of(place, title="先办一件"), "submit:drafter")
    actor = place.actor("drafter")
    with statements() as sent:
        fire(order, "submit", actor=actor, at=AT, seen_version=order.version, request_id=uuid4())
    assert len(sent) == 3, sent
    assert "FOR UPDATE" in sent[0]
    assert "criteria_count" in sent[1]


def test_a_number_costs_two_statements_more(place: County) -> None:
    walk(place, order_of(place, title="先办一件"), "submit:drafter, sign:leader")
    order = issued(place)
    actor, seen = place.actor("leader"), version_of(order)
    with statements() as sent:
        fire(order, "sign", actor=actor, at=AT, seen_version=seen, request_id=uuid4())
    assert len(sent) == 5, sent


def test_a_clock_that_runs_again_is_read_in_one_statement_more(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker")
    actor = place.actor("checker")
    given = {name: GIVEN[name] for name in ("reason", "failed", "how_checked")}
    with statements() as sent:
        fire(
            order, "return_work", actor=actor, at=AT, seen_version=order.version, request_id=uuid4(), **given
        )
    assert len(sent) == 3, sent


# --- Once --------------------------------------------------------------------------------------------------


def test_the_same_request_is_answered_as_the_first_time_even_when_the_document_has_moved_on(
    place: County,
) -> None:
    order, request_id = order_of(place), uuid4()
    first = send(place, order, "submit", "drafter", request_id, order.version)
    walk(place, order, "sign:leader, sign_for:head")
    before = trace()
    again_ = send(place, order, "submit", "drafter", request_id, order.version)
    assert again_ == Fired(first.document_id, first.version, "for_signature", first.sequence, replayed=True)
    assert trace() == before


@pytest.mark.parametrize("seen", ["the old version", "the version that stands"])
def test_the_same_request_with_other_content_is_a_conflict(place: County, seen: str) -> None:
    order, request_id = issued(place), uuid4()
    first = version_of(order)
    send(place, order, "send_back", "leader", request_id, first, reason="缺依据")
    before = trace()
    with pytest.raises(Conflict):
        send(
            place,
            order,
            "send_back",
            "leader",
            request_id,
            first if seen == "the old version" else version_of(order),
            reason="别的",
        )
    with pytest.raises(Conflict):
        send(place, order, "decline", "leader", request_id, first, reason="缺依据")
    assert trace() == before


def test_a_request_used_for_one_document_cannot_bring_other_content_to_another(place: County) -> None:
    one, other, request_id = issued(place), issued(place, title="另一事项"), uuid4()
    send(place, one, "send_back", "leader", request_id, version_of(one), reason="缺依据")
    with pytest.raises(Conflict):
        send(place, other, "send_back", "leader", request_id, version_of(other), reason="另有理由")


def test_two_people_may_happen_to_use_the_same_request_id(place: County) -> None:
    order, request_id = order_of(place), uuid4()
    send(place, order, "submit", "drafter", request_id, order.version)
    assert send(place, order, "sign", "leader", request_id, version_of(order)).state == "issued"


# --- Stale -------------------------------------------------------------------------------------------------


def test_stale_names_who_moved_it_when_and_where_it_stands(place: County) -> None:
    order = issued(place)
    seen = version_of(order)
    act(place, order, "send_back", "leader", AT + timedelta(minutes=3))
    with pytest.raises(Stale) as stale:
        send(place, order, "sign", "second leader", uuid4(), seen)
    told_of = stale.value
    assert (told_of.by, told_of.at) == (place.people["leader"].pk, AT + timedelta(minutes=3))
    assert (told_of.step, told_of.state, told_of.version) == ("send_back", "draft", seen + 1)


def test_stale_after_an_edit_names_the_editor_and_not_who_moved_it_before(place: County) -> None:
    order = order_of(place)
    change(place, order, "checker", AT + timedelta(minutes=5), clause="会议纪要第五条")
    with pytest.raises(Stale) as stale:
        send(place, order, "submit", "drafter", uuid4(), order.version)
    assert (stale.value.step, stale.value.by) == ("edit", place.people["checker"].pk)
    assert stale.value.at == AT + timedelta(minutes=5)


def test_a_claim_or_an_opening_makes_nobody_stale(place: County) -> None:
    from workflows.worklist import claim, open_item

    order = issued(place)
    seen = version_of(order)
    item = item_of(order, "order.signature")
    open_item(item.pk, actor=place.actor("leader"), at=AT)
    claim(item.pk, actor=place.actor("leader"), at=AT)
    assert send(place, order, "sign", "leader", uuid4(), seen).state == "issued"


# --- Who ---------------------------------------------------------------------------------------------------


def test_what_is_refused_leaves_no_trace(place: County) -> None:
    order = order_of(place, clause="", source="")
    before = trace()
    with pytest.raises(Refused) as refused:
        act(place, order, "submit", "drafter")
    assert [reason.code for reason in refused.value.reasons] == ["has_authority"]
    assert trace() == before


def test_every_unmet_condition_is_told_at_once(place: County) -> None:
    order = order_of(place, clause="", due_on=None)
    with pytest.raises(Refused) as refused:
        act(place, order, "submit", "drafter")
    assert [reason.code for reason in refused.value.reasons] == ["has_authority", "has_due_date"]


def test_somebody_acting_for_who_handled_it_may_not_decide_on_it(place: County) -> None:
    changes.delegate(
        place.posts["drafter"], to=place.people["stranger"], begins=date(2026, 1, 1), ends=date(2026, 12, 31),
        by=clock_of(place.institution.pk), at=moment(1, 1), reason="出差",
    )  # fmt: skip
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head")
    assert place.actor("stranger").capacities[0].via == "delegation"
    with pytest.raises(Refused) as refused:
        act(place, order, "take_up", "stranger")
    assert refused.value.reasons[0].code == "own_work"
    assert act(place, order, "take_up", "checker").state == "under_check"


def test_who_acted_for_somebody_may_not_decide_in_a_post_of_their_own(place: County) -> None:
    """The delegate of the head claims it done; that delegate also sits in the supervision office."""
    from tests.supervision.county import _appoint

    _appoint(place.people["delegate"], "supervisor", place.units["county"])
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:delegate")
    assert place.people["head"].pk in again(order).workers
    with pytest.raises(Refused) as refused:
        act(place, order, "take_up", "delegate")
    assert refused.value.reasons[0].code == "own_work"


def test_nobody_acts_in_another_institution(place: County) -> None:
    order, before = order_of(place), trace()
    with pytest.raises(Refused) as refused:
        act(place, order, "submit", "outsider")
    assert refused.value.reasons[0].code == "not_yours"
    assert trace() == before


def test_the_capacity_acted_in_stands_in_the_ledger(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader")
    act(place, order, "sign_for", "delegate")
    entry = chain(order)[-1]
    assert (entry.actor, entry.acting_for) == (place.people["delegate"].pk, place.people["head"].pk)
    assert (entry.as_role, entry.as_post, entry.as_unit) == (
        "head",
        place.posts["head"].pk,
        place.units["town"].pk,
    )
    assert last_content(order)["via"] == "delegation"
    assert entry.rules.startswith("hoboksar-county@")


def test_as_post_chooses_between_several_posts_and_a_post_that_does_not_fit_is_refused(place: County) -> None:
    from tests.supervision.county import _appoint

    second = _appoint(place.people["drafter"], "supervisor", place.units["bureau"])
    order = order_of(place)
    actor = place.actor("drafter")
    with pytest.raises(Refused):
        fire(
            order,
            "submit",
            actor=actor,
            at=AT,
            seen_version=order.version,
            request_id=uuid4(),
            as_post=place.posts["head"].pk,
        )
    fire(
        order, "submit", actor=actor, at=AT, seen_version=order.version, request_id=uuid4(), as_post=second.pk
    )
    assert chain(order)[-1].as_post == second.pk


# --- What is handed over -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [None, "", "   ", 5, True, "坏\x00字", "\ud800"],
    ids=["none", "empty", "blank", "number", "truth", "nul", "half"],
)
def test_a_reason_that_is_none_is_refused_by_its_field(place: County, wrong: Any) -> None:
    order = issued(place)
    before = trace()
    with pytest.raises(Refused) as refused:
        send(
            place,
            order,
            "send_back",
            "leader",
            uuid4(),
            version_of(order),
            **({} if wrong is None else {"reason": wrong}),
        )
    assert [reason.code for reason in refused.value.reasons] == ["given.reason"]
    assert trace() == before


@pytest.mark.parametrize("wrong", ["2026-06-01", moment(6, 1), 20260601])
def test_only_a_day_is_a_date(place: County, wrong: Any) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, ask_extension:head")
    with pytest.raises(Refused) as refused:
        act(place, order, "grant", "leader", new_date=wrong)
    assert refused.value.reasons[0].code == "given.new_date"


def test_what_was_handed_over_stands_in_the_ledger_and_on_the_document(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader, sign_for:head")
    act(place, order, "take_in_hand", "staff", plan="先“排查”\n再整改\\ % {x}")
    assert again(order).plan == "先“排查”\n再整改\\ % {x}"
    content = last_content(order)
    assert content["inputs"] == {"plan": "先“排查”\n再整改\\ % {x}"}
    assert content["actor"] == "staff"
    assert {duty["duty"] for duty in content["duties"]} == {"order.feedback"}


# --- Two instants ------------------------------------------------------------------------------------------


def test_when_it_counts_and_when_it_was_written_both_stand(place: County) -> None:
    order, counted = order_of(place), AT - timedelta(days=3)
    fire(
        order, "submit", actor=place.actor("drafter"), at=AT, seen_version=order.version, request_id=uuid4(), effective_at=counted
    )  # fmt: skip
    entry = chain(order)[-1]
    assert (entry.effective_at, entry.recorded_at) == (counted, AT)
    assert again(order).moved_at == AT


def test_the_day_that_counts_for_posts_is_the_institutions_and_not_utc(place: County) -> None:
    """31 January 23:30 in the county is still the former leader's; half an hour later it is not, though UTC says 31."""
    late = moment(1, 31, 23, 30)
    order = walk(place, order_of(place, at=late), "submit:drafter", late)
    assert place.people["former leader"] in [
        n.person for n in Notice.objects.filter(document_id=order.pk, code="submit")
    ]
    after = late + timedelta(minutes=30)
    other = walk(place, order_of(place, at=after, title="另一事项"), "submit:drafter", after)
    assert place.people["former leader"] not in [
        n.person for n in Notice.objects.filter(document_id=other.pk, code="submit")
    ]
    with pytest.raises(Refused):
        act(place, other, "sign", "former leader", after)


# --- Work items --------------------------------------------------------------------------------------------


def test_a_step_closes_what_was_owed_and_opens_what_is_owed_now(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter")
    draft = WorkItem.objects.get(document_id=order.pk, duty="order.draft")
    assert (draft.closed_at, draft.closed_by, draft.closed_how, draft.next_step_at) == (
        AT,
        place.people["drafter"],
        "submit",
        None,
    )
    item = item_of(order, "order.signature")
    assert (item.role, item.post_role, item.owner_unit_id, item.turn) == (
        "leading_group",
        "leading_group",
        None,
        1,
    )
    assert (item.title, item.unit_id, item.state, item.lamp) == (
        order.title,
        order.unit_id,
        "for_signature",
        "green",
    )
    assert (item.opened_at, item.original_due_on) == (AT, item.due_on)
    assert item.due_at.astimezone(AT.tzinfo).date() == item.due_on + timedelta(days=1)
    assert item.ladder[0]["at"] == item.next_step_at.astimezone(UTC).isoformat()


def test_a_duty_that_goes_on_is_the_same_item_with_its_date_and_its_claim(place: County) -> None:
    order = walk(place, order_of(place), "submit:drafter, sign:leader")
    first = item_of(order, "order.finish")
    walk(place, order, "sign_for:head, take_in_hand:staff")
    still = item_of(order, "order.finish")
    assert (still.pk, still.due_on, still.next_step_at) == (first.pk, first.due_on, first.next_step_at)
    assert (still.state, still.due_on, still.owner_unit_id) == ("in_hand", date(2026, 3, 16), order.unit_id)


def test_an_extension_moves_the_date_and_never_the_original(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, ask_extension:head")
    assert owed(order)["order.feedback"] is None, (
        "the progress clock stands still while the request is pending"
    )
    assert owed(order)["order.finish"] == date(2026, 3, 16)
    first = item_of(order, "order.finish")
    act(place, order, "grant", "leader", moment(3, 4), new_date=date(2026, 6, 1))
    item = item_of(order, "order.finish")
    assert (item.pk, item.due_on, item.original_due_on) == (first.pk, date(2026, 6, 1), date(2026, 3, 16))
    assert (again(order).due_on, again(order).original_due_on) == (date(2026, 6, 1), date(2026, 3, 16))
    assert item.next_step_at is not None
    assert item.next_step_at > first.next_step_at
    [extension] = item.derivation["changes"]
    assert (extension["code"], extension["due_was"], extension["due_on"]) == (
        "extension",
        "2026-03-16",
        "2026-06-01",
    )
    assert (extension["by"], item.derivation["original_due_on"]) == ("leader", "2026-03-16")


def test_a_pause_and_an_extension_are_told_one_after_the_other(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker")
    act(place, order, "return_work", "checker", moment(3, 6))
    act(place, order, "ask_extension", "head", moment(3, 9))
    act(place, order, "grant", "leader", moment(3, 10), new_date=date(2026, 6, 1))
    item = item_of(order, "order.finish")
    assert [change["code"] for change in item.derivation["changes"]] == ["pause", "extension"]
    assert (item.due_on, item.original_due_on) == (date(2026, 6, 1), date(2026, 3, 16))


def test_a_claim_stops_the_clock_and_a_return_gives_back_what_was_left(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head")
    item = item_of(order, "order.finish")
    assert (item.paused_at, item.next_step_at, item.state) == (AT, None, "claimed_done")
    taken = moment(3, 5)
    walk(place, order, "take_up:checker", taken)
    assert item_of(order, "order.finish").paused_at == AT, "it has stood still since the claim"
    act(place, order, "return_work", "checker", moment(3, 6))
    resumed = item_of(order, "order.finish")
    assert (resumed.pk, resumed.paused_at, resumed.state, resumed.lamp) == (item.pk, None, "in_hand", "green")
    # 2 March to 6 March are four working days; so much later than 16 March it is due.
    assert resumed.due_on == date(2026, 3, 20)
    assert resumed.original_due_on == date(2026, 3, 16)
    assert resumed.next_step_at is not None
    assert [change["code"] for change in resumed.derivation["changes"]] == ["pause"]


def test_a_duty_that_comes_back_is_a_new_turn(place: County) -> None:
    order = walk(place, order_of(place), f"{TO_HAND}")
    for _ in range(2):
        walk(place, order, "feed_back:head, ask_again:checker")
    turns = WorkItem.objects.filter(document_id=order.pk, duty="order.feedback").order_by("pk")
    assert [item.turn for item in turns] == [1, 2, 3]
    assert [item.closed_how for item in turns] == ["feed_back", "feed_back", ""]
    finish = WorkItem.objects.filter(document_id=order.pk, duty="order.finish")
    assert [item.turn for item in finish] == [1]


def test_a_stay_in_a_state_moves_only_what_the_step_moves(place: County) -> None:
    order = walk(place, order_of(place), TO_HAND)
    act(place, order, "suspend", "leader", review_date=date(2026, 4, 1))
    assert owed(order) == {"order.finish": None, "order.feedback": None, "order.suspension": date(2026, 4, 1)}
    first = item_of(order, "order.suspension").pk
    act(place, order, "keep_suspended", "leader", moment(3, 30), review_date=date(2026, 5, 8))
    assert item_of(order, "order.suspension").pk == first
    assert owed(order)["order.suspension"] == date(2026, 5, 8)
    act(place, order, "resume", "leader", moment(5, 8))
    shelved = date(2026, 5, 8) - AT.date()
    assert owed(order)["order.finish"] == date(2026, 3, 16) + shelved, "a Friday: no rest day moves it on"
    assert owed(order)["order.feedback"] > date(2026, 5, 8)


def test_the_end_of_a_document_leaves_nothing_owed(place: County) -> None:
    order = walk(
        place, order_of(place), f"{TO_HAND}, prove:staff, claim_done:head, take_up:checker, close:checker"
    )
    assert owed(order) == {}
    assert not WorkItem.objects.filter(document_id=order.pk, next_step_at__isnull=False).exists()


# --- Notices -----------------------------------------------------------------------------------------------


def holders(place: County, role: str, unit: str | None = None) -> set[str]:
    """The names of those who may act in this role that day, in one unit or anywhere."""
    where = place.units[unit].pk if unit else None
    rows = holders_of(role, where, AT.date(), institution_id=place.institution.pk)
    return set(rows.values_list("person__name", flat=True))


def test_each_person_is_told_once_whatever_their_posts_and_the_actor_is_not(place: County) -> None:
    from tests.supervision.county import _appoint

    _appoint(place.people["head"], "deputy_in_charge", place.units["town"])
    _appoint(place.people["leader"], "supervisor", place.units["county"])
    order = issued(place)
    fired = act(place, order, "sign", "leader")
    names = [person.name for person in told(order, fired.sequence)]
    expected = (
        holders(place, "head", "town")
        | holders(place, "deputy_in_charge", "town")
        | holders(place, "supervisor")
    )
    assert names == sorted(expected - {"leader"})
    assert {"head", "delegate", "deputy", "checker", "drafter"} <= expected


def test_nobody_of_another_institution_or_unit_is_told(place: County) -> None:
    report_of(place)
    walk(place, order_of(place), TO_HAND)
    plan_of_other = {n.person.name for n in Notice.objects.filter(kind="orders.supervisionorder")}
    assert not plan_of_other & {"outsider", "head elsewhere", "staff elsewhere", "stranger"}


def test_the_clock_tells_everyone_it_names(place: County) -> None:
    report = report_of(place)
    names = [person.name for person in told(report, 1)]
    roles = ("unit_staff", "head", "deputy_in_charge")
    assert names == sorted(set[str]().union(*(holders(place, role, "town") for role in roles)))
    assert {"staff", "colleague", "delegate"} <= set(names)


# --- What it causes ----------------------------------------------------------------------------------------


def test_a_step_and_what_it_causes_stand_or_fall_together(
    place: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import transaction

    from workflows import effects

    def break_down(document: Any, actor: Any, at: Any) -> None:
        Measure.objects.count()
        raise RuntimeError("the room above is broken")

    order = walk(
        place, order_of(place, demands_rectification=True), "submit:drafter, sign:leader, sign_for:head"
    )
    monkeypatch.setitem(effects._causes, "rectification.open", break_down)
    before = trace()
    with pytest.raises(RuntimeError), transaction.atomic():
        act(place, order, "take_in_hand", "staff")
    assert trace() == before


def test_an_effect_that_no_room_registered_is_named(place: County, monkeypatch: pytest.MonkeyPatch) -> None:
    from workflows import effects

    order = walk(place, order_of(place), "submit:drafter, sign:leader, sign_for:head")
    monkeypatch.delitem(effects._causes, "rectification.open")
    with pytest.raises(effects.NoSuchEffect, match=r"rectification\.open"):
        act(place, order, "take_in_hand", "staff")


def test_triggers_agree_with_a_walk_to_the_end(place: County) -> None:
    plan = walk(
        place, plan_of(place), "plan_two_measures:staff, hand_in:staff, sign:head, return_plan:checker"
    )
    assert plan.state == "returned"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert Entry.objects.filter(kind=plan.kind(), document_id=plan.pk).count() == plan.ledger_sequence
    assert SupervisionOrder.objects.get(pk=plan.order_id).version == 5

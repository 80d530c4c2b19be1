"""A lifecycle that cannot be meant is refused when it is read, with a sentence that says why."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from supervision.orders.models import SupervisionOrder
from supervision.roles import HEAD, SUPERVISOR, UNIT_STAFF
from workflows import effects
from workflows.documents import Document, document_kinds
from workflows.lifecycle import AT, BIRTH, REASON, Effect, Given, Guard, Lifecycle, State, Step, Unsound
from workflows.roles import CLOCK, ROUND, Role
from workflows.soundness import check_documents, faults, model_faults, rules_named
from workflows.words import Text

TITLE = Text("试件", "Trial")


def sound() -> dict[str, Any]:
    """The parts of a lifecycle that nothing is wrong with; each fault below is planted into these."""
    write = UNIT_STAFF.owes("拟稿", "draft it", within="trial.draft")
    decide = HEAD.owes("审定", "decide", within="trial.decide")
    draft, waiting, done = (
        State("拟稿", "Draft", write, edits=UNIT_STAFF),
        State("待审", "Waiting", decide),
        State("完", "Done", final=True),
    )
    return {
        "title": TITLE, "draft": draft, "waiting": waiting, "done": done,
        "open": Step("开", "Open", BIRTH >> draft, by=UNIT_STAFF),
        "submit": Step("送", "Submit", draft >> waiting, by=UNIT_STAFF),
        "accept": Step("审", "Accept", waiting >> done, by=HEAD, decides=True),
    }  # fmt: skip


def declared(parts: dict[str, Any]) -> type[Lifecycle[Any]]:
    """As if a lifecycle.py with these parts were imported."""
    return type("Trial", (Lifecycle,), parts)


Fault = Callable[[dict[str, Any]], None]


def unreachable(p: dict[str, Any]) -> None:
    p["island"] = State("孤岛", "Island", HEAD.owes("x", "x", within="r"))
    p["leave"] = Step("离", "Leave", p["island"] >> p["done"], by=HEAD)


def dead_end(p: dict[str, Any]) -> None:
    p["trap"] = State("死路", "Trap", HEAD.owes("x", "sit", within="r"))
    p["fall"] = Step("入", "Fall", p["waiting"] >> p["trap"], by=HEAD)


def circle(p: dict[str, Any]) -> None:
    a, b = (State(n, n, HEAD.owes("x", "x", within=n)) for n in ("round_one", "round_two"))
    p |= {"round_one": a, "round_two": b, "enter": Step("入", "Enter", p["waiting"] >> a, by=HEAD)}
    p |= {"on": Step("去", "On", a >> b, by=HEAD), "back": Step("回", "Back", b >> a, by=HEAD)}


def no_birth(p: dict[str, Any]) -> None:
    del p["open"]


def no_end(p: dict[str, Any]) -> None:
    p["done"].final = False


def nobody_owes(p: dict[str, Any]) -> None:
    p["waiting"].duties = ()


def waits_without_a_step_of_the_clock(p: dict[str, Any]) -> None:
    p["waiting"].duties, p["waiting"].with_parent = (), True


def owes_something_and_waits(p: dict[str, Any]) -> None:
    p["waiting"].with_parent = True
    p["called"] = Step("随行", "Called", p["waiting"] >> p["done"], by=CLOCK)


def waits_at_the_end(p: dict[str, Any]) -> None:
    p["done"].with_parent = True


def owes_without_a_way(p: dict[str, Any]) -> None:
    p["waiting"].duties = (SUPERVISOR.owes("看", "look on", within="trial.look"),)


def owed_at_the_end(p: dict[str, Any]) -> None:
    p["done"].duties = (HEAD.owes("x", "x", within="trial.more"),)


def way_out_of_the_end(p: dict[str, Any]) -> None:
    p["reopen"] = Step("重开", "Reopen", p["done"] >> p["draft"], by=HEAD)


def round_without_outcome(p: dict[str, Any]) -> None:
    p["waiting"].round = "trial.round"


def outcome_without_round(p: dict[str, Any]) -> None:
    p["voted"] = Step("票决", "Voted", p["waiting"] >> p["done"], by=ROUND)


def records_what_is_not_given(p: dict[str, Any]) -> None:
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=UNIT_STAFF, records={"summary": REASON})


def moves_what_is_not_owed(p: dict[str, Any]) -> None:
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=UNIT_STAFF, moves=p["draft"].duties)


def moves_what_begins_only_now(p: dict[str, Any]) -> None:
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=UNIT_STAFF, moves=p["waiting"].duties)


def stops_a_clock_that_does_not_run(p: dict[str, Any]) -> None:
    p["waiting"].pauses = (SUPERVISOR.owes("x", "x", within="trial.other"),)


def begins_with_a_clock_that_stands(p: dict[str, Any]) -> None:
    p["draft"].pauses = (SUPERVISOR.owes("x", "x", within="trial.other"),)


def begins_anew_where_nobody_drafts(p: dict[str, Any]) -> None:
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=UNIT_STAFF, begins_anew=True)


def two_roles_of_one_name(p: dict[str, Any]) -> None:
    other = Role("head", Text("县长", "the county head"), "leading_group")
    p["sideways"] = Step("转", "Sideways", p["waiting"] >> p["done"], by=other)


def birth_judged_by_facts(p: dict[str, Any]) -> None:
    guard = Guard[Any]("x", "x", lambda d, at: d.count, facts=("count",))
    p["open"] = Step("开", "Open", BIRTH >> p["draft"], by=UNIT_STAFF, must=(guard,))


def a_step_named_like_an_act_of_the_engine(p: dict[str, Any]) -> None:
    p["claim"] = Step("报结", "Claim done", p["waiting"] >> p["done"], by=HEAD)


PLANTED: dict[Fault, str] = {
    a_step_named_like_an_act_of_the_engine: "step claim has the name of one of the engine's own acts, and the ledger could not tell them apart",
    unreachable: "nothing leads to island",
    dead_end: "no way from trap to an end",
    circle: "no way from round_one to an end; no way from round_two to an end",
    no_birth: "nothing opens it: it has no birth",
    no_end: "it has no final state",
    nobody_owes: "nobody owes anything in waiting",
    waits_without_a_step_of_the_clock: "waiting waits with its parent, but no step of the clock leads out of it",
    owes_something_and_waits: "waiting waits with its parent, yet something is owed there",
    waits_at_the_end: "done is final, yet something is owed or possible there",
    owes_without_a_way: "supervisor owes 'look on' in waiting but has no step out of it",
    owed_at_the_end: "done is final, yet something is owed or possible there",
    way_out_of_the_end: "done is final, yet something is owed or possible there",
    round_without_outcome: "waiting and its round do not fit: steps by the round [], round 'trial.round'",
    outcome_without_round: "waiting and its round do not fit: steps by the round ['voted'], round None",
    records_what_is_not_given: "submit records summary from reason, which is not given",
    moves_what_is_not_owed: "submit moves the date of trial.draft, which waiting does not owe",
    moves_what_begins_only_now: "submit moves the date of trial.decide, which waiting does not owe",
    stops_a_clock_that_does_not_run: "submit stops the clock of trial.other, which was not owed before",
    begins_with_a_clock_that_stands: "open stops the clock of trial.other, which was not owed before",
    begins_anew_where_nobody_drafts: "submit begins anew in waiting, where nobody drafts",
    two_roles_of_one_name: "two different roles are called head",
    birth_judged_by_facts: "open opens a document, so there is no row yet to judge by facts, to number or to sign",
}


def test_the_sound_one_is_taken() -> None:
    lifecycle = declared(sound())
    assert faults(lifecycle) == []
    assert (lifecycle.initial.name, list(lifecycle.steps)) == ("draft", ["open", "submit", "accept"])
    assert rules_named(lifecycle) == {"trial.draft", "trial.decide"}


@pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_refused_when_the_lifecycle_is_read(fault: Fault) -> None:
    parts = sound()
    fault(parts)
    with pytest.raises(Unsound) as unsound:
        declared(parts)
    assert PLANTED[fault] in str(unsound.value)
    assert "Trial" in str(unsound.value)


def refused(parts: dict[str, Any]) -> str:
    with pytest.raises(Unsound) as unsound:
        declared(parts)
    return str(unsound.value).partition("Trial: ")[2]


def test_every_fault_is_said_and_nothing_else() -> None:
    p = sound()
    del p["open"]
    p["done"].final = False
    assert refused(p) == (
        "nothing opens it: it has no birth; it has no final state; "
        "nothing leads to draft; nothing leads to waiting; nothing leads to done; "
        "no way from draft to an end; no way from waiting to an end; no way from done to an end; "
        "nobody owes anything in done"
    )


def test_what_is_declared_after_an_end_is_looked_at_too() -> None:
    p = sound()
    p["aside"] = State("搁置", "Set aside")
    p["put"] = Step("搁", "Put aside", p["draft"] >> p["aside"], by=UNIT_STAFF)
    p["take"] = Step("取", "Take up", p["aside"] >> p["draft"], by=UNIT_STAFF)
    assert refused(p) == "nobody owes anything in aside"


def test_whoever_edits_may_owe_a_draft_that_somebody_else_sends_on() -> None:
    p = sound()
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=HEAD)
    assert faults(declared(p)) == []
    p = sound()
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=HEAD)
    p["draft"].edits = HEAD
    assert refused(p) == "unit_staff owes 'draft it' in draft but has no step out of it"


@pytest.mark.parametrize("given", [{"numbers": object()}, {"signs": True}], ids=["numbered", "signed"])
def test_what_is_only_being_opened_is_neither_numbered_nor_signed(given: dict[str, Any]) -> None:
    p = sound()
    p["open"] = Step("开", "Open", BIRTH >> p["draft"], by=UNIT_STAFF, **given)
    assert refused(p) == (
        "open opens a document, so there is no row yet to judge by facts, to number or to sign"
    )


# --- What only the model knows -----------------------------------------------------------------------------


def judged(declarations: dict[str, Any], /, **model: Any) -> list[str]:
    """What is found of the supervision order's model with this lifecycle, and with these in place of its own."""
    fitting = {
        "lifecycle": declared(declarations),
        "content": (),
        "parts": {},
        "facts": staticmethod(dict),
        **model,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in fitting.items():
            patch.setattr(SupervisionOrder, name, value)
        return model_faults(SupervisionOrder)


def test_fields_facts_and_names_that_do_not_fit_the_model_are_found() -> None:
    assert judged(sound()) == []
    p = sound()
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=UNIT_STAFF, records={"colour": AT})
    assert judged(p) == ["submit records unknown field colour"]
    p = sound()
    guard = Guard[Any]("x", "x", lambda d, at: d.weather, facts=("weather",))
    p["submit"] = Step("送", "Submit", p["draft"] >> p["waiting"], by=UNIT_STAFF, must=(guard,))
    assert judged(p) == ["submit is judged on unknown fact weather"]
    p = sound()
    p["accept"] = Step(
        "审", "Accept", p["waiting"] >> p["done"], by=HEAD, tells=(Role("r", TITLE, "head", "team_id"),)
    )
    assert judged(p) == ["role r reads unknown field team_id"]
    p = sound()
    p["save"] = Step("存", "Save", p["draft"] >> p["waiting"], by=UNIT_STAFF)
    assert judged(p) == ["step save hides something of Django's"]
    p = sound()
    p["plan"] = Step("计", "Plan", p["draft"] >> p["waiting"], by=UNIT_STAFF)
    assert judged(p) == ["step plan has the name of a field"]
    p = sound()
    p["draft"].only = ("demand", "colour")
    assert judged(p, content=("demand",)) == ["draft lets edit colour, which is no content"]
    assert judged(sound(), content=("colour",)) == ["unknown content field colour"]
    assert judged(sound(), parts={"crumbs": "order"}) == ["unknown part crumbs"]


def test_nobody_edits_away_the_unit_that_owes() -> None:
    assert judged(sound(), content=("title", "unit")) == [
        "draft lets edit unit, which says who owes trial.draft there"
    ]
    p = sound()
    p["draft"].only = ("title",)
    assert judged(p, content=("title", "unit")) == []


def test_the_documents_of_this_house_are_sound() -> None:
    assert check_documents() == []
    for kind in document_kinds():
        assert faults(kind.lifecycle) == []
        assert issubclass(kind, Document)


def test_a_fault_stops_the_start_and_names_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SupervisionOrder, "parts", {**SupervisionOrder.parts, "crumbs": "order"})
    [error] = check_documents()
    assert (error.msg, error.obj, error.id) == ("unknown part crumbs", SupervisionOrder, "workflows.E001")


# --- The command -------------------------------------------------------------------------------------------


def called(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("check_lifecycles", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_how_large_each_lifecycle_is(db: None) -> None:
    status, said = called()
    assert status == 0
    for kind in document_kinds():
        assert kind.kind() in said
    status, said = called("--json")
    assert (status, json.loads(said)["faults"]) == (0, [])
    assert len(json.loads(said)["kinds"]) == len(document_kinds())


def test_the_command_ends_with_1_when_an_effect_has_no_room(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(effects._causes, "rectification.open")
    status, said = called()
    assert status == 1
    assert (
        "orders.supervisionorder: take_in_hand causes rectification.open, which no room has registered"
        in said
    )


def test_an_effect_is_declared_by_key_and_words() -> None:
    given, effect = Given("理由", "reason"), Effect("a.b", TITLE)
    assert (given.kind, effect.key, str(effect.text)) == (str, "a.b", "试件")
    assert CLOCK.unit is None

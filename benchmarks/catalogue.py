"""Everything that is measured beside each other: where it runs, and what a step of it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GUARANTEES = (
    "permission", "row lock", "stale page", "audit row", "hash chain", "open work item", "deadline", "notice", "replay",
)  # fmt: skip
"""What a step of an institution's engine must do, and what the columns of the table mean:
who may is checked; the row is locked; a page that was read before somebody else's step is refused; a row says who did
what; rows are chained by digests; whose turn it is stands in a table with an index; with a due date and its reason;
people are told in the same transaction; the same request sent twice is done once."""


@dataclass(frozen=True)
class Measured:
    """One system. `python` names the virtual environment; `copies` is the prepared database that its own is a copy of."""

    key: str
    title: str
    module: str
    has: Mapping[str, str]
    python: str = "own"
    variables: Mapping[str, str] = field(default_factory=dict)
    copies: str = "template0"


def _has(text: str, **remarks: str) -> dict[str, str]:
    """ "yes" for each named guarantee, a remark for some, "no" for the rest."""
    named = {word.strip() for word in text.split(",")}
    assert named <= {*GUARANTEES, ""}, named
    said = {name.replace("_", " "): remark for name, remark in remarks.items()}
    return {name: said.get(name, "yes" if name in named else "no") for name in GUARANTEES}


_ALL = dict.fromkeys(GUARANTEES, "yes")
_FLOOR = _has(
    "row lock, stale page, audit row, hash chain, open work item, deadline, notice",
    hash_chain="written, not computed", deadline="written, not computed", notice="written, not looked up",
)  # fmt: skip
_VIEWFLOW = {
    "audit_row": "the task's row",
    "open_work_item": "the task's row, no index for it",
}
DUBAN = "duban_base"
"""The migrated database with the county, that every cell on Duban's own tables begins with a copy of."""

SYSTEMS = {
    system.key: system
    for system in (
        Measured("floor_simple", "simple floor: psycopg, prepared, 4 statements", "benchmarks.systems.floor_simple",
                 _has("permission, audit row", notice="an outbox row")),
        Measured("floor_own", "own floor: Duban's rows by hand, prepared, a locking read and one statement", "benchmarks.systems.floor_own",
                 _FLOOR, copies=DUBAN),
        Measured("floor_apart", "the same with a statement for each table", "benchmarks.systems.floor_own", _FLOOR,
                 variables={"BENCHMARK_APART": "1"}, copies=DUBAN),
        Measured("duban", "**Duban**: fire()", "benchmarks.systems.duban", _ALL, copies=DUBAN),
        Measured("viewflow", "viewflow 2.4 workflow, default (no lock)", "benchmarks.systems.viewflow",
                 _has("permission, audit row, open work item", **_VIEWFLOW)),
        Measured("viewflow_lock", "viewflow 2.4 workflow, select_for_update lock", "benchmarks.systems.viewflow",
                 _has("permission, row lock, audit row, open work item", **_VIEWFLOW), variables={"BENCHMARK_LOCK": "1"}),
        Measured("fsm_log", "django-fsm-2 4.2.4 with django-fsm-log 5.0.2", "benchmarks.systems.fsm_log",
                 _has("permission, row lock, audit row", row_lock="by the caller"), python="peers"),
        Measured("joeflow", "joeflow 2.0.2", "benchmarks.systems.joeflow",
                 _has("permission, audit row", permission="by the caller", audit_row="the task's row",
                      open_work_item="the task's row, no page for it"), python="peers"),
        Measured("spiff", "SpiffWorkflow 3.2.0, state as jsonb, no Django", "benchmarks.systems.spiff",
                 _has("permission, row lock, audit row", permission="by the caller", row_lock="by the caller",
                      audit_row="by the caller"), python="peers"),
        Measured("river", "django-river 3.3.0 on Django 3.2", "benchmarks.systems.river",
                 _has("permission, audit row, open work item", audit_row="the approval's row",
                      open_work_item="the approval's row, no index for it"), python="river"),
        Measured("duban_many", "**Duban**: fire_many(), 1,000 documents", "benchmarks.systems.duban_many", _ALL, copies=DUBAN),
        Measured("duban_each", "**Duban**: fire(), one by one", "benchmarks.systems.duban_each", _ALL, copies=DUBAN),
        Measured("floor_many", "own floor, set-based: 1,000 documents", "benchmarks.systems.floor_many", _FLOOR, copies=DUBAN),
        Measured("duban_votes", "**Duban**: votes", "benchmarks.systems.duban_votes", _ALL, copies=DUBAN),
    )
}  # fmt: skip

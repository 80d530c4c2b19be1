"""With 100,000 units and 100,000 posts every question is still met by an index. (Plans and numbers of queries, no times.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from organisation.models import Institution, Person, Standing, Unit
from organisation.queries import actor_for, holders_of, office_above, subtree_of, units_as_of
from tests.organisation.places import NOON, place

DAY = date(2026, 1, 5)
HOW_MANY = 100_000

# Ten units below each, five tiers deep; everybody holds one post; one post in ten is delegated, one in ten has an absence.
LOAD = f"""
INSERT INTO organisation_person (id, password, is_superuser, username, institution_id, name, name_en, email, language,
                                 is_active, is_staff)
SELECT n, '', false, 'person-' || n, %(institution)s, '人' || n, '', '', 'zh-hans', true, false
  FROM generate_series(1, {HOW_MANY}) n;
INSERT INTO organisation_unit (id, institution_id, parent_id, kind, name_zh, name_en, code, path, begins, ends)
SELECT n, %(institution)s, CASE WHEN n > 1 THEN (n - 2) / 10 + 1 END, 'section', '单位' || n, '', n, '', '2020-01-01',
       CASE WHEN n %% 1000 = 999 THEN '2025-12-31'::date END
  FROM generate_series(1, {HOW_MANY}) n ORDER BY n;
INSERT INTO organisation_post (id, institution_id, person_id, role, unit_id, begins)
SELECT n, %(institution)s, n,
       CASE WHEN n %% 10000 = 7 THEN 'supervisor' WHEN n %% 3 = 0 THEN 'head' WHEN n %% 3 = 1 THEN 'deputy_in_charge'
            ELSE 'unit_staff' END, n, '2025-01-01'
  FROM generate_series(1, {HOW_MANY}) n;
INSERT INTO organisation_delegation (post_id, to_id, begins, ends, reason)
SELECT n, n + 1, '2026-01-01', '2026-01-31', '出差' FROM generate_series(1, {HOW_MANY - 1}, 10) n;
INSERT INTO organisation_absence (post_id, substitute_id, begins, ends, reason)
SELECT n, n + 1, '2026-01-01', '2026-01-31', '年休假' FROM generate_series(2, {HOW_MANY - 1}, 10) n;
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def indexes(rows: QuerySet[Any] | str) -> set[str]:
    """The indexes with which a query is answered. Fails when it reads any large table from end to end."""
    if isinstance(rows, str):
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {rows}")
            plan = cursor.fetchone()[0]
    else:
        plan = json.loads(rows.explain(format="json"))
    found = list(nodes(plan[0]["Plan"]))
    # Of institutions there are two; PostgreSQL reads their single page as it is.
    scanned = {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"}
    assert scanned <= {"organisation_institution"}
    return {node["Index Name"] for node in found if "Index Name" in node}


def test_every_question_is_met_by_an_index(committed_db: object, subtests: Any) -> None:
    # An institution of another size beside it, so that an index cannot be passed over as "everybody's anyway".
    small = place("small", "小单位")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('organisation_unit_id_seq', 500000), setval('organisation_person_id_seq', 500000)"
        )
        Unit.objects.filter(pk=small.root.pk).delete()
        Unit.objects.create(institution=small.institution, kind="county", name_zh="小单位", begins=DAY)
        institution = Institution.objects.create(slug="large", name_zh="大地区")
        cursor.execute(LOAD, {"institution": institution.pk})
        cursor.execute("ANALYZE")
    one = Unit.objects.get(pk=43)

    with subtests.test("what one person may act for: the person's own posts, delegations and absences"):
        person = Person.objects.get(pk=22)  # own post, delegate of 21; substitute of nobody
        with CaptureQueriesContext(connection) as asked:
            actor = actor_for(person, NOON)
        assert [(c.post_id, c.via) for c in actor.capacities] == [(22, "post"), (21, "delegation")]
        assert len(asked) == 1
        used = indexes(asked[0]["sql"])
        assert used >= {"post_of_person", "organisation_post_pkey"}
        assert sum("delegation_to_id" in name or "absence_substitute_id" in name for name in used) == 2

    with subtests.test("who holds a role in a unit that day"):
        rows = holders_of("head", 21, DAY)
        assert sorted(rows.values_list("person_id", "via")) == [(21, "post"), (22, "delegation")]
        assert indexes(rows) & {"post_of_unit", "post_of_role"}

    with subtests.test("who holds a role in a unit of an institution that day"):
        assert indexes(holders_of("head", 21, DAY, institution_id=institution.pk)) & {
            "post_of_unit",
            "post_of_role",
        }

    with subtests.test("who holds a role of the whole institution that day"):
        rows = holders_of("supervisor", None, DAY, institution_id=institution.pk)
        assert len(rows) == 10
        assert "post_of_role" in indexes(rows)

    with subtests.test("who holds a role in any of fifty units that day"):
        rows = Standing.objects.on(DAY).filter(
            institution=institution, role="head", unit_id__in=range(300, 350)
        )
        assert indexes(rows) & {"post_of_unit", "post_of_role"}

    with subtests.test("a subtree"):
        rows = subtree_of(one)
        assert rows.count() == 1 + 10 + 100 + 1000
        assert indexes(rows) <= {"unit_path", "unit_tree"}

    with subtests.test("a subtree across institutions, as a join of documents asks for it"):
        assert indexes(Unit.objects.filter(path__startswith=one.path)) <= {"unit_path", "unit_tree"}

    with subtests.test("a subtree as of a day"):
        rows = subtree_of(one, DAY)
        ended = subtree_of(one).filter(ends__isnull=False).count()
        assert ended > 0
        assert rows.count() == 1111 - ended
        assert indexes(rows) <= {"unit_path", "unit_tree"}

    with subtests.test("the first page of the tree as of a day, already in order"):
        rows = units_as_of(institution, DAY)
        assert rows.count() == HOW_MANY - 100
        assert indexes(rows[:50]) == {"unit_tree"}

    with subtests.test("the next office up from the deepest unit"):
        with CaptureQueriesContext(connection) as asked:
            above = office_above("unit_staff", Unit.objects.get(pk=HOW_MANY), DAY)
        assert above is not None
        assert above.unit_id in Unit.objects.get(pk=HOW_MANY).ancestor_ids
        assert len(asked) == 2  # one of them the test's own, for the unit
        assert indexes(asked[1]["sql"]) & {"post_of_unit", "post_of_role"}

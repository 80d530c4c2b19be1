"""Every tier of R1 in one tree, read as of any day."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation

from organisation.models import Unit
from organisation.queries import subtree_of, unit_above, units_as_of
from organisation.roles import UnitKind
from tests.organisation.places import YEAR_BEGINS, Place


def test_a_tree_of_every_tier_is_read_parents_before_children(county: Place) -> None:
    parent, made = county.root, [county.root]
    for kind in UnitKind.values:
        parent = county.unit(kind, parent, kind=kind)
        made.append(parent)

    assert list(subtree_of(county.root)) == made
    assert list(subtree_of(made[3])) == made[3:]


def test_a_path_holds_the_ids_from_the_root_to_the_unit_itself(county: Place) -> None:
    department = county.unit("水利局")
    section = county.unit("办公室", department)

    assert section.path == f"{county.root.pk}/{department.pk}/{section.pk}/"
    assert section.ancestor_ids == [county.root.pk, department.pk, section.pk]
    section.refresh_from_db()
    assert section.path == f"{county.root.pk}/{department.pk}/{section.pk}/"


def test_a_bulk_load_gets_its_paths_from_the_database(county: Place) -> None:
    names = {"institution": county.institution, "kind": "section", "begins": YEAR_BEGINS}
    made = Unit.objects.bulk_create(
        [Unit(parent=county.root, name_zh=f"科室{n}", **names) for n in range(2)]
        + [Unit(parent=county.root, name_zh="科室2", path="made up", **names)]
    )

    with pytest.raises(ValueError, match="path is not known"):
        subtree_of(made[0])
    for unit in Unit.objects.exclude(pk=county.root.pk):
        assert unit.path == f"{county.root.pk}/{unit.pk}/"


def test_a_unit_whose_id_begins_with_anothers_is_not_below_it(county: Place) -> None:
    one = county.unit("甲", pk=90007)
    ten = county.unit("乙", pk=900071)

    assert list(subtree_of(one)) == [one]
    assert list(subtree_of(ten)) == [ten]


@pytest.mark.parametrize(
    ("day", "there"),
    [
        (date(2026, 2, 28), ["老局"]),
        (date(2026, 3, 1), ["老局", "新局"]),
        (date(2026, 3, 31), ["老局", "新局"]),
        (date(2026, 4, 1), ["新局"]),
    ],
)
def test_the_tree_is_read_as_it_stood_on_a_day(county: Place, day: date, there: list[str]) -> None:
    county.unit("老局", ends=date(2026, 3, 31))
    county.unit("新局", begins=date(2026, 3, 1))

    for units in (units_as_of(county.institution, day), subtree_of(county.root, day)):
        assert [unit.name_zh for unit in units] == ["和布克赛尔县", *there]


def test_a_subtree_without_a_day_holds_what_has_ended_too(county: Place) -> None:
    county.unit("老局", ends=date(2026, 3, 31))

    assert [unit.name_zh for unit in subtree_of(county.root)] == ["和布克赛尔县", "老局"]


def test_the_tree_of_another_institution_is_never_seen(county: Place, bureau: Place) -> None:
    bureau.unit("办公室")

    assert list(units_as_of(county.institution, date(2026, 3, 1))) == [county.root]
    assert list(subtree_of(county.root)) == [county.root]


def test_the_database_refuses_a_parent_of_another_institution(county: Place, bureau: Place) -> None:
    with pytest.raises(IntegrityError, match="another institution"), transaction.atomic():
        county.unit("办公室", bureau.root)
    with translation.override("en"), pytest.raises(ValidationError, match="another institution"):
        Unit(institution=county.institution, parent=bureau.root, kind="section", begins=YEAR_BEGINS).clean()


def test_a_unit_is_not_moved_by_any_door(county: Place) -> None:
    department, other = county.unit("水利局"), county.unit("林业局")
    section = county.unit("办公室", department)

    for moved in ({"parent": other}, {"parent": None}, {"path": "1/"}):
        with pytest.raises(IntegrityError, match="is not moved"), transaction.atomic():
            Unit.objects.filter(pk=section.pk).update(**moved)
    section.parent = other
    with translation.override("en"), pytest.raises(ValidationError, match="not moved"):
        section.clean()


def test_a_name_is_corrected_without_moving(county: Place) -> None:
    section = county.unit("办公屋")
    section.name_zh = "办公室"
    section.save()

    section.refresh_from_db()
    assert (section.name_zh, section.path) == ("办公室", f"{county.root.pk}/{section.pk}/")


def test_above_the_top_there_is_no_unit(county: Place) -> None:
    section = county.unit("办公室")

    assert unit_above(section) == county.root
    assert unit_above(county.root) is None


def test_names_are_read_in_the_readers_language_and_in_chinese_where_no_other_is_given(county: Place) -> None:
    with translation.override("en"):
        assert str(county.institution) == "Hoboksar County"
        assert str(county.root) == "和布克赛尔县"
    with translation.override("zh-hans"):
        assert str(county.institution) == "和布克赛尔县"

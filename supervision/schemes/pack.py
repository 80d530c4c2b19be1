"""A pack: one institution's rules as a YAML file (supervision/schemes/packs), read and checked into plain content.

The content is what a scheme version keeps: JSON's own types, no line numbers, every number with its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calendars import derivation
from organisation.roles import PostRole, UnitKind
from supervision.schemes.pack_reading import Node, PackError, Reader, load

SHIPPED = Path(__file__).parent / "packs"
OWNER = "owner"
IN_A_UNIT = {PostRole.UNIT_STAFF.value, PostRole.DEPUTY_IN_CHARGE.value, PostRole.HEAD.value}
OFFICES = set(PostRole.values) - IN_A_UNIT
LAMPS = ("green", "yellow", "red")
BEFORE, AFTER, AT_DUE = "before", "after", "at_due"
BASES = (derivation.EVENT, derivation.PERIOD_END, derivation.FIELD)
UNITS = (derivation.WORKING_DAYS, derivation.NATURAL_DAYS)
ROLLS = (derivation.NEXT_WORKING_DAY, derivation.PREVIOUS_WORKING_DAY, derivation.AS_IT_FALLS)
NUMBER_UNITS = ("people", "hours", "working_days", "natural_days", "points", "percent", "times")
LONGEST_OFFSET = 250
"""Working days between a due date and a step of its ladder: about a year. A ladder must come to its end."""
HIGHEST_LEVEL = 4
"""Levels of escalation that the board has colours for."""


def read_pack(path: Path) -> dict[str, Any]:
    """The content of the pack at `path`. Raises PackError with every fault that was found."""
    root, reader = load(path), Reader(path.name)
    fields = reader.mapping(
        root,
        ("scheme", "name", "time_of_day", "offices", "lamps", "deadlines", "steps", "ladders", "numbers"),
        ("groups", "series", "goal_fields"),
    )
    content = {
        "scheme": reader.string(fields.get("scheme")),
        "name": reader.words(fields.get("name")),
        "time_of_day": _time_of_day(reader, fields.get("time_of_day")),
        "offices": _offices(reader, fields.get("offices")),
        "groups": _groups(reader, fields.get("groups")),
        "lamps": _lamps(reader, fields.get("lamps")),
        "steps": _step_names(reader, fields.get("steps")),
        "ladders": (
            ladders := _ladders(
                reader, fields.get("ladders"), _keys(fields.get("steps")), _keys(fields.get("offices"))
            )
        ),
        "deadlines": _deadlines(reader, fields.get("deadlines"), ladders),
        "numbers": _numbers(reader, fields.get("numbers")),
        "series": _series(reader, fields.get("series")),
        "goal_fields": _goal_fields(reader, fields.get("goal_fields")),
    }
    if reader.faults:
        raise PackError(reader.faults)
    return content


def shipped_pack(slug: str) -> Path | None:
    """The file of the pack that comes with the product under this short name, or None."""
    return next((path for path in sorted(SHIPPED.glob("*.yaml")) if path.stem == slug), None)


def _keys(node: Node | None) -> set[str]:
    return set(node.value) if node and isinstance(node.value, Mapping) else set()


def _time_of_day(reader: Reader, node: Node | None) -> dict[str, Any] | None:
    fields = reader.mapping(node, ("at", "source")) if node else {}
    return {"at": reader.time_of_day(fields.get("at")), "source": reader.source(fields.get("source"))}


def _offices(reader: Reader, node: Node | None) -> dict[str, Any]:
    if node is None:
        return {}
    return {key: reader.words(child) for key, child in reader.mapping(node, optional=OFFICES).items()}


def _groups(reader: Reader, node: Node | None) -> dict[str, Any]:
    groups = {}
    for key, child in (reader.named(node) if node else {}).items():
        fields = reader.mapping(child, ("zh", "en", "kinds", "source"))
        kinds = reader.rows(fields["kinds"], "") if "kinds" in fields else []
        groups[key] = {
            "name": reader.both(fields),
            "kinds": [reader.choice(kind, UnitKind.values) for kind in kinds],
            "source": reader.source(fields.get("source")),
        }
    return groups


def _goal_fields(reader: Reader, node: Node | None) -> list[dict[str, Any]]:
    """The fields of work that a unit's goals must cover: a list, because the database keeps no order of keys."""
    found = []
    for key, child in (reader.named(node) if node else {}).items():
        fields = reader.mapping(child, ("zh", "en", "source"))
        found.append(
            {"key": key, **(reader.both(fields) or {}), "source": reader.source(fields.get("source"))}
        )
    return found


def _lamps(reader: Reader, node: Node | None) -> dict[str, Any]:
    lamps = {}
    for key, child in (reader.mapping(node, LAMPS) if node else {}).items():
        fields = reader.mapping(child, ("name", "meaning"))
        lamps[key] = {
            "name": reader.words(fields.get("name")),
            "meaning": reader.words(fields.get("meaning")),
        }
    return lamps


def _numbers(reader: Reader, node: Node | None) -> dict[str, Any]:
    numbers = {}
    for key, child in (reader.named(node) if node else {}).items():
        fields = reader.mapping(child, ("value", "unit", "name", "source"))
        numbers[key] = {
            "value": reader.integer(fields.get("value"), 0, 1_000_000),
            "unit": reader.choice(fields.get("unit"), NUMBER_UNITS),
            "name": reader.words(fields.get("name")),
            "source": reader.source(fields.get("source")),
        }
    return numbers


def _series(reader: Reader, node: Node | None) -> dict[str, Any]:
    """How the running numbers of documents are written (文号)."""
    series = {}
    for key, child in (reader.named(node) if node else {}).items():
        fields = reader.mapping(child, ("form", "source"))
        form = reader.string(fields.get("form"))
        if form is not None and (form.count("{year}"), form.count("{number}"), form.count("{")) != (1, 1, 2):
            reader.fault(
                fields["form"],
                "文号须各写一次 {year} 和 {number}，例如 督〔{year}〕{number}号。",
                "Write {year} and {number} once each, such as 督〔{year}〕{number}号.",
            )
        series[key] = {"form": form, "source": reader.source(fields.get("source"))}
    return series


# --- Deadlines ---------------------------------------------------------------------------------------------

BY_COUNT, BY_DAY = ("count", "unit"), ("month", "day")


def _deadlines(reader: Reader, node: Node | None, ladders: Mapping[str, Any]) -> dict[str, Any]:
    rules = {}
    for key, child in (reader.named(node) if node else {}).items():
        fields = reader.mapping(
            child, ("base", "roll", "clause", "source", "ladder"), ("field", *BY_COUNT, *BY_DAY)
        )
        rule = {
            "base": reader.choice(fields.get("base"), BASES),
            "field": reader.string(fields.get("field")) or "",
            "count": reader.integer(fields.get("count"), 0, 1000),
            "unit": reader.choice(fields.get("unit"), UNITS) or "",
            "month": reader.integer(fields.get("month"), 0, 24),
            "day": reader.integer(fields.get("day"), 1, 31),
            "roll": reader.choice(fields.get("roll"), ROLLS),
            "clause": reader.words(fields.get("clause")),
            "source": reader.source(fields.get("source")),
            "ladder": reader.choice(fields.get("ladder"), list(ladders)),
        }
        _shape_of_rule(reader, child, rule, fields)
        _fits_its_ladder(reader, child, rule, ladders.get(str(rule["ladder"]), []))
        rules[key] = rule
    return rules


def _shape_of_rule(reader: Reader, node: Node, rule: Mapping[str, Any], fields: Mapping[str, Node]) -> None:
    """A rule counts days, or names a day after a period, or takes the named date: exactly one of them."""
    base = rule["base"]
    counted, by_day = any(f in fields for f in BY_COUNT), any(f in fields for f in BY_DAY)
    for pair, used in ((BY_COUNT, counted), (BY_DAY, by_day)):
        for field in pair:
            if used and field not in fields:
                reader.fault(
                    node,
                    f"缺少 {field}，请与 {'、'.join(pair)} 一并写明。",
                    f"{field} is missing: give {' and '.join(pair)} together.",
                )
    if counted and by_day:
        reader.fault(node, "count 与 day 只能写其一。", "Give either count or day, not both.")
    if by_day and base and base != derivation.PERIOD_END:
        reader.fault(
            node, "month 和 day 只用于 base: period_end。", "month and day go only with base: period_end."
        )
    if not counted and not by_day and base in (derivation.EVENT, derivation.PERIOD_END):
        reader.fault(
            node,
            "缺少期限：请写 count 和 unit，或 month 和 day。",
            "Nothing says how long: give count and unit, or month and day.",
        )
    if (base == derivation.FIELD) != ("field" in fields) and base:
        reader.fault(
            fields.get("field", node),
            "base: field 须写明 field（文书中的日期字段）；其他 base 不得写 field。",
            "base: field needs field, the date's name in the document; any other base has none.",
        )


def _fits_its_ladder(
    reader: Reader, node: Node, rule: Mapping[str, Any], steps: list[dict[str, Any]]
) -> None:
    """A reminder before the clock has started would never be sent."""
    if rule["unit"] != derivation.WORKING_DAYS or rule["count"] is None or rule["base"] != derivation.EVENT:
        return
    for step in steps:
        if step["when"] == BEFORE and step["days"] and step["days"] >= rule["count"]:
            reader.fault(
                node,
                f"时限只有 {rule['count']} 个工作日，阶梯 {rule['ladder']} 的 {step['key']} 却在到期前 {step['days']} 个工作日："
                "请换用较短的阶梯。",
                f"There are only {rule['count']} working days, but {step['key']} of ladder {rule['ladder']} comes {step['days']} "
                "before the due date: choose a shorter ladder.",
            )


# --- Ladders -----------------------------------------------------------------------------------------------


def _step_names(reader: Reader, node: Node | None) -> dict[str, Any]:
    """What steps are called, and how high they stand on the overdue board: `level`, from 1; without one, not escalated."""
    names = {}
    for key, child in (reader.named(node) if node else {}).items():
        fields = reader.mapping(child, ("zh", "en"), ("level",))
        names[key] = {
            **(reader.both(fields) or {}),
            "level": reader.integer(fields.get("level"), 1, HIGHEST_LEVEL) or 0,
        }
    return names


def _ladders(reader: Reader, node: Node | None, names: set[str], offices: set[str]) -> dict[str, Any]:
    ladders = {}
    for key, child in (reader.named(node) if node else {}).items():
        rows = reader.rows(child, "key")
        steps = [_step(reader, row, names, offices) for row in rows]
        ladders[key] = steps
        _one_after_the_other(reader, rows, steps)
        if rows and not (steps[-1]["when"] != BEFORE and set(steps[-1]["tells"]) & offices):
            reader.fault(
                rows[-1],
                "阶梯没有升级到具名的机构：最后一步须在到期之时或之后，并告知 offices 中的一个机构。",
                "The ladder ends at no named office: its last step must come at or after the due date and tell one of the offices.",
            )
    return ladders


def _step(reader: Reader, node: Node, names: set[str], offices: set[str]) -> dict[str, Any]:
    fields = reader.mapping(
        node, ("key", "tells", "source"), (BEFORE, AFTER, AT_DUE, "time", "lamp", "action", "urgent")
    )
    given = [when for when in (BEFORE, AFTER, AT_DUE) if when in fields]
    if len(given) != 1:
        reader.fault(
            node,
            "须在 before（到期前几个工作日）、after（到期后几个工作日）和 at_due: true 中选写其一。",
            "Give exactly one of before (working days), after (working days) and at_due: true.",
        )
    when = given[0] if given else AT_DUE
    if when == AT_DUE:
        reader.true(fields.get(AT_DUE))
    if "time" in fields and when == AT_DUE:
        reader.fault(
            fields["time"],
            "at_due 是到期的时刻，不能另写 time。",
            "at_due is an instant of its own: leave time out.",
        )
    tells = reader.rows(fields["tells"], "") if "tells" in fields else []
    known = {OWNER, *IN_A_UNIT, *offices}
    action = reader.string(fields.get("action"))
    return {
        "key": reader.choice(fields.get("key"), names),
        "when": when,
        "days": 0
        if when == AT_DUE
        else reader.integer(fields.get(when), 0 if when == BEFORE else 1, LONGEST_OFFSET),
        "time": reader.time_of_day(fields.get("time")),
        "tells": [told for row in tells if (told := reader.choice(row, known))],
        "lamp": reader.choice(fields.get("lamp"), LAMPS),
        "action": action,
        "urgent": reader.true(fields.get("urgent")),
        "source": reader.source(fields.get("source")),
    }


def _one_after_the_other(reader: Reader, rows: list[Node], steps: list[dict[str, Any]]) -> None:
    """Steps stand in the order in which they happen, and no two share a key."""

    def moment(step: Mapping[str, Any]) -> tuple[int, str]:
        days = step["days"] or 0
        return (
            -days if step["when"] == BEFORE else days + 1 if step["when"] == AFTER else 1,
            step["time"] or "",
        )

    for row, step, earlier in zip(rows[1:], steps[1:], steps, strict=False):
        if moment(step) < moment(earlier):
            reader.fault(
                row,
                f"须按发生的先后排列：应在 {earlier['key']} 之前。",
                f"Steps stand in order of time: this one comes before {earlier['key']}.",
            )
    seen: set[str] = set()
    for row, step in zip(rows, steps, strict=True):
        if step["key"] in seen:
            reader.fault(
                row,
                f"步骤名 {step['key']} 重复，请改名。",
                f"The key {step['key']} is used twice: rename one.",
            )
        seen.add(str(step["key"]))

"""Drawings of rounds: the policy, and the running round with where it stands. Laid out and drawn by viewflow.

viewflow's drawing carries a style sheet and style attributes, which the content policy of our pages forbids; here
they become attributes of the shapes, so that the SVG can stand inline in a page, several of them if need be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from unicodedata import east_asian_width
from xml.etree import ElementTree

from django.utils.translation import override
from viewflow.workflow.chart import calc_edges, calc_layout_data, grid_to_svg
from viewflow.workflow.status import STATUS

from workflows.models import Round, Vote
from workflows.round_nodes import Fire, Opening, Panel, RoundFlow
from workflows.round_policies import policy_of, registered_rounds, step_text
from workflows.round_reading import Sitting
from workflows.words import Text

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)

INK, LINE = "#1f2937", "#4b5563"
FILLS = {"": "#ffffff", STATUS.NEW: "#fff3c4", STATUS.DONE: "#d9f0dd", STATUS.CANCELED: "#e5e7eb"}
"""Fill of a step by how it stands; beside the colour the box always says it in words."""
WIDEST_LINE = 22
"""Most of a line of text, in halves of a Chinese character."""
ROOM = 30
"""Pixels between two columns beyond viewflow's own gap, for the words on the arrows."""

ALL_OF = Text("{seats}人须全部同意", "all {seats} must agree")
SOME_OF = Text("{seats}人中须{need}人同意", "{need} of {seats} must agree")
ALL = Text("须全部同意", "all must agree")
SOME = Text("须{need}人同意", "{need} must agree")
BY_THE_RULES = Text("须达规定人数同意", "as many as the rules say")
ANY_ONE = Text("由其中一人决定", "any one of them decides")
SO_FAR = Text(
    "同意{agreed} · 不同意{against} · 待{waiting}", "{agreed} for, {against} against, {waiting} open"
)
STANDS = {
    STATUS.NEW: Text("进行中", "now"),
    STATUS.DONE: Text("已完成", "done"),
    STATUS.CANCELED: Text("已撤销", "withdrawn"),
}


class Line(NamedTuple):
    text: str
    size: int


def policy_svg(name: str) -> str:
    """The policy registered under `name`, in the active language."""
    return _drawn(policy_of(name), name, {}, {}, prefix=f"policy-{name}")


def policy_drawings() -> list[tuple[str, str]]:
    """(name, drawing) of every registered policy in Chinese, for the generated pages about processes."""
    with override("zh-hans"):
        return [(name, policy_svg(name) + "\n") for name in registered_rounds()]


def round_svg(process: Round, sittings: Sequence[Sitting]) -> str:
    """One round with where it stands, in the active language; `sittings` are its document's, as `sittings_of` reads them.

    "" when the program no longer knows the round's policy.
    """
    policy: type[RoundFlow] | None = process.flow_class
    if policy is None:
        return ""
    own = {s.task.flow_task.name: s for s in sittings if s.task.process_id == process.pk}
    stands = {name: sitting.task.status for name, sitting in own.items()}
    for node in policy.instance.nodes():
        reached = isinstance(node, Fire) and process.status == STATUS.DONE and process.outcome == node.step
        if reached or isinstance(node, Opening):
            stands[node.name] = STATUS.DONE
    return _drawn(policy, process.name, stands, own, prefix=f"round-{process.pk}")


def _drawn(
    policy: type[RoundFlow],
    name: str,
    stands: Mapping[str, str],
    sittings: Mapping[str, Sitting],
    *,
    prefix: str,
) -> str:
    grid = calc_layout_data(policy)
    grid.width += ROOM * max(cell.col for cell in grid.cells)
    words = {}
    for cell in grid.cells:
        cell.x, cell.shape.x = cell.x + ROOM * cell.col, cell.shape.x + ROOM * cell.col
        cell.status = stands.get(cell.node.name, "")
        words[cell.node.name] = lines = _lines(cell.node, name, sittings.get(cell.node.name), cell.status)
        cell.shape.text = _placed(lines, cell.shape.width, cell.shape.height)
    calc_edges(grid)
    return _without_styles(grid_to_svg(grid), prefix.replace(".", "-"), str(policy.title), words)


def _lines(node: Any, name: str, sitting: Sitting | None, status: str) -> list[Line]:
    """What stands inside a box."""
    if isinstance(node, Fire):
        return [Line(line, 12) for line in _wrapped(str(step_text(name, node.step)))]
    if not isinstance(node, Panel):
        return []
    lines = [*(Line(line, 12) for line in _wrapped(str(node.text))), Line(_need(node, sitting), 10)]
    if sitting and node.each:
        tally = sitting.tally()
        lines.append(
            Line(SO_FAR.format(agreed=tally.agreed, against=tally.against, waiting=tally.waiting), 10)
        )
    if status:
        lines.append(Line(str(STANDS[status]), 10))
    return lines


def _need(panel: Panel, sitting: Sitting | None) -> str:
    if not panel.each:
        return str(ANY_ONE)
    if sitting:
        seats = sum(seat.vote != Vote.RECUSE for seat in sitting.seats)
        need = sitting.task.need or seats
        return (ALL_OF if need >= seats else SOME_OF).format(seats=seats, need=need)
    if isinstance(panel.need, str):
        return str(BY_THE_RULES)
    return SOME.format(need=panel.need) if panel.need else str(ALL)


def _wrapped(text: str) -> list[str]:
    """Lines no wider than a box: broken at spaces, or between any two Chinese characters."""
    joint = " " if text.isascii() else ""
    lines = [""]
    for piece in text.split(" ") if joint else text:
        longer = f"{lines[-1]}{joint}{piece}" if lines[-1] else piece
        if not lines[-1] or sum(2 if east_asian_width(c) in "WF" else 1 for c in longer) <= WIDEST_LINE:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines


def _placed(lines: Sequence[Line], width: int, height: int) -> list[tuple[str, str, int, int, float]]:
    """The lines as viewflow's template takes them: text, class, size, and the middle's x and y."""
    spaces = [line.size * 1.35 for line in lines]
    top = (height - sum(spaces)) / 2
    middles = [round(top + sum(spaces[:number]) + space / 2, 1) for number, space in enumerate(spaces)]
    return [
        (line.text, "align-middle", line.size, width // 2, y) for line, y in zip(lines, middles, strict=True)
    ]


def _without_styles(drawing: str, prefix: str, title: str, words: Mapping[str, Sequence[Line]]) -> str:
    """The drawing with attributes instead of styles, ids of its own, and a name for screen readers."""
    root = ElementTree.fromstring(drawing)
    for style in root.findall(f"{{{SVG}}}style"):
        root.remove(style)
    _, _, width, height = root.attrib["viewBox"].split()
    root.attrib |= {
        "width": width, "height": height, "font-family": "sans-serif", "role": "img", "aria-labelledby": f"{prefix}-title",
    }  # fmt: skip
    for group in root.findall(f"{{{SVG}}}g"):
        status = group.attrib.pop("class", "").upper()
        for shape in group:
            _paint(shape, status)
        # viewflow's template writes English in Title Case; the words stay as they are.
        for text, line in zip(group.findall(f"{{{SVG}}}text"), words[group.attrib["id"]], strict=True):
            text.text = line.text
    for shape in root:
        _paint(shape, "")
    _rename(root, prefix)
    name = ElementTree.Element(f"{{{SVG}}}title", {"id": f"{prefix}-title"})
    name.text = title
    root.insert(0, name)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")


def _paint(shape: ElementTree.Element, status: str) -> None:
    """What viewflow's style sheet said of this shape, as attributes."""
    shape.attrib.pop("style", None)
    kinds = shape.attrib.pop("class", "")
    if shape.tag == f"{{{SVG}}}text":
        middle = {"text-anchor": "middle", "dominant-baseline": "central"} if kinds == "align-middle" else {}
        shape.attrib |= {"fill": INK, **middle}
    elif kinds:
        bold = status == STATUS.NEW or kinds == "end-event"
        shape.attrib |= {
            "fill": FILLS[status],
            "stroke": INK if bold else LINE,
            "stroke-width": "2.5" if bold else "1.2",
        }
    elif "marker-end" in shape.attrib:
        shape.attrib |= {"fill": "none", "stroke": LINE, "stroke-width": "1.5"}


def _rename(root: ElementTree.Element, prefix: str) -> None:
    """Ids that no other drawing on the page has, and whatever refers to them."""
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "id":
                element.attrib[key] = f"{prefix}-{value}"
            elif key == f"{{{XLINK}}}href":
                element.attrib[key] = f"#{prefix}-{value.removeprefix('#')}"
            elif value.startswith("url(#"):
                element.attrib[key] = f"url(#{prefix}-{value[5:-1]})"

"""Reading a pack's YAML so that every fault can be named with its line, its field and its remedy, in both languages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

SOURCE = re.compile(r"default|R\d{1,2}(, R\d{1,2})*|(law|practice): \S.*")
LAST_REQUIREMENT = 83
KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
CLOCK_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a pack: where it stands, and in both languages what is wrong and what to write instead."""

    file: str
    line: int
    field: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.field}\n    {self.zh}\n    {self.en}"


class PackError(Exception):
    """A pack that cannot be loaded; `faults` holds all of them, in the order of their lines."""

    def __init__(self, faults: Collection[Fault]) -> None:
        self.faults = sorted(set(faults), key=lambda fault: (fault.line, fault.field, fault.en))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True)
class Node:
    """A value of the pack with its line (from 1) and its path of keys."""

    value: Any
    line: int
    path: str

    def child(self, key: object, name: str = "") -> Node:
        """The value under a key of a mapping, or at a place in a list."""
        lc = self.value.lc
        line = (lc.item(key) if isinstance(self.value, CommentedSeq) else lc.key(key))[0] + 1
        step = name or str(key)
        return Node(self.value[key], line, f"{self.path}.{step}" if self.path else step)

    def items(self) -> Iterator[tuple[Any, Node]]:
        """Keys and values of a mapping; YAML allows keys that are no texts."""
        return ((key, self.child(key)) for key in self.value)


def load(path: Path) -> Node:
    """The whole file. Raises PackError when it cannot be read or is not YAML."""
    try:
        value = YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise PackError(
            [Fault(path.name, 1, "", f"文件无法读取：{why}。", f"The file cannot be read: {why}.")]
        ) from None
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        problem = (error.problem if isinstance(error, MarkedYAMLError) else None) or "malformed"
        problem = " ".join(str(problem).split())
        raise PackError(
            [
                Fault(
                    path.name,
                    mark.line + 1 if mark else 1,
                    "",
                    f"不是有效的 YAML：{problem}。",
                    f"Not valid YAML: {problem}.",
                )
            ]
        ) from None
    return Node(value, 1, "")


class Reader:
    """Takes values out of a pack and collects what is wrong; every method returns None for a value it had to refuse."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []

    def fault(self, node: Node, zh: str, en: str) -> None:
        """Note what is wrong at a node."""
        self.faults.append(Fault(self.file, node.line, node.path, zh, en))

    def mapping(
        self, node: Node, required: Collection[str] = (), optional: Collection[str] | None = ()
    ) -> dict[str, Node]:
        """The fields of a mapping that may hold these keys and no others; `optional=None` allows any key."""
        if not isinstance(node.value, CommentedMap) or not node.value:
            self.fault(
                node,
                f"须为键值表，现为 {_shown(node.value)}。",
                f"Write keys with values, not {_shown(node.value)}.",
            )
            return {}
        fields = {}
        for key, child in node.items():
            if not isinstance(key, str):
                self.fault(
                    child, f"键 {key} 须为文字，请加引号。", f"The key {key} must be text: put it in quotes."
                )
            elif optional is not None and key not in required and key not in optional:
                self._unknown(child, key, [*required, *optional])
            else:
                fields[key] = child
        for key in required:
            if key not in fields:
                self.fault(node, f"缺少 {key}，请补上。", f"{key} is missing: add it.")
        return fields

    def named(self, node: Node) -> dict[str, Node]:
        """A mapping whose keys are names of the pack's own, such as `order.finish`."""
        fields = self.mapping(node, optional=None)
        for key, child in fields.items():
            if not KEY.fullmatch(key):
                self.fault(
                    child,
                    f"名称 {key} 只能用小写字母、数字、下划线和点。",
                    f"The name {key} may hold only lower-case letters, digits, underscores and dots.",
                )
        return fields

    def rows(self, node: Node, name: str) -> list[Node]:
        """The rows of a list; each row's path is its value under `name`, or its number."""
        if not isinstance(node.value, CommentedSeq) or not node.value:
            self.fault(
                node,
                f"须为列表，且不为空，现为 {_shown(node.value)}。",
                f"Write a list with at least one row, not {_shown(node.value)}.",
            )
            return []
        return [
            node.child(i, str(row.get(name, i + 1)) if isinstance(row, Mapping) else str(i + 1))
            for i, row in enumerate(node.value)
        ]

    def string(self, node: Node | None) -> str | None:
        """A text that is not empty."""
        if node is None:
            return None
        if not isinstance(node.value, str) or not node.value.strip():
            self.fault(
                node, f"须为文字，现为 {_shown(node.value)}。", f"Write a text, not {_shown(node.value)}."
            )
            return None
        return str(node.value).strip()

    def words(self, node: Node | None) -> dict[str, str] | None:
        """A phrase in both languages: `{zh: ..., en: ...}`."""
        return self.both(self.mapping(node, ("zh", "en"))) if node else None

    def both(self, fields: Mapping[str, Node]) -> dict[str, str] | None:
        """The fields `zh` and `en` of a mapping that holds others too."""
        zh, en = self.string(fields.get("zh")), self.string(fields.get("en"))
        return {"zh": zh, "en": en} if zh and en else None

    def integer(self, node: Node | None, least: int, most: int) -> int | None:
        """A whole number within bounds, both included."""
        if node is None:
            return None
        if not isinstance(node.value, int) or isinstance(node.value, bool | ScalarBoolean):
            self.fault(
                node,
                f"须为 {least} 至 {most} 的整数，现为 {_shown(node.value)}。",
                f"Write a whole number from {least} to {most}, not {_shown(node.value)}.",
            )
            return None
        if not least <= node.value <= most:
            self.fault(
                node,
                f"{node.value} 超出范围，须在 {least} 至 {most} 之间。",
                f"{node.value} is out of range: write a number from {least} to {most}.",
            )
            return None
        return int(node.value)

    def true(self, node: Node | None) -> bool:
        """The word `true`; whoever does not mean it leaves the field out."""
        if node is not None and node.value is not True:
            self.fault(node, "只能写 true，否则删去此项。", "Write true, or leave the field out.")
        return node is not None and node.value is True

    def choice(self, node: Node | None, allowed: Collection[str]) -> str | None:
        """One of several words."""
        text = self.string(node)
        if node is None or text is None or text in allowed:
            return text
        self._unknown(node, text, allowed)
        return None

    def time_of_day(self, node: Node | None) -> str | None:
        """A time such as 09:00."""
        text = self.string(node)
        if node is None or text is None or CLOCK_TIME.fullmatch(text):
            return text
        self.fault(node, f"时间 {text} 无效，请写成 09:00。", f"{text} is no time of day: write it as 09:00.")
        return None

    def source(self, node: Node | None) -> str | None:
        """Where a number comes from: an R-number, `law: ...`, `practice: ...` or `default`."""
        text = self.string(node)
        if node is None or text is None:
            return None
        numbers = [int(number) for number in re.findall(r"R(\d+)", text)] if text.startswith("R") else []
        if SOURCE.fullmatch(text) and all(1 <= number <= LAST_REQUIREMENT for number in numbers):
            return text
        self.fault(
            node,
            f"来源 {text} 无效：请写需求编号（R1 至 R{LAST_REQUIREMENT}）、law: 法规条款、practice: 做法出处，或 default。",
            f"{text} is no source: write R1 to R{LAST_REQUIREMENT}, law: with the article, practice: with where it is done so, or default.",
        )
        return None

    def _unknown(self, node: Node, word: str, allowed: Collection[str]) -> None:
        near = get_close_matches(word, list(allowed), 1)
        hint_zh = f"是否为 {near[0]}？" if near else f"可用：{'、'.join(sorted(allowed))}。"
        hint_en = f"Did you mean {near[0]}?" if near else f"Allowed: {', '.join(sorted(allowed))}."
        self.fault(node, f"不认识 {word}。{hint_zh}", f"{word} is not known. {hint_en}")


def _shown(value: object) -> str:
    if value is None or value == "":
        return "空值 (nothing)"
    if isinstance(value, CommentedMap):
        return "键值表 (keys)"
    return "列表 (a list)" if isinstance(value, CommentedSeq) else f"“{value}”"

"""Instances read by the engine's own statements: the columns of several models in one row, each read as Django reads it.

A text is made once. Having Django compile its columns again for each reading would cost more than the database takes to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import connection, models

from workflows.statements import rows_of

Convert = Callable[[Any], Any]


@dataclass(frozen=True)
class Part:
    """One model's columns in a reading statement: `sql` names them there, `read` makes an instance of their values."""

    model: type[Any]
    sql: str
    names: tuple[str, ...]
    converts: tuple[tuple[int, Convert], ...]

    @classmethod
    def of(cls, model: type[models.Model], alias: str) -> Part:
        """All columns of the model, from the table that the statement calls `alias`."""
        fields, quote = model._meta.concrete_fields, connection.ops.quote_name
        sql = ", ".join(f"{alias}.{quote(str(field.column))}" for field in fields)
        names = tuple(field.attname for field in fields)
        return cls(model, sql, names, converts_of(field.get_col(alias) for field in fields))

    def read(self, values: Sequence[Any]) -> Any:
        """The instance of one row's values; None where an outer join found nothing."""
        if all(value is None for value in values):
            return None
        return self.model.from_db(connection.alias, self.names, converted(values, self.converts))


@dataclass(frozen=True)
class Reading:
    """A statement whose rows begin with the columns of these parts."""

    sql: str
    parts: tuple[Part, ...]

    def rows(self, parameters: Mapping[str, Any]) -> list[list[Any]]:
        """Of each row the instances, one of each part, and then whatever else the text selects. One statement."""
        return [self._row(row) for row in rows_of(self.sql, parameters)]

    def _row(self, values: Sequence[Any]) -> list[Any]:
        found, place = [], 0
        for part in self.parts:
            found.append(part.read(values[place : place + len(part.names)]))
            place += len(part.names)
        return [*found, *values[place:]]


@cache
def reading(text: str, **models_by_alias: type[models.Model]) -> Reading:
    """The statement of a text that begins with `SELECT {columns}`; named are the models by the alias of their tables there."""
    parts = tuple(Part.of(model, alias) for alias, model in models_by_alias.items())
    return Reading(text.format(columns=", ".join(part.sql for part in parts)), parts)


def converts_of(expressions: Iterable[Any]) -> tuple[tuple[int, Convert], ...]:
    """What Django does to the values of these columns, by place; most need nothing."""
    found = []
    for place, expression in enumerate(expressions):
        steps = [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)]
        found += [(place, _converting(step, expression)) for step in steps]
    return tuple(found)


def _converting(step: Any, expression: models.Expression) -> Convert:
    return lambda value: step(value, expression, connection)


def converted(values: Sequence[Any], converts: Iterable[tuple[int, Convert]]) -> list[Any]:
    """The values with these changes made."""
    changed = list(values)
    for place, convert in converts:
        changed[place] = convert(changed[place])
    return changed

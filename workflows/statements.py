"""How the engine's own statements reach the database: prepared by the server, once a connection.

Their texts are long and fixed, so that planning them costs more than running them. Django's cursors bind parameters on
the client and cannot prepare; this one sends the text once and afterwards only its parameters. It counts and fails like
any other cursor of Django's. With `prepare_threshold` unset in the connection's options nothing is prepared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg._queries import PostgresRawQuery

KEPT = 400
"""Prepared statements a connection; psycopg's own hundred are fewer than the steps of all lifecycles have texts."""

PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%)")


@lru_cache(maxsize=512)
def numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """A text with %(name)s as the server wants it, with $1, $2, ...; and the names in that order."""
    names: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"${names.setdefault(name, len(names) + 1)}" if name else "%"

    text = PLACEHOLDER.sub(number, sql)
    return text.encode(), tuple(names)


def _sent(value: Any) -> Any:
    """A whole number goes as text: its type would depend on how large it is, and each type is a statement of its own."""
    return str(value) if type(value) is int else value


class Prepared(psycopg.RawCursor[tuple[Any, ...]]):
    """Takes the same texts and named parameters as Django's cursors."""

    def execute(self, query: Any, params: Any = None, **_: Any) -> Prepared:
        """Send a statement with named parameters."""
        text, names = numbered(query)
        try:
            return super().execute(text, [_sent(params[name]) for name in names], prepare=True)
        finally:
            self._query = PostgresRawQuery(self._tx)  # what Django's log of queries shows
            self._query.query = text


def keep_prepared(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """For Django's signal of a new connection."""
    connection.connection.prepared_max = KEPT


def rows_of(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run one statement and fetch what it returns."""
    ours = connections[DEFAULT_DB_ALIAS]  # once: each look through Django's proxy costs like ten parameters
    ours.ensure_connection()
    wrap = ours.make_debug_cursor if ours.queries_logged else ours.make_cursor
    with wrap(Prepared(ours.connection)) as cursor:  # type: ignore[arg-type]  # the stubs ask for a wrapped one
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def value_of(sql: str, parameters: Mapping[str, Any]) -> Any:
    """Run one statement that returns one value."""
    return rows_of(sql, parameters)[0][0]


def numbers(ids: Any) -> str:
    """Ids as the text of an array, so that a statement's types do not depend on how large they are."""
    return "{" + ",".join(map(str, ids)) + "}"

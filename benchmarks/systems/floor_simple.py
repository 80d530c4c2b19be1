"""The simple floor: psycopg without Django, everything prepared; permission read, conditional update, audit row, outbox row."""

from __future__ import annotations

from collections import deque
from typing import Any

import psycopg

WAY = (
    ("submit", "draft", "submitted"),
    ("review", "submitted", "reviewed"),
    ("approve", "reviewed", "approved"),
)

TABLES = """
CREATE TABLE grants (person int, step text, PRIMARY KEY (person, step));
CREATE TABLE documents (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text NOT NULL, state text NOT NULL,
  version int NOT NULL DEFAULT 0, changed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, document_id bigint NOT NULL REFERENCES documents,
  person int NOT NULL, step text NOT NULL, source text NOT NULL, target text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON audit (document_id);
CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, document_id bigint NOT NULL, body jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now());
"""


class System:
    def __init__(self, url: str) -> None:
        self.url = url
        self.documents: deque[int] = deque()
        self.steps = tuple(self.step(person, *leg) for person, leg in enumerate(WAY))

    def lay(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(TABLES)
            for person, (step, *_) in enumerate(WAY):
                connection.execute("INSERT INTO grants VALUES (%s, %s)", [person, step])

    def open(self, number: int) -> None:
        self.connection = psycopg.connect(self.url, autocommit=True, prepare_threshold=0)

    def prepare(self, documents: int) -> None:
        with self.connection.transaction():
            rows = self.connection.execute(
                "INSERT INTO documents (title, state) SELECT 'Paper ' || n, 'draft' FROM generate_series(1, %s) n RETURNING id",
                [documents],
            ).fetchall()
        self.documents.extend(row[0] for row in rows)

    def step(self, person: int, name: str, source: str, target: str) -> Any:
        body = f'{{"step": "{name}"}}'

        def act(document: int) -> None:
            connection = self.connection
            with connection.transaction():
                if not connection.execute(
                    "SELECT 1 FROM grants WHERE person = %s AND step = %s", [person, name]
                ).fetchone():
                    raise PermissionError(name)
                moved = connection.execute(
                    "UPDATE documents SET state = %s, version = version + 1, changed_at = now() WHERE id = %s AND state = %s",
                    [target, document, source],
                )
                if moved.rowcount != 1:
                    raise RuntimeError(f"{document} is not in {source}")
                connection.execute(
                    "INSERT INTO audit (document_id, person, step, source, target) VALUES (%s, %s, %s, %s, %s)",
                    [document, person, name, source, target],
                )
                connection.execute(
                    "INSERT INTO outbox (document_id, body) VALUES (%s, %s::jsonb)", [document, body]
                )

        return act

    def report(self) -> None:
        """Have the server know by now what this session did."""
        self.connection.execute("SELECT pg_stat_force_next_flush()")

    def check(self) -> int:
        row: Any = self.connection.execute(
            "SELECT count(*) FROM documents WHERE state = 'approved'"
        ).fetchone()
        return int(row[0])

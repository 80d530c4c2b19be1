"""SpiffWorkflow on BPMN: a library without a database layer. Its state is one jsonb row, read and written whole under a
row lock, with psycopg and without Django; beside it a table of grants and an audit row."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import psycopg
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

STEPS = ("submit", "review", "approve")

BPMN = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="benchmark">
<process id="approval" isExecutable="true">
<startEvent id="start"><outgoing>f1</outgoing></startEvent>
<manualTask id="submit" name="submit"><incoming>f1</incoming><outgoing>f2</outgoing></manualTask>
<manualTask id="review" name="review"><incoming>f2</incoming><outgoing>f3</outgoing></manualTask>
<manualTask id="approve" name="approve"><incoming>f3</incoming><outgoing>f4</outgoing></manualTask>
<endEvent id="end"><incoming>f4</incoming></endEvent>
<sequenceFlow id="f1" sourceRef="start" targetRef="submit"/><sequenceFlow id="f2" sourceRef="submit" targetRef="review"/>
<sequenceFlow id="f3" sourceRef="review" targetRef="approve"/><sequenceFlow id="f4" sourceRef="approve" targetRef="end"/>
</process></definitions>"""

TABLES = """
CREATE TABLE grants (person int, step text, PRIMARY KEY (person, step));
CREATE TABLE processes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state jsonb NOT NULL, status text NOT NULL);
CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, process_id bigint NOT NULL REFERENCES processes,
  person int NOT NULL, step text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON audit (process_id);
"""


class System:
    def __init__(self, url: str) -> None:
        self.url = url
        self.documents: deque[int] = deque()
        self.steps = tuple(self.step(number, name) for number, name in enumerate(STEPS))
        self.serializer = BpmnWorkflowSerializer()

    def lay(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(TABLES)
            for person, step in enumerate(STEPS):
                connection.execute("INSERT INTO grants VALUES (%s, %s)", [person, step])

    def open(self, number: int) -> None:
        self.connection = psycopg.connect(self.url, autocommit=True, prepare_threshold=0)
        parser = BpmnParser()
        parser.add_bpmn_str(BPMN.encode())
        workflow = BpmnWorkflow(parser.get_spec("approval"))
        workflow.do_engine_steps()
        self.draft = self.serializer.serialize_json(workflow)

    def prepare(self, documents: int) -> None:
        with self.connection.transaction():
            rows = self.connection.execute(
                "INSERT INTO processes (state, status) SELECT %s::jsonb, 'draft' FROM generate_series(1, %s) RETURNING id",
                [self.draft, documents],
            ).fetchall()
        self.documents.extend(row[0] for row in rows)

    def step(self, person: int, name: str) -> Any:
        def act(document: int) -> None:
            connection = self.connection
            with connection.transaction():
                if not connection.execute(
                    "SELECT 1 FROM grants WHERE person = %s AND step = %s", [person, name]
                ).fetchone():
                    raise PermissionError(name)
                row: Any = connection.execute(
                    "SELECT state::text FROM processes WHERE id = %s FOR UPDATE", [document]
                ).fetchone()
                workflow = self.serializer.deserialize_json(row[0])
                task = workflow.get_next_task(state=TaskState.READY, spec_name=name)
                task.run()
                workflow.do_engine_steps()
                connection.execute(
                    "UPDATE processes SET state = %s::jsonb, status = %s WHERE id = %s",
                    [self.serializer.serialize_json(workflow), name, document],
                )
                connection.execute(
                    "INSERT INTO audit (process_id, person, step) VALUES (%s, %s, %s)",
                    [document, person, name],
                )

        return act

    def report(self) -> None:
        """Have the server know by now what this session did."""
        self.connection.execute("SELECT pg_stat_force_next_flush()")

    def check(self) -> int:
        row: Any = self.connection.execute(
            "SELECT count(*) FROM processes WHERE status = 'approve'"
        ).fetchone()
        return int(row[0])

    def size(self) -> int:
        """Bytes of a draft's state as text."""
        return len(json.dumps(json.loads(self.draft)))

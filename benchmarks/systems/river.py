"""django-river: approvals that stand in tables. It writes all rows of a document's way when the document is created, which
is not timed."""

from __future__ import annotations

from typing import Any

from benchmarks.systems.django_peer import STEPS, DjangoSystem, lay, set_up

set_up("river")

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from river.models import State, TransitionApprovalMeta, TransitionMeta, Workflow
from river.models.fields.state import StateField

STATES = ("draft", "submitted", "reviewed", "approved")


class Paper(models.Model):
    title = models.CharField(max_length=200)
    status = StateField()


class System(DjangoSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = tuple(self.step(name) for name in STEPS)

    def lay(self) -> None:
        lay(Paper)
        states = [State.objects.create(label=name, slug=name) for name in STATES]
        workflow = Workflow.objects.create(
            content_type=ContentType.objects.get_for_model(Paper),
            field_name="status",
            initial_state=states[0],
        )
        for source, target, step in zip(states[:-1], states[1:], STEPS, strict=True):
            path = TransitionMeta.objects.create(
                workflow=workflow, source_state=source, destination_state=target
            )
            rule = TransitionApprovalMeta.objects.create(workflow=workflow, transition_meta=path)
            rule.permissions.add(Permission.objects.get(codename=f"do_{step}"))

    def prepare(self, documents: int) -> None:
        self.documents.extend(Paper.objects.create(title=f"Paper {number}").pk for number in range(documents))

    def step(self, name: str) -> Any:
        def act(document: int) -> None:
            paper = Paper.objects.get(pk=document)
            paper.river.status.approve(as_user=self.people.of(name))

        return act

    def check(self) -> int:
        return Paper.objects.filter(status__label="approved").count()

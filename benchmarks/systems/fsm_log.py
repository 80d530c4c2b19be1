"""django-fsm-2 with django-fsm-log: a state column that its decorator guards, and a row for every transition."""

from __future__ import annotations

from typing import Any

from benchmarks.systems.django_peer import STEPS, DjangoSystem, lay, permission_of, set_up

set_up("django_fsm", "django_fsm_log")

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django_fsm import FSMField, has_transition_perm
from django_fsm import transition as move
from django_fsm_log.decorators import fsm_log_by


class Paper(models.Model):
    title = models.CharField(max_length=200)
    state = FSMField(default="draft", protected=True)

    @fsm_log_by
    @move(state, source="draft", target="submitted", permission=permission_of("submit"))
    def submit(self, by: Any = None) -> None: ...

    @fsm_log_by
    @move(state, source="submitted", target="reviewed", permission=permission_of("review"))
    def review(self, by: Any = None) -> None: ...

    @fsm_log_by
    @move(state, source="reviewed", target="approved", permission=permission_of("approve"))
    def approve(self, by: Any = None) -> None: ...


class System(DjangoSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = tuple(self.step(name) for name in STEPS)

    def lay(self) -> None:
        lay(Paper)

    def prepare(self, documents: int) -> None:
        made = Paper.objects.bulk_create(Paper(title=f"Paper {number}") for number in range(documents))
        self.documents.extend(paper.pk for paper in made)

    def step(self, name: str) -> Any:
        def act(document: int) -> None:
            user = self.people.of(name)
            with transaction.atomic():
                paper = Paper.objects.select_for_update().get(pk=document)
                transition = getattr(paper, name)
                if not has_transition_perm(transition, user):
                    raise PermissionDenied
                transition(by=user)
                paper.save()

        return act

    def check(self) -> int:
        return Paper.objects.filter(state="approved").count()

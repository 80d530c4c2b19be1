"""django-viewflow's workflow engine: what its own views do on POST, without form and template, claim and execution in one
transaction. Its record of a step is the task's row; the document's row is not touched, which is in its favour."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.systems.django_peer import STEPS, DjangoSystem, Request, lay, permission_of, set_up

set_up("viewflow", "viewflow.workflow")

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.views.generic import View
from viewflow import this
from viewflow.workflow import STATUS, flow, lock

LOCK = lock.select_for_update_lock if os.environ.get("BENCHMARK_LOCK") else lock.no_lock


class Approval(flow.Flow):
    """Submitted by its start, then reviewed, then approved."""

    lock_impl = LOCK
    latest: int = 0
    """The task that the step before opened: handed over without a query."""

    submit = flow.Start(View.as_view()).Permission(permission_of("submit")).Next(this.review)
    review = (
        flow.View(View.as_view())
        .Permission(permission_of("review"))
        .onCreate(this.remember)
        .Next(this.approve)
    )
    approve = (
        flow.View(View.as_view()).Permission(permission_of("approve")).onCreate(this.remember).Next(this.end)
    )
    end = flow.End()

    def remember(self, activation: Any) -> None:
        Approval.latest = activation.task.pk


class System(DjangoSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = (self.submit, self.review, self.approve)

    def lay(self) -> None:
        lay()

    def prepare(self, documents: int) -> None:
        """There is no draft: the process begins with its submission."""
        self.documents.extend({"number": number} for number in range(documents))

    def submit(self, document: Any) -> None:
        """As `wrap_start_view`."""
        task = Approval.instance.submit
        request = Request(self.people.of("submit"))
        activation = task.activation_class.create(task, None, None)
        if not task.can_execute(request.user, activation.task):
            raise PermissionDenied
        with transaction.atomic():
            activation.start(request)
            activation.process.data = document
            activation.execute()
        document["process"], document["task"] = activation.process.pk, Approval.latest

    def review(self, document: Any) -> None:
        self.act(Approval.instance.review, document, "review")
        document["task"] = Approval.latest

    def approve(self, document: Any) -> None:
        self.act(Approval.instance.approve, document, "approve")

    def act(self, node: Any, document: Any, step: str) -> None:
        """As `wrap_view`, with the claim before it."""
        request = Request(self.people.of(step))
        with Approval.lock(document["process"]), transaction.atomic():
            task = get_object_or_404(node.flow_class.task_class, pk=document["task"])
            if task.process.flow_class != node.flow_class:
                raise Http404
            activation = node.activation_class(task)
            if not node.can_assign(request.user, task):
                raise PermissionDenied
            activation.assign(request.user)
            if not node.can_execute(request.user, task=task):
                raise PermissionDenied
            activation.start(request)
            activation.execute()

    def check(self) -> int:
        """How many documents came to their end."""
        from viewflow.workflow.models import Process

        return int(Process.objects.filter(status=STATUS.DONE).count())


assert [node for node in STEPS if not hasattr(Approval, node)] == []

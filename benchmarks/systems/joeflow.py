"""joeflow: what its views' get_object() and form_valid() do, form validation skipped. Its submission is the insert of the
document; its record of a step is the task's row."""

from __future__ import annotations

from typing import Any

from benchmarks.systems.django_peer import STEPS, DjangoSystem, Request, lay, permission_of, set_up

set_up("joeflow")

from django.core.exceptions import PermissionDenied
from django.db import models
from joeflow import tasks
from joeflow.models import Task, Workflow


class UpdateView(tasks.UpdateView):
    """joeflow's own, that remembers the task it opened: the next step is handed its number without a query."""

    latest = 0

    def create_task(self, workflow: Any, prev_task: Any) -> Any:
        task = super().create_task(workflow, prev_task)
        UpdateView.latest = task.pk
        return task


class Paper(Workflow):
    title = models.CharField(max_length=200)

    submit = tasks.StartView(fields=["title"], success_url="/")
    review = UpdateView(fields=["title"], success_url="/")
    approve = UpdateView(fields=["title"], success_url="/")

    edges = ((submit, review), (review, approve))


class Form:
    """A form that was found valid."""

    def __init__(self, instance: Any) -> None:
        self.instance = instance

    def save(self) -> Any:
        self.instance.save()
        return self.instance


class System(DjangoSystem):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.steps = (self.submit, self.review, self.approve)
        self.views = {name: self.view_of(name) for name in STEPS}

    def lay(self) -> None:
        lay(Paper)

    def prepare(self, documents: int) -> None:
        """There is no draft: the document begins with its submission."""
        self.documents.extend({"title": f"Paper {number}"} for number in range(documents))

    def view_of(self, name: str) -> Any:
        """The view as joeflow's own URLs have it."""
        node = getattr(Paper, name)
        return lambda: type(node)(model=Paper, name=name, **node._instance_kwargs)

    def enter(self, name: str, **kwargs: Any) -> Any:
        """A view that was asked for by the person of its step, who may do it."""
        view = self.views[name]()
        view.setup(Request(self.people.of(name)), **kwargs)
        if not view.request.user.has_perm(permission_of(name)):
            raise PermissionDenied
        return view

    def submit(self, document: Any) -> None:
        view = self.enter("submit")
        view.object = None
        view.form_valid(Form(Paper(title=document["title"])))
        document["task"] = UpdateView.latest

    def review(self, document: Any) -> None:
        self.act("review", document)

    def approve(self, document: Any) -> None:
        self.act("approve", document)

    def act(self, name: str, document: Any) -> None:
        view = self.enter(name, pk=document["task"])
        view.object = view.get_object()
        view.form_valid(Form(view.object))
        document["task"] = UpdateView.latest

    def check(self) -> int:
        return int(Task.objects.filter(name="approve", status=Task.SUCCEEDED).count())

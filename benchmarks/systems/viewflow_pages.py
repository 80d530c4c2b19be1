"""viewflow's own pages and timers over a crowd of tasks: its Queue and Inbox views through the test client, its timers' loop.

Half of the tasks are unclaimed, the other half are assigned evenly to 100 people. The rows are copies of what its own
start wrote; those that serve the timers are scheduled for a time that has not come.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.systems import django_peer
from benchmarks.systems.django_peer import DjangoSystem, lay, permission_of

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware", "viewflow.middleware.SiteMiddleware",
]  # fmt: skip
PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]

django_peer.set_up(
    "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles", "viewflow", "viewflow.workflow",
    MIDDLEWARE=MIDDLEWARE, STATIC_URL="/static/", ALLOWED_HOSTS=["testserver"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": PROCESSORS}}],
)  # fmt: skip

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.views.generic import View
from viewflow import this
from viewflow.urls import Site
from viewflow.workflow import STATUS, flow
from viewflow.workflow.flow import FlowAppViewset
from viewflow.workflow.models import Process, Task
from viewflow.workflow.timers import fire_due_timers

from benchmarks.systems.django_peer import Request

PEOPLE = 100
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Approval(flow.Flow):
    """Submitted, then reviewed by whoever may."""

    submit = flow.Start(View.as_view()).Permission(permission_of("submit")).Next(this.review)
    review = flow.View(View.as_view()).Permission(permission_of("review")).Next(this.end)
    end = flow.End()


class Waiting(flow.Flow):
    """Submitted, then a timer: what becomes of it is one more row, the end's."""

    submit = flow.Start(View.as_view()).Permission(permission_of("submit")).Next(this.wait)
    wait = flow.Timer(timedelta(days=3650)).Next(this.end)
    end = flow.End()


site = Site(title="Approvals", viewsets=[FlowAppViewset(Approval)])
django_peer.urlpatterns.append(path("", site.urls))


class System(DjangoSystem):
    steps = ()

    def lay(self) -> None:
        lay()
        for number in range(PEOPLE):
            User.objects.create_user(f"reviewer{number}")
        allowed = [
            *User.objects.get(username="review").user_permissions.all(),
            Permission.objects.get(codename="view_process"),
        ]
        for user in User.objects.filter(username__startswith="reviewer"):
            user.user_permissions.set(allowed)

    def prepare(self, documents: int) -> None:
        self.documents = deque()

    def seed(self, items: int, timers: bool = False) -> float:
        """So many open tasks, each of a process of its own; gives the seconds."""
        begun = time.perf_counter()
        kind = Waiting if timers else Approval
        start = kind.instance.submit
        activation = start.activation_class.create(start, None, None)
        activation.start(Request(User.objects.get(username="submit")))
        activation.execute()
        task = Task.objects.exclude(status=STATUS.DONE).get(process=activation.process)
        self._copy("viewflow_process", activation.process.pk, items, {})
        owners = list(
            User.objects.filter(username__startswith="reviewer").order_by("pk").values_list("pk", flat=True)
        )
        own = {"process_id": f"(SELECT max(id) FROM viewflow_process) - {items} + n"}
        if not timers:
            taken = f"CASE WHEN n % 2 = 0 THEN {owners[0]} + (n / 2) % {PEOPLE} END"
            own |= {
                "owner_id": taken,
                "status": f"CASE WHEN n % 2 = 0 THEN '{STATUS.ASSIGNED}' ELSE '{STATUS.NEW}' END",
            }
        self._copy("viewflow_task", task.pk, items, own)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        return time.perf_counter() - begun

    def _copy(self, table: str, pk: int, items: int, own: dict[str, str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name <> 'id'",
                [table],
            )
            columns = [name for (name,) in cursor.fetchall()]
            values = ", ".join(own.get(name, f"p.{name}") for name in columns)
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table} p CROSS JOIN generate_series(1, {items}) n WHERE p.id = {pk}"
            )

    def open(self, number: int) -> None:
        super().open(number)
        self.browser = Client()
        reviewer: Any = User.objects.get(username="reviewer1")
        self.browser.force_login(reviewer)

    def read(self, what: str, times: int) -> dict[str, float]:
        """The median seconds of one page: "queue" or "inbox"."""
        taken = []
        for _ in range(times):
            begun = time.perf_counter()
            self.page(what)
            taken.append(time.perf_counter() - begun)
        middle = sorted(taken)[len(taken) // 2]
        return {"seconds": middle, "rate": 1 / middle}

    def page(self, what: str) -> int:
        answer = self.browser.get(f"/approval/{what}/")
        if answer.status_code != 200 or b"#" not in answer.content:
            raise RuntimeError(f"{what}: {answer.status_code} {answer.headers.get('Location', '')}")
        return len(answer.content)

    def statements(self, what: str) -> list[str]:
        self.page(what)
        with CaptureQueriesContext(connection) as taken:
            self.page(what)
        return [query["sql"] for query in taken]

    def fall_due(self, way: str, most: int) -> dict[str, Any]:
        """Its timers' own loop over so many that are due."""
        armed = Task.objects.filter(flow_task_type="TIMER", status=STATUS.SCHEDULED)
        ids = list(armed.order_by("pk").values_list("pk", flat=True)[:most])
        Task.objects.filter(pk__in=ids).update(scheduled=LONG_AGO)
        begun = time.perf_counter()
        done = fire_due_timers()
        seconds = time.perf_counter() - begun
        if done != len(ids):
            raise RuntimeError(f"{done} of {len(ids)} timers fired")
        return {"seconds": seconds, "rate": done / seconds}

    def check(self) -> int:
        return int(Process.objects.count())

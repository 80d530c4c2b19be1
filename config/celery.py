"""The Celery application: what `celery -A config` finds."""

import os
from typing import Any

from celery import Celery, signals

from config.processes import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("duban")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_worker_pid = 0


@signals.worker_init.connect(weak=False)
def _remember_worker(**kwargs: Any) -> None:
    global _worker_pid
    _worker_pid = os.getpid()


@signals.worker_process_init.connect(weak=False)
def _end_with_the_worker(**kwargs: Any) -> None:
    """A pool process outlives a worker that is killed, and would go on holding row locks: it must end too."""
    die_with_parent(_worker_pid)

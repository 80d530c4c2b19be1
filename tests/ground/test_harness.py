"""The harness itself: copies commit, threads see them, processes run on them."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections
from django.utils import timezone


def _names() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {row[0] for row in cursor.fetchall()}


def test_a_copy_commits_and_other_threads_see_it(committed_db: Any) -> None:
    Session.objects.create(session_key="a", session_data="", expire_date=timezone.now())
    seen = []

    def look() -> None:
        seen.append((connection.settings_dict["NAME"], Session.objects.count()))
        connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [(committed_db.name, 1)]


def test_the_next_copy_is_fresh_and_the_last_one_gone(committed_db: Any) -> None:
    assert Session.objects.count() == 0
    assert [name for name in _names() if "_copy" in name] == [committed_db.name]


@pytest.mark.django_db
def test_an_ordinary_test_is_on_the_original(settings: Any) -> None:
    assert connection.settings_dict["NAME"] == settings.DATABASES["default"]["TEST"]["NAME"]
    assert Session.objects.count() == 0


def test_a_worker_runs_and_dies_with_its_pool(celery_worker_process: Any) -> None:
    import psutil

    pool = psutil.Process(celery_worker_process.pid).children(recursive=True)
    assert len(pool) == 2
    celery_worker_process.kill()
    _gone, alive = psutil.wait_procs(pool, timeout=5)
    assert alive == []


def test_the_web_server_answers(live_server_process: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{live_server_process.url}/no-such-page/", timeout=10)
    assert refused.value.code == 404
    policy = refused.value.headers["Content-Security-Policy"]
    refused.value.close()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_browser_opens_the_site(live_server_process: Any, page: Any) -> None:
    answer = page.goto(f"{live_server_process.url}/healthz")
    assert answer.json()["database"] is True

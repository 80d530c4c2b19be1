"""Settings come from the environment and fail loudly; what is installed is what was meant."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.template import TemplateDoesNotExist

from config import home
from config.addresses import BadAddress, broker_of, database_of

GIVEN = {
    "DATABASE_URL": "postgresql://duban:geheim@db.example:5433/duban?sslmode=require",
    "REDIS_URL": "rediss://:geheim@broker.example:6380/3",
    "SECRET_KEY": "k" * 60,
    "ALLOWED_HOSTS": "duban.example,.duban.example",
}
SHOW = (
    "from django.conf import settings as s; import json; d = s.DATABASES['default'];"
    "print(json.dumps([s.DEBUG, s.SECRET_KEY, s.ALLOWED_HOSTS, d['HOST'], d['PORT'], d['NAME'], d['OPTIONS'],"
    " s.CELERY_BROKER_URL, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT,"
    " s.SECURE_HSTS_SECONDS, s.SITE_URL, s.EMAIL_BACKEND]))"
)


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        cwd=home.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("missing", GIVEN)
def test_each_missing_setting_stops_the_start_with_one_sentence(missing: str) -> None:
    without = {name: value for name, value in GIVEN.items() if name != missing}
    ended = _python(SHOW, **without)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"Duban does not start: {missing} must be set in the environment"
        " (for a trial with its own database and demonstration data use `make run`).\n"
    )


def test_all_missing_settings_are_told_at_once() -> None:
    ended = _python(SHOW)
    assert ended.returncode == 1
    assert "DATABASE_URL, REDIS_URL, SECRET_KEY, ALLOWED_HOSTS must be set" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_another_database_is_refused_with_one_sentence() -> None:
    ended = _python(SHOW, **{**GIVEN, "DATABASE_URL": "mysql://localhost/duban"})
    assert ended.returncode == 1
    assert ended.stderr == (
        "Duban does not start: DATABASE_URL must begin with postgresql:// because Duban runs on PostgreSQL only.\n"
    )


def test_production_is_closed() -> None:
    import json

    ended = _python(SHOW, **GIVEN, DUBAN_DEBUG="1")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [
        False,
        "k" * 60,
        ["duban.example", ".duban.example"],
        "db.example",
        "5433",
        "duban",
        {
            "connect_timeout": 5,
            "prepare_threshold": 0,
            "options": "-c plan_cache_mode=force_generic_plan",
            "sslmode": "require",
        },
        "rediss://:geheim@broker.example:6380/3",
        True,
        True,
        True,
        365 * 24 * 60 * 60,
        "https://duban.example",
        "django.core.mail.backends.smtp.EmailBackend",
    ]


def test_production_passes_djangos_deployment_check() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env={"PATH": os.environ["PATH"], **GIVEN, "SECRET_KEY": "aB3$xyZ9-_" * 6},
        cwd=home.ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_the_demonstrations_secret_is_made_once_and_private(tmp_path: Path) -> None:
    first = home.secret(tmp_path / "var")
    assert len(first) >= 50
    assert home.secret(tmp_path / "var") == first
    assert (tmp_path / "var" / "secret").stat().st_mode & 0o777 == 0o600
    assert home.secret(tmp_path / "other") != first


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql:///duban?host=/run/postgresql",
            {"NAME": "duban", "HOST": "/run/postgresql", "PORT": ""},
        ),
        ("postgres://a%40b:p%2Fq@h/n", {"USER": "a@b", "PASSWORD": "p/q", "HOST": "h", "NAME": "n"}),
        ("postgresql://h:6000/?dbname=n&user=u", {"NAME": "n", "USER": "u", "PORT": "6000"}),
    ],
)
def test_database_addresses_are_libpqs(url: str, expected: dict[str, Any]) -> None:
    assert {name: database_of(url)[name] for name in expected} == expected


@pytest.mark.parametrize("url", ["postgresql://h/", "postgresql://h:port/n", "sqlite:///x", ""])
def test_bad_database_addresses_are_told(url: str) -> None:
    with pytest.raises(BadAddress, match=r"^DATABASE_URL .*\.$"):
        database_of(url)


def test_a_brokers_socket_is_spelt_for_celery() -> None:
    assert broker_of("unix:///run/valkey.sock?db=3") == "redis+socket:///run/valkey.sock?virtual_host=3"
    assert broker_of("redis://h:1/2") == "redis://h:1/2"
    with pytest.raises(BadAddress):
        broker_of("amqp://h")


def test_the_abandoned_fsm_is_not_installed() -> None:
    """django-fsm and django-fsm-2 own the same folder; the one installed last would win unseen."""
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("django-fsm")
    assert importlib.metadata.version("django-fsm-2") == "4.2.4"


def test_what_is_installed_is_what_is_pinned() -> None:
    pinned = {}
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (home.ROOT / name).read_text().splitlines():
            wanted, _hash_sign, reason = line.partition("#")
            if not wanted.strip() or wanted.startswith("-r"):
                continue
            assert reason.strip(), f"{name}: {line} gives no reason"
            package, _, version = wanted.strip().partition("==")
            assert version, f"{name}: {line} is not pinned"
            pinned[package.split("[")[0]] = version
    assert {package: importlib.metadata.version(package) for package in pinned} == pinned


def test_every_tick_expires_and_carries_nothing() -> None:
    from django.conf import settings

    for name, tick in settings.CELERY_BEAT_SCHEDULE.items():
        assert tick["options"]["expires"] == 2 * tick["schedule"], name
        assert "args" not in tick, name
        assert "kwargs" not in tick, name


def test_viewflows_pages_do_not_answer_for_ours() -> None:
    from django.template.loader import get_template

    assert "/viewflow/" not in get_template("404.html").origin.name
    with pytest.raises(TemplateDoesNotExist):
        get_template("formtools/wizard/wizard_form.html")
    assert get_template("viewflow/base.html")


def test_viewflows_static_files_are_not_served() -> None:
    from django.contrib.staticfiles import finders

    found = [path for finder in finders.get_finders() for path, _storage in finder.list([])]
    assert not [path for path in found if path.startswith("viewflow")]

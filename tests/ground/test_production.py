"""Production's way: hashed static files, https, settings from the environment, nothing of the demonstration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from config import home
from config.processes import Child
from config.web import listening_socket


@pytest.fixture
def production(committed_db: Any, tmp_path: Path) -> Iterator[tuple[str, int, Path]]:
    """The web server as the systemd unit starts it, behind a proxy at 127.0.0.1."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": committed_db.url,
        "REDIS_URL": os.environ["REDIS_URL"],
        "SECRET_KEY": "x" * 60,
        "ALLOWED_HOSTS": "duban.example,127.0.0.1",
        "STATIC_ROOT": str(tmp_path / "static"),
        "DUBAN_HOME": str(tmp_path / "home"),
        "TRUSTED_PROXY": "127.0.0.1",
    }
    collected = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
        env=environment,
        cwd=home.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert collected.returncode == 0, collected.stderr
    with listening_socket("127.0.0.1", 0) as sock:
        os.set_inheritable(sock.fileno(), True)
        web = Child(
            name="web",
            command=[sys.executable, "-m", "config.web"],
            environment={**environment, "DUBAN_WEB_FD": str(sock.fileno())},
            log=tmp_path / "web.log",
            pass_fds=(sock.fileno(),),
            folder=home.ROOT,
        )
        web.start()
        yield "127.0.0.1", sock.getsockname()[1], tmp_path / "static"
        web.stop()


def _get(place: tuple[str, int, Path], path: str, **headers: str) -> HTTPResponse:
    connection = HTTPConnection(place[0], place[1], timeout=30)
    connection.request("GET", path, headers={"Host": "duban.example", "Connection": "close", **headers})
    answer = connection.getresponse()
    answer.begun_body = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def test_a_production_web_server(production: tuple[str, int, Path]) -> None:
    plain = _get(production, "/no-such-page/")
    assert (plain.status, plain.getheader("Location")) == (301, "https://duban.example/no-such-page/")

    through_proxy = _get(
        production, "/no-such-page/", **{"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.9"}
    )
    assert through_proxy.status == 404
    assert through_proxy.getheader("Strict-Transport-Security") == "max-age=31536000"
    assert through_proxy.getheader("Server") is None

    health = _get(production, "/healthz")
    assert health.status == 200, health.begun_body  # type: ignore[attr-defined]  # its first minute
    assert json.loads(health.begun_body)["status"] == "starting"  # type: ignore[attr-defined]

    strange = _get(production, "/healthz", Host="elsewhere.example")
    assert strange.status == 400


def test_static_files_are_hashed_and_kept_by_browsers(production: tuple[str, int, Path]) -> None:
    manifest = json.loads((production[2] / "staticfiles.json").read_text())["paths"]
    if not manifest:
        pytest.fail("collectstatic found no file at all")
    hashed = next(iter(sorted(manifest.values())))
    answer = _get(production, f"/static/{hashed}", **{"X-Forwarded-Proto": "https"})
    assert answer.status == 200
    assert "immutable" in (answer.getheader("Cache-Control") or "")
    assert not [name for name in manifest if name.startswith("viewflow")]


def test_nothing_of_the_demonstration_starts(production: tuple[str, int, Path]) -> None:
    assert not (production[2].parent / "home").exists()
    with urllib.request.urlopen(f"http://127.0.0.1:{production[1]}/healthz", timeout=10) as answer:
        assert "duban_session" not in str(answer.headers)

"""The embedded servers: where their sockets go, as whom they run, what a kill costs."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from config import home
from config.embedded import CannotStart, Servers


def _version(folder: Path) -> str:
    with psycopg.connect(home.database_url(folder)) as connection:
        row = connection.execute("SHOW server_version").fetchone()
        assert row is not None
        return str(row[0])


def test_they_are_postgresql_18_and_valkey_9_behind_private_sockets(tmp_path: Path) -> None:
    servers = Servers(tmp_path / "var", durable=False)
    servers.start()
    try:
        assert _version(tmp_path / "var").startswith("18.")
        client = redis.Redis.from_url(home.broker_url(tmp_path / "var"))
        assert client.info("server")["valkey_version"].startswith("9.")
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.close()
        run = home.run_folder(tmp_path / "var")
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert stat.S_IMODE((run / home.POSTGRES_SOCKET.parent).stat().st_mode) == 0o700
    finally:
        servers.stop()
    assert not run.exists()


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    servers = Servers(folder, durable=False)
    servers.start()
    try:
        assert _version(folder).startswith("18.")
        run = home.run_folder(folder)
        assert (folder / "run").is_symlink()
        assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert run.stat().st_uid == os.geteuid()
    finally:
        servers.stop()
    assert not run.exists()
    assert not (folder / "run").is_symlink()


def test_what_was_queued_survives_the_brokers_kill(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    servers = Servers(folder, durable=False)
    servers.start()
    try:
        client = redis.Redis.from_url(home.broker_url(folder))
        client.rpush("queue", *range(1000))
        broker = servers.children[0]
        assert broker.process is not None
        broker.process.kill()
        broker.process.wait()
        servers.keep_running()
        servers.keep_running()
        assert broker.restarts == 1
        deadline = time.monotonic() + 10
        while not servers._valkey_answers():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert client.llen("queue") == 1000
        client.close()
    finally:
        servers.stop()


def test_what_was_committed_survives_the_databases_kill(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    servers = Servers(folder, durable=False)
    servers.start()
    try:
        with psycopg.connect(home.database_url(folder), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
            database = servers.children[1]
            assert database.process is not None
            os.kill(database.process.pid, signal.SIGKILL)
            database.process.wait()
        deadline = time.monotonic() + 30
        while database.restarts == 0 or not servers._postgres_answers():
            servers.keep_running()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with psycopg.connect(home.database_url(folder)) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    finally:
        servers.stop()


def test_the_data_of_another_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    data = tmp_path / "var" / "postgres"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(CannotStart, match="belongs to PostgreSQL 17, this Duban brings 18"):
        Servers(tmp_path / "var").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_root_without_user_namespaces_becomes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd
    import tempfile

    nobody = pwd.getpwnam("nobody")
    monkeypatch.setenv("DUBAN_POSTGRES_IDENTITY", f"{nobody.pw_uid}:{nobody.pw_gid}")
    with tempfile.TemporaryDirectory() as open_place:
        os.chmod(open_place, 0o755)
        folder = Path(open_place, "var")
        monkeypatch.setenv("DUBAN_HOME", str(folder))
        if not _everybody_may_walk_to(home.ROOT):
            with pytest.raises(CannotStart, match="may not enter"):
                Servers(folder, durable=False).start()
            return
        servers = Servers(folder, durable=False)
        servers.start()
        try:
            process = servers.children[1].process
            assert process is not None
            assert Path(f"/proc/{process.pid}").stat().st_uid == nobody.pw_uid
            assert (folder / "postgres").stat().st_uid == nobody.pw_uid
            assert _version(folder).startswith("18.")
        finally:
            servers.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_a_place_that_nobody_may_enter_is_told_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DUBAN_POSTGRES_IDENTITY", "65534:65534")
    tmp_path.chmod(0o700)
    monkeypatch.setenv("DUBAN_HOME", str(tmp_path / "var"))
    with pytest.raises(CannotStart, match=r"may not enter .*: run as an ordinary user"):
        Servers(tmp_path / "var", durable=False).start()


def _everybody_may_walk_to(place: Path) -> bool:
    return all(above.stat().st_mode & 0o001 for above in (place, *place.parents))


def test_the_last_user_of_shared_servers_turns_off_the_light(tmp_path: Path) -> None:
    """Two commands on one folder share the servers; a killed one counts as gone."""
    environment = {**os.environ, "DUBAN_HOME": str(tmp_path / "var")}
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    script = (
        "import os, psycopg, sys; c = psycopg.connect(os.environ['DATABASE_URL']);"
        " print(c.execute('SELECT pg_backend_pid() > 0, pg_postmaster_start_time()').fetchone(), flush=True);"
        " sys.stdin.read()"
    )
    command = [sys.executable, "-m", "config.keeper", sys.executable, "-c", script]
    users = [
        subprocess.Popen(
            command,
            env=environment,
            cwd=home.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for _ in range(2)
    ]
    first, second = users
    assert first.stdout is not None
    assert second.stdout is not None
    assert second.stdin is not None
    assert first.stdout.readline() == second.stdout.readline() != ""
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    time.sleep(0.5)
    assert _version(tmp_path / "var").startswith("18.")
    second.stdin.close()
    assert second.wait(20) == 0
    assert not (tmp_path / "var" / "run").exists()
    os.close(home.take_lock(tmp_path / "var", "servers.lock"))
    for user in users:
        assert user.stdout is not None
        user.stdout.close()
    assert first.stdin is not None
    first.stdin.close()

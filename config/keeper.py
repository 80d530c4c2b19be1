"""Shares one pair of embedded servers among several programs: they run as long as anybody uses them.

The first to come starts a keeper, a process of its own that owns the servers and listens on a socket in the data
folder; the others join it. A user is an open connection, so that one that is killed leaves as surely as one that says
goodbye. With the last of them the keeper stops the servers and ends.

    python -m config.keeper COMMAND [ARGUMENT...]     run one command with DATABASE_URL and REDIS_URL set
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from config import home
from config.embedded import CannotStart, Servers

JOIN_SECONDS = 90.0
READY = b"ready\n"


def _socket_path(folder: Path) -> Path:
    return home.run_folder(folder) / "keeper.sock"


def _join(folder: Path) -> socket.socket | None:
    """A connection to a living keeper that is ready, or None."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(10)
        connection.connect(str(_socket_path(folder)))
        if connection.recv(len(READY)) == READY:
            connection.settimeout(None)
            return connection
    except OSError:
        pass
    connection.close()
    return None


@contextmanager
def servers(folder: Path) -> Iterator[None]:
    """The embedded servers of `folder` answer while this context lasts.

    Raises CannotStart with the reason, and HomeInUse when `make run` owns the folder.
    """
    connection, started = _connect(folder)
    try:
        yield
    finally:
        # The keeper closes its side at once when others remain, else when the servers are gone.
        try:
            connection.shutdown(socket.SHUT_WR)
            connection.settimeout(40)
            while connection.recv(1):
                pass
        except OSError:
            pass
        connection.close()
        if started is not None and started.poll() is None:
            try:
                started.wait(1)
            except subprocess.TimeoutExpired:
                started.returncode = (
                    0  # others still use it: it lives on without us, and Popen need not complain
                )


def _connect(folder: Path) -> tuple[socket.socket, subprocess.Popen[bytes] | None]:
    """Join the keeper, or start one and join it; the second is the process if it is ours."""
    home.make_home(folder)
    log = folder / "log" / "keeper.log"
    deadline = time.monotonic() + JOIN_SECONDS
    while time.monotonic() < deadline:
        if connection := _join(folder):
            return connection, None
        with log.open("wb") as output:
            # Its own session: a Ctrl-C is for us, and we tell it by leaving.
            keeper = subprocess.Popen(
                [sys.executable, "-m", "config.keeper", "--keep", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=home.ROOT,
            )
        while keeper.poll() is None and time.monotonic() < deadline:
            if connection := _join(folder):
                return connection, keeper
            time.sleep(0.02)
        if keeper.returncode == 3:  # somebody else owns the folder: another keeper that is starting or ending
            if connection := _join(folder):
                return connection, None
            time.sleep(0.2)
        elif keeper.returncode is not None:
            raise CannotStart(
                log.read_text(errors="replace").strip() or "The embedded servers' keeper ended at once."
            )
    raise home.HomeInUse(folder, None)


def _keep(folder: Path) -> int:
    """Own the servers until the last user has gone."""
    try:
        lock = home.take_lock(folder)
    except home.HomeInUse as reason:
        print(reason)
        return 3
    ours = Servers(folder, durable=False)
    try:
        ours.start()
    except CannotStart as reason:
        print(reason)
        return 1
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    selector = selectors.DefaultSelector()
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(_socket_path(folder)))
    door.listen(64)
    selector.register(door, selectors.EVENT_READ)
    users: set[socket.socket] = set()
    leaving: list[socket.socket] = []
    alone_since = time.monotonic() + 10  # the one who started us needs a moment to come in
    while not stopping:
        for key, _events in selector.select(timeout=0.2):
            if key.fileobj is door:
                user, _address = door.accept()
                user.sendall(READY)
                users.add(user)
                selector.register(user, selectors.EVENT_READ)
            else:
                user = key.fileobj  # type: ignore[assignment]
                selector.unregister(user)
                users.discard(user)
                if users:
                    user.close()
                else:
                    leaving.append(user)  # it waits for our end, unless somebody comes in the meantime
                    alone_since = time.monotonic()
        if users:
            while leaving:
                leaving.pop().close()
        elif time.monotonic() - alone_since > 0:
            break
        for sentence in ours.keep_running():
            print(sentence, flush=True)
    door.close()
    ours.stop()
    os.close(lock)
    for user in leaving:
        user.close()
    return 0


def main() -> int:
    """The command line; returns the exit status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--keep"]:
        return _keep(Path(arguments[1]))
    if not arguments:
        print(__doc__)
        return 2
    folder = home.home_folder()
    try:
        with servers(folder):
            environment = {
                "DUBAN_DEMO": "1",
                "DATABASE_URL": home.database_url(folder),
                "REDIS_URL": home.broker_url(folder),
                **os.environ,
            }
            return subprocess.run(arguments, env=environment, check=False).returncode
    except (CannotStart, home.HomeInUse) as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

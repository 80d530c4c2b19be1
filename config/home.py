"""The data folder of `make run` and of the tests: what lies where, and who may use it.

var/                DUBAN_HOME
    lock            held by the one process that owns the servers
    servers.lock    held by every process that this one started, so that a successor can wait for the last of them
    secret          the demonstration's SECRET_KEY
    postgres/       the database's data
    valkey/         the broker's append-only file
    run/            sockets; a link to a short private folder where the path would be too long for a socket
    log/  mail/  files/  beat-schedule
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "duban"
DATABASE_USER = "duban"
# The kernel's limit for a socket's path is 108 bytes with the closing zero.
LONGEST_SOCKET_PATH = 107
POSTGRES_SOCKET = Path("pg", ".s.PGSQL.5432")
VALKEY_SOCKET = Path("valkey.sock")


class HomeInUse(Exception):
    """Another process owns this data folder; `pid` is its number, or None when it did not say."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.pid = pid
        by = f" (process {pid})" if pid else ""
        super().__init__(
            f"Duban is already running on {folder}{by}: stop it first, or give another DUBAN_HOME."
        )


def home_folder() -> Path:
    """DUBAN_HOME as an absolute path; `var` inside the project when it is not set."""
    return Path(os.environ.get("DUBAN_HOME") or ROOT / "var").absolute()


def make_home(folder: Path) -> None:
    """Make the data folder and what lies directly in it, closed to other users."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("log", "mail", "files", "valkey"):
        (folder / name).mkdir(mode=0o700, exist_ok=True)


def secret(folder: Path) -> str:
    """The demonstration's SECRET_KEY: made once, kept beside its data."""
    path = folder / "secret"
    try:
        return path.read_text()
    except FileNotFoundError:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, draft = tempfile.mkstemp(dir=folder, prefix=".secret-")  # 0600
    with os.fdopen(fd, "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(draft, path)  # whoever comes first wins, the other reads it
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)
    return path.read_text()


def take_lock(folder: Path, name: str = "lock") -> int:
    """The open, locked file `name` of the folder; raises HomeInUse when another process has it.

    Nothing has to be cleaned up after a crash: the kernel drops the lock with its last holder.
    """
    fd = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(fd, 20).decode(errors="replace").strip()
        os.close(fd)
        raise HomeInUse(folder, int(pid) if pid.isdigit() else None) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def run_folder(folder: Path) -> Path:
    """Where the sockets are, or would be."""
    return Path(os.path.realpath(folder / "run"))


def make_run_folder(folder: Path) -> Path:
    """An empty private folder for the sockets, whatever an earlier run left there."""
    clear_run_folder(folder)
    link = folder / "run"
    if len(os.fsencode(link / POSTGRES_SOCKET)) <= LONGEST_SOCKET_PATH:
        link.mkdir(mode=0o700)
        return link
    # mkdtemp makes an unguessable name of mode 0700, so nobody can lie in wait for it.
    base = tempfile.gettempdir()
    if len(base) > 40:
        base = "/tmp"
    target = Path(tempfile.mkdtemp(prefix="duban-", dir=base))
    link.symlink_to(target)
    return target


def clear_run_folder(folder: Path) -> None:
    """Remove the sockets and their folder. Only what this project puts there is ever removed."""
    link, target = folder / "run", run_folder(folder)
    if target.is_dir() and target.stat().st_uid == os.geteuid():
        for path in (
            target / POSTGRES_SOCKET,
            (target / POSTGRES_SOCKET).with_name(POSTGRES_SOCKET.name + ".lock"),
            target / VALKEY_SOCKET,
            target / "keeper.sock",
        ):
            path.unlink(missing_ok=True)
        for directory in (target / POSTGRES_SOCKET.parent, target):
            with contextlib.suppress(FileNotFoundError):
                directory.rmdir()
    if link.is_symlink():
        link.unlink()


def database_url(folder: Path, name: str = DATABASE) -> str:
    """The embedded database's address."""
    return (
        f"postgresql://{DATABASE_USER}@/{name}?host={quote(str(run_folder(folder) / POSTGRES_SOCKET.parent))}"
    )


def broker_url(folder: Path, number: int = 0) -> str:
    """The embedded broker's address, in redis-py's spelling."""
    return f"unix://{quote(str(run_folder(folder) / VALKEY_SOCKET))}?db={number}"

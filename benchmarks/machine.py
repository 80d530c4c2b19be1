"""What the figures were taken on."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.ground import Ground


def facts(ground: Ground) -> list[str]:
    """One sentence each."""
    rows = ground.admin.execute(
        "SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'shared_buffers')"
    )
    setting: dict[str, str] = dict(rows.fetchall())
    return [
        f"{psutil.cpu_count()} cores ({_processor()}), {psutil.virtual_memory().total / 2**30:.0f} GB, {platform.system()} {platform.release()}.",
        f"PostgreSQL {ground.version()} from its wheel, over a Unix socket: fsync {setting['fsync']}, synchronous_commit"
        f" {setting['synchronous_commit']}, shared_buffers {setting['shared_buffers']}.",
        f"Python {platform.python_version()}, Django {version('Django')}, psycopg {version('psycopg')} (binary).",
    ]  # fmt: skip


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()

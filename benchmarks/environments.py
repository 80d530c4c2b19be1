"""The interpreters of the peers: a virtual environment for each set that cannot stand in ours, kept from run to run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.ground import FOLDER

REQUIREMENTS = {name: Path(__file__).with_name(f"requirements-{name}.txt") for name in ("peers", "river")}
PATIENCE = 240.0  # seconds for one installation


class CannotInstall(Exception):
    """A peer's packages cannot be installed here; the message is for the results."""


def interpreter(name: str) -> Path:
    """The Python of this environment: "own" is the one that runs; others are made when needed. Raises CannotInstall."""
    if name == "own":
        return Path(sys.executable)
    requirements, folder = REQUIREMENTS[name], FOLDER / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == digest:
        return python
    print(f"Installing {requirements.name}", flush=True)
    if folder.exists():
        shutil.rmtree(folder)
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", str(requirements)],
    ):  # fmt: skip
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=PATIENCE,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise CannotInstall(f"{requirements.name} was not installed within {PATIENCE:g} s") from None
        if done.returncode:
            last = done.stdout.strip().splitlines()[-1:] or ["no word"]
            raise CannotInstall(f"{requirements.name} could not be installed: {last[0]}")
    stamp.write_text(digest)
    return python

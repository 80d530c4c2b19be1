"""The Makefile's own part: make may be killed too, and Ctrl-C reaches everybody at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.ground.running import Run, running


class MadeRun(Run):
    """A `make run` through make."""

    command = ("make", "--no-print-directory", "run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for all, so that only the first start is slow."""
    return tmp_path_factory.mktemp("make") / "var"


@pytest.mark.parametrize("how", ["make killed", "ctrl-c", "terminal closed", "group terminated"])
def test_the_end_of_make_is_the_end_of_all(folder: Path, how: str) -> None:
    with running(folder, MadeRun) as run:
        family = run.family()
        if how == "make killed":
            os.kill(run.process.pid, signal.SIGKILL)
        else:
            number = {
                "ctrl-c": signal.SIGINT,
                "terminal closed": signal.SIGHUP,
                "group terminated": signal.SIGTERM,
            }[how]
            os.killpg(run.process.pid, number)
        run.process.wait(30)
        _gone, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
        assert not (run.folder / "run").exists(), "the stop was orderly"
        assert (
            (run.folder / "log" / "postgres.log")
            .read_text()
            .rstrip()
            .endswith("database system is shut down")
        )

"""Places at which a test can kill the process, as a power cut would: DUBAN_FAILPOINT names one."""

from __future__ import annotations

import os

KILLED = 137  # what a shell reports of a process ended by SIGKILL


def reached(name: str) -> None:
    """End the process here, without clean-up, when the environment asks for it; otherwise nothing."""
    if os.environ.get("DUBAN_FAILPOINT") == name:
        os._exit(KILLED)

"""Places at which a test can kill the process, as a power cut would: DUBAN_FAILPOINT names one.

By name, and where each is: `document.locked`, `.written`, `.caused` (before commit, with what the step causes elsewhere),
`.committed`; `sweep.locked`, `.acted`, `.written`, `.committed`; `plan.written`, `digest.written` (before commit);
`after_lease`, `after_smtp_accept`, `delivery.marked`.
"""

from __future__ import annotations

import os

KILLED = 137  # what a shell reports of a process ended by SIGKILL


def reached(name: str) -> None:
    """End the process here, without clean-up, when the environment asks for it; otherwise nothing."""
    if os.environ.get("DUBAN_FAILPOINT") == name:
        os._exit(KILLED)

"""Thousands of processes that do nothing, and end with whoever started them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def crowd(most: int) -> Iterator[None]:
    """So many more processes on this host, each a `sleep` of its own."""
    sleep = shutil.which("sleep") or "/bin/sleep"
    pids: list[int] = []
    try:
        # Long enough for any measurement, short enough to leave nothing behind a run that was killed.
        pids.extend(os.posix_spawn(sleep, [f"worker-{number:04}", "900"], {}) for number in range(most))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for pid in pids:
            os.waitpid(pid, 0)

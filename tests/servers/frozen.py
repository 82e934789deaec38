"""Processes that are frozen for sure."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def freeze(pid: int) -> None:
    """Stop a process, and wait until each of its threads stands still: on a busy machine one may still answer."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + 5
    while not all(_stopped(thread) for thread in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline, f"{pid} does not stop"
        time.sleep(0.001)


def _stopped(thread: Path) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return (thread / "stat").read_bytes().rpartition(b") ")[2].startswith((b"T", b"Z"))
    return True

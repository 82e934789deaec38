"""Waiting for what comes: conditions, not time."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(what: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until a condition holds; asks each 20 ms."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)

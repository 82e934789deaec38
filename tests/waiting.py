"""Waiting for what comes: conditions, not time. Both ask each 20 ms."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

EACH = 0.02
"""Seconds between two questions."""


async def until(what: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until a condition holds, while the loop goes on."""
    __tracebackhide__ = True  # What failed is the condition, where it stands.
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(EACH)


def wait_until(what: Callable[[], object], seconds: float = 20.0) -> None:
    """The same where there is no loop."""
    __tracebackhide__ = True  # What failed is the condition, where it stands.
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(EACH)

"""Leaving: what goes on is not left by a slip: that is said, and the wish is to be made once more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

AGAIN = 2.0
"""Seconds within which the second wish leaves."""


class Leaving:
    """`leave` ends the dashboard with an exit code; `say` tells in one line why it has not ended yet."""

    def __init__(self, leave: Callable[[int], None], say: Callable[[str], None]) -> None:
        self._leave, self._say = leave, say
        self._wished = float("-inf")

    def wish(self, but: str) -> None:
        """Leave; where something goes on, which `but` tells with what leaving means for it, not at the first."""
        if but and not self._again():
            self._say(but)
        else:
            self._leave(0)

    def interrupt(self, cancel: Callable[[], bool]) -> None:
        """ctrl+c: `cancel` what runs, and tell whether something did; the second leaves."""
        if self._again():
            self._leave(130)
        elif not cancel():
            self._say("nothing is running; ctrl+c again quits")

    def _again(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._wished <= AGAIN:
            return True
        self._wished = now
        return False

"""Leaving: what goes on is not left by a slip: that is said, and the wish is to be made once more."""

from __future__ import annotations

from collections.abc import Callable

AGAIN = 2.0
"""Seconds within which the second wish leaves."""


class Leaving:
    """`leave` ends the dashboard with an exit code; `say` tells in one line why it has not ended yet; `monotonic`
    tells the seconds. A wish and ctrl+c are counted each by itself."""

    def __init__(
        self, leave: Callable[[int], None], say: Callable[[str], None], monotonic: Callable[[], float]
    ) -> None:
        self._leave, self._say, self._monotonic = leave, say, monotonic
        self._told, self._told_at = "", float("-inf")
        self._interrupted = float("-inf")

    def wish(self, but: str) -> None:
        """Leave; where something goes on, which `but` tells with what leaving means for it, only when that has
        been told, and can have been read: a key that is held down makes its wish many times."""
        if not but or self._was_read(but):
            self._leave(0)
        else:
            self._told, self._told_at = but, self._monotonic()
            self._say(but)

    def _was_read(self, but: str) -> bool:
        from widgets.dialog import READING  # Where something goes on, a dialog has begun it.

        return but == self._told and READING <= self._monotonic() - self._told_at <= AGAIN

    def interrupt(self, cancel: Callable[[], bool]) -> None:
        """ctrl+c: `cancel` what runs, and tell whether something did; the second leaves."""
        now = self._monotonic()
        if now - self._interrupted <= AGAIN:
            self._leave(130)
            return
        self._interrupted = now
        if not cancel():
            self._say("nothing is running; ctrl+c again quits")

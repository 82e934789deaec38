"""Leaving: what goes on is not left by a slip: that is said, and the wish is to be made once more."""

from __future__ import annotations

from collections.abc import Callable

from tui.commands import key_of

AGAIN = 2.0
"""Seconds within which the second wish leaves."""


Holds = Callable[[], bool]
"""Whether what was said is still true."""


class Leaving:
    """`leave` ends the dashboard with an exit code; `say` tells in one line why it has not ended yet, for as long
    as that holds; `monotonic` tells the seconds. A wish and ctrl+c are counted each by itself."""

    def __init__(
        self, leave: Callable[[int], None], say: Callable[[str, Holds], None], monotonic: Callable[[], float]
    ) -> None:
        self._leave, self._say, self._monotonic = leave, say, monotonic
        self._told, self._told_at = "", float("-inf")
        self._interrupted = float("-inf")

    def wish(self, goes_on: Callable[[], str]) -> None:
        """Leave; where something goes on, which `goes_on` tells with what leaving means for it ("" where nothing
        does), only when that has been told, and can have been read: a key that is held down makes its wish many
        times."""
        but = goes_on()
        if not but or self._was_read(but):
            self._leave(0)
        else:
            self._told, self._told_at = but, self._monotonic()
            self._say(but, lambda: goes_on() == but and self._is_lately(self._told_at))

    def _was_read(self, but: str) -> bool:
        from widgets.dialog import READING  # Where something goes on, a dialog has begun it.

        return (
            but == self._told and self._monotonic() - self._told_at >= READING and self._is_lately(self._told_at)
        )

    def _is_lately(self, at: float) -> bool:
        """Whether the second wish would leave."""
        return self._monotonic() - at < AGAIN

    def interrupt(self, cancel: Callable[[], bool]) -> None:
        """ctrl+c: `cancel` what runs, and tell whether something did; the second leaves."""
        if self._is_lately(self._interrupted):
            self._leave(130)
            return
        self._interrupted = self._monotonic()
        if not cancel():
            self._say(
                f"nothing is running; {key_of('interrupt')} again quits",
                lambda: self._is_lately(self._interrupted),
            )

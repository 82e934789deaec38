"""KeyQueue: keys wait until the views stand, and while the view in front is not yet what they are about
(`keys_wait`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from tui.keys import Keys

WAITING = 200
"""Keys and pastes that wait at most; those that are left out are counted, and said."""


class KeyQueue:
    def __init__(self, keys: Keys, say: Callable[[str], None], awaited: Callable[[], None]) -> None:
        """`awaited` is called for each key: somebody looks."""
        self._keys, self._say, self._awaited = keys, say, awaited
        self._stand = False
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._left_out = 0

    def begin(self) -> None:
        """The views stand."""
        self._stand = True
        if self._waiting:
            self._awaited()
        self.go_on()

    def typed(self, event: events.Key | events.Paste) -> None:
        """Each key and each paste, in order."""
        self._awaited()
        self.go_on()
        if self._waits and self._stand and isinstance(event, events.Key) and self._ends(event.key):
            self._press(event)
            # Unless what was done tells of them itself.
            if left_out := self.leave_out():
                self._say(left_out)
        elif not self._waits:
            self._press(event)
        elif len(self._waiting) < WAITING:
            self._waiting.append(event)
        else:
            self._left_out += 1
            self._say(_left_out(self._left_out))

    def go_on(self) -> None:
        """Press what need not wait any more. Called when the view in front may have come so far."""
        while self._waiting and not self._waits:
            self._press(self._waiting.popleft())
        if not self._waiting and self._left_out:
            # The keys have taken away what was said of it.
            self._say(self.leave_out())

    def leave_out(self) -> str:
        """Forget what waits, and say how much that was, with what had no room; empty where there was nothing."""
        keys = len(self._waiting) + self._left_out
        self._waiting.clear()
        self._left_out = 0
        return _left_out(keys) if keys else ""

    @property
    def _waits(self) -> bool:
        return not self._stand or self._keys.wait

    def _ends(self, key: str) -> bool:
        return self._keys.ends_waiting(
            key, (event.key for event in self._waiting if isinstance(event, events.Key))
        )

    def _press(self, event: events.Key | events.Paste) -> None:
        if isinstance(event, events.Key):
            self._keys.press(event.key, event.character)
        else:
            self._keys.paste(event.text)


def _left_out(keys: int) -> str:
    return f"{keys} {'key' if keys == 1 else 'keys'} typed ahead left out"

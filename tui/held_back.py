"""Held back: what Textual draws waits until there is something worth it; keys wait for what they are about."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from textual import events
from textual.app import App, ScreenStackError

if TYPE_CHECKING:
    from tui.keys import Keys

HOLD = 0.25
"""Seconds for which the first frame may stand in for what Textual draws."""

DRAW = 0.05
"""Seconds that the first frame has to itself."""
WAITING = 200
"""Keys and pastes that wait at most; those that are left out are counted, and said."""


class HeldBack:
    """The first frame stands already when the app is mounted. Textual's own would compete with what
    connects, which imports in a thread, so they wait for the first facts, a key, or a quarter of a second.

    Keys wait until the views stand, and while the view in front is not yet what they are about."""

    def __init__(
        self,
        app: App[None],
        keys: Keys,
        say: Callable[[str], None],
        draw: Callable[[], None],
        drawn: Callable[[], None],
    ) -> None:
        """`draw` is called when all is to be shown that is known by then, `drawn` when that has had time."""
        self._app, self._keys, self._say, self._draw, self._drawn = app, keys, say, draw, drawn
        self._held: ExitStack | None = None
        self._stand = False
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._left_out = 0

    def hold(self) -> None:
        self._held = ExitStack()
        self._held.enter_context(self._app.batch_update())
        self._app.set_timer(HOLD, self.let_go)
        self._app.call_later(self._type_ahead)

    def let_go(self) -> None:
        """Draw from now on; called as soon as there is something worth it."""
        if self._held is not None:
            held, self._held = self._held, None
            self._draw()
            held.close()
            # Its moment may come when the app is on its way out.
            with suppress(ScreenStackError):
                self._app.screen.refresh()
            # Not when it has been drawn: a terminal that reads nothing must not keep the sources from beginning.
            self._app.set_timer(DRAW, self._go_on)

    @property
    def holding(self) -> bool:
        return self._held is not None

    def typed(self, event: events.Key | events.Paste) -> None:
        """Each key and each paste, in order."""
        self.let_go()
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
        return self._keys.at_once(key, (event.key for event in self._waiting if isinstance(event, events.Key)))

    def _press(self, event: events.Key | events.Paste) -> None:
        if isinstance(event, events.Key):
            self._keys.press(event.key, event.character)
        else:
            self._keys.paste(event.text)

    def _go_on(self) -> None:
        _look_for_garbage_again()
        self._drawn()

    def _type_ahead(self) -> None:
        self._stand = True
        if self._waiting:
            self.let_go()
        self.go_on()


def _left_out(keys: int) -> str:
    return f"{keys} {'key' if keys == 1 else 'keys'} typed ahead left out"


def _look_for_garbage_again() -> None:
    """Where `tui.start` has turned it off; what was made by now is left out of it for good."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()

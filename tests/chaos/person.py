"""A person who acts through the door while production is being hit, and what was ordered by that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.chaos.audited import Ordered
from tests.chaos.blows import Production, Undo
from tests.chaos.plan import Blow, Verb
from tests.chaos.shown import open_screen

REASON = "chaos"
ASKED, RIGHT = "[ Cancel ]   [", "\x1b[C"
"""What stands below a question whose consequences are known, and the key to the second button."""
PATIENCE = 3.0
"""Seconds that a person waits for what a key leads to, and then leaves it: blows that are due wait meanwhile."""


@dataclass
class Person:
    here: Production
    ordered: list[Ordered] = field(default_factory=list)

    def act(self, blow: Blow) -> Undo | None:
        """What the blow says; where the dashboard offers no such thing just now, nothing."""
        if blow.verb is Verb.ARM:
            self._say(":arm", f'15m "{REASON}"')
            return partial(self._say, ":disarm")
        restarts = blow.verb is Verb.ORDER
        open_screen(self.here, "units" if restarts else "processes")
        self.here.board.send(f"/{blow.whom}\r")
        if self._comes("1 of ") and self._asks("R" if restarts else "K"):
            self._confirm(Ordered("restart" if restarts else "signal", blow.whom))
        for _ in range(2):
            self.here.escape()
        return None

    def _say(self, word: str, rest: str = "") -> None:
        self.ordered.append(Ordered(word.removeprefix(":"), "guarded"))
        # Nothing is read: nobody may be looking at the terminal just now.
        self.here.board.send(f"{word} {rest}".rstrip() + "\r")

    def _asks(self, key: str) -> bool:
        """Whether pressing it leads to the question, by way of a menu where there is one."""
        board = self.here.board
        board.send(key)
        if key == "K":
            if not self._comes("SIGTERM  "):
                return False
            board.send("\r")
        return self._comes(ASKED)

    def _confirm(self, order: Ordered) -> None:
        board = self.here.board
        if "reason  " in board.text:
            board.send(f"{REASON}\r")
            self.here.pass_time(0.2)
        self.ordered.append(order)
        board.send(RIGHT)
        self.here.pass_time(0.2)
        board.send("\r")
        self._comes(lambda: ASKED not in board.text)

    def _comes(self, what: str | Callable[[], bool]) -> bool:
        holds = what if callable(what) else lambda: what in self.here.board.text
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                return False
            self.here.pass_time(0.05)
        return True

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
from tests.servers.demo_parts import Server

REASON = "chaos"
ASKED, RIGHT = "[ Cancel ]   [", "\x1b[C"
"""What stands below a question whose consequences are known, and the key to the second button."""
PATIENCE = 5.0
"""Seconds that a person takes for all of it, and then leaves it: blows that are due wait meanwhile."""


@dataclass
class Person:
    here: Production
    ordered: list[Ordered] = field(default_factory=list)
    until: float = 0.0
    """When this one's patience is over, in monotonic seconds."""

    def act(self, blow: Blow) -> Undo | None:
        """What the blow says; where the dashboard offers no such thing just now, nothing."""
        if blow.verb is Verb.ARM:
            self._say(":arm", f'15m "{REASON}"')
            return partial(self._say, ":disarm")
        self.until = time.monotonic() + PATIENCE
        server = Server(self.here.lab, blow.whom)
        if not server.is_there:
            return None
        restarts = blow.verb is Verb.ORDER
        # Of this machine's processes others may bear its name, or have it among their words.
        row = blow.whom if restarts else f"{blow.whom} {server.identity.pid}"
        open_screen(self.here, "units" if restarts else "processes")
        self.here.board.send(f"/{row.split()[-1]}\r")
        if self._comes("1 of ") and self._asks("R" if restarts else "K") and row in self.here.board.text:
            self._confirm(Ordered("restart" if restarts else "signal", row))
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
        while not holds():
            if time.monotonic() > self.until:
                return False
            self.here.pass_time(0.05)
        return True

"""A person's leave to start a run, or to ask for its end: good for a while, and only while somebody waits.

A thread can't be cancelled. One that hangs (a secret's file on a dead mount) must not act when it wakes up after
its caller has been told that nothing was done.
"""

from __future__ import annotations

import threading
import time

from backends.api.actions import Permit, Refused


class Leave:
    """Made at the moment of consent. Used or given up, whichever comes first: never both."""

    def __init__(self) -> None:
        self.until = time.time() + Permit.LIFE
        """In unix seconds: a runner compares it, which shares no other clock with us."""
        self.used = False
        self._given_up = False
        self._deciding = threading.Lock()

    def use(self) -> None:
        """Now it is done. Raises `Refused` where nobody waits for it any more, or it is too old."""
        with self._deciding:
            if self._given_up:
                raise Refused("nobody waits for it any more")
            if time.time() > self.until:
                raise Refused(f"the permit is older than {Permit.LIFE:g} s", "ask again")
            self.used = True

    def give_up(self) -> bool:
        """Nobody waits any more. Whether it was used; else it never will be."""
        with self._deciding:
            self._given_up = True
            return self.used

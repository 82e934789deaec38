"""Pace: how patient a feed is with its source, and how long it waits between two attempts. The pace of each noun
stands in its row of `ABILITIES` (`capabilities`)."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextvars import ContextVar

from msgspec import Struct

looked_at: ContextVar[Callable[[], bool]] = ContextVar("looked_at", default=lambda: True)
"""Asked by a source between two looks: whether anybody sees what comes of them. What is only counted meanwhile
may be looked at less often. Set by a feed for its source; without one, whoever called it waits for its words."""


class Pace(Struct, frozen=True):
    """How patient a feed is, in seconds.

    `first`: until the first word of an attempt; `quiet`: between two words; `linger`: how long it goes on
    after its last viewer has left. `always`: runs as long as its context is open, watched or not.
    """

    first: float = 10.0
    quiet: float = 5.0
    linger: float = 10.0
    always: bool = False


class Backoff:
    """Growing pauses between attempts: 0.5 s doubling to 5 s, each shortened by up to a quarter at random.

    Five seconds at most, so that whatever returns is seen again within six.
    """

    SHORTEST, LONGEST = 0.5, 5.0

    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._jitter = jitter
        self._next = self.SHORTEST

    def reset(self) -> None:
        self._next = self.SHORTEST

    def pause(self) -> float:
        pause = self._next * (1 - self._jitter() / 4)
        self._next = min(self._next * 2, self.LONGEST)
        return pause

"""Blocking calls one after the other, in a daemon thread.

An executor's threads are joined when the program ends: a file system that hangs would keep the process for ever.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from backends.api.errors import Unreachable
from backends.threads import handed_back, start

T = TypeVar("T")


class Lane:
    """Calls run in the order in which they came, never two at once: behind one that hangs, all others wait. The
    thread is held only while there are calls, so that nothing has to be closed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._waiting: deque[Callable[[], object]] = deque()
        self._busy = False

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call`; raises what it raises, and `Unreachable` where the system starts no thread for
        it. One whose caller has gone before its turn is left out."""
        work, result = handed_back(call)
        self._put(lambda: None if result.done() else work())
        return await result

    def submit(self, call: Callable[[], object]) -> None:
        """Run a call that raises nothing, after those that came before it; from any thread. Where the system
        starts no thread for it, it is run before the next call."""
        self._put(call, later=True)

    def _put(self, call: Callable[[], object], *, later: bool = False) -> None:
        with self._lock:
            self._waiting.append(call)
            if self._busy:
                return
            try:
                start(self._name, self._work)
            except Unreachable:
                if later:
                    return
                self._waiting.pop()
                raise
            self._busy = True

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                call = self._waiting.popleft()
            call()

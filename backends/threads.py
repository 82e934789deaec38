"""Blocking calls in a few daemon threads: one that never returns costs a thread, never the end of the program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from backends.api.errors import TimedOut

T = TypeVar("T")

KERNEL = "the kernel holds them: look for processes in state D"
"""What to do about calls of this host that don't return."""


class Threads:
    """At most `most` calls at once. Threads can't be cancelled: whoever stops waiting leaves his behind, and it
    counts until it returns. An executor's threads would be joined when the program ends."""

    def __init__(self, name: str, most: int, hint: str = KERNEL) -> None:
        self._name, self._most, self._hint = name, most, hint
        self._busy = 0

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call`, run in a thread. Raises what it raises; `TimedOut` where all threads are taken
        by calls that have not returned."""
        if self._busy >= self._most:
            raise TimedOut(
                f"{self._busy} earlier calls have not returned",
                where=self._name,
                hint=self._hint,
            )
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def tell(value: T | None, error: BaseException | None) -> None:
            self._busy -= 1
            if result.done():
                return
            if error is not None:
                result.set_exception(error)
            else:
                result.set_result(value)  # type: ignore[arg-type]

        def work() -> None:
            value, error = None, None
            try:
                value = call()
            except BaseException as caught:  # It is raised again where it is awaited.
                error = caught
            with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                loop.call_soon_threadsafe(tell, value, error)

        self._busy += 1
        threading.Thread(target=work, name=self._name, daemon=True).start()
        return await result

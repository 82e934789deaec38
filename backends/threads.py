"""Blocking calls in a few daemon threads: one that never returns costs a thread, never the end of the program."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

from backends.api.errors import TimedOut

P = ParamSpec("P")
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
        work, result = handed_back(call, self._ended)
        self._busy += 1
        threading.Thread(target=work, name=self._name, daemon=True).start()
        return await result

    def _ended(self) -> None:
        self._busy -= 1


def handed_back(
    call: Callable[[], T], ended: Callable[[], None] = lambda: None
) -> tuple[Callable[[], None], asyncio.Future[T]]:
    """A call for some thread to run, and what it gives or raises, on the running loop. `ended` is called on the
    loop once the call has returned, whether or not somebody still waits."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def tell(value: T | None, error: BaseException | None) -> None:
        ended()
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

    return work, result


CALLS_MOST = 32
"""Calls of the loop's own executor that run at once; more wait for their turn."""


def leave_threads_behind() -> None:
    """Let `asyncio.to_thread`, and the loop's look-ups of names, run where nobody waits for them at the end: a
    name server, a file system or a command that hangs would keep the program for as long. Call it first, on the
    loop."""
    asyncio.get_running_loop().set_default_executor(_Unjoined(CALLS_MOST))


class _Unjoined(ThreadPoolExecutor):
    """An executor, as asyncio wants one, with daemon threads that live only while there are calls."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._most, self._busy = most, 0
        self._guard = threading.Lock()
        self._jobs: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._guard:
            self._jobs.append((future, partial(fn, *args, **kwargs)))
            if self._busy >= self._most:
                return future
            self._busy += 1
        threading.Thread(target=self._work, name="loop", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing to wait for."""

    def _work(self) -> None:
        while True:
            with self._guard:
                if not self._jobs:
                    self._busy -= 1
                    return
                future, call = self._jobs.popleft()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # It is raised again where it is awaited.
                    future.set_exception(error)
            # Or the thread would hold on to what it has done until its next call.
            del future, call

"""Blocking calls in a few daemon threads: one that never returns costs a thread, never the end of the program.

A thread that has nothing to do waits a little for another call: most calls come again within seconds, and a new
thread costs more than what most of them do.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, ParamSpec, TypeVar

from backends.api.errors import TimedOut, Unreachable

P = ParamSpec("P")
T = TypeVar("T")

KERNEL = "the kernel holds them: look for processes in state D"
"""What to do about calls of this host that don't return."""


FULL = "its cgroup's pids.max or the user's ulimit -u is reached: look for what has so many threads"
"""What to do where no thread can be started."""
LINGER = 4.0
"""Seconds for which a thread waits for another call: longer than most sources pause between two looks."""


class _Worker:
    """A daemon thread, for one call after the other. `start` is the way to them."""

    idle: ClassVar[list[_Worker]] = []
    """Those that wait for a call. The last of them gets the next one, so that those which are too many end."""
    guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, name: str, call: Callable[[], object]) -> None:
        self._call = call
        self._given = threading.Lock()
        self._given.acquire()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise Unreachable(str(error), where=name, hint=FULL) from error

    def give(self, name: str, call: Callable[[], object]) -> None:
        self._thread.name, self._call = name, call
        self._given.release()

    def _work(self) -> None:
        while True:
            self._call()
            # Or the thread would hold on to what it has done until its next call.
            self._call, self._thread.name = _nothing, "idle"
            with self.guard:
                self.idle.append(self)
            if self._given.acquire(timeout=LINGER):
                continue
            with self.guard:
                if self in self.idle:
                    self.idle.remove(self)
                    return
            # It is being given one at this very moment.
            self._given.acquire()


def _nothing() -> None: ...


def start(name: str, call: Callable[[], object]) -> None:
    """Run a call that raises nothing in a daemon thread, which goes by that name meanwhile; from any thread.
    Raises `Unreachable` where the system starts no more threads."""
    with _Worker.guard:
        worker = _Worker.idle.pop() if _Worker.idle else None
    if worker is None:
        _Worker(name, call)
    else:
        worker.give(name, call)


class Threads:
    """At most `most` calls at once. Threads can't be cancelled: whoever stops waiting leaves his behind, and it
    counts until it returns. An executor's threads would be joined when the program ends."""

    def __init__(self, name: str, most: int, hint: str = KERNEL) -> None:
        self._name, self._most, self._hint = name, most, hint
        self._busy = 0

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call`, run in a thread. Raises what it raises; `TimedOut` where all threads are taken
        by calls that have not returned, `Unreachable` where the system starts no more of them."""
        if self._busy >= self._most:
            raise TimedOut(
                f"{self._busy} earlier calls have not returned",
                where=self._name,
                hint=self._hint,
            )
        work, result = handed_back(call, self._ended)
        start(self._name, work)
        self._busy += 1
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
    """An executor, as asyncio wants one, with daemon threads. `submit` raises `Unreachable` where the system
    starts none."""

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
            try:
                start("loop", self._work)
            except Unreachable:
                if not self._busy:
                    self._jobs.pop()
                    raise
                # One of those that are at work takes it.
                return future
            self._busy += 1
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

"""Feed: runs one source for ever and says at every moment how true its last word is.

A source is an async generator function, called anew for each attempt with the last value that it yielded (None
at first). The feed is the only thing that decides about freshness: whatever a source does (hang, end, raise,
flood, refuse to die), its reading stays honest and the event loop stays free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from time import perf_counter
from typing import Any, Generic, TypeVar, cast

from msgspec.structs import replace

from backends.api.clock import Clock, LoopClock, Timer
from backends.api.errors import BackendBug, BackendError, Silent, SourceEnded, TimedOut, bare
from backends.api.pace import Backoff, Pace, looked_at
from backends.api.readings import News, Reading, Seen, State

log = logging.getLogger("midwatch.feed")

S = TypeVar("S")
"""What the source yields."""
T = TypeVar("T")
"""What the reading holds: the same, or what `fold` makes of it."""

Source = Callable[[S | None], AsyncGenerator[Seen[S], None]]
Listener = Callable[[Reading[T], Reading[T]], None]
"""Called with the new reading and the one before it, on the loop; must return at once."""
NewsListener = Callable[[tuple[News, ...]], None]

AT_A_STRETCH = 0.005
"""Seconds for which a source may keep the loop by yielding without ever waiting."""
GRACE = 0.5
"""Seconds that a cancelled attempt has to end, before it is abandoned."""
ABANDONED_MOST = 3
"""With so many attempts that would not end, no new one starts until one of them does."""


class Feed(Generic[S, T]):
    """One source, kept honest. `name` is for logs and error texts ("etcd/main members").

    `fold` turns what the source yields into what the reading holds (a log feed appends to its Tail and keeps
    the numbers); without it they are the same. The source always gets back what it yielded; `last` is what an
    earlier feed of it had from it. No attempt begins before `turn` is set.
    """

    def __init__(
        self,
        name: str,
        source: Source[S],
        *,
        pace: Pace,
        fold: Callable[[S], T] | None = None,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        last: S | None = None,
        turn: asyncio.Event | None = None,
    ) -> None:
        self.name = name
        self.pace = pace
        self.looks = 0
        """How often the server has spoken: what this feed costs it."""
        self._source = source
        self._fold = fold or cast("Callable[[S], T]", lambda value: value)
        self._clock = clock or LoopClock()
        self._backoff = backoff or Backoff()
        self._turn = turn
        self._reading: Reading[T] = Reading(State.LOADING if self.pace.always else State.IDLE)
        self._last = last
        self._listeners: list[Listener[T]] = []
        self._news_listeners: list[NewsListener] = []
        self._viewers = 0
        self._supervisor: asyncio.Task[None] | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._number = 0
        """Counts attempts; one that was given up has an older number."""
        self._ending: set[asyncio.Task[None]] = set()
        self._abandoned: set[asyncio.Task[None]] = set()
        self._wake: asyncio.Event = asyncio.Event()
        self._heard = 0.0
        self._spoke = False
        self._deadline: Timer | None = None
        self._linger: Timer | None = None
        self._overdue: BackendError | None = None

    @property
    def reading(self) -> Reading[T]:
        return self._reading

    @property
    def last(self) -> S | None:
        """What the source yielded last, for the feed that comes after this one."""
        return self._last

    def watch(self, listener: Listener[T]) -> Callable[[], None]:
        """Look at this feed: start it if nobody did, and hear of every new reading. Returns how to look away."""
        self._listeners.append(listener)
        self._viewers += 1
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        self.start()
        left = False

        def leave() -> None:
            nonlocal left
            if left:
                return
            left = True
            self._listeners.remove(listener)
            self._viewers -= 1
            if self._viewers == 0 and not self.pace.always and self._supervisor is not None:
                self._linger = self._clock.call_later(self.pace.linger, self._rest)

        return leave

    def on_reading(self, listener: Listener[T]) -> None:
        """Hear of every new reading without being a viewer: it neither starts the feed nor hurries its source."""
        self._listeners.append(listener)

    def on_news(self, listener: NewsListener) -> None:
        """Hear of every event that the source itself saw, in its order. This alone does not start the feed."""
        self._news_listeners.append(listener)

    def start(self) -> None:
        if self._supervisor is None or self._supervisor.done():
            self._show(replace(self._reading, state=State.LOADING, error=None, next_try=None))
            self._supervisor = asyncio.create_task(self._run(), name=f"feed {self.name}")

    def retry_now(self) -> None:
        """Cut the present pause between two attempts short."""
        self._backoff.reset()
        self._wake.set()

    async def close(self) -> None:
        """Stop, and give the running attempt `GRACE` to end."""
        if self._linger is not None:
            self._linger.cancel()
        self._rest()
        supervisor = self._supervisor
        if supervisor is not None:
            await asyncio.gather(supervisor, return_exceptions=True)
        if self._ending:
            await asyncio.wait(self._ending, timeout=GRACE)

    def _rest(self) -> None:
        self._linger = None
        if self._supervisor is not None:
            self._supervisor.cancel()
            self._supervisor = None
        self._disarm()
        self._number += 1
        if self._attempt is not None:
            self._end(self._attempt)
            self._attempt = None
        if self._reading.state is not State.IDLE:
            self._show(replace(self._reading, state=State.IDLE, next_try=None))

    async def _run(self) -> None:
        while True:
            while len(self._abandoned) >= ABANDONED_MOST:
                await asyncio.wait(self._abandoned, return_when=asyncio.FIRST_COMPLETED)
            error = await self._try_once()
            pause = self._backoff.pause()
            # A source gone quiet was told as STALE the moment its limit passed, with the value still its own
            # last word; a source that failed is not reachable, whatever it said before.
            quiet = self._overdue is not None and self._reading.value is not None
            self._show(
                replace(
                    self._reading,
                    state=State.STALE if quiet else State.UNREACHABLE,
                    error=error,
                    next_try=self._clock.monotonic() + pause,
                )
            )
            await self._pause(pause)
            self._show(replace(self._reading, next_try=None))

    async def _try_once(self) -> BackendError:
        """One attempt, from its start until it has ended or was given up; returns why."""
        self._wake.clear()
        self._number += 1
        # Armed first: an eager task factory (Python 3.12 on, Textual sets one) runs the attempt as it is made.
        self._arm()
        attempt = asyncio.create_task(self._listen(self._number), name=f"attempt {self.name}")
        self._attempt = attempt
        attempt.add_done_callback(lambda _: self._wake.set())
        while not attempt.done() and attempt not in self._abandoned:
            await self._wake.wait()
            self._wake.clear()
        self._disarm()
        self._attempt = None
        if self._overdue is not None:
            return self._overdue
        return self._why(attempt)

    async def _listen(self, number: int) -> None:
        looked_at.set(lambda: self._viewers > 0)
        try:
            await self._take_all(number)
        except (SystemExit, KeyboardInterrupt) as error:
            # asyncio lets these two through to whoever runs the loop: one source would end the program.
            raise BackendBug(f"{type(error).__name__}: {error}", where=self.name) from error

    async def _take_all(self, number: int) -> None:
        if self._turn is not None:
            await self._turn.wait()
        began = perf_counter()
        async with aclosing(self._source(self._last)) as seens:
            async for seen in seens:
                if number != self._number:
                    return  # Given up: its late words are not believed.
                self._take(seen)
                if perf_counter() - began > AT_A_STRETCH:
                    await asyncio.sleep(0)
                    began = perf_counter()

    def _take(self, seen: Seen[S]) -> None:
        self.looks += 1
        self._heard = self._clock.monotonic()
        if not self._spoke:
            self._spoke = True
            self._disarm()
            self._deadline = self._clock.call_later(self.pace.quiet, self._check_deadline)
        self._backoff.reset()
        before = self._reading
        same = seen.changed is not None and not seen.changed and before.at is not None
        self._last = seen.value
        value = before.value if same else self._fold(seen.value)
        self._show(
            Reading(State.LIVE, value, self._heard, self._clock.now(), abandoned=len(self._abandoned)),
        )
        if seen.news:
            for listener in tuple(self._news_listeners):
                _call(listener, seen.news)

    def _why(self, attempt: asyncio.Task[None]) -> BackendError:
        if attempt.cancelled():
            return SourceEnded("the source cancelled itself", where=self.name)
        error = attempt.exception()
        if error is None:
            return SourceEnded("the source ended although it should run for ever", where=self.name)
        if isinstance(error, BackendError):
            return bare(error)
        log.error("bug in backend of %s", self.name, exc_info=error)
        return BackendBug(
            f"{type(error).__name__}: {error}",
            where=self.name,
            hint="this is a bug; see midwatch's log",
        )

    def _show(self, reading: Reading[T]) -> None:
        before, self._reading = self._reading, reading
        for listener in tuple(self._listeners):
            _call(listener, reading, before)

    def _arm(self) -> None:
        self._disarm()
        self._overdue = None
        self._spoke = False
        self._heard = self._clock.monotonic()
        self._deadline = self._clock.call_later(self.pace.first, self._check_deadline)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _check_deadline(self) -> None:
        # One timer for the attempt, moved on when it fires: a cancelled timer for each word of a source that
        # speaks a thousand times a second would fill the loop's heap.
        limit = self.pace.quiet if self._spoke else self.pace.first
        left = self._heard + limit - self._clock.monotonic()
        if left > 0:
            self._deadline = self._clock.call_later(left, self._check_deadline)
            return
        self._deadline = None
        kind = Silent if self._spoke else TimedOut
        self._overdue = kind(f"no answer within {limit:g} s", where=self.name)
        state = State.STALE if self._reading.value is not None else State.UNREACHABLE
        self._show(replace(self._reading, state=state, error=self._overdue))
        self._number += 1
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            self._end(attempt)

    def doubt(self, error: BackendError) -> None:
        """Its server is not well, as another feed has found: what is known counts as old at once, until the
        server speaks here again. Whatever it is being asked goes on."""
        if self._reading.state is State.LIVE:
            self._show(replace(self._reading, state=State.STALE, error=error))

    def _end(self, attempt: asyncio.Task[None]) -> None:
        attempt.cancel()
        self._ending.add(attempt)
        self._clock.call_later(GRACE, lambda: self._abandon(attempt))
        attempt.add_done_callback(self._ended)

    def _abandon(self, attempt: asyncio.Task[None]) -> None:
        if attempt.done():
            return
        log.error("an attempt of %s would not end and was abandoned", self.name)
        self._ending.discard(attempt)
        self._abandoned.add(attempt)
        self._wake.set()
        self._show(replace(self._reading, abandoned=len(self._abandoned)))

    def _ended(self, attempt: asyncio.Task[None]) -> None:
        if not attempt.cancelled():
            attempt.exception()  # retrieved: nobody else asks an attempt that was given up
        self._ending.discard(attempt)
        if attempt in self._abandoned:
            self._abandoned.discard(attempt)
            self._show(replace(self._reading, abandoned=len(self._abandoned)))

    async def _pause(self, seconds: float) -> None:
        self._wake.clear()
        timer = self._clock.call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()


def _call(listener: Callable[..., Any], *args: object) -> None:
    """A listener that raises costs only itself."""
    try:
        listener(*args)
    except Exception:
        log.exception("a listener raised")

"""One session with one ZooKeeper server: kazoo in threads of its own, left whole at its first trouble.

kazoo would look for another server itself, and then calls made while it is SUSPENDED pile up until they block for
ever (kazoo issue 577), a frozen server is noticed late, and LOST is learnt only after the next connection. So a
client of kazoo's is bound to one server here; when that falls silent or the state is no longer CONNECTED, the
client is dropped and the next server gets a new one. We own nothing in ZooKeeper: a session is nothing to keep.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from socket import SHUT_RDWR
from typing import Any, TypeVar

from msgspec import Struct

from backends.api.errors import BackendError, Denied, Silent
from backends.api.settings import Secret
from backends.coordination.zookeeper_access import Access
from backends.coordination.zookeeper_errors import MAY_READ, Lost, Suspended, mapped
from backends.coordination.zookeeper_guard import guard

log = logging.getLogger("midwatch.zookeeper.kazoo")

SESSION = 6.0
"""Seconds that we ask for as the session's timeout; the server has the last word (2 to 20 of its ticks)."""
AT_ONCE = 100
"""Calls that are under way at the same time; kazoo blocks for ever near 280."""
LEAVE = 0.2
"""Seconds for which a goodbye to the server is waited for."""

T = TypeVar("T")


class Stat(Struct, frozen=True):
    """What of a znode's stat is read."""

    czxid: int
    mzxid: int
    version: int
    owner: int
    """The session that an ephemeral belongs to, 0 for others."""


class Node(Struct, frozen=True):
    """A znode as it was looked at. `data` is None where only its stat was wanted, or where we may not read it;
    `children` are names."""

    stat: Stat | None
    """None where not even this may be read: since 3.8.4 and 3.9.2 it needs permission too (ZOOKEEPER-2590)."""
    data: bytes | None
    children: tuple[str, ...]
    denied: Denied | None = None
    """Why neither its data nor its children may be read."""


class Wanted(Struct, frozen=True):
    """What to look at, with watches on it; with `coming` also for the day on which it is there."""

    path: str
    data: bool
    children: bool
    coming: bool


def load_client() -> Any:
    """kazoo's client module. Blocks for some 40 ms."""
    # With no handler at all, Python would print kazoo's warnings over the screen.
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    log.addHandler(logging.NullHandler())
    return importlib.import_module("kazoo.client")


class Link:
    """Made by `connected`. Every call of kazoo's is made by our own thread, one job after another; its listener
    and its watches only hand over to the loop."""

    def __init__(self, access: Access, endpoint: str, secret: Secret | None) -> None:
        self.endpoint = endpoint
        self._access, self._secret = access, secret
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._client: Any = None
        self._state: str | None = None
        self._stirred = asyncio.Event()
        self._dirty: set[str] = set()
        self._ended = threading.Event()
        self._why: BackendError | None = None
        """Why the connection ended, as its guard has told first."""

    async def start(self, limit: float) -> None:
        """Connect. Raises `BackendError`."""
        # A daemon: a job that hangs with the server must not keep the program from ending.
        threading.Thread(target=self._work, name=f"zookeeper {self.endpoint}", daemon=True).start()
        try:
            async with asyncio.timeout(limit):
                await self._job(self._connect)
                while self._state != "CONNECTED":
                    if self._why is not None:
                        self._check_state()
                    self._stirred.clear()
                    await self._stirred.wait()
                    self._check_state()
        except TimeoutError:
            raise Silent(f"no session within {limit:g} s", where=self.endpoint) from None

    async def close(self) -> None:
        """Say goodbye, without waiting for a server that does not listen."""
        self._jobs.put(None)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE):
                await asyncio.to_thread(self._ended.wait, LEAVE)
        if not self._ended.is_set():
            self._hang_up()

    def _hang_up(self) -> None:
        """Or kazoo would stay with a server that says one byte now and then."""
        socket = None if self._client is None else self._client._connection._socket
        with suppress(OSError):
            if socket is not None:
                socket.shutdown(SHUT_RDWR)

    async def stirred(self, seconds: float) -> frozenset[str]:
        """The paths whose watches have fired, as soon as there are any; none after so many seconds. Raises
        `Suspended` or `Lost` when the connection is gone."""
        self._check_state()
        if not self._dirty:
            self._stirred.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._stirred.wait()
            except TimeoutError:
                pass
            self._check_state()
        dirty, self._dirty = frozenset(self._dirty), set()
        return dirty

    async def prove(self, limit: float) -> None:
        """One round trip through this server to the leader (`sync`), which writes nothing. Raises `Silent` where
        either of them does not answer: a server cut off from its leader would go on to say what it knew."""
        await self._call(lambda: self._client.sync_async("/").get(timeout=limit), limit)

    async def look(self, wanted: Iterable[Wanted], limit: float) -> dict[str, Node | None]:
        """Each znode as it is now, None where there is none, with watches for the next change of each."""
        found: dict[str, Node | None] = {}
        batch = list(wanted)
        for start in range(0, len(batch), AT_ONCE):
            part = batch[start : start + AT_ONCE]
            found |= await self._call(lambda part=part: self._look(part, limit), limit)  # type: ignore[misc]
        return found

    async def get(self, path: str, limit: float) -> tuple[bytes, Any]:
        """A znode's data and kazoo's stat of it. Raises `NotFound`."""
        data, stat = await self._call(lambda: self._client.get_async(path).get(timeout=limit), limit)
        return bytes(data), stat

    # In our own thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            act, future = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(act())
            except BaseException as error:
                future.set_exception(error)
            # Nothing of a job may stay here until the next one.
            del job, act, future
        try:
            if self._client is not None:
                self._client.stop()
                self._client.close()
        except Exception as error:
            log.info("%s: left without a goodbye: %r", self.endpoint, error)
        finally:
            self._ended.set()

    def _connect(self) -> None:
        access, client = self._access, load_client()
        from kazoo.retry import KazooRetry

        retry = KazooRetry(max_tries=0)  # type: ignore[no-untyped-call]
        signed = access.username is not None and self._secret is not None
        secret = self._secret.reveal() if self._secret is not None else ""
        self._client = client.KazooClient(
            hosts=f"{self.endpoint}{access.chroot}",
            timeout=SESSION,
            connection_retry=retry,
            auth_data=[("digest", f"{access.username}:{secret}")] if signed else None,
            logger=log,
            use_ssl=access.tls,
            ca=access.ca,
            certfile=access.cert,
            keyfile=access.key,
            check_hostname=access.tls,
        )
        self._client.add_listener(self._hear_state)
        guard(self._client._connection, self.endpoint, self._hear_end)
        self._client.start_async()

    def _look(self, wanted: list[Wanted], limit: float) -> dict[str, Node | None]:
        """Ask for all at once, then collect. A data watch fires for a deletion too."""
        from kazoo.exceptions import NoAuthError, NoNodeError

        client, watch = self._client, self._hear_watch
        deadline = time.monotonic() + limit
        asked = []
        for item in wanted:
            first = (client.get_async if item.data else client.exists_async)(item.path, watch=watch)
            below = client.get_children_async(item.path, watch=watch) if item.children else None
            asked.append((item, first, below))
        found: dict[str, Node | None] = {}
        for item, first, below in asked:
            try:
                got = _answer(first, deadline)
                names = tuple(_answer(below, deadline)) if below is not None else ()
            except NoNodeError:
                found[item.path] = came = self._stat_at_least(item, deadline) if item.coming else None
                if came is not None and came.stat is not None:
                    # It came between the two questions.
                    found |= self._look([item], limit)
                continue
            except NoAuthError:
                found[item.path] = self._stat_at_least(item, deadline)
                continue
            data, stat = (bytes(got[0]), got[1]) if item.data else (None, got)
            # `exists` says None where the others raise.
            found[item.path] = None if stat is None else Node(_stat(stat), data, names)
        return found

    def _stat_at_least(self, item: Wanted, deadline: float) -> Node | None:
        """What is known of a znode that may not be read. The watch of `exists` fires when one that is not there
        comes."""
        from kazoo.exceptions import NoAuthError

        denied = Denied("permission denied", where=item.path, hint=MAY_READ)
        try:
            stat = _answer(self._client.exists_async(item.path, watch=self._hear_watch), deadline)
        except NoAuthError:
            return Node(None, None, (), denied)
        return None if stat is None else Node(_stat(stat), None, (), denied)

    # In kazoo's threads

    def _hear_state(self, state: str) -> None:
        self._on_loop(lambda: self._set_state(state))

    def _hear_end(self, error: BackendError) -> None:
        self._on_loop(lambda: self._set_why(error))

    def _hear_watch(self, event: Any) -> None:
        if event.path is not None and event.type != "NONE":
            self._on_loop(lambda: self._add_dirty(event.path))

    def _on_loop(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # The loop has ended, and nobody listens any more.

    # On the loop

    def _set_state(self, state: str) -> None:
        self._state = state
        self._stirred.set()

    def _set_why(self, error: BackendError) -> None:
        self._why = self._why or error
        self._stirred.set()

    def _add_dirty(self, path: str) -> None:
        self._dirty.add(path)
        self._stirred.set()

    def _check_state(self) -> None:
        if self._why is not None:
            raise self._why
        if self._state == "SUSPENDED":
            raise Suspended("the connection is gone", where=self.endpoint)
        if self._state == "LOST":
            raise Lost("no session: the server took none, or ended it", where=self.endpoint)

    async def _call(self, act: Callable[[], T], limit: float) -> T:
        self._check_state()
        try:
            with mapped(self.endpoint, limit):
                async with asyncio.timeout(limit + 0.5):
                    return await self._job(act)
        except Suspended:
            # What the call knows of it is less than what the guard may have told meanwhile.
            self._check_state()
            raise

    async def _job(self, act: Callable[[], T]) -> T:
        future: Future[T] = Future()
        self._jobs.put((act, future))
        return await asyncio.wrap_future(future)


def _answer(result: Any, deadline: float) -> Any:
    """What kazoo has been asked, until a monotonic time at most."""
    return result.get(timeout=max(0.01, deadline - time.monotonic()))


def _stat(stat: Any) -> Stat:
    return Stat(stat.czxid, stat.mzxid, stat.version, stat.ephemeralOwner)


@asynccontextmanager
async def connected(access: Access, endpoint: str, secret: Secret | None, limit: float) -> AsyncIterator[Link]:
    """A session with one server. Raises `BackendError`."""
    link = Link(access, endpoint, secret)
    try:
        await link.start(limit)
        yield link
    finally:
        await link.close()

"""Our own watch loop over etcd: each change once and in order, across endpoints that die or fall silent.

A watch on a member that was stopped stays open without an event and without an error, so the loop asks for a
progress notification each second, gives a silent endpoint up after 2.5 s, and goes on at the next one behind the
last revision that it has seen.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from msgspec import Struct

from backends.api.errors import BackendError, Denied, Silent, Unreachable
from backends.coordination.etcd_wire import Wire

ASK = 1.0
"""Seconds between two progress requests."""
DEADLINE = 2.5
"""Seconds without a word after which an endpoint is given up."""
PAGE = 5_000
"""Keys read with one call."""
KEYS_MOST = 50_000
"""Keys below one prefix that are listed: a group of instances is far smaller, and a snapshot is kept whole."""


class KeyValue(Struct, frozen=True):
    key: bytes
    value: bytes
    version: int
    created: int
    modified: int
    lease: int


class Listed(Struct, frozen=True):
    """All keys below each prefix, at one revision. `gap`: the history before it is lost."""

    revision: int
    found: tuple[tuple[KeyValue, ...], ...]
    gap: bool


class Change(Struct, frozen=True):
    """One event: `kv` is None for a deletion. `prefix` is the index of the prefix it was watched by."""

    prefix: int
    key: bytes
    kv: KeyValue | None
    modified: int


class Changed(Struct, frozen=True):
    revision: int
    changes: tuple[Change, ...]


class Confirmed(Struct, frozen=True):
    """The server has spoken and there is nothing new."""

    revision: int


Step = Listed | Changed | Confirmed


class _Compacted(Exception):
    """The revisions that we wanted next are gone from the server."""


def range_end(prefix: bytes) -> bytes:
    """The first key after all keys with a prefix (etcd's API: `range_end`); `\\0` means to the end of all."""
    cut = prefix.rstrip(b"\xff")
    return cut[:-1] + bytes([cut[-1] + 1]) if cut else b"\0"


async def follow(
    wire: Wire, prefixes: Sequence[bytes], revision: int | None, *, list_first: bool
) -> AsyncGenerator[Step, None]:
    """Watch prefixes for ever, from the revision after `revision`, or from a listing where that is None.

    `list_first` gives the whole listing as the first step; without it only the revision to begin with. Raises
    the last error only when every endpoint has failed in turn, `Denied` at once.
    """
    await wire.ready()
    failed = 0
    gap = False
    while True:
        endpoint = wire.endpoints[0]
        try:
            if revision is None:
                listed = await _list(wire, endpoint, prefixes, gap, keys=list_first or gap)
                revision = listed.revision
                yield listed
            async for step in _stream(wire, endpoint, prefixes, revision):
                failed, revision = 0, step.revision
                yield step
        except _Compacted:
            revision, gap = None, True
        except Denied as error:
            if "token" not in error.reason or failed:
                raise
            wire.forget_token()
            failed += 1
        except BackendError:
            failed += 1
            wire.move_on()
            if failed > len(wire.endpoints):
                raise


async def _list(wire: Wire, endpoint: str, prefixes: Sequence[bytes], gap: bool, *, keys: bool) -> Listed:
    """Every key below the prefixes, all at the revision of the first answer."""
    revision = 0
    found = []
    for prefix in prefixes:
        rows: list[KeyValue] = []
        start = prefix or b"\0"
        more = True
        while more and len(rows) < KEYS_MOST:
            request = wire.pb.RangeRequest(
                key=start, range_end=range_end(prefix), limit=PAGE if keys else 1, revision=revision
            )
            reply = await wire.call(endpoint, "KV", "Range", request, DEADLINE)
            revision = revision or reply.header.revision
            if not keys:
                break
            rows += [_kv(kv) for kv in reply.kvs]
            more = reply.more
            start = rows[-1].key + b"\0" if rows else start
        found.append(tuple(rows))
    return Listed(revision, tuple(found), gap)


async def _stream(
    wire: Wire, endpoint: str, prefixes: Sequence[bytes], revision: int
) -> AsyncGenerator[Changed | Confirmed, None]:
    async with wire.watch(endpoint) as stream:
        for number, prefix in enumerate(prefixes, start=1):
            create = wire.pb.WatchCreateRequest(
                key=prefix or b"\0",
                range_end=range_end(prefix),
                start_revision=revision + 1,
                watch_id=number,
                fragment=True,
            )
            await _within(stream.write(wire.pb.WatchRequest(create_request=create)), endpoint)
        reader = _Reader(wire, endpoint, stream, revision, len(prefixes))
        try:
            while True:
                yield await reader.step()
        finally:
            await reader.close()


class _Reader:
    """One stream's answers, as steps, and the revision behind which the next stream may safely begin."""

    def __init__(self, wire: Wire, endpoint: str, stream: Any, revision: int, watches: int) -> None:
        self._wire, self._endpoint, self._stream = wire, endpoint, stream
        self._seen = [revision] * watches
        self._proved = self._promised = revision
        self._parts: list[Any] = []
        self._read: asyncio.Future[Any] | None = None
        self._heard = self._asked = time.monotonic()

    async def step(self) -> Changed | Confirmed:
        while True:
            reply = await self._next()
            if reply.canceled:
                self._refused(reply)
            if reply.watch_id == -1 or (not reply.events and not reply.created):
                # A progress notification can overtake events of its own revision (etcd issue 15220), so it
                # is believed one notification later.
                self._proved, self._promised = self._promised, max(self._promised, reply.header.revision)
                return Confirmed(self._safe())
            if reply.created:
                continue
            self._parts.extend((reply.watch_id, event) for event in reply.events)
            if reply.fragment:
                continue
            parts, self._parts = self._parts, []
            changes = tuple(_change(watch_id - 1, event) for watch_id, event in parts)
            for change in changes:
                self._seen[change.prefix] = max(self._seen[change.prefix], change.modified)
            return Changed(self._safe(), changes)

    def _safe(self) -> int:
        """All watches have seen everything up to here: one of them alone may be ahead of the others."""
        return max(min(self._seen), self._proved)

    async def _next(self) -> Any:
        while True:
            now = time.monotonic()
            if now - self._heard > DEADLINE:
                raise Silent(f"the watch was silent for {DEADLINE:g} s", where=self._endpoint)
            if now - self._asked >= ASK:
                self._asked = now
                progress = self._wire.pb.WatchRequest(progress_request=self._wire.pb.WatchProgressRequest())
                await _within(self._stream.write(progress), self._endpoint)
            if self._read is None:
                self._read = asyncio.ensure_future(self._stream.read())
            wait = min(self._asked + ASK, self._heard + DEADLINE) - now
            await asyncio.wait((self._read,), timeout=max(0.01, wait))
            if not self._read.done():
                continue
            read, self._read = self._read, None
            reply = read.result()
            if not hasattr(reply, "events"):
                raise Unreachable("the server ended the watch", where=self._endpoint)
            self._heard = time.monotonic()
            return reply

    def _refused(self, reply: Any) -> None:
        if reply.compact_revision:
            raise _Compacted
        if "token" in reply.cancel_reason:
            raise Denied("the token has expired", where=self._endpoint)
        if "permission denied" in reply.cancel_reason:
            raise Denied("permission denied for this prefix", where=self._endpoint)
        raise Unreachable(f"the watch was refused: {reply.cancel_reason}", where=self._endpoint)

    async def close(self) -> None:
        if self._read is not None:
            self._read.cancel()


async def _within(write: Any, endpoint: str) -> None:
    """A write to a stream whose other end may take nothing any more."""
    try:
        async with asyncio.timeout(DEADLINE):
            await write
    except TimeoutError:
        raise Silent(f"the watch was silent for {DEADLINE:g} s", where=endpoint) from None


def _kv(kv: Any) -> KeyValue:
    return KeyValue(kv.key, kv.value, kv.version, kv.create_revision, kv.mod_revision, kv.lease)


def _change(prefix: int, event: Any) -> Change:
    kv = event.kv
    return Change(prefix, kv.key, _kv(kv) if event.type == 0 else None, kv.mod_revision)

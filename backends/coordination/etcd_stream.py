"""One watch stream to one etcd member: several watches, fragments put together, silence noticed, progress proved.

etcd.io/docs "etcd API", Watch: a stream carries any number of watches by id; a progress notification has the id
-1 and says in its header up to which revision all of them have been told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct

from backends.api.errors import Silent, Unreachable
from backends.coordination.etcd_errors import Compacted, meant
from backends.coordination.etcd_wire import Wire

ASK = 1.0
"""Seconds between two progress requests."""
DEADLINE = 2.5
"""Seconds without a word after which an endpoint is given up."""
BELIEVED = 3
"""Notifications in a row, without an event of a watch between them, after which the first of them is believed."""

Position = tuple[int, ...]
"""For each watched prefix the revision up to which everything was seen."""


class KeyValue(Struct, frozen=True):
    key: bytes
    value: bytes
    version: int
    created: int
    modified: int
    lease: int


class Change(Struct, frozen=True):
    """One event: `kv` is None for a deletion. `prefix` is the index of the prefix it was watched by."""

    prefix: int
    key: bytes
    kv: KeyValue | None
    modified: int


class Changed(Struct, frozen=True):
    position: Position
    changes: tuple[Change, ...]


class Confirmed(Struct, frozen=True):
    """The server has spoken and there is nothing new."""

    position: Position


def range_end(prefix: bytes) -> bytes:
    """The first key after all keys with a prefix (etcd's API: `range_end`); `\\0` means to the end of all."""
    cut = prefix.rstrip(b"\xff")
    return cut[:-1] + bytes([cut[-1] + 1]) if cut else b"\0"


def key_value(kv: Any) -> KeyValue:
    return KeyValue(kv.key, kv.value, kv.version, kv.create_revision, kv.mod_revision, kv.lease)


async def watch_stream(
    wire: Wire, endpoint: str, prefixes: Sequence[bytes], position: Position, limit: float
) -> AsyncGenerator[Changed | Confirmed, None]:
    """What happens below the prefixes behind `position`, until the stream breaks, which raises.

    `limit` seconds are for the first answer, `DEADLINE` for each after it. Raises `Silent`, `Compacted` (with
    the revision from which on there is history), `TokenExpired`, `Denied`, `NoLeader`, `OtherCluster`,
    `Unreachable`.
    """
    async with wire.watch(endpoint, limit) as stream:
        reader = _Reader(wire, endpoint, stream, position, limit)
        try:
            for number, prefix in enumerate(prefixes):
                await reader.create(number, prefix)
            while True:
                yield await reader.step()
        finally:
            reader.close()


class _Reader:
    """A stream's answers as steps, and the position behind which the next stream may safely begin."""

    def __init__(self, wire: Wire, endpoint: str, stream: Any, position: Position, limit: float) -> None:
        self._wire, self._endpoint, self._stream = wire, endpoint, stream
        self._seen = list(position)
        self._quiet_for = [0] * len(position)
        self._progress: list[int] = []
        self._parts: list[Any] = []
        self._read: asyncio.Future[Any] | None = None
        self._limit = limit
        self._heard = time.monotonic()
        self._ask_at = self._heard

    async def create(self, number: int, prefix: bytes) -> None:
        request = self._wire.pb.WatchCreateRequest(
            key=prefix or b"\0",
            range_end=range_end(prefix),
            start_revision=self._seen[number] + 1,
            watch_id=number + 1,
            fragment=True,
        )
        await self._write(self._wire.pb.WatchRequest(create_request=request))

    async def step(self) -> Changed | Confirmed:
        while True:
            reply = await self._next()
            self._wire.check_cluster(reply.header, self._endpoint)
            if reply.canceled:
                self._refused(reply)
            if reply.created:
                continue
            if not reply.events and not reply.fragment and not self._parts:
                self._learn_progress(reply.header.revision)
                return Confirmed(tuple(self._seen))
            self._parts.extend((reply.watch_id - 1, event) for event in reply.events)
            if reply.fragment:
                continue
            parts, self._parts = self._parts, []
            changes = tuple(_change(number, event) for number, event in parts)
            changes = tuple(change for change in changes if change.modified > self._seen[change.prefix])
            for change in changes:
                self._seen[change.prefix] = max(self._seen[change.prefix], change.modified)
                self._quiet_for[change.prefix] = 0
            if changes:
                return Changed(tuple(self._seen), changes)

    def _learn_progress(self, revision: int) -> None:
        # Before etcd 3.4.25 and 3.5.8 a notification overtakes events of its own revision (issue 15220), and is
        # given while old events are still on their way. Without it, a quiet prefix would fall behind compaction.
        self._progress = [*self._progress, revision][-BELIEVED:]
        for number, seen in enumerate(self._seen):
            self._quiet_for[number] += 1
            if self._quiet_for[number] >= BELIEVED:
                self._seen[number] = max(seen, self._progress[0])

    async def _next(self) -> Any:
        while True:
            now = time.monotonic()
            if now - self._heard > self._limit:
                raise Silent(f"the watch was silent for {self._limit:g} s", where=self._endpoint)
            if now >= self._ask_at:
                self._ask_at = now + ASK
                progress = self._wire.pb.WatchProgressRequest()
                await self._write(self._wire.pb.WatchRequest(progress_request=progress))
            if self._read is None:
                self._read = asyncio.ensure_future(self._stream.read())
            wait = min(self._ask_at, self._heard + self._limit) - time.monotonic()
            await asyncio.wait((self._read,), timeout=max(0.01, wait))
            if not self._read.done():
                continue
            read, self._read = self._read, None
            reply = read.result()
            if not hasattr(reply, "events"):
                raise Unreachable("the server ended the watch", where=self._endpoint)
            self._heard, self._limit = time.monotonic(), DEADLINE
            return reply

    async def _write(self, request: Any) -> None:
        """A write to a stream whose other end may take nothing any more; where it has ended, reading says why."""
        left = self._heard + self._limit - time.monotonic()
        try:
            async with asyncio.timeout(max(0.01, left)):
                with suppress(asyncio.InvalidStateError):
                    await self._stream.write(request)
        except TimeoutError:
            raise Silent(f"the watch was silent for {self._limit:g} s", where=self._endpoint) from None

    def _refused(self, reply: Any) -> None:
        if reply.compact_revision:
            error = Compacted("the history that we want next is compacted away", where=self._endpoint)
            error.revision = reply.compact_revision
            raise error
        reason = reply.cancel_reason or "no reason given"
        raise meant(reason, self._endpoint) or Unreachable(
            f"the watch was refused: {reason}", where=self._endpoint
        )

    def close(self) -> None:
        if self._read is not None:
            # Asked for its outcome, or asyncio complains of an exception that nobody took.
            self._read.add_done_callback(lambda read: read.cancelled() or read.exception())
            self._read.cancel()


def _change(prefix: int, event: Any) -> Change:
    kv = event.kv
    return Change(prefix, kv.key, key_value(kv) if event.type == 0 else None, kv.mod_revision)

"""Our own watch loop over etcd: each change once and in order, across endpoints that die or fall silent.

A watch on a member that was stopped stays open without an event and without an error, so the loop asks for a
progress notification each second, gives a silent endpoint up after 2.5 s, and goes on at the next one behind the
last revision that it has seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

from msgspec import Struct

from backends.api.errors import BackendError, Conflict, Denied, Misconfigured, Silent
from backends.coordination.all_failed import why_all_failed
from backends.coordination.etcd_errors import Compacted, NoLeader, OtherCluster
from backends.coordination.etcd_stream import (
    DEADLINE,
    Changed,
    Confirmed,
    KeyValue,
    Position,
    key_value,
    range_end,
    watch_stream,
)
from backends.coordination.etcd_wire import Wire
from backends.coordination.watch_course import ELECTION, WatchCourse

HURRY = 1.2
"""Seconds that each endpoint has for its first word while there are others to try."""
LAP = 0.3
"""Seconds between two rounds over all endpoints."""
PAGE = 5_000
"""Keys read with one call."""
KEYS_MOST = 50_000
"""Keys below one prefix that are listed: a group of instances is far smaller, and a snapshot is kept whole."""

COMPACTED = "the store was compacted: changes before this revision are lost"
RESTORED = "the store went back in time (restored from a backup?): changes may be lost"
REPLACED = "another cluster answers at these addresses now: changes may be lost"


class Listed(Struct, frozen=True):
    """All keys below each prefix at one revision; None for a prefix whose history is whole, and which goes on.

    `gap` says why the history before it is lost; None at the beginning, where there is none to lose.
    """

    position: Position
    found: tuple[tuple[KeyValue, ...] | None, ...]
    gap: str | None = None


Step = Listed | Changed | Confirmed


class WentBack(Conflict):
    """The store is younger than what we have seen of it."""


class TooMany(Misconfigured):
    """A prefix below which there is a whole store, not a group."""


async def follow(
    wire: Wire, prefixes: Sequence[bytes], position: Position | None, *, keys: bool
) -> AsyncGenerator[Step, None]:
    """Watch prefixes for ever, from behind `position`, or from a listing where that is None.

    With `keys` listings hold the keys; without them only the revision to go on from. Raises `TooMany`, else only
    when every endpoint has failed in turn: what all of them said.
    """
    await wire.ready()
    course = _Course(position)
    while True:
        endpoint = wire.endpoints[0]
        try:
            async with aclosing(_at(endpoint, wire, prefixes, course, keys=keys)) as steps:
                async for step in steps:
                    yield step
        except TooMany:
            raise
        except Compacted as error:
            course.lose(COMPACTED, error.revision)
        except WentBack:
            course.begin_anew(RESTORED)
        except BackendError as error:
            # An old token makes a watch "permission denied" (etcd issue 12385): once with a new one.
            first = course.failed_at(endpoint, error)
            if isinstance(error, Denied) and first and wire.forget_token(endpoint):
                continue
            wire.silences += isinstance(error, Silent)
            wire.move_on(endpoint)
            if course.failed.keys() >= set(wire.endpoints):
                _after_a_round(wire, course)
                await asyncio.sleep(LAP)


class _Course(WatchCourse):
    """With where the watch goes on from.

    `gap` says that history was lost, and why; `at` from which revision on there is some (0: the present one).
    """

    def __init__(self, position: Position | None) -> None:
        super().__init__()
        self.position = position
        self.gap: str | None = None
        self.at = 0

    def lose(self, why: str, at: int) -> None:
        """Of a watch that has not begun there is no history to lose."""
        self.gap, self.at = (self.gap if self.position is None else why), at

    def begin_anew(self, why: str) -> None:
        self.gap, self.at, self.position = why, 0, None

    def listed(self, position: Position) -> str | None:
        """All of it was read; why its history before that is lost."""
        told, self.gap, self.at, self.position = self.gap, None, 0, position
        return told

    def stepped(self, position: Position) -> None:
        self.position = position
        self.go_well()


async def _at(
    endpoint: str, wire: Wire, prefixes: Sequence[bytes], course: _Course, *, keys: bool
) -> AsyncGenerator[Step, None]:
    """What one endpoint has to tell, until it fails, which raises."""
    # While there are others to try each has less time, so that two frozen ones are passed within `quiet`.
    limit = HURRY if wire.silences < len(wire.endpoints) else DEADLINE
    if course.position is None or course.gap is not None:
        found, position = await _Listing(wire, endpoint, prefixes, limit).read(
            course.position, course.at, keys=keys
        )
        yield Listed(position, found, course.listed(position))
    else:
        position = course.position
        await _check_store(wire, endpoint, prefixes[0], position, limit)
    with suppress(BackendError):
        listed = await wire.call(endpoint, "Cluster", "MemberList", wire.pb.MemberListRequest(), LAP)
        wire.learn(listed.members)
    async with aclosing(watch_stream(wire, endpoint, prefixes, position, limit)) as steps:
        async for step in steps:
            course.stepped(step.position)
            wire.silences = 0
            yield step


def _after_a_round(wire: Wire, course: _Course) -> None:
    """Every endpoint has failed: whether another round may do. Raises what all of them said where it may not."""
    errors = course.failed.values()
    electing = any(isinstance(why, NoLeader) for why in errors)
    if not electing and any(isinstance(why, OtherCluster) for why in errors):
        wire.cluster = None
        course.begin_anew(REPLACED)
    elif not electing or course.failing_for > ELECTION:
        raise why_all_failed(course.failed) from None
    course.failed = {}


async def _check_store(wire: Wire, endpoint: str, prefix: bytes, position: Position, limit: float) -> None:
    """That the store is the one we know, has a quorum, and is not older than what we have seen of it.

    A backup is mostly restored under the same cluster id, with an earlier revision; a watch from a revision to
    come would wait there without a word. Raises `WentBack`, `OtherCluster`, `NoLeader`.
    """
    request = wire.pb.RangeRequest(key=prefix or b"\0", range_end=range_end(prefix), limit=1, keys_only=True)
    reply = await wire.call(endpoint, "KV", "Range", request, limit, leader=True)
    wire.check_cluster(reply.header, endpoint)
    if reply.header.revision < max(position):
        raise WentBack("the store is older than it was", where=endpoint)


class _Listing:
    """Every key below some prefixes, all at one revision."""

    def __init__(self, wire: Wire, endpoint: str, prefixes: Sequence[bytes], limit: float) -> None:
        self._wire, self._endpoint, self._prefixes, self._limit = wire, endpoint, prefixes, limit

    async def read(
        self, position: Position | None, at: int, *, keys: bool
    ) -> tuple[tuple[tuple[KeyValue, ...] | None, ...], Position]:
        """The keys at revision `at` (0: the present one) and the position to go on from. A prefix that was seen
        up to `at` or later is left alone: None, and its own position."""
        revision = at
        found: list[tuple[KeyValue, ...] | None] = []
        reached: list[int] = []
        for number, prefix in enumerate(self._prefixes):
            if position is not None and at and position[number] >= at:
                found.append(None)
                reached.append(position[number])
                continue
            revision, rows = await self._below(prefix, revision, keys=keys)
            found.append(rows)
            reached.append(revision)
        return tuple(found), tuple(reached)

    async def _below(self, prefix: bytes, revision: int, *, keys: bool) -> tuple[int, tuple[KeyValue, ...]]:
        rows: list[KeyValue] = []
        start = prefix or b"\0"
        while True:
            request = self._wire.pb.RangeRequest(
                key=start,
                range_end=range_end(prefix),
                limit=PAGE if keys else 1,
                revision=revision,
                keys_only=not keys,
            )
            reply = await self._wire.call(self._endpoint, "KV", "Range", request, self._limit, leader=True)
            self._wire.check_cluster(reply.header, self._endpoint)
            revision = revision or reply.header.revision
            if not keys:
                return revision, ()
            if reply.count + len(rows) > KEYS_MOST:
                where = prefix.decode("utf-8", "replace")
                hint = f"a group is a prefix with at most {KEYS_MOST} keys"
                raise TooMany(f"{reply.count} keys below this prefix", where=where, hint=hint)
            rows += [key_value(kv) for kv in reply.kvs]
            if not reply.more or not reply.kvs:
                return revision, tuple(rows)
            start = rows[-1].key + b"\0"

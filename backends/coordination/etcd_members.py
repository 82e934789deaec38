"""etcd's own servers: each asked for itself, so that a dead or frozen one costs its own row only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from msgspec.structs import replace

from backends.api.errors import BackendError, Unreachable
from backends.api.models import Members, Seen, differing
from backends.coordination.cluster import milliseconds_since, together
from backends.coordination.etcd_census import Answer, Census
from backends.coordination.etcd_wire import OtherCluster, Wire

INTERVAL = 1.0
"""Seconds between two rounds."""
CALL = 1.8
"""Seconds that one member may take: with the round's own, a frozen one is told within 4 s."""
ROSTER = 3
"""Rounds between two looks at who belongs to the cluster."""
ROSTER_WAIT = 0.3
"""Seconds for which a round waits for the names of its rows."""


async def poll_members(wire: Wire, census: Census, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
    """The source behind `Membership.members` for etcd. Raises when no member answers."""
    await wire.ready()
    poll = _Poll(wire, census)
    before, gap = last, last is not None
    try:
        while True:
            start = time.monotonic()
            if await poll.round():
                rows, news = census.rows(wire.access.endpoints, before or {}, after_gap=gap)
                yield Seen(rows, None if before is None else differing(before, rows), tuple(news))
                before, gap = rows, False
            await asyncio.sleep(max(0.0, start + INTERVAL - time.monotonic()))
    finally:
        poll.close()


class _Poll:
    """The questions that are under way. One to a frozen member goes on while the others are asked anew."""

    def __init__(self, wire: Wire, census: Census) -> None:
        self._wire, self._census = wire, census
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._roster: asyncio.Task[None] | None = None
        self._rounds = 0

    async def round(self) -> bool:
        """Ask everyone who is not being asked; whether anybody answered within a round's time. Raises what all
        of them said when nobody does any more."""
        targets = self._targets()
        self._begin(targets)
        await asyncio.wait(self._asking.values(), timeout=INTERVAL)
        ended = await self._ended()
        answers = self._census.answers
        fresh = [target for target in ended if answers[target].error is None]
        if fresh:
            await self._names(fresh[0])
            named = [target for target in self._targets() if target not in targets]
            if named:
                self._begin(named)
                await asyncio.wait(self._asking.values(), timeout=INTERVAL / 2)
                await self._ended()
            return True
        if all(answers.get(t, Answer()).error for t in self._wire.access.endpoints) and not self._alive():
            raise self._nobody()
        return False

    def close(self) -> None:
        for task in (*self._asking.values(), self._roster):
            if task is not None:
                task.cancel()

    def _targets(self) -> list[str]:
        targets = self._census.targets(self._wire.access.endpoints)
        self._forget(targets)
        return targets

    def _begin(self, targets: list[str]) -> None:
        for target in targets:
            if target not in self._asking:
                self._asking[target] = asyncio.create_task(self._ask(target))

    async def _ended(self) -> list[str]:
        ended = [target for target, task in self._asking.items() if task.done()]
        for target in ended:
            await self._asking.pop(target)
        return ended

    def _forget(self, targets: list[str]) -> None:
        """Members that left the cluster, and that nobody named, are not asked any more."""
        for gone in self._census.answers.keys() - set(targets):
            del self._census.answers[gone]
            task = self._asking.pop(gone, None)
            if task is not None:
                task.cancel()

    async def _ask(self, target: str) -> None:
        start = time.monotonic()
        answers = self._census.answers
        try:
            status = await self._wire.call(target, "Maintenance", "Status", self._wire.pb.StatusRequest(), CALL)
            self._wire.check_cluster(status.header, target)
        except BackendError as error:
            answers[target] = replace(answers.get(target, Answer()), error=error)
            return
        answers[target] = Answer(status, time.monotonic(), datetime.now(UTC), milliseconds_since(start))
        self._census.cluster = f"{status.header.cluster_id:x}"
        self._wire.prefer(target)
        if not self._census.roster and self._roster is None:
            # The first who answers names the others, so that the first rows have names.
            self._roster = asyncio.create_task(self._learn_roster(target))

    async def _names(self, target: str) -> None:
        if self._roster is None and self._rounds % ROSTER == 0:
            self._roster = asyncio.create_task(self._learn_roster(target))
        self._rounds += 1
        if self._roster is not None:
            await asyncio.wait({self._roster}, timeout=ROSTER_WAIT)
            if self._roster.done():
                done, self._roster = self._roster, None
                await done

    async def _learn_roster(self, target: str) -> None:
        """Who belongs to the cluster. Where there is no answer, what was known stays."""
        try:
            listed = await self._wire.call(
                target, "Cluster", "MemberList", self._wire.pb.MemberListRequest(), CALL
            )
        except BackendError:
            return
        self._census.roster = {member.ID: member for member in listed.members}
        self._wire.learn(listed.members)

    def _alive(self) -> bool:
        now = time.monotonic()
        answers = self._census.answers.values()
        return any(a.error is None and a.at is not None and now - a.at < 2 * CALL for a in answers)

    def _nobody(self) -> BackendError:
        errors = {t: self._census.answers[t].error for t in self._wire.access.endpoints}
        if any(isinstance(error, OtherCluster) for error in errors.values()):
            # Nobody is left of the one we knew: the next attempt begins anew with what is there.
            self._wire.cluster = None
            self._census.forget()
        return together({where: error or Unreachable("no answer") for where, error in errors.items()})

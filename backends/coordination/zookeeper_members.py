"""ZooKeeper's own servers: each asked for itself, so that a dead or frozen one costs its own row only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

from msgspec.structs import replace

from backends.api.errors import BackendError, Unreachable
from backends.api.models import Members, Seen, differing
from backends.coordination.cluster import milliseconds_since, together
from backends.coordination.zookeeper_access import NotServing, Wire
from backends.coordination.zookeeper_census import Answer, Census
from backends.coordination.zookeeper_words import Conf, merged, parse_conf

INTERVAL = 1.0
"""Seconds between two rounds."""
CALL = 1.8
"""Seconds that one server may take: with the round's own, a frozen one is told within 4 s."""
MORE = 5
"""Rounds between two questions for `mntr` (17 KB of it) and `conf`."""


async def poll_members(wire: Wire, census: Census, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
    """The source behind `Membership.members` for ZooKeeper. Raises when no server answers."""
    await wire.ready()
    poll = _Poll(wire, census)
    before, gap = last, last is not None
    try:
        while True:
            start = time.monotonic()
            if await poll.round():
                now = time.monotonic()
                rows, news = census.rows(wire.access.endpoints, before or {}, now, after_gap=gap)
                yield Seen(rows, None if before is None else differing(before, rows), tuple(news))
                before, gap = rows, False
            await asyncio.sleep(max(0.0, start + INTERVAL - time.monotonic()))
    finally:
        poll.close()


class _Poll:
    """The questions that are under way. One to a frozen server goes on while the others are asked anew."""

    def __init__(self, wire: Wire, census: Census) -> None:
        self._wire, self._census = wire, census
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._rounds: dict[str, int] = {}

    async def round(self) -> bool:
        """Ask everyone who is not being asked; whether anybody answered within a round's time. Raises what all
        of them said when nobody does any more."""
        endpoints = self._wire.access.endpoints
        answers = self._census.answers
        ended = await self._ask_all()
        # The first answers name servers that we did not know of.
        ended |= await self._ask_all() if set(self._census.targets(endpoints)) - answers.keys() else set()
        if any(answers[target].spoke for target in ended if target in answers):
            return True
        if all(answers.get(target, Answer()).error for target in endpoints) and not self._alive():
            errors = {target: answers[target].error for target in endpoints}
            raise together({where: error or Unreachable("no answer") for where, error in errors.items()})
        return False

    def close(self) -> None:
        for task in self._asking.values():
            task.cancel()

    async def _ask_all(self) -> set[str]:
        targets = self._census.targets(self._wire.access.endpoints)
        self._forget(targets)
        for target in targets:
            if target not in self._asking:
                self._asking[target] = asyncio.create_task(self._ask(target))
        await asyncio.wait(self._asking.values(), timeout=INTERVAL)
        ended = {target for target, task in self._asking.items() if task.done()}
        for target in ended:
            await self._asking.pop(target)
        return ended

    def _forget(self, targets: list[str]) -> None:
        """Servers that left the ensemble, and that nobody named, are not asked any more."""
        for gone in self._census.answers.keys() - set(targets):
            del self._census.answers[gone]
            task = self._asking.pop(gone, None)
            if task is not None:
                task.cancel()

    async def _ask(self, target: str) -> None:
        answers = self._census.answers
        more = self._rounds.get(target, 0) % MORE == 0
        start = time.monotonic()
        try:
            status = await self._wire.status(target, CALL)
        except BackendError as error:
            old = answers.get(target, Answer())
            looking = (old.looking or time.monotonic()) if isinstance(error, NotServing) else None
            # What is to be asked only now and then is asked as soon as it is back.
            self._rounds[target] = 0
            answers[target] = replace(old, error=error, looking=looking)
            return
        took = milliseconds_since(start)
        old = answers.get(target, Answer())
        conf = old.conf
        if more:
            status = await self._wire.add_monitored(target, status, CALL / 2)
            conf = await self._conf(target) or conf
        elif old.status is not None and old.error is None:
            status = merged(status, old.status)
        self._rounds[target] = self._rounds.get(target, 0) + 1
        answers[target] = Answer(status, conf, time.monotonic(), datetime.now(UTC), took)

    async def _conf(self, target: str) -> Conf | None:
        try:
            return parse_conf(await self._wire.word(target, "conf", CALL / 2))
        except BackendError:
            return None

    def _alive(self) -> bool:
        now = time.monotonic()
        answers = self._census.answers.values()
        return any(a.error is None and a.at is not None and now - a.at < 2 * CALL for a in answers)

"""What ZooKeeper's servers are asked, one by one; how often is the affair of `rounds`."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from msgspec.structs import replace

from backends.api.errors import BackendError
from backends.coordination.rounds import CALL, milliseconds_since
from backends.coordination.watch_course import ELECTION
from backends.coordination.zookeeper_access import NotServing, Wire
from backends.coordination.zookeeper_census import ZookeeperAnswer, ZookeeperCensus
from backends.coordination.zookeeper_words import Conf, merged, parse_conf

MORE = 3
"""Rounds between two questions for `mntr` (17 KB of it) and `conf`."""


class ZookeeperAsker:
    """The questions of one attempt: an `Asker`."""

    def __init__(self, wire: Wire, census: ZookeeperCensus) -> None:
        self._wire, self._census = wire, census
        census.reached = wire.reached
        self._rounds: dict[str, int] = {}

    async def ready(self) -> None:
        await self._wire.ready()

    async def ask(self, address: str) -> ZookeeperAnswer:
        more = self._rounds.get(address, 0) % MORE == 0
        start = time.monotonic()
        try:
            status = await self._wire.status(address, CALL)
        except BackendError as error:
            # What is to be asked only now and then is asked as soon as it is back.
            self._rounds[address] = 0
            return self._failed(address, error)
        took = milliseconds_since(start)
        old = self._before(address)
        conf = old.conf
        if more:
            status = await self._wire.add_monitored(address, status, CALL / 2)
            conf = await self._conf(address) or conf
        elif old.status is not None and old.error is None:
            status = merged(status, old.status)
        self._rounds[address] = self._rounds.get(address, 0) + 1
        return ZookeeperAnswer(
            status=status, at=time.monotonic(), as_of=datetime.now(UTC), latency_ms=took, conf=conf
        )

    async def named(self, spoke: list[str]) -> None:
        """Its own `conf` has named the others."""

    def lost(self) -> None:
        """An ensemble has no identity that another one could not have."""

    def close(self) -> None:
        """Nothing is under way but what was asked."""

    def _before(self, address: str) -> ZookeeperAnswer:
        return self._census.answers.get(address, ZookeeperAnswer())

    def _failed(self, address: str, error: BackendError) -> ZookeeperAnswer:
        old, now = self._before(address), time.monotonic()
        looking = (old.looking or now) if isinstance(error, NotServing) else None
        electing = looking is not None and now - looking < ELECTION
        return replace(old, error=error, looking=looking, electing=electing)

    async def _conf(self, address: str) -> Conf | None:
        try:
            return parse_conf(await self._wire.word(address, "conf", CALL / 2))
        except BackendError:
            return None

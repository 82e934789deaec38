"""How etcd's members are asked, one by one, and who belongs to the cluster; how often is the affair of
`rounds`."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from msgspec.structs import replace

from backends.api.errors import BackendError
from backends.coordination.census import Answer
from backends.coordination.etcd_census import EtcdCensus
from backends.coordination.etcd_errors import OtherCluster
from backends.coordination.etcd_wire import Wire
from backends.coordination.rounds import CALL, milliseconds_since

ROSTER = 2
"""Rounds between two looks at who belongs to the cluster."""
ROSTER_WAIT = 0.3
"""Seconds for which a round waits for the names of its rows."""


class EtcdAsker:
    """The questions of one attempt: an `Asker`."""

    def __init__(self, wire: Wire, census: EtcdCensus) -> None:
        self._wire, self._census = wire, census
        self._roster: asyncio.Task[None] | None = None
        self._rounds = 0

    async def ready(self) -> None:
        await self._wire.ready()

    async def ask(self, address: str) -> Answer:
        start = time.monotonic()
        try:
            status = await self._wire.call(address, "Maintenance", "Status", self._wire.pb.StatusRequest(), CALL)
            self._wire.check_cluster(status.header, address)
        except BackendError as error:
            return replace(self._census.answers.get(address, Answer()), error=error)
        self._census.cluster = f"{status.header.cluster_id:x}"
        self._wire.prefer(address)
        if not self._census.roster and self._roster is None:
            # The first who answers names the others, so that the first rows have names.
            self._roster = asyncio.create_task(self._learn_roster(address))
        return Answer(status, time.monotonic(), datetime.now(UTC), milliseconds_since(start))

    async def named(self, spoke: list[str]) -> None:
        if self._roster is None and self._rounds % ROSTER == 0:
            self._roster = asyncio.create_task(self._learn_roster(spoke[0]))
        self._rounds += 1
        if self._roster is not None:
            await asyncio.wait({self._roster}, timeout=ROSTER_WAIT)
            if self._roster.done():
                done, self._roster = self._roster, None
                await done

    def lost(self) -> None:
        if any(isinstance(answer.error, OtherCluster) for answer in self._census.answers.values()):
            # Nobody is left of the one we knew: the next attempt begins anew with what is there.
            self._wire.cluster = None
            self._census.forget()

    def close(self) -> None:
        if self._roster is not None:
            self._roster.cancel()

    async def _learn_roster(self, address: str) -> None:
        """Who belongs to the cluster. Where there is no answer, what was known stays."""
        try:
            listed = await self._wire.call(
                address, "Cluster", "MemberList", self._wire.pb.MemberListRequest(), CALL
            )
        except BackendError:
            return
        self._census.roster = {member.ID: member for member in listed.members}
        self._wire.learn(listed.members)

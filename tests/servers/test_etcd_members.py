"""etcd against real members that are frozen, killed and brought back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from backends.api.capabilities import ABILITIES
from backends.api.events import EventKind
from backends.api.feed import Feed
from backends.api.members import Member, MemberState, Role
from backends.api.readings import State
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.coordination.etcd_wire import Wire
from tests.servers.etcd_cluster import EtcdCluster
from tests.waiting import until

pytestmark = pytest.mark.server


class Eyes:
    """One backend on a cluster, with its two feeds and all news."""

    def __init__(self, cluster: EtcdCluster) -> None:
        groups: dict[str, Any] = {"web": "/services/web/"}
        self.backend = Etcd("main", EtcdSettings(endpoints=cluster.endpoints, groups=groups))
        self.members = self._feed("members", self.backend.members)
        self.instances = self._feed("instances", self.backend.instances)
        self.wire = Wire(self.backend.settings.access(), 5.0)
        self.news: list[Any] = []
        for feed in (self.members, self.instances):
            feed.on_news(self.news.extend)
            feed.watch(lambda new, before: None)

    def _feed(self, noun: str, source: Any) -> Feed[Any, Any]:
        return Feed(noun, source, pace=ABILITIES[noun].pace)

    @property
    def rows(self) -> list[Member]:
        return list((self.members.reading.value or {}).values())

    def row(self, name: str) -> Member:
        return next(row for row in self.rows if row.name == name)

    def kinds(self) -> list[EventKind]:
        return [item.kind for item in self.news]

    async def put(self, key: bytes, value: bytes, lease: int = 0) -> None:
        await self.wire.ready()
        request = self.wire.pb.PutRequest(key=key, value=value, lease=lease)
        await self.wire.any("KV", "Put", request, 3.0)

    async def delete(self, key: bytes) -> None:
        await self.wire.any("KV", "DeleteRange", self.wire.pb.DeleteRangeRequest(key=key), 3.0)

    async def all_up(self) -> None:
        await until(
            lambda: (
                len(self.rows) == 3
                and all(row.state is MemberState.UP for row in self.rows)
                and any(row.role is Role.LEADER for row in self.rows)
                and self.instances.reading.state is State.LIVE
            )
        )

    async def close(self) -> None:
        await self.members.close()
        await self.instances.close()
        await self.backend.close()
        await self.wire.close()


@pytest.fixture
async def seen() -> AsyncIterator[tuple[EtcdCluster, Eyes]]:
    with EtcdCluster() as cluster:
        eyes = Eyes(cluster)
        await eyes.all_up()
        try:
            yield cluster, eyes
        finally:
            await eyes.close()


async def test_members_with_their_facts(seen: tuple[EtcdCluster, Eyes]) -> None:
    cluster, eyes = seen
    assert {row.name for row in eyes.rows} == {"m0", "m1", "m2"}
    assert {row.address for row in eyes.rows} == set(cluster.endpoints)
    for row in eyes.rows:
        assert row.version
        assert row.db_size
        assert row.db_in_use
        assert row.raft_term
        assert row.raft_index
        assert row.latency_ms is not None
        assert row.alarms == ()
    assert "quorum 2" in str(eyes.rows[0].quorum)
    raw = await eyes.backend.raw(eyes.rows[0])
    assert '"raftTerm"' in raw
    assert [check.ok for check in await eyes.backend.check()] == [True] * 3


async def test_a_frozen_leader_costs_its_row_and_the_groups_stay_live(seen: tuple[EtcdCluster, Eyes]) -> None:
    cluster, eyes = seen
    leader = next(row for row in eyes.rows if row.role is Role.LEADER)
    server = next(server for server in cluster.servers if server.name == leader.name)
    server.freeze()
    began = time.monotonic()
    await until(lambda: eyes.row(leader.name).trouble is not None, 6)
    assert time.monotonic() - began < 5
    row = eyes.row(leader.name)
    assert row.state is MemberState.UNKNOWN
    assert row.trouble is not None
    assert row.trouble.error.word == "silent"
    assert row.trouble.since is not None
    assert row.role is None
    await until(lambda: EventKind.LEADER in eyes.kinds())
    await eyes.put(b"/services/web/a", b'{"address": "10.0.0.1:80"}')
    await until(lambda: len(eyes.instances.reading.value or {}) == 1, 6)
    assert eyes.instances.reading.state is State.LIVE
    server.thaw()
    await eyes.all_up()
    assert eyes.kinds().count(EventKind.LEADER) >= 1


async def test_a_killed_member_is_down_with_its_reason_and_returns(seen: tuple[EtcdCluster, Eyes]) -> None:
    cluster, eyes = seen
    server = cluster.servers[1]
    server.kill()
    began = time.monotonic()
    await until(lambda: eyes.row("m1").state is MemberState.DOWN, 6)
    assert time.monotonic() - began < 5
    trouble = eyes.row("m1").trouble
    assert trouble is not None
    assert "refused" in trouble.error.reason
    assert eyes.row("m1").role is None
    assert "no further failure allowed" in str(eyes.row("m0").quorum)
    server.start()
    await eyes.all_up()


async def test_all_gone_keeps_every_row_and_returns_by_itself(seen: tuple[EtcdCluster, Eyes]) -> None:
    cluster, eyes = seen
    await eyes.put(b"/services/web/a", b"10.0.0.1:80")
    await until(lambda: eyes.instances.reading.value)
    for server in cluster.servers:
        server.kill()
    await until(lambda: eyes.members.reading.state is State.UNREACHABLE, 8)
    await until(lambda: eyes.instances.reading.state is State.UNREACHABLE, 8)
    assert len(eyes.rows) == 3
    assert len(eyes.instances.reading.value or {}) == 1
    assert "refused" in str(eyes.members.reading.error)
    for server in cluster.servers:
        server.start()
    await until(lambda: eyes.members.reading.state is State.LIVE, 10)
    await until(lambda: eyes.instances.reading.state is State.LIVE, 10)
    assert EventKind.LEFT not in eyes.kinds()


async def test_instances_come_and_go_in_order(seen: tuple[EtcdCluster, Eyes]) -> None:
    _, eyes = seen
    await eyes.put(b"/services/web/a\x1b[2J\xff", b'{"host": "h", "port": 80, "version": "1.2"}')
    await until(lambda: eyes.instances.reading.value)
    row = next(iter((eyes.instances.reading.value or {}).values()))
    assert (row.group, row.address, row.version, row.role) == ("web", "h:80", "1.2", Role.MEMBER)
    for number in range(20):
        await eyes.put(b"/services/web/b", b"10.0.0.2:%d" % number)
        await eyes.delete(b"/services/web/b")

    def told() -> list[EventKind]:
        return [kind for kind in eyes.kinds() if kind in (EventKind.JOINED, EventKind.LEFT)]

    await until(lambda: len(told()) >= 41)
    assert told() == [EventKind.JOINED] + [EventKind.JOINED, EventKind.LEFT] * 20


async def test_an_instance_whose_lease_ends_leaves(seen: tuple[EtcdCluster, Eyes]) -> None:
    _, eyes = seen
    await eyes.wire.ready()
    lease = await eyes.wire.any("Lease", "LeaseGrant", eyes.wire.pb.LeaseGrantRequest(TTL=2))
    await eyes.put(b"/services/web/short", b"10.0.0.9:1", lease.ID)
    await until(lambda: eyes.instances.reading.value)
    await until(lambda: not eyes.instances.reading.value, 10)
    assert eyes.kinds()[-1] is EventKind.LEFT

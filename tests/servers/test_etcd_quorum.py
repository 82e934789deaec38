"""etcd when the cluster itself is not well: no quorum, a full store; and that looking changes nothing."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from datetime import datetime
from itertools import groupby

import pytest

from backends.api.errors import BackendError
from backends.api.events import EventKind
from backends.api.members import MemberState, Role
from backends.api.readings import State
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.coordination.etcd_stream import Changed
from backends.coordination.etcd_watch import Listed, follow
from backends.coordination.etcd_wire import Wire
from tests.servers.etcd_cluster import EtcdCluster
from tests.servers.test_etcd_members import Eyes
from tests.waiting import until

pytestmark = pytest.mark.server


async def test_without_a_quorum_groups_are_not_live_and_members_go_on() -> None:
    with EtcdCluster() as cluster:
        eyes = Eyes(cluster)
        try:
            await eyes.all_up()
            await eyes.put(b"/services/web/a", b"10.0.0.1:80")
            await until(lambda: len(eyes.instances.reading.value or {}) == 1)
            survivor, *others = cluster.servers
            for server in others:
                server.freeze()
            await until(lambda: eyes.instances.reading.state in (State.STALE, State.UNREACHABLE), 12)
            assert len(eyes.instances.reading.value or {}) == 1
            # The survivor answers for itself, and its row is not held up by what needs a quorum.
            await until(lambda: eyes.row(survivor.name).role is not Role.LEADER, 12)
            assert eyes.row(survivor.name).trouble is None
            assert eyes.members.reading.state is State.LIVE
            assert "quorum lost" in str(eyes.row(survivor.name).quorum)
            await until(lambda: eyes.row(survivor.name).leaderless is not None)
            for server in others:
                server.thaw()
            await eyes.all_up()
            assert len(eyes.instances.reading.value or {}) == 1
        finally:
            await eyes.close()


async def test_a_full_store_is_an_alarm_of_its_member() -> None:
    with EtcdCluster(size=1, tls=["--quota-backend-bytes=2097152"]) as cluster:
        eyes = Eyes(cluster)
        try:
            await until(lambda: bool(eyes.rows))

            async def fill() -> None:
                for number in range(20):
                    await eyes.put(b"/fill/%d" % number, b"x" * 900_000)

            with pytest.raises(BackendError, match="space"):
                await fill()
            await until(lambda: [row.alarms for row in eyes.rows] == [("NOSPACE",)])
        finally:
            await eyes.close()


def version(cluster: EtcdCluster) -> str:
    with urllib.request.urlopen(f"http://{cluster.endpoints[0]}/version", timeout=5) as answer:
        return str(answer.read())


async def test_looking_writes_nothing() -> None:
    """Not even to the raft log: a list of alarms would be a proposal."""
    with EtcdCluster(size=1) as cluster:
        eyes = Eyes(cluster)
        try:
            # Its own first proposals are the names of the member and the version of the cluster.
            await until(lambda: "not_decided" not in version(cluster))
            now = eyes.members.reading
            await until(lambda: eyes.members.reading is not now and eyes.rows[0].raft_index is not None)
            before = eyes.rows[0].raft_index
            looks: list[object] = []
            eyes.members.watch(lambda new, old: looks.append(new))
            await until(lambda: len(looks) >= 5, 15)
            assert eyes.rows[0].raft_index == before
        finally:
            await eyes.close()


async def test_several_groups_repeat_nothing_over_a_failover() -> None:
    """Each prefix goes on from where it was itself, not from where the slowest was."""
    with EtcdCluster() as cluster:
        settings = EtcdSettings(endpoints=cluster.endpoints, groups={"a": "/a/", "b": "/b/"})
        reader, writer = Wire(settings.access(), 5.0), Wire(settings.access(), 5.0)
        await writer.ready()
        seen: list[tuple[bytes, int]] = []
        listed = asyncio.Event()

        async def read() -> None:
            async for step in follow(reader, [b"/a/", b"/b/"], None, keys=True):
                if isinstance(step, Listed):
                    assert not listed.is_set(), step.gap
                    listed.set()
                elif isinstance(step, Changed):
                    seen.extend((change.key, change.modified) for change in step.changes)

        async def put(key: bytes) -> int:
            request = writer.pb.PutRequest(key=key, value=b"x")
            reply = await writer.any("KV", "Put", request, 3.0)
            return int(reply.header.revision)

        task = asyncio.create_task(read())
        try:
            await listed.wait()
            written = []
            for number in range(40):
                # One group is busy and the other nearly silent, so that their positions differ.
                key = b"/a/%d" % number if number % 10 else b"/b/%d" % number
                written.append((key, await put(key)))
            await until(lambda: len(seen) == len(written))
            cluster.servers[0].kill()
            for number in range(40, 60):
                key = b"/a/%d" % number
                written.append((key, await put(key)))
            await until(lambda: len(seen) >= len(written), 15)
            for group in (b"/a/", b"/b/"):
                assert [c for c in seen if c[0].startswith(group)] == [
                    c for c in written if c[0].startswith(group)
                ]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await reader.close()
            await writer.close()


async def test_a_change_of_leader_is_one_event() -> None:
    with EtcdCluster() as cluster:
        eyes = Eyes(cluster)
        try:
            await eyes.all_up()
            leader = next(row for row in eyes.rows if row.role is Role.LEADER)
            server = next(server for server in cluster.servers if server.name == leader.name)
            server.kill()
            began = time.monotonic()
            await until(lambda: any(r.role is Role.LEADER and r.name != leader.name for r in eyes.rows))
            await until(lambda: EventKind.LEADER in eyes.kinds())
            assert time.monotonic() - began < 10
            await until(lambda: eyes.row(leader.name).state is MemberState.DOWN)
            assert eyes.row(leader.name).role is None
            server.start()
            await eyes.all_up()
            told = [item for item in eyes.news if item.kind is EventKind.LEADER]
            assert len(told) == 1
            assert told[0].text.startswith(f"{leader.name} → ")
        finally:
            await eyes.close()


async def test_a_frozen_leader_that_wakes_without_a_quorum_is_no_leader_yet() -> None:
    with EtcdCluster(tls=["--heartbeat-interval=100", "--election-timeout=1000"]) as cluster:
        eyes = Eyes(cluster)
        try:
            await eyes.all_up()
            name = next(row.name for row in eyes.rows if row.role is Role.LEADER)
            leader = next(server for server in cluster.servers if server.name == name)
            dead, other = (server for server in cluster.servers if server is not leader)
            since: list[datetime | None] = []
            eyes.members.watch(lambda new, old: since.append(eyes.row(other.name).leaderless))
            dead.kill()
            leader.freeze()
            await until(lambda: EventKind.LEADER in eyes.kinds(), 20)
            (lost,) = (item for item in eyes.news if item.kind is EventKind.LEADER)
            assert lost.text.startswith(f"{name} → no leader: for ")
            assert (lost.target, lost.bad, lost.cluster is None) == ("etcd/main", True, False)
            leader.thaw()
            await until(lambda: any(row.role is Role.LEADER for row in eyes.rows), 20)
            # There was none all the time, up to the one that both of them follow.
            assert [found for found, _ in groupby(since)][-2:] == [max(filter(None, since)), None]
            assert len(set(filter(None, since))) == 1
            told = [item.text for item in eyes.news if item.kind is EventKind.LEADER]
            assert len(told) == 2
            assert told[1].startswith(f"{name} → ")
            assert "(no leader for " in told[1]
        finally:
            await eyes.close()


async def test_a_backend_that_was_never_looked_at_closes_at_once() -> None:
    backend = Etcd("main", EtcdSettings(endpoints=("127.0.0.1:1",)))
    async with asyncio.timeout(1):
        await backend.close()

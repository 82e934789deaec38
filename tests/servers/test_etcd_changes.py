"""Every change once and in order, whatever happens to the members one by one."""

from __future__ import annotations

import asyncio
import time

import pytest

from backends.api.feed import Feed, Pace
from backends.api.models import ChangeKind, KeyChange, State
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.coordination.etcd_wire import Wire
from tests.servers.etcd_cluster import EtcdCluster, Server, until

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]


class Recorder:
    """A feed of changes, with the moment at which each was heard."""

    def __init__(self, backend: Etcd) -> None:
        self.changes: list[tuple[float, KeyChange]] = []
        self.feed: Feed[int, int] = Feed(
            "changes", lambda last: backend.changes(b"/n/", last), pace=Pace(quiet=4)
        )
        self.feed.on_news(
            lambda news: self.changes.extend(
                (time.monotonic(), item) for item in news if isinstance(item, KeyChange)
            )
        )
        self.feed.watch(lambda new, before: None)

    @property
    def numbers(self) -> list[int]:
        return [int(item.value or b"-1") for _, item in self.changes if item.kind is ChangeKind.PUT]


async def test_each_change_once_and_in_order_while_members_freeze_and_die() -> None:
    with EtcdCluster() as cluster:
        backend = Etcd("main", EtcdSettings(endpoints=cluster.endpoints))
        wire = Wire(backend.settings.access(), 5.0)
        await wire.ready()
        recorder = Recorder(backend)
        await until(lambda: recorder.feed.reading.state is State.LIVE)
        written: dict[int, float] = {}
        stop = asyncio.Event()

        async def write() -> None:
            number = 0
            while not stop.is_set():
                # A put that timed out may have happened: the number is written again under its own key until
                # it is known to stand, so the recorder may hear it twice with different revisions.
                await _put(wire, number)
                written[number] = time.monotonic()
                number += 1
                await asyncio.sleep(0.02)

        writer = asyncio.create_task(write())
        for server in cluster.servers:
            await _in_trouble(server)
        stop.set()
        await writer
        await until(lambda: bool(recorder.numbers) and recorder.numbers[-1] == max(written), 10)
        await recorder.feed.close()
        await backend.close()
        await wire.close()
        first_heard: dict[int, float] = {}
        for at, item in recorder.changes:
            first_heard.setdefault(int(item.value or b"-1"), at)
        assert sorted(first_heard) == sorted(written)
        assert len(written) > 300
        revisions = [item.modified for _, item in recorder.changes]
        assert revisions == sorted(set(revisions), key=lambda revision: revision or 0)
        late = max(first_heard[number] - at for number, at in written.items())
        assert late < 6


async def _put(wire: Wire, number: int) -> None:
    request = wire.pb.PutRequest(key=b"/n/%d" % number, value=b"%d" % number)
    for _ in range(50):
        try:
            await wire.any("KV", "Put", request, 1.0)
            return
        except Exception:
            await asyncio.sleep(0.1)
    raise AssertionError("the cluster took no write")


async def _in_trouble(server: Server) -> None:
    """Frozen for a while, thawed, killed, started: what the feed must live through is time itself."""
    server.freeze()
    await asyncio.sleep(4)
    server.thaw()
    await asyncio.sleep(1)
    server.kill()
    await asyncio.sleep(1.5)
    server.start()
    await asyncio.sleep(1.5)


async def test_history_that_was_compacted_away_is_told_as_a_gap() -> None:
    with EtcdCluster(size=1) as cluster:
        backend = Etcd("main", EtcdSettings(endpoints=cluster.endpoints, groups={"n": "/n/"}))
        wire = Wire(backend.settings.access(), 5.0)
        await wire.ready()
        for number in range(10):
            await _put(wire, number)
        source = backend.changes(b"/n/", 2)
        await wire.any("KV", "Compact", wire.pb.CompactionRequest(revision=9))
        kinds = []
        async with asyncio.timeout(10):
            async for item in source:
                kinds += [change.kind for change in item.news if isinstance(change, KeyChange)]
                if kinds:
                    break
        assert kinds == [ChangeKind.GAP]
        await source.aclose()
        await backend.close()
        await wire.close()

"""Every change once and in order, whatever happens to the members one by one."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from backends.api.stores import ChangeKind, KeyChange
from backends.coordination.etcd import Etcd, EtcdSettings
from backends.coordination.etcd_wire import Wire
from tests.servers.etcd_cluster import EtcdCluster, Server
from tests.servers.watching import Watching

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]
CHANGES = 2_000
FROZEN = 10.0
"""Seconds: longer than a watch waits for a member, an election, and a feed's patience together."""


async def test_two_thousand_changes_once_and_in_order_while_members_freeze_and_die(tmp_path: Path) -> None:
    """Through `midwatch watch`. The worst comes at most 6 s late."""
    with EtcdCluster() as cluster:
        wire = Wire(EtcdSettings(endpoints=cluster.endpoints).access(), 5.0)
        await wire.ready()
        endpoints = ", ".join(f'"{endpoint}"' for endpoint in cluster.endpoints)
        config = f"[context.lab.etcd.main]\nendpoints = [{endpoints}]\n"
        written: list[float] = []
        over = asyncio.Event()

        async def write() -> None:
            while not over.is_set() or len(written) < CHANGES:
                # A put that timed out may have happened: the number is written again under its own key until
                # it is known to stand, so it may be heard twice with different revisions.
                await _put(wire, len(written))
                written.append(time.monotonic())
                await asyncio.sleep(0.005)

        with Watching(tmp_path, config, "etcd/main", "/n/") as watching:
            writer = asyncio.create_task(write())
            for server in cluster.servers:
                await _in_trouble(server)
            over.set()
            await writer
            await asyncio.to_thread(watching.await_value, str(len(written) - 1), 10)
        await wire.close()
    assert len(written) >= CHANGES
    assert {item["kind"] for _, item in watching.items} == {"put"}
    first_heard: dict[int, float] = {}
    for at, item in watching.items:
        first_heard.setdefault(int(item["value"]), at)
    assert list(first_heard) == list(range(len(written)))
    revisions = [item["modified"] for _, item in watching.items]
    assert revisions == sorted(set(revisions))
    assert max(first_heard[number] - at for number, at in enumerate(written)) < 6


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
    """Frozen for a while, thawed, killed, started: what the watch must live through is time itself."""
    server.freeze()
    await asyncio.sleep(FROZEN)
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

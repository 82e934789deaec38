"""ZooKeeper's servers against real ones that are frozen, killed and brought back."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from backends.api.capabilities import ABILITIES
from backends.api.events import EventKind
from backends.api.feed import Feed
from backends.api.members import Member, MemberState, Role
from backends.api.readings import FeedKey, State
from backends.coordination.zookeeper import Zookeeper, ZookeeperSettings
from backends.coordination.zookeeper_words import parse_mntr, parse_srvr
from backends.incident.problems import Now, problems
from tests.servers.etcd_cluster import Server
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble
from tests.waiting import until

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]


class Eyes:
    """One backend on an ensemble, with its two feeds and all news."""

    def __init__(self, hosts: str, groups: dict[str, Any] | None = None) -> None:
        settings = ZookeeperSettings(
            hosts=hosts, groups={"search": "/services/search"} if groups is None else groups
        )
        self.backend = Zookeeper("main", settings)
        self.members = self._feed("members", self.backend.members)
        self.instances = self._feed("instances", self.backend.instances)
        self.news: list[Any] = []
        self.states: list[State] = []
        for feed in (self.members, self.instances):
            feed.on_news(self.news.extend)
            feed.watch(lambda new, before: None)
        self.instances.watch(lambda new, before: self.states.append(new.state))

    def _feed(self, noun: str, source: Any) -> Feed[Any, Any]:
        return Feed(noun, source, pace=ABILITIES[noun].pace)

    @property
    def rows(self) -> list[Member]:
        return list((self.members.reading.value or {}).values())

    @property
    def registered(self) -> list[str]:
        return sorted(row.name for row in (self.instances.reading.value or {}).values())

    def row(self, name: str) -> Member:
        return next(row for row in self.rows if row.name == name)

    def facts(self, name: str) -> dict[str, str]:
        row = self.row(name)
        return {detail.label: str(detail.value) for detail in row.details} | {"quorum": str(row.quorum)}

    def told(self, *kinds: EventKind) -> list[Any]:
        return [item for item in self.news if item.kind in kinds]

    def roles(self) -> list[str]:
        return sorted(row.role.value for row in self.rows if row.role is not None)

    async def all_up(self, seconds: float = 20) -> None:
        await until(
            lambda: (
                bool(self.rows)
                and all(row.state is MemberState.UP for row in self.rows)
                and any(row.role in (Role.LEADER, Role.STANDALONE) for row in self.rows)
                and self.instances.reading.state is State.LIVE
            ),
            seconds,
        )

    async def close(self) -> None:
        await self.members.close()
        await self.instances.close()
        await self.backend.close()


@pytest.fixture(scope="module")
def ensemble() -> Any:
    with ZookeeperEnsemble() as made:
        yield made


@pytest.fixture
async def eyes(ensemble: ZookeeperEnsemble) -> AsyncIterator[Eyes]:
    made = Eyes(ensemble.hosts)
    await made.all_up()
    try:
        yield made
    finally:
        await made.close()
        for server in ensemble.servers:
            if server.process is None:
                server.start()
            elif server.frozen:
                server.thaw()
        await asyncio.to_thread(ensemble.await_serving)


def server_of(ensemble: ZookeeperEnsemble, role: str, eyes: Eyes) -> Server:
    name = next(row.name for row in eyes.rows if row.role == role)
    return next(server for server in ensemble.servers if server.name == name)


async def test_fields_are_the_servers_own_answers(ensemble: ZookeeperEnsemble, eyes: Eyes) -> None:
    assert [row.name for row in eyes.rows] == [server.name for server in ensemble.servers]
    assert eyes.roles() == ["follower", "follower", "leader"]
    leader = server_of(ensemble, "leader", eyes)
    for row in eyes.rows:
        assert row.address is not None
        srvr = parse_srvr(await eyes.backend._wire.word(row.address, "srvr", 5))
        mntr = parse_mntr(await eyes.backend._wire.word(row.address, "mntr", 5))
        assert (row.role, row.version) == (srvr.role, srvr.version)
        assert mntr.role is row.role
        assert row.zxid is not None
        assert srvr.zxid is not None
        assert row.zxid <= srvr.zxid
        assert row.connections is not None
        assert row.latency_ms is not None
        assert row.lag in (0, None)
        assert row.leader == leader.name
        assert eyes.facts(row.name)["quorum"] == "3 of 3 answer, quorum 2: 1 more may fail"
        assert eyes.facts(row.name)["znodes"] == str(mntr.more["znodes"])
    raw = await eyes.backend.raw(eyes.rows[0])
    assert "Zxid: 0x" in raw
    assert "zk_quorum_size\t3" in raw
    assert [check.ok for check in await eyes.backend.check()] == [True] * 3
    assert eyes.backend.ask(eyes.rows[0]) == (
        *("sh", "-c"),
        f"echo srvr | nc 127.0.0.1 {ensemble.servers[0].client}",
    )


@pytest.mark.parametrize("role", ["leader", "follower"])
async def test_a_frozen_server_costs_its_row_only(ensemble: ZookeeperEnsemble, eyes: Eyes, role: str) -> None:
    server = server_of(ensemble, role, eyes)
    server.freeze()
    began = time.monotonic()
    await until(lambda: eyes.row(server.name).trouble is not None, 6)
    assert time.monotonic() - began < 5
    row = eyes.row(server.name)
    assert row.state is MemberState.UNKNOWN
    assert row.trouble is not None
    assert row.trouble.error.word == "silent"
    assert row.role is None
    await until(lambda: any(r.role is Role.LEADER for r in eyes.rows if r.name != server.name), 15)
    assert eyes.members.reading.state is State.LIVE
    assert "no further failure allowed" in str(eyes.rows[0].quorum)
    server.thaw()
    await eyes.all_up()
    leaders = [item.text for item in eyes.told(EventKind.LEADER)]
    assert len(leaders) == (role == "leader")
    assert all(text.startswith(f"{server.name} → ") for text in leaders)


@pytest.mark.parametrize("role", ["leader", "follower"])
async def test_a_killed_server_is_down_with_its_reason_and_returns(
    ensemble: ZookeeperEnsemble, eyes: Eyes, role: str
) -> None:
    server = server_of(ensemble, role, eyes)
    server.kill()
    began = time.monotonic()
    await until(lambda: eyes.row(server.name).state is MemberState.DOWN, 6)
    assert time.monotonic() - began < 5
    trouble = eyes.row(server.name).trouble
    assert trouble is not None
    assert "refused" in trouble.error.reason
    assert eyes.row(server.name).role is None
    await until(lambda: any(r.role is Role.LEADER for r in eyes.rows), 15)
    server.start()
    await eyes.all_up()
    texts = [item.text for item in eyes.told(EventKind.STATE) if item.target == server.name]
    assert texts[0].startswith("up → down: connection refused")
    assert texts[-1].endswith("→ up")


async def test_without_a_quorum_the_survivor_says_that_it_serves_nobody(
    ensemble: ZookeeperEnsemble, eyes: Eyes
) -> None:
    survivor, *others = ensemble.servers
    for server in others:
        server.kill()
    await until(lambda: eyes.row(survivor.name).trouble is not None, 15)
    trouble = eyes.row(survivor.name).trouble
    assert trouble is not None
    assert "serves nobody" in trouble.error.reason
    assert eyes.members.reading.state is State.LIVE
    assert "quorum lost" in eyes.facts(survivor.name)["quorum"]
    await until(lambda: eyes.row(survivor.name).leaderless is not None)
    await until(lambda: eyes.instances.reading.state in (State.STALE, State.UNREACHABLE), 15)


async def test_frozen_servers_that_go_on_have_no_leader_until_a_quorum_has_one(
    ensemble: ZookeeperEnsemble, eyes: Eyes
) -> None:
    leader = server_of(ensemble, "leader", eyes)
    survivor, other = (server for server in ensemble.servers if server is not leader)
    for server in (leader, other):
        server.freeze()
    await until(lambda: "quorum lost" in eyes.facts(survivor.name)["quorum"], 15)
    known = time.monotonic()
    contradicted: list[str] = []

    def compare(new: object, old: object) -> None:
        up = sum(row.state is MemberState.UP for row in eyes.rows)
        if not eyes.facts(survivor.name)["quorum"].startswith(f"{up} of 3 answer"):
            contradicted.append(str(eyes.rows))

    eyes.members.watch(compare)
    await until(lambda: bool(eyes.told(EventKind.LEADER)), 30)
    assert eyes.row(survivor.name).leaderless is not None
    (lost,) = eyes.told(EventKind.LEADER)
    assert lost.text.startswith(f"{leader.name} → no leader: for ")
    for server in (leader, other):
        server.thaw()
    await until(lambda: len(eyes.told(EventKind.LEADER)) == 2, 30)
    without = re.search(r"no leader for (\d+) s", eyes.told(EventKind.LEADER)[1].text)
    assert without is not None
    # Since the quorum was lost, not since the one that was left had looked in vain for long enough.
    assert int(without[1]) >= int(time.monotonic() - known - 1)
    await eyes.all_up(30)
    assert contradicted == []


async def test_all_gone_keeps_every_row_and_returns_by_itself(ensemble: ZookeeperEnsemble, eyes: Eyes) -> None:
    for server in ensemble.servers:
        server.kill()
    await until(lambda: eyes.members.reading.state is State.UNREACHABLE, 8)
    assert len(eyes.rows) == 3
    assert "refused" in str(eyes.members.reading.error)
    for server in ensemble.servers:
        server.start()
    await eyes.all_up(30)


async def test_a_follower_of_which_alone_we_know_is_no_proof_that_nobody_leads(
    ensemble: ZookeeperEnsemble, eyes: Eyes
) -> None:
    """A static ensemble does not tell where the others serve."""
    part = Eyes(server_of(ensemble, "follower", eyes).address, groups={})
    try:
        await until(lambda: bool(part.rows))
        assert [(row.role, row.leaderless) for row in part.rows] == [(Role.FOLLOWER, None)]
        assert str(part.rows[0].quorum) == "1 of 3 answer, quorum 2: 2 not in hosts, so not known"
        readings = {FeedKey("zookeeper/main", "members"): part.members.reading}
        assert problems(readings, (), {}, (), Now(time.monotonic(), datetime.now(UTC))) == []
    finally:
        await part.close()


async def test_an_observer_does_not_vote_and_a_server_that_is_not_in_hosts_is_named() -> None:
    with ZookeeperEnsemble(size=3, observers=1) as ensemble:
        eyes = Eyes(ensemble.hosts, groups={})
        part = Eyes(ensemble.servers[2].address, groups={})
        try:
            await eyes.all_up()
            assert eyes.roles() == ["follower", "leader", "observer"]
            assert eyes.facts("server.3")["quorum"] == "2 of 2 answer, quorum 2: no further failure allowed"
            await until(lambda: len(part.rows) == 1)
            assert "server.1 at 127.0.0.1" in part.facts("server.3")["not watched"]
            assert "not in hosts" in part.facts("server.3")["quorum"]
        finally:
            await eyes.close()
            await part.close()

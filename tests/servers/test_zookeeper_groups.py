"""Groups of ephemerals in a real ensemble: live, over suspended and lost sessions, nothing doubled."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE, make_digest_acl

from backends.api.errors import Denied
from backends.api.events import EventKind
from backends.api.members import MemberState, Role
from backends.api.readings import State
from tests.servers.test_zookeeper_members import Eyes
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble
from tests.waiting import until

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]
GROUP = "/services/search"
HERE = (EventKind.JOINED, EventKind.LEFT)


@pytest.fixture(scope="module")
def ensemble() -> Iterator[ZookeeperEnsemble]:
    with ZookeeperEnsemble() as made:
        yield made


@pytest.fixture
def client(ensemble: ZookeeperEnsemble) -> Iterator[Any]:
    made = ensemble.client()
    made.ensure_path(GROUP)
    try:
        yield made
    finally:
        leave(made)
        # By a session of its own: the test's may have been lost with the servers.
        fresh = ensemble.client()
        for name in fresh.get_children(GROUP):
            fresh.delete(f"{GROUP}/{name}")
        leave(fresh)


@pytest.fixture
async def eyes(ensemble: ZookeeperEnsemble, client: Any) -> AsyncIterator[Eyes]:
    made = Eyes(ensemble.hosts)
    await made.all_up()
    try:
        yield made
    finally:
        await made.close()


def events(eyes: Eyes) -> list[tuple[str, str, bool]]:
    return [(item.kind.value, item.target, item.after_gap) for item in eyes.told(*HERE)]


def leave(client: Any) -> None:
    client.stop()
    client.close()


async def put(client: Any, name: str, value: bytes = b"10.0.0.1:80", *, ephemeral: bool = True) -> None:
    await asyncio.to_thread(client.create, f"{GROUP}/{name}", value, ephemeral=ephemeral)


async def test_instances_come_change_and_go(eyes: Eyes, client: Any) -> None:
    await put(client, "a[b]\u202e", b'{"host": "h", "port": 80, "version": "1.2"}')
    await until(lambda: eyes.registered == ["a[b]\u202e"])
    row = next(iter((eyes.instances.reading.value or {}).values()))
    assert (row.group, row.address, row.version, row.role) == ("search", "h:80", "1.2", Role.MEMBER)
    assert eyes.backend.ask(row) == (
        *("zkCli.sh", "-server", eyes.backend.where, "get", "-s"),
        f"{GROUP}/a[b]\u202e",
    )
    raw = await eyes.backend.raw(row)
    assert "ephemeralOwner   0x" in raw
    assert '"port": 80' in raw
    await asyncio.to_thread(client.set, f"{GROUP}/a[b]\u202e", b"\xff\x00")
    await until(lambda: next(iter((eyes.instances.reading.value or {}).values())).address is None)
    await asyncio.to_thread(client.delete, f"{GROUP}/a[b]\u202e")
    await until(lambda: eyes.registered == [])
    assert events(eyes) == [("joined", "search/a[b]\u202e", False), ("left", "search/a[b]\u202e", False)]


async def test_a_group_whose_parent_comes_goes_and_comes_back(eyes: Eyes, client: Any) -> None:
    await asyncio.to_thread(client.delete, GROUP)
    await asyncio.to_thread(client.create, GROUP)
    await put(client, "a")
    await until(lambda: eyes.registered == ["a"])
    await asyncio.to_thread(client.delete, GROUP, recursive=True)
    await until(lambda: eyes.registered == [])
    await asyncio.to_thread(client.create, GROUP)
    await put(client, "b")
    await until(lambda: eyes.registered == ["b"])
    assert [kind for kind, _, _ in events(eyes)] == ["joined", "left", "joined"]


async def test_what_may_not_be_read_costs_its_own_row_or_group(ensemble: ZookeeperEnsemble, client: Any) -> None:
    secret = [make_digest_acl("ops", "pass", all=True)]  # type: ignore[no-untyped-call]
    await put(client, "open")
    await asyncio.to_thread(client.create, f"{GROUP}/secret", b"", acl=secret, ephemeral=True)
    await asyncio.to_thread(client.create, "/services/closed", b"", acl=secret)
    eyes = Eyes(ensemble.hosts, groups={"search": GROUP, "closed": "/services/closed"})
    alone = Eyes(ensemble.hosts, groups={"closed": "/services/closed"})
    try:
        await until(lambda: eyes.instances.reading.state is State.LIVE, 30)
        rows = {row.name: row for row in (eyes.instances.reading.value or {}).values()}
        assert rows.keys() == {"open", "secret", "/services/closed"}
        assert {name for name, row in rows.items() if row.trouble is None} == {"open"}
        assert rows["secret"].state is MemberState.UP
        assert rows["/services/closed"].state is MemberState.UNKNOWN
        # Where nothing at all may be read, the source itself is denied.
        await until(lambda: isinstance(alone.instances.reading.error, Denied))
        # What is readable stays live, and what is allowed later is seen.
        await put(client, "later")
        await until(lambda: "later" in eyes.registered)
        await asyncio.to_thread(client.add_auth, "digest", "ops:pass")
        await asyncio.to_thread(client.set_acls, "/services/closed", OPEN_ACL_UNSAFE)
        await until(lambda: "/services/closed" not in eyes.registered, 10)
        assert events(eyes) == [("joined", "search/later", False)]
    finally:
        await eyes.close()
        await alone.close()
        await asyncio.to_thread(client.delete, "/services/closed", recursive=True)


async def test_an_instance_whose_session_ends_leaves(
    ensemble: ZookeeperEnsemble, eyes: Eyes, client: Any
) -> None:
    other = await asyncio.to_thread(ensemble.client)
    await put(other, "short")
    await put(client, "long")
    await until(lambda: eyes.registered == ["long", "short"])
    await asyncio.to_thread(leave, other)
    await until(lambda: eyes.registered == ["long"], 15)
    assert events(eyes)[-1] == ("left", "search/short", False)


async def test_a_frozen_server_under_the_session_is_passed_and_what_was_missed_is_marked(
    ensemble: ZookeeperEnsemble, eyes: Eyes, client: Any
) -> None:
    follower = next(n for n, row in enumerate(eyes.rows) if row.role is Role.FOLLOWER)
    other = Eyes(ensemble.hosts)
    other.backend._wire.turn = follower
    await other.all_up()
    await put(client, "a")
    await until(lambda: other.registered == ["a"])
    del other.states[:]
    address = ensemble.servers[follower].address
    fresh = KazooClient(ensemble.hosts.replace(address, "").strip(",").replace(",,", ","))  # type: ignore[no-untyped-call]
    await asyncio.to_thread(fresh.start)
    ensemble.servers[follower].freeze()
    try:
        await put(fresh, "b")
        await until(lambda: other.registered == ["a", "b"], 10)
    finally:
        ensemble.servers[follower].thaw()
    await asyncio.to_thread(leave, fresh)
    await until(lambda: other.registered == ["a"], 15)
    assert set(other.states) <= {State.LIVE}
    assert [item[1:] for item in events(other)] == [
        ("search/a", False),
        ("search/b", True),
        ("search/b", False),
    ]
    await other.close()


async def test_suspended_and_then_lost_are_said_and_what_was_missed_is_derived(
    ensemble: ZookeeperEnsemble, eyes: Eyes, client: Any
) -> None:
    await put(client, "stays", ephemeral=False)
    await put(client, "goes", ephemeral=False)
    await until(lambda: eyes.registered == ["goes", "stays"])
    for server in ensemble.servers:
        server.freeze()
    try:
        await until(lambda: eyes.instances.reading.state is State.STALE, 6)
        assert eyes.registered == ["goes", "stays"]
    finally:
        for server in ensemble.servers:
            server.thaw()
    await asyncio.to_thread(ensemble.await_serving)
    await until(lambda: eyes.instances.reading.state is State.LIVE, 15)
    assert len(events(eyes)) == 2
    for server in ensemble.servers:
        server.kill()
    reasons: set[str] = set()
    eyes.instances.watch(lambda new, before: reasons.add(str(new.error)))
    try:
        await until(lambda: any("session suspended: connection refused" in reason for reason in reasons), 6)
        await until(lambda: any("session lost: connection refused" in reason for reason in reasons), 15)
        assert eyes.registered == ["goes", "stays"]
    finally:
        for server in ensemble.servers:
            server.start()
    await asyncio.to_thread(ensemble.await_serving)
    fresh = await asyncio.to_thread(ensemble.client)
    await asyncio.to_thread(fresh.delete, f"{GROUP}/goes")
    await asyncio.to_thread(leave, fresh)
    await until(lambda: eyes.instances.reading.state is State.LIVE, 20)
    await until(lambda: eyes.registered == ["stays"])
    assert [item[:2] for item in events(eyes)[2:]] == [("left", "search/goes")]


async def test_kazoo_says_nothing_on_stderr_and_its_threads_end(
    ensemble: ZookeeperEnsemble, client: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """Even with no handler at all, where Python itself would print warnings."""
    root = logging.getLogger()
    kept, root.handlers[:] = root.handlers[:], []
    try:
        eyes = Eyes(ensemble.hosts)
        await eyes.all_up()
        ours = [thread for thread in threading.enumerate() if thread.name.startswith("zookeeper ")]
        assert len(ours) == 1
        used = ensemble.servers[eyes.backend._wire.turn % 3]
        used.kill()
        await until(lambda: eyes.instances.reading.state is State.LIVE and not ours[0].is_alive(), 10)
        await eyes.close()
        used.start()
    finally:
        root.handlers[:] = kept
    await until(lambda: not [t for t in threading.enumerate() if t.name.startswith("zookeeper ")], 10)
    await asyncio.to_thread(ensemble.await_serving)
    assert capfd.readouterr().err == ""


async def test_a_follower_that_does_not_yet_know_that_its_leader_is_frozen_is_not_believed() -> None:
    """It would go on for syncLimit ticks, ten seconds here as by default, to say what it knew."""
    with ZookeeperEnsemble(more="syncLimit=20\n") as ensemble:
        eyes = Eyes(ensemble.hosts)
        try:
            await eyes.all_up()
            leader = next(n for n, row in enumerate(eyes.rows) if row.role is Role.LEADER)
            ensemble.servers[leader].freeze()
            await until(lambda: eyes.instances.reading.state is State.STALE, 7)
        finally:
            await eyes.close()

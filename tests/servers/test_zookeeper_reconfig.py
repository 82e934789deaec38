"""A real ensemble whose servers change: the configuration that counts is the newest, not the one seen first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from backends.api.events import EventKind
from backends.api.members import MemberState
from backends.api.readings import State
from tests.servers.test_zookeeper_members import Eyes
from tests.servers.zookeeper_ensemble import ZookeeperEnsemble
from tests.waiting import until

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]
ALL_UP = "3 of 3 answer, quorum 2: 1 more may fail"
SRVR_ALONE = "4lw.commands.whitelist=srvr\n"


@pytest.fixture(params=["", SRVR_ALONE], ids=["by their conf", "by the znode alone"])
def ensemble(request: pytest.FixtureRequest) -> Iterator[ZookeeperEnsemble]:
    with ZookeeperEnsemble(spare=1, more=request.param) as made:
        yield made


def reconfigure(ensemble: ZookeeperEnsemble, leaving: int) -> None:
    """Server 4 comes in for another."""
    client = ensemble.client()
    try:
        client.reconfig(joining=ensemble.lines[4], leaving=None, new_members=None)
        client.reconfig(joining=None, leaving=str(leaving), new_members=None)
    finally:
        client.stop()
        client.close()


def leader_of(ensemble: ZookeeperEnsemble) -> int:
    """The index of who leads; blocks."""
    modes = [b"Mode: leader" in say(server.client, b"srvr") for server in ensemble.servers[: ensemble.size]]
    return modes.index(True)


def say(port: int, word: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(word)
        return b"".join(iter(lambda: connection.recv(65536), b""))


async def test_a_server_that_takes_the_place_of_another_is_asked(ensemble: ZookeeperEnsemble) -> None:
    leads = await asyncio.to_thread(leader_of, ensemble)
    # By another name than the configuration has, as is usual.
    eyes = Eyes(ensemble.hosts.replace("127.0.0.1", "localhost"))
    try:
        # The session stays with the leader, and the one that leaves is another: nothing is read anew.
        eyes.backend._wire.turn = leads
        goes = next(n for n in (1, 2, 3) if n != leads + 1)
        await eyes.all_up()
        await until(lambda: sorted(row.name for row in eyes.rows) == ["server.1", "server.2", "server.3"])
        assert {str(row.quorum) for row in eyes.rows} == {ALL_UP}
        ensemble.servers[3].start()
        await asyncio.to_thread(reconfigure, ensemble, goes)
        ensemble.servers[goes - 1].kill()
        await until(lambda: any(row.name == "server.4" and row.state is MemberState.UP for row in eyes.rows), 15)
        await until(lambda: {str(row.quorum) for row in eyes.rows} == {ALL_UP}, 15)
        told = {(item.kind, item.target) for item in eyes.told(EventKind.JOINED, EventKind.LEFT)}
        assert told == {(EventKind.JOINED, "server.4"), (EventKind.LEFT, f"server.{goes}")}
        assert eyes.row("server.4").address == ensemble.servers[3].address
        assert set(eyes.states) == {State.LIVE}
    finally:
        await eyes.close()

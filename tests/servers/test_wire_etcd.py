"""etcd over a wire at fault: each is told in its own words, in time, and costs little."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Callable, Iterator

import psutil
import pytest

from backends.api.errors import BadReply, Misconfigured, Silent, TooLarge, Unreachable
from backends.coordination.etcd import Etcd, EtcdSettings
from tests.contract.starters import sooner
from tests.servers.etcd_cluster import EtcdCluster, free_port
from tests.servers.fake_http import answer
from tests.servers.huge_grpc import HugeGrpc
from tests.servers.relay import Cut, Drip, Fault, HalfOpen, Instead, Relay, Reset, Tls
from tests.servers.wire import GROWTH, HUGE, SOON, TIMEOUT, Eyes, Told, eyes_of, suffers, tls_server
from tests.waiting import until

pytestmark = pytest.mark.server

GIVEN_UP = 5
"""How often both feeds give an endpoint up."""
AT_ONCE = 4
"""Connections to one endpoint: each of the two wires has one, and one that is being left."""
REDIRECT = answer("", status="302 Found", more="Location: /v3/\r\n")
CELLS: dict[str, tuple[Callable[[], Fault], Told]] = {
    "cut": (Cut, Told(Unreachable, "closed before the answer had come")),
    "half-open": (HalfOpen, Told(Silent, "no answer|the watch was silent")),
    "a byte a second": (Drip, Told(Silent, "no answer|the watch was silent")),
    "reset": (Reset, Told(Unreachable, "the connection was reset")),
    "tls": (lambda: Tls(tls_server()), Told(Misconfigured, "the server speaks TLS")),
    "redirect": (lambda: Instead(REDIRECT), Told(BadReply, "HTTP/1 comes from there")),
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[EtcdCluster, int]]:
    """One member, and the port at which it says that it is: the relay's. Its own would lead past it."""
    port = free_port()
    here = [f"--advertise-client-urls=http://127.0.0.1:{port}"]
    with sooner("coordination.rounds.INTERVAL", "coordination.etcd_stream.ASK"), EtcdCluster(1, tls=here) as made:
        yield made, port


@pytest.fixture
async def watched(cluster: tuple[EtcdCluster, int]) -> AsyncIterator[tuple[Relay, Eyes]]:
    made, port = cluster
    async with Relay(made.endpoints[0], port=port) as relay:
        settings = EtcdSettings(endpoints=(relay.address,), groups={"web": "/services/web/"})
        async with eyes_of(Etcd("main", settings, timeout=TIMEOUT), "members", "instances") as eyes:
            yield relay, eyes


@pytest.mark.parametrize("name", CELLS)
async def test_a_fault_is_told_as_what_it_is(watched: tuple[Relay, Eyes], name: str) -> None:
    fault, told = CELLS[name]
    await suffers(*watched, fault(), told)


async def test_a_huge_answer(watched: tuple[Relay, Eyes]) -> None:
    told = Told(TooLarge, "larger than 16 MiB")
    await suffers(*watched, HugeGrpc(HUGE), told, growth=GROWTH)


def connections_to(port: int) -> int:
    return sum(bool(one.raddr) and one.raddr.port == port for one in psutil.Process().net_connections("tcp"))


async def test_what_was_given_up_is_closed_without_the_collector(watched: tuple[Relay, Eyes]) -> None:
    """A cycle with a call in it kept its connection until the collector came, minutes later."""
    relay, eyes = watched
    gc.collect()
    gc.disable()
    try:
        relay.suffer(HalfOpen())
        await until(lambda: eyes.all_told(CELLS["half-open"][1], GIVEN_UP), GIVEN_UP * SOON)
        port = int(relay.address.rpartition(":")[2])
        await until(lambda: connections_to(port) <= AT_ONCE, SOON)
    finally:
        gc.enable()

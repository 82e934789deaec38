"""supervisord over a wire at fault, by HTTP and by its socket: each is told in its own words, in time, and costs
little."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from backends.api.errors import BadReply, Misconfigured, Silent, Unreachable
from backends.processes import supervisord_rpc
from backends.processes.supervisord import Supervisord, SupervisordSettings
from tests.contract.starters import sooner
from tests.servers.fake_http import Say, answer, flood
from tests.servers.relay import Cut, Drip, Fault, HalfOpen, Instead, Relay, Reset, Tls
from tests.servers.supervisord_server import PASSWORD, USER, SupervisordServer
from tests.servers.wire import (
    GROWTH,
    PATIENT,
    TIMEOUT,
    Told,
    eyes_of,
    huge_http,
    packed_http,
    suffers,
    tls_server,
)

pytestmark = pytest.mark.server

AROUND = answer("", status="302 Found", more="Location: /RPC2\r\n")
CELLS: dict[str, tuple[Callable[[], Fault], Told]] = {
    "cut": (Cut, Told(Unreachable, "its answer broke off")),
    "half-open": (HalfOpen, Told(Silent, "no answer within")),
    "a byte a second": (Drip, Told(Silent, "no answer within")),
    "reset": (Reset, Told(Unreachable, "the connection was reset")),
    "redirect": (lambda: Instead(AROUND), Told(Misconfigured, "redirects to /RPC2")),
}
MOST = 4 << 20
"""Bytes that an answer may have here, so that on a busy machine it is not the time that ends it."""


@pytest.fixture(scope="module")
def server() -> Iterator[SupervisordServer]:
    talks = "command=sh -c 'echo one; exec sleep 600'\nstartsecs=0\n"
    intervals = ("processes.supervisord.INTERVAL", "processes.supervisord_logs.LOOK")
    with sooner(*intervals), SupervisordServer({"web": talks}) as made:
        yield made


@pytest.fixture(params=["http", "socket"])
async def relay(request: pytest.FixtureRequest, server: SupervisordServer) -> AsyncIterator[Relay]:
    target = f"127.0.0.1:{server.port}" if request.param == "http" else f"{server.folder}/s.sock"
    async with Relay(target) as made:
        yield made


def over(relay: Relay, timeout: float = TIMEOUT) -> Supervisord:
    if relay.address.startswith("/"):
        settings = SupervisordSettings(url=f"unix://{relay.address}")
    else:
        settings = SupervisordSettings(url=f"http://{relay.address}", username=USER, password=PASSWORD)
    return Supervisord("main", settings, timeout=timeout)


@pytest.mark.parametrize("name", CELLS)
async def test_a_fault_is_told_as_what_it_is(relay: Relay, name: str) -> None:
    fault, told = CELLS[name]
    async with eyes_of(over(relay), "units", "logs") as eyes:
        await suffers(relay, eyes, fault(), told)


@pytest.mark.parametrize("relay", ["http"], indirect=True)
async def test_tls_where_there_was_none(relay: Relay) -> None:
    """`Unreachable`, after which what became of a change is not known."""
    async with eyes_of(over(relay), "units", "logs") as eyes:
        await suffers(relay, eyes, Tls(tls_server()), Told(Unreachable, "the server speaks TLS"))


@pytest.mark.parametrize(
    "say",
    [huge_http("text/xml"), flood(b" " * (1 << 18), "text/xml")],
    ids=["as long as it says", "nobody says how long"],
)
async def test_a_huge_answer(relay: Relay, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.setattr(supervisord_rpc, "MOST_BYTES", MOST)
    async with eyes_of(over(relay, PATIENT), "units", "logs") as eyes:
        await suffers(relay, eyes, Instead(say), Told(BadReply, "more than 4 MiB"), growth=GROWTH)


async def test_a_huge_answer_that_is_packed(relay: Relay) -> None:
    """It is not unpacked: supervisord packs nothing."""
    async with eyes_of(over(relay, PATIENT), "units", "logs") as eyes:
        fault = Instead(packed_http("text/xml"))
        await suffers(relay, eyes, fault, Told(BadReply, "an answer that is no XML-RPC"), growth=GROWTH)

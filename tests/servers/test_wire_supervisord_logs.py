"""supervisord's logs, followed over a wire that was at fault: they go on where they were."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from backends.api.readings import State
from backends.processes.supervisord import Supervisord, SupervisordSettings
from tests.contract.starters import sooner
from tests.servers.relay import Cut, Drip, Fault, HalfOpen, Relay, Reset
from tests.servers.supervisord_server import PASSWORD, USER, SupervisordServer
from tests.servers.test_supervisord_logs import assert_without_hole, elsewhere, followed, numbers
from tests.servers.wire import TIMEOUT
from tests.waiting import until

pytestmark = pytest.mark.server

COUNTS = "command=sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.2; done'\nstartsecs=0\n"
KEEPALIVE = "02"
"""proc_net_tcp: which of a socket's timers is running."""


@pytest.fixture(scope="module")
def server() -> Iterator[SupervisordServer]:
    with sooner("processes.supervisord_logs.LOOK"), SupervisordServer({"web": COUNTS}) as made:
        yield made


@pytest.fixture
async def relay(server: SupervisordServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Relay]:
    elsewhere(monkeypatch)
    async with Relay(f"127.0.0.1:{server.port}") as made:
        yield made


def over(relay: Relay) -> Supervisord:
    settings = SupervisordSettings(url=f"http://{relay.address}", username=USER, password=PASSWORD)
    return Supervisord("main", settings, timeout=TIMEOUT)


@pytest.mark.parametrize("fault", [Cut, HalfOpen, Drip, Reset])
async def test_lines_go_on_where_they_were(relay: Relay, fault: Callable[[], Fault]) -> None:
    async with followed(over(relay)) as (feed, seens):
        await until(lambda: len(seens.lines.get("web", ())) > 2)
        relay.suffer(fault())
        await until(lambda: feed.reading.state is not State.LIVE)
        before = len(seens.lines["web"])
        relay.heal()
        await until(lambda: len(seens.lines["web"]) > before + 2, 20)
        assert_without_hole(numbers(seens.lines["web"]))


async def test_a_log_that_is_quiet_is_asked_after_by_the_kernel(relay: Relay) -> None:
    """Of one whose other end has gone nothing would ever come, and nothing is what a quiet log says."""
    async with followed(over(relay)) as (_, seens):
        await until(lambda: "web" in seens.lines)
        port = f":{int(relay.address.rpartition(':')[2]):04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        timers = [row[5][:2] for row in rows if row[2].endswith(port) and row[3] == "01"]
        assert timers
        assert set(timers) == {KEEPALIVE}

"""Prometheus over a wire at fault: each is told in its own words, in time, and costs little."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from backends.api.errors import BackendError, Misconfigured, Silent, TooLarge, Unreachable
from backends.metrics import prometheus_feeds
from backends.metrics.prometheus import Prometheus
from backends.metrics.prometheus_access import PrometheusSettings
from tests.contract.starters import sooner
from tests.servers.fake_http import Say, answer, flood
from tests.servers.prometheus_server import PrometheusServer
from tests.servers.relay import Cut, Drip, Fault, HalfOpen, Instead, Relay, Reset, Tls
from tests.servers.wire import (
    GROWTH,
    PATIENT,
    SOON,
    TIMEOUT,
    Told,
    eyes_of,
    huge_http,
    packed_http,
    suffers,
    tls_server,
)

pytestmark = pytest.mark.server

RULES = "      - {alert: Always, expr: vector(1), labels: {severity: warning}}\n"
AROUND = answer("", status="302 Found", more="Location: /api/v1/again\r\n")
CELLS: dict[str, tuple[Callable[[], Fault], Told]] = {
    "cut": (Cut, Told(Unreachable, "its answer broke off")),
    "half-open": (HalfOpen, Told(Silent, "connected, and then no answer within")),
    "a byte a second": (Drip, Told(Silent, "connected, and then no answer within")),
    "reset": (Reset, Told(Unreachable, "the connection was reset")),
    "tls": (lambda: Tls(tls_server()), Told(Misconfigured, "the server speaks TLS")),
    "redirect": (lambda: Instead(AROUND), Told(Misconfigured, "redirects to /api/v1/again")),
}
MOST = 4 << 20
"""Bytes that a list may have here, so that on a busy machine it is not the time that ends it."""


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with (
        sooner("metrics.prometheus_feeds.ALERTS_EACH", "metrics.prometheus_feeds.TARGETS_EACH"),
        PrometheusServer(jobs={"dead": ["127.0.0.1:1"]}, rules=RULES) as made,
    ):
        yield made


@pytest.fixture
async def relay(server: PrometheusServer) -> AsyncIterator[Relay]:
    async with Relay(server.address) as made:
        yield made


def over(relay: Relay, timeout: float = TIMEOUT) -> Prometheus:
    return Prometheus("main", PrometheusSettings(url=f"http://{relay.address}"), timeout=timeout)


@pytest.mark.parametrize("name", CELLS)
async def test_a_fault_is_told_as_what_it_is(relay: Relay, name: str) -> None:
    fault, told = CELLS[name]
    async with eyes_of(over(relay), "targets", "alerts") as eyes:
        await suffers(relay, eyes, fault(), told)


@pytest.mark.parametrize("name", CELLS)
async def test_who_asks_and_who_completes_names_is_told_the_same(relay: Relay, name: str) -> None:
    fault, told = CELLS[name]
    backend = over(relay)
    # The library behind it is imported at the first call.
    await backend.names()
    relay.suffer(fault())
    for call in (backend.query("1"), backend.names()):
        with pytest.raises(BackendError) as caught:
            async with asyncio.timeout(SOON):
                await call
        assert told.by(caught.value), caught.value
    relay.heal()
    assert await backend.query("1")
    await backend.close()


@pytest.mark.parametrize(
    "say",
    [huge_http("application/json"), flood(b" " * (1 << 18)), packed_http("application/json")],
    ids=["as long as it says", "nobody says how long", "packed"],
)
async def test_a_huge_answer(relay: Relay, monkeypatch: pytest.MonkeyPatch, say: Say) -> None:
    monkeypatch.setattr(prometheus_feeds, "LIST_MOST", MOST)
    async with eyes_of(over(relay, PATIENT), "targets", "alerts") as eyes:
        await suffers(relay, eyes, Instead(say), Told(TooLarge, "larger than 4 MiB"), growth=GROWTH)

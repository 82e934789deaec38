"""Targets and alerts of a real Prometheus: rows, what is news, and what an outage makes of them."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from backends.api.alerts import Alert, AlertState
from backends.api.errors import BackendError, NotFound
from backends.api.events import Event, EventKind
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.readings import Seen
from backends.metrics import prometheus_feeds
from backends.metrics.prometheus import Prometheus
from backends.metrics.prometheus_access import PrometheusSettings
from tests.servers.prometheus_server import Exporter, PrometheusServer

pytestmark = pytest.mark.server

HOT = """
      - alert: Hot
        expr: mw_heat > 10
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.instance }} is at {{ $value }}", description: "two\\n  lines"}
      - alert: Slow
        expr: vector(3)
        for: 1h
"""


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look is as long as ever, only the pauses are short."""
    monkeypatch.setattr(prometheus_feeds, "ALERTS_EACH", 0.2)
    monkeypatch.setattr(prometheus_feeds, "TARGETS_EACH", 0.2)


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with Exporter("mw_heat 1\n") as made:
        yield made


@pytest.fixture(scope="module")
def server(exporter: Exporter) -> Iterator[PrometheusServer]:
    with PrometheusServer(jobs={"web": [exporter.address], "dead": ["127.0.0.1:1"]}, rules=HOT) as made:
        made.knows("mw_heat")
        made.knows("up == 0")
        yield made


def backend_of(server: PrometheusServer) -> Prometheus:
    return Prometheus("main", PrometheusSettings(url=server.url))


class Ear:
    """Listens to a source, and keeps its value and what it told."""

    def __init__(self, source: AsyncGenerator[Seen[Any], None]) -> None:
        self.source = source
        self.rows: dict[str, Any] = {}
        self.news: list[Event] = []

    async def word(self) -> None:
        seen = await anext(self.source)
        self.rows = dict(seen.value)
        self.news += [item for item in seen.news if isinstance(item, Event)]

    async def until_told(self, text: str) -> Event:
        async with asyncio.timeout(20):
            while not any(text in event.text for event in self.news):
                await self.word()
        return next(event for event in self.news if text in event.text)


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as reply:
        return bytes(reply.read())


async def test_targets_and_their_news(server: PrometheusServer, exporter: Exporter) -> None:
    backend = backend_of(server)
    async with aclosing(backend.targets(None)) as source:
        ear = Ear(source)
        await ear.word()
        rows: dict[str, ScrapeTarget] = {row.job: row for row in ear.rows.values()}
        web, dead = rows["web"], rows["dead"]
        assert (web.state, web.instance, web.error) == (TargetState.UP, exporter.address, None)
        assert web.last_scrape is not None
        assert dead.state is TargetState.DOWN
        assert dead.error == "dial tcp 127.0.0.1:1: connect: connection refused"
        assert dead.since is None
        assert ear.news == []
        exporter.stop()
        down = await ear.until_told("down: ")
        assert (down.kind, down.target) == (EventKind.STATE, f"web {exporter.address}")
        assert not down.after_gap
        now = next(row for row in ear.rows.values() if row.job == "web")
        assert (now.key, now.state) == (web.key, TargetState.DOWN)
        assert now.since is not None
        since = now.since
        await ear.word()
        assert next(row for row in ear.rows.values() if row.job == "web").since == since
        exporter.start()
        await ear.until_told("up again")
        assert len(ear.news) == 2
        command = backend.ask(web)
        assert command is not None
        assert command[:2] == ("curl", "-s")
        listed = json.loads(await asyncio.to_thread(fetch, command[-1]))["data"]["activeTargets"]
        assert [one["labels"]["instance"] for one in listed] == [web.instance]
        raw = json.loads(await backend.raw(web))
        assert raw["scrapeUrl"] == f"http://{exporter.address}/metrics"
        with pytest.raises(NotFound):
            await backend.raw(ScrapeTarget("gone", "prometheus/main", "a", "b", TargetState.UP))
    await backend.close()


async def test_alerts_and_their_news(server: PrometheusServer, exporter: Exporter) -> None:
    backend = backend_of(server)
    exporter.text = "mw_heat 1\n"
    async with aclosing(backend.alerts(None)) as source:
        ear = Ear(source)
        await ear.word()
        (slow,) = ear.rows.values()
        assert (slow.name, slow.state, slow.value) == ("Slow", AlertState.PENDING, 3.0)
        assert slow.since is not None
        exporter.text = "mw_heat 11.5\n"
        fires = await ear.until_told("fires")
        assert fires.kind is EventKind.ALERT
        assert fires.target == f"Hot {exporter.address}"
        assert fires.text == f"fires (critical): {exporter.address} is at 11.5"
        hot: Alert = next(row for row in ear.rows.values() if row.name == "Hot")
        assert (hot.state, hot.severity, hot.on, hot.value) == (
            *(AlertState.FIRING, "critical", exporter.address, 11.5),
        )
        raw = json.loads(await backend.raw(hot))
        assert raw["rule"]["query"] == "mw_heat > 10"
        assert raw["alert"]["annotations"]["description"] == "two\n  lines"
        await the_same_with_its_own_tool(backend, hot)
        exporter.text = "mw_heat 1\n"
        over = await ear.until_told("over")
        assert over.target == fires.target
        assert len(ear.news) == 2
        with pytest.raises(NotFound, match="over"):
            await backend.raw(hot)
    await backend.close()


async def the_same_with_its_own_tool(backend: Prometheus, row: Alert) -> None:
    command = backend.ask(row)
    assert command is not None
    assert command[:3] == ("promtool", "query", "instant")
    found = await backend.query(command[-1])
    assert [one.labels["alertname"] for one in found] == ["Hot"]


async def test_what_changed_in_an_outage_is_told_after_it(server: PrometheusServer, exporter: Exporter) -> None:
    exporter.text = "mw_heat 1\n"
    backend = backend_of(server)
    async with aclosing(backend.alerts(None)) as source:
        ear = Ear(source)
        async with asyncio.timeout(20):
            while not ear.rows or any(row.name == "Hot" for row in ear.rows.values()):
                await ear.word()
    server.freeze()
    with pytest.raises(BackendError):
        async with aclosing(backend.alerts(ear.rows)) as source:
            await anext(source)
    exporter.text = "mw_heat 12\n"
    server.thaw()
    await asyncio.to_thread(server.knows, 'ALERTS{alertname="Hot"}')
    async with aclosing(backend.alerts(ear.rows)) as source:
        back = Ear(source)
        fires = await back.until_told("fires")
        assert fires.after_gap
    # Killed and started again, it counts anew: that is no end of the alert, and is not told as one.
    server.kill()
    with pytest.raises(BackendError):
        async with aclosing(backend.alerts(back.rows)) as source:
            await anext(source)
    await asyncio.to_thread(server.start)
    async with aclosing(backend.alerts(back.rows)) as source:
        anew = Ear(source)
        event = await anew.until_told("restarted")
        assert event.after_gap
        assert not [event for event in anew.news if event.text == "over"]
        again = await anew.until_told("fires")
        assert not again.after_gap
    await backend.close()


async def test_an_alert_that_fires_after_a_restart_ends_as_any_other(
    server: PrometheusServer, exporter: Exporter
) -> None:
    exporter.text = "mw_heat 12\n"
    backend = backend_of(server)
    async with aclosing(backend.alerts(None)) as source:
        ear = Ear(source)
        async with asyncio.timeout(20):
            while not any(row.name == "Hot" and row.state is AlertState.FIRING for row in ear.rows.values()):
                await ear.word()
        exporter.text = "mw_heat 1\n"
        await ear.until_told("over")
    server.kill()
    await asyncio.to_thread(server.start)
    exporter.text = "mw_heat 12\n"
    async with aclosing(backend.alerts(ear.rows)) as source:
        anew = Ear(source)
        await anew.until_told("fires")
        exporter.text = "mw_heat 1\n"
        async with asyncio.timeout(20):
            while len(anew.news) < 2:
                await anew.word()
        assert [event.text.split(" ")[0] for event in anew.news] == ["fires", "over"]
    await backend.close()


async def test_doctor_says_what_the_server_is_and_that_its_reload_failed(server: PrometheusServer) -> None:
    backend = backend_of(server)
    check = (await backend.check())[0]
    assert (check.ok, check.where, check.hint) == (True, server.url, "")
    assert check.text.startswith("Prometheus 2.")
    assert check.latency_ms is not None
    with pytest.raises(OSError, match="500"):
        server.reload("      - {alert: Broken, expr: 'up{'}\n")
    broken = (await backend.check())[0]
    assert broken.ok
    assert "reload failed" in broken.text
    assert "promtool" in broken.hint
    server.reload(HOT)
    await backend.close()


async def test_discovery(server: PrometheusServer) -> None:
    (found,) = await Prometheus.discover({"PROMETHEUS_URL": server.url}, 1.0)
    assert found.tried == "$PROMETHEUS_URL"
    made = Prometheus("main", found.settings)
    assert made.where == server.url
    await made.close()

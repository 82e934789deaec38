"""A chart's values are Prometheus's own: of whatever span, whole or by its tails, on the real server."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator, Set
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.api.charts import Chart, ChartSource, Span
from backends.api.clock import LoopClock
from backends.api.errors import Misconfigured
from backends.api.readings import State
from backends.metrics.panels import suggest, suggested_pages
from backends.metrics.prometheus import Prometheus
from backends.metrics.prometheus_access import PrometheusSettings
from tests.clock import FakeClock
from tests.servers.prometheus_server import Exporter, PrometheusServer

pytestmark = pytest.mark.server

EXPRESSIONS = (
    "time() % 97",
    "vector(time() % 300) > 100",
    'label_replace(vector(time() % 7), "a", "1", "", "") or label_replace(vector(0/0), "a", "2", "", "")',
    "vector(1) / (vector(time() % 50) < bool 10)",
)
"""What the server computes for any moment, with gaps, NaN and infinities in it."""
SCRAPED = '# TYPE shop_http_requests_total counter\nshop_http_requests_total{code="200"} %d\n'


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with Exporter(SCRAPED % 1) as made:
        yield made


@pytest.fixture(scope="module")
def server(exporter: Exporter) -> Iterator[PrometheusServer]:
    with PrometheusServer(jobs={"shop": [exporter.address]}) as made:
        yield made


@pytest.fixture
async def prometheus(server: PrometheusServer) -> AsyncIterator[Prometheus]:
    made = Prometheus("main", PrometheusSettings(url=server.url))
    yield made
    await made.close()


async def looked(chart: ChartSource, looks: int) -> None:
    async with asyncio.timeout(15):
        while chart.feed.looks < looks:
            assert chart.feed.reading.error is None
            await asyncio.sleep(0.005)


def own_words(server: PrometheusServer, expression: str, chart: Chart) -> dict[str, list[tuple[float, str]]]:
    """The server's JSON for the same bounds, by labels."""
    span = {
        name: str(value) for name, value in (("start", chart.start), ("end", chart.end), ("step", chart.step))
    }
    found = server.ask("query_range", query=expression, **span)["result"]
    return {
        json.dumps(one["metric"], sort_keys=True): [(at, text) for at, text in one["values"]] for one in found
    }


def as_server(chart: Chart) -> dict[str, list[tuple[float, float]]]:
    return {json.dumps(dict(one.labels), sort_keys=True): list(one.points) for one in chart.series}


def same(ours: dict[str, list[tuple[float, float]]], theirs: dict[str, list[tuple[float, str]]]) -> bool:
    def equal(one: tuple[float, float], other: tuple[float, str]) -> bool:
        value = float(other[1])
        return one[0] == other[0] and (one[1] == value or (math.isnan(one[1]) and math.isnan(value)))

    return ours.keys() == theirs.keys() and all(
        len(ours[key]) == len(theirs[key]) and all(map(equal, ours[key], theirs[key])) for key in ours
    )


class Ahead(FakeClock):
    """A wall clock that jumps, as over a pause; the next refresh goes on from the last point."""

    ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    expression=st.sampled_from(EXPRESSIONS),
    seconds=st.integers(10, 7 * 86_400),
    passing=st.lists(st.floats(2, 40_000), max_size=4),
    panned=st.none() | st.floats(0, 1e6),
)
def test_values_are_the_servers_own(
    server: PrometheusServer, expression: str, seconds: int, passing: list[float], panned: float | None
) -> None:
    async def watch() -> Chart:
        clock = Ahead()
        prometheus = Prometheus("main", PrometheusSettings(url=server.url))
        end = None if panned is None else clock.now().timestamp() - panned
        chart = ChartSource("main x", prometheus, expression, Span(seconds, end), clock)
        try:
            chart.feed.watch(lambda new, before: None)
            await looked(chart, 1)
            for looks, pause in enumerate(passing, 2):
                clock.ahead += timedelta(seconds=pause)
                chart._wake.set()
                await looked(chart, looks)
            assert chart.feed.reading.value is not None
            return chart.feed.reading.value
        finally:
            await chart.feed.close()
            await prometheus.close()

    value = asyncio.run(watch())
    assert same(as_server(value), own_words(server, expression, value))


async def test_scraped_values_as_they_come(
    server: PrometheusServer, prometheus: Prometheus, exporter: Exporter
) -> None:
    query = "shop_http_requests_total"
    server.knows(query)
    chart = ChartSource("main x", prometheus, query, Span(120), LoopClock())
    chart.feed.watch(lambda new, before: None)
    for looks in range(1, 5):
        exporter.text = SCRAPED % (looks * looks)
        await looked(chart, looks)
    value = chart.feed.reading.value
    assert value is not None
    ours, theirs = as_server(value), own_words(server, query, value)
    settled = value.end - 2 * value.step
    (key,) = ours
    assert [point for point in ours[key] if point[0] < settled] == [
        (at, float(text)) for at, text in theirs[key] if at < settled
    ]
    assert len({point[1] for point in ours[key]}) > 1
    await chart.feed.close()


async def test_a_wrong_query_has_the_servers_words_with_a_position(prometheus: Prometheus) -> None:
    chart = ChartSource("main x", prometheus, "sum(rate(up[1m])", Span(600), LoopClock())
    readings: list[Any] = []
    chart.feed.watch(lambda new, before: readings.append(new))
    async with asyncio.timeout(10):
        while chart.feed.reading.error is None:
            await asyncio.sleep(0.01)
    assert isinstance(chart.feed.reading.error, Misconfigured)
    assert "1:17" in chart.feed.reading.error.reason
    assert chart.feed.reading.state is State.UNREACHABLE
    await chart.feed.close()


async def test_pages_for_what_there_is(server: PrometheusServer, prometheus: Prometheus) -> None:
    server.knows("shop_http_requests_total")
    pages = await suggest(prometheus, "prometheus/main")
    assert [page.title for page in pages] == ["services"]
    panels = {panel.title: panel.query for panel in pages[0].panels}
    assert panels.keys() == {"requests", "errors", "targets up"}
    for query in panels.values():
        await prometheus.query(query)


class Everything(Set[str]):
    """All names of metrics that anybody may ask about."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(("http_requests_total", "http_request_duration_seconds_bucket"))

    def __len__(self) -> int:
        return 1000


async def test_every_chart_that_may_be_suggested_is_a_query(prometheus: Prometheus) -> None:
    panels = [panel for page in suggested_pages(Everything(), Everything(), 60) for panel in page.panels]
    for panel in panels:
        try:
            await prometheus.query(panel.query)
        except Misconfigured as error:
            pytest.fail(f"{panel.title}: {panel.query}: {error}")
    assert {"errors", "p95", "disks used", "proposals"} <= {panel.title for panel in panels}

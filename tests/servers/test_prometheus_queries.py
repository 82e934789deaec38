"""Queries against a real Prometheus: its own numbers and its own words, bounded, cancelled on the server too."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.api.errors import BackendError, Misconfigured, TimedOut, Unreachable
from backends.api.metrics import Series
from backends.metrics.prometheus import Prometheus
from backends.metrics.prometheus_access import PrometheusSettings
from tests.servers.prometheus_server import PrometheusServer
from tests.waiting import until

pytestmark = pytest.mark.server

RULES = """
      - {record: "mw:wave", expr: "100 * sin(vector(time()))", labels: {shape: sine, note: 'a "quoted" text'}}
      - {record: "mw:wave", expr: "vector(time()) / 3", labels: {shape: ramp}}
      - {record: "mw:wave", expr: "1 / (vector(time()) % 2)", labels: {shape: holes}}
      - {record: "mw:wave", expr: "vector(0) / 0", labels: {shape: none}}
"""
SLOW = f"count_over_time((vector(4711) + {' + '.join(['vector(time())'] * 60)})[10d:1s])"
"""Sixty times 864,000 steps, before each of which the server looks whether it is to go on."""


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    with PrometheusServer(rules=RULES) as made:
        made.knows("mw:wave")
        yield made


@pytest_asyncio.fixture
async def backend(server: PrometheusServer) -> AsyncIterator[Prometheus]:
    made = Prometheus("main", PrometheusSettings(url=server.url))
    yield made
    await made.close()


async def raised(call: Any) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await call
    return caught.value


async def test_values_are_floats_whatever_they_are(backend: Prometheus) -> None:
    found = {one.labels["shape"]: one.points[-1][1] for one in await backend.query("mw:wave")}
    assert set(found) == {"sine", "ramp", "holes", "none"}
    assert math.isnan(found["none"])
    assert found["holes"] > 0
    assert (await backend.query("1/0"))[0].points[0][1] == math.inf
    assert (await backend.query("-1/0"))[0].points[0][1] == -math.inf
    assert await backend.query("nothing_of_this_name") == ()
    scalar = await backend.query("scalar(vector(7))")
    assert [(dict(one.labels), one.points[0][1]) for one in scalar] == [({}, 7.0)]


async def test_a_value_is_as_old_as_its_sample(server: PrometheusServer, backend: Prometheus) -> None:
    own = server.ask("query", query='timestamp(mw:wave{shape="ramp"})')["result"][0]["value"]
    (found,) = await backend.query(' mw:wave { shape = "ramp" } ')
    at, value = found.points[0]
    assert 0 <= at - float(own[1]) < 5
    # The rule wrote its own time: the sample's, and not that of the question.
    assert value * 3 == pytest.approx(at, abs=0.002)
    (old,) = await backend.query('last_over_time(mw:wave{shape="ramp"}[5m])')
    assert old.points[0][0] >= at


async def test_the_server_s_words_about_a_wrong_query(backend: Prometheus) -> None:
    broken = await raised(backend.query("mw:wave{"))
    assert isinstance(broken, Misconfigured)
    assert "1:9: parse error" in broken.reason
    clash = await raised(backend.query("mw:wave * on() mw:wave"))
    assert isinstance(clash, Misconfigured)
    assert "duplicate series" in clash.reason
    fine = await raised(backend.query_range("mw:wave", 0, time.time(), 1))
    assert isinstance(fine, Misconfigured)
    assert "11,000 points" in fine.reason
    assert "rate(…)" in (await raised(backend.query("mw:wave[1m]"))).hint
    assert "a text" in (await raised(backend.query('"x"'))).reason


async def test_a_query_too_long_for_an_address(backend: Prometheus) -> None:
    query = " + ".join(["vector(1)"] * 1000)
    assert (await backend.query(query))[0].points[0][1] == 1000


def plain(found: tuple[Series, ...]) -> dict[frozenset[tuple[str, str]], list[tuple[float, str]]]:
    return {
        frozenset(one.labels.items()): [(at, repr(value)) for at, value in one.points]
        for one in found
        if one.points
    }


expressions = st.sampled_from(
    [
        "mw:wave",
        'mw:wave{shape="sine"}',
        "-mw:wave",
        "sum by (shape) (mw:wave) > 0",
        "mw:wave % 7",
        "rate(mw:wave[5s])",
        "mw:wave * 1e300 * 1e300",
        "scalar(sum(mw:wave))",
        "count(mw:wave) / 3",
    ]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    expression=expressions,
    back=st.floats(0.5, 120),
    span=st.floats(0, 200),
    step=st.floats(0.05, 30).map(lambda number: round(number, 3)),
)
def test_a_range_is_the_server_s_own_json(
    server: PrometheusServer, expression: str, back: float, span: float, step: float
) -> None:
    """Times, values, labels, and which points are not there."""
    end = round(time.time() - back, 3)
    start = round(end - span, 3)

    async def ask() -> tuple[Series, ...]:
        backend = Prometheus("main", PrometheusSettings(url=server.url))
        try:
            return await backend.query_range(expression, start, end, step)
        finally:
            await backend.close()

    words = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:.3f}"}
    own = server.ask("query_range", query=expression, **words)["result"]
    expected = {
        frozenset(one["metric"].items()): [(at, repr(float(value))) for at, value in one["values"]] for one in own
    }
    assert plain(asyncio.run(ask())) == expected


def works_on_it(server: PrometheusServer) -> bool:
    """Whether the server is busy with `SLOW`: it keeps a file of its active queries, should it crash of one."""
    return b"4711" in (server.folder / "tsdb" / "queries.active").read_bytes()


async def test_a_cancelled_query_ends_on_the_server(server: PrometheusServer) -> None:
    backend = Prometheus("main", PrometheusSettings(url=server.url), timeout=30)
    task = asyncio.create_task(backend.query(SLOW))
    await until(lambda: works_on_it(server))
    began = time.monotonic()
    task.cancel()
    await asyncio.wait({task})
    assert time.monotonic() - began < 0.5
    assert task.cancelled()
    await until(lambda: not works_on_it(server))
    assert (await backend.query("1"))[0].points[0][1] == 1
    await backend.close()


async def test_a_query_that_takes_too_long_is_ended_by_the_server(server: PrometheusServer) -> None:
    backend = Prometheus("main", PrometheusSettings(url=server.url), timeout=1)
    began = time.monotonic()
    late = await raised(backend.query(SLOW))
    assert time.monotonic() - began < 4
    assert isinstance(late, TimedOut)
    assert late.reason == "the query took longer than it may"
    assert "ask for less" in late.hint
    assert not works_on_it(server)
    await backend.close()


async def test_names_come_through_the_library(backend: Prometheus) -> None:
    assert "mw:wave" in await backend.names()
    assert {"__name__", "shape", "note"} <= set(await backend.label_names())


async def test_frozen_and_dead(server: PrometheusServer) -> None:
    backend = Prometheus("main", PrometheusSettings(url=server.url), timeout=0.6)
    await backend.query("1")
    server.freeze()
    try:
        for call in (backend.query("1"), backend.names()):
            silent = await raised(call)
            assert isinstance(silent, Unreachable)
            assert "no answer within 0.6 s" in silent.reason
            assert silent.where == server.url
    finally:
        server.thaw()
    assert (await backend.query("1"))[0].points[0][1] == 1
    await backend.close()
    gone = Prometheus("main", PrometheusSettings(url="http://127.0.0.1:1"))
    for call in (gone.query("1"), gone.names(), gone.label_names()):
        refused = await raised(call)
        assert (type(refused), refused.reason) == (Unreachable, "connection refused")
    await gone.close()
    nowhere = Prometheus("main", PrometheusSettings(url="http://no-such-host.invalid:9090"))
    for call in (nowhere.query("1"), nowhere.names()):
        assert (await raised(call)).reason == "host name not found"
    await nowhere.close()

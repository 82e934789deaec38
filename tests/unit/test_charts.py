"""A chart's feed: whole at first, then its tail; a span that is replaced; what two fetches make together."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.api.charts import MOST_SERIES, POINTS, Chart, ChartSource, Span
from backends.api.errors import Misconfigured, TimedOut
from backends.api.readings import State
from tests.clock import FakeClock
from tests.flows.metered import Metered, MeteredSettings, Store, fresh_store

NOW = FakeClock().now().timestamp()


@pytest.fixture
def store() -> Store:
    return fresh_store()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def chart(store: Store, clock: FakeClock) -> AsyncIterator[ChartSource]:
    made = ChartSource("main q", Metered("main", MeteredSettings()), "q", Span(600), clock)
    made.feed.watch(lambda new, before: None)
    await clock.advance(0)
    yield made
    await made.feed.close()


def value_of(chart: ChartSource) -> Chart:
    value = chart.feed.reading.value
    assert value is not None
    return value


@given(st.floats(10, 10_000_000), st.floats(1e9, 2e9))
def test_bounds_lie_on_the_step_and_hold_few_points(seconds: float, now: float) -> None:
    span = Span(seconds)
    start, end = span.bounds(now)
    assert start % span.step == end % span.step == 0
    assert now - span.step < end <= now
    assert abs((end - start) - seconds) <= span.step
    assert (end - start) / span.step <= POINTS + 1 or span.step == 86400


async def test_a_refresh_fetches_the_tail_and_the_points_are_those_of_a_whole_fetch(
    store: Store, clock: FakeClock
) -> None:
    store.answers["q"] = {"a=1": lambda t: t % 97, "a=2": lambda t: None if t % 30 < 12 else -t % 13}
    metered = Metered("main", MeteredSettings())
    chart = ChartSource("main q", metered, "q", Span(600), clock)
    chart.feed.watch(lambda new, before: None)
    await clock.advance(60)
    (_, start, end, _step), *refreshes = store.asked
    assert end - start == 600
    assert len(refreshes) >= 10
    assert all(end - start <= 4 * step for _, start, end, step in refreshes)
    value = value_of(chart)
    assert 0 <= Span(600).bounds(clock.now().timestamp())[1] - value.end <= 2 * value.step
    assert value.end - value.start == 600
    assert value.series == await metered.query_range("q", value.start, value.end, value.step)
    await chart.feed.close()


async def test_what_did_not_change_stays_the_same_object(
    store: Store, clock: FakeClock, chart: ChartSource
) -> None:
    store.answers["q"] = {"a=1": lambda t: 1.0}
    chart.show(Span(600, NOW - 60))
    await clock.advance(3)
    before, looks = value_of(chart), chart.feed.looks
    await clock.advance(9)
    assert chart.feed.looks > looks
    assert value_of(chart) is before
    assert chart.feed.reading.at == clock.monotonic() or chart.feed.reading.state is State.LIVE


async def test_another_span_cancels_the_request_that_runs_and_the_old_value_stays(
    store: Store, clock: FakeClock, chart: ChartSource
) -> None:
    store.answers["q"] = {"": lambda t: t}
    await clock.advance(4)
    old = value_of(chart)
    store.open.clear()
    await clock.advance(4)
    running = store.asked[-1]
    chart.show(Span(3600))
    await clock.advance(0.1)
    assert store.cancelled == 1
    assert store.asked[-1] != running
    assert value_of(chart) is old
    assert value_of(chart).span == Span(600)
    store.open.set()
    await clock.advance(0.1)
    assert value_of(chart).span == Span(3600)
    assert chart.feed.reading.state is State.LIVE


async def test_again_fetches_all_of_it(store: Store, clock: FakeClock, chart: ChartSource) -> None:
    await clock.advance(3)
    chart.again()
    await clock.advance(0)
    _, start, end, _ = store.asked[-1]
    assert end - start == 600


async def test_errors_are_states_and_the_curve_stays(store: Store, clock: FakeClock, chart: ChartSource) -> None:
    store.answers["q"] = {"": lambda t: t}
    await clock.advance(3)
    store.answers["q"] = TimedOut("no answer in 5 s")
    await clock.advance(3)
    reading = chart.feed.reading
    assert reading.state is State.UNREACHABLE
    assert reading.value is not None
    store.answers["q"] = Misconfigured("1:4: parse error")
    await clock.advance(6)
    assert isinstance(chart.feed.reading.error, Misconfigured)
    store.answers["q"] = {"": lambda t: t}
    await clock.advance(6)
    assert chart.feed.reading.state is State.LIVE


async def test_series_are_bounded_and_counted(store: Store, clock: FakeClock, chart: ChartSource) -> None:
    store.answers["q"] = {f"a={n:03}": lambda t: t for n in range(MOST_SERIES + 7)}
    chart.again()
    await clock.advance(0)
    assert (len(value_of(chart).series), value_of(chart).left_out) == (MOST_SERIES, 7)
    # One that is kept ends: a series whose past was left out must not look as if it had just begun.
    store.answers["q"] = {f"a={n:03}": lambda t: t for n in range(1, MOST_SERIES + 7)}
    await clock.advance(700)
    kept = {one.labels["a"] for one in value_of(chart).series}
    assert f"{MOST_SERIES:03}" not in kept
    assert value_of(chart).left_out == 7


async def test_series_come_and_go(store: Store, clock: FakeClock, chart: ChartSource) -> None:
    store.answers["q"] = {"a=old": lambda t: t}
    await clock.advance(10)
    store.answers["q"] = {"a=new": lambda t: t}
    await clock.advance(10)
    assert [one.labels["a"] for one in value_of(chart).series] == ["old", "new"]
    await clock.advance(700)
    assert [one.labels["a"] for one in value_of(chart).series] == ["new"]
    assert not any(math.isnan(value) for one in value_of(chart).series for _, value in one.points)


async def test_nobody_looks_and_nothing_is_asked(store: Store, clock: FakeClock) -> None:
    made = ChartSource("main q", Metered("main", MeteredSettings()), "q", Span(600), clock)
    leave = made.feed.watch(lambda new, before: None)
    await clock.advance(5)
    leave()
    await clock.advance(11)
    asked = len(store.asked)
    assert made.feed.reading.state is State.IDLE
    await clock.advance(60)
    assert len(store.asked) == asked
    await made.feed.close()


async def test_a_chart_that_is_doubted_asks_at_once_and_a_request_that_runs_goes_on(
    store: Store, clock: FakeClock
) -> None:
    store.answers["q"] = {"a=1": lambda t: 1.0}
    chart = ChartSource("main q", Metered("main", MeteredSettings()), "q", Span(1800), clock)
    chart.feed.watch(lambda new, before: None)

    def state() -> State:
        return chart.feed.reading.state

    await clock.advance(0)
    assert state() is State.LIVE
    asked = len(store.asked)
    store.open.clear()
    chart.doubt(TimedOut("no answer for 8 s"))
    assert state() is State.STALE
    await clock.advance(0)
    assert len(store.asked) == asked + 1
    chart.hurry()
    await clock.advance(1)
    assert (len(store.asked), store.cancelled) == (asked + 1, 0)
    store.open.set()
    await clock.advance(0)
    assert state() is State.LIVE
    await chart.feed.close()

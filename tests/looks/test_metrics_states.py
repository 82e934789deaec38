"""One picture per state of the Metrics screen: live with a cursor, stale, unreachable, empty, narrow, wrong."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from backends.api import registry
from backends.api.charts import PANEL_PACE
from backends.api.errors import Unreachable, WrongQuery
from backends.api.readings import State
from backends.config.context import Context
from tests.clock import FakeClock
from tests.flows.metered import Store, fresh_store, metered_context, panel
from tui.app import MidwatchApp
from tui.screens.metrics.screen import MetricsScreen

Steps = Callable[[Pilot[None], Store, FakeClock], Awaitable[None]]
PAGE = {
    "title": "shop",
    "panel": [
        panel("requests", "reqs", unit="req/s"),
        panel("errors", "errs", unit="ratio", threshold=0.01),
        panel("p95", "p95", unit="s"),
        panel("memory", "memory", unit="bytes", min=0),
    ],
}


def wave(height: float, seconds: float) -> Callable[[float], float]:
    return lambda t: height * (1.2 + math.sin(t / seconds))


def with_a_gap(t: float) -> float | None:
    return None if 400 < t % 1800 < 700 else 0.1 + (t % 300) / 1000


@pytest.fixture
def picture(snap_compare: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    monkeypatch.setitem(registry.MODULES, "metered", "tests.flows.metered")
    monkeypatch.setenv("TERM", "xterm-256color")
    store = fresh_store()
    store.answers |= {
        "reqs": {"code=200": wave(900, 200), "code=500": wave(90, 90)},
        "errs": {"": wave(0.006, 150)},
        "p95": {"": with_a_gap},
        "memory": {"job=web": wave(3e8, 1000), "job=search": wave(1e8, 300)},
    }

    def take(
        steps: Steps,
        size: tuple[int, int] = (120, 40),
        command: str = "metrics",
        context: Context | None = None,
        before: Callable[[Store], object] = lambda store: None,
    ) -> bool:
        """`before` is how the server is when the app starts, which asks it at once."""
        before(store)
        clock = FakeClock()
        chosen = context or metered_context(PAGE)
        app = MidwatchApp({chosen.name: chosen}, chosen, command=command, clock=clock)

        async def run(pilot: Pilot[None]) -> None:
            await pilot.pause()
            await steps(pilot, store, clock)
            await clock.advance(0.2)
            app.tick()
            await pilot.pause()

        return snap_compare(app, terminal_size=size, run_before=run)

    return take


async def live(pilot: Pilot[None], store: Store, clock: FakeClock) -> None:
    """Wait until everything is mounted and has its size, which takes several turns of the loop."""
    app = pilot.app
    assert isinstance(app, MidwatchApp)

    def drawn() -> bool:
        view = app.view
        if not isinstance(view, MetricsScreen):
            return "signals" in view.plain_text()
        charts = view.grid.shown
        heard = all(chart.reading is not None for chart in charts) or not store.open.is_set()
        return view.has_class("bare") or (bool(charts) and all(chart.size.height for chart in charts) and heard)

    # The clock stands still meanwhile: when a chart is asked for again depends on when it first was.
    for _ in range(500):
        await clock.advance(0)
        if drawn():
            break
        await pilot.pause(0.01)
    app.first_paint.let_go()
    await clock.advance(0.5)
    for _ in range(5):
        await pilot.pause(0.02)


def test_live_with_a_cursor(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], store: Store, clock: FakeClock) -> None:
        await live(pilot, store, clock)
        await pilot.press("H", "H", "tab")

    assert picture(steps)


def test_80x24(picture: Callable[..., bool]) -> None:
    assert picture(live, (80, 24))


def test_loading(picture: Callable[..., bool]) -> None:
    assert picture(live, (80, 24), before=lambda store: store.open.clear())


def test_stale(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], store: Store, clock: FakeClock) -> None:
        await live(pilot, store, clock)
        store.open.clear()
        await clock.advance(PANEL_PACE.quiet + 3)
        app = pilot.app
        assert isinstance(app, MidwatchApp)
        assert isinstance(app.view, MetricsScreen)
        assert {chart.reading.state for chart in app.view.grid.shown if chart.reading} == {State.STALE}

    assert picture(steps, (100, 30))


def test_unreachable(picture: Callable[..., bool]) -> None:
    def before(store: Store) -> None:
        store.answers["p95"] = Unreachable(
            "connection refused", where="127.0.0.1:9090", hint="is it running? midwatch doctor"
        )

    async def steps(pilot: Pilot[None], store: Store, clock: FakeClock) -> None:
        await live(pilot, store, clock)
        store.answers["reqs"] = Unreachable("connection refused", where="127.0.0.1:9090")
        store.answers["errs"] = {}
        await clock.advance(10.2)

    assert picture(steps, before=before)


def test_another_span_is_on_its_way(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], store: Store, clock: FakeClock) -> None:
        await live(pilot, store, clock)
        store.open.clear()
        await pilot.press("underscore")

    assert picture(steps, (80, 24))


def test_a_wrong_query(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], store: Store, clock: FakeClock) -> None:
        store.answers["sum(rate(up[1m])"] = WrongQuery("1:17: parse error: unclosed left parenthesis")
        await pilot.press(
            "e", *"sum(rate(up", "left_square_bracket", "1", "m", "right_square_bracket", ")", "enter"
        )
        await live(pilot, store, clock)

    assert picture(steps, (80, 24))


def test_nothing_answers_queries(picture: Callable[..., bool]) -> None:
    assert picture(live, (80, 24), context=Context("bare", tried=("127.0.0.1:9090: nothing listens there",)))


def test_vital_signs_on_the_overview(picture: Callable[..., bool]) -> None:
    assert picture(live, (80, 24), command="overview")

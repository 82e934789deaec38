"""Metrics: keys in, screen out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.geometry import Region

from backends.api import registry
from backends.api.charts import Chart as Value
from backends.api.charts import Span
from backends.api.errors import Misconfigured, TooLarge, Unreachable, WrongQuery
from backends.api.events import Event, EventKind, Occurrence
from backends.api.readings import Seen
from backends.config.context import Context, SourceConfig
from tests.flows.conftest import Opened
from tests.flows.fake import FakeSettings
from tests.flows.metered import MeteredSettings, Store, checked, fresh_store, metered_context, panel
from tests.flows.scraped import QUEUES, scraped_context
from tests.flows.scraped import orders as scraped_orders
from tui.screens.metrics.chart_marks import marks_of
from tui.screens.metrics.screen import MetricsScreen
from widgets.look import Look

Open = Callable[..., Any]
WEB = {
    "title": "web",
    "panel": [
        panel("requests", "reqs", unit="req/s", threshold=150),
        panel("errors", "errs", unit="ratio"),
        panel("p95", "p95", unit="seconds"),
        panel("cpu", "cpu", unit="percent"),
    ],
}
DB = {"title": "db", "panel": [panel("size", "size", unit="bytes")]}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setitem(registry.MODULES, "metered", "tests.flows.metered")
    made = fresh_store()
    made.answers |= {
        "reqs": {"code=200": lambda t: 100 + t % 50, "code=500": lambda t: t % 7},
        "errs": {"": lambda t: 0.01},
        "p95": {"": lambda t: 0.2},
        "cpu": {"": lambda t: 71.0},
        "size": {"": lambda t: 2.0 * 1024**3},
    }
    return made


@pytest.fixture
def metrics(opened: Opened, store: Store) -> Open:
    def open_metrics(
        *pages: Any, size: tuple[int, int] = (120, 40), command: str = "metrics", **more: Any
    ) -> Any:
        return opened(size=size, contexts=(metered_context(*(pages or (WEB, DB))),), command=command, **more)

    return open_metrics


def view_of(screen: Any) -> MetricsScreen:
    view = screen.app.view
    assert isinstance(view, MetricsScreen)
    return view


def value_of(screen: Any, number: int = 0) -> Value:
    value = view_of(screen).grid.charts[number].value
    assert value is not None
    return value


async def test_a_page_of_charts_with_axes_and_legends(metrics: Open) -> None:
    async with metrics() as screen:
        await screen.until("web 1 of 2")
        await screen.until("LIVE")
        for words in ("requests  req/s  limit 150", "errors", "p95", "cpu", "a 200", "b 500", "71.0 %", "200 ms"):
            assert words in screen.text
        assert sum("┤" in line for line in screen.lines) > 8
        assert screen.text.count("└") == 4


@pytest.mark.parametrize(
    ("size", "charts"), [((80, 24), 2), ((120, 40), 4), ((200, 60), 4)], ids=["80x24", "120x40", "200x60"]
)
async def test_as_many_charts_as_have_room(metrics: Open, size: tuple[int, int], charts: int) -> None:
    async with metrics(size=size) as screen:
        await screen.until("LIVE")
        assert len(view_of(screen).grid.shown) == charts
        if charts == 2:
            assert "2 more: j" in screen.text
            await screen.press("j", "j")
            await screen.until("p95")
            assert "requests" not in screen.text


async def test_where_room_ends_it_is_a_name_that_is_cut_and_not_that_there_are_more(
    metrics: Open, store: Store
) -> None:
    store.answers["reqs"] = {f"job={'payments-' * 3}{n}": lambda t: t % 7 for n in range(4)}
    async with metrics(size=(40, 12)) as screen:
        await screen.until("LIVE")
        await screen.until("…  and 3 more, key d")


async def test_where_room_ends_it_is_said_that_series_are_hidden(metrics: Open) -> None:
    async with metrics(size=(40, 12)) as screen:
        await screen.until("LIVE")
        await screen.type("/200\r")
        await screen.until("filter 200")
        assert "filter 200" in screen.lines[1]


async def test_where_room_ends_the_cursor_is_told_before_how_fine_the_points_are(metrics: Open) -> None:
    async with metrics(size=(60, 24)) as screen:
        await screen.until("LIVE")
        await screen.press("H")
        await screen.until(" at ")
        assert " at " in screen.lines[1]
        assert "a point" not in screen.lines[1]


async def test_pages_go_round_and_are_opened_by_name(metrics: Open) -> None:
    async with metrics() as screen:
        await screen.until("a 200")
        await screen.press("right_square_bracket")
        await screen.until("db 2 of 2")
        await screen.until("2 G")
        await screen.press("right_square_bracket")
        await screen.until("web 1 of 2")
        await screen.type(":metrics db\r")
        await screen.until("db 2 of 2")
        await screen.type(":metrics bd\r")
        await screen.until("nearest is db")


async def test_enter_gives_one_chart_all_the_room_and_takes_it_back(metrics: Open) -> None:
    async with metrics() as screen:
        await screen.until("a 200")
        await screen.press("tab", "enter")
        await screen.until(lambda: "p95" not in screen.text)
        assert "errors" in screen.text
        await screen.press("escape")
        await screen.until("p95")


async def test_one_cursor_over_all_charts_shows_the_values_there(metrics: Open, store: Store) -> None:
    async with metrics() as screen:
        await screen.until("a 200")
        await screen.press("left", "left", "left")
        await screen.until("  at ")
        cursor = view_of(screen).frame.cursor
        assert cursor is not None
        assert screen.text.count("┼") == 4
        curve = view_of(screen).grid.charts[0].curves[0]
        assert curve.at(cursor, Span(1800).step) == 100 + cursor % 50
        await screen.press("escape")
        await screen.until(lambda: "┼" not in screen.text)


@pytest.mark.parametrize("key", ["q", "escape"])
async def test_from_one_chart_in_full_the_way_back_is_to_the_page_of_charts(metrics: Open, key: str) -> None:
    async with metrics(WEB) as screen:
        await screen.until("LIVE")
        await screen.press("enter")
        await screen.until(lambda: len(view_of(screen).grid.shown) == 1)
        await screen.press(key)
        await screen.until(lambda: len(view_of(screen).grid.shown) == 4)
        await screen.type(":query reqs\r")
        await screen.until(lambda: view_of(screen).choice.question is not None)
        await screen.press(key)
        await screen.until(lambda: view_of(screen).choice.question is None)
        assert screen.app.view is view_of(screen)
        assert view_of(screen).grid.zoomed is False


async def test_zoom_goes_around_the_cursor_and_the_old_curve_stays_with_its_own_range(
    metrics: Open, store: Store
) -> None:
    async with metrics(WEB) as screen:
        await screen.until("LIVE")
        await screen.press("H", "H")
        cursor = view_of(screen).frame.cursor
        store.open.clear()
        await screen.press("plus")
        await screen.until("loading 15m")
        assert "LOADING" in screen.text
        # What is there is still the old half hour, and says so.
        assert value_of(screen).span == Span(1800)
        assert "–" in next(line for line in screen.lines if "loading 15m" in line)
        store.open.set()
        await screen.until(lambda: "loading" not in screen.text)
        value = value_of(screen)
        assert value.span.seconds == 900
        assert cursor is not None
        assert abs((value.start + value.end) / 2 - cursor) <= 2 * value.step
        assert "15m → now" not in screen.text
        await screen.press("F")
        await screen.until("15m → now")


async def test_pan_and_ranges(metrics: Open) -> None:
    async with metrics() as screen:
        await screen.until("30m → now")
        await screen.press("left_parenthesis", "left_parenthesis")
        await screen.until(lambda: "30m → now" not in screen.text)
        await screen.press("right_parenthesis", "right_parenthesis", "right_parenthesis")
        await screen.until("30m → now")
        await screen.type(":range 2h\r")
        await screen.until("2h → now")
        await screen.type(":range soon\r")
        await screen.until(":range 15m")
        await screen.press("underscore")
        await screen.until("3h → now")


async def test_a_filter_hides_series(metrics: Open) -> None:
    async with metrics(WEB) as screen:
        await screen.until("b 500")
        await screen.type("/5..\r")
        await screen.until(lambda: "a 200" not in screen.text)
        assert "b 500" in screen.text
        assert "filter 5.." in screen.text
        await screen.press("escape")
        await screen.until("a 200")


async def test_a_query_of_ones_own_with_completion(metrics: Open, store: Store) -> None:
    store.names, store.labels = ("node_load1", "node_load5", "up"), ("job", "instance")
    store.answers['sum by (job) (node_load1{job="x"})'] = {"job=x": lambda t: 1.5}
    async with metrics() as screen:
        await screen.until("a 200")
        await screen.press("e")
        await screen.until("query ")
        await screen.type("sum by (j")
        await screen.press("tab")
        await screen.type(") (node_l")
        await screen.until("node_load5")
        await screen.press("tab")
        await screen.type('{job="x"})\r')
        await screen.until("1.50")
        assert 'sum by (job) (node_load1{job="x"})' in screen.text
        assert "metrics  query" in screen.text
        await screen.press("escape")
        await screen.until("web 1 of 2")


async def test_a_wrong_query_says_where_and_nothing_of_it_is_lost(metrics: Open, store: Store) -> None:
    store.answers["rate(up"] = WrongQuery('invalid parameter "query": 1:6: parse error: unclosed left paren')
    async with metrics() as screen:
        await screen.type(":query rate(up\r")
        await screen.until("unclosed left paren")
        lines = screen.lines
        at = next(i for i, line in enumerate(lines) if "│  rate(up" in line)
        assert lines[at + 1].index("^") == lines[at].index("rate(up") + 5
        assert "UNREACHABLE" not in screen.text.split("wrong query")[0].splitlines()[-1]
        await screen.press("E")
        assert screen.app.keys.prompt.text == "rate(up"


async def test_a_page_that_gets_no_answer_is_not_called_live(metrics: Open, store: Store) -> None:
    store.answers["size"] = Unreachable("503 from a query", where="http://p")
    async with metrics(DB) as screen:
        await screen.until("▲ 1 chart unreachable")
        store.answers["size"] = {"": lambda t: 1.0}
        await screen.press("r")
        await screen.until("all live")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            Misconfigured(
                "redirects to https://sso/login", where="http://p", hint="set url to what answers itself"
            ),
            ("MISCONFIGURED", "http://p: redirects to https://sso/login", "set url to what answers itself"),
        ),
        (
            TooLarge("the answer is larger than 32 MiB", where="http://p", hint="ask for less"),
            ("TOO LARGE", "http://p: the answer is larger than 32 MiB", "ask for less"),
        ),
    ],
)
async def test_what_is_wrong_elsewhere_is_not_called_a_wrong_query(
    metrics: Open, store: Store, error: Misconfigured, words: tuple[str, ...]
) -> None:
    store.answers["size"] = error
    async with metrics(DB) as screen:
        await screen.until(words[1])
        for text in words:
            assert text in screen.text
        assert "wrong query" not in screen.text.lower()
        assert "E edits" not in screen.text


@pytest.mark.parametrize("command", ["metrics", "overview"])
async def test_charts_say_at_once_that_their_server_is_lost(
    opened: Opened, store: Store, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Its other feeds have found out; the charts themselves ask so seldom that they would hear of it late."""
    monkeypatch.setitem(registry.MODULES, "scraped", "tests.flows.scraped")
    QUEUES.clear()
    async with opened(size=(120, 40), contexts=(scraped_context(WEB),), command=command) as screen:
        scraped_orders().put_nowait(Seen({}))
        await screen.until("71.0 %")
        await screen.until("all live")
        store.open.clear()
        scraped_orders().put_nowait(Unreachable("connection refused", where="p:9090"))
        if command == "metrics":
            await screen.until("STALE")
            assert " LIVE" not in screen.text
            # What was known stays, and is told to be old.
            assert "71.0 %" in screen.text
        else:
            await screen.until(lambda: "71.0 %" not in screen.text)
            cpu = next(line for line in screen.lines if "cpu" in line)
            assert "unreachable" in cpu
        store.open.set()
        scraped_orders().put_nowait(Seen({}))
        await screen.press("r")
        await screen.until(" LIVE" if command == "metrics" else "71.0 %")


async def test_the_title_says_how_fine_the_points_are_and_which_day_it_is(metrics: Open) -> None:
    async with metrics() as screen:
        await screen.until("30m → now  10s a point")
        await screen.type(":range 7d\r")
        await screen.until("7d → now  1h a point")
        await screen.press("left_parenthesis")
        day = datetime.fromtimestamp(view_of(screen).frame.span.end or 0).astimezone()
        await screen.until(f"7d → {day:%b} {day.day} ")
        await screen.type(":range 1h\r")
        await screen.until(f"1h → {day:%b} {day.day} ")
        await screen.until(lambda: all(chart.true for chart in view_of(screen).grid.shown))
        axis = next(line for line in screen.lines[3:] if f"{day:%b} {day.day} " in line)
        assert f"{day:%b} {day.day} " in axis
        await screen.press("left", "d")
        await screen.until(", each 15s")
        told = next(line for line in screen.lines if ", each 15s" in line)
        # In the hour after midnight it began on the day before.
        for moment, part in zip((day - timedelta(hours=1), day), told.split(" to "), strict=True):
            assert f"{moment:%b} {moment.day} " in part


async def test_esc_cancels_a_query_that_runs(metrics: Open, store: Store) -> None:
    store.open.clear()
    async with metrics(command="query slow") as screen:
        await screen.until(lambda: any(ask[0] == "slow" for ask in store.asked))
        await screen.until("loading")
        await screen.press("escape")
        await screen.until("query cancelled")
        await screen.until(lambda: store.cancelled)
        asked = len(store.asked)
        assert "cancelled" in screen.text
        await screen.until(lambda: len(store.asked) == asked)
        store.open.set()
        store.answers["slow"] = {"": lambda t: 42.0}
        await screen.press("E", "enter")
        await screen.until("42")


async def test_nothing_to_draw_says_what_to_check(metrics: Open, store: Store) -> None:
    store.answers["size"] = {}
    store.answers["gone"] = Unreachable("connection refused", where="127.0.0.1:9", hint="is it running?")
    async with metrics({"title": "x", "panel": [panel("none", "size"), panel("lost", "gone")]}) as screen:
        await screen.until("no series")
        assert ":targets shows what is scraped" in screen.text
        await screen.until("127.0.0.1:9: connection refused")
        assert "is it running?" in screen.text
        await screen.until("UNREACHABLE 1 of 2")


async def test_without_pages_the_server_is_asked_what_it_has(opened: Opened, store: Store) -> None:
    store.names = ("up", "node_load1")
    store.answers["node_load1"] = {"instance=a": lambda t: 0.5}
    store.answers["sum by (job) (up)"] = {"job=web": lambda t: 3.0}
    async with opened(size=(120, 40), contexts=(metered_context(),), command="metrics") as screen:
        await screen.until("services 1 of 2")
        await screen.until("targets up")
        await screen.type(":metrics hosts\r")
        await screen.until("load")


async def test_a_server_that_was_down_at_the_start_gets_its_page_and_none_is_asked_twice(
    opened: Opened, store: Store
) -> None:
    store.names = ("node_load1",)
    store.answers["node_load1"] = {"instance=a": lambda t: 0.5}
    store.lost = {"metered/b"}
    sources = tuple(SourceConfig("metered", name, MeteredSettings()) for name in "ab")
    async with opened(size=(120, 40), contexts=(Context("lab", sources),), command="overview") as screen:
        await screen.until("signals of the last 30 min")
        await screen.type("4")
        await screen.until("LIVE")
        assert store.asked_names.count("metered/a") == 1
        dashboards = view_of(screen).choice.dashboards
        assert dashboards is not None
        pages = len(dashboards.pages)
        store.lost.clear()
        await screen.press("r")
        await screen.until(lambda: len(dashboards.pages) == 2 * pages)
        # What was looked at is still in its place.
        assert dashboards.pages[0].source == "metered/a"
        await screen.until(f"1 of {2 * pages}")
        assert store.asked_names.count("metered/a") == 1


async def test_without_a_metrics_server_it_teaches(opened: Opened) -> None:
    async with opened(command="metrics") as screen:
        await screen.until("[context.lab.prometheus.main]")
        await screen.type(":query up\r")
        await screen.until("no source of this context answers queries")


async def test_events_are_marks_and_the_cursor_finds_them(opened: Opened, store: Store) -> None:
    sources = (*metered_context().sources, SourceConfig("fake", "main", FakeSettings()))
    context = Context("lab", sources, pages=checked(WEB))
    async with opened(size=(120, 40), contexts=(context,), command="metrics") as screen:
        await screen.until("a 200")
        now = screen.app.watching.clock.now()
        news = (Event(now, EventKind.LEADER, "fake/main", "fake/main", "m0 → m1"),)
        screen.script.members.put_nowait(Seen({}, None, news))
        await screen.until("◆")
        await screen.press("left_curly_bracket")
        await screen.until("◆ leader fake/main m0 → m1")


def test_an_alert_has_a_full_mark_when_it_fires_and_a_hollow_one_when_it_is_over() -> None:
    moment = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

    def happened(kind: EventKind, text: str, *, bad: bool = False) -> Occurrence:
        return Occurrence("1", "x/y", moment, kind, "t", text, ("x/y",), bad=bad)

    events = (
        happened(EventKind.ALERT, "fires (critical): web-3 does not answer", bad=True),
        happened(EventKind.ALERT, "over"),
        happened(EventKind.DEPLOY, "step 2: web-2"),
        happened(EventKind.JOINED, "comes all day"),
    )
    assert [(mark.glyph, mark.look) for mark in marks_of(events)] == [
        ("▲", Look.BAD),
        ("△", Look.PLAIN),
        ("●", Look.STRONG),
    ]


async def test_hostile_label_values_do_nothing(metrics: Open, store: Store) -> None:
    hostile = "code=\x1b[2J\x1b]52;c;eA==\x07[@click=app.leave]x[/]"
    store.answers["reqs"] = {hostile: lambda t: 1.0, "code=\u202eevil": lambda t: 2.0}
    async with metrics() as screen:
        await screen.until("evil")
        await screen.press("enter")
        await screen.until("[@click=app.leave]x[/]")
        assert not set(screen.text) & set("\x1b\x07\u202e\x9b\x00")


async def test_vital_signs_on_the_overview_lead_to_their_chart(metrics: Open) -> None:
    async with metrics(command="overview") as screen:
        await screen.until("signals of the last 30 min")
        await screen.until("71.0 %")
        line = next(line for line in screen.lines if "requests" in line)
        assert "errors" in line
        assert "1 %" in line
        await screen.press("G", "enter")
        await screen.until("web 1 of 2")
        await screen.press("1")
        await screen.until("signals of the last 30 min")


async def test_where_there_is_room_the_overview_has_charts_below_the_news(metrics: Open, store: Store) -> None:
    async with metrics(size=(200, 60), command="overview") as screen:
        await screen.until(lambda: screen.text.count("└") == 4)
        at = {
            words: next(y for y, line in enumerate(screen.lines) if words in line) for words in ("CHANGED", "└")
        }
        assert at["CHANGED"] < at["└"] < next(y for y, line in enumerate(screen.lines) if "VITAL SIGNS" in line)
        assert "signals of the last" not in screen.text
        await screen.type(":members\r")
        await screen.until("sort group")
        await screen.pilot.resize_terminal(120, 40)
        await screen.type("1")
        await screen.until("signals of the last 30 min")
        assert "└" not in screen.text


async def test_an_unchanged_chart_paints_nothing(
    metrics: Open, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.answers["reqs"] = {"code=200": lambda t: 7.0}
    async with metrics(WEB) as screen:
        await screen.until("LIVE")
        await screen.press("left_parenthesis")
        await screen.until(lambda: all(chart.true for chart in view_of(screen).grid.shown))
        await screen.pilot.pause(0.1)
        chart = view_of(screen).grid.charts[0]
        painted: list[tuple[Region, ...]] = []
        monkeypatch.setattr(chart, "refresh", lambda *regions, **more: painted.append(regions))
        chart.readings = dict(chart.readings)
        assert not painted
        # The cursor is one column of cells and the values in the legend, not the whole chart.
        chart.cursor = (value_of(screen).start + value_of(screen).end) / 2
        chart.flush()
        assert painted
        assert all(region.x > 0 for (region,) in painted)


async def test_a_word_of_another_screen_says_where_it_works(metrics: Open) -> None:
    async with metrics(size=(100, 30), command="members") as screen:
        await screen.until("sort group")
        await screen.type(":range 1h\r")
        await screen.until(":range works on metrics only")

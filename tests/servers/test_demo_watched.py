"""One watch over the whole demo. Each server in turn is frozen, thawed, killed and started again: it is told in
time, it is back in time, and nothing else is touched. Its logs are one; and when it is closed nothing is left."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backends.api.charts import ChartSource, Span
from backends.api.events import EventKind
from backends.api.logs import LogSpan
from backends.api.members import Member, MemberState, Role
from backends.api.metrics import TargetState
from backends.api.readings import FeedKey, Reading, State
from backends.config.file import load_config
from backends.incident.effects import folded
from backends.incident.problems import Now, Problem, problems
from backends.incident.timeline import TIMELINE
from backends.watch import Watch
from tests.flows.conftest import ReadersClock, Screen
from tests.flows.fake import Script
from tests.outside.program import Ran, run
from tests.servers.demo_parts import Lab, Server, quiet_demo
from tui.app import MidwatchApp
from tui.screens.metrics.time_frame import USUAL_SPAN

pytestmark = [pytest.mark.server, pytest.mark.timeout(60)]

TOLD = 15.0
"""Seconds within which a frozen or dead server is told, and one that returns is live again: what the feeds
promise is 5 and 6; a busy machine gets the rest."""
ELECTED = 20.0
"""Seconds within which an ensemble has a leader again, and its new one has been found."""
METRICS = "prometheus/main"
ILL = (State.STALE, State.UNREACHABLE)


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    with quiet_demo() as lab:
        yield lab


@dataclass
class Eyes:
    """A watch over the whole demo, and every reading that was not LIVE."""

    watch: Watch
    config: Path
    chart: ChartSource
    ill: dict[FeedKey, list[Reading[Any]]] = field(default_factory=dict)

    def hear(self, key: FeedKey) -> Callable[[Reading[Any], Reading[Any]], None]:
        def heard(new: Reading[Any], before: Reading[Any]) -> None:
            if new.state is not State.LIVE:
                self.ill.setdefault(key, []).append(new)

        return heard

    def reading(self, source: str, noun: str) -> Reading[Any]:
        return self.watch.feeds(noun)[FeedKey(source, noun)].reading

    def rows(self, source: str, noun: str) -> list[Any]:
        return list((self.reading(source, noun).value or {}).values())

    def lines(self, source: str) -> int:
        """How many lines of it have come."""
        span: LogSpan | None = self.reading(source, "logs").value
        return 0 if span is None else span.end

    def all_live(self, source: str, *nouns: str) -> bool:
        return all(self.reading(source, noun).state is State.LIVE for noun in nouns)

    def none_live(self, source: str, *nouns: str) -> bool:
        return all(self.reading(source, noun).state in ILL for noun in nouns)

    @property
    def not_live(self) -> dict[str, str]:
        return {
            f"{key.source} {key.noun}": f"{feed.reading.state.value}: {feed.reading.error}"
            for key, feed in self.watch.feeds().items()
            if feed.reading.state is not State.LIVE
        }

    def wrong(self) -> list[Problem]:
        """What the overview tells."""
        watch = self.watch
        readings = {key: feed.reading for key, feed in watch.feeds().items()}
        events = list((readings[TIMELINE].value or {}).values())
        now = Now(watch.clock.monotonic(), watch.clock.now())
        return folded(problems(readings, (), watch.expected_sizes(), events, now), readings, events)

    async def until(self, what: Callable[[], object], seconds: float = TOLD) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, f"not within {seconds:g} s; not live: {self.not_live}"
            await asyncio.sleep(0.02)

    async def ask(self, *words: str) -> Ran:
        """What a headless verb says meanwhile."""
        return await asyncio.to_thread(run, *words, "-o", "jsonl", "--config", str(self.config))

    def only(self, *sources: str) -> None:
        """Nothing of another source has blinked."""
        others = {key: readings for key, readings in self.ill.items() if key.source not in sources}
        assert not others


Opened = Callable[[], AbstractAsyncContextManager[Eyes]]


@pytest.fixture
def seen(running: Lab) -> Opened:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Eyes]:
        watch = Watch(load_config(str(running.config), os.environ).contexts["demo"])
        made = watch.charts.show(METRICS, "page", "up", Span(USUAL_SPAN))
        assert made is not None
        eyes = Eyes(watch, running.config, made[1])
        watch.open()
        feeds = {**watch.feeds(), made[0]: made[1].feed}
        leave = [feed.watch(eyes.hear(key)) for key, feed in feeds.items()]
        try:
            await eyes.until(lambda: not eyes.not_live and eyes.chart.feed.reading.state is State.LIVE, ELECTED)
            eyes.ill.clear()
            yield eyes
        finally:
            for away in leave:
                away()
            await watch.close()

    return opened


async def frozen_and_killed(
    server: Server, told: Callable[[], Awaitable[None]], back: Callable[[], Awaitable[None]]
) -> None:
    with server.frozen():
        await told()
    await back()
    again = server.kill()
    await told()
    again()
    await back()


@pytest.mark.parametrize("source", ["etcd/main", "zookeeper/main"])
async def test_the_leader_of_a_cluster(running: Lab, seen: Opened, source: str) -> None:
    """Its row says so, the others' do not; groups are live again as soon as there is another leader."""
    async with seen() as eyes:

        def leader() -> str | None:
            found = (row for row in eyes.rows(source, "members") if row.role is Role.LEADER)
            return next((row.name for row in found if row.trouble is None), None)

        def is_well(row: Member) -> bool:
            return row.state is MemberState.UP and row.trouble is None

        async def told() -> None:
            await eyes.until(
                lambda: [row.name for row in eyes.rows(source, "members") if not is_well(row)] == [it]
            )
            await eyes.until(lambda: leader() not in (None, it) and eyes.all_live(source, "instances"), ELECTED)
            ran = await eyes.ask("members", "--source", source)
            # By its address: what never answered has not told its name.
            ill = next(row.address for row in eyes.rows(source, "members") if row.name == it)
            assert [i["address"] for i in ran.items if i["group"] is None and i["state"] != "up"] == [ill]

        it = ""

        async def back() -> None:
            nonlocal it
            await eyes.until(lambda: all(map(is_well, eyes.rows(source, "members"))) and leader(), ELECTED)
            it = leader() or ""

        def its_server() -> Server:
            kind = source.partition("/")[0]
            return Server(running, f"{kind} {it.replace('server.', 's')}")

        await back()
        with its_server().frozen():
            await told()
        await back()
        again = its_server().kill()
        await told()
        again()
        await back()
        eyes.only(source)
        assert not any(key.noun == "members" for key in eyes.ill)


async def test_the_metrics_server(running: Lab, seen: Opened) -> None:
    """Its targets, alerts and charts keep what they knew, and say that it is old."""
    async with seen() as eyes:
        chart = eyes.chart.feed

        async def told() -> None:
            known = eyes.reading(METRICS, "targets").value
            await eyes.until(lambda: eyes.none_live(METRICS, "targets", "alerts"))
            await eyes.until(lambda: chart.reading.state in ILL)
            assert eyes.reading(METRICS, "targets").value == known
            assert chart.reading.value is not None
            assert chart.reading.value.series
            ran = await eyes.ask("query", "up", "--timeout", "1")
            assert (ran.status, ran.out) == (3, "")
            assert f"{METRICS}: " in ran.err

        async def back() -> None:
            await eyes.until(lambda: eyes.all_live(METRICS, "targets", "alerts"))
            await eyes.until(lambda: chart.reading.state is State.LIVE)

        # Of a server that has just begun the first point is a step away.
        await eyes.until(lambda: chart.reading.value is not None and chart.reading.value.series, ELECTED)
        await frozen_and_killed(Server(running, "prometheus"), told, back)
        eyes.only(METRICS)


async def test_the_supervisor(running: Lab, seen: Opened) -> None:
    """Its units and what they print go stale with it; they die with it, and come back with it."""
    source = "supervisord/main"
    async with seen() as eyes:

        async def told() -> None:
            await eyes.until(lambda: eyes.none_live(source, "units"))
            assert len(eyes.rows(source, "units")) == 6
            ran = await eyes.ask("units", "--timeout", "1")
            assert (ran.status, ran.out) == (3, "")
            assert f"{source}: " in ran.err

        async def back() -> None:
            await eyes.until(lambda: eyes.all_live(source, "units", "logs"))
            await eyes.until(lambda: {row.native for row in eyes.rows(source, "units")} == {"RUNNING"})

        before = eyes.lines(source)
        await frozen_and_killed(Server(running, "supervisord"), told, back)
        await eyes.until(lambda: eyes.lines(source) > before)
        eyes.only(source)


async def test_a_dead_supervisor_and_a_dead_member_are_two_problems(running: Lab, seen: Opened) -> None:
    """What comes of them stands behind them, targets and the alerts on these; a group that is empty does not."""
    async with seen() as eyes:
        instances = [row for key in eyes.watch.feeds("instances") for row in eyes.rows(*key)]
        groups = {str(row.group) for row in instances}
        servers = [Server(running, "supervisord"), Server(running, "etcd m1")]
        again = [server.kill() for server in servers]

        def brought_about() -> dict[str, Counter[str]]:
            return {p.name: Counter(effect.kind for effect in p.effects) for p in eyes.wrong()}

        wanted = {
            "supervisord/main": Counter(targets=6, alerts=6),
            "etcd/main m1": Counter(targets=1, alerts=1),
            **{group: Counter() for group in groups},
        }
        await eyes.until(lambda: brought_about() == wanted, ELECTED)
        for start in again:
            start()
        await eyes.until(lambda: not eyes.wrong(), ELECTED)


async def test_what_no_source_asks_itself(running: Lab, seen: Opened) -> None:
    """What is only scraped is a target that is down. A journal that nobody writes is quiet: its readers can't
    tell a writer that is gone from one with nothing to say."""
    servers = [Server(running, "node-exporter"), Server(running, "journald")]
    log = running.folder / "supervisord.log"
    async with seen() as eyes:

        def is_up() -> bool:
            return any(r.job == "node" and r.state is TargetState.UP for r in eyes.rows(METRICS, "targets"))

        async def told() -> None:
            await eyes.until(lambda: not is_up())
            await eyes.until(lambda: [row.name for row in eyes.rows(METRICS, "alerts")] == ["InstanceDown"])

        async def back() -> None:
            before = eyes.lines("journald/main")
            with log.open("a") as file:
                file.write("2026-11-24 02:13:20,500 INFO the journal's writer passes this on\n")
            await eyes.until(lambda: eyes.lines("journald/main") > before)
            await eyes.until(lambda: is_up() and not eyes.rows(METRICS, "alerts"))

        with servers[0].frozen(), servers[1].frozen():
            await told()
        await back()
        again = [server.kill() for server in servers]
        (running.folder / "journal" / "ready.sock").unlink()
        await told()
        for start in again:
            start()
        await back()
        eyes.only()


async def test_lines_of_all_sources_stand_in_the_order_of_their_times(running: Lab) -> None:
    contexts = load_config(str(running.config), os.environ).contexts
    time = ReadersClock()
    app = MidwatchApp(contexts, contexts["demo"], command="logs", clock=time)
    wanted = {"files/app", "supervisord/main", "journald/main"}
    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(app, pilot, Script(), time)
        await screen.until(lambda: wanted <= {source for source, _ in app.view.log_view.lines.origins}, 15)  # type: ignore[attr-defined]
        lines = app.view.log_view.lines  # type: ignore[attr-defined]
        read = [record for row in lines.rows if (record := lines.records.of(row)) is not None]
        assert {record.source for record in read if record.time is not None} >= wanted
        times = [record.time for record in read if record.time is not None]
        assert times == sorted(times)


async def test_a_closed_watch_leaves_no_thread_and_no_child(running: Lab) -> None:
    """No session of ZooKeeper, no journalctl, no stream of supervisord, no request to Prometheus."""
    before = own_threads()
    for _ in range(2):
        watch = Watch(load_config(str(running.config), os.environ).contexts["demo"])
        made = watch.charts.show(METRICS, "page", "up", Span(60))
        assert made is not None
        watch.open()
        feeds = [*watch.feeds().values(), made[1].feed]
        for feed in feeds:
            feed.watch(lambda new, before: None)
        async with asyncio.timeout(ELECTED):
            while not all(feed.reading.state is State.LIVE for feed in feeds):
                await asyncio.sleep(0.02)
        assert own_threads() - before
        assert any("journalctl" in line for line in children())
        began = time.monotonic()
        await watch.close()
        # A second is promised; a busy machine may take longer.
        assert time.monotonic() - began < 3
        async with asyncio.timeout(3):
            while own_threads() - before or any("journalctl" in line for line in children()):
                await asyncio.sleep(0.02)


def own_threads() -> set[str]:
    """What sources start for themselves; the loop's own pool and gRPC's poller stay for the next one."""
    names = {thread.name for thread in threading.enumerate()}
    return {name for name in names if name.startswith(("zookeeper", "files", "supervisord")) or "zk_loop" in name}


def children() -> list[str]:
    found = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    return [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in found]


async def test_another_context_and_back_tells_nothing_that_did_not_happen(running: Lab) -> None:
    """The sources go on from what they said last: nobody came, went or fell in between."""
    contexts = load_config(str(running.config), os.environ).contexts
    time = ReadersClock()
    app = MidwatchApp(contexts, contexts["demo"], command="events", clock=time)

    def all_live() -> bool:
        watching = app.watching
        return watching is not None and all(
            feed.reading.state is State.LIVE for feed in watching.feeds().values() if feed.pace.always
        )

    async with app.run_test(size=(120, 40)) as pilot:
        screen = Screen(app, pilot, Script(), time)
        await screen.until(all_live, ELECTED)
        assert app.watching is not None
        first = app.watching
        instances = first.feeds("instances")
        known = {
            (row.source, f"{row.group}/{row.name}")
            for feed in instances.values()
            for row in (feed.reading.value or {}).values()
        }
        for name in ("guarded", "demo"):
            old = app.watching
            await screen.type(f":context {name}\r")
            await screen.until(lambda old=old: app.watching is not old and all_live(), ELECTED)  # type: ignore[misc]
        assert app.watching.timeline is first.timeline
        rows = (app.watching.feeds("events")[TIMELINE].reading.value or {}).values()
        (gap,) = (row.key for row in rows if row.text.startswith("not watched from "))
        # Those of a demo that has just begun may still come.
        kinds = (EventKind.LEFT, EventKind.STATE, EventKind.LEADER, EventKind.SOURCE)
        later = [row for row in rows if row.key > gap]
        assert [row for row in later if row.kind in kinds or (row.source, row.target) in known] == []
        await screen.until("not watched from")

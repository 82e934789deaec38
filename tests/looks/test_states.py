"""One picture per state: how loading, live, stale, unreachable, idle, empty and narrow look.

`pytest tests/looks --snapshot-update` takes them anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App
from textual.pilot import Pilot

from backends.api import registry
from backends.api.details import Trouble
from backends.api.errors import Silent, Unreachable
from backends.api.events import Event, EventKind
from backends.api.members import MemberState, Role
from backends.api.metrics import ScrapeTarget, TargetState
from backends.api.quorum import Quorum
from backends.api.readings import Seen
from backends.config.context import Context, SourceConfig
from tests.clock import FakeClock
from tests.flows import fake_supervisor, scraped
from tests.flows.fake import SCRIPTS, FakeSettings, Script, member, process
from tests.flows.metered import MeteredSettings
from tests.waiting import until
from tui.app import MidwatchApp
from widgets.logs.histogram import Histogram
from widgets.logs.view import LogView

Compare = Callable[..., bool]
Steps = Callable[[Pilot[None], Script, FakeClock], Awaitable[None]]

LAB = Context("lab", (SourceConfig("fake", "main", FakeSettings()),), colour="green")
PROD = Context("shop-prod", (SourceConfig("fake", "main", FakeSettings()),), read_only=True)
BARE = Context("bare", (), tried=("127.0.0.1:2379, etcd's default: nothing listens there",))


@pytest.fixture
def picture(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    for kind, module in (("fake", "fake"), ("supervisor", "fake_supervisor"), ("scraped", "scraped")):
        monkeypatch.setitem(registry.MODULES, kind, f"tests.flows.{module}")
    SCRIPTS.clear()
    fake_supervisor.QUEUES.clear()
    scraped.QUEUES.clear()

    def take(
        steps: Steps, *, context: Context = LAB, size: tuple[int, int] = (100, 20), command: str = "members"
    ) -> bool:
        clock = FakeClock()
        app = MidwatchApp({context.name: context}, context, command=command, clock=clock)

        async def run(pilot: Pilot[None]) -> None:
            await pilot.pause()
            script = SCRIPTS.setdefault("main", Script())
            await steps(pilot, script, clock)
            await clock.advance(0.2)
            # Not whether a quarter of a second of real time has passed decides what is in the picture.
            app.first_paint.let_go()
            app.tick()
            await settled(app)
            app.tick()
            await pilot.pause()

        return snap_compare(app, terminal_size=size, run_before=run)

    return take


async def settled(app: App[None]) -> None:
    """Lines are put in order and counted in short steps, with turns of the loop in between."""
    async with asyncio.timeout(10):
        while any(
            view.lines.behind or view.lines.filtering or view.searching or view.counting
            for view in app.query(LogView)
        ) or any(histogram.counting for histogram in app.query(Histogram)):
            await asyncio.sleep(0.02)


def cluster() -> tuple[Any, ...]:
    facts: dict[str, Any] = {"version": "3.5.16", "db_size": 20480, "raft_term": 4, "latency_ms": 1.2}
    return (
        member("m0", role=Role.LEADER, raft_index=1204, **facts),
        member("m1", raft_index=1204, **facts),
        member("m2", raft_index=1203, **facts),
    )


async def live(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
    script.say_members(*cluster())
    await pilot.pause()
    await clock.advance(0.5)


def test_loading(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        await clock.advance(0.5)

    assert picture(steps)


def test_live(picture: Callable[..., bool]) -> None:
    assert picture(live)


def test_stale(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        await live(pilot, script, clock)
        await clock.advance(5.1)

    assert picture(steps)


def test_unreachable(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        await live(pilot, script, clock)
        for _ in range(3):
            script.members.put_nowait(Unreachable("connection refused", where="10.0.0.1:2379"))
        await clock.advance(0.1)

    assert picture(steps)


def test_a_silent_member(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        trouble = Trouble(Silent("no answer in 1.8 s"), clock.monotonic() - 9, datetime(2026, 11, 24, tzinfo=UTC))
        m0, m1, _ = cluster()
        facts: dict[str, Any] = {"role": None, "version": "3.5.16", "leader": "m0"}
        script.say_members(m0, m1, member("m2", MemberState.UNKNOWN, trouble=trouble, **facts))
        await pilot.pause()
        await clock.advance(0.5)

    assert picture(steps)


def test_nothing_found(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        await clock.advance(0.5)

    assert picture(steps, context=BARE)


def test_production_read_only(picture: Callable[..., bool]) -> None:
    assert picture(live, context=PROD)


def test_narrow(picture: Callable[..., bool]) -> None:
    assert picture(live, size=(60, 12))


def test_processes_80x24_with_a_filter_and_marks(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        script.say_processes(
            *(process(pid, "python" if pid % 3 else "nginx", cpu=float(pid)) for pid in range(1, 40))
        )
        await pilot.press("3")
        await pilot.pause()
        await clock.advance(0.5)
        await pilot.press("j", "j", "space", "slash", *"python", "enter")

    assert picture(steps, size=(80, 24))


def test_logs(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        script.say_lines(b"all fine", b"ERROR payment refused: deadline exceeded", b"again fine")
        await pilot.press("5")
        await pilot.pause()
        await clock.advance(0.5)
        await pilot.press("slash", *"fine", "enter")

    assert picture(steps)


def test_merged_logs_with_their_histogram_80x24(picture: Callable[..., bool]) -> None:
    both = Context(
        "lab", (*LAB.sources, SourceConfig("fake", "other", FakeSettings(script="other"))), colour="green"
    )

    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        began = clock.now() - timedelta(minutes=9)

        def lines(every: int, text: str) -> list[bytes]:
            return [f"{(began + timedelta(seconds=s)):%FT%TZ} {text} {s}".encode() for s in range(0, 540, every)]

        script.say_lines(*lines(7, "paid"))
        SCRIPTS.setdefault("other", Script()).say_lines(*lines(40, "GET /cart"), *lines(90, "ERROR refused")[3:5])
        await pilot.pause()
        await clock.advance(0.5)
        await until(lambda: pilot.app.query_one(LogView).lines.total == 78 + 14 + 2)
        await settled(pilot.app)
        await pilot.press("G", "E")
        await pilot.pause()

    assert picture(steps, context=both, command="logs", size=(80, 24))


def test_the_command_line_offers_what_a_word_could_become(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        await live(pilot, script, clock)
        await pilot.press("colon", *"lo")

    assert picture(steps)


def test_help(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        await pilot.press("question_mark")

    assert picture(steps, size=(100, 60))


async def wrong(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
    """A cluster of which one member is silent, and what came before that."""
    await live(pilot, script, clock)
    m0, m1, m2 = cluster()
    since = clock.now() - timedelta(seconds=42)
    trouble = Trouble(Silent("no answer in 1.8 s"), clock.monotonic() - 42, since)
    silent = replace(m1, state=MemberState.UNKNOWN, trouble=trouble, quorum=Quorum(3, 2))
    news = (
        Event(since, EventKind.JOINED, "fake/main", "web/web-7", "web-7  10.0.3.17:8080"),
        Event(since, EventKind.LEADER, "fake/main", "fake/main", "m2 → m0"),
        Event(clock.now(), EventKind.STATE, "fake/main", "m1", "up → silent: no answer in 1.8 s", bad=True),
    )
    script.members.put_nowait(Seen({row.key: row for row in (m0, silent, m2)}, None, news))
    await pilot.pause()
    await clock.advance(1.5)


@pytest.mark.parametrize(
    "size", [(40, 12), (80, 24), (120, 40), (200, 60)], ids=["40x12", "80x24", "120x40", "200x60"]
)
def test_overview_with_something_wrong(picture: Callable[..., bool], size: tuple[int, int]) -> None:
    assert picture(wrong, size=size, command="overview")


SHOP = Context(
    "lab",
    (
        SourceConfig("fake", "main", FakeSettings()),
        SourceConfig("supervisor", "main", fake_supervisor.FakeSupervisorSettings()),
        SourceConfig("scraped", "main", MeteredSettings()),
    ),
    colour="green",
)


async def brought_about(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
    """A member and a supervisor die; what they run is scraped."""
    names = ("web-1", "web-2", "web-3")
    fake_supervisor.say_units(*(fake_supervisor.unit(f"web:{name}") for name in names))
    await live(pilot, script, clock)
    at, (m0, m1, m2) = clock.now(), cluster()
    trouble = Trouble(Unreachable("connection refused"), clock.monotonic(), at)
    script.say_members(m0, replace(m1, state=MemberState.DOWN, trouble=trouble, quorum=Quorum(3, 2)), m2)
    fake_supervisor.orders().put_nowait(Unreachable("connection refused"))
    down = [
        ScrapeTarget(f"t/{name}", "scraped/main", job, name, TargetState.DOWN, since=at, error="refused")
        for job, name in (*(("web", name) for name in names), ("etcd", "m1"), ("node", "box"))
    ]
    scraped.orders().put_nowait(Seen({row.key: row for row in down}))
    await pilot.pause()
    await clock.advance(1.5)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_overview_of_causes(picture: Callable[..., bool], size: tuple[int, int]) -> None:
    assert picture(brought_about, context=SHOP, size=size, command="overview")


def test_overview_with_what_a_cause_brought_about(picture: Callable[..., bool]) -> None:
    async def steps(pilot: Pilot[None], script: Script, clock: FakeClock) -> None:
        await brought_about(pilot, script, clock)
        await pilot.press("j", "d")

    assert picture(steps, context=SHOP, size=(120, 40), command="overview")


def test_units_of_a_lost_supervisor(picture: Callable[..., bool]) -> None:
    assert picture(brought_about, context=SHOP, size=(120, 20), command="units")


def test_overview_when_all_is_well(picture: Callable[..., bool]) -> None:
    assert picture(live, command="overview")


def test_events(picture: Callable[..., bool]) -> None:
    assert picture(wrong, command="events")

"""Another context without a restart: the old one's feeds end, and nothing of it stays on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.geometry import Region

from backends.api.errors import Unreachable
from backends.api.events import Event, EventKind
from backends.api.members import Members, Role
from backends.api.readings import Seen, State
from backends.config.context import Context, SourceConfig
from tests.clock import FakeClock
from tests.flows.conftest import Opened
from tests.flows.fake import SCRIPTS, Fake, FakeSettings, Script, member, process

LAB = Context("lab", (SourceConfig("fake", "main", FakeSettings()),), colour="green")
PROD = Context("shop-prod", (SourceConfig("fake", "prod", FakeSettings(script="prod")),))


def prod() -> Script:
    return SCRIPTS.setdefault("prod", Script())


async def test_all_of_the_old_context_ends(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    async def close(backend: Fake) -> None:
        closed.append(backend.source)

    monkeypatch.setattr(Fake, "close", close)
    async with opened(contexts=(LAB, PROD), command="members") as screen:
        screen.script.say_members(member("old-1", role=Role.LEADER))
        screen.script.say_lines(b"an old line")
        screen.script.say_processes(process(7, "oldproc"))
        await screen.until("old-1")
        await screen.type(":logs\r")
        await screen.until("an old line")
        await screen.type(":processes\r")
        await screen.until("oldproc")
        old = screen.app.watching
        colour = screen.app.masthead.base
        await screen.type(":context shop-prod\r")
        await screen.until("shop-prod")
        async with asyncio.timeout(2):
            while closed != ["fake/main"]:
                await asyncio.sleep(0.01)
        assert screen.app.masthead.base != colour
        assert "lab" not in screen.lines[0]
        assert all(feed.reading.state is not State.LIVE for feed in old.feeds().values())
        # What the old sources say now reaches nobody.
        screen.script.say_members(member("old-2"))
        prod().say_members(member("new-1"))
        prod().say_lines(b"a new line")
        for command, new in (
            ("members", "new-1"),
            ("logs", "a new line"),
            ("processes", "processes"),
            ("events", "events"),
        ):
            await screen.type(f":{command}\r")
            await screen.until(new)
            assert "old" not in screen.text
        await screen.type(":overview\r")
        await screen.until("VITAL SIGNS")
        assert "old" not in screen.text


async def test_two_switches_in_one_breath_close_both_contexts_left(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    letting_go = asyncio.Event()

    async def members(backend: Fake, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        yield Seen({})
        try:
            await asyncio.sleep(30)
        finally:
            # The attempt goes on until it is over, though nobody waits for it any more.
            await letting_go.wait()

    async def close(backend: Fake) -> None:
        closed.append(backend.source)

    monkeypatch.setattr(Fake, "members", members)
    monkeypatch.setattr(Fake, "close", close)
    async with opened(contexts=(LAB, PROD), command="members") as screen:
        await screen.until("all live")
        old = screen.app.watching
        screen.app.everywhere.switch_context("shop-prod")
        await screen.until(lambda: screen.app.watching is not old)
        screen.app.everywhere.switch_context("lab")
        letting_go.set()
        await screen.until(lambda: sorted(closed) == ["fake/main", "fake/prod"])


async def test_keys_typed_ahead_find_the_new_context(opened: Opened) -> None:
    async with opened(contexts=(LAB, PROD), command="members") as screen:
        screen.script.say_members(member("old-1"))
        prod().say_members(member("new-1"), member("other"))
        await screen.until("old-1")
        await screen.type(":context shop-prod\r:members\r/new\r")
        await screen.until("1 of 2")
        assert "new-1" in screen.text
        assert "other" not in screen.text


async def test_one_that_is_left_armed_is_said_to_be_so_no_more(opened: Opened) -> None:
    async with opened(contexts=(LAB, PROD), command="members") as screen:
        await screen.type(":arm 15m why\r")
        await screen.until("ARMED")
        await screen.type(":context shop-prod\r")
        await screen.until("lab is armed no more: it was left")


async def test_what_hides_rows_of_one_context_hides_none_of_the_next(opened: Opened) -> None:
    async with opened(contexts=(LAB, PROD), command="members") as screen:
        screen.script.say_members(member("old-1"))
        prod().say_members(member("new-1"), member("other"))
        await screen.until("old-1")
        await screen.type("/old\r:events\r:context shop-prod\r")
        await screen.until("shop-prod")
        await screen.type(":members\r")
        await screen.until("other")
        assert "old" not in screen.text


async def test_what_happened_is_still_there_when_its_context_is_opened_again(opened: Opened) -> None:
    async with opened(contexts=(LAB, PROD), command="events") as screen:
        left = Event(datetime.now(UTC), EventKind.LEFT, "fake/main", "web/a", "web-a left")
        screen.script.members.put_nowait(Seen({}, None, (left,)))
        await screen.until("web-a left")
        await screen.type(":context shop-prod\r")
        await screen.until("nothing has changed since this context was opened")
        await screen.type(":context lab\r")
        await screen.until("web-a left")


async def test_a_frozen_old_source_holds_nothing_up(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def frozen(backend: Fake, last: Members | None) -> AsyncGenerator[Seen[Members], None]:
        try:
            if backend.source == "fake/main":
                old = member("old-1")
                yield Seen({old.key: old})
                while True:
                    try:
                        await asyncio.sleep(30)
                    except asyncio.CancelledError:
                        # A client that does not let go at once.
                        await asyncio.sleep(0.3)
                        raise
            new = member("new-1")
            yield Seen({new.key: new})
            await asyncio.sleep(30)
        finally:
            if backend.source == "fake/main":
                ended.set()

    monkeypatch.setattr(Fake, "members", frozen)
    async with opened(contexts=(LAB, PROD), command="members") as screen:
        await screen.until("old-1")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await screen.type(":context shop-prod\r")
        await screen.until("new-1")
        assert "old-1" not in screen.text
        await asyncio.wait_for(ended.wait(), 3)
        # A second is promised; a busy machine may take longer, though never as long as the source would.
        assert loop.time() - began < 3


async def test_a_source_that_dies_paints_no_line_of_another(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = Context("lab", (*LAB.sources, *PROD.sources), colour="green")
    # Time stands still but where the test moves it: nothing grows old meanwhile.
    clock = FakeClock()
    async with opened(contexts=(both,), command="members", clock=clock) as screen:
        screen.script.say_members(*(member(f"main-{number}") for number in range(5)))
        prod().say_members(*(member(f"prod-{number}") for number in range(5)))
        await screen.pilot.pause()
        await clock.advance(0.5)
        await screen.until("main-4")
        await screen.until("prod-4")
        await screen.until("LIVE")
        table = screen.app.view.table
        painted: list[Region] = []
        refresh = table.refresh

        def counted(*regions: Region, **more: Any) -> Any:
            painted.extend(regions or [Region(0, 0, *table.size)])
            return refresh(*regions, **more)

        monkeypatch.setattr(table, "refresh", counted)
        before = [line for line in screen.lines if "prod-" in line]
        screen.script.members.put_nowait(Unreachable("connection refused", where="10.0.0.1:2379"))
        await clock.advance(0.2)
        await screen.until(lambda: sum("unreachable" in line for line in screen.lines if "main-" in line) == 5)
        lines = screen.lines
        assert [line for line in lines if "prod-" in line] == before
        touched = {y + table.region.y for region in painted for y in range(region.y, region.bottom)}
        assert touched
        assert all("main-" in lines[y] for y in touched), [lines[y] for y in touched]


async def test_on_a_small_terminal_where_one_is_and_the_mode_are_left(opened: Opened) -> None:
    context = Context("production-eu-west", (SourceConfig("fake", "main", FakeSettings()),))
    async with opened(contexts=(context,), size=(40, 12)) as screen:
        screen.script.say_members(member("m0"))
        await screen.until("m0")
        screen.script.members.put_nowait(Unreachable("gone"))
        await screen.until("✖")
        assert screen.lines[0].startswith(" production-eu-west  guarded  ✖ fake/")

"""The app over processes that can be acted on, up to the question of an action; and what the audit holds then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backends.api import registry
from backends.changes.audit import Audit
from backends.config.context import Context, SourceConfig
from tests.clock import FakeClock
from tests.flows.actor import STAGES, Stage
from tests.flows.conftest import Opened, Screen
from tests.flows.fake import FakeSettings, member, process

Act = Callable[..., Any]
SOURCES = (SourceConfig("fake", "main", FakeSettings()),)


@pytest.fixture
def acting(opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Act:
    """`async with acting(arm="always") as (screen, stage)`: processes nginx 7 and redis 8 in the context `lab`;
    `other` is a context like it."""
    monkeypatch.setitem(registry.MODULES, "fake", "tests.flows.actor")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    STAGES.clear()

    @asynccontextmanager
    async def open_screen(
        size: tuple[int, int] = (100, 30), clock: FakeClock | None = None, **context: Any
    ) -> AsyncIterator[tuple[Screen, Stage]]:
        lab, other = Context("lab", SOURCES, **context), Context("other", SOURCES, **context)
        async with opened(size=size, contexts=(lab, other), command="processes", clock=clock) as screen:
            screen.script.say_members(member("m0"))
            screen.script.say_processes(process(7, "nginx"), process(8, "redis"))
            stage = STAGES.setdefault("main", Stage())
            stage.hold.set()
            await screen.until("redis")
            await screen.press("N", "g")
            yield screen, stage

    return open_screen


async def audit(tmp_path: Path, least: int = 0) -> list[tuple[str, str]]:
    """What the audit holds, once it has so many lines."""

    def read() -> list[tuple[str, str]]:
        entries = Audit(tmp_path / "state" / "midwatch" / "audit").entries()
        return [(line["title"], line["outcome"]) for line in entries]

    async with asyncio.timeout(5):
        while len(found := await asyncio.to_thread(read)) < least:
            await asyncio.sleep(0.02)
    return found


async def ask(screen: Screen, *keys: str) -> None:
    """Up to the question about what stands first in the menu, or further down."""
    await screen.press("x")
    await screen.until("SIGTERM")
    await screen.press(*keys, "enter")
    await screen.until("[ Cancel ]")
    await screen.until("data")

"""Names of a hundred thousand characters: what they cost the loop, and with it every key and every frame."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.flows.acting import Act, acting
from tests.flows.conftest import Opened
from tests.flows.fake import member, process

__all__ = ["acting"]

LONG = {
    "plain": "x" * 100_000,
    "wide": "漢字" * 50_000,
    "words": "ein Wört " * 11_000,
    "storm": "e" + "\u0301" * 100_000,
    "escapes": "\x1b[31mred\x1b[0m\u202e" * 8_000,
    "blanks": "a" + " " * 100_000 + "b",
}
LIMIT = 0.5
"""Seconds of work that the loop may be given at once; a frame is a tenth of it, a filter looks at all."""


@asynccontextmanager
async def loop_is_free() -> AsyncIterator[None]:
    """Fails where the loop worked for longer than `LIMIT` between two of its turns. What counts is its own time:
    others want the machine too."""
    worst, ended = 0.0, asyncio.Event()

    async def look() -> None:
        nonlocal worst
        before = time.thread_time()
        while not ended.is_set():
            await asyncio.sleep(0.005)
            now = time.thread_time()
            worst, before = max(worst, now - before), now

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        ended.set()
        await task
    assert worst < LIMIT, f"{worst:.2f} s"


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
async def test_rows_with_long_names(opened: Opened, name: str) -> None:
    async with opened(command="members") as screen:
        async with loop_is_free():
            screen.script.say_members(*(member(f"{i:02}{name}") for i in range(40)))
            await screen.until(lambda: screen.app.view.table.total == 40)
            await screen.press("j", "k", "G", "g")
        async with loop_is_free():
            await screen.press("v", "j", "j", "c")
            await screen.until("copied")
        async with loop_is_free():
            await screen.press("d")
            await screen.press("j", "w", "q")
        async with loop_is_free():
            await screen.type("/07\r")
            await screen.until("1 of 40")


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
async def test_a_question_about_a_long_name(acting: Act, name: str) -> None:
    async with acting(arm="always") as (screen, _):
        screen.script.say_processes(process(7, name, command=name))
        await screen.until(lambda: screen.app.view.table.total == 1)
        async with loop_is_free():
            await screen.press("K")
            await screen.until("SIGTERM")
            await screen.press("enter")
            await screen.until("Cancel")
            await screen.press("down", "down")
        assert "asks it to end" in screen.text


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
async def test_an_audit_of_long_texts(acting: Act, tmp_path: Path, name: str) -> None:
    texts = {"title": "SIGTERM", "target": name[:2000], "text": name[:2000]}

    def write() -> None:
        folder = tmp_path / "state" / "midwatch" / "audit"
        folder.mkdir(parents=True, mode=0o700)
        (folder / "audit-000001.jsonl").write_text(f"{json.dumps(texts)}\n" * 1000)

    await asyncio.to_thread(write)
    async with acting(arm="always") as (screen, _):
        async with loop_is_free():
            await screen.type(":audit\r")
            await screen.until("damaged places")
        async with loop_is_free():
            await screen.press("g", "w", "w")

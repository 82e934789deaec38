"""Real writers, and a Files source that looks at them four times a second."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from backends.logs.files import Files
from tests.servers.files_followed import Collected, collect, source
from tests.servers.log_writer import FAST, STEADY, numbers, writer

LINES = 200_000


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_fifty_renames_by_a_fast_writer_lose_nothing_and_double_nothing(
    tmp_path: Path, way: str, pattern: str
) -> None:
    log, got = tmp_path / "app.log", Collected()
    log.write_text("begin\n")
    async with source(tmp_path / pattern) as files:
        await collect(files, got, lambda: True)
        with writer(FAST, log, LINES, 50, way) as process:
            await collect(files, got, lambda: process.poll() is not None)
    assert sorted(numbers(got.lines)) == list(range(LINES))


@pytest.mark.parametrize("way", ["up", "down"])
async def test_fifty_renames_between_two_looks_are_read_in_their_order(tmp_path: Path, way: str) -> None:
    log, got = tmp_path / "app.log", Collected()
    log.write_text("begin\n")
    async with source(log) as files:
        await collect(files, got, lambda: True)
        with writer(FAST, log, LINES, 50, way) as process:
            await asyncio.to_thread(process.wait)
        await collect(files, got, lambda: True)
    assert numbers(got.lines) == list(range(LINES))


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_copytruncate_doubles_nothing_and_says_what_it_can_lose(tmp_path: Path, pattern: str) -> None:
    log, got = tmp_path / "app.log", Collected()
    log.write_text("begin\n")

    async def rotate(running: Callable[[], bool]) -> int:
        done = 0
        while running():
            await asyncio.sleep(0.4)
            for old in range(done, 0, -1):
                (tmp_path / f"app.log.{old}").rename(tmp_path / f"app.log.{old + 1}")
            shutil.copyfile(log, tmp_path / "app.log.1")
            os.truncate(log, 0)
            done += 1
        return done

    async with source(tmp_path / pattern) as files:
        await collect(files, got, lambda: True)
        with writer(STEADY, log, 60_000) as process:
            rotating = asyncio.create_task(rotate(lambda: process.poll() is None))
            await collect(files, got, lambda: process.poll() is not None and rotating.done())
        rotations = await rotating
    # Of a line that was half read when its file was truncated the half is told; cut within its number it would
    # pass for another one.
    halves = [line for line in got.lines if line.startswith(b"line ") and len(line.split()[1]) < len(b"00000000")]
    found = numbers([line for line in got.lines if line not in halves])
    assert len(found) == len(set(found))
    kept = {number for path in tmp_path.iterdir() for number in numbers(path.read_bytes().split(b"\n"))}
    assert set(found) <= kept
    assert len(kept - set(found)) <= len(halves)
    assert rotations >= 2
    assert sum("copytruncate" in note and "may be lost" in note for note in got.notes) >= 1


async def test_a_new_backend_goes_on_from_the_cursor_in_the_midst_of_rotations(tmp_path: Path) -> None:
    log, got = tmp_path / "app.log", Collected()
    log.write_text("begin\n")
    with writer(FAST, log, 1, 0, "up") as process:
        await asyncio.to_thread(process.wait)
    async with source(log) as files:
        await collect(files, got, lambda: True)
    with writer(FAST, log, LINES, 50, "down") as process:
        for _ in range(5):
            async with source(log) as files:
                await collect_some(files, got)
        await asyncio.to_thread(process.wait)
    async with source(log) as files:
        await collect(files, got, lambda: True)
    assert sorted(numbers(got.lines)) == sorted([0, *range(LINES)])
    assert not any("lost" in note for note in got.notes)


async def collect_some(files: Files, into: Collected) -> None:
    """One attempt, ended by its first look that brought something."""
    async with asyncio.timeout(20), aclosing(files.logs(into.last)) as seens:
        async for seen in seens:
            into.take(seen.value)
            if seen.value.blocks or seen.changed is not None:
                return


async def test_deleted_and_made_anew_under_the_source(tmp_path: Path) -> None:
    log, got = tmp_path / "app.log", Collected()
    log.write_text("line 0\n")
    async with asyncio.timeout(20), source(log) as files, aclosing(files.logs(None)) as seens:
        with log.open("a") as old:
            async for seen in seens:
                got.take(seen.value)
                if len(got.lines) == 1 and log.exists():
                    log.unlink()
                    old.write("line 1\n")
                    old.flush()
                elif len(got.lines) == 2 and not log.exists():
                    log.write_text("line 2\n")
                elif len(got.lines) == 3:
                    break
    assert numbers(got.lines) == [0, 1, 2]

"""A lane: blocking calls in their order, and a program that ends although one of them never does."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backends.api.errors import Unreachable
from backends.logs.serial_calls import Lane
from tests.unit.no_threads import no_threads

HANGING = """
import asyncio, sys, threading
from contextlib import aclosing
from backends.logs.files import Files, FilesSettings
from backends.logs.follow import Follower
from backends.logs.whole_files import WholeFiles
from backends.logs import files as module

def hang(*args): threading.Event().wait()
Follower.look = WholeFiles.open = module._discover = module._check_pattern = hang

async def follow(files):
    async with aclosing(files.logs(None)) as seens:
        await anext(seens)

async def history(files):
    async with aclosing(files.history()) as batches:
        await anext(batches)

async def main():
    files = Files("app", FilesSettings(paths=(sys.argv[1],)), timeout=0.2)
    assert "no answer" in (await Files.discover({}, 0.2))[0].reason
    assert "no answer" in (await files.check())[0].text
    for call in (follow, history):
        try:
            await asyncio.wait_for(call(files), 0.2)
        except TimeoutError:
            print("late")
    await files.close()

asyncio.run(main())
"""


def test_a_hanging_file_system_does_not_keep_the_process(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("one\n")
    argv = [sys.executable, "-c", HANGING, str(tmp_path / "app.log")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert (done.stdout.split(), done.stderr, done.returncode) == (["late", "late"], "", 0)


async def test_calls_run_in_their_order_and_one_at_a_time() -> None:
    lane, ran, go = Lane("test"), [], threading.Event()

    def call(number: int) -> int:
        go.wait()
        ran.append(number)
        return number

    tasks = [asyncio.create_task(lane.run(lambda number=number: call(number))) for number in range(5)]  # type: ignore[misc]
    await asyncio.sleep(0)
    tasks[2].cancel()
    last = threading.Event()
    lane.submit(last.set)
    await asyncio.sleep(0)
    go.set()
    got = await asyncio.gather(*tasks, return_exceptions=True)
    assert [got[0], got[1], got[3], got[4]] == [0, 1, 3, 4]
    assert ran == [0, 1, 3, 4]
    assert await asyncio.to_thread(last.wait, 10)
    assert await lane.run(lambda: 7) == 7


async def test_what_a_call_raises_is_raised_where_it_is_awaited() -> None:
    def fail() -> None:
        raise OSError("no such device")

    with pytest.raises(OSError, match="no such device"):
        await Lane("test").run(fail)


async def test_where_no_thread_starts_a_call_fails_and_the_lane_goes_on() -> None:
    lane, ran = Lane("test"), []
    with no_threads():
        with pytest.raises(Unreachable, match="can't start new thread"):
            await lane.run(lambda: ran.append("failed"))
        lane.submit(lambda: ran.append("closed"))
    await lane.run(lambda: ran.append("next"))
    assert ran == ["closed", "next"]

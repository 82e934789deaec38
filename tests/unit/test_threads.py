"""The loop's own threads: a call that hangs keeps nobody from going on, nor from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from backends.threads import CALLS_MOST, leave_threads_behind

HANGS = """
import asyncio, time
from backends.threads import leave_threads_behind
async def main():
    leave_threads_behind()
    try:
        async with asyncio.timeout(0.1):
            await asyncio.to_thread(time.sleep, 60)
    except TimeoutError:
        print("given up")
asyncio.run(main())
"""


def test_what_hangs_does_not_keep_the_program() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "given up\n"


async def test_results_and_errors_come_back() -> None:
    leave_threads_behind()
    assert await asyncio.to_thread(int, "7") == 7
    with pytest.raises(ValueError, match="seven"):
        await asyncio.to_thread(int, "seven")


async def test_more_than_may_run_wait_for_their_turn() -> None:
    leave_threads_behind()
    go = threading.Event()
    running: list[int] = []

    def held() -> None:
        running.append(1)
        go.wait()

    calls = [asyncio.create_task(asyncio.to_thread(held)) for _ in range(CALLS_MOST)]
    late = asyncio.create_task(asyncio.to_thread(int, "7"))
    while len(running) < CALLS_MOST:
        await asyncio.sleep(0.01)
    assert not late.done()
    go.set()
    assert await late == 7
    await asyncio.gather(*calls)

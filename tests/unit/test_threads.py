"""Threads for calls that block: one that hangs keeps nobody from going on, nor from ending."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

import backends.threads
from backends.api.errors import TimedOut, Unreachable
from backends.threads import CALLS_MOST, Threads, leave_threads_behind
from tests.unit.no_threads import no_threads

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


async def test_one_thread_serves_the_calls_that_follow_each_other() -> None:
    threads = Threads("looks", 3)
    served = [await threads.run(threading.get_ident) for _ in range(20)]
    # Its end and the next call may cross.
    assert len(set(served)) < 5


async def test_a_thread_without_calls_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends.threads, "LINGER", 0.05)
    thread = await Threads("looks", 3).run(threading.current_thread)
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
    assert await Threads("looks", 3).run(threading.current_thread) is not thread


async def test_a_call_that_hangs_keeps_its_thread_and_no_other() -> None:
    threads, go = Threads("looks", 2), threading.Event()
    hangs = asyncio.create_task(threads.run(go.wait))
    assert await threads.run(lambda: threading.current_thread().name) == "looks"
    go.set()
    assert await hangs


async def test_where_no_thread_starts_a_call_fails_and_the_next_ones_do_not() -> None:
    threads = Threads("looks", 1)
    with no_threads():
        for _ in range(3):
            with pytest.raises(Unreachable, match="can't start new thread") as caught:
                await threads.run(int)
            assert not isinstance(caught.value, TimedOut)
            assert "pids.max" in (caught.value.hint or "")
    assert await threads.run(lambda: 7) == 7


async def test_where_no_thread_starts_the_loops_own_calls_fail_and_the_next_ones_do_not() -> None:
    leave_threads_behind()
    ran: list[int] = []
    with no_threads():
        for _ in range(CALLS_MOST + 1):
            with pytest.raises(Unreachable, match="can't start new thread"):
                await asyncio.to_thread(ran.append, 1)
    assert await asyncio.to_thread(int, "7") == 7
    assert not ran


async def test_where_no_further_thread_starts_those_at_work_take_the_call() -> None:
    leave_threads_behind()
    began, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def held() -> None:
        loop.call_soon_threadsafe(began.set)
        go.wait()

    first = asyncio.create_task(asyncio.to_thread(held))
    await began.wait()
    with no_threads():
        second = asyncio.create_task(asyncio.to_thread(int, "7"))
        await asyncio.sleep(0)
        assert not second.done()
        go.set()
        assert await second == 7
    await first

"""Many rows and many changes: keys stay quick, and the loop free.

Measured is the time of the processor: what a turn of the loop waits for it on a busy machine is not ours.
"""

from __future__ import annotations

import asyncio
import random
import time

from msgspec.structs import replace

from backends.api.readings import Seen
from tests.flows.conftest import Opened
from tests.flows.fake import process


async def test_five_thousand_rows_with_two_hundred_changes_a_second(opened: Opened) -> None:
    async with opened(size=(120, 40)) as screen:
        rows = {row.key: row for row in (process(pid, f"p{pid}") for pid in range(5000))}
        screen.script.processes.put_nowait(Seen(dict(rows)))
        await screen.type("3")
        await screen.until("5000")
        keys = list(rows)
        longest = 0.0
        began = time.thread_time()
        for number in range(40):
            changed = frozenset(random.sample(keys, 10))
            for key in changed:
                rows[key] = replace(rows[key], cpu=random.random() * 100)
            screen.script.processes.put_nowait(Seen(dict(rows), changed))
            turn = time.thread_time()
            await asyncio.sleep(0.05)
            longest = max(longest, time.thread_time() - turn)
            if number % 10 == 0:
                screen.app.keys.press("j", "j")
        assert time.thread_time() - began < 4
        assert longest < 0.4
        assert screen.app.view.table.current is not None


async def test_fifty_thousand_lines_a_second_are_followed(opened: Opened) -> None:
    async with opened(size=(120, 40)) as screen:
        await screen.type(":logs\r")
        lines = [b"line %d of a busy service" % number for number in range(5000)]
        began = time.thread_time()
        longest = 0.0
        for _ in range(20):
            screen.script.say_lines(*lines)
            turn = time.thread_time()
            await asyncio.sleep(0.1)
            longest = max(longest, time.thread_time() - turn)
        await screen.until("100 000 lines")
        assert time.thread_time() - began < 4
        assert longest < 0.4

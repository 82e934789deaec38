"""What became of a process after a signal: gone, still there, started again as which pid, a zombie of whom."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from msgspec import Struct

from backends.api.actions import Action, End, Outcome, Tell
from backends.processes import proc
from backends.processes.handling import parse_handling
from backends.processes.proc_files import read
from backends.processes.signal_lore import called
from backends.processes.signal_offer import END, ENDED_WITHIN, GO_ON, STARTED_AGAIN_WITHIN, STOP, named
from backends.processes.table import pid_of
from backends.threads import Threads

SETTLED_WITHIN = 0.3
"""Seconds for which one that should live on is watched, and within which one that should stop has stopped."""
BETWEEN = 0.1
"""Seconds between two looks at what the kernel sends no event for."""


class Sent(Struct, frozen=True):
    """A signal that was sent: to whom, its pidfd where there is one, when (seconds, monotonic and since the
    boot), and the parent's pid at that moment."""

    pid: int
    handle: int | None
    at: float
    since: float
    parent: int


class Afterwards:
    """Looks below `root`; `key` names a process as the table does."""

    def __init__(self, root: str, key: Callable[[proc.Stat], str], threads: Threads) -> None:
        self._root, self._key, self._threads = root, key, threads

    async def read_back(self, action: Action, sent: Sent | None, tell: Tell) -> Outcome:
        """Wait until it is decided; `sent` is None where it was sent so long ago that nothing is known of it."""
        expected = dict(action.arguments)["expected"]
        if sent is None:
            state = await self._state(action)
            return Outcome(End.DONE, "gone") if not state else await self._still(action, state, expected, "")
        patience = ENDED_WITHIN if expected == END else SETTLED_WITHIN
        if await self._ends(action, sent, patience):
            return Outcome(End.DONE, await self._gone(action, sent, tell))
        state = await self._settled(action, expected)
        return await self._still(action, state, expected, f" after {patience:g} s" if expected == END else "")

    async def _ends(self, action: Action, sent: Sent, seconds: float) -> bool:
        if sent.handle is not None:
            return await _readable(sent.handle, seconds)
        end = time.monotonic() + seconds
        while await self._state(action) not in ("", "Z", "X"):
            if time.monotonic() >= end:
                return False
            await asyncio.sleep(BETWEEN)
        return True

    async def _settled(self, action: Action, expected: str) -> str:
        """The state it is in, once that is the expected one or a moment has passed."""
        end = time.monotonic() + SETTLED_WITHIN
        while True:
            state = await self._state(action)
            if not state or (state in "Tt") == (expected == STOP) or time.monotonic() >= end:
                return state
            await asyncio.sleep(BETWEEN)

    async def _still(self, action: Action, state: str, expected: str, after: str) -> Outcome:
        """It is there: whether that is what was wanted, and if not, why it may be so."""
        if not state:
            return Outcome(End.DONE, "gone")
        title = action.title
        if expected == END:
            why = await self._threads.run(lambda: self._why_there(action, state))
            return Outcome(End.FAILED, f"still there{after}: {why}")
        stopped = state in "Tt"
        if expected in (STOP, GO_ON):
            word = "stopped" if stopped else "not stopped"
            done = stopped == (expected == STOP)
            return Outcome(End.DONE if done else End.FAILED, f"still there, {word} (state {state})")
        if await self._threads.run(lambda: self._waits(action)):
            return Outcome(End.DONE, f"still there: {title} was delivered and waits, the process blocks it")
        return Outcome(End.DONE, f"still there: {title} was delivered")

    def _why_there(self, action: Action, state: str) -> str:
        if state == "D":
            return "the kernel holds it (state D), it takes signals when that is over"
        if state in "Tt":
            return f"it is stopped, and takes {action.title} after SIGCONT"
        number = named(dict(action.arguments)["signal"])
        try:
            handling = parse_handling(read(f"{self._root}/{pid_of(action.target.key)}/status"))
        except (OSError, ValueError):
            return "why is not known"
        if number is None or handling.catches(number):
            return f"it caught {action.title} and goes on"
        return handling.fate(number).value.format(action.title)

    def _waits(self, action: Action) -> bool:
        number = named(dict(action.arguments)["signal"])
        try:
            handling = parse_handling(read(f"{self._root}/{pid_of(action.target.key)}/status"))
        except (OSError, ValueError):
            return False
        return number is not None and handling.waits(number)

    async def _gone(self, action: Action, sent: Sent, tell: Tell) -> str:
        text = f"gone after {time.monotonic() - sent.at:.1f} s"
        parent = await self._threads.run(lambda: self._stat(sent.parent))
        if parent is None:
            return text
        whose = await self._threads.run(lambda: self.name(sent.parent))
        # Supervisors collect what ended at their next turn: a zombie is one that stays.
        end = time.monotonic() + SETTLED_WITHIN
        while await self._state(action) in ("Z", "X"):
            if time.monotonic() >= end:
                return f"{text}; a zombie until {whose} collects it"
            await asyncio.sleep(BETWEEN)
        if parent.pid == 1 and parent.comm != "systemd":
            return text
        tell(f"{text}; looking whether {whose} starts it again")
        again = await self._started_again(action, sent)
        return f"{text}; {whose} started it again as {again}" if again else text

    async def _started_again(self, action: Action, sent: Sent) -> int | None:
        command = dict(action.arguments)["command"]
        try:
            async with asyncio.timeout(STARTED_AGAIN_WITHIN):
                while True:
                    pid = await self._threads.run(lambda: self._successor(sent, command))
                    if pid is not None:
                        return pid
                    await asyncio.sleep(2 * BETWEEN)
        except TimeoutError:
            return None

    def _successor(self, sent: Sent, command: str) -> int | None:
        """A child of the same parent with the same command line that was started after the signal."""
        since = (sent.since - 0.02) * proc.TICKS
        for entry in os.listdir(self._root):
            stat = self._stat(int(entry)) if entry.isdigit() else None
            if stat is None or stat.ppid != sent.parent or stat.start < since:
                continue
            try:
                found = proc.parse_command(read(f"{self._root}/{stat.pid}/cmdline", 1 << 17), stat.comm)
            except OSError:
                continue
            if found == command:
                return stat.pid
        return None

    async def _state(self, action: Action) -> str:
        """The kernel's letter for the process that was meant; empty where it is gone."""

        def look() -> str:
            stat = self._stat(pid_of(action.target.key))
            return stat.state if stat is not None and self._key(stat) == action.target.identity else ""

        return await self._threads.run(look)

    def _stat(self, pid: int) -> proc.Stat | None:
        try:
            return proc.parse_stat(read(f"{self._root}/{pid}/stat", 2048, whole=False))
        except (OSError, ValueError):
            return None

    def name(self, pid: int) -> str:
        """A process as people call it: `bash (812)`. Blocks."""
        stat = self._stat(pid)
        if stat is None:
            return f"pid {pid}"
        try:
            command = proc.parse_command(read(f"{self._root}/{pid}/cmdline", 1 << 17), stat.comm)
        except OSError:
            command = ""
        return f"{called(stat.comm, command)} ({pid})"


async def _readable(handle: int, seconds: float) -> bool:
    """Whether a pidfd says within so many seconds that its process has ended."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        async with asyncio.timeout(seconds):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(handle)
    return True

"""Run in a pid namespace of its own, as root: pids are given to other processes on purpose, at three moments.

Prints a line for each: the moment, what sending said, and whether the innocent process that has the pid by then
is alive and unharmed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable

from backends.api.actions import Action, Permit, Refused
from backends.api.errors import BackendError
from backends.processes import signals
from backends.processes.local import Local, LocalSettings


class Pid:
    """One pid and who has it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(["sleep", "60"])
        self.number = self.process.pid

    def change_hands(self) -> None:
        self.process.kill()
        self.process.wait()
        # A start time is counted in hundredths of a second.
        time.sleep(0.05)
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(self.number - 1))
        self.process = subprocess.Popen(["sleep", "60"])
        assert self.process.pid == self.number, "somebody else got the pid"


async def offer(backend: Local, pid: int) -> Action:
    source = backend.processes(None)
    row = next(row for row in (await anext(source)).value.values() if row.pid == pid)
    await source.aclose()
    return next(action for action in await backend.actions(row) if action.title == "SIGKILL")


async def attempt(moment: str, arrange: Callable[[Pid], None]) -> None:
    backend, pid = Local("host", LocalSettings()), Pid()
    pinning, looking = signals.pin, signals.Signals._identify
    action = await offer(backend, pid.number)
    arrange(pid)
    try:
        await backend.perform(action, Permit(action), lambda text: None)
        said = "sent"
    except (Refused, BackendError) as error:
        said = str(error)
    signals.pin, signals.Signals._identify = pinning, looking  # type: ignore[method-assign]
    time.sleep(0.1)
    sys.stdout.write(f"{moment}: {said}: {'unharmed' if pid.process.poll() is None else 'HIT'}\n")
    await backend.close()
    pid.process.kill()
    pid.process.wait()


def before(pid: Pid) -> None:
    pid.change_hands()


def between(had: Pid) -> None:
    pin = signals.pin

    def pin_and_lose(pid: int) -> int | None:
        handle = pin(pid)
        had.change_hands()
        return handle

    signals.pin = pin_and_lose


def after(pid: Pid) -> None:
    identify = signals.Signals._identify

    def identify_and_lose(*arguments: object) -> object:
        found = identify(*arguments)  # type: ignore[arg-type]
        pid.change_hands()
        return found

    signals.Signals._identify = identify_and_lose  # type: ignore[assignment, method-assign]


def never(pid: Pid) -> None:
    """The plain case, which shows that the others could hit at all."""


async def main() -> None:
    for arrange in (before, between, after, never):
        await attempt(arrange.__name__, arrange)


if __name__ == "__main__":
    asyncio.run(main())

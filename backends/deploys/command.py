"""One command of a run: started in a session of its own, watched, and ended with all that it started.

Its output goes straight into a file: it is whole, nobody stands in its way, and it goes on should the runner die.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from backends.deploys.identity import Identity

POLL = 0.1
"""Seconds between two looks at the output, and at whether somebody wants the run to end."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class Command:
    """Raises OSError where it can't be started."""

    def __init__(self, argv: Sequence[str], directory: str, environment: Mapping[str, str], output: int) -> None:
        self._process = subprocess.Popen(
            argv,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        self.identity = Identity.of(self._process.pid)
        self._handle = os.pidfd_open(self._process.pid)

    def watch(self, look: Callable[[], str]) -> tuple[int, str]:
        """Wait until it has ended; its exit status, minus the signal's number where one killed it.

        `look` is called each `POLL` seconds. As soon as it returns a reason the command is ended, with everything
        in its process group; the reason is returned as well.
        """
        reason = ""
        while not reason and not self._ends_within(POLL):
            reason = look()
        if reason:
            self._end()
        os.close(self._handle)
        return self._process.wait(), reason

    def _ends_within(self, seconds: float) -> bool:
        return bool(select.select([self._handle], [], [], seconds)[0])

    def _end(self) -> None:
        # Its pid is not given out again before we have waited for it: the group that we signal is always its own.
        self._signal(signal.SIGTERM, signal.SIGCONT)
        deadline = time.monotonic() + GRACE
        while not (self._ends_within(POLL) and not self._group()) and time.monotonic() < deadline:
            time.sleep(POLL)
        self._signal(signal.SIGKILL)

    def _signal(self, *numbers: signal.Signals) -> None:
        for number in numbers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _group(self) -> list[int]:
        """The processes of its group that have not ended."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdecimal():
                with contextlib.suppress(OSError, IndexError, ValueError):
                    fields = Path(f"/proc/{entry}/stat").read_bytes().rpartition(b")")[2].split()
                    if int(fields[2]) == self._process.pid and fields[0] not in (b"Z", b"X"):
                        found.append(int(entry))
        return found


def how(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"

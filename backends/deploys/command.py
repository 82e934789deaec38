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

from msgspec import Struct

from backends.deploys.identity import Identity, living
from backends.processes.proc import Stat, parse_uid
from backends.processes.signals import account

POLL = 0.1
"""Seconds between two looks at the output, and at whether somebody wants the run to end."""
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
KILLED = 1.0
"""Seconds in which what SIGKILL reaches is gone."""


class NotNoted(Exception):
    """A command that was not started, since what knows of it could not be told."""


class CommandEnd(Struct, frozen=True):
    """How a command ended. `status` is minus the signal's number where one killed it, `reason` why somebody
    wanted its end, `left` what could then not be ended, in words. `outlived`: that was the command itself, which
    has ended in its own way since."""

    status: int
    reason: str = ""
    left: str = ""
    outlived: bool = False


class Command:
    """`note` hears which process it is before it becomes the program: where that raises OSError, nothing is run.

    Raises OSError and ValueError where it can't be started, `NotNoted`.
    """

    def __init__(
        self,
        argv: Sequence[str],
        directory: str,
        environment: Mapping[str, str],
        output: int,
        note: Callable[[Identity], None],
    ) -> None:
        try:
            self._process = subprocess.Popen(
                argv,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                # Runs in the child: no process can be told of before it is there, and none may run untold.
                preexec_fn=lambda: note(_myself()),
            )
        except subprocess.SubprocessError:
            raise NotNoted from None
        self._denied = False
        try:
            self._handle = os.pidfd_open(self._process.pid)
        except OSError:
            self._signal(signal.SIGKILL)
            self._process.wait()
            raise

    def watch(self, look: Callable[[], str], told: Callable[[str, str], None]) -> CommandEnd:
        """Wait until it has ended.

        `look` is called each `POLL` seconds. As soon as it returns a reason the command is ended, with everything
        in its process group. Where it can't be, `told` hears the reason and what is left of it, and a command
        that goes on is waited for all the same.
        """
        reason = left = ""
        outlived = False
        while not self._ends_within(POLL):
            wish = look()
            if wish and not reason:
                reason, left = wish, self._end()
                outlived = bool(left) and not self._ends_within(0.0)
                if left:
                    told(reason, left)
        os.close(self._handle)
        return CommandEnd(self._process.wait(), reason, left, outlived)

    def _ends_within(self, seconds: float) -> bool:
        return bool(select.select([self._handle], [], [], seconds)[0])

    def _end(self) -> str:
        """What of it could not be ended, and why; empty where all is gone."""
        # Its pid is not given out again before we have waited for it: the group that we signal is always its own.
        self._signal(signal.SIGTERM, signal.SIGCONT)
        if self._is_gone_within(GRACE):
            return ""
        self._signal(signal.SIGKILL)
        return "" if self._is_gone_within(KILLED) else self._why_left()

    def _is_gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not (self._ends_within(POLL) and not self._group()):
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True

    def _signal(self, *numbers: signal.Signals) -> None:
        for number in numbers:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                pass
            except PermissionError:
                # None of the group is ours; where a part of it is, the kernel says nothing.
                self._denied = True

    def _group(self) -> list[Stat]:
        """The processes of its group that have not ended, as far as we may see them."""
        return sorted((stat for stat in living() if stat.group == self._process.pid), key=lambda stat: stat.start)

    def _why_left(self) -> str:
        found = self._group()
        who = f"{found[0].comm} (pid {found[0].pid})" if found else f"pid {self._process.pid}"
        owner = _owner(found[0].pid if found else self._process.pid)
        if owner is not None and owner != os.geteuid():
            why = f"it belongs to {account(owner)}"
        elif self._denied:
            why = "it belongs to another account"
        else:
            why = "the kernel holds it"
        return f"{who} can't be ended by {account(os.geteuid())}: {why}"


def _myself() -> Identity:
    identity = Identity.of(os.getpid())
    if identity is None:
        raise OSError("/proc can't be read")
    return identity


def _owner(pid: int) -> int | None:
    """The effective user of a process; None where it can't be seen."""
    with contextlib.suppress(OSError, ValueError):
        return parse_uid(Path(f"/proc/{pid}/status").read_bytes())
    return None


def how(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"

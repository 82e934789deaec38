"""Processes of a demo: started so that they die with us, known by pid and start time, ended by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backends.processes.proc import parse_stat

_TIED = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, int(sys.argv[1]), 0, 0, 0)\n"  # PR_SET_PDEATHSIG, prctl(2)
    "os.getppid() == int(sys.argv[2]) or os._exit(1)\n"
    "os.execv(sys.argv[3], sys.argv[3:])\n"
)
"""Asks the kernel for a signal when the parent dies, and becomes the program."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process that can't be mistaken for another one: a pid alone is given out again."""

    pid: int
    start: int
    """Clock ticks since boot."""

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """None where there is no such process, or only its zombie."""
        try:
            stat = parse_stat(Path(f"/proc/{pid}/stat").read_bytes())
        except (OSError, ValueError):
            return None
        return None if stat.state in "ZX" else cls(pid, stat.start)

    def is_alive(self) -> bool:
        return Identity.of(self.pid) == self


def start_tied(
    argv: Sequence[str],
    *,
    output: IO[bytes] | int | None,
    environment: Mapping[str, str] | None = None,
    on_parent_death: signal.Signals = signal.SIGTERM,
    folder: Path | None = None,
    stdin: int | None = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a program that gets a signal when we die, however we die. `argv[0]` must be a path."""
    launcher = [sys.executable, "-I", "-S", "-c", _TIED, str(int(on_parent_death)), str(os.getpid()), *argv]
    return subprocess.Popen(
        launcher,
        stdin=stdin,
        stdout=output,
        stderr=output,
        cwd=folder,
        env={**os.environ, **(environment or {})},
    )


def end(identity: Identity, patience: float) -> bool:
    """SIGTERM, and SIGKILL after `patience` seconds; True once it is gone."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 2.0)):
        if not identity.is_alive():
            return True
        try:
            os.kill(identity.pid, number)
        except ProcessLookupError:
            return True
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not identity.is_alive():
                return True
            time.sleep(0.02)
    return False

"""Processes of a demo: started so that they die with us, known by pid and start time, ended by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backends.processes.proc import parse_stat

FOLDER = "MIDWATCH_DEMO_FOLDER"
"""In the environment of every process of a demo: its folder. A child keeps it, whoever its parent becomes."""
PART = "MIDWATCH_DEMO_PART"
"""In the same place: the name by which `status` lists it."""

_TIED = (
    "import ctypes, os, signal, sys\n"
    "ctypes.CDLL(None).prctl(1, int(sys.argv[1]), 0, 0, 0)\n"  # PR_SET_PDEATHSIG, prctl(2)
    "os.getppid() == int(sys.argv[2]) or os._exit(1)\n"
    "signal.pthread_sigmask(signal.SIG_SETMASK, ())\n"
    "os.execv(sys.argv[3], sys.argv[3:])\n"
)
"""Asks the kernel for a signal when the parent dies, blocks no signal, and becomes the program."""


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

    def send(self, *numbers: signal.Signals) -> bool:
        """Signals for this very process: the handle is opened first, so the pid can't change hands between the
        look and the signal (pidfd_open(2)). False when it is gone, or isn't ours."""
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            return False
        try:
            if not self.is_alive():
                return False
            for number in numbers:
                signal.pidfd_send_signal(handle, number)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True


def start_tied(
    argv: Sequence[str],
    *,
    output: IO[bytes] | int | None,
    environment: Mapping[str, str] | None = None,
    on_parent_death: signal.Signals = signal.SIGKILL,
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


def members(folder: Path) -> list[tuple[str, Identity]]:
    """Every living process of the demo in this folder, with the name of its part, found by its environment.

    This finds what no list holds: a worker whose supervisor was killed, whatever adopted it.
    """
    mark = f"{FOLDER}={folder}".encode()
    part = f"{PART}=".encode()
    found: list[tuple[str, Identity]] = []
    for entry in os.listdir("/proc"):
        if not entry.isdecimal() or int(entry) == os.getpid():
            continue
        identity = Identity.of(int(entry))
        try:
            variables = Path(f"/proc/{entry}/environ").read_bytes().split(b"\0")
        except OSError:
            continue  # It ended, or it is somebody else's.
        if identity is not None and mark in variables:
            names = [item[len(part) :].decode("utf-8", "replace") for item in variables if item.startswith(part)]
            found.append((names[-1] if names else "", identity))
    return found


def end(identities: Iterable[Identity], patience: float) -> bool:
    """SIGTERM to all at once, SIGKILL to those still there after `patience` seconds; True once all are gone.

    A stopped process is woken, for it can't act on SIGTERM in its sleep.
    """
    left = list(identities)
    for numbers, seconds in (((signal.SIGTERM, signal.SIGCONT), patience), ((signal.SIGKILL,), 2.0)):
        for identity in left:
            identity.send(*numbers)
        deadline = time.monotonic() + seconds
        while left := [identity for identity in left if identity.is_alive()]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    return not left


def end_members(folder: Path) -> bool:
    """End whatever still belongs to the demo in this folder; twice, as a supervisor may have started one more."""
    for _ in range(2):
        left = [identity for _, identity in members(folder)]
        if not left:
            return True
        end(left, 1.0)
    return not members(folder)

"""Odd processes, each started by the test that looks at it and ended by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

NAME = "(od) d\n\x1b["
RENAME = "import ctypes, os; ctypes.CDLL(None).prctl(15, os.fsencode(sys.argv[1]), 0, 0, 0);"
RETITLE = (
    "fields = open('/proc/self/stat').read().rpartition(')')[2].split();"
    "start, end = int(fields[45]), int(fields[46]);"
    "memory = open('/proc/self/mem', 'r+b', 0); memory.seek(start);"
    "memory.write(b'worker: idle'.ljust(end - start, b'\\0'));"
)
PARENT = (
    "import subprocess; child = subprocess.Popen(sys.argv[1:]);"
    "print(child.pid, flush=True); child.wait(); time.sleep(60)"
)
SUPERVISOR = """
import subprocess
told = False
while True:
    child = subprocess.Popen(sys.argv[1:])
    if not told: print(child.pid, flush=True)
    told = True
    child.wait()
    time.sleep(0.3)
"""
POLITE = (
    "import signal; signal.signal(signal.SIGHUP, lambda *_: None);"
    "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), sys.exit(0)));"
)
VFORK = "import ctypes; libc = ctypes.CDLL(None); print('up', flush=True); libc.vfork() or libc.pause()"
WAIT = "print('up', flush=True); time.sleep(60)"


class Zoo:
    """Processes by name, each with a session of its own, so that its children end with it."""

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.said: dict[str, str] = {}

    def __enter__(self) -> Zoo:
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._processes:
            self.end(name)

    def python(self, name: str, code: str, *arguments: str | bytes) -> int:
        """Run a script that prints a line when it is what it should be."""
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys, time;" + code, *arguments],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._processes[name] = process
        assert process.stdout is not None
        self.said[name] = process.stdout.readline().decode().strip()
        assert self.said[name]
        return process.pid

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def run(self, name: str, *argv: str) -> int:
        self._processes[name] = subprocess.Popen(argv, start_new_session=True)
        return self._processes[name].pid

    def odd(self) -> int:
        """Parentheses, a space, a newline and an escape in its name, and arguments that are no text."""
        return self.python("odd", RENAME + WAIT, NAME, "", b"\xff\x1b[2J arg", "line\nbreak")

    def retitled(self) -> int:
        """It has overwritten its own command line, as setproctitle does."""
        return self.python("retitled", RETITLE + WAIT)

    def nameless(self) -> int:
        """Its first argument is empty, once bash has made room for it."""
        return self.run("nameless", "bash", "-c", "exec -a '' sleep 60")

    def stopped(self) -> int:
        pid = self.run("stopped", "sleep", "60")
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        return pid

    def zombie(self) -> int:
        pid = self.run("zombie", "true")
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        return pid

    def mortal(self) -> int:
        """It handles nothing, and is collected by a parent that starts it again no more."""
        return self.child("mortal", PARENT, "sleep", "60")

    def restarted(self) -> int:
        """Its parent starts it again, as a supervisor does."""
        return self.child("restarted", SUPERVISOR, "sleep", "61")

    def deaf(self) -> int:
        """It ignores SIGTERM."""
        return self.python("deaf", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WAIT)

    def polite(self) -> int:
        """It catches SIGHUP and goes on, and takes its time with SIGTERM."""
        return self.python("polite", POLITE + WAIT)

    def child(self, name: str, parent: str, *argv: str) -> int:
        """The pid of a child, told by its parent, which has a name of its own here."""
        self.python(name, parent, *argv)
        return int(self.said[name])

    def waiting(self) -> int:
        """Uninterruptible: a parent whose vforked child neither executes nor ends."""
        return self.python("waiting", VFORK)

    def end(self, name: str) -> None:
        process = self._processes[name]
        if process.stdout is not None:
            process.stdout.close()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

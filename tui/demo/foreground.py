"""The dashboard as a child in the foreground: it has the terminal, we wait, and every way out comes by here."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
from collections.abc import Sequence

from tui.demo.process import start_tied
from tui.terminal import LEAVE

OURS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
FROM_TERMINAL = 0x80
"""si_code of what the kernel itself sends, as for ctrl-c (SI_KERNEL, sigaction(2))."""
PATIENCE = 5.0
"""Seconds that the dashboard has to end after a signal that we hand on."""


def in_foreground(argv: Sequence[str]) -> int:
    """Run a full-screen program, and return its exit code; 128 + N where signal N ended it or us.

    Signals are taken one by one (sigwaitinfo), so that none interrupts us halfway. Ctrl-c at the terminal reaches
    the child by itself; it is the child's to say what it means. Our own death ends it with SIGHUP. When it stops
    (ctrl-z), our whole job stops with it, `make` included, or the shell would never come back.
    """
    try:
        before = termios.tcgetattr(0)
    except termios.error:
        before = None
    told = 0
    watched = {*OURS, signal.SIGCHLD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        child = start_tied(argv, output=None, stdin=None, on_parent_death=signal.SIGHUP)
        while True:
            info = signal.sigtimedwait(watched, PATIENCE) if told else signal.sigwaitinfo(watched)
            if info is None:
                os.kill(child.pid, signal.SIGKILL)
            elif info.si_signo == signal.SIGCHLD:
                status = _ended(child.pid)
                if status is not None:
                    child.returncode = status
                    if status < 0:
                        _restore(before)
                    break
            elif info.si_signo != signal.SIGINT or info.si_code != FROM_TERMINAL:
                told = told or info.si_signo
                # Not by Popen, which would reap it before us; until we do, the pid is nobody else's.
                os.kill(child.pid, signal.SIGTERM if told == signal.SIGINT else told)
                os.kill(child.pid, signal.SIGCONT)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return 128 + told if told else status if status >= 0 else 128 - status


def _ended(pid: int) -> int | None:
    """The exit code of the child once it has ended. While it is stopped, we are too."""
    while True:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found == 0:
            return None
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.killpg(0, signal.SIGTSTP)


def _restore(before: list[int | list[bytes | int]] | None) -> None:
    """A killed program restores nothing: leave its screen and its mode for it."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError, termios.error):
        if before is not None:
            termios.tcsetattr(0, termios.TCSANOW, before)
        sys.stdout.write(LEAVE)
        sys.stdout.flush()

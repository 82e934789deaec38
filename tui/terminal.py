"""The terminal around the app: taken before anything slow is imported, given back on every way out."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from widgets.substitutes import SUBSTITUTES

ENTER = "\x1b[?1049h\x1b[8l\x1b[?25l\x1b[H\x1b[2J"
LEAVE = (
    "\x1b[?2026l\x1b[?2048l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l\x1b[?1004l\x1b[?2004l"
    "\x1b[<u\x1b[8h\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[0m"
)
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""Signals that ask us to end; the exit code is 128 and the signal's number."""
HANGUP = 1.0
"""Seconds between two looks at whether the terminal is still there."""


class Terminal:
    """The state of the tty as we found it."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)

    @property
    def size(self) -> os.terminal_size:
        rows, columns = termios.tcgetwinsize(self._fd)
        return os.terminal_size((columns or 80, rows or 24))

    def take(self, frame: Sequence[str]) -> None:
        """Show a first frame at once, and let keys typed from now on count as keys.

        No echo and no line mode: what is typed while Python still imports waits in the tty for the app, with
        Enter as it was typed.
        """
        if 0 in termios.tcgetwinsize(self._fd):
            # A serial line, or a container's terminal before it is told: Textual would lay out for ever.
            termios.tcsetwinsize(self._fd, (24, 80))
        raw = termios.tcgetattr(self._fd)
        raw[0] &= ~(termios.ICRNL | termios.IXON)
        raw[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        termios.tcsetattr(self._fd, termios.TCSANOW, raw)
        sys.stdout.reconfigure(errors=SUBSTITUTES)  # type: ignore[union-attr]
        self._write(ENTER + "\r\n".join(frame))

    def give_back(self) -> None:
        """Leave the terminal as it was found, whatever Textual has managed to restore by itself."""
        with suppress(OSError):
            sys.stdout.flush()
        self._leave()

    def end_in_order(self) -> None:
        """Let the signals that ask us to end give the terminal back, until the app has handlers of its own.

        They end the process at once: an exception that is raised in the middle of whatever Python imports may be
        ignored there, or become another one.
        """
        for number in ENDING:
            # One that we were started deaf to (nohup) stays so.
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._end)

    def _end(self, number: int, frame: object) -> None:
        self._leave()
        os._exit(128 + number)

    def _leave(self) -> None:
        """Past Python's own buffer, which a signal may find in use. Where it is gone nobody is left to see it."""
        with suppress(OSError, termios.error):
            os.write(sys.stdout.fileno(), LEAVE.encode())
            termios.tcsetattr(self._fd, termios.TCSANOW, self._before)

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def in_a_job() -> bool:
    """Whether a shell with job control would see us stop, and could bring us back: not so for
    `ssh -t HOST midwatch`, where nobody could wake us again."""
    import psutil

    group, session = os.getpgrp(), os.getsid(0)
    try:
        for parent in psutil.Process().parents():
            if os.getpgid(parent.pid) != group:
                return os.getsid(parent.pid) == session
    except (psutil.Error, OSError):
        pass
    return False


def stop_job() -> None:
    """Stop the whole job, as ctrl-z does in any other program: `make`, too, where that has started us. Returns
    when the shell has brought it back."""
    # All at the same moment: Textual's handler stops us a little later, and `fg` may come in between.
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.killpg(0, signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, handler)


def watch_hangup(gone: Callable[[], None]) -> None:
    """Call `gone` from a thread once the terminal has vanished.

    SIGHUP says so mostly; under nohup and some wrappers it is ignored, and Textual would read an end of file
    for ever at full speed.
    """
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)

    def look() -> None:
        while True:
            time.sleep(HANGUP)
            if any(event & (select.POLLHUP | select.POLLERR) for _, event in poll.poll(0)):
                gone()
                return

    threading.Thread(target=look, name="hangup", daemon=True).start()


def leave_now(status: int) -> None:
    """End at once: with no terminal to restore, an orderly end would wait for writes that nobody reads."""
    os._exit(status)

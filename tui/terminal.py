"""The terminal around the app: taken before anything slow is imported, given back on every way out."""

from __future__ import annotations

import os
import select
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence

ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
LEAVE = (
    "\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l"
    "\x1b[<u\x1b[?25h\x1b[?1049l\x1b[0m"
)
HANGUP = 1.0
"""Seconds between two looks at whether the terminal is still there."""


class Terminal:
    """The state of the tty as we found it."""

    def __init__(self) -> None:
        self._fd = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._fd)

    def take(self, frame: Sequence[str]) -> None:
        """Show a first frame at once, and let keys typed from now on count as keys.

        No echo and no line mode: what is typed while Python still imports waits in the tty for the app, with
        Enter as it was typed.
        """
        raw = termios.tcgetattr(self._fd)
        raw[0] &= ~(termios.ICRNL | termios.IXON)
        raw[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
        termios.tcsetattr(self._fd, termios.TCSANOW, raw)
        self._write(ENTER + "\r\n".join(frame))

    def give_back(self) -> None:
        """Leave the terminal as it was found, whatever Textual has managed to restore by itself."""
        try:
            self._write(LEAVE)
            termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
        except (OSError, termios.error):
            pass  # It is gone, and nobody is left to see it.

    def _write(self, text: str) -> None:
        sys.__stdout__.write(text)  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


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

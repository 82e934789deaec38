"""The terminal: what Textual reads from it and writes to it."""

from __future__ import annotations

import asyncio
import os
import selectors
import sys
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast

import textual.drivers.linux_driver as linux_driver
from textual import constants
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.messages import InBandWindowResize, TerminalSupportsSynchronizedOutput

from widgets.terminal_output import Output

ANSWERS: Mapping[type[Message], str] = {
    TerminalSupportsSynchronizedOutput: "\x1b[?2026$p",
    InBandWindowResize: "\x1b[?2048$p",
}
"""What a terminal's answer is to Textual, and the question: whether it has a mode. Textual asks both at the start
and tells the answers from keys. Of the first, a "no" is told to nobody; xterm's is one."""
TICK = 0.02
"""Seconds from one look at an unfinished sequence to the next."""
IN_ORDER, REORDERED = "\x1b[8l", "\x1b[8h"
"""Who draws columns tells a terminal that orders right-to-left text by itself (VTE) to leave every cell where it
is: it takes what follows such a name for its continuation, numbers and all.
VTE (0.70, 0.80) keeps it for each row from when the row is made: it comes before the screen is cleared.
https://terminal-wg.pages.freedesktop.org/bidi/recommendation/escape-sequences.html"""


class _Leaving(threading.Event):
    """Textual's sign to its input thread to end; setting it ends that thread's wait for a key as well."""

    def __init__(self) -> None:
        super().__init__()
        self.handle = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def set(self) -> None:
        super().set()
        os.eventfd_write(self.handle, 1)

    def clear(self) -> None:
        super().clear()
        with suppress(BlockingIOError):
            os.eventfd_read(self.handle)


class _Keys(selectors.SelectSelector):
    """Waits for a key until one comes; Textual's own looks ten times a second whether it shall end."""

    def __init__(self, leaving: int) -> None:
        super().__init__()
        self._leaving = leaving
        self._came, self._quiet = False, True
        self._settled = 0.0
        """When what has come can't be the beginning of a sequence any more, monotonic."""
        self.register(leaving, selectors.EVENT_READ)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Of an escape Textual asks after each wait whether it was a key by itself, which it is some time after it
        # was taken in: that has happened by now, however late. After that time one more wait has to end.
        if self._came:
            self._settled = time.monotonic() + constants.ESCAPE_DELAY
        ready = super().select(None if self._quiet else TICK)
        came = [(key, events) for key, events in ready if key.fd != self._leaving]
        self._came = bool(came)
        self._quiet = not came and (self._quiet or time.monotonic() > self._settled)
        return came


class _Selectors:
    EVENT_READ = selectors.EVENT_READ

    def __init__(self, leaving: int) -> None:
        self._leaving = leaving

    def SelectSelector(self) -> _Keys:
        return _Keys(self._leaving)


def own_output() -> None:
    """Let Textual write through our own thread, which never blocks the loop."""
    if hasattr(linux_driver, "WriterThread"):
        linux_driver.WriterThread = Output


def write_raw(app: App[Any], data: str) -> None:
    """Send a sequence of our own making to the terminal, past the compositor (OSC 52)."""
    driver = getattr(app, "_driver", None)
    if driver is not None:
        driver.write(data)


class DrawnApp(Protocol):
    """Whom the driver serves."""

    typed_ahead: Callable[[], Sequence[tuple[float, bytes]]]
    """What has been typed before the terminal was read for keys, and when."""

    def redraw(self) -> None:
        """Paint all of it, whatever the terminal shows."""
        ...


class StdoutDriver(LinuxDriver):
    """Draws on stdout. Textual's own draws on stderr, so that `midwatch 2>errors` would show nothing, and
    whatever a C library prints there would land in the middle of the screen."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._entered = False
        self._question = ""
        """Which of them this terminal has answered."""
        self._ours: list[Any] | None = None
        """The terminal's attributes while it is ours."""
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__
        self.exit_event = _Leaving()

    @property
    def _drawn(self) -> DrawnApp:
        return cast("DrawnApp", self._app)

    @property
    def output(self) -> Output | None:
        writer: object = self._writer_thread
        return writer if isinstance(writer, Output) else None

    def ask(self) -> None:
        """Ask the terminal, where it is one that answers, to say so once it has drawn all up to here."""
        if self._question and self.output is not None:
            self.output.ask(self._question)

    def run_input_thread(self) -> None:
        for typed in _in_bursts(self._drawn.typed_ahead()):
            parser = XTermParser()
            for event in [*parser.feed(typed), *parser.feed("")]:
                self.process_message(event)
        if hasattr(linux_driver, "selectors"):
            linux_driver.selectors = _Selectors(self.exit_event.handle)  # type: ignore[attr-defined]
        super().run_input_thread()

    def process_message(self, message: Message) -> None:
        question = ANSWERS.get(type(message), "")
        if question and question == self._question:
            if self.output is not None:
                self.output.answered()
            return
        self._question = self._question or question
        super().process_message(message)

    def write(self, data: str) -> None:
        # What stands already has entered the alternate screen already, and some terminals would clear it again.
        if data == "\x1b[?1049h":
            if not self._entered:
                self._entered = True
                return
            data += IN_ORDER + "\x1b[2J"
        super().write(data)

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # In the background it has not begun, and does so when it is continued.
        if self._key_thread is None or not self._key_thread.is_alive():
            return
        self._loop = asyncio.get_running_loop()
        with suppress(termios.error):
            self._ours = termios.tcgetattr(self.fileno)

    def stop_application_mode(self) -> None:
        if self.output is not None:
            self.output.settle()
            self.write(REORDERED)
        self._question, self._ours = "", None
        super().stop_application_mode()

    def _sigcont_application(self, *signalled: Any) -> None:
        """SIGSTOP can't be caught: who comes back from it has never left the terminal. Textual would begin anew
        all the same, with a second thread that reads the keys: the two tear them apart, and one never ends."""
        if self._ours is None:
            super()._sigcont_application(*signalled)
        else:
            # Not here: whatever the signal has interrupted may hold the lock of what is written.
            self._loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        """A shell has shown its prompt meanwhile, and set the terminal to its own taste."""
        if self._ours is None:
            return
        with suppress(termios.error):
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._ours)
        # The alternate screen, no cursor, news of the focus: as Textual begins.
        self.write(f"\x1b[?1049h{IN_ORDER}\x1b[2J\x1b[?25l\x1b[?1004h")
        self._enable_mouse_support()
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        self._drawn.redraw()


def _in_bursts(came: Sequence[tuple[float, bytes]]) -> list[str]:
    """What came so close together that an escape may be the beginning of a sequence, as one text each."""
    bursts: list[str] = []
    decode = getincrementaldecoder("utf-8")("replace").decode
    last = float("-inf")
    for at, data in came:
        if at - last > constants.ESCAPE_DELAY:
            bursts.append("")
        bursts[-1] += decode(data)
        last = at
    return [burst for burst in bursts if burst]

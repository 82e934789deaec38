"""The one file that touches what Textual keeps private, each guarded so that an upgrade loses it quietly."""

from __future__ import annotations

import asyncio
import logging
import os
import selectors
import sys
import termios
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import textual.drivers.linux_driver as linux_driver
from textual import constants
from textual._compositor import ChopsUpdate
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message
from textual.messages import InBandWindowResize, TerminalSupportsSynchronizedOutput
from textual.screen import Screen

from widgets.output import Output

log = logging.getLogger("midwatch.app")

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
        self._settled = 0.0
        self.register(leaving, selectors.EVENT_READ)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # Of an escape Textual asks after each wait whether it was a key by itself.
        waits = time.monotonic() >= self._settled
        ready = super().select(None if waits else TICK)
        came = [(key, events) for key, events in ready if key.fd != self._leaving]
        if came:
            self._settled = time.monotonic() + constants.ESCAPE_DELAY + 2 * TICK
        return came


class _Selectors:
    EVENT_READ = selectors.EVENT_READ

    def __init__(self, leaving: int) -> None:
        self._leaving = leaving

    def SelectSelector(self) -> _Keys:
        return _Keys(self._leaving)


def _cells_only(update: ChopsUpdate, console: Any) -> str:
    """The changed cells of each line. Textual's own begins at the left end of what the widget has on the line,
    and a row whose last column moves would be sent whole."""
    written: list[str] = []
    for y, low, high in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            left, right = max(x, low), min(end, high)
            if strip is None or left >= right:
                continue
            written.append(f"\x1b[{y + 1};{left + 1}H")
            written.append(strip.crop(left - x, right - x).render(console))
    return "".join(written)


def repaint_cells_only() -> None:
    """Send the cells of a line that were repainted, and no others."""
    if callable(getattr(ChopsUpdate, "render_segments", None)):
        ChopsUpdate.render_segments = _cells_only  # type: ignore[method-assign, assignment]


def own_output() -> None:
    """Let Textual write through our own thread, which never blocks the loop."""
    if hasattr(linux_driver, "WriterThread"):
        linux_driver.WriterThread = Output


def write_raw(app: App[Any], data: str) -> None:
    """Send a sequence of our own making to the terminal, past the compositor (OSC 52)."""
    driver = getattr(app, "_driver", None)
    if driver is not None:
        driver.write(data)


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
    def output(self) -> Output | None:
        writer: object = self._writer_thread
        return writer if isinstance(writer, Output) else None

    def ask(self) -> None:
        """Ask the terminal, where it is one that answers, to say so once it has drawn all up to here."""
        if self._question and self.output is not None:
            self.output.ask(self._question)

    def run_input_thread(self) -> None:
        app = self._app
        if isinstance(app, QuietApp):
            for typed in _in_bursts(app.typed_ahead()):
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
        if data == "\x1b[?1049h" and not self._entered:
            self._entered = True
            return
        super().write(data)

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.output is not None:
            self.write(IN_ORDER)
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
        self.write("\x1b[?1049h\x1b[?25l\x1b[?1004h")
        self._enable_mouse_support()
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        if isinstance(self._app, QuietApp):
            self._app.redraw()


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


class _PacedScreen(Screen[None]):
    """Makes a frame when the terminal is ready for it; until then what has to be painted only adds up."""

    def _compositor_refresh(self) -> None:
        # While nothing is to be drawn, and where all of it is drawn right after, a frame would be made in vain.
        if self.app._batch_count or self._repaint_required:
            return
        driver = self.app._driver
        if not isinstance(driver, StdoutDriver) or driver.output is None:
            super()._compositor_refresh()
        elif driver.output.ready(self._from_a_thread(self._compositor_refresh)):
            super()._compositor_refresh()
            driver.ask()

    def _from_a_thread(self, call: Callable[[], None]) -> Callable[[], object]:
        loop, context = asyncio.get_running_loop(), copy_context()

        def post() -> None:
            with suppress(RuntimeError):  # The loop has ended.
                loop.call_soon_threadsafe(self.call_later, call, context=context)

        return post


class QuietApp(App[None]):
    """An app that takes nothing from Textual's defaults but the loop: no palette, no bindings, no pop-ups, no
    animation, the terminal's own colours; and that ends on an exception without printing locals."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    AUTO_FOCUS = None
    inherit_bindings = False

    def __init__(self) -> None:
        super().__init__(driver_class=StdoutDriver, ansi_color=True)
        self.theme = "ansi-dark"
        self.animation_level = "none"
        self.crash: BaseException | None = None
        self.typed_ahead: Callable[[], Sequence[tuple[float, bytes]]] = tuple
        """What has been typed before the terminal was read for keys, and when."""

    def get_default_screen(self) -> Screen[Any]:
        return _PacedScreen(id="_default")

    def redraw(self) -> None:
        """Paint all of it, whatever the terminal shows."""
        self.refresh(layout=True, repaint=True)
        self.screen.refresh(layout=True, repaint=True)

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print the traceback with every local variable: a secret may be one of them.
        self.crash = error
        if self.is_headless:
            super()._handle_exception(error)
            return
        log.exception("the dashboard ended on an exception", exc_info=error)
        self._return_code = 1
        self._close_messages_no_wait()

"""The one file that touches what Textual keeps private, each guarded so that an upgrade loses it quietly."""

from __future__ import annotations

import asyncio
import logging
import selectors
import sys
import termios
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from textual import constants
from textual._compositor import ChopsUpdate, Compositor, CompositorMap, ReflowResult
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message
from textual.messages import InBandWindowResize, TerminalSupportsSynchronizedOutput
from textual.screen import Screen
from textual.widget import Widget

from widgets.output import Output

log = logging.getLogger("midwatch.app")

ANSWERS: Mapping[type[Message], str] = {
    TerminalSupportsSynchronizedOutput: "\x1b[?2026$p",
    InBandWindowResize: "\x1b[?2048$p",
}
"""What a terminal's answer is to Textual, and the question: whether it has a mode. Textual asks both at the start
and tells the answers from keys. Of the first, a "no" is told to nobody; xterm's is one."""
IN_ORDER, REORDERED = "\x1b[8l", "\x1b[8h"
"""Who draws columns tells a terminal that orders right-to-left text by itself (VTE) to leave every cell where it
is: it takes what follows such a name for its continuation, numbers and all.
https://terminal-wg.pages.freedesktop.org/bidi/recommendation/escape-sequences.html"""


class _Quick(selectors.SelectSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(0.02 if timeout == 0.1 else timeout)


class _Selectors:
    SelectSelector = _Quick
    EVENT_READ = selectors.EVENT_READ


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


def quick_quit() -> None:
    """Let Textual's input thread notice the end after 20 ms instead of twice 100 ms: what the user waits for
    on quitting is the terminal."""
    try:
        import textual.drivers.linux_driver as driver
    except ImportError:
        return
    if getattr(driver, "selectors", None) is selectors:
        driver.selectors = _Selectors  # type: ignore[assignment, attr-defined]


def own_output() -> None:
    """Let Textual write through our own thread, which never blocks the loop."""
    try:
        import textual.drivers.linux_driver as driver
    except ImportError:
        return
    if hasattr(driver, "WriterThread"):
        driver.WriterThread = Output


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


class _Told(Compositor):
    """Tells every widget its first size. Textual compares a layout with the map of the one before, or with that
    which it has made meanwhile to look up a widget's place: who came into that one never hears of its size."""

    def __init__(self) -> None:
        super().__init__()
        self._told: CompositorMap | None = None
        """The map of the last layout, where another one was made since."""

    @property
    def full_map(self) -> CompositorMap:
        before = self._full_map
        now = super().full_map
        if now is not before and self._told is None:
            self._told = before
        return now

    def reflow(self, parent: Widget, size: Size) -> ReflowResult:
        if self._told is not None:
            self._full_map, self._told = self._told, None
        return super().reflow(parent, size)


class _PacedScreen(Screen[None]):
    """Makes a frame when the terminal is ready for it; until then what has to be painted only adds up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._compositor = _Told()

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

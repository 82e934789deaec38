"""The one file that touches what Textual keeps private, each guarded so that an upgrade loses it quietly."""

from __future__ import annotations

import asyncio
import logging
import selectors
import sys
import termios
from contextlib import suppress
from typing import Any

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

log = logging.getLogger("midwatch.app")


def congested(app: App[Any]) -> bool:
    """Whether the terminal takes our output more slowly than we make it.

    Textual's writer thread has a queue of 30 writes and blocks the loop when it is full; a periodic repaint
    that waits for the next turn keeps keys answered on a slow link.
    """
    writer = getattr(getattr(app, "_driver", None), "_writer_thread", None)
    queue = getattr(writer, "_queue", None)
    return queue is not None and queue.qsize() > 1


class _Quick(selectors.SelectSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(0.02 if timeout == 0.1 else timeout)


class _Selectors:
    SelectSelector = _Quick
    EVENT_READ = selectors.EVENT_READ


def quick_quit() -> None:
    """Let Textual's input thread notice the end after 20 ms instead of twice 100 ms: what the user waits for
    on quitting is the terminal."""
    try:
        import textual.drivers.linux_driver as driver
    except ImportError:
        return
    if getattr(driver, "selectors", None) is selectors:
        driver.selectors = _Selectors  # type: ignore[assignment, attr-defined]


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
        self._ours: list[Any] | None = None
        """The terminal's attributes while it is ours."""
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__

    def write(self, data: str) -> None:
        # The skeleton has entered the alternate screen already, and some terminals would clear it again.
        if data == "\x1b[?1049h" and not self._entered:
            self._entered = True
            return
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
        self._ours = None
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

"""The one file that touches what Textual keeps private, each guarded so that an upgrade loses it quietly."""

from __future__ import annotations

import logging
import selectors
import sys
from typing import Any

from textual._compositor import ChopsUpdate
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
        if sys.__stdout__ is not None:
            self._file = sys.__stdout__

    def write(self, data: str) -> None:
        # The skeleton has entered the alternate screen already, and some terminals would clear it again.
        if data == "\x1b[?1049h" and not self._entered:
            self._entered = True
            return
        super().write(data)


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

    def _handle_exception(self, error: Exception) -> None:
        # Textual would print the traceback with every local variable: a secret may be one of them.
        self.crash = error
        if self.is_headless:
            super()._handle_exception(error)
            return
        log.exception("the dashboard ended on an exception", exc_info=error)
        self._return_code = 1
        self._close_messages_no_wait()

"""The app and its screen: what is laid out and painted, and when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from textual._compositor import ChopsUpdate, Compositor, CompositorMap, ReflowResult
from textual.app import App
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from widgets.private.driver import StdoutDriver

log = logging.getLogger("midwatch.app")


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
            # Textual forgets all who have something to paint once there is a frame: also those who came since it
            # was to be made first, and whose cells are not counted yet.
            self._compositor.update_widgets(self._dirty_widgets)
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

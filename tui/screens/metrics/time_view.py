"""TimeView: a screen over a span of time: its commands for the cursor, the zoom and the way back to now."""

from __future__ import annotations

from tui.screens.base import View
from tui.screens.metrics.time_frame import TimeFrame
from widgets.charts.plot import Mark
from widgets.quantities import duration

SHORTEST = 10.0
"""Seconds that a span has at least."""


class TimeView(View):
    """Subclasses say what time it is, and draw what has changed."""

    def __init__(self) -> None:
        super().__init__()
        self.frame = TimeFrame()
        self.marks: list[Mark] = []
        """Events, in order of time."""

    @property
    def now(self) -> float:
        """Unix seconds."""
        raise NotImplementedError

    @property
    def cell_seconds(self) -> float:
        """How much time one cell stands for."""
        raise NotImplementedError

    def tell(self) -> None:
        """Show another span, or another place of the cursor."""
        raise NotImplementedError

    def move_cursor(self, cells: str) -> None:
        self.frame.move(int(cells), self.cell_seconds, self.now)
        self.tell()

    def first(self) -> None:
        self.frame.place(self.frame.span.bounds(self.now)[0])
        self.tell()

    def live(self) -> None:
        self.frame.live()
        self.tell()

    def zoom_time(self, steps: str) -> None:
        self.frame.zoom(int(steps), self.now)
        self.tell()

    def pan(self, share: str) -> None:
        self.frame.pan(float(share), self.now)
        self.tell()

    def show_range(self, text: str = "") -> None:
        try:
            seconds = duration(text)
        except ValueError:
            seconds = 0.0
        if seconds < SHORTEST:
            wrong = "too short" if seconds > 0 else "no span of time"
            said = f"{text} is {wrong}; " if text else ""
            self.desk.say(f"{said}:range 15m, 6h, 2d: how much time the charts show, at least {SHORTEST:g} s")
            return
        self.frame.set_length(seconds, self.now)
        self.tell()

    def next_event(self, step: str) -> None:
        """The cursor onto the mark before or after it."""
        start, end = self.frame.span.bounds(self.now)
        here = end if self.frame.cursor is None else self.frame.cursor
        apart = self.frame.span.step / 2 if self.frame.cursor is not None else 0
        at = [min(mark.at, end) for mark in self.marks if start <= mark.at <= end + 2 * self.frame.span.step]
        later, earlier = [m for m in at if m > here + apart], [m for m in at if m <= here - apart]
        if not (later if int(step) > 0 else earlier):
            self.desk.say("no further event in this span of time")
            return
        self.frame.place(later[0] if int(step) > 0 else earlier[-1])
        self.tell()

"""Histogram: lines and errors over time, in two lines of the terminal, and where one is among them."""

from __future__ import annotations

from datetime import UTC, datetime

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from widgets.logs.bars import Bars, bars
from widgets.logs.tally import SECOND, Tally
from widgets.logs.view import LogView
from widgets.look import Look
from widgets.one_line import OneLine, Part
from widgets.quantities import age, count
from widgets.safe import style

LEVELS = " ▁▂▃▄▅▆▇█"
LEGEND = 38
"""Cells beside the bars."""
PAUSE = 0.05
"""Seconds between two steps of counting."""


class Histogram(Vertical):
    """Over what a log view shows. Its owner calls `tick` once a second, which paints what has changed by then."""

    DEFAULT_CSS = "Histogram { height: 2; width: 1fr; }"

    def __init__(self, view: LogView) -> None:
        super().__init__()
        self.bars: Bars | None = None
        self._view = view
        self._tally = Tally(view.lines)
        self._counting = False
        self._lines, self._errors = OneLine(), OneLine()

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._errors

    def on_resize(self) -> None:
        self.tick()

    @property
    def counting(self) -> bool:
        """Whether lines are still to be counted."""
        return self._counting

    def doubt(self) -> None:
        """Other lines may be shown than before: where they are, say so at once, and count them."""
        if self._tally.current or self._counting or not self.display or not self.size.width:
            return
        self._counting = True
        self._show()
        self.set_timer(PAUSE, self._count)

    def tick(self) -> None:
        """Show what is counted, and count on."""
        if not self.display or not self.size.width:
            return
        if not self._counting:
            self._count()
        else:
            self._show()

    def _count(self) -> None:
        """In short steps, with the loop's turns in between."""
        self._counting = self._tally.go_on()
        if self._counting and self.display and self.is_attached:
            self.set_timer(PAUSE, self._count)
        else:
            self._counting = False
            self._show()

    def step(self, step: int) -> bool:
        """Go to the bar with lines that is next in a direction; False where there is none."""
        self._tally.go_on()
        self._show()
        lines, cursor = self._view.lines, self._view.cursor
        if self.bars is None or not 0 <= cursor < len(lines.rows):
            return False
        to = self.bars.next_to(lines.when(lines.rows[cursor]) // SECOND, step)
        if to is not None:
            self._go_to(to)
        return to is not None

    def _go_to(self, second: int) -> None:
        """To the first line of a bar."""
        self._view.go_to(self._view.lines.first_from(second * SECOND))
        self._show()

    def _show(self) -> None:
        view, tally = self._view, self._tally
        now = int(view.clock.now().timestamp())
        room = self.size.width - LEGEND
        found = self.bars = bars(tally.lines, tally.errors, room, now if view.up_to_now else None)
        unsure = self._counting or not tally.current
        dim, bad = style(Look.DIM), style(Look.BAD)
        if found is None:
            self._lines.show([("  counting …", dim)] if unsure else [])
            self._errors.show([])
            return
        rows = view.lines.rows
        here = None
        if not view.following and 0 <= view.cursor < len(rows):
            here = view.lines.when(rows[view.cursor]) // SECOND
        at = None if here is None else found.bar_of(here)
        gap = " " * (room - len(found.lines))
        errors = sum(found.errors)
        told = f"{'about ' if tally.sampled else ''}{count(errors)} error{'s' if errors != 1 else ''}"
        of_errors: list[Part] = [("✖ ", bad), (told, style())] if errors else [("no error", dim)]
        if unsure:
            of_errors = [("counting …", dim)]
        looks = (Look.DIM, Look.DIM) if unsure else (Look.PLAIN, Look.BAD)
        self._lines.show([*_drawn(found.lines, looks[0], at), (f"{gap}  {self._span(here, now)}", dim)])
        self._errors.show(
            [
                *_drawn(found.errors, looks[1], at),
                (f"{gap}  ", dim),
                *of_errors,
                (f"  {age(found.step)} a bar", dim),
            ]
        )

    def _span(self, here: int | None, now: int) -> str:
        """From when to when, and where one is."""
        assert self.bars is not None
        end = self.bars.start + len(self.bars.lines) * self.bars.step
        until = None if end >= now and self._view.up_to_now else max(self._tally.lines)
        for dash, seconds in (("──", True), ("─", True), ("──", False), ("─", False)):
            told = _told(self.bars.start, here, until, now, dash, seconds=seconds)
            if len(told) + 2 <= LEGEND:
                return told
        # Three days: the hour in which the first and the last one are cut says least.
        days = [time if time is None else _local(time).strftime("%m-%d") for time in (self.bars.start, until)]
        between = "────" if here is None else f"── {_local(here):%m-%d %H:%M} ──"
        return f"{days[0]} {between} {days[1] or 'now'}"

    def on_click(self, event: events.Click) -> None:
        event.stop()
        found = self.bars
        if found is not None and event.x < len(found.lines):
            self._go_to(found.start + event.x * found.step)


def _drawn(counts: tuple[int, ...], look: Look, at: int | None) -> list[Part]:
    most = max(counts) or 1
    # Whatever is there is seen, also one line among thousands.
    glyphs = [LEVELS[-(-number * (len(LEVELS) - 1) // most)] for number in counts]
    return [(glyph, style(look, reverse=i == at)) for i, glyph in enumerate(glyphs)]


def _told(start: int, here: int | None, until: int | None, now: int, dash: str, *, seconds: bool) -> str:
    """Times of the local clock, each with its day where that is not the one before, or today."""
    told: list[str] = []
    day = _local(now).date()
    form = "%H:%M:%S" if seconds else "%H:%M"
    for second in (start, here, until):
        if second is not None:
            local = _local(second)
            told.append(local.strftime(form if local.date() == day else f"%m-%d {form}"))
            day = local.date()
    if until is None:
        told.append("now")
    return f" {dash * 2 if here is None else dash} ".join(told)


def _local(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC).astimezone()

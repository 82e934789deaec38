"""The title of the Logs screen: which lines are shown, what is asked of them, and how true all of it is."""

from __future__ import annotations

from tui.commands import key_of
from tui.screens.logs.visit import Visit
from widgets.freshness import standing_of
from widgets.logs.history_view import HistoryView
from widgets.look import Look
from widgets.one_line import Part
from widgets.quantities import count, three
from widgets.safe import style, width_of

RIGHT = 25
"""Cells of a title for its first word, and for how true it is."""
NAMED = 3
"""Sources that the title names; of more the number is told."""


def title_parts(view: HistoryView, visit: Visit, source: str | None, width: int) -> list[Part]:
    """Of how many lines and sources, and what was asked of them; `source` is the chosen one, `width` in cells."""
    lines = view.lines
    shown = count(lines.shown)
    # A part leaves out what does not pass.
    if lines.filtered and not view.in_history:
        shown += f" of {count(lines.total)}"
    shown += " line" if shown == "1" else " lines"
    if view.in_history:
        shown = f"a part: {shown}"
    asked = visit.asked(view)
    # What is hidden or sought matters more than what every source is called.
    room = width - RIGHT - width_of(shown) - sum(width_of(text) for text, _ in asked)
    sources = list(dict.fromkeys(feeder.source for feeder in lines.feeders))
    names = ", ".join(sources)
    fits = len(sources) <= 1 or (len(sources) <= NAMED and width_of(names) <= room)
    name = source or (names if fits else f"{len(sources)} sources") or "no source"
    told = [visit.named(name), (f"  {shown}", style(Look.DIM))]
    if width_of(told[0][0]) > room:
        return [(" logs", style(Look.STRONG)), *asked, *told]
    return [(" logs", style(Look.STRONG)), *told, *asked]


def standing(view: HistoryView, place: str, reading: str) -> tuple[str, Look]:
    """What is done now, what ails the sources, or where one is; `place`: in what there is, where a part is
    shown; `reading`: that older lines are read, if they are."""
    text, look = standing_of(view.readings.values(), view.clock.monotonic())
    if view.searching or view.lines.filtering:
        return "searching …", Look.DIM
    if reading:
        return reading, Look.DIM
    if look is not Look.GOOD:
        return text, look
    if view.in_history:
        return place, Look.DIM
    spans = [reading.value for reading in view.readings.values() if reading.value is not None]
    lacking = next((span.trouble.error.reason for span in spans if span.trouble is not None), None)
    text, look = _followed(view)
    return (text, look) if lacking is None else (f"{text}; {lacking}", Look.WARN)


def _followed(view: HistoryView) -> tuple[str, Look]:
    if not view.following:
        new = f"not following, {count(view.new)} new" if view.new else "LIVE, not following"
        return f"{new}: {key_of('follow')}", Look.DIM
    if view.rate is None:
        return "FOLLOWING", Look.GOOD
    rate = three(view.rate) if view.rate < 999.5 else f"{three(view.rate / 1000)}k"
    return f"FOLLOWING {rate}/s", Look.GOOD

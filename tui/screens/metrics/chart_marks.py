"""Which events are marked on the time axis of charts, and how."""

from __future__ import annotations

from collections.abc import Iterable

from backends.api.events import EventKind, Occurrence
from tui.kinds.events import look_of, told
from widgets.charts.plot import Mark

GLYPHS = {EventKind.ALERT: "▲", EventKind.LEADER: "◆", EventKind.DEPLOY: "●", EventKind.SOURCE: "○"}
"""Kinds that explain a curve; the others come all day."""


def marks_of(events: Iterable[Occurrence]) -> list[Mark]:
    """In order of time; an alert that is over is hollow."""
    marks = []
    for event in events:
        glyph = GLYPHS.get(event.kind)
        if glyph is not None:
            glyph = "△" if event.kind is EventKind.ALERT and not event.bad else glyph
            text = f"{event.kind.value} {event.target} {told(event)}"
            marks.append(Mark(event.time.timestamp(), glyph, look_of(event), text))
    return sorted(marks, key=lambda mark: mark.at)

"""One record as styled text: time, level, origin, message, fields; and how that is cut to the terminal."""

from __future__ import annotations

import enum
import re
from datetime import date, datetime

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style

from backends.api.logs import Level, LogRecord
from backends.clean import clean
from widgets import safe
from widgets.look import Look
from widgets.safe import cells, fit, style

Part = tuple[str, Style]

MARKS: dict[Level, tuple[str, Look]] = {
    Level.FATAL: ("✖", Look.BAD),
    Level.ERROR: ("✖", Look.BAD),
    Level.WARN: ("▲", Look.WARN),
    Level.INFO: ("·", Look.PLAIN),
    Level.DEBUG: ("·", Look.DIM),
    Level.TRACE: ("·", Look.DIM),
}
NOTE_MARK = "»"
LINE_MOST = 20_000
"""Characters of one line that can be seen by moving sideways; more is in the record (Enter)."""
LABEL = 24
"""Cells that the name of a line's origin may take."""


class Times(enum.Enum):
    """How a record's time is shown; local, as all times on the screen are."""

    SHORT = "short"
    """The time of day; the date only where it changes."""
    FULL = "full"
    """With date, milliseconds and zone."""
    NONE = "none"

    @property
    def next(self) -> Times:
        """Short, then in full, then none, then short again."""
        cycle = list(Times)
        return cycle[(cycle.index(self) + 1) % len(cycle)]


class Manner(Struct, frozen=True):
    """How lines are drawn. `label` is the width of the origins' names, 0 where there is only one. `dates`: short
    times have room for a date before them, so that nothing is shifted where one stands there."""

    times: Times = Times.SHORT
    label: int = 0
    dates: bool = False
    found: re.Pattern[str] | None = None


class Drawn(Struct, frozen=True):
    """A record as text: `head` stands still, `body` moves sideways or wraps."""

    head: list[Part]
    body: list[Part]

    @property
    def head_width(self) -> int:
        return sum(cells(text) for text, _ in self.head)

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.body)


GONE = Drawn([], [("this line is no longer kept", style(Look.DIM))])


def drawn(record: LogRecord, label: str, manner: Manner, *, dated: bool) -> Drawn:
    """A record in a manner; `dated` puts the date before a short time."""
    if record.format == "note":
        mark, look = NOTE_MARK, Look.DIM
        body = Look.DIM
    else:
        mark, look = MARKS[record.level] if record.level is not None else (" ", Look.PLAIN)
        body = look if look in (Look.BAD, Look.WARN) else Look.PLAIN
    stamp = _stamp(record.time, manner.times, dated=dated).rjust(stamp_width(manner.times, dates=manner.dates))
    head = [(stamp, style(Look.DIM)), (f"{mark} ", style(look))]
    if manner.label:
        head.append((fit(label, manner.label) + " ", style(Look.DIM)))
    message = clean(record.message[:LINE_MOST].replace("\n", " ⏎ "))
    parts = _marked(message, style(body), manner.found)
    if len(record.message) > LINE_MOST:
        more = f" … {len(record.message) - LINE_MOST} characters more in the record"
        return Drawn(head, [*parts, (more, style(Look.DIM))])
    fields = _fields(record)
    if fields:
        parts += _marked("  " + fields, style(Look.DIM), manner.found)
    return Drawn(head, parts)


def day_of(record: LogRecord | None) -> date | None:
    """The local day of a record; None for one without a time."""
    return None if record is None or record.time is None else record.time.astimezone().date()


def place_of(text: str, cell: int) -> int:
    """The character at or after a cell."""
    if text.isascii():
        return min(cell, len(text))
    used = 0
    for at, char in enumerate(text):
        if used >= cell:
            return at
        used += cell_len(char)
    return len(text)


def slice_of(parts: list[Part], start: int, end: int) -> list[Part]:
    """The characters from `start` to `end`."""
    out: list[Part] = []
    at = 0
    for text, made in parts:
        low, high = max(0, start - at), min(len(text), end - at)
        if low < high:
            out.append((text[low:high], made))
        at += len(text)
    return out


def window(parts: list[Part], left: int, room: int) -> list[Part]:
    """What of a long line is seen, moved `left` cells sideways; `…` where it goes on."""
    text = "".join(part for part, _ in parts)
    start = place_of(text, left) if left else 0
    shown = slice_of(parts, start, start + room)
    if left and start:
        shown = [("…", style(Look.DIM)), *slice_of(shown, 1, room)]
    rest = text[start : start + room + 1]
    if cells(rest) > room:
        kept = place_of(rest, room - 1)
        if cells(rest[:kept]) > room - 1:
            kept -= 1
        shown = [*slice_of(shown, 0, kept), ("…", style(Look.DIM))]
    return shown


REQUEST = ("status", "method", "path")
"""The fields that the message of an access log is made of; its protocol is in the record (Enter)."""


def _fields(record: LogRecord) -> str:
    """`key=value …`, as far as it can be seen; without what the message says already."""
    out: list[str] = []
    length = 0
    request = record.message == " ".join(record.fields.get(key, "") for key in REQUEST)
    said = (*REQUEST, "protocol") if request else ()
    for key, value in record.fields.items():
        if key in said:
            continue
        out.append(f"{key}={value[:LINE_MOST]}")
        length += len(out[-1]) + 1
        if length > LINE_MOST:
            break
    return clean(" ".join(out)[:LINE_MOST].replace("\n", " ⏎ "))


def stamp_width(times: Times, *, dates: bool = False) -> int:
    """Cells of a time, with the blank behind it."""
    if times is Times.SHORT:
        return len("11-24 02:13:20 " if dates else "02:13:20 ")
    return len("2026-11-24 02:13:20.000+00:00 ") if times is Times.FULL else 0


def _stamp(moment: datetime | None, times: Times, *, dated: bool) -> str:
    if times is Times.NONE or moment is None:
        return ""
    local = moment.astimezone()
    if times is Times.FULL:
        return local.isoformat(" ", "milliseconds") + " "
    return local.strftime("%m-%d %H:%M:%S " if dated else "%H:%M:%S ")


def _marked(text: str, made: Style, found: re.Pattern[str] | None) -> list[Part]:
    """A text with what was found in it in reverse."""
    if found is None:
        return [(text, made)]
    parts: list[Part] = []
    at = 0
    for match in found.finditer(text):
        if match.end() > match.start():
            parts += [(text[at : match.start()], made), (match.group(), FOUND)]
            at = match.end()
    return [*parts, (text[at:], made)]


FOUND = style(Look.WARN, reverse=True)


def under_cursor(parts: list[Part], width: int) -> list[Part]:
    """The same in reverse to the right edge; what was found stands out by being the right way round."""
    turned: list[Part] = []
    for text, made in parts:
        turned += [(text, style(Look.WARN))] if made == FOUND else safe.under_cursor([(text, made)])
    return [*turned, (" " * width, style(reverse=True))]

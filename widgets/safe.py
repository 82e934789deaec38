"""The one way by which text reaches the screen: cleaned, fitted to its cells, in one of a few looks.

Of a text of any length only what can be seen of it is looked at: a name of a hundred thousand characters costs a
frame no more than one of a hundred.

Colours are the terminal's own sixteen, so that they suit dark and light terminals alike and cost few bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from backends.clean import clean
from widgets.look import Look

_LOOKS = {
    Look.PLAIN: Style(),
    Look.GOOD: Style(color="green"),
    Look.WARN: Style(color="yellow"),
    Look.BAD: Style(color="red", bold=True),
    Look.DIM: Style(dim=True),
    Look.STRONG: Style(bold=True),
}
_DIM = Style(dim=True)
SIGNS = 8
"""Characters that a cell may take: its own, what `clean` lets stand on it, and a little that it drops."""
TOLD_MOST = 4_000
"""Characters of which the width is told: more than the widest terminal shows."""
_COLUMN = re.compile(r"^ +(?=\S)|(?<=\S)  +(?=\S)")
_REVERSE = Style(reverse=True)


@lru_cache(maxsize=256)
def style(look: Look = Look.PLAIN, *, dim: bool = False, reverse: bool = False, colour: str = "") -> Style:
    made = _LOOKS[look]
    if colour:
        made = made + Style(color=colour)
    if dim:
        made = made + _DIM
    return made + _REVERSE if reverse else made


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Cleaned text in exactly `width` cells; what does not fit ends in `…`."""
    if width <= 0:
        return ""
    text = clean(begun(text, width * SIGNS))
    length = cells(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    pad = " " * (width - length)
    return pad + text if right else text + pad


def fit_ends(text: str, width: int) -> str:
    """The same, but what does not fit keeps both of its ends."""
    text = clean(begun(text))
    if cells(text) <= width or width <= 0:
        return fit(text, width)
    at, room = len(text), (width - 1) // 2
    while room >= (last := cells(text[at - 1])):
        at, room = at - 1, room - last
    return set_cell_size(text, width - 1 - cells(text[at:])) + "…" + text[at:]


def begun(text: str, most: int = TOLD_MOST) -> str:
    """A text as far as so many characters, not cleaned yet; of a longer one that it goes on."""
    return text if len(text) <= most else text[:most] + "…"


def width_of(text: str) -> int:
    return cells(clean(begun(text)))


def cells(text: str) -> int:
    """The width of a cleaned text."""
    return len(text) if text.isascii() else cell_len(text)


def cuts(text: str, room: int, most: int, first: int | None = None) -> list[int]:
    """Where the lines of a wrapped text begin, at most so many: of `room` cells each, the first one of `first`. A
    word stays whole where that leaves less than half of a line empty; the blank before it needs no room."""
    narrow = cells(text) == len(text)
    starts, at, left = [0], 0, max(0, room if first is None else first)
    while len(starts) < most and (edge := _reached(text, at, left, narrow=narrow)) < len(text):
        blank = text.rfind(" ", at + left // 2, edge + 1)
        least = at + 1 if left else at
        at, left = (blank + 1 if blank >= least else max(edge, least)), max(1, room)
        starts.append(at)
    return starts


def wrapped(text: str, width: int, column: int | None = None) -> list[str]:
    """Lines of at most `width` cells, cut at spaces where there are some, else behind a slash. What goes on is
    set in to a column of the text; where none is given, as far as the line began, or as far as its last column
    (after two spaces or more) where that is in the left half."""
    narrow = cells(text) == len(text)
    columns = [found.end() for found in _COLUMN.finditer(text, 0, width // 2)]
    inset = " " * (column if column is not None else columns[-1] if columns else 0)
    lines, at, ahead = [], 0, ""
    while (edge := _reached(text, at, width - len(ahead), narrow=narrow)) < len(text):
        least = at + len(inset) - len(ahead) + 1
        cut = text.rfind(" ", least, edge + 1)
        if cut < 0:
            # A path goes on with a name of its own.
            cut = text.rfind("/", least, edge) + 1 or max(edge, least)
        lines.append((ahead + text[at:cut]).rstrip())
        at, ahead = cut, inset
        while at < len(text) and text[at].isspace():
            at += 1
    return [*lines, ahead + text[at:]]


def _reached(text: str, at: int, room: int, *, narrow: bool) -> int:
    """The first character that has no room any more; the text's end, or more, where all of it has."""
    if narrow:
        return at + room
    # At once what has room in any case: no character takes more than two cells.
    while room > 1 and at < len(text):
        piece = text[at : at + room // 2]
        room -= cell_len(piece)
        at += len(piece)
    for place in range(at, len(text)):
        room -= cell_len(text[place])
        if room < 0:
            return place
    return len(text)


def under_cursor(parts: Iterable[tuple[str, Style]]) -> list[tuple[str, Style]]:
    """The same in reverse. A colour lies behind its words alone: behind blanks it would be a block that means
    nothing. What is dim elsewhere is as plain as the rest, for nothing is harder to read in reverse."""
    bar = style(reverse=True)
    turned = []
    for text, made in parts:
        words = text.strip(" ")
        at = text.find(words) if words else len(text)
        whole = bar if made == _DIM else made + _REVERSE
        turned += [(text[:at], bar), (words, whole), (text[at + len(words) :], bar)]
    return [(text, made) for text, made in turned if text]


def line(parts: list[tuple[str, Style]], width: int) -> Strip:
    """A line of exactly `width` cells. Parts of equal style become one run: each run costs its own escapes."""
    runs: list[tuple[str, Style]] = []
    room = width * SIGNS
    for text, made in parts:
        text, room = text[:room], max(0, room - len(text))
        if runs and runs[-1][1] == made:
            runs[-1] = (runs[-1][0] + text, made)
        else:
            runs.append((text, made))
    strip = Strip([Segment(clean(text), made) for text, made in runs])
    return strip.adjust_cell_length(width)

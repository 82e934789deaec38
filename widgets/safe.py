"""The one way by which text reaches the screen: cleaned, fitted to its cells, in one of a few looks.

Colours are the terminal's own sixteen, so that they suit dark and light terminals alike and cost few bytes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from backends.clean import clean
from widgets.columns import Look

_LOOKS = {
    Look.PLAIN: Style(),
    Look.GOOD: Style(color="green"),
    Look.WARN: Style(color="yellow"),
    Look.BAD: Style(color="red", bold=True),
    Look.DIM: Style(dim=True),
    Look.STRONG: Style(bold=True),
}
_DIM = Style(dim=True)
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
    text = clean(text)
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    pad = " " * (width - length)
    return pad + text if right else text + pad


def width_of(text: str) -> int:
    text = clean(text)
    return len(text) if text.isascii() else cell_len(text)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters, cut at spaces where there are some. What goes on is set in as far as
    the line began, or as far as its last column (after two spaces or more) where that is in the left half."""
    if len(text) <= width:
        return [text]
    columns = [found.end() for found in _COLUMN.finditer(text, 0, width // 2)]
    inset = " " * columns[-1] if columns else ""
    lines = []
    while len(text) > width:
        cut = text.rfind(" ", len(inset) + 1, width + 1)
        cut = cut if cut > len(inset) else max(width, len(inset) + 1)
        lines.append(text[:cut].rstrip())
        text = inset + text[cut:].lstrip()
    return [*lines, text]


def segment(text: str, made: Style | None = None) -> Segment:
    return Segment(clean(text), made)


def line(parts: list[tuple[str, Style]], width: int) -> Strip:
    """A line of exactly `width` cells. Parts of equal style become one run: each run costs its own escapes."""
    runs: list[tuple[str, Style]] = []
    for text, made in parts:
        if runs and runs[-1][1] == made:
            runs[-1] = (runs[-1][0] + text, made)
        else:
            runs.append((text, made))
    strip = Strip([segment(text, made) for text, made in runs])
    return strip.adjust_cell_length(width)

"""Names that are cut to their cells and still differ from each other where the whole ones do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import takewhile

from rich.cells import set_cell_size

from backends.clean import clean
from widgets.safe import begun, cells, fit, width_of

HEAD_LEAST = 4
"""Cells that what stands before a name's last word has at least, where it is shown."""


def cut_apart(names: Iterable[str], width: int) -> dict[str, str]:
    """Each in exactly `width` cells, cleaned. Those whose beginnings are the same as far as there is room lose
    what stands between that and where they begin to differ."""
    shown = {name: fit(name, width) for name in names}
    alike: dict[str, list[str]] = defaultdict(list)
    for name, text in shown.items():
        alike[text].append(name)
    for same in alike.values():
        if len(same) > 1:
            whole = {name: clean(begun(name)) for name in same}
            alike_so_far = takewhile(lambda chars: len(set(chars)) == 1, zip(*whole.values(), strict=False))
            differ = sum(1 for _ in alike_so_far)
            shown |= {name: _without_middle(text, differ, width) for name, text in whole.items()}
    return shown


def without_head(name: str, width: int) -> str:
    """A name whose last word says which one it is, cut in those before it where it has no room: that one stands
    alone where they would have next to none."""
    rest, _, last = clean(begun(name)).rpartition(" ")
    room = width - cells(last) - 1
    if width_of(name) <= width or not rest:
        return name
    return f"{fit(rest, room).rstrip()} {last}" if room >= HEAD_LEAST else last


def _without_middle(text: str, differ: int, width: int) -> str:
    """Its beginning, and what is about the character from which on it differs from others."""
    head = set_cell_size(text, width // 3)
    room = max(0, width - width // 3 - 1)
    start = max(differ, len(head))
    # As much before that character as behind it; more where the text ends soon.
    while start > len(head) and (
        cells(text[start - 1 : differ]) <= room // 2 or cells(text[start - 1 :]) <= room
    ):
        start -= 1
    return head + "…" + fit(text[start:], room)

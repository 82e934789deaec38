"""Form: what a dialog shows and asks; and lines that are broken to its width."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct

from backends.clean import clean
from widgets.look import Look
from widgets.one_line import Part
from widgets.safe import begun, cuts, fit_ends, width_of

CANCEL = "Cancel"
CLOSE = "close"
"""In place of Cancel where nothing is asked: it has happened, or can't."""
NUMBER = re.compile(r"\d+[a-z]*\b")
"""With its unit, as an age has one."""


class Field(Struct):
    """Something to fill in. With `choices` left and right go through them, else it is typed."""

    label: str
    value: str = ""
    choices: tuple[str, ...] = ()


class Button(Struct, frozen=True):
    """`does` is called when it is pressed; `look` warns of it. A `blocked` one says why it is not there. `means`
    stands beside its label in a menu."""

    label: str
    does: Callable[[], None] = lambda: None
    look: Look = Look.PLAIN
    blocked: str = ""
    means: str = ""


class Form(Struct, frozen=True):
    """What a dialog shows. `listed` puts the buttons below each other, each with a line of its own (a menu);
    then the first of them may be chosen first, since none of them does anything yet."""

    title: str
    lines: tuple[tuple[Part, ...], ...] = ()
    """What must have stood in sight before a button that confirms does anything."""
    fields: tuple[Field, ...] = ()
    buttons: tuple[Button, ...] = ()
    listed: bool = False
    grave: bool = False
    """Whether its frame is red."""
    asks: bool = False
    """None of its buttons does anything yet: what is to be filled in is chosen first, Enter goes on to them."""
    foot: tuple[tuple[Part, ...], ...] = ()
    """Lines that are in sight however many others there are."""
    about: tuple[tuple[Part, ...], ...] = ()
    """What else is known, below the lines, each cut to one row: nothing that would stop somebody."""
    leave: str = CANCEL
    """What the button is called that does nothing."""

    @property
    def confirms(self) -> bool:
        """Whether one of its buttons is the last word before something is done."""
        return bool(self.buttons) and not self.listed and not self.asks

    def words(self) -> list[list[Part]]:
        """Its lines without their numbers, which go on while it is read."""
        return [[(NUMBER.sub("", text), made) for text, made in row] for row in self.lines]

    def able(self, button: int) -> bool:
        """Whether a button can be chosen; 0 is the one that leaves, which always can."""
        return button == 0 or not self.buttons[button - 1].blocked

    def first_able(self) -> int:
        """The first button that does something and can be chosen; 0 where none can."""
        return next((i for i in range(1, len(self.buttons) + 1) if self.able(i)), 0)

    def typed_field(self) -> int | None:
        """The field that text is meant for which is typed anywhere: the first that is still empty."""
        typed = [i for i, field in enumerate(self.fields) if not field.choices]
        return next((i for i in typed if not self.fields[i].value), typed[0] if typed else None)

    def widest(self) -> int:
        """Cells of its longest line."""
        rows = [*self.lines, *self.about, *self.foot]
        texts = [f"{button.label}  {button.means}" for button in self.buttons] if self.listed else []
        return max([*(sum(width_of(text) for text, _ in row) for row in rows), *map(width_of, texts), 0])


@lru_cache(maxsize=256)
def wrapped(parts: tuple[Part, ...], width: int) -> tuple[tuple[Part, ...], ...]:
    """Lines of at most `width` cells, broken between words; each keeps the style of its part."""
    # A terminal of a few columns leaves less than that, and shows nothing of it.
    width = max(2, width)
    rows: list[tuple[Part, ...]] = []
    row: list[Part] = []
    used = 0
    for text, made in parts:
        for word in clean(begun(text)).split(" "):
            size = width_of(word)
            if size > width:
                rows += [tuple(row)] if row else []
                starts = cuts(word, width - 1, len(word))
                rows += [((word[low:high] + "…", made),) for low, high in pairwise(starts)]
                word, row, used = word[starts[-1] :], [], 0
                size = width_of(word)
            if used and used + 1 + size > width:
                rows.append(tuple(row))
                row, used = [], 0
            gap = bool(row)
            row.append((" " * gap + word, made))
            used += size + gap
    return (*rows, tuple(row)) if row or not rows else tuple(rows)


@lru_cache(maxsize=256)
def one_row(parts: tuple[Part, ...], width: int) -> tuple[Part, ...]:
    """The same in at most `width` cells: its longest part loses its middle."""
    widths = [width_of(text) for text, _ in parts]
    longest = widths.index(max(widths))
    room = max(2, width - sum(widths) + widths[longest])
    return tuple(
        (fit_ends(text, room) if i == longest and widths[i] > room else clean(begun(text)), made)
        for i, (text, made) in enumerate(parts)
    )

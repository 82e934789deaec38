"""What stands in a dialog: the rows of its form, and those of them that there is room for."""

from __future__ import annotations

from typing import NamedTuple

from widgets.form import Button, Field, Form, one_row, wrapped
from widgets.look import Look
from widgets.one_line import Part
from widgets.safe import fit, style, under_cursor, width_of

BETWEEN = "   "
LABEL = 10
"""Cells of the labels of a menu, if none of them is longer."""
MARKS = 4
"""Cells that the brackets of a button and the spaces within take."""

Row = tuple[Part, ...]


class DialogRows(NamedTuple):
    """`at` is which of what can be chosen is: fields first, then what leaves, then the buttons. `says` stands at
    the foot. `width` is that of a row, in cells."""

    form: Form
    at: int
    says: str
    width: int

    @property
    def height(self) -> int:
        return len(self._lines()) + len(self._foot())

    def in_sight(self, top: int, room: int) -> tuple[list[Row], int]:
        """At most `room` rows, and which is the first of those that move: `top` as far as it may be."""
        if self.height <= room:
            return [*self._lines(), *self._foot()], top
        return self._menu_in_sight(top, room) if self.form.listed else self._lines_in_sight(top, room)

    def _lines_in_sight(self, top: int, room: int) -> tuple[list[Row], int]:
        """Fields and buttons always, of the lines what has room above them."""
        lines, foot, space = self._lines(), self._foot_in(room), self._space(room)
        top = min(top, max(0, len(lines) - space))
        more = _more(top, len(lines) - space - top, "PgUp", "PgDn")
        return [*lines[top : top + space], more, *foot][:room], top

    def _foot_in(self, room: int) -> list[Row]:
        """With room around its parts only where all that is asked, and the line below it, still have theirs."""
        foot = self._foot()
        return foot if room - len(foot) > len(self._telling()) else self._foot(tight=True)

    def _space(self, room: int) -> int:
        """How many of so many rows are left for those that move, and for how many of them there are."""
        return max(1, room - len(self._foot_in(room))) - 1

    def _menu_in_sight(self, top: int, room: int) -> tuple[list[Row], int]:
        """The part around the choice, and how much there is beside it."""
        menu, says = self._menu(), self._said()
        rows = [*self._lines(), (), *(row for _, row in menu)]
        begin = len(rows) - len(menu)
        of, chosen = [button for button, _ in menu], self.at - len(self.form.fields)
        first, last = begin + of.index(chosen), len(rows) - 1 - of[::-1].index(chosen)
        space = max(1, room - 1 - len(says))
        top = min(max(top, last - space + 1, 0), first, max(0, len(rows) - space))
        above = len(set(of[: max(0, top - begin)]))
        below = len(set(of[max(0, top + space - begin) :]))
        return [*rows[top : top + space], _more(above, below, "↑", "↓"), *says][:room], top

    def _lines(self) -> list[Row]:
        return [*self._telling(), *(one_row(row, self.width) for row in self.form.about)]

    def _telling(self) -> list[Row]:
        return [part for row in self.form.lines for part in wrapped(row, self.width)]

    def unseen(self, top: int, room: int) -> int:
        """How many rows of the form's lines `in_sight` leaves below."""
        if self.height <= room or self.form.listed:
            return 0
        space, lines = self._space(room), len(self._telling())
        return max(0, lines - top - space) if space else lines

    def _foot(self, *, tight: bool = False) -> list[Row]:
        """What is always in sight: the foot's lines, fields, buttons, and what it says. A `tight` one has no room
        around them."""
        form = self.form
        gap: list[Row] = [] if tight else [()]
        rows: list[Row] = []
        if form.foot:
            rows += [*gap, *(part for row in form.foot for part in wrapped(row, self.width))]
        if form.fields:
            rows += gap
            label = max(width_of(field.label) for field in form.fields)
            rows += [self._field(i, field, label) for i, field in enumerate(form.fields)]
        rows += [*gap, *([row for _, row in self._menu()] if form.listed else self._buttons())]
        if self.says:
            rows += [*gap, *self._said()]
        return rows

    def _said(self) -> list[Row]:
        return list(wrapped(((self.says, style(Look.WARN)),), self.width)) if self.says else []

    def _field(self, index: int, field: Field, label: int) -> Row:
        chosen = index == self.at
        if field.choices:
            at = field.choices.index(field.value) + 1 if field.value in field.choices else 0
            hint = "  ← → change it" if chosen else f"  {at} of {len(field.choices)}"
            return (
                (fit(field.label, label) + "  ", style(Look.DIM)),
                (f"‹ {field.value} ›", style(reverse=chosen)),
                (hint, style(Look.DIM)),
            )
        room = max(8, self.width - label - 3)
        shown = field.value[-(room - 1) :]
        line_ = shown + ("▏" if chosen else "")
        return (
            (fit(field.label, label) + "  ", style(Look.DIM)),
            (line_ + "_" * max(0, room - width_of(line_)), style(Look.STRONG if chosen else Look.PLAIN)),
        )

    def _buttons(self) -> list[Row]:
        """Beside each other, below each other where they have no room for that."""
        form, width = self.form, self.width
        here = self.at - len(form.fields)
        parts: list[Part] = [(f"[ {form.leave} ]", style(reverse=here == 0))]
        for i, button in enumerate(form.buttons, start=1):
            look = Look.DIM if button.blocked else button.look
            label = fit(button.label, min(width_of(button.label), width - MARKS))
            parts.append((f"[ {label} ]", style(look, reverse=here == i)))
        need = sum(width_of(text) for text, _ in parts) + len(BETWEEN) * len(form.buttons)
        if need > width:
            return [((" " * (width - width_of(part[0])), style()), part) for part in parts]
        row: list[Part] = [(" " * (width - need), style()), parts[0]]
        for part in parts[1:]:
            row += [(BETWEEN, style()), part]
        return [tuple(row)]

    def _menu(self) -> list[tuple[int, Row]]:
        """The buttons below each other, what they mean beside them, each row with the button that it is of."""
        form, here = self.form, self.at - len(self.form.fields)
        label = max([LABEL, *(width_of(button.label) for button in form.buttons)])
        label = min(label, self.width // 2)
        rows = [
            (i, tuple(under_cursor(list(row)) if here == i else row))
            for i, button in enumerate(form.buttons, start=1)
            for row in self._item(button, label)
        ]
        leave = [(fit(f" {form.leave}", self.width), style())]
        return [*rows, (0, tuple(under_cursor(leave) if here == 0 else leave))]

    def _item(self, button: Button, label: int) -> list[Row]:
        """One of a menu, its name in `label` cells."""
        # The name says how grave it is, by its colour: a wall of red would say it of nothing.
        made = style(Look.DIM if button.blocked else button.look)
        plain = style(Look.DIM if button.blocked else Look.PLAIN)
        means = " ".join(filter(None, (button.means, f"({button.blocked})" if button.blocked else "")))
        name, room = fit(button.label, label), self.width - label - 2
        rows: list[Row] = []
        for part in wrapped(((means, plain),), room):
            text = "".join(word for word, _ in part)
            rows.append(((f" {name} ", made), (fit(text, room), plain)))
            name = " " * label
        return rows


def _more(above: int, below: int, up: str, down: str) -> Row:
    """How much is out of sight, and the keys that lead there."""
    told = [f"{above} more above: {up}"] if above else []
    told += [f"{below} more below: {down}"] if below else []
    return (("   ".join(told), style(Look.WARN)),)

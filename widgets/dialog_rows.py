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


class InSight(NamedTuple):
    """What there is room for."""

    rows: list[Row]
    top: int = 0
    """The first of the rows that move which is in sight."""
    moving: int = 0
    """How many of those are in sight, from there on."""


class DialogRows:
    """`at` is which of what can be chosen is: fields first, then what leaves, then the buttons. `says` stands at
    the foot. `width` is that of a row, in cells."""

    def __init__(self, form: Form, at: int, says: str, width: int) -> None:
        self.form, self.at, self.says, self.width = form, at, says, width
        self.asked = self._wrapped(form.lines)
        """The rows of the form's lines."""

    def in_sight(self, top: int, room: int) -> InSight:
        """At most `room` rows; of those that move from `top` on, as far as that may be."""
        foot, moving = self._foot(), len(self.asked) + len(self.form.about)
        if moving + len(foot) > room:
            if self.form.listed:
                return self._menu_in_sight(top, room)
            # All that is asked, and how much there is below it, have room before blank lines do.
            foot = foot if room - len(foot) > len(self.asked) else self._tight_foot()[:room]
        free = room - len(foot)
        if moving <= free:
            return InSight([*self._moving(0, moving), *foot], 0, moving)
        space = max(0, free - 1)
        top = max(0, min(top, moving - space))
        more = [_more(top, moving - space - top, "PgUp", "PgDn")][:free]
        return InSight([*self._moving(top, space), *more, *foot], top, space)

    def _menu_in_sight(self, top: int, room: int) -> InSight:
        """The part around the choice, and how much there is beside it."""
        menu, says = self._menu(), self._said()
        rows = [*self._moving(0, len(self.asked) + len(self.form.about)), (), *(row for _, row in menu)]
        begin = len(rows) - len(menu)
        of, chosen = [button for button, _ in menu], self.at - len(self.form.fields)
        first, last = begin + of.index(chosen), len(rows) - 1 - of[::-1].index(chosen)
        space = max(1, room - 1 - len(says))
        top = min(max(top, last - space + 1, 0), first, max(0, len(rows) - space))
        above = len(set(of[: max(0, top - begin)]))
        below = len(set(of[max(0, top + space - begin) :]))
        return InSight([*rows[top : top + space], _more(above, below, "↑", "↓"), *says][:room], top, space)

    def _moving(self, top: int, space: int) -> list[Row]:
        """So many of the rows that move: what is asked, and what else is known."""
        asked, end = len(self.asked), top + space
        about = self.form.about[max(0, top - asked) : max(0, end - asked)]
        return [*self.asked[top:end], *(one_row(row, self.width) for row in about)]

    def _wrapped(self, lines: tuple[Row, ...]) -> list[Row]:
        return [part for row in lines for part in wrapped(row, self.width)]

    def _foot(self) -> list[Row]:
        """What is always in sight: the foot's lines, fields, buttons, and what it says, with room around them."""
        buttons = [row for _, row in self._menu()] if self.form.listed else self._buttons()
        parts = [self._wrapped(self.form.foot), self._fields(), buttons, self._said()]
        return [row for part in parts if part for row in ((), *part)]

    def _tight_foot(self) -> list[Row]:
        """The same in as few rows as it may be: what it says stands in place of the foot's first line."""
        first, others = self.form.foot[:1], self.form.foot[1:]
        said = self._said() or [one_row(row, self.width) for row in first]
        return [*said, *self._wrapped(others), *self._fields(), *self._buttons()]

    def _said(self) -> list[Row]:
        return list(wrapped(((self.says, style(Look.WARN)),), self.width)) if self.says else []

    def _fields(self) -> list[Row]:
        fields = self.form.fields
        label = max((width_of(field.label) for field in fields), default=0)
        return [self._field(i, field, label) for i, field in enumerate(fields)]

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

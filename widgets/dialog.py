"""Dialog: a box over the screen with lines, fields and buttons, of which Cancel is chosen first.

It takes keys one by one and at once; a button that is pressed calls what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct
from textual import events
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from backends.clean import clean
from widgets.columns import Look
from widgets.oneline import Part
from widgets.safe import fit, line, style, width_of

CANCEL = "Cancel"
WIDEST = 84
"""Cells of a box, where the terminal has them."""
PAGE = 5
"""Lines that PgDn goes on."""
HINT = "tab to the next, enter to go on, esc to cancel"
EDGE = 4
"""Cells that the frame and its margins take from a line."""


class Field(Struct):
    """Something to fill in. With `choices` left and right go through them, else it is typed."""

    label: str
    value: str = ""
    choices: tuple[str, ...] = ()


class Button(Struct, frozen=True):
    """`does` is called when it is pressed; `look` warns of it. A `blocked` one says why it is not there."""

    label: str
    does: Callable[[], None] = lambda: None
    look: Look = Look.PLAIN
    blocked: str = ""


class Form(Struct, frozen=True):
    """What a dialog shows. `listed` puts the buttons below each other, each with a line of its own (a menu);
    then the first of them may be chosen first, since none of them does anything yet."""

    title: str
    lines: tuple[tuple[Part, ...], ...] = ()
    fields: tuple[Field, ...] = ()
    buttons: tuple[Button, ...] = ()
    listed: bool = False
    grave: bool = False
    """Whether its frame is red."""
    asks: bool = False
    """None of its buttons does anything yet: what is to be filled in is chosen first, Enter goes on to them."""
    foot: tuple[tuple[Part, ...], ...] = ()
    """Lines that are in sight however many others there are."""


class Dialog(Widget):
    """At most one is open. While it is, every key is its own."""

    DEFAULT_CSS = """
    Dialog { layer: dialog; position: absolute; display: none; height: auto; background: $surface; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.form: Form | None = None
        self._at = 0
        """Which can be chosen: fields first, then Cancel, then the buttons."""
        self._says = ""
        self._top = 0
        self._placed_in = Size(0, 0)

    @property
    def open(self) -> bool:
        return self.form is not None

    def show(self, form: Form) -> None:
        """Open, with Cancel chosen; in a menu the first button that is not blocked."""
        self.form = form
        self._says, self._top = "", 0
        self._at = 0 if form.asks else len(form.fields)
        if form.listed:
            able = [i for i, button in enumerate(form.buttons) if not button.blocked]
            self._at += 1 + able[0] if able else 0
        self._place()

    def update(self, form: Form) -> None:
        """Other lines in the same dialog: what is chosen and what was typed stay."""
        if self.form is not None and form != self.form:
            self.form = form
            self._at = min(self._at, len(form.fields) + len(form.buttons))
            self._place()

    def say(self, text: str) -> None:
        """A sentence at its foot: why it did not do what was asked."""
        self._says = text
        self._place()

    def close(self) -> None:
        self.form = None
        if self.is_attached:
            self.display = False

    @property
    def chosen(self) -> str:
        """The label of what is chosen, for tests and for the screen's own sentence."""
        form = self.form
        if form is None:
            return ""
        return [*(field.label for field in form.fields), CANCEL, *(b.label for b in form.buttons)][self._at]

    # Keys

    def press(self, key: str, character: str | None) -> None:
        form = self.form
        if form is None:
            return
        field = form.fields[self._at] if self._at < len(form.fields) else None
        if key in ("escape", "ctrl+c"):
            self.close()
        elif key == "enter":
            self._enter(form)
        elif key in ("tab", "down") or (field is None and key in ("right", "j", "l")):
            self._go(1)
        elif key in ("shift+tab", "up") or (field is None and key in ("left", "k", "h")):
            self._go(-1)
        elif key in ("pagedown", "pageup"):
            self._top = max(0, self._top + (PAGE if key == "pagedown" else -PAGE))
            self.refresh()
        elif field is not None:
            self._edit(field, key, character)

    def paste(self, text: str) -> None:
        """Pasted text goes into a field that is typed, and nowhere else."""
        form = self.form
        if form is not None and self._at < len(form.fields) and not form.fields[self._at].choices:
            form.fields[self._at].value += clean(text.replace("\n", " "))
            self.refresh()

    def _go(self, step: int) -> None:
        form = self.form
        if form is None:
            return
        count = len(form.fields) + 1 + len(form.buttons)
        for _ in range(count):
            self._at = (self._at + step) % count
            button = self._at - len(form.fields) - 1
            if button < 0 or not form.buttons[button].blocked:
                break
        self.refresh()

    def go_to_field(self, label: str) -> None:
        """Choose a field: something is missing there."""
        labels = [field.label for field in self.form.fields] if self.form is not None else []
        if label in labels:
            self._at = labels.index(label)
            self.refresh()

    def _enter(self, form: Form) -> None:
        fields = len(form.fields)
        if self._at < fields:
            # Never onwards to a button that acts: what was typed ahead must not press it.
            self._at += 2 if form.asks and self._at == fields - 1 else 1
            self.refresh()
        elif self._at == fields:
            self.close()
        else:
            form.buttons[self._at - fields - 1].does()

    def _edit(self, field: Field, key: str, character: str | None) -> None:
        if field.choices:
            step = {"right": 1, "left": -1, "space": 1}.get(key, 0)
            at = field.choices.index(field.value) if field.value in field.choices else 0
            field.value = field.choices[(at + step) % len(field.choices)]
        elif key in ("backspace", "ctrl+h"):
            field.value = field.value[:-1]
        elif key == "ctrl+u":
            field.value = ""
        elif character and character.isprintable():
            field.value += clean(character)
        if self._says:
            self.say("")
        self.refresh()

    # Drawing

    def _place(self) -> None:
        """In the middle, as wide as it may be, and as high as it must."""
        if self.form is None or not self.is_attached:
            return
        self._placed_in = self.app.size
        across, down = self.app.size
        width = min(WIDEST, across - 2)
        rows = len(self._lines(width - EDGE)) + len(self._foot(width - EDGE))
        height = min(rows + 2, down - 2)
        self.styles.width, self.styles.height = width, height
        self.styles.offset = ((across - width) // 2, max(1, (down - height) // 3))
        self.display = True
        self.refresh(layout=True)

    def on_mount(self) -> None:
        # It may have been opened before it was mounted.
        self._place()
        self.app.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._keep_in_place())

    def _keep_in_place(self) -> None:
        """The terminal has another size."""
        if self.open and self.app.size != self._placed_in:
            self._place()

    def _lines(self, width: int) -> list[tuple[Part, ...]]:
        form = self.form
        return [] if form is None else [part for row in form.lines for part in _wrapped(row, width)]

    def _foot(self, width: int) -> list[tuple[Part, ...]]:
        """What is always in sight: the foot's lines, fields, buttons, and what it says."""
        form = self.form
        if form is None:
            return []
        rows: list[tuple[Part, ...]] = []
        if form.foot:
            rows += [(), *(part for row in form.foot for part in _wrapped(row, width))]
        if form.fields:
            rows.append(())
            label = max(width_of(field.label) for field in form.fields)
            rows += [self._field(i, field, label, width) for i, field in enumerate(form.fields)]
        rows.append(())
        rows += self._buttons(form, width)
        if form.fields and not self._says:
            rows.append(((HINT, style(Look.DIM)),))
        if self._says:
            rows += [(), *_wrapped(((self._says, style(Look.WARN)),), width)]
        return rows

    def _field(self, index: int, field: Field, label: int, width: int) -> tuple[Part, ...]:
        chosen = index == self._at
        if field.choices:
            at = field.choices.index(field.value) + 1 if field.value in field.choices else 0
            hint = "  ← → change it" if chosen else f"  {at} of {len(field.choices)}"
            return (
                (fit(field.label, label) + "  ", style(Look.DIM)),
                (f"‹ {field.value} ›", style(reverse=chosen)),
                (hint, style(Look.DIM)),
            )
        room = max(8, width - label - 3)
        shown = field.value[-(room - 1) :]
        line_ = shown + ("▏" if chosen else "")
        return (
            (fit(field.label, label) + "  ", style(Look.DIM)),
            (line_ + "_" * max(0, room - width_of(line_)), style(Look.STRONG if chosen else Look.PLAIN)),
        )

    def _buttons(self, form: Form, width: int) -> list[tuple[Part, ...]]:
        here = self._at - len(form.fields)
        if not form.listed:
            parts: list[Part] = [(f"[ {CANCEL} ]", style(reverse=here == 0))]
            for i, button in enumerate(form.buttons, start=1):
                look = Look.DIM if button.blocked else button.look
                parts += [("   ", style()), (f"[ {button.label} ]", style(look, reverse=here == i))]
            pad = width - sum(width_of(text) for text, _ in parts)
            return [((" " * max(0, pad), style()), *parts)]
        rows: list[tuple[Part, ...]] = []
        for i, button in enumerate(form.buttons, start=1):
            look = Look.DIM if button.blocked else button.look
            text = fit(f" {button.label}" + (f"  ({button.blocked})" if button.blocked else ""), width)
            rows.append(((text, style(look, reverse=here == i)),))
        rows.append(((fit(f" {CANCEL}", width), style(reverse=here == 0)),))
        return rows

    def render_line(self, y: int) -> Strip:
        width, height, form = self.size.width, self.size.height, self.form
        if form is None or height < 2:
            return line([], width)
        frame = style(Look.BAD if form.grave else Look.STRONG)
        if y == 0:
            title = fit(f" {form.title} ", min(width_of(form.title) + 2, width - 4))
            return line([("┌─" + title + "─" * (width - 3 - width_of(title)) + "┐", frame)], width)
        if y == height - 1:
            return line([("└" + "─" * (width - 2) + "┘", frame)], width)
        rows = self._in_sight(form, width - EDGE, height - 2)
        parts = rows[y - 1] if y - 1 < len(rows) else ()
        used = sum(width_of(text) for text, _ in parts)
        pad = " " * max(0, width - EDGE - used)
        return line([("│ ", frame), *parts, (pad, style()), (" │", frame)], width)

    def _in_sight(self, form: Form, width: int, room: int) -> list[tuple[Part, ...]]:
        """As many rows as there is room for: fields and buttons always, of a menu the part around the choice."""
        lines, foot = self._lines(width), self._foot(width)
        if len(lines) + len(foot) <= room:
            return lines + foot
        if form.listed:
            rows = lines + foot
            here = len(rows) - 1 - len(form.buttons) + self._at - len(form.fields) - 1
            self._top = min(max(self._top, here - room + 1, 0), max(0, min(here, len(rows) - room)))
            return rows[self._top : self._top + room]
        space = max(1, room - len(foot)) - 1
        self._top = min(self._top, max(0, len(lines) - space))
        left = len(lines) - space
        more = f"{self._top} lines above, {left - self._top} below: PgUp PgDn"
        return [*lines[self._top : self._top + space], ((more, style(Look.WARN)),), *foot][:room]

    def on_click(self, event: events.Click) -> None:
        # Only the keyboard answers: a click that comes late over a slow link must not press what moved below it.
        event.stop()


def _wrapped(parts: Sequence[Part], width: int) -> list[tuple[Part, ...]]:
    """Lines of at most `width` cells, broken between words; each keeps the style of its part."""
    rows: list[tuple[Part, ...]] = []
    row: list[Part] = []
    used = 0
    for text, made in parts:
        for word in clean(text).split(" "):
            size = width_of(word)
            while size > width:
                cut = fit(word, width)
                rows += [tuple(row)] if row else []
                rows.append(((cut.rstrip("…") + "…" if cut.endswith("…") else cut, made),))
                word, row, used = word[width - 1 :], [], 0
                size = width_of(word)
            if used and used + 1 + size > width:
                rows.append(tuple(row))
                row, used = [], 0
            gap = bool(row)
            row.append((" " * gap + word, made))
            used += size + gap
    return [*rows, tuple(row)] if row or not rows else rows


__all__ = ["CANCEL", "Button", "Dialog", "Field", "Form"]

"""Dialog: a box over the screen with lines, fields and buttons, of which Cancel is chosen first.

It takes keys one by one and at once; a button that is pressed calls what it does. Keys that are no answer
confirm nothing: those that were typed ahead of a question, and those of a burst, as a paste is where the terminal
does not mark it. The rest of a text that was typed into a dialog is nothing once that is closed.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from backends.clean import clean
from widgets.dialog_rows import DialogRows, InSight
from widgets.form import CANCEL, CLOSE, Button, Field, Form
from widgets.look import Look
from widgets.safe import fit, line, style, width_of

USUAL, WIDEST = 84, 120
"""Cells of a box, and of one whose lines are long, where the terminal has them."""
PAGE = 5
"""Lines that PgDn goes on, where so many are in sight."""
READING = 0.3
"""Seconds that a question stands before a key can be an answer to it, and after a dialog was left until text is
not meant for it any more."""
AT_ONCE = 0.05
"""Seconds within which nobody presses one key after another; one that is held down comes more often than this.
Over a slow link what a person types may come so as well: it only has to be pressed once more."""
UNSEEN = "nothing is done before all of what is asked was in sight: PgDn, or a larger terminal"
HURRIED = "left out: it came together with other keys; enter again, by itself, does it"
FILL_IN = "tab ↓ next, enter goes on, esc leaves"
CHOOSE = "↑ ↓ choose, enter goes on, esc leaves"
KEYS = "← → choose, enter presses, esc leaves"
"""What the keys do in it: said below the screen, where those of the view stand else."""
EDGE = 4
"""Cells that the frame and its margins take from a line."""
FRINGE = 8
"""Cells beside a box below which it takes them as well: nobody reads two letters of a row beneath it."""


class Dialog(Widget):
    """At most one is open. While it is, every key is its own."""

    DEFAULT_CSS = """
    Dialog { layer: dialog; position: absolute; display: none; height: auto; background: $surface; }
    """

    class Changed(Message):
        """It was opened, shows something else, or was closed."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self.form: Form | None = None
        self._monotonic = monotonic
        self._at = 0
        """Which can be chosen: fields first, then Cancel, then the buttons."""
        self._says = ""
        self._top = 0
        self._sight = InSight([])
        """What stands in it, as it was laid out last."""
        self._unseen: int | None = None
        """How many rows of what is asked have not stood in sight yet; none has where it is to be seen anew."""
        self._placed_in = (Size(0, 0), 0)
        """The terminal, and the cells of the box in it."""
        self._shown = self._left = self._pressed = self._hurried = float("-inf")

    @property
    def open(self) -> bool:
        return self.form is not None

    def show(self, form: Form) -> None:
        """Open, with Cancel chosen; in a menu the first button that is not blocked."""
        self.form = form
        self._shown = self._monotonic()
        self._says, self._top, self._unseen = "", 0, None
        self._at = 0 if form.asks else len(form.fields)
        if form.listed:
            self._at += form.first_able()
        self._lay_out()

    def update(self, form: Form) -> None:
        """Other lines in the same dialog: what is chosen and what was typed stay. Of what is asked other words
        are to be seen anew, other numbers are not."""
        if self.form is not None and form != self.form:
            if form.words() != self.form.words():
                self._unseen = None
            self.form = form
            self._at = min(self._at, len(form.fields) + len(form.buttons))
            self._lay_out()

    def say(self, text: str) -> None:
        """A sentence at its foot: why it did not do what was asked."""
        self._says = text
        self._lay_out()

    def close(self) -> None:
        self.form = None
        if self.is_attached:
            self.display = False
            self.post_message(self.Changed())

    @property
    def keys(self) -> str:
        """What its keys do; empty while it is closed."""
        form = self.form
        return "" if form is None else FILL_IN if form.fields else CHOOSE if form.listed else KEYS

    @property
    def chosen(self) -> str:
        """The label of what is chosen, for tests and for the screen's own sentence."""
        form = self.form
        if form is None:
            return ""
        return [*(field.label for field in form.fields), form.leave, *(b.label for b in form.buttons)][self._at]

    # Keys

    def press(self, key: str, character: str | None) -> None:
        form = self.form
        if form is None:
            return
        now = self._monotonic()
        if now - self._pressed < AT_ONCE:
            self._hurried = now
        self._pressed = now
        field = form.fields[self._at] if self._at < len(form.fields) else None
        step = {"tab": 1, "down": 1, "right": 1, "j": 1, "l": 1}.get(key, -1)
        if key in ("escape", "ctrl+c"):
            self._leave()
        elif key == "enter":
            self._enter(form)
        elif key in ("tab", "shift+tab"):
            self._go(form, step)
        elif key in ("down", "up"):
            self._go_line(form, step)
        elif key in ("pagedown", "pageup"):
            self._scroll(PAGE if key == "pagedown" else -PAGE)
        elif field is not None:
            self._edit(field, key, character)
        elif key in ("right", "left"):
            self._go_within(form, step)
        elif character and character.isprintable() and (typed := form.typed_field()) is not None:
            self._at = typed
            self._edit(form.fields[typed], key, character)
        elif key in ("j", "k"):
            self._go_line(form, step)
        elif key in ("h", "l"):
            self._go_within(form, step)
        elif character and character.isprintable():
            self.say(self.keys)

    def paste(self, text: str) -> None:
        """Pasted text goes into a field that is typed, and nowhere else."""
        form = self.form
        if form is None:
            return
        at = self._at if self._at < len(form.fields) else form.typed_field()
        if at is not None and not form.fields[at].choices:
            self._at = at
            form.fields[at].value += clean(text.replace("\n", " "))
            self._lay_out()

    def swallows(self, key: str, character: str | None) -> bool:
        """Whether a key that comes after a dialog was left is still part of what was typed into it: text is,
        until there is a pause."""
        now = self._monotonic()
        is_text = bool(character and character.isprintable()) or key in ("enter", "tab", "backspace")
        if self.open or not is_text or now - self._left >= READING:
            return False
        self._left = now
        return True

    def _leave(self) -> None:
        self.close()
        self._left = self._monotonic()

    def _go(self, form: Form, step: int) -> None:
        """Through all that can be chosen."""
        fields = len(form.fields)
        count = fields + 1 + len(form.buttons)
        self._at = (self._at + step) % count
        while self._at >= fields and not form.able(self._at - fields):
            self._at = (self._at + step) % count
        self._lay_out()

    def _go_line(self, form: Form, step: int) -> None:
        """To the line below or above: a field, or the row of buttons; with no other line, on in what is read."""
        fields = len(form.fields)
        if form.listed:
            self._go(form, step)
        elif not fields:
            self._scroll(step)
        else:
            at = (min(self._at, fields) + step) % (fields + 1)
            self._at = at + form.first_able() if at == fields and form.asks else at
            self._lay_out()

    def _go_within(self, form: Form, step: int) -> None:
        """To the next button."""
        fields, count = len(form.fields), len(form.buttons) + 1
        at = (self._at - fields + step) % count
        while not form.able(at):
            at = (at + step) % count
        self._at = fields + at
        self._lay_out()

    def _scroll(self, step: int) -> None:
        """On among the rows that move, never past one that was not in sight."""
        shown = self._sight.moving
        self._top += max(-shown, min(step, shown))
        self.say("")

    def go_to_field(self, label: str) -> None:
        """Choose a field: something is missing there."""
        labels = [field.label for field in self.form.fields] if self.form is not None else []
        if label in labels:
            self._at = labels.index(label)
            self._lay_out()

    def _enter(self, form: Form) -> None:
        fields = len(form.fields)
        if self._at < fields:
            # Never onwards to a button that acts: what was typed ahead must not press it.
            self._at += 1
            if form.asks and self._at == fields:
                self._at += form.first_able()
            self._lay_out()
        elif self._at == fields:
            self._leave()
        elif not form.confirms:
            form.buttons[self._at - fields - 1].does()
        elif self._unseen != 0:
            self.say(UNSEEN)
        elif self._pressed - max(self._shown, self._hurried) < READING:
            # The next piece of a paste over a slow link may come a little later.
            self.say(HURRIED)
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
        self.say("")

    # Drawing

    def _lay_out(self) -> None:
        """What there is room for; in the middle, as wide as it may be, as high as it must."""
        form = self.form
        if form is None or not self.is_attached:
            return
        size = across, down = self.app.size
        width = max(USUAL, min(WIDEST, form.widest() + EDGE))
        width = across if across - width < FRINGE else width
        if self._placed_in != (size, width):
            self._placed_in, self._unseen = (size, width), None
        if self._unseen is None and form.confirms:
            # From its beginning, so that nothing is passed over.
            self._top = 0
        rows = DialogRows(form, self._at, self._says, width - EDGE)
        self._sight = sight = rows.in_sight(self._top, max(0, down - 4))
        self._top = sight.top
        below = max(0, len(rows.asked) - sight.top - sight.moving)
        self._unseen = below if self._unseen is None else min(below, self._unseen)
        height = len(sight.rows) + 2
        self.styles.width, self.styles.height = width, height
        self.styles.offset = ((across - width) // 2, max(1, (down - height) // 3))
        self.display = True
        self.refresh()
        self.post_message(self.Changed())

    def on_mount(self) -> None:
        # It may have been opened before it was mounted.
        self._lay_out()
        self.app.screen.screen_layout_refresh_signal.subscribe(self, lambda _: self._keep_in_place())

    def _keep_in_place(self) -> None:
        """The terminal has another size."""
        if self.open and self.app.size != self._placed_in[0]:
            self._lay_out()

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
        rows = self._sight.rows
        parts = rows[y - 1] if y - 1 < len(rows) else ()
        used = sum(width_of(text) for text, _ in parts)
        pad = " " * max(0, width - EDGE - used)
        return line([("│ ", frame), *parts, (pad, style()), (" │", frame)], width)

    def on_click(self, event: events.Click) -> None:
        # Only the keyboard answers: a click that comes late over a slow link must not press what moved below it.
        event.stop()


__all__ = ["CANCEL", "CLOSE", "READING", "Button", "Dialog", "Field", "Form"]

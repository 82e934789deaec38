"""The last line: what works here and now, or the prompt, or one sentence of answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui.commands import ANYWHERE, HELP, SEARCHING, Command, key_glyph, on_screen
from tui.screens.base import View
from widgets.columns import Look
from widgets.oneline import OneLine, Part
from widgets.prompt import Prompt
from widgets.safe import style, width_of

Offers = Callable[[Command], bool]
"""Whether a command means something in this context's mode."""
VIEWS = (
    ("1", "over", "overview"),
    ("2", "memb", "members"),
    ("3", "proc", "processes"),
    ("4", "metr", "metrics"),
    ("5", "logs", "logs"),
    ("6", "even", "events"),
)
MORE_VIEWS = (("7", "units", "units"), ("8", "targ", "targets"), ("9", "aler", "alerts"))
"""Shown where there is room for them as well."""
WIDE = 120
IN_LOGS = (("0-6", "window"), ("-", "back"))
"""Shown instead of them where digits are windows of time."""
FULL = 160
"""Cells from which on views have their whole names."""
SMALL = 60
"""Cells below which it is said that more would be shown on more."""


class Footer(OneLine):
    def __init__(self) -> None:
        super().__init__()
        self._said = ""
        self._until = 0.0
        self._told: tuple[View, Prompt, Offers] | None = None

    def on_resize(self) -> None:
        if self._told is not None:
            self.tell(*self._told)

    def say(self, text: str, at_least: float = 0.0) -> None:
        """Until it is hushed; for so many seconds even then."""
        self._said = text
        self._until = time.monotonic() + at_least
        self._show_said()

    def _show_said(self) -> None:
        self.show([(f" {self._said}", style(Look.WARN))])

    def hush(self) -> None:
        if time.monotonic() >= self._until:
            self._said = ""

    def tell(self, view: View, prompt: Prompt, offers: Offers) -> None:
        """Show what belongs here now; called after each key and each second."""
        self._told = (view, prompt, offers)
        if prompt.open:
            self.prompt(prompt)
        elif self._said:
            self._show_said()
        else:
            self.show(*_hints(view, self.size.width, offers))

    def prompt(self, prompt: Prompt) -> None:
        """The line being typed, its cursor, and what it could become."""
        if not prompt.open:
            return
        text, at = prompt.text + " ", prompt.at
        room, offers = self.size.width - width_of(prompt.sign + text) - 1, ""
        for ending in prompt.endings:
            # A word that is cut is no offer.
            if width_of(ending) + 3 > room - width_of(offers):
                break
            offers += f"   {ending}"
        self.show(
            [
                (prompt.sign, style(Look.STRONG)),
                (text[:at], style()),
                (text[at], style(reverse=True)),
                (text[at + 1 :], style()),
                (offers, style(Look.DIM)),
            ]
        )


def _hints(view: View, width: int, offers: Offers) -> tuple[list[Part], list[Part]]:
    """The views on the left and what works here on the right, as many of them as have room."""
    dim, plain = style(Look.DIM), style()
    left: list[Part] = [(" ", dim)]
    if width < SMALL:
        left = [(" small: 80x24 shows more  ", dim)]
    elif view.screen_name == "logs":
        left += [part for key, name in IN_LOGS for part in ((key, plain), (f" {name}  ", dim))]
    else:
        for key, short, name in (*VIEWS, *(MORE_VIEWS if width >= WIDE else ())):
            left += [(key, plain), (f" {name if width >= FULL else short}  ", dim)]
    room = width - sum(width_of(text) for text, _ in left)
    offered = [c for c in on_screen(view.screen_name, view.kind_name) if c.hint and c.keys and offers(c)]
    # What only this screen has comes first, but never without the way to help.
    offered.sort(key=lambda c: (c in ANYWHERE, c in SEARCHING))
    room -= sum(_cells(command) for command in offered if command.hint == HELP)
    shown = []
    for command in offered:
        if command.hint == HELP or _cells(command) <= room:
            room -= 0 if command.hint == HELP else _cells(command)
            shown.append(command)
    right: list[Part] = []
    for command in sorted(shown, key=lambda c: c.hint == HELP):
        right += [(key_glyph(command.keys[0]), plain), (f" {command.hint}  ", dim)]
    return left, right


def _cells(command: Command) -> int:
    return width_of(f"{key_glyph(command.keys[0])} {command.hint}  ")

"""The last line: what works here and now, or the prompt, or one sentence of answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui.commands import Command, key_glyph, on_screen
from tui.screens.base import View
from widgets.columns import Look
from widgets.oneline import OneLine, Part
from widgets.prompt import Prompt
from widgets.safe import style, width_of

Offers = Callable[[Command], bool]
"""Whether a command means something in this context's mode."""
VIEWS = (("1", "over"), ("2", "memb"), ("3", "proc"), ("4", "metr"), ("5", "logs"), ("6", "even"))
MORE_VIEWS = (("7", "units"), ("8", "targ"), ("9", "aler"))
"""Shown where there is room for them as well."""
WIDE = 120
LONG = 60.0
"""Seconds after which what was said is nobody's news any more: it would only hide the keys."""


class Footer(OneLine):
    def __init__(self) -> None:
        super().__init__()
        self._said = ""
        self._until = self._since = 0.0
        self._said_on: View | None = None
        self._told: tuple[View, Prompt, Offers] | None = None

    def on_resize(self) -> None:
        if self._told is not None:
            self.tell(*self._told)

    def say(self, text: str, at_least: float = 0.0) -> None:
        """Until it is hushed, its view is left or a minute has passed; for so many seconds even then."""
        self._said, self._said_on = text, None
        self._since = time.monotonic()
        self._until = self._since + at_least
        self._show_said()

    def _show_said(self) -> None:
        self.show([(f" {self._said}", style(Look.WARN))])

    def hush(self) -> None:
        if time.monotonic() >= self._until:
            self._said = ""

    def tell(self, view: View, prompt: Prompt, offers: Offers) -> None:
        """Show what belongs here now; called after each key and each second."""
        self._told = (view, prompt, offers)
        self._said_on = view if self._said_on is None else self._said_on
        if view is not self._said_on or time.monotonic() - self._since >= LONG:
            self.hush()
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
        offers = "   ".join(prompt.endings[:8])
        self.show(
            [
                (prompt.sign, style(Look.STRONG)),
                (text[:at], style()),
                (text[at], style(reverse=True)),
                (text[at + 1 :], style()),
                (f"  {offers}", style(Look.DIM)),
            ]
        )


def _hints(view: View, width: int, offers: Offers) -> tuple[list[Part], list[Part]]:
    """The views on the left and what works here on the right, as many of them as have room."""
    dim, plain = style(Look.DIM), style()
    left: list[Part] = [(" ", dim)]
    if view.screen_name != "logs":
        for key, name in (*VIEWS, *(MORE_VIEWS if width >= WIDE else ())):
            left += [(key, plain), (f" {name}  ", dim)]
    room = width - sum(width_of(text) for text, _ in left)
    right: list[Part] = []
    for command in on_screen(view.screen_name, view.kind_name):
        key, hint = key_glyph(command.keys[0]) if command.keys else "", f" {command.hint}  "
        if command.hint and offers(command) and width_of(key + hint) <= room:
            room -= width_of(key + hint)
            right += [(key, plain), (hint, dim)]
    return left, right

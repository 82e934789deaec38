"""The last line: what works here and now, or the prompt, or one sentence of answer."""

from __future__ import annotations

from tui.commands import key_glyph, on_screen
from tui.screens.base import View
from widgets.columns import Look
from widgets.oneline import OneLine, Part
from widgets.prompt import Prompt
from widgets.safe import style

VIEWS = (("2", "memb"), ("3", "proc"), ("5", "logs"))
"""1, 4 and 6 are kept for Overview, Metrics and Events."""


class Footer(OneLine):
    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    def say(self, text: str) -> None:
        self._said = text
        self.show([(f" {text}", style(Look.WARN))])

    def hush(self) -> None:
        self._said = ""

    def tell(self, view: View, prompt: Prompt) -> None:
        """Show what belongs here now; called after each key and each second."""
        if prompt.open:
            self.prompt(prompt)
        elif self._said:
            self.say(self._said)
        else:
            self.show(*_hints(view))

    def prompt(self, prompt: Prompt) -> None:
        """The line being typed, its cursor, and what it could become."""
        if not prompt.open:
            return
        text, at = prompt.text + " ", prompt.at
        offers = "   ".join(prompt.offers[:8])
        self.show(
            [
                (prompt.sign, style(Look.STRONG)),
                (text[:at], style()),
                (text[at], style(reverse=True)),
                (text[at + 1 :], style()),
                (f"  {offers}", style(Look.DIM)),
            ]
        )


def _hints(view: View) -> tuple[list[Part], list[Part]]:
    dim, plain = style(Look.DIM), style()
    left: list[Part] = [(" ", dim)]
    if view.screen_name != "logs":
        for key, name in VIEWS:
            left += [(key, plain), (f" {name}  ", dim)]
    right: list[Part] = []
    for command in sorted(on_screen(view.screen_name, view.kind_name), key=lambda c: c.on == ()):
        if command.hint:
            right += [(key_glyph(command.keys[0]), plain), (f" {command.hint}  ", dim)]
    return left, right

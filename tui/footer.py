"""The last line: what works here and now, or the prompt, or one sentence of answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tui.commands import LOGS, NUMBERED, OPENING, Command, key_glyph, key_of, on_screen
from tui.leaving import Holds
from tui.masthead import RED
from tui.screens.base import View
from widgets.look import Look
from widgets.one_line import NARROW, OneLine, Part
from widgets.prompt import Prompt
from widgets.safe import style, width_of

Offers = Callable[[Command], bool]
"""Whether a command means something in this context's mode."""
VIEWS = tuple(
    (command.keys[0], command.word) for command in OPENING if command.keys and command.keys[0].isdigit()
)
"""What digits open."""
IN_LOGS = (
    (f"{key_of('window 0', LOGS)}-{key_of('window 86400 events', LOGS)}", "window"),
    (key_of("previous", LOGS), "back"),
)
"""Shown instead of them where digits are windows of time."""
SHORT = 4
"""Letters of their words where not all of them have room."""
NEAR = 6
"""Screens that come before what is less often done on the present one."""
FIRST = 5
"""How many of a screen's hints come before any screen: help, command, filter, back, open."""
GAP = "  "
"""Between two hints."""
TOO_SMALL = " small: 80x24 shows more  "
MORE = f"…{VIEWS[-1][0]}"
"""That digits go on after the last screen that has room; it stands in the gap after that."""
OFFERED = 50
"""Words that are offered: more than fit, so that the line says that there are more."""
LONG = 60.0
"""Seconds after which what was said is nobody's news any more: it would only hide the keys."""


class Footer(OneLine):
    def __init__(self) -> None:
        super().__init__()
        self._said = ""
        self._until = self._since = 0.0
        self._holds: Holds | None = None
        self._said_on: View | None = None
        self._told: tuple[View, Prompt, Offers, str] | None = None
        self.armed = False
        """Whether it is the lower red bar; `tell` draws it so."""

    def on_resize(self) -> None:
        if self._told is not None:
            self.tell(*self._told)

    def show(self, left: Sequence[Part], right: Sequence[Part] = ()) -> None:
        self.base = RED if self.armed else style()
        super().show(self._framed(left), self._framed(right))

    def _framed(self, parts: Sequence[Part]) -> Sequence[Part]:
        """What is reversed, the cursor, is left to stand out."""
        return [(text, style() if made.reverse else RED) for text, made in parts] if self.armed else parts

    def say(self, text: str, at_least: float = 0.0, holds: Holds | None = None) -> None:
        """Until it is hushed, its view is left, a minute has passed or it does not hold any more; for so many
        seconds even then."""
        self._said, self._said_on, self._holds = text, None, holds
        self._since = time.monotonic()
        self._until = self._since + at_least
        self._show_said()

    def _show_said(self) -> None:
        self.show([(f" {self._said}", style(Look.WARN))])

    def hush(self) -> None:
        if time.monotonic() >= self._until:
            self._said = ""

    def tell(self, view: View, prompt: Prompt, offers: Offers, dialog: str = "") -> None:
        """Show what belongs here now; called after each key and each second. `dialog` says what the keys do in
        the one that is open: those of the view do nothing then."""
        self._told = (view, prompt, offers, dialog)
        self._said_on = view if self._said_on is None else self._said_on
        holds = self._holds is None or self._holds()
        if view is not self._said_on or not holds or time.monotonic() - self._since >= LONG:
            self.hush()
        if prompt.open:
            self.prompt(prompt)
        elif self._said:
            self._show_said()
        elif dialog:
            self.show([(f" {dialog}", style(Look.DIM))])
        else:
            self.show(*_hints(view, self.size.width, offers))

    def prompt(self, prompt: Prompt) -> None:
        """The line being typed, its cursor, and what it could become."""
        if not prompt.open:
            return
        text, at = prompt.text + " ", prompt.at
        offers = "   ".join(prompt.endings[:OFFERED])
        self.show(
            [
                (prompt.sign, style(Look.STRONG)),
                (text[:at], style()),
                (text[at], style(reverse=True)),
                (text[at + 1 :], style()),
                (f"  {offers}", style(Look.DIM)),
            ]
        )


Pair = tuple[str, str]
"""A key and its word."""


def _hints(view: View, width: int, offers: Offers) -> tuple[list[Part], list[Part]]:
    """The screens on the left and what works here on the right. Where room is short, what is most useful here
    comes before screens, and the first screens before what is left."""
    here = [
        (key_glyph(command.keys[0]) if command.keys else "", command.hint)
        for command in on_screen(view.screen_name, view.kind_name)
        if command.hint and offers(command) and view.does(command)
    ]
    if width < NARROW:
        shown, _ = _fitting(here, width - width_of(TOO_SMALL))
        return [(TOO_SMALL, style(Look.DIM))], _flush(shown)
    numbered = view.screen_name in NUMBERED
    whole = list(VIEWS if numbered else IN_LOGS if view.screen_name == LOGS else ())
    if _room_of(whole) + _room_of(here) <= width:
        return _parts(whole, ahead=" "), _flush(here)
    short = [(key, word[:SHORT]) for key, word in whole] if numbered else whole
    room = width - (width_of(f" {MORE}") if numbered else 0)
    shown, room = _fitting(here[:FIRST], room)
    near, room = _fitting(short[:NEAR], room)
    rest, room = _fitting(here[FIRST:], room) if len(shown) == len(here[:FIRST]) else ([], room)
    far: list[Pair] = []
    if len(near) == len(short[:NEAR]):
        far, _ = _fitting(short[NEAR:], room + width_of(f" {MORE}"))
        if len(far) < len(short[NEAR:]):
            far, _ = _fitting(short[NEAR:], room)
    tabs = _parts([*near, *far], ahead=" ")
    if len(near) + len(far) < len(short):
        text, made = tabs.pop()
        tabs += [(text.removesuffix(GAP), made), (f" {MORE}{GAP}", style(Look.DIM))]
    return tabs, _flush([*shown, *rest])


def _fitting(pairs: Sequence[Pair], room: int) -> tuple[list[Pair], int]:
    """The first of them that have room, and what room is left."""
    found = []
    for pair in pairs:
        if _room_of([pair]) > room:
            break
        room -= _room_of([pair])
        found.append(pair)
    return found, room


def _room_of(pairs: Sequence[Pair]) -> int:
    return sum(width_of(f"{key} {word}{GAP}") for key, word in pairs)


def _flush(pairs: Sequence[Pair]) -> list[Part]:
    """Of the right end, which leaves as much room beside it as the left one: a single space."""
    return [*_parts(pairs)[:-1], (f" {pairs[-1][1]} ", style(Look.DIM))] if pairs else []


def _parts(pairs: Sequence[Pair], ahead: str = "") -> list[Part]:
    dim, plain = style(Look.DIM), style()
    parts: list[Part] = [(ahead, dim)] if ahead else []
    for key, word in pairs:
        parts += [(key, plain), (f" {word}{GAP}", dim)]
    return parts

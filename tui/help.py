"""The help of a screen, made from the table of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backends.config.context_words import FOR_GOOD, READ_ONLY, Mode
from tui.commands import (
    ANYWHERE,
    DESCRIPTION,
    LOGS,
    METRICS,
    MOVING,
    OVERVIEW,
    RUN,
    TABLE,
    TEXT,
    Command,
    key_glyph,
    on_screen,
)

TITLES = {
    OVERVIEW: "On the overview",
    TABLE: "On this table",
    DESCRIPTION: "In this description",
    LOGS: "In logs",
    TEXT: "In this text",
    METRICS: "In metrics",
    RUN: "On this run",
}
_ASKS = "No single key changes anything: each leads to a question, with Cancel chosen."
_SEARCH = "A search is a regular expression; capitals count once there is one."
_FILTER = "A filter is a regular expression; capitals count once there is one"
PATTERNS = {
    TABLE: f"{_FILTER}. !text keeps what does not match.",
    METRICS: f"{_FILTER}.",
    LOGS: _SEARCH,
    TEXT: _SEARCH,
    DESCRIPTION: _SEARCH,
}
"""What may be typed after `/`, where that is something."""


def help_lines(screen: str, kind: str, mode: Mode, offers: Callable[[Command], bool]) -> list[str]:
    """What can be done here and now: this screen's own keys first, then what works everywhere. `mode` is that of
    the context where no reason arms it."""
    here = list(on_screen(screen, kind))
    own = [command for command in here if command not in ANYWHERE and command not in MOVING]
    sections = [
        (TITLES[screen], own),
        ("Moving", [command for command in here if command in MOVING]),
        ("Everywhere", [command for command in here if command in ANYWHERE]),
    ]
    lines = []
    for title, commands in sections:
        lines += ["", title, *_section(commands, offers)]
    shown = f"always {mode}" if mode is Mode.ARMED else str(mode)
    lines += [
        "",
        f"This context is {shown}" + (f": {FOR_GOOD}." if mode is Mode.READ_ONLY else f". {_ASKS}"),
        *([PATTERNS[screen]] if screen in PATTERNS else []),
        "With --no-mouse the terminal keeps the mouse; else hold shift to select text with it.",
    ]
    return lines[1:]


def _section(commands: list[Command], offers: Callable[[Command], bool]) -> Iterator[str]:
    """In columns: keys, `:` words and help."""
    typed = [_typed(command) for command in commands]
    if not any(keys and word for keys, word in typed):
        # Words in a column of their own would push all else to the right for the sake of a few.
        typed = [(keys or word, "") for keys, word in typed]
    keys, words = (max((len(pair[at]) for pair in typed), default=0) for at in (0, 1))
    for command, (key, word) in zip(commands, typed, strict=True):
        blocked = "" if offers(command) else f" (blocked: {READ_ONLY})"
        columns = f"{key:<{keys}}" + (f"  {word:<{words}}" if words else "")
        yield f"  {columns}  {command.help}{blocked}"


def _typed(command: Command) -> tuple[str, str]:
    """Its keys, and its `:` word with what that takes."""
    word = f":{command.word} {command.takes.upper()}".strip() if command.word else ""
    return " ".join(key_glyph(key) for key in command.keys), word

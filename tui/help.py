"""The help of a screen, made from the table of commands."""

from __future__ import annotations

from collections.abc import Callable

from tui.commands import ANYWHERE, LOGS, METRICS, MOVING, TABLE, Command, key_glyph, on_screen

_TITLES = {TABLE: "On this table", LOGS: "In logs", METRICS: "In metrics"}


def help_lines(screen: str, kind: str, mode: str, offers: Callable[[Command], bool]) -> list[str]:
    """What can be done here and now: this screen's own keys first, then what works everywhere."""
    here = list(on_screen(screen, kind))
    own = [command for command in here if command not in ANYWHERE and command not in MOVING]
    sections = [
        (_TITLES.get(screen, "In this text"), own),
        ("Moving", [command for command in here if command in MOVING]),
        ("Everywhere", [command for command in here if command in ANYWHERE]),
    ]
    lines = []
    for title, commands in sections:
        lines += ["", title, *(_line(command, offers(command)) for command in commands)]
    lines += [
        "",
        f"This context is {mode}. No single key changes anything: each leads to a question, with Cancel chosen.",
        "Filters are regular expressions, !text keeps what does not match; capitals count once there is one.",
        "With --no-mouse the terminal keeps the mouse; else hold shift to select text with it.",
    ]
    return lines[1:]


def _line(command: Command, offered: bool) -> str:
    keys = " ".join(key_glyph(key) for key in command.keys)
    word = f":{command.word} {command.takes.upper()}".strip() if command.word else ""
    blocked = "" if offered else "   (blocked: this context is read-only)"
    return f"  {keys:<12} {word:<18} {command.help}{blocked}"

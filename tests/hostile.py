"""Text that means harm to a terminal or to a reader, and what of it is found where it must not be.

What is dangerous is told by Unicode's own categories and by the grammar of escapes, not by the code under test.
"""

from __future__ import annotations

import re
import unicodedata

STORM = "s" + "\u0301\u0489" * 60
TEXTS = {
    "csi": "\x1b[6;66r\x1b[66mC",
    "osc title": "\x1b]0;owned\x07T",
    "osc link": "\x1b]8;;http://evil/\x1b\\L\x1b]8;;\x1b\\",
    "osc clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "osc unended": "\x1b]2;open",
    "dcs": "\x1bP+q544e\x1b\\D",
    "c1": "\x9b66m\x9d0;owned\x9c\x90q\x9c\x85",
    "controls": "\x01\x08\x0b\x0e\x7f\r",
    "bidi": "\u202etxt\u202d\u2066\u2069\u200f\u061c",
    "zero width": "a\u200bb\u200d\u2060\ufeff\u00ad\u034f\u115f\u3164\ufe01\U000e0041\U000e0101",
    "storm": STORM,
    "separators": "x\u2028y\u2029z",
    "markup": "[red]r[/red][link='http://evil/']l[/link][@click=app.leave]c[/][[[",
}
EVIL = "EVIL" + "".join(TEXTS.values()) + "LIVE"
"""All of it in one text, without NUL and line ends, which files and keys can't all hold."""
BYTES = EVIL.encode() + b"\xff\xfe\xc0\xaf\xed\xa0\x80\x9b66m\x00\x90q\x9c"
"""The same in bytes that are not all UTF-8."""

NAME = "EVIL" + "".join(TEXTS[key] for key in ("csi", "osc title", "bidi", "zero width")) + "[red]xLIVE"
"""As much of it as the name of a file, a program or a table may hold."""

_OURS = re.compile(rb"\x1b\[[?>=<]?[0-9;:]*\$?[A-Za-z]|\x1b[=>78]|\x1b\]22;[a-z-]*\x07")
"""Textual's and the skeleton's; of those in `TEXTS` `_NEVER` knows the parameters."""
_COPIED = re.compile(rb"\x1b\]52;c;[A-Za-z0-9+/=]*\x07")
_NEVER = re.compile(rb"\x1b\[(?:[^A-Za-z]*\b66m|6;66r)")


def unsafe(text: str) -> list[str]:
    """The characters of a text of several lines that a terminal could obey, or that nobody sees; and storms."""
    found = [
        char
        for char in text
        if (unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and char != "\n")
        or char in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0000" <= char <= "\U000e0fff"
    ]
    stacked = 0
    for char in text:
        stacked = stacked + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if stacked == 6:
            found.append(f"a storm of {char!r}")
    return found


def foreign(raw: bytes) -> list[str]:
    """What in the bytes to a terminal was not made by us; a copy to the clipboard of ours is."""
    never = [found.group().decode("latin-1") for found in _NEVER.finditer(raw)]
    rest = _OURS.sub(b"", _COPIED.sub(b"", raw))
    # Ends of lines are the terminal's as well: it puts a CR before each LF.
    text = re.sub("\r*\n", "\n", rest.decode("utf-8", "surrogateescape"))
    return never + unsafe(text)

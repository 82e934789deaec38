"""Words and numbers for severity, as the common loggers write them."""

from __future__ import annotations

import re

from backends.api.models import Level

WORDS: dict[str, Level] = {
    **dict.fromkeys(("fatal", "critical", "crit", "emerg", "emergency", "panic", "alert", "dpanic"), Level.FATAL),
    **dict.fromkeys(("error", "err", "eror", "severe", "failure"), Level.ERROR),
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARN),
    **dict.fromkeys(("info", "inf", "notice", "information", "informational"), Level.INFO),
    **dict.fromkeys(("debug", "dbg", "debg", "fine"), Level.DEBUG),
    **dict.fromkeys(("trace", "trc", "verbose", "finer", "finest", "trac"), Level.TRACE),
}
LETTERS = {
    "F": Level.FATAL,
    "C": Level.FATAL,
    "E": Level.ERROR,
    "W": Level.WARN,
    "I": Level.INFO,
    "D": Level.DEBUG,
    "T": Level.TRACE,
}
SYSLOG = (
    *(Level.FATAL, Level.FATAL, Level.FATAL, Level.ERROR, Level.WARN),
    *(Level.INFO, Level.INFO, Level.DEBUG),
)
"""RFC 5424 §6.2.1: severities 0 (emergency) to 7 (debug)."""
LEADING = re.compile(
    r"[\[<(|]?\s*(?P<word>TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|CRIT(?:ICAL)?|FATAL|PANIC|ALERT|EMERG"
    r"|SEVERE|DPANIC|VERBOSE)\s*(?:[\]>)|:]|\s|$)[:\s-]*",
    re.IGNORECASE,
)
"""A level word at the beginning of a text, in brackets or bare; a word in the middle of prose is no level."""


def level_of(value: object) -> Level | None:
    """A level from a field: a word, a letter, a syslog severity (0–7) or pino's and bunyan's 10–60."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        if value >= 10:
            return Level(min(max(int(value) // 10 - 1, 0), 5))
        return SYSLOG[int(value)] if 0 <= value <= 7 else None
    text = str(value).strip()
    if text.isdigit():
        return level_of(int(text))
    return LETTERS.get(text) or WORDS.get(text.lower())


def leading_level(text: str) -> tuple[Level | None, str]:
    """The level word that a text begins with, and the text after it."""
    found = LEADING.match(text)
    if found is None:
        return None, text
    return WORDS.get(found.group("word").lower()), text[found.end() :]

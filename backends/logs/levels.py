"""Words, letters and numbers for severity, as the common loggers write them."""

from __future__ import annotations

import re

from backends.api.log_errors import ERROR_WORDS, FATAL_WORDS
from backends.api.logs import Level

WORDS: dict[str, Level] = {
    **dict.fromkeys(FATAL_WORDS, Level.FATAL),
    **dict.fromkeys(ERROR_WORDS, Level.ERROR),
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARN),
    **dict.fromkeys(("info", "inf", "notice", "information", "informational"), Level.INFO),
    **dict.fromkeys(("debug", "dbg", "debg", "debu", "fine"), Level.DEBUG),
    **dict.fromkeys(("trace", "trc", "trac", "verbose", "finer", "finest", "blather"), Level.TRACE),
}
"""`debg`, `debu` and `trac` are the four letters of log15 and Caddy; `blat` is supervisord's."""
WORDS["blat"] = Level.TRACE
LETTERS = {
    "F": Level.FATAL,
    "C": Level.FATAL,
    "E": Level.ERROR,
    "W": Level.WARN,
    "N": Level.INFO,
    "I": Level.INFO,
    "D": Level.DEBUG,
    "T": Level.TRACE,
}
"""glog's and klog's, and those of etcd before 3.4."""
SYSLOG = (
    *(Level.FATAL, Level.FATAL, Level.FATAL, Level.ERROR, Level.WARN),
    *(Level.INFO, Level.INFO, Level.DEBUG),
)
"""RFC 5424 §6.2.1: severities 0 (emergency) to 7 (debug)."""
_LEADING = re.compile(
    r"(?P<open>[\[<(|])?\s*(?P<word>[A-Za-z]{3,13})\s*(?P<close>[\]>)|])?(?P<colon>:)?(?=[\s:\-]|$|(?<=[\]>)|:]))[:\s-]*"
)
_PYTHON = {10: Level.DEBUG, 20: Level.INFO, 30: Level.WARN, 40: Level.ERROR, 50: Level.FATAL}
MARKED_WITHIN = 1 << 16
"""Characters in which a line may say its level: one of ten millions costs a quarter of a second each time."""
_MARKED = re.compile(r"\b(?:level|lvl|severity)=\"?([A-Za-z]+)")


def level_of(value: object) -> Level | None:
    """A level from a field: a word, a letter, a syslog severity (0–7) or pino's and bunyan's 10–60."""
    if isinstance(value, str):
        found = WORDS.get(value) or WORDS.get(value.strip().lower())
        if found is not None:
            return found
        if value.isascii() and value.isdigit() and len(value) < 4:
            return level_of(int(value))
        return LETTERS.get(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if 10 <= value < 70:
        return Level(int(value) // 10 - 1)
    return SYSLOG[int(value)] if 0 <= value < 8 else None


def python_level(value: object) -> Level | None:
    """A number of Python's `logging` (`levelno`), whose 10 is debug where pino's is trace."""
    return _PYTHON.get(value) if isinstance(value, int) else None


def leading_level(text: str) -> tuple[Level | None, str]:
    """The level that a text begins with, and the text after it.

    It counts in brackets, before a colon, in capitals, and as the whole text; a lower-case word that begins a
    sentence does not, nor does any word further on.
    """
    found = _LEADING.match(text)
    if found is None:
        return None, text
    word = found["word"]
    level = WORDS.get(word) if word.islower() else WORDS.get(word.lower())
    if level is None or not (found["close"] or found["colon"] or word.isupper() or found.end() == len(text)):
        return None, text
    return level, text[found.end() :]


def marked_level(text: str) -> Level | None:
    """The level of a text that says `level=…` somewhere near its beginning."""
    if "=" not in text:
        return None
    found = _MARKED.search(text, 0, MARKED_WITHIN)
    return WORDS.get(found[1].lower()) if found else None

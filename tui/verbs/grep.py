"""`--grep`: the lines of a block that match a regular expression."""

from __future__ import annotations

import re

from backends.api.logs import Sieve
from widgets.linesearch import blockwise, by_block, by_line


class Grep:
    """Raises `re.error` where it is no regular expression."""

    def __init__(self, pattern: str) -> None:
        self._line = re.compile(pattern)
        self._block = re.compile(pattern, re.MULTILINE) if blockwise(pattern) else None

    @property
    def sieve(self) -> Sieve | None:
        """What leaves out the blocks in which nothing matches; None where a block must be taken apart first."""
        block = self._block
        return None if block is None else lambda data: block.search(data.decode("utf-8", "replace")) is not None

    def numbers(self, text: str) -> list[int]:
        """Which lines match, counted from 0."""
        if self._block is None:
            return by_line(self._line, text, "\n")
        return by_block(self._block, text, "\n")

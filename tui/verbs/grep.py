"""`--grep`: the lines of a block that match a regular expression."""

from __future__ import annotations

import re
from contextlib import suppress

from backends.api.logs import Sieve
from widgets.logs.line_match import blockwise, by_block, by_line, within_lines


class Grep:
    """Raises `re.error` where it is no regular expression."""

    def __init__(self, pattern: str) -> None:
        self._line = re.compile(pattern)
        inside = within_lines(pattern)
        self._block = re.compile(inside, re.MULTILINE) if blockwise(pattern) else None
        self._ascii: re.Pattern[bytes] | None = None
        if self._block is not None and pattern.isascii():
            with suppress(re.error):  # An escape that bytes do not know.
                self._ascii = re.compile(inside.encode(), re.MULTILINE)

    @property
    def sieve(self) -> Sieve | None:
        """What leaves out the blocks in which nothing matches; None where a block must be taken apart first."""
        return None if self._block is None else self._may_match

    def _may_match(self, data: bytes, end: int) -> bool:
        assert self._block is not None
        if self._ascii is not None and data.isascii():
            # The same as of the text, without a copy of each block.
            return self._ascii.search(data, 0, end) is not None
        return self._block.search(data[:end].decode("utf-8", "replace")) is not None

    def numbers(self, text: str) -> list[int]:
        """Which lines match, counted from 0."""
        if self._block is None:
            return by_line(self._line, text, "\n")
        return by_block(self._block, text, "\n")

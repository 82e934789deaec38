"""HistoryBuffer: what is loaded of a stream's history, from a place in it on; it grows at both of its ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backends.api.logs import LogBlock, LogSpan
from backends.api.tail import Tail

START = 1 << 40
"""The number of the first line that is taken in: those before it have lower ones."""


class HistoryBuffer(Tail):
    """Lines that follow each other in their source, but for those that were sieved out. What grows at one end is
    let go of at the other. `at` is when it was read, which stands for when its lines came."""

    def __init__(self, most: int, at: datetime) -> None:
        super().__init__(size=most, now=lambda: at)
        self._end = START

    @property
    def span(self) -> LogSpan:
        """Nothing of it counts as dropped: it can be read again."""
        return LogSpan(self._firsts[0] if self._firsts else self._end, self._end, 0)

    def edge(self, *, back: bool) -> LogBlock | None:
        """The outermost block in a direction."""
        return self._blocks[0 if back else -1] if self._blocks else None

    def grow(self, blocks: Sequence[LogBlock], *, back: bool) -> bool:
        """Take in the next blocks in a direction, oldest first; whether others were let go of for them."""
        for block in reversed(blocks) if back else blocks:
            at = self.span.first - block.count if back else self._end
            where = 0 if back else len(self._blocks)
            self._firsts.insert(where, at)
            self._blocks.insert(where, block)
            self._came.insert(where, self._now())
            self._end += 0 if back else block.count
            self._bytes += len(block.data) + 1
        return self._let_go(newest=back)

    def _let_go(self, *, newest: bool) -> bool:
        least = max(1, len(self._blocks) // 2)
        gone = 0
        while len(self._blocks) > least and self._bytes > self._most_bytes:
            at = -1 if newest else 0
            block = self._blocks.pop(at)
            del self._firsts[at], self._came[at]
            self._bytes -= len(block.data) + 1
            self._end -= block.count if newest else 0
            gone += 1
        if gone and newest:
            # Their numbers may be given anew.
            self._split = (-1, [])
        return gone > 0

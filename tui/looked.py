"""How far log sources have been read for the one thing that is asked of them now."""

from __future__ import annotations

from backends.api.logs import LogBatch
from widgets.quantities import size

LONG = 16 << 20
"""Bytes from which on it is worth a word."""


class Looked:
    def __init__(self) -> None:
        self._bytes = 0
        self._left: dict[tuple[str, str], int] = {}

    def begin(self) -> None:
        """Another thing is asked."""
        self._bytes = 0
        self._left.clear()

    def take(self, source: str, origin: str, batch: LogBatch) -> None:
        """One more batch of a stream has come."""
        self._bytes += batch.read or sum(len(block.data) for block in batch.blocks)
        if batch.left is not None:
            self._left[source, origin] = batch.left

    @property
    def text(self) -> str:
        """So much, of so much where that is known; empty while it is little."""
        if self._bytes < LONG:
            return ""
        return size(self._bytes) + (f" of {size(self._bytes + sum(self._left.values()))}" if self._left else "")

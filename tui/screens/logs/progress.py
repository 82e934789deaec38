"""Progress: how far log sources have been read for the one thing that is asked of them now."""

from __future__ import annotations

from backends.api.logs import LogBatch
from widgets.quantities import size

LONG = 16 << 20
"""Bytes from which on it is worth a word."""


class Progress:
    def __init__(self) -> None:
        self._bytes = 0
        self._left: dict[tuple[str, str, bool], int | None] = {}
        """Of each stream and direction; None while that is not known."""

    def begin(self) -> None:
        """Another thing is asked."""
        self._bytes = 0
        self._left.clear()

    def ask(self, source: str, origin: str, *, back: bool) -> None:
        """A stream is to be read as well, in one direction."""
        self._left.setdefault((source, origin, back), None)

    def take(self, source: str, origin: str, batch: LogBatch, *, back: bool) -> None:
        """One more batch of a stream has come."""
        self.ask(source, origin, back=back)
        self._bytes += batch.read or sum(len(block.data) for block in batch.blocks)
        if batch.left is not None:
            self._left[source, origin, back] = batch.left

    def end(self, source: str, origin: str, *, back: bool) -> None:
        """Nothing more of a stream is to come."""
        self._left[source, origin, back] = 0

    @property
    def text(self) -> str:
        """So much, of so much where every stream has told; empty while it is little."""
        if self._bytes < LONG:
            return ""
        left = [known for known in self._left.values() if known is not None]
        whole = f" of {size(self._bytes + sum(left))}" if len(left) == len(self._left) else ""
        return size(self._bytes) + whole

"""Tail: the last lines of one log source, bounded in lines and bytes, with what was dropped counted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from backends.api.details import Trouble
from backends.api.logs import LogBatch, LogBlock, LogSpan

LINES_MOST = 200_000
BYTES_MOST = 64 << 20
JOIN = 500
"""Blocks of fewer lines are joined with their neighbour: a line a block would cost more than the lines."""
JOIN_BYTES = 64 << 10
"""Nothing longer than this comes of joining: each time, the bytes that are there already are copied."""
JOIN_SECONDS = 2.0
"""Only what arrived this close together is joined: when a line came is known as well as its block's."""
BLOCKS_BETWEEN = 50
"""Blocks of other origins that may lie between two of one, where what comes before is asked for."""
NOTES_MOST = 100


class Line(Struct, frozen=True):
    """One kept record."""

    origin: str
    raw: bytes


class Note(Struct, frozen=True):
    """What a source wanted its reader to know. `number` counts from 0 over all notes of this tail; `after` is
    the sequence number of the line before which it was told."""

    number: int
    after: int
    at: datetime
    text: str


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Tail:
    """A bounded run of lines, addressed by sequence numbers: they count from 0 over all that it was ever given.
    Appending costs by the block, not by the line."""

    def __init__(
        self, lines: int = LINES_MOST, size: int = BYTES_MOST, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._most_lines, self._most_bytes = lines, size
        self._now = now
        self._came: list[datetime] = []
        self._firsts: list[int] = []
        self._blocks: list[LogBlock] = []
        self._bytes = 0
        self._end = 0
        self._split: tuple[int, list[bytes]] = (-1, [])
        self._files: int | None = None
        self._trouble: Trouble | None = None
        self._noted = 0
        self.told: list[Note] = []
        """What the source wanted the reader to know, newest last; the last 100."""

    @property
    def notes(self) -> list[str]:
        """The texts of `told`."""
        return [note.text for note in self.told]

    @property
    def span(self) -> LogSpan:
        first = self._firsts[0] if self._firsts else self._end
        return LogSpan(first, self._end, first, self._files, self._trouble)

    def take(self, batch: LogBatch) -> LogSpan:
        """Append a batch, drop what is too much from the old end, and say what is here now."""
        now = self._now()
        for block in batch.blocks:
            if block.count:
                self._append(block, now)
        self._files = batch.files
        self._trouble = next(map(Trouble, batch.troubles), None)
        if batch.notes:
            fresh = [Note(self._noted + i, self._end, now, text) for i, text in enumerate(batch.notes)]
            self._noted += len(fresh)
            self.told = [*self.told, *fresh][-NOTES_MOST:]
        self._trim()
        return self.span

    def bound(self, size: int) -> None:
        """Keep at most so many bytes from now on: several tails share what one alone may have."""
        self._most_bytes = size
        self._trim()

    def lines(self, start: int, stop: int) -> list[Line]:
        """The kept lines with `start` <= seq < `stop`; fewer where they are dropped or have not come."""
        return list(self._walk(start, stop))

    def blocks(self, start: int = 0) -> Iterator[tuple[int, LogBlock]]:
        """Whole blocks from the one that holds `start` on, each with the sequence number of its first line:
        searching the bytes of a block is far cheaper than searching its lines."""
        # By index: a slice would copy every later block's number for each line that is looked at.
        for at in range(max(0, bisect_right(self._firsts, start) - 1), len(self._blocks)):
            yield self._firsts[at], self._blocks[at]

    def block_of(self, seq: int) -> tuple[int, LogBlock] | None:
        """The block that holds a line, with the number of its first; None when it is dropped or has not come."""
        at = bisect_right(self._firsts, seq) - 1
        if at < 0 or seq >= self._end:
            return None
        return self._firsts[at], self._blocks[at]

    def before(self, seq: int, origin: str) -> tuple[int, LogBlock] | None:
        """The last block of an origin that ends before a line, with the number of its first; only the last few
        blocks are looked at."""
        at = bisect_right(self._firsts, seq) - 1
        for earlier in range(at - 1, max(-1, at - BLOCKS_BETWEEN), -1):
            if self._blocks[earlier].origin == origin:
                return self._firsts[earlier], self._blocks[earlier]
        return None

    def came(self, seq: int) -> datetime | None:
        """When a kept line arrived, 2 s more or less; what was there at the start arrived at the start."""
        at = bisect_right(self._firsts, seq) - 1
        return None if at < 0 or seq >= self._end else self._came[at]

    def _walk(self, start: int, stop: int) -> Iterator[Line]:
        for first, block in self.blocks(start):
            if first >= stop:
                return
            lines = self._lines_of(first, block)
            for i in range(max(0, start - first), min(block.count, stop - first)):
                yield Line(block.origin, lines[i])

    def _lines_of(self, first: int, block: LogBlock) -> list[bytes]:
        seq, lines = self._split
        if seq != first or len(lines) != block.count:
            lines = block.lines()
            self._split = (first, lines)
        return lines

    def _append(self, block: LogBlock, now: datetime) -> None:
        self._bytes += len(block.data) + 1
        if self._blocks:
            last = self._blocks[-1]
            near = (now - self._came[-1]).total_seconds() <= JOIN_SECONDS
            small = last.count + block.count <= JOIN and len(last.data) + len(block.data) < JOIN_BYTES
            if near and small and last.origin == block.origin and _follows(last, block):
                joined = last.data + b"\n" + block.data
                self._blocks[-1] = replace(last, data=joined, count=last.count + block.count)
                self._end += block.count
                return
        self._firsts.append(self._end)
        self._blocks.append(block)
        self._came.append(now)
        self._end += block.count

    def _trim(self) -> None:
        drop = 0
        kept = self._end - (self._firsts[0] if self._firsts else self._end)
        size = self._bytes
        # The newest block stays whatever its size: a reader must see the last thing that happened.
        while drop < len(self._blocks) - 1 and (kept > self._most_lines or size > self._most_bytes):
            kept -= self._blocks[drop].count
            size -= len(self._blocks[drop].data) + 1
            drop += 1
        if drop:
            del self._firsts[:drop], self._blocks[:drop], self._came[:drop]
            self._bytes = size


def _follows(last: LogBlock, block: LogBlock) -> bool:
    """Whether a block begins where the other one ends: one of the next generation of a file does not, and what
    came of joining them would stand in no file."""
    if last.first is None or block.first is None:
        return last.first is block.first
    return block.first == last.stop + 1

"""LineFilter: which lines of several feeders pass a filter, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from backends.api.logs import LogBlock, micros
from backends.api.tail import Note
from widgets.logs.feeder import HEAD, NOTE, SOURCE, WHEN, Feeder, Origins
from widgets.logs.search_pattern import Pattern
from widgets.logs.stamps import Stamps


class LineFilter(Struct, frozen=True):
    """`keep` is what a line must match, `only` the origins whose lines pass; none: all."""

    feeders: list[Feeder]
    origins: Origins
    stamps: Stamps
    keep: Pattern | None = None
    only: frozenset[str] = frozenset()

    def as_they_came(self, number: int, low: int, high: int, notes: Sequence[Note]) -> list[int]:
        """The rows of a feeder's lines, with notes where they were told."""
        base = number << SOURCE
        rows: list[int] = []
        for note in notes:
            rows.extend(self._arrived(number, low, note.after))
            rows.append(base | NOTE | note.number)
            low = max(low, note.after)
        rows.extend(self._arrived(number, low, high))
        return rows

    def by_time(self, number: int, low: int, high: int, notes: Sequence[Note]) -> list[int]:
        """The same with their times, by which they are still to be put in order."""
        return [*self._timed(number, low, high), *self.told(number, notes)]

    def told(self, number: int, notes: Sequence[Note]) -> list[int]:
        """Notes alone, with their times."""
        return [micros(note.at) << WHEN | number << SOURCE | NOTE | note.number for note in notes]

    def _arrived(self, number: int, low: int, high: int) -> Iterator[int] | range:
        base = number << SOURCE
        if self.keep is None and not self.only:
            return range(base + low, base + high)
        return (base + seq for _, _, seqs in self._kept(number, low, high) for seq in seqs)

    def _timed(self, number: int, low: int, high: int) -> Iterator[int]:
        for first, block, seqs in self._kept(number, low, high):
            if not seqs:
                continue
            base = number << SOURCE | self.origins.place(number, block.origin) << HEAD
            times = self.stamps.of(number, first, block)
            if self.keep is None:
                those = times[seqs[0] - first : seqs[-1] + 1 - first]
                yield from [(when << WHEN) + seq for seq, when in enumerate(those, base + seqs[0])]
            else:
                yield from [(times[seq - first] << WHEN) + base + seq for seq in seqs]

    def _kept(self, number: int, low: int, high: int) -> Iterator[tuple[int, LogBlock, Sequence[int]]]:
        """The lines that pass, block by block."""
        for first, block in self.feeders[number].tail.blocks(low):
            if first >= high:
                return
            begin, end = max(low, first), min(high, first + block.count)
            if self.only and block.origin not in self.only:
                continue
            if self.keep is None:
                yield first, block, range(begin, end)
            else:
                found = self.keep.numbers(self.feeders[number].reader.shown(block.data))
                yield first, block, [first + line for line in found if begin <= first + line < end]

"""One open file, read by whole records from an offset on."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field

from backends.api.logs import LogBlock, Sieve
from backends.logs.file_identity import FINGERPRINT, fingerprint_at, same_file
from backends.logs.position import Key, Position
from backends.logs.record_limits import RECORD

CHUNK = 120 << 10
"""Bytes of one read, and so about the size of a block. From 128 KiB on glibc maps memory anew each time, and the
kernel clears it page by page: reading a gigabyte costs twice as much then."""
STRIDE = 16 << 20
"""Bytes after which a search that finds nothing wanted returns all the same: somebody waits to hear of it."""
PRINTS = 32
"""Reads whose ends are remembered: a copy made some time before the truncation is known by one of them."""
TAIL_BYTES = 256 << 10
TAIL_LINES = 2_000
"""How much of a file's end is shown when it is opened to be followed."""


@dataclass(slots=True)
class Taken:
    """What one read brought. `more`: the budget ended before the file did. `truncated`: the file no longer
    holds what was read from it; nothing further was read. `changed`: it was written to since the last read."""

    blocks: list[LogBlock] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: int = 0
    more: bool = False
    truncated: bool = False
    changed: bool = False


class FileReader:
    """A regular file, held open: it stays readable when it is renamed or deleted. Owns its descriptor."""

    def __init__(self, origin: str, handle: int, position: Position) -> None:
        self.origin = origin
        self.handle = handle
        info = os.fstat(handle)
        self.key: Key = (info.st_dev, info.st_ino)
        self.folder = position.folder
        self.offset = position.offset
        self.cut = position.cut
        self.finished = False
        """It will not grow any more: its last record counts without its LF as well."""
        self.quiet_since: float | None = None
        """When whoever follows it saw it change last, by his clock; None while it was never read."""
        self._head, self._tail = position.head, position.tail
        self._prints: deque[tuple[int, bytes]] = deque(maxlen=PRINTS)
        if self.offset:
            self._prints.append((self.offset, self._tail))
        self._seen: tuple[int, int] | None = None
        self._hole = False

    @property
    def position(self) -> Position:
        return Position(self.folder, self.offset, self._head, self._tail, self.written, cut=self.cut)

    @property
    def intact(self) -> bool:
        """Whether the file still holds what was read from it."""
        return same_file(self.handle, self.position)

    def is_begin_of(self, other: int) -> bool:
        """Whether another open file begins with what was read from this one, or ends within the last part of
        that; judged by the remembered ends of the last reads."""
        size = os.fstat(other).st_size
        for offset, tail in reversed(self._prints):
            if offset <= size:
                return same_file(other, Position(self.folder, offset, self._head[:offset], tail))
        return False

    @property
    def written(self) -> int:
        """Nanoseconds of the last write that was seen; 0 before the first read."""
        return self._seen[1] if self._seen else 0

    @property
    def drained(self) -> bool:
        """Whether every whole record that stands in it now was read."""
        info = os.fstat(self.handle)
        return self._seen == (info.st_size, info.st_mtime_ns)

    @property
    def deleted(self) -> bool:
        return os.fstat(self.handle).st_nlink == 0

    @property
    def truncated(self) -> bool:
        """Whether the file has changed since the last read, and no longer holds what was read from it. One that
        can't be read is not: `read` tells why."""
        try:
            info = os.fstat(self.handle)
            return (info.st_size, info.st_mtime_ns) != self._seen and not self.intact
        except OSError:
            return False

    def read(self, budget: int, info: os.stat_result | None = None, sieve: Sieve | None = None) -> Taken:
        """The whole records that have come, at most about `budget` bytes of them. `info` saves a stat call.
        Blocks that do not pass the sieve count as read and are left out."""
        info = info or os.fstat(self.handle)
        now = (info.st_size, info.st_mtime_ns)
        taken = Taken()
        if now == self._seen and not self.finished:
            return taken
        taken.changed = now != self._seen
        if info.st_size < self.offset or not same_file(self.handle, self.position):
            taken.truncated = True
            return taken
        if self._hole and info.st_size:
            self._pass_hole()
        while self.offset < info.st_size:
            if taken.used >= budget:
                taken.more = True
                return taken
            if not self._take(taken, info.st_size, sieve):
                break
        if not taken.truncated:
            self._seen = now
        return taken

    def read_out(self, budget: int, info: os.stat_result | None = None, sieve: Sieve | None = None) -> Taken:
        """Like `read`, of a file to which nobody is waited for: where the budget reaches to its end, the last
        record counts without its LF as well."""
        taken = self.read(budget, info, sieve)
        if taken.more or taken.truncated:
            return taken
        self.finished = True
        rest = self.read(budget, sieve=sieve)
        return Taken(
            taken.blocks + rest.blocks,
            taken.notes + rest.notes,
            taken.used + rest.used,
            truncated=rest.truncated,
            changed=taken.changed or rest.changed,
        )

    def start_over(self) -> None:
        """Read the file from its first byte: it was truncated.

        A writer that does not append goes on at its old offset, and leaves a hole of NULs before it, which is
        passed over.
        """
        self.offset, self._head, self._tail, self._seen, self.cut = 0, b"", b"", None, False
        self._prints.clear()
        self._hole = True

    def close(self) -> None:
        os.close(self.handle)

    def _pass_hole(self) -> None:
        self._hole = False
        try:
            begin = os.lseek(self.handle, 0, os.SEEK_DATA)
        except OSError:
            begin = 0
        data = os.pread(self.handle, CHUNK, begin)
        self.offset = begin + len(data) - len(data.lstrip(b"\0"))
        self._head = self._tail = bytes(min(FINGERPRINT, self.offset))

    def _take(self, taken: Taken, size: int, sieve: Sieve | None) -> bool:
        """One block; False where there is no whole record left."""
        want = CHUNK
        data = self._bytes(want)
        while data is not None and b"\n" not in data and len(data) == want and want < RECORD:
            want = min(want * 4, RECORD)
            data = self._bytes(want)
        if data is None:
            taken.truncated = True
            return False
        if not data:
            return False
        if self.cut and data.startswith(b"\n"):
            self._advance(data, 1)
            return True
        end = data.rfind(b"\n")
        if end >= 0:
            stop, step = end, end + 1
        elif len(data) >= RECORD:
            taken.notes.append(f"{self.origin}: a record longer than {RECORD >> 20} MiB is shown in pieces")
            stop = step = len(data)
        elif self.finished and self.offset + len(data) >= size:
            stop = step = len(data)
        else:
            return False
        # Most blocks do not pass: only of one that does a copy is made.
        if sieve is None or sieve(data, stop):
            whole = data[:stop]
            count = whole.count(b"\n") + 1
            taken.blocks.append(LogBlock(self.origin, whole, count, self.offset, self._tail))
        taken.used += step
        self._advance(data, step)
        self.cut = stop == step
        return True

    def _bytes(self, want: int) -> bytes | None:
        """Bytes from the offset on; None where the bytes before it are no longer those that were read."""
        known = len(self._tail)
        data = os.pread(self.handle, known + want, self.offset - known)
        return data[known:] if data.startswith(self._tail) else None

    def _advance(self, data: bytes, step: int) -> None:
        """Past the first `step` bytes of what was read. No copy of all of them is made."""
        if len(self._head) < FINGERPRINT and len(self._head) == self.offset:
            self._head += data[: min(step, FINGERPRINT - len(self._head))]
        self._tail = (self._tail + data[max(0, step - FINGERPRINT) : step])[-FINGERPRINT:]
        self.offset += step
        self._prints.append((self.offset, self._tail))
        self.cut = False


def tail_of(handle: int, folder: str, most: int) -> Position:
    """Where the last lines begin: the first record within the last `most` bytes, `TAIL_LINES` lines at most.

    Where one record is longer than that, it is where that record begins, within `RECORD` bytes.
    """
    start, data = records_before(handle, os.fstat(handle).st_size, most)
    begin, at = 0, len(data) - data.endswith(b"\n")
    for _ in range(TAIL_LINES):
        at = data.rfind(b"\n", 0, at)
        if at < 0:
            break
    else:
        begin = at + 1
    return fingerprint_at(handle, folder, start + begin)


def records_before(handle: int, end: int, most: int) -> tuple[int, bytes]:
    """The bytes from the first record that begins within the last `most` bytes before `end`, up to there, and
    where they begin. Where one record is longer than that, they begin with it; of one longer than `RECORD` they
    are that many bytes. Fewer where the file ends before `end`. Raises OSError."""
    while True:
        start = max(0, end - most)
        data = os.pread(handle, end - start, start)
        begin = 0 if start == 0 else data.find(b"\n", 0, max(0, len(data) - 1)) + 1
        if start == 0 or begin or most >= RECORD:
            return start + begin, data[begin:]
        most = min(most * 4, RECORD)

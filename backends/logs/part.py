"""A part of one file: its records after a place in it, or those before it."""

from __future__ import annotations

import os
import stat
from datetime import datetime

from backends.api.errors import NotFound, Unsupported
from backends.api.logs import Beside, LogBlock, Sieve
from backends.logs.opened import Opened
from backends.logs.reader import CHUNK, Reader, print_at
from backends.logs.records import RECORD, open_file
from backends.logs.rotation import packed, scan, stem
from backends.logs.since import Parse, offset_of

BATCH = CHUNK
"""Bytes of one read, about."""
STRIDE = 16 << 20
"""Bytes after which a read that finds nothing wanted returns all the same: somebody waits for a sign of life."""
PRINT = 64
"""Bytes at the beginning of a known block by which its file is known again."""


class Part:
    """One file from a place on. Its methods block and belong in one thread; `close` lets go of the file."""

    def __init__(self, place: Beside, since: datetime | None = None, parse: Parse | None = None) -> None:
        """`since`: about where to begin where the place names no block; `parse` finds that."""
        self._place, self._since, self._parse = place, since, parse
        self._opened = Opened()
        self._reader: Reader | None = None
        self._at = 0
        """Where what is still to be read backwards ends."""
        self._done = False

    def open(self) -> None:
        """Raises OSError, `NotFound` where no file here holds the block any more, `Unsupported` for a FIFO."""
        path, block, back = self._place.origin, self._place.block, self._place.back
        handle = self._find(path, block)
        if block is None and self._since is not None and self._parse is not None:
            self._at = offset_of(handle, self._since, self._parse)
        elif block is None:
            self._at = os.fstat(handle).st_size if back else 0
        else:
            self._at = block.first if back and block.first is not None else _end(handle, block)
        folder = os.path.dirname(os.path.realpath(path))
        reader = self._reader = Reader(path, handle, print_at(handle, folder, self._at))
        self._opened.readers[reader.key] = reader

    def read(self, sieve: Sieve | None = None) -> list[LogBlock] | None:
        """The nearest records of those that were not read yet, about a block; none of `STRIDE` bytes may pass the
        sieve. None at the end. A file's last record counts without its LF as well."""
        passed = 0
        while not self._done and self._reader is not None:
            before = self._at
            blocks = self._before(self._reader, sieve) if self._place.back else self._after(self._reader, sieve)
            passed += abs(self._at - before)
            if blocks or passed >= STRIDE:
                return blocks
        return None

    def notes(self) -> tuple[str, ...]:
        return self._opened.notes()

    def close(self) -> None:
        self._opened.close()

    def _after(self, reader: Reader, sieve: Sieve | None) -> list[LogBlock]:
        parts = [reader.read(BATCH, sieve=sieve)]
        if not (parts[0].more or parts[0].truncated):
            reader.finished = True
            parts.append(reader.read(BATCH, sieve=sieve))
        if parts[-1].truncated:
            self._opened.say(f"{reader.origin}: was truncated (copytruncate) while it was read")
        for note in (note for part in parts for note in part.notes):
            self._opened.say(note)
        self._at = reader.offset
        self._done = not parts[0].more
        return [block for part in parts for block in part.blocks]

    def _before(self, reader: Reader, sieve: Sieve | None) -> list[LogBlock]:
        """The records that end where the last ones that were read began."""
        if self._at <= 0:
            self._done = True
            return []
        want = CHUNK
        while True:
            start = max(0, self._at - want)
            data = os.pread(reader.handle, self._at - start, start)
            if len(data) < self._at - start:
                self._opened.say(f"{reader.origin}: was truncated (copytruncate) while it was read")
                self._done = True
                return []
            stop = len(data) - data.endswith(b"\n")
            begin = 0 if start == 0 else data.find(b"\n", 0, stop) + 1
            if begin or start == 0:
                break
            if want >= RECORD:
                self._opened.say(f"{reader.origin}: a record longer than {RECORD >> 20} MiB is shown in pieces")
                break
            want = min(want * 4, RECORD)
        self._at = start + begin
        whole = data[begin:stop]
        if sieve is not None and not sieve(whole, len(whole)):
            return []
        return [LogBlock(reader.origin, whole, whole.count(b"\n") + 1, self._at)]

    def _find(self, path: str, block: LogBlock | None) -> int:
        """The file that holds the block: the one of that name, or one of those beside it where it was rotated."""
        try:
            handle = open_file(path)
        except FileNotFoundError:
            if block is None:
                raise
        else:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                os.close(handle)
                raise Unsupported("is no file: nothing older is to be had", where=path)
            if block is None or _holds(handle, block):
                return handle
            os.close(handle)
        folder, base = os.path.split(os.path.realpath(path))
        for entry in scan(folder, (stem(base),)):
            older = None if packed(entry.name) else self._opened.open(entry.path)
            if older is None:
                continue
            if _holds(older, block):
                newer = "the newer lines are in the file that has its name now"
                self._opened.say(f"{path} was rotated: these are of {entry.name}, {newer}")
                return older
            os.close(older)
        raise NotFound("what was read of it stands in no file here any more: it was rotated away", where=path)


def _holds(handle: int, block: LogBlock | None) -> bool:
    """Whether a file holds a block where it was read."""
    if block is None or block.first is None:
        return False
    known = block.data[:PRINT]
    return os.pread(handle, len(known), block.first) == known


def _end(handle: int, block: LogBlock) -> int:
    """Where the record after a block begins; the piece of a long one may have no LF."""
    end = (block.first or 0) + len(block.data)
    return end + (os.pread(handle, 1, end) == b"\n")

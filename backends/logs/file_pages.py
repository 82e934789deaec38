"""Pages of one file: its records after a place in it, or those before it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from backends.api.errors import NotFound, Unsupported
from backends.api.logs import Beside, LogBlock, Sieve
from backends.logs.file_identity import FINGERPRINT, fingerprint_at, same_file
from backends.logs.file_reader import CHUNK, STRIDE, FileReader, records_before
from backends.logs.opened import Opened
from backends.logs.position import Position
from backends.logs.record_limits import RECORD, open_file
from backends.logs.rotation import packed, scan, stem
from backends.logs.since import Parse, offset_of

BATCH = CHUNK
"""Bytes of one read, about."""


class FilePages:
    """One file, block by block from a place on. Its methods block and belong in one thread; `close` ends that."""

    def __init__(
        self, place: Beside, since: datetime | None = None, parse: Parse | None = None, *, ended: bool = False
    ) -> None:
        """`since`: about where to begin where the place names no block; `parse` finds that. `ended`: nobody
        writes to the file any more, so that its last record counts without its LF."""
        self._place, self._since, self._parse = place, since, parse
        self._ended = ended
        self._opened = Opened()
        self._reader: FileReader | None = None
        self._known = Position("", 0)
        """Where what is still to be read backwards ends."""
        self._done = False
        self.passed = self.left = 0
        """Bytes that the last `read` looked at, and those that are still to be looked at."""

    def open(self) -> None:
        """Raises OSError, `NotFound` where no file here holds the block any more, `Unsupported` for a FIFO."""
        path, block, back = self._place.origin, self._place.block, self._place.back
        handle = self._find(path, block)
        with _closed_on_error(handle):
            if block is None and self._since is not None and self._parse is not None:
                at = offset_of(handle, self._since, self._parse)
            elif block is None:
                at = self._last_end(handle) if back else 0
            else:
                at = block.first if back and block.first is not None else _behind(handle, block)
            self._known = fingerprint_at(handle, os.path.dirname(os.path.realpath(path)), at)
            reader = FileReader(path, handle, self._known)
        self._reader = self._opened.readers[reader.key] = reader

    def read(self, sieve: Sieve | None = None) -> list[LogBlock] | None:
        """The nearest records of those that were not read yet, about a block; none of `STRIDE` bytes may pass the
        sieve. None at the end. A last record without its LF is left out while somebody may write on to it."""
        self.passed = 0
        while not self._done and self._reader is not None:
            before = self._known.offset
            blocks = self._before(self._reader, sieve) if self._place.back else self._after(self._reader, sieve)
            self.passed += abs(self._known.offset - before)
            end = 0 if self._place.back else os.fstat(self._reader.handle).st_size
            self.left = abs(end - self._known.offset)
            if blocks or self.passed >= STRIDE:
                return blocks
        return None

    def notes(self) -> tuple[str, ...]:
        return self._opened.notes()

    def close(self) -> None:
        self._opened.close()

    def _after(self, reader: FileReader, sieve: Sieve | None) -> list[LogBlock]:
        taken = (reader.read_out if self._ended else reader.read)(BATCH, sieve=sieve)
        if taken.truncated:
            self._opened.say_truncated(reader)
        for note in taken.notes:
            self._opened.say(note)
        self._known = reader.position
        self._done = not taken.more
        return taken.blocks

    def _before(self, reader: FileReader, sieve: Sieve | None) -> list[LogBlock]:
        """The records that end where the last ones that were read began."""
        end = self._known.offset
        if end <= 0:
            self._done = True
            return []
        at, data = records_before(reader.handle, end, CHUNK)
        known = fingerprint_at(reader.handle, reader.folder, at)
        # After all that is read: it may be truncated at any moment.
        if not same_file(reader.handle, self._known):
            self._opened.say_truncated(reader)
            self._done = True
            return []
        self._known = known
        if at and len(data) >= RECORD:
            self._opened.say(f"{reader.origin}: a record longer than {RECORD >> 20} MiB is shown in pieces")
        whole = data.removesuffix(b"\n")
        if sieve is not None and not sieve(whole, len(whole)):
            return []
        return [LogBlock(reader.origin, whole, whole.count(b"\n") + 1, at, known.tail)]

    def _last_end(self, handle: int) -> int:
        """Where the last record ends that counts."""
        size = os.fstat(handle).st_size
        if self._ended:
            return size
        start, data = records_before(handle, size, CHUNK)
        return start + data.rfind(b"\n") + 1

    def _find(self, path: str, block: LogBlock | None) -> int:
        """The file that holds the block: the one of that name, or one of those beside it where it was rotated."""
        try:
            handle = open_file(path)
        except FileNotFoundError:
            if block is None:
                raise
        else:
            with _closed_on_error(handle):
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise Unsupported("is no file: nothing older is to be had", where=path)
                if block is None or _holds(handle, block):
                    return handle
            os.close(handle)
        folder, base = os.path.split(os.path.realpath(path))
        for entry in scan(folder, (stem(base),)):
            older = None if packed(entry.name) else self._opened.open(entry.path)
            if older is None:
                continue
            with _closed_on_error(older):
                if _holds(older, block):
                    newer = "the newer lines are in the file that has its name now"
                    self._opened.say(f"{path} was rotated: these are of {entry.name}, {newer}")
                    self._ended = True
                    return older
            os.close(older)
        raise NotFound("what was read of it stands in no file here any more: it was rotated away", where=path)


@contextmanager
def _closed_on_error(handle: int) -> Iterator[None]:
    """Until somebody owns a descriptor, it is closed by whatever is raised."""
    try:
        yield
    except BaseException:
        os.close(handle)
        raise


def _holds(handle: int, block: LogBlock | None) -> bool:
    """Whether a file holds a block where it was read, judged by its first bytes with those before it and by its
    last ones: generations may begin alike, and a block may be an empty line."""
    if block is None or block.first is None:
        return False
    start, stop = block.data[:FINGERPRINT], block.data[-FINGERPRINT:]
    begin = Position("", block.first + len(start), tail=block.prior + start)
    return same_file(handle, begin) and same_file(handle, Position("", block.stop, tail=stop))


def _behind(handle: int, block: LogBlock) -> int:
    """Where the record after a block begins; the piece of a long one may have no LF."""
    return block.stop + (os.pread(handle, 1, block.stop) == b"\n")

"""Everything that stands in the files now, from first bytes to present ends: what `midwatch logs` reads.

A screen that looks back reads pages instead (`file_pages`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from backends.api.errors import BackendError, Denied, NotFound, Unreachable
from backends.api.logs import LogBlock, Sieve
from backends.logs.file_identity import fingerprint_at
from backends.logs.file_reader import STRIDE, FileReader
from backends.logs.ledger import Ledger
from backends.logs.opened import Opened
from backends.logs.paths import Patterns, most, newest
from backends.logs.position import Cursor, Position
from backends.logs.rotation import prefixes_of

BATCH = 1 << 20
"""Bytes of one batch."""


class WholeFiles:
    """The files of a source, oldest first by their last write. Its methods block and belong in one thread.

    All files are opened at once, so that a rotation meanwhile takes none of them away.
    """

    def __init__(self, patterns: Iterable[str], begin: Callable[[int], int] = lambda handle: 0) -> None:
        """`begin` gives the byte of an open file where a record begins from which on it is read."""
        self._begin = begin
        self._patterns = Patterns(tuple(patterns))
        self._opened = Opened()
        self._ledger = Ledger({})
        self._readers: list[tuple[FileReader, os.stat_result]] = []
        self._at = 0
        self._failed: list[BackendError] = []

    @property
    def refused(self) -> Mapping[str, tuple[str, str]]:
        return self._opened.refused

    @property
    def files(self) -> int:
        return len(self._readers)

    def open(self) -> None:
        paths = newest([path for path in self._patterns.expand() if self._is_file(path)])[-most() :]
        self._ledger.prefixes = prefixes_of([*self._patterns.all, *map(os.path.basename, paths)])
        listed = self._ledger.changed(self._patterns.folders() | {os.path.dirname(path) for path in paths})
        for path in paths:
            handle = self._opened.open(path)
            if handle is None:
                continue
            folder = os.path.dirname(os.path.realpath(path))
            try:
                position = fingerprint_at(handle, folder, self._begin(handle))
            except OSError:
                position = Position(folder, 0)  # Why it can't be read is told by who reads it.
            reader = FileReader(path, handle, position)
            if reader.key in self._opened.readers:
                reader.close()
                continue
            self._opened.readers[reader.key] = reader
            self._readers.append((reader, os.fstat(handle)))
        self._ledger.account(listed, self._opened.readers, lambda path: False)
        if not (paths or self.refused or self._patterns.literal):
            self._failed.append(NotFound(self._patterns.unmatched))
            self._opened.say(self._patterns.unmatched)

    def read(self, sieve: Sieve | None = None) -> list[LogBlock] | None:
        """The next records, about `BATCH` bytes, of them what passes the sieve; none of `STRIDE` bytes may. None
        at the end. A file's last record counts without its LF as well; what is written on to that line later is
        a record of its own."""
        passed = 0
        while self._at < len(self._readers):
            reader, info = self._readers[self._at]
            taken = reader.read_out(BATCH, info, sieve)
            if not taken.more:
                self._at += 1
            if taken.truncated:
                self._opened.say_truncated(reader)
                reader.start_over()
            for note in taken.notes:
                self._opened.say(note)
            passed += taken.used
            if taken.blocks or passed >= STRIDE:
                return taken.blocks
        return None

    def notes(self) -> tuple[str, ...]:
        return self._opened.notes()

    def troubles(self) -> tuple[BackendError, ...]:
        """The files that could not be read, since the last call."""
        refused = [Denied(reason, where=path, hint=hint) for path, (reason, hint) in self._opened.refused.items()]
        found = (*self._failed, *refused)
        self._failed = []
        self._opened.refused.clear()
        return found

    def cursor(self) -> Cursor:
        held = {key: reader.position for key, reader in self._opened.readers.items()}
        streams = {reader.origin: (reader.key,) for reader, _ in self._readers}
        return Cursor(MappingProxyType(streams), MappingProxyType({**self._ledger.positions, **held}))

    def close(self) -> None:
        self._opened.close()

    def _is_file(self, path: str) -> bool:
        try:
            mode = os.stat(path).st_mode
        except PermissionError:
            self._opened.refuse(path)
            return False
        except OSError as error:
            gone = not os.path.lexists(path)
            failed = (
                NotFound("no such file", where=path) if gone else Unreachable(str(error.strerror), where=path)
            )
            self._failed.append(failed)
            self._opened.say(str(failed))
            return False
        named = path in self._patterns.literal
        return self._opened.reads(path, mode, named=named, odd="not a file: it is only followed")

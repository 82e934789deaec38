"""Following files by what they are (device and inode), not by what they are called.

A file that is renamed is read on under its new name until nobody writes to it any more; a name that another file
has taken leads to that file's first byte. All state is in `Mark`s, which are values: reading on from the marks of
the last batch that was taken repeats nothing and loses nothing, in this process or in a later one.
"""

from __future__ import annotations

import glob
import os
import re
import stat
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from backends.api.models import LogBlock

CHUNK = 4 << 20
"""Bytes read from one file at one look."""
RECORD = 1 << 20
"""Bytes after which a record without an end is cut."""
TAIL = 256 << 10
"""Bytes from the end at which following begins."""
PRINT = 64
"""Bytes by which a file is known again: its first ones, and those before our offset."""
LATE = 5.0
"""Seconds for which a file that has lost its name is still read: its writer may not have noticed yet."""
BACK = 3.0
"""Seconds before the last look from which on a renamed file counts as one that came and went since."""
PACKED = (".gz", ".xz", ".zst", ".bz2", ".lz4")

Id = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """How far one file has been read: `offset` is where its first unread record begins.

    `head` and `tail` are the bytes at the file's beginning and before `offset`; when they differ, the file was
    truncated and written again. `gone` is monotonic seconds since when no followed name leads to it.
    """

    path: str
    dev: int
    ino: int
    offset: int
    head: bytes = b""
    tail: bytes = b""
    gone: float | None = None

    @property
    def id(self) -> Id:
        return self.dev, self.ino


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found. `more`: a file had more than a look takes, so look again at once."""

    blocks: tuple[LogBlock, ...]
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]
    more: bool = False
    files: int = 0


class Follower:
    """Files by names and globs. All methods block and belong into one thread; `close` lets go of the files."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = [os.path.expanduser(pattern) for pattern in patterns]
        self._open: dict[Id, int] = {}
        self._told: set[str] = set()
        self._looked = 0.0

    def paths(self) -> list[str]:
        """The names that the patterns lead to now, oldest file first."""
        found: dict[str, float] = {}
        for pattern in self.patterns:
            for path in glob.glob(pattern, recursive=True) if glob.has_magic(pattern) else [pattern]:
                try:
                    info = os.stat(path)
                except OSError:
                    continue
                if stat.S_ISREG(info.st_mode):
                    found[path] = info.st_mtime
        return sorted(found, key=lambda path: (found[path], path))

    def look(self, marks: tuple[Mark, ...] | None) -> Look:
        """Read what has come since these marks; None begins at the tail of each file.

        Raises PermissionError where there are files and none of them may be read.
        """
        now, wall = time.monotonic(), time.time()
        paths = self.paths()
        state = _State({}, [], [])
        known = {mark.id: mark for mark in marks or ()}
        named: dict[Id, str] = {}
        refused = 0
        for path in paths:
            file = self._file(path)
            if file is None:
                refused += 1
                self._tell(state, f"{path}: not readable by this user")
                continue
            named.setdefault(file, path)
        if paths and refused == len(paths):
            raise PermissionError(13, "not readable by this user", paths[0])
        for pattern in self.patterns:
            if not glob.has_magic(pattern) and pattern not in paths:
                self._tell(state, f"{pattern}: not there yet; it is read as soon as it comes")
        if marks is None:
            for file, path in named.items():
                state.marks[file] = self._at_tail(file, path)
        else:
            self._carry_on(state, known, named, now, wall)
        for file, mark in list(state.marks.items()):
            state.marks[file] = self._read(state, mark)
        self._looked = wall
        self._let_go(state.marks)
        return Look(tuple(state.blocks), tuple(state.marks.values()), tuple(state.notes), state.more, len(named))

    def close(self) -> None:
        self._let_go({})

    def _carry_on(
        self, state: _State, known: dict[Id, Mark], named: dict[Id, str], now: float, wall: float
    ) -> None:
        """Decide for each file, old or new, where it is read on: first what lost its name, then what came and
        went in between, then what the names lead to now."""
        before = {mark.path: mark.id for mark in known.values() if mark.gone is None}
        taken = {path for file, path in named.items() if before.get(path, file) != file}
        for file, mark in known.items():
            if file in named:
                continue
            if file not in self._open and not self._find_again(mark, named.values()):
                self._tell(state, f"{mark.path}: what was left of it is gone; lines may be lost", again=True)
                continue
            gone = mark.gone if mark.gone is not None else now
            state.marks[file] = replace(mark, gone=gone)
        vanished = {path for path, file in before.items() if file not in named}
        for path in sorted(taken | vanished):
            for file, name in self._between(path, known, named, wall):
                state.marks[file] = Mark(name, *file, 0, gone=now)
        for file, path in named.items():
            had = known.get(file)
            if had is None:
                copy = self._is_copy(file, known.values()) and path not in taken
                state.marks[file] = self._at_end(file, path) if copy else Mark(path, *file, 0)
            else:
                state.marks[file] = replace(had, path=path, gone=None)

    def _between(
        self, path: str, known: dict[Id, Mark], named: dict[Id, str], wall: float
    ) -> list[tuple[Id, str]]:
        """Files that had this name since the last look and have lost it again, oldest first."""
        folder, base = os.path.split(path)
        since = (self._looked or wall) - BACK
        found: dict[Id, tuple[tuple[float, float, str], str]] = {}
        for _ in range(5):
            size = len(found)
            for name in _siblings(folder, base):
                whole = os.path.join(folder, name)
                try:
                    info = os.stat(whole)
                except OSError:
                    continue
                file = (info.st_dev, info.st_ino)
                fresh = stat.S_ISREG(info.st_mode) and info.st_mtime >= since
                if not fresh or file in known or file in named or file in found or file in self._open:
                    continue
                if self._file(whole) == file and not self._is_copy(file, known.values()):
                    found[file] = (_age(name, base, info.st_mtime), whole)
            # Names move on while they are read; what was missed is found by reading them again.
            if len(found) == size:
                break
        return [(file, name) for file, (_, name) in sorted(found.items(), key=lambda item: item[1][0])]

    def _find_again(self, mark: Mark, names: Iterable[str]) -> bool:
        """After a restart: the file of a mark under the name that it has now."""
        folder, base = os.path.split(mark.path)
        for name in (base, *_siblings(folder, base)):
            path = os.path.join(folder, name)
            try:
                info = os.stat(path)
            except OSError:
                continue
            if (info.st_dev, info.st_ino) == mark.id and path not in names and self._file(path) == mark.id:
                return _same(self._open[mark.id], mark)
        return False

    def _is_copy(self, file: Id, marks: Iterable[Mark]) -> bool:
        """Whether a new file holds what another has held: made by copytruncate, and read already."""
        handle = self._open[file]
        return any(len(mark.tail) == PRINT and mark.id != file and _same(handle, mark) for mark in marks)

    def _read(self, state: _State, mark: Mark) -> Mark:
        handle = self._open.get(mark.id)
        if handle is None:
            return mark
        size = os.fstat(handle).st_size
        if size < mark.offset or (size != mark.offset and not _same(handle, mark)):
            state.notes.append(
                f"{mark.path}: was truncated (copytruncate?): "
                "lines written between copy and truncation may be lost"
            )
            mark = replace(mark, offset=0, head=b"", tail=b"")
        last = mark.gone is not None and time.monotonic() - mark.gone > LATE
        while size > mark.offset:
            data = os.pread(handle, CHUNK, mark.offset)
            end = data.rfind(b"\n") + 1
            if end == 0 and len(data) < RECORD and not (last and len(data) == size - mark.offset):
                break
            if end == 0:
                end = min(len(data), RECORD)
                if end == RECORD:
                    state.notes.append(f"{mark.path}: a record longer than {RECORD >> 20} MiB was cut")
            block = data[:end]
            state.blocks.append(_block(mark.path, block, mark.offset))
            mark = replace(
                mark,
                offset=mark.offset + end,
                head=mark.head if len(mark.head) == PRINT else os.pread(handle, PRINT, 0),
                tail=(mark.tail + block)[-PRINT:],
            )
            if len(data) == CHUNK and mark.gone is None:
                state.more = True
                break
        return mark

    def _at_tail(self, file: Id, path: str) -> Mark:
        handle = self._open[file]
        size = os.fstat(handle).st_size
        start = max(0, size - TAIL)
        if start:
            # From the first whole record on; a single one longer than the tail is read from its middle.
            start += os.pread(handle, TAIL, start).find(b"\n") + 1
        return Mark(path, *file, start, *_prints(handle, start))

    def _at_end(self, file: Id, path: str) -> Mark:
        size = os.fstat(self._open[file]).st_size
        return Mark(path, *file, size, *_prints(self._open[file], size))

    def _file(self, path: str) -> Id | None:
        """Open a name and say which file it is; the same file keeps its handle. None where it can't be read."""
        try:
            info = os.stat(path)
            file = (info.st_dev, info.st_ino)
            if file in self._open:
                return file
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None
        info = os.fstat(handle)
        file = (info.st_dev, info.st_ino)
        if file in self._open:
            os.close(handle)
        else:
            self._open[file] = handle
        return file

    def _let_go(self, marks: dict[Id, Mark]) -> None:
        now = time.monotonic()
        for file, mark in list(marks.items()):
            if mark.gone is not None and now - mark.gone > LATE + 1:
                del marks[file]
        for file in self._open.keys() - marks.keys():
            os.close(self._open.pop(file))

    def _tell(self, state: _State, note: str, *, again: bool = False) -> None:
        if again or note not in self._told:
            self._told.add(note)
            state.notes.append(note)


@dataclass
class _State:
    marks: dict[Id, Mark]
    blocks: list[LogBlock]
    notes: list[str]
    more: bool = False


def _prints(handle: int, offset: int) -> tuple[bytes, bytes]:
    return os.pread(handle, min(PRINT, offset), 0), os.pread(handle, min(PRINT, offset), max(0, offset - PRINT))


def _same(handle: int, mark: Mark) -> bool:
    """Whether a file still begins as it did, and still holds what was read last where it was read."""
    if os.pread(handle, len(mark.head), 0) != mark.head:
        return False
    return os.pread(handle, len(mark.tail), max(0, mark.offset - len(mark.tail))) == mark.tail


def _block(path: str, data: bytes, offset: int) -> LogBlock:
    data = data[:-1] if data.endswith(b"\n") else data
    return LogBlock(path, data, data.count(b"\n") + 1, offset)


def _siblings(folder: str, base: str) -> list[str]:
    """Other names that a rotated file may have now: `app.log.1`, `app.log-20261124`, `app-1.log`, `app.1.log`."""
    stem, dot, ending = base.rpartition(".")
    stem = stem if dot else base
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return []
    return [
        name
        for name in names
        if name != base and name.startswith(stem) and not name.endswith(PACKED) and name != ending
    ]


def _age(name: str, base: str, mtime: float) -> tuple[float, float, str]:
    """Orders rotated files oldest first: small numbers count up with each rotation, everything else by time."""
    found = re.search(r"(?<!\d)(\d{1,5})(?!\d)", name.replace(base, "", 1))
    return (0.0, -int(found.group(1)), name) if found else (mtime, 0.0, name)

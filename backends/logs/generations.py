"""Generations: what a path led to between two looks, found again by `file_identity`, in the order of writing."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from backends.logs.copies import Copies
from backends.logs.file_identity import key_of, same_file
from backends.logs.file_reader import FileReader
from backends.logs.ledger import Ledger
from backends.logs.opened import Opened
from backends.logs.paths import open_files_most
from backends.logs.position import Key, Position
from backends.logs.rotation import Entry, appended, inserted, oldest_first, packed, scan, shape, stem

PASSES = 20
"""How often names that move while they are read are read again."""
NOBODY: Key = (0, 0)
"""Stands in a cursor where a path leads to no file."""


@dataclass(slots=True)
class FollowedPath:
    """One path: the files that it led to and that are still read, oldest first, and the one that it leads to.

    `current` is None where there is none; it may be read by another stream. `wanted` are the files of a cursor
    that have not been found again yet. `fresh`: it has never led to a file. `at_tail`: its first file was
    there when following began, and is begun at its tail. `nameless`: it led to no file at the last look, which
    read all that was written until then.
    """

    path: str
    readers: list[FileReader] = field(default_factory=list)
    current: Key | None = None
    wanted: tuple[Key, ...] = ()
    fresh: bool = True
    at_tail: bool = False
    nameless: bool = False
    said_deleted: bool = False
    places: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        self.settle()

    @property
    def folder(self) -> str:
        return os.path.dirname(self.path)

    @property
    def base(self) -> str:
        return os.path.basename(self.path)

    def settle(self) -> None:
        """Find directory and name, and those of the file which a symbolic link leads to."""
        places = {(self.folder, self.base)}
        if os.path.islink(self.path):
            real = os.path.realpath(self.path)
            places.add((os.path.dirname(real), os.path.basename(real)))
        self.places = frozenset(places)


class GenerationSearch:
    """One search, made when a path no longer leads to the file that it led to.

    It goes on until two passes have seen the same names, since they may move while they are read. Every file is
    opened the moment it is found, and from then on known by its descriptor alone.
    """

    def __init__(
        self,
        stream: FollowedPath,
        ledger: Ledger,
        opened: Opened,
        copies: Copies,
        streams: Iterable[FollowedPath],
        now: float,
    ) -> None:
        self._stream, self._ledger, self._opened, self._streams = stream, ledger, opened, streams
        self._copies, self._now = copies, now
        self._found: dict[Key, FileReader] = {}
        self._entries: dict[Key, Entry] = {}
        self._lost: dict[Key, int] = {}
        self._current: Key | None = None
        self._last = stream.current or (stream.wanted[-1] if stream.wanted else None)

    def run(self) -> None:
        """Give the stream the readers of all that was found, in the order in which it was written."""
        before: set[tuple[str, Key]] | None = None
        for _ in range(PASSES):
            self._stream.settle()
            bases = {base for _, base in self._stream.places}
            listing = [entry for folder, base in self._stream.places for entry in scan(folder, (stem(base),))]
            self._entries = {entry.key: entry for entry in listing if entry.name not in bases}
            self._open_older(bases)
            self._open_newest()
            seen = {(entry.name, entry.key) for entry in self._entries.values()}
            seen.add(("", self._current or NOBODY))
            if seen == before:
                break
            before = seen
        self._line_up()
        if self._lost:
            files, size = len(self._lost), sum(self._lost.values())
            lost = f"{files} of its renamed files were not read, {size:,} bytes are lost"
            self._opened.say(f"{self._stream.path}: {lost}: {open_files_most()} files are open already")
        for folder, _ in self._stream.places:
            self._ledger.forget(folder)

    def _open_older(self, bases: set[str]) -> None:
        stream = self._stream
        renamed = self._entries[self._last].name if self._last in self._entries else None
        scheme = shape(renamed) if renamed is not None else None
        # Where not all of them may be open, the newest are.
        for entry in sorted(self._entries.values(), key=lambda entry: entry.mtime, reverse=True):
            key = entry.key
            if self._is_open(key) or key in self._lost:
                continue
            if key not in stream.wanted:
                if stream.fresh and not self._ledger.knows(stream.folder):
                    continue
                if not any(_older(entry.name, base, scheme) for base in bases) or self._ledger.unchanged(entry):
                    continue
            handle = self._opened.open(entry.path)
            if handle is None:
                continue
            position = self._ledger.unread_from(entry, handle)
            if position is None and key in stream.wanted:
                position = self._ledger.positions[key]
            if position is None or key_of(handle) != key:
                os.close(handle)
            elif entry.size > position.offset and self._full():
                os.close(handle)
                self._lost[key] = entry.size - position.offset
                given_up = Position(position.folder, entry.size, mtime=entry.mtime, ours=False, copy=True)
                self._ledger.positions[key] = given_up
            else:
                self._found[key] = FileReader(stream.path, handle, position)

    def _open_newest(self) -> None:
        self._current = None
        handle = None
        try:
            info = os.stat(self._stream.path)
        except OSError:
            return
        key = (info.st_dev, info.st_ino)
        if not stat.S_ISREG(info.st_mode):
            return
        if not self._is_open(key):
            handle = self._opened.open(self._stream.path)
            if handle is None:
                return
            key = key_of(handle)
        self._current = key
        if handle is None:
            return
        known = self._ledger.positions.get(key)
        if self._is_open(key) or (known is not None and known.copy and not known.suspected):
            os.close(handle)
        elif self._may_be_copy(handle, key):
            pass  # The descriptor is the suspect's now.
        elif self._elder_turns():
            self._current = None
            os.close(handle)
        else:
            self._found[key] = FileReader(self._stream.path, handle, self._begin(handle, key))

    def _begin(self, handle: int, key: Key) -> Position:
        folder = os.path.dirname(os.path.realpath(self._stream.path))
        known = self._ledger.positions.get(key)
        # A file of the cursor that is no longer the same was truncated: its reader sees that, and says so.
        if known is not None and (key in self._stream.wanted or (known.ours and same_file(handle, known))):
            return replace(known, folder=folder)
        return Position(folder, 0)

    def _elder_turns(self) -> bool:
        """Whether the file that this one may be a generation of has just been renamed as well: then its own
        stream finds this one at the next look, in its place among the others."""
        for other in self._streams:
            if other.folder != self._stream.folder or not appended(self._stream.base, other.base):
                continue
            try:
                info = os.stat(other.path)
            except OSError:
                return other.current is not None
            key = (info.st_dev, info.st_ino)
            if key != other.current and stat.S_ISREG(info.st_mode) and other.path not in self._opened.refused:
                return True
        return False

    def _full(self) -> bool:
        return len(self._opened.readers) + len(self._found) >= open_files_most()

    def _is_open(self, key: Key) -> bool:
        return key in self._opened.readers or key in self._found or key in self._copies.suspects

    def _may_be_copy(self, handle: int, key: Key) -> bool:
        """Whether the file may be a copy as copytruncate makes it: it has a followed file's name with a
        rotation's ending, and begins like that one."""
        stream = self._stream
        known = self._ledger.positions.get(key)
        if key in stream.wanted or (known is not None and not known.suspected):
            return False
        beside = (other for other in self._streams if other.folder == stream.folder and other.readers)
        originals = [other.readers[-1] for other in beside if appended(stream.base, other.base)]
        return self._copies.suspect(stream.path, handle, key, originals, self._now)

    def _line_up(self) -> None:
        stream, current = self._stream, self._current
        if self._last in stream.wanted and self._last != NOBODY:
            self._say_lost(self._last)
        for key in stream.wanted:
            if key != current:
                self._give(key)
        first = self._entries[self._last].name if self._last in self._entries else None
        between = [self._entries[key] for key in self._found if key != current and key in self._entries]
        for entry in oldest_first(between, first):
            self._give(entry.key)
        for key in [key for key in self._found if key != current]:
            self._give(key)
        if current is not None and not self._give(current):
            # It was an older generation of this stream, and has its name back.
            stream.readers.sort(key=lambda reader: reader.key == current)
        stream.current, stream.wanted = current, ()
        stream.fresh = stream.fresh and current is None and not stream.readers

    def _give(self, key: Key) -> bool:
        reader = self._found.pop(key, None)
        if reader is None:
            return False
        self._stream.readers.append(reader)
        self._opened.readers[key] = reader
        self._ledger.positions.pop(key, None)
        return True

    def _say_lost(self, key: Key) -> None:
        if key in self._found or key in self._opened.readers:
            return
        note = f"{self._stream.path}: the file that was read before is gone; lines written to it since are lost"
        folder, base = self._stream.folder, self._stream.base
        if any(packed(entry.name) and entry.name.startswith(base) for entry in scan(folder, (base,))):
            note += " or in a compressed file, which is not read"
        self._opened.say(note)


def _older(name: str, base: str, scheme: str | None) -> bool:
    return appended(name, base) or (shape(name) == scheme and inserted(name, base))


def by_path(streams: Mapping[str, FollowedPath]) -> list[FollowedPath]:
    """So that `app.log` finds its generations before `app.log.1`, if that is followed as well, does."""
    return [streams[path] for path in sorted(streams)]

"""Following files by what they are (device and inode), not by what they are called.

A file that loses its name is read on until nobody writes to it any more; generations that had the name between
two looks are found beside it and read in the order in which they were written; then the file that has the name
now is read from its first byte. A truncated file is read anew, after what its copy still tells.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from backends.api.logs import LogBlock
from backends.logs.copies import Copies, Suspect
from backends.logs.file_reader import TAIL_BYTES, FileReader, Taken, tail_of
from backends.logs.finding import Finding
from backends.logs.generations import NOBODY, FollowedPath, GenerationSearch, by_path
from backends.logs.ledger import Ledger
from backends.logs.opened import Opened
from backends.logs.paths import Patterns, newest
from backends.logs.position import Cursor, Position
from backends.logs.rotation import Entry, prefixes_of

FILE_BYTES = 4 << 20
"""Bytes that one look reads from one path."""
LOOK_BYTES = 16 << 20
"""Bytes that one look reads in all."""
TAILS = 8 << 20
"""Bytes that the tails of all files share when they are opened."""
RENAMED_KEPT = 60.0
"""Seconds of quiet after which a renamed file is let go of."""
DELETED_KEPT = 10.0
"""The same for a deleted one, whose disk space is freed only then."""
GONE = 2.0
"""Seconds without any file, after there was one, from which on that is a trouble: a rotation takes a moment."""
HELD = 8
"""Renamed files of one path that are held open; more only while they are not quiet."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found. `more`: there is more to read now. `files`: paths that lead to a file or a FIFO;
    `pipes`: how many of them are FIFOs, whose writers wait for us. `missing`: that there is no file any more,
    where there was one before; what is still written to one that was deleted comes none the less."""

    blocks: tuple[LogBlock, ...]
    cursor: Cursor
    notes: tuple[str, ...]
    more: bool
    files: int
    pipes: int = 0
    missing: str = ""


class Follower:
    """All paths of one source. Its methods block and belong in one thread. `close` lets go of the files.
    `clock` gives seconds, by which renamed files are let go of."""

    def __init__(
        self,
        patterns: Iterable[str],
        cursor: Cursor | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._patterns = Patterns(tuple(patterns))
        self._resumed = cursor is not None
        self._ledger = Ledger(cursor.positions if cursor else {})
        self._opened = Opened()
        self._copies = Copies(self._ledger, self._opened)
        self.finding = Finding(self._patterns, self._opened, clock)
        self._streams: dict[str, FollowedPath] = {}
        self._looks = 0
        self._cursor = cursor or Cursor(MappingProxyType({}), MappingProxyType({}))
        self._dirty = True
        self._had_files = bool(cursor and cursor.streams)
        self._without_since: float | None = None
        self._missing = ""
        for path, keys in (cursor.streams if cursor else {}).items():
            self._streams[path] = FollowedPath(path, wanted=keys, fresh=False)

    @property
    def refused(self) -> Mapping[str, tuple[str, str]]:
        """The paths that may not be read: why, and what would help."""
        return self._opened.refused

    def look(self) -> Look:
        """Read what has come since the last look; the first look begins at the tails, or where the cursor
        says. Trouble with single files is told in notes."""
        first, self._looks = self._looks == 0, self._looks + 1
        # What stands in the directories is looked at before the paths: while a path still leads to the same
        # file after that, nothing seen there can be a generation of it that was missed.
        listed = {} if first else self._ledger.changed(self._folders())
        if self.finding.due(changed=bool(listed)) and self._expand(first):
            listed |= self._ledger.changed(self._folders())
        self._notice_truncations()
        infos = {stream.path: self._find(stream, listed, first) for stream in by_path(self._streams)}
        own, more = self._copies.look(self._clock())
        for suspect in own:
            self._take_over(suspect)
        blocks: list[LogBlock] = []
        more = self._read_all(infos, blocks, first) or more
        more = self.finding.read_pipes(FILE_BYTES, blocks) or more
        self._ledger.account(listed, self._opened.readers, lambda path: not first and self._expects(path))
        if self._dirty or blocks or listed:
            self._cursor, self._dirty = self._cursor_now(), False
        pipes = self.finding.pipes
        files = sum(stream.current is not None for stream in self._streams.values()) + pipes
        self._notice_missing(files)
        return Look(tuple(blocks), self._cursor, self._opened.notes(), more, files, pipes, self._missing)

    def close(self) -> None:
        self._opened.close()
        self._copies.close()
        self.finding.close()
        self._streams = {}

    def _folders(self) -> set[str]:
        places = {place for stream in self._streams.values() for place in stream.places}
        if not self._ledger.prefixes:
            self._ledger.prefixes = prefixes_of([*self._patterns.all, *(base for _, base in places)])
        return self._patterns.folders() | {folder for folder, _ in places}

    def _expand(self, first: bool) -> bool:
        """Find the paths of the globs anew; whether there are new ones."""
        new = [path for path in self.finding.files(self._streams) if path not in self._streams]
        for path in new:
            self._streams[path] = FollowedPath(path, at_tail=first and not self._resumed)
            self._ledger.prefixes = ()
        return bool(new) or first

    def _notice_missing(self, files: int) -> None:
        self._had_files = self._had_files or files > 0
        now = self._clock()
        if files or self.refused or not self._had_files or not self._patterns.all:
            self._without_since, self._missing = None, ""
            return
        self._without_since = now if self._without_since is None else self._without_since
        if now - self._without_since >= GONE and not self._missing:
            self._missing = self._patterns.unmatched
            self._opened.say(f"{self._missing}: waiting for one")

    def _notice_truncations(self) -> None:
        """Before new files are looked at: a copy of what was written since is known as one only then."""
        for stream in by_path(self._streams):
            for reader in tuple(stream.readers):
                if reader.truncated:
                    self._start_over(stream, stream.readers.index(reader))

    def _find(
        self, stream: FollowedPath, listed: Mapping[str, list[Entry]], first: bool
    ) -> os.stat_result | None:
        """Make the stream's readers those of the files that the path leads to, and led to since the last look."""
        info = self._stat(stream)
        if stream.path in self._opened.refused:
            return info
        key = (info.st_dev, info.st_ino) if info else None
        if stream.at_tail and stream.fresh and key is not None:
            self._open_tail(stream)
        elif key != stream.current or stream.wanted or (key is None and stream.folder in listed and not first):
            streams, now = self._streams.values(), self._clock()
            GenerationSearch(stream, self._ledger, self._opened, self._copies, streams, now).run()
            self._dirty = True
        elif info is not None:
            self._read_again(stream, info)
        return info

    def _read_again(self, stream: FollowedPath, info: os.stat_result) -> None:
        """Open a file that counts as read, a copy or one that was let go of, where it has changed since."""
        key = (info.st_dev, info.st_ino)
        known = self._ledger.positions.get(key)
        if known is None or key in self._opened.readers or known.offset == info.st_size:
            return
        handle = self._opened.open(stream.path) if known.ours or known.copy else None
        if handle is None:
            return
        reader = FileReader(stream.path, handle, known)
        if reader.key != key:
            reader.close()
            return
        del self._ledger.positions[key]
        self._opened.readers[key] = reader
        stream.readers.append(reader)
        self._dirty = True

    def _take_over(self, suspect: Suspect) -> None:
        """Read a file that is no copy from its first byte, under the path that leads to it."""
        here = [stream for stream in self._streams.values() if stream.current == suspect.key]
        stream = (
            here[0] if here else self._streams.setdefault(suspect.path, FollowedPath(suspect.path, fresh=False))
        )
        folder = os.path.dirname(os.path.realpath(suspect.path))
        reader = FileReader(stream.path, suspect.handle, Position(folder, 0))
        stream.readers.insert(len(stream.readers) if here else 0, reader)
        self._opened.readers[suspect.key] = reader
        self._dirty = True

    def _stat(self, stream: FollowedPath) -> os.stat_result | None:
        try:
            info = os.stat(stream.path)
        except FileNotFoundError:
            stream.at_tail = False
            if stream.fresh:
                self._opened.say_once(f"{stream.path}: not there, waiting for it")
        except PermissionError:
            self._opened.refuse(stream.path)
        except OSError as error:
            self._opened.say_once(f"{stream.path}: {error.strerror}")
        else:
            return info if stat.S_ISREG(info.st_mode) else None
        return None

    def _open_tail(self, stream: FollowedPath) -> None:
        handle = self._opened.open(stream.path)
        if handle is None:
            return
        share = max(4_096, min(TAIL_BYTES, TAILS // len(self._streams)))
        folder = os.path.dirname(os.path.realpath(stream.path))
        reader = FileReader(stream.path, handle, tail_of(handle, folder, share))
        stream.current, stream.fresh, self._dirty = reader.key, False, True
        if reader.key in self._opened.readers:
            reader.close()
            return
        self._opened.readers[reader.key] = reader
        stream.readers.append(reader)

    def _read_all(self, infos: Mapping[str, os.stat_result | None], blocks: list[LogBlock], first: bool) -> bool:
        """Read from every path, each time beginning with another one, so that all get their share."""
        order = newest(list(infos)) if first else list(infos)
        start = 0 if first else self._looks % max(1, len(order))
        budget, more = LOOK_BYTES, False
        for path in (*order[start:], *order[:start]):
            stream = self._streams[path]
            spent, left = self._read(stream, infos[path], min(FILE_BYTES, budget), blocks)
            budget, more = budget - spent, more or left
            more = self._let_go(stream, blocks) or more
            stream.nameless = stream.current is None and not left
            stream.said_deleted = stream.said_deleted and stream.nameless
            if not stream.readers and stream.current is None and path not in self._patterns.literal:
                del self._streams[path]
        return more

    def _read(
        self, stream: FollowedPath, info: os.stat_result | None, budget: int, blocks: list[LogBlock]
    ) -> tuple[int, bool]:
        """Read the stream's files in their order; bytes read, and whether there is more."""
        spent = at = 0
        while at < len(stream.readers):
            reader = stream.readers[at]
            # An older look at its size must not end the reading of a file that has lost its name since.
            known = info is not None and reader.key == stream.current == (info.st_dev, info.st_ino)
            try:
                taken = reader.read(budget - spent, info if known else None)
            except OSError as error:
                if reader.key == stream.current:
                    self._opened.say_once(f"{stream.path}: {error.strerror}")
                    return spent, False
                # One that can't be read any more must not stand before those that were written after it.
                lost = "what was not read of a renamed file is lost"
                self._opened.say(f"{stream.path}: {error.strerror}: {lost}, behind byte {reader.offset:,}")
                self._close(stream, reader)
                continue
            self._account(reader, taken, blocks)
            spent += taken.used
            if taken.used and stream.nameless:
                self._say_deleted(stream, reader)
            if taken.truncated:
                self._start_over(stream, at)
                info = None
            elif taken.more:
                return spent, True
            else:
                at += 1
        return spent, False

    def _say_deleted(self, stream: FollowedPath, reader: FileReader) -> None:
        """What came since no file has the name any more was written after that."""
        if reader.deleted and not stream.said_deleted:
            stream.said_deleted = True
            self._opened.say(f"{stream.path}: is deleted, and still written to")

    def _start_over(self, stream: FollowedPath, at: int) -> None:
        """The file was truncated: read the rest of its copy where there is one, then itself from the start."""
        reader = stream.readers[at]
        self._opened.say(
            f"{stream.path}: was truncated (copytruncate): lines written between copy and truncation may be lost"
        )
        copy = self._copies.copy_of(reader, [base for _, base in stream.places])
        if copy is not None:
            self._opened.readers[copy.key] = copy
            stream.readers.insert(at, copy)
        for suspect in self._copies.end(reader):
            self._take_over(suspect)
        reader.start_over()
        self._dirty = True

    def _account(self, reader: FileReader, taken: Taken, blocks: list[LogBlock]) -> None:
        blocks += taken.blocks
        for note in taken.notes:
            self._opened.say(note)
        if taken.changed or reader.quiet_since is None:
            reader.quiet_since = self._clock()

    def _let_go(self, stream: FollowedPath, blocks: list[LogBlock]) -> bool:
        """Close the renamed and deleted files that were read to their ends and that nobody writes to any more;
        whether one of them has still more to read."""
        if not stream.readers or (len(stream.readers) == 1 and stream.readers[0].key == stream.current):
            return False
        now, more = self._clock(), False
        old = [reader for reader in stream.readers if reader.key != stream.current]
        for at, reader in enumerate(old):
            if reader.quiet_since is None or not reader.drained:
                # What was written after it is behind it in the order as well.
                break
            quiet, deleted = now - reader.quiet_since, reader.deleted
            # Before a new file has the name, its writer may still be at work in the old one.
            followed = stream.current is not None or at < len(old) - 1
            over = at < len(old) - HELD and quiet > 1.0
            if not (over or quiet > (DELETED_KEPT if deleted and followed else RENAMED_KEPT)):
                continue
            if not followed and not deleted:
                continue
            reader.finished = True
            taken = reader.read(FILE_BYTES)
            if taken.truncated or taken.more:
                # Its writer came back at this very moment.
                reader.finished = False
            self._account(reader, taken, blocks)
            more = more or taken.more
            if reader.finished:
                if not deleted:
                    self._ledger.positions[reader.key] = reader.position
                self._close(stream, reader)
        return more

    def _close(self, stream: FollowedPath, reader: FileReader) -> None:
        for suspect in self._copies.end(reader):
            self._take_over(suspect)
        stream.readers.remove(reader)
        del self._opened.readers[reader.key]
        reader.close()
        self._dirty = True

    def _expects(self, path: str) -> bool:
        """Whether a file will be opened to be followed, now or as soon as the globs are looked at again."""
        return path in self._streams or self._patterns.may_match(path)

    def _cursor_now(self) -> Cursor:
        held = {key: reader.position for key, reader in self._opened.readers.items()}
        streams = {}
        for path, stream in self._streams.items():
            keys = tuple(reader.key for reader in stream.readers)
            if stream.current is None and keys:
                keys = (*keys, NOBODY)
            elif stream.current is not None and not keys and stream.current not in self._copies.suspects:
                keys = (stream.current,)
            if keys:
                streams[path] = keys
        positions = {**self._ledger.positions, **self._copies.positions, **held}
        return Cursor(MappingProxyType(streams), MappingProxyType(positions))

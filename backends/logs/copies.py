"""New files that begin like a followed one: copies of it as copytruncate makes them, or files of their own.

Only the truncation of the original proves a copy. Until then such a file is compared with it, byte by byte, and
is read from its first byte as soon as it differs: files of one program often begin alike.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from backends.logs.file_identity import fingerprint_at, same_file
from backends.logs.file_reader import FileReader
from backends.logs.ledger import Ledger
from backends.logs.opened import Opened
from backends.logs.position import Key, Position
from backends.logs.rotation import appended, scan, stem

PART = 256 << 10
LOOK_BYTES = 16 << 20
"""Bytes that one look compares in all."""
STALLED = 10.0
"""Seconds without growth after which a file that holds less than its original did is no copy in the making."""


@dataclass(slots=True)
class Suspect:
    """A file that may be a copy of `original`; its first `same` bytes are. Owns its descriptor.

    `whole` is how much of the original was read when this file came: a copy that is complete holds that.
    """

    path: str
    handle: int
    key: Key
    original: FileReader
    whole: int
    since: float
    same: int = 0
    told: bool = False

    @property
    def is_whole(self) -> bool:
        return self.same == os.fstat(self.handle).st_size >= self.whole


class Copies:
    """The suspects of one follower."""

    def __init__(self, ledger: Ledger, opened: Opened) -> None:
        self._ledger, self._opened = ledger, opened
        self.suspects: dict[Key, Suspect] = {}

    def suspect(self, path: str, handle: int, key: Key, originals: Iterable[FileReader], now: float) -> bool:
        """Whether a new file begins like one of the originals; then its descriptor belongs here."""
        begin = os.pread(handle, PART, 0)
        for original in originals:
            if original.intact:
                alike = os.pread(original.handle, len(begin), 0) == begin
            else:
                alike = original.is_begin_of(handle)
            if alike:
                self.suspects[key] = Suspect(path, handle, key, original, original.offset, now)
                self._ledger.positions.pop(key, None)
                return True
        return False

    def look(self, now: float) -> tuple[list[Suspect], bool]:
        """Those that have proved to be files of their own, which belong to the caller from now on, and whether
        there is more to compare now."""
        budget, more, own = LOOK_BYTES, False, []
        for suspect in list(self.suspects.values()):
            used, differs = self._compare(suspect, budget)
            budget -= used
            if used:
                suspect.since = now
            size = os.fstat(suspect.handle).st_size
            more = more or (suspect.same < size and budget <= 0)
            if differs:
                own.append(self.suspects.pop(suspect.key))
            elif now - suspect.since > STALLED and suspect.same == size and suspect.original.intact:
                if size < suspect.whole:
                    own.append(self.suspects.pop(suspect.key))
                elif size and not suspect.told:
                    suspect.told = True
                    what = f"holds the same as {suspect.original.origin} and is not read while it does"
                    self._opened.say(f"{suspect.path}: {what}")
        return own, more

    def end(self, original: FileReader) -> list[Suspect]:
        """The original was truncated, or is let go of: those that are files of their own all the same, which
        belong to the caller from now on; the others count as read."""
        own = []
        for suspect in [item for item in self.suspects.values() if item.original is original]:
            del self.suspects[suspect.key]
            if suspect.is_whole or original.is_begin_of(suspect.handle):
                self._ledger.positions[suspect.key] = _copy_at(suspect.handle, os.path.dirname(suspect.path))
                os.close(suspect.handle)
            else:
                own.append(suspect)
        return own

    @property
    def positions(self) -> dict[Key, Position]:
        """What a cursor needs to know of them."""
        return {
            key: Position(os.path.dirname(suspect.path), 0, ours=False, copy=True)
            for key, suspect in self.suspects.items()
        }

    def copy_of(self, original: FileReader, bases: Collection[str]) -> FileReader | None:
        """The newest copy of a truncated file that holds what was read of it and perhaps more, by a name that a
        rotation makes of one of `bases`; it belongs to the caller. Those that end before that are noted down as
        copies: all that is in them was read."""
        position, found = original.position, None
        front = stem(os.path.basename(original.origin))
        entries = scan(original.folder, (front,)) if position.offset else []
        for entry in sorted(entries, key=lambda entry: entry.mtime, reverse=True):
            beside = any(appended(entry.name, base) for base in bases)
            accounted = entry.key in self._ledger.positions or entry.key in self.suspects
            late = entry.mtime < original.written
            if not beside or entry.key in self._opened.readers or (accounted and late):
                continue
            handle = self._opened.open(entry.path)
            if handle is None:
                continue
            if found is None and not late and same_file(handle, position):
                found = FileReader(original.origin, handle, position)
                found.finished = True
                continue
            if not accounted and original.is_begin_of(handle):
                self._ledger.positions[entry.key] = _copy_at(handle, original.folder)
            os.close(handle)
        if found is not None:
            self._ledger.positions.pop(found.key, None)
            suspect = self.suspects.pop(found.key, None)
            if suspect is not None:
                os.close(suspect.handle)
        return found

    def close(self) -> None:
        for suspect in self.suspects.values():
            os.close(suspect.handle)
        self.suspects = {}

    def _compare(self, suspect: Suspect, budget: int) -> tuple[int, bool]:
        """Bytes compared, and whether one of them differs."""
        used = 0
        while used < budget:
            mine = os.pread(suspect.handle, PART, suspect.same)
            if not mine:
                break
            used += len(mine)
            if os.pread(suspect.original.handle, len(mine), suspect.same) != mine:
                # A truncated original is no measure; its reader will notice that as well, and ask for an end.
                return used, suspect.original.intact
            suspect.same += len(mine)
        return used, False


def _copy_at(handle: int, folder: str) -> Position:
    """The position of a copy, which counts as read as far as it goes now."""
    return replace(fingerprint_at(handle, folder, os.fstat(handle).st_size, ours=False), copy=True)

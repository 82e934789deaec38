"""The ledger: every file that is accounted for, by what it is, and the directories in which names move."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from backends.logs.file_identity import fingerprint_at, same_file
from backends.logs.position import Key, Position
from backends.logs.record_limits import open_file
from backends.logs.rotation import ENTRIES, Entry, packed, scan

SETTLED = 50_000_000
"""Nanoseconds that a directory's time must lie back before it proves that nothing has changed since: the
kernel's clock for it moves in steps of some milliseconds."""


class Ledger:
    """Positions of the files that are not open, and which directories have changed."""

    def __init__(self, positions: Mapping[Key, Position]) -> None:
        self.positions = dict(positions)
        self.prefixes: tuple[str, ...] = ()
        self._scanned: dict[str, int] = {}
        self._accounted: set[str] = set()

    def changed(self, folders: set[str]) -> dict[str, list[Entry]]:
        """What is in those directories in which a name may have come, gone or moved since the last call."""
        for folder in self._scanned.keys() - folders:
            del self._scanned[folder]
            self._accounted.discard(folder)
        found: dict[str, list[Entry]] = {}
        for folder in folders:
            try:
                mtime = os.stat(folder or ".").st_mtime_ns
            except OSError:
                mtime = -1
            if self._scanned.get(folder) == mtime:
                continue
            found[folder] = scan(folder, self.prefixes)
            self._scanned[folder] = mtime if time.time_ns() - mtime > SETTLED else -2
        return found

    def knows(self, folder: str) -> bool:
        """Whether a directory is accounted for: only then is a file in it known to be new."""
        return folder in self._accounted

    def forget(self, folder: str) -> None:
        """Look at a directory again at the next call."""
        if folder in self._scanned:
            self._scanned[folder] = -2

    def account(
        self, listed: Mapping[str, list[Entry]], held: Mapping[Key, object], ours: Callable[[str], bool]
    ) -> None:
        """Write down the files that stand beside the followed ones, and drop those that are gone.

        `held` are the open files; `ours(path)` is true for what will be opened to be followed.
        """
        for folder, entries in listed.items():
            self._accounted.add(folder)
            here = {entry.key for entry in entries}
            for key, position in list(self.positions.items()) if len(entries) < ENTRIES else []:
                if position.folder == folder and key not in here and key not in held:
                    del self.positions[key]
            for entry in entries:
                if entry.key in held or entry.key in self.positions or packed(entry.name) or ours(entry.path):
                    continue
                beside = _beside(entry, folder)
                if beside is not None:
                    self.positions[entry.key] = beside

    def unread_from(self, entry: Entry, handle: int) -> Position | None:
        """Where an older generation of a followed file is to be read on; None where nothing of it is unread."""
        folder = os.path.dirname(entry.path)
        known = self.positions.get(entry.key)
        if known is None:
            return Position(folder, 0)
        if known.suspected:
            return None
        if not same_file(handle, known):
            return Position(folder, 0)
        if known.ours:
            return known if entry.size != known.offset else None
        return None if known.offset else Position(folder, 0)

    def unchanged(self, entry: Entry) -> bool:
        known = self.positions.get(entry.key)
        return known is not None and (known.offset, known.mtime) == (entry.size, entry.mtime)


def _beside(entry: Entry, folder: str) -> Position | None:
    try:
        handle = open_file(entry.path)
    except OSError:
        return None
    try:
        return fingerprint_at(handle, folder, entry.size, ours=False, mtime=entry.mtime)
    finally:
        os.close(handle)

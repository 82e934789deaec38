"""Whether anybody has written into a journal, seen from its files alone: a stat each, no process.

journald, and systemd-journal-remote, write through memory maps, which tells no reader anything; so they set a
file's length anew soon after each entry (`journal_file_post_change` in systemd's journal-file.c). That is what
journalctl waits for while it follows, and it moves the file's time of modification.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable

JOURNALS = ("/var/log/journal/*/*.journal", "/run/log/journal/*/*.journal")
"""This host's own."""

_Stamp = dict[str, tuple[int, int, int]]
"""By path: inode, length, time of modification in nanoseconds."""


class Touch:
    """The files of one journal, by paths and globs. Its methods block."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns = tuple(patterns)
        self._looked: _Stamp = {}
        self._proved: _Stamp = {}

    def untouched(self) -> bool:
        """Whether the files are as they were at the look before the last proof. False where none can be seen."""
        self._looked = self._stamp()
        return bool(self._looked) and self._looked == self._proved

    def proved(self) -> None:
        """Somebody who has read all that was there at the last look found nothing that is not known."""
        self._proved = self._looked

    def _stamp(self) -> _Stamp:
        found: _Stamp = {}
        for pattern in self._patterns:
            there = glob.glob(pattern)
            if not there and pattern not in JOURNALS:
                # journalctl may understand it otherwise ({a,b}).
                return {}
            for path in there:
                try:
                    info = os.stat(path)
                except OSError:
                    # It may be read through another name, or not at all: nothing is proved by what is left.
                    return {}
                found[path] = (info.st_ino, info.st_size, info.st_mtime_ns)
        return found

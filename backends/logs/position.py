"""Where reading stands: values that outlive the process that made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Key = tuple[int, int]
"""Device and inode: which file it is, whatever it is called."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far one file is accounted for: `offset` is where its first unread record begins.

    `head` and `tail` are the bytes at the file's beginning and before `offset`: where they differ, the inode
    was given to another file, or the file was truncated and written again. `mtime` is in nanoseconds, 0 where
    it is not known. `ours`: it was followed; else it only stood beside a followed file, as an old rotation.
    `copy`: it is a copy of a followed file, and what it holds was or will be read there (or it was given up, and
    that was told); with offset 0 it is not known yet whether it is one. `cut`: the record before `offset` was
    given out without its LF, which is therefore no record of its own.
    """

    folder: str
    offset: int
    head: bytes = field(default=b"", repr=False)
    tail: bytes = field(default=b"", repr=False)
    mtime: int = 0
    ours: bool = True
    copy: bool = False
    cut: bool = False

    @property
    def suspected(self) -> bool:
        return self.copy and self.offset == 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where to go on, for all files of a source. Immutable: its mappings are never changed once it is made.

    `streams`: for each path the files that it led to and that are still read, oldest first; an empty key ends
    the tuple while the path leads to no file. `positions`: every file that is accounted for.
    """

    streams: Mapping[str, tuple[Key, ...]]
    positions: Mapping[Key, Position]

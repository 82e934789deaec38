"""How a log file is known again, whatever it is called by then: by device and inode, and by bytes of it."""

from __future__ import annotations

import os

from backends.logs.position import Key, Position

FINGERPRINT = 64
"""Bytes by which a file is known again: its first ones, and those before the offset."""


def key_of(handle: int) -> Key:
    info = os.fstat(handle)
    return info.st_dev, info.st_ino


def fingerprint_at(handle: int, folder: str, offset: int, *, ours: bool = True, mtime: int = 0) -> Position:
    """The position of a file that counts as read up to `offset`."""
    head = os.pread(handle, min(FINGERPRINT, offset), 0)
    tail = os.pread(handle, min(FINGERPRINT, offset), max(0, offset - FINGERPRINT))
    return Position(folder, offset, head, tail, mtime, ours=ours)


def same_file(handle: int, position: Position) -> bool:
    """Whether an open file is the one of a position, gone on from there: not another one in its old inode,
    and not truncated since."""
    if os.fstat(handle).st_size < position.offset:
        return False
    if os.pread(handle, len(position.head), 0) != position.head:
        return False
    known = len(position.tail)
    return os.pread(handle, known, position.offset - known) == position.tail

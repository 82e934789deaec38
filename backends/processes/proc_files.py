"""The files of /proc, read: their bytes, or what it means that they can't be had."""

from __future__ import annotations

import os

from backends.api.errors import Denied, Unreachable, Unsupported


def read(path: str, most: int = 1 << 16, *, whole: bool = True) -> bytes:
    """At most `most` bytes of a file of /proc; not `whole`: what one call gives, which is all of a short one.

    Raises OSError.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(handle, most)
        while whole and 0 < len(data) < most:
            more = os.read(handle, most - len(data))
            if not more:
                break
            data += more
        return data
    finally:
        os.close(handle)


def why(error: OSError) -> Unsupported | Denied | Unreachable:
    """What a file of /proc that can't be read means."""
    where = str(error.filename or "/proc")
    if isinstance(error, FileNotFoundError):
        return Unsupported("there is no such file", where=where, hint="this backend reads Linux's /proc")
    if isinstance(error, PermissionError):
        return Denied("not readable", where=where, hint="run midwatch as a user who may read it")
    return Unreachable(error.strerror or str(error), where=where)

"""Where a time begins in a file whose records are in order of time, nearly: by bisection."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime

from backends.api.logs import LogRecord
from backends.logs.file_reader import CHUNK

RECORDS_ASKED = 50
"""Records that are asked for their time; those of a stack trace have none."""

Parse = Callable[[bytes, str], LogRecord]


def offset_of(handle: int, since: datetime, parse: Parse) -> int:
    """The byte where a record begins that is older than `since`, by about `CHUNK` bytes where all have a time; 0
    where none has one. Raises OSError."""
    low, high = 0, os.fstat(handle).st_size
    while high - low > CHUNK:
        middle = (low + high) // 2
        found = _dated(handle, middle, parse)
        if found is None or found[0] >= high or found[1] >= since:
            high = middle
        else:
            low = found[0]
    return low


def _dated(handle: int, start: int, parse: Parse) -> tuple[int, datetime] | None:
    """The first record with a time that begins after a byte, and that time."""
    data = os.pread(handle, CHUNK, start)
    at = data.find(b"\n") + 1
    for _ in range(RECORDS_ASKED if at else 0):
        end = data.find(b"\n", at)
        if end < 0:
            break
        moment = parse(data[at:end], "").time
        if moment is not None:
            return start + at, moment
        at = end + 1
    return None

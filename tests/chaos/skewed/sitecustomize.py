"""A wall clock that jumps while a program runs, for a program that is started with this folder in PYTHONPATH: the
file in SKEW_FILE holds by how many seconds it is wrong. Needs neither root nor a compiler.

Only what Python is told jumps. gRPC makes deadlines of it which its own code compares with the kernel's clock:
it is told the truth, as the kernel would jump for both.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from datetime import datetime, tzinfo

from forbiddenfruit import curse


def _skew() -> float:
    seconds: float = struct.unpack_from("d", _shared)[0]
    return seconds


def _asked_by_grpc() -> bool:
    return str(sys._getframe(2).f_globals.get("__name__", "")).startswith("grpc")


def _time() -> float:
    return _true_time() + (0.0 if _asked_by_grpc() else _skew())


def _time_ns() -> int:
    return _true_time_ns() + (0 if _asked_by_grpc() else int(_skew() * 1e9))


def _now(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
    return datetime.fromtimestamp(_true_time() + _skew(), tz)


if "SKEW_FILE" in os.environ:
    with open(os.environ["SKEW_FILE"], "rb") as _file:
        _shared = mmap.mmap(_file.fileno(), 8, access=mmap.ACCESS_READ)
    _true_time, _true_time_ns = time.time, time.time_ns
    time.time, time.time_ns = _time, _time_ns
    curse(datetime, "now", classmethod(_now))  # type: ignore[no-untyped-call]

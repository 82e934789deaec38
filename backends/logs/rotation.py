"""What stands beside a log file, and which of it are its own older generations, in which order."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backends.logs.position import Key

PACKED = (".gz", ".xz", ".zst", ".bz2", ".lz4", ".Z", ".zip")
"""Endings of compressed files, which are mentioned and not read."""
ENTRIES = 4_096
"""Files of one directory that are looked at."""

_NUMBER = re.compile(r"\d+")
_AFTER = re.compile(r"[.\-_~@].*\d|[.\-_](?:old|bak|prev|last|previous)$|~$")
"""What a rotation appends to a name: a number or a date after a separator, or a word for "the one before"."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file in a directory. `path` is how it can be opened; `mtime` in nanoseconds."""

    name: str
    path: str
    key: Key
    size: int
    mtime: int


def scan(folder: str, prefixes: tuple[str, ...]) -> list[Entry]:
    """The regular files of a directory whose names begin with one of the prefixes. An unreadable or missing
    directory has none; symbolic links are left out, since a rotation leaves none behind."""
    entries: list[Entry] = []
    try:
        with os.scandir(folder or ".") as items:
            for item in items:
                if not item.name.startswith(prefixes) or len(entries) >= ENTRIES:
                    continue
                try:
                    info = item.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISREG(info.st_mode):
                    path = os.path.join(folder, item.name)
                    key = (info.st_dev, info.st_ino)
                    entries.append(Entry(item.name, path, key, info.st_size, info.st_mtime_ns))
    except OSError:
        return []
    return entries


def packed(name: str) -> bool:
    return name.endswith(PACKED)


def stem(base: str) -> str:
    """The part of a name that every rotation scheme keeps: `app` of `app.log`."""
    return os.path.splitext(base)[0] or base


def appended(name: str, base: str) -> bool:
    """Whether a name is `base` with what a rotation appends: `app.log.1`, `app.log-20261124`, `app.log.old`."""
    return name.startswith(base) and not packed(name) and _AFTER.match(name, len(base)) is not None


def inserted(name: str, base: str) -> bool:
    """Whether a name is `base` with a number or date before its ending: `app.1.log`, `app-2026-11-24.log`.

    Instances of one program are named so as well: alone it proves nothing.
    """
    front, ending = os.path.splitext(base)
    if not ending or not name.startswith(front) or not name.endswith(ending) or len(name) <= len(base):
        return False
    return _AFTER.match(name[len(front) : len(name) - len(ending)]) is not None


def shape(name: str) -> str:
    """A name with its numbers left open: names of one rotation scheme have the same."""
    return _NUMBER.sub("#", name)


def oldest_first(found: Sequence[Entry], first: str | None) -> list[Entry]:
    """Generations in the order in which they were written.

    `first` is the present name of a generation that is older than all of them, if it is known. Numbers may
    count up (dates, a counter) or down (logrotate: `.1` is the newest): which of both, `first` shows, else the
    times of the last writes. Names of different shapes are ordered by those times alone.
    """
    by_time = sorted(found, key=lambda entry: (entry.mtime, entry.name))
    names = [entry.name for entry in found] + ([first] if first is not None else [])
    if len({shape(name) for name in names}) != 1 or not _NUMBER.search(names[0]):
        return by_time
    upwards = _counts_up(by_time, first)
    if upwards is None:
        return by_time
    return sorted(found, key=lambda entry: _numbers(entry.name), reverse=not upwards)


def _counts_up(by_time: Sequence[Entry], first: str | None) -> bool | None:
    numbers = [_numbers(entry.name) for entry in by_time]
    if first is not None:
        start = _numbers(first)
        if all(number > start for number in numbers):
            return True
        return False if all(number < start for number in numbers) else None
    pairs = list(pairwise(by_time))
    up = sum(_numbers(a.name) < _numbers(b.name) for a, b in pairs if a.mtime != b.mtime)
    down = sum(_numbers(a.name) > _numbers(b.name) for a, b in pairs if a.mtime != b.mtime)
    # Nothing but names to go by: a short number is a rotation's, and it counts down; a long one is a date.
    return up > down if up != down else any(part > 9_999 for number in numbers for part in number)


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in _NUMBER.findall(name))


def prefixes_of(patterns: Iterable[str]) -> tuple[str, ...]:
    """What the names of all files that matter begin with: the literal beginnings of the patterns' last parts."""
    found = {stem(re.split(r"[*?\[]", os.path.basename(pattern), maxsplit=1)[0]) for pattern in patterns}
    return ("",) if "" in found else tuple(sorted(found))

"""The audit's files as they lie on disk: lines that each hold the hash of the one before, and beside them `head`,
the note of how far they go. What is here reads only.

A line ends with the hash of all that it says before it, byte by byte. What a write that a crash cut off has left
is never a line: the next one names its hash (`torn`). A note of no lines comes first, then each time line, fsync,
note, fsync: after a crash the note is at most one line behind and never ahead, so lines that it tells of and that
are not there were taken away. A line with `expected` is none of the door's: it says that they were.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

FILE = re.compile(r"audit-(\d{6}|[1-9]\d{6,})\.jsonl")
END = 256 << 10
"""Bytes at the end of a file in which its last line is found: 17 fields, each character as \\uXXXX."""
START = "0" * 64
"""Stands for the hash of the line before the first one."""
_HASH = b', "hash": "'
_NOTE = re.compile(rb'\{"n": {1,20}(\d{1,20}), "hash": "([0-9a-f]{64})"\}\n')


class Note(Struct, frozen=True):
    """How far the audit goes: the number of its last line, and that line's hash."""

    number: int = 0
    hash: str = START

    def written(self) -> bytes:
        """Always as long, so that it is changed in its place: that needs no room on a full disk."""
        return f'{{"n": {self.number:>20}, "hash": "{self.hash}"}}\n'.encode()


class Unreadable(Exception):
    """There is a note that says nothing."""


class Last(Struct, frozen=True):
    """The end of the chain: the number of the last line, its hash, and the number and size of the last file."""

    number: int = 0
    hash: str = START
    file: int = 1
    size: int = 0
    torn: bytes = b""
    """What a write that was cut off has left after the last whole line."""


class AuditFiles:
    """The files of one audit. Its methods block, and raise OSError where they can't be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self) -> list[int]:
        """The numbers of the files, in order; none where there is no folder yet. Raises OSError where it can't be
        looked into: that is not an empty audit."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(found[1]) for name in names if (found := FILE.fullmatch(name)))

    def path(self, number: int) -> Path:
        """The file of a number."""
        return self.folder / f"audit-{number:06}.jsonl"

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every line that can be read, in order."""
        for number in self.files():
            yield from self._entries(number)

    def last_entries(self, most: int) -> list[dict[str, Any]]:
        """The last lines that can be read, at most so many, in order; only the files that hold them are read."""
        found: list[dict[str, Any]] = []
        for number in reversed(self.files()):
            found = [*deque(self._entries(number), most - len(found)), *found]
            if len(found) == most:
                break
        return found

    def last(self) -> Last:
        """The end of the chain, by what the last line says of itself."""
        numbers = self.files()
        if not numbers:
            return Last()
        lines, torn, size = self._end(numbers[-1])
        last = Last(file=numbers[-1], size=size, torn=torn)
        for number in reversed(numbers):
            for line in reversed(lines if number == numbers[-1] else self._end(number)[0]):
                entry = parsed(line)
                if entry and isinstance(entry.get("n"), int) and isinstance(entry.get("hash"), str):
                    return replace(last, number=entry["n"], hash=entry["hash"])
        return last

    def note(self) -> Note | None:
        """How far the audit goes; None where nothing says so. Raises `Unreadable`."""
        try:
            data = (self.folder / "head").read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreadable(f"can't be read: {error.strerror}") from None
        found = _NOTE.fullmatch(data)
        note = Note(int(found[1]), found[2].decode()) if found else None
        if note is None or note.written() != data:
            raise Unreadable("can't be read: it is no note")
        return note

    def agrees(self, note: Note, last: Last) -> bool:
        """Whether the chain has the line that the note tells of; it may go on after it."""
        if note.number in (0, last.number):
            return note.hash == (START if note.number == 0 else last.hash)
        if note.number > last.number:
            return False
        for number in reversed(self.files()):
            for entry in self._entries(number):
                if entry.get("n") == note.number:
                    return bool(entry.get("hash") == note.hash)
        return False

    def _entries(self, number: int) -> Iterator[dict[str, Any]]:
        with open(self.path(number), "rb") as file:
            for line in file:
                if (entry := parsed(line)) is not None:
                    yield entry

    def _end(self, number: int) -> tuple[list[bytes], bytes, int]:
        with open(self.path(number), "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - END))
            *lines, torn = file.read().split(b"\n")
        return lines, torn, size


def sealed(told: bytes) -> bytes:
    """A line: what it says, as JSON without the last brace, and the hash of that."""
    return told + _HASH + hashlib.sha256(told).hexdigest().encode() + b'"}'


def hash_of(line: bytes) -> str:
    """The hash with which a line ends."""
    return line[-66:-2].decode()


def is_sealed(line: bytes) -> bool:
    """Whether the line's hash is of what it says."""
    return line == sealed(line.rpartition(_HASH)[0])


def parsed(line: bytes) -> dict[str, Any] | None:
    """What a line says; None for what is no line of an audit."""
    with contextlib.suppress(ValueError, RecursionError):
        entry = json.loads(line)
        if isinstance(entry, dict):
            return entry
    return None

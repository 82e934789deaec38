"""Finds damage and edits in the audit, by its chain of hashes and by the note of how far it goes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from backends.changes.audit import Audit, Snapshot
from backends.changes.audit_chain import START, Last, Note, is_sealed, parsed

BLIND = """\
it can't find, if done with care: lines cut off or added at the end, the last one changed; everything removed,
made anew or an older copy; nor a line lost in a crash that no note yet counts. Only a copy elsewhere shows it"""


def verify(folder: Path) -> tuple[int, list[str]]:
    """How many lines there are, and what is wrong, a sentence each; `BLIND` is not found. Lines that are written
    meanwhile are left out. Raises OSError."""
    audit = Audit(folder)
    seen = audit.snapshot()
    walk = _Walk(seen.note)
    wrong = list(_gaps([number for number, _ in seen.files]))
    for number, size in seen.files:
        path = audit.path(number)
        with open(path, "rb") as file:
            data = file.read(size)
        wrong += walk.through(path.name, data, newest=number == seen.files[-1][0])
    wrong += _by_note(seen, walk)
    return walk.count, wrong


class _Walk:
    """From line to line. `noted` is the hash of the line that the note tells of, once it has been passed."""

    def __init__(self, note: Note | None) -> None:
        self._note = note
        self.before, self.count = Last(), 0
        self.noted = START if note and note.number == 0 else ""

    def through(self, name: str, data: bytes, *, newest: bool) -> Iterator[str]:
        *lines, rest = data.split(b"\n")
        entries = [parsed(line) for line in lines]
        for index, (line, entry) in enumerate(zip(lines, entries, strict=True)):
            following = entries[index + 1] if index + 1 < len(entries) else None
            if following is not None and following.get("torn") == _hash(line):
                continue
            where = f"{name}:{index + 1}"
            if entry is None:
                yield f"{where}: not a line of the audit"
                continue
            for text in _faults(line, entry, self.before, lines[index - 1] if index else b""):
                yield f"{where}: {text}"
            self._pass(entry)
        if rest:
            crash = ": a crash may have cut it off, and then the next line will say so" if newest else ""
            yield f"{name}: ends in the middle of a line{crash}"

    def _pass(self, entry: dict[str, Any]) -> None:
        number = entry.get("n")
        self.before = Last(number if isinstance(number, int) else 0, str(entry.get("hash")))
        self.count += 1
        if self._note is not None and self.before.number == self._note.number:
            self.noted = self.before.hash


def _faults(line: bytes, entry: dict[str, Any], before: Last, above: bytes) -> Iterator[str]:
    if not is_sealed(line):
        yield "edited: its hash is not of what it says"
    if entry.get("prev") != before.hash:
        yield "does not follow the line before it: one was removed, added or edited"
    elif entry.get("n") != before.number + 1:
        yield f"has number {entry.get('n')}, expected {before.number + 1}"
    if "torn" in entry and entry["torn"] != _hash(above):
        yield "what a cut-off write had left before it is gone or was edited"
    if "expected" in entry:
        yield f"found when it was written: {entry.get('text')}"


def _gaps(numbers: list[int]) -> Iterator[str]:
    gaps = [(low + 1, high - 1) for low, high in pairwise([0, *numbers]) if high > low + 1]
    if gaps:
        told = (str(low) if low == high else f"{low} to {high}" for low, high in gaps)
        yield f"files are missing: {', '.join(told)}"


def _by_note(seen: Snapshot, walk: _Walk) -> Iterator[str]:
    note, last = seen.note, walk.before.number
    if seen.unreadable:
        yield f"its note `head`, of how far it goes, {seen.unreadable}; may be a crash"
    elif note is None:
        if seen.files:
            yield "its note `head`, of how far it goes, is gone; lines may have been cut off"
    elif note.number > last:
        gone = note.number - last
        yield f"{gone} line{'s are' if gone > 1 else ' is'} missing at the end: it once had {note.number}"
    elif walk.noted != note.hash:
        yield f"line {note.number} is not the one that its note `head` tells of: it or the note was changed"
    elif last > note.number + 1:
        yield (
            f"{last - note.number} lines more than its note `head` tells of: it could not be written "
            "(a full disk may be why), or they were added"
        )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

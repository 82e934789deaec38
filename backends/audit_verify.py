"""Finds damage and edits in the audit, by its chain of hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.audit import Audit, Last, digest

BLIND = (
    "not to be found: that somebody who may write these files made all of them anew, or cut lines off the end "
    "and changed the file `head` to suit; only a copy elsewhere shows that"
)


def verify(folder: Path) -> tuple[int, list[str]]:
    """How many lines there are, and what is wrong, a sentence each; `BLIND` is not found. Raises OSError."""
    audit = Audit(folder)
    wrong: list[str] = []
    before, count = Last(), 0
    numbers = audit.files()
    if numbers and numbers != list(range(1, numbers[-1] + 1)):
        missing = sorted(set(range(1, numbers[-1] + 1)) - set(numbers))
        wrong.append(f"files are missing: {', '.join(map(str, missing))}")
    for number in numbers:
        path = audit.path(number)
        torn: bytes | None = None
        for place, line in enumerate(path.read_bytes().split(b"\n"), start=1):
            where = f"{path.name}:{place}"
            if torn is not None and line:
                entry = _parsed(line)
                if entry is None or entry.get("torn") != hashlib.sha256(torn).hexdigest():
                    wrong.append(f"{path.name}:{place - 1}: not a line of the audit")
                torn = None
            if not line:
                continue
            entry = _parsed(line)
            if entry is None:
                torn = line
                continue
            wrong += [f"{where}: {text}" for text in _faults(entry, before)]
            number_in_it = entry.get("n")
            before = Last(number_in_it if isinstance(number_in_it, int) else 0, str(entry.get("hash")))
            count += 1
        if torn is not None:
            wrong.append(f"{path.name}: ends in the middle of a line")
    head = _head(folder)
    if head > before.number:
        wrong.append(f"{head - before.number} lines are missing at the end: it once had {head}")
    return count, wrong


def _faults(entry: dict[str, Any], before: Last) -> Iterator[str]:
    if entry.get("hash") != digest(entry):
        yield "edited: its hash is not of what it says"
    if entry.get("prev") != before.hash:
        yield "does not follow the line before it: one was removed, added or edited"
    elif entry.get("n") != before.number + 1:
        yield f"has number {entry.get('n')}, expected {before.number + 1}"


def _head(folder: Path) -> int:
    try:
        return int(json.loads((folder / "head").read_text())["n"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None

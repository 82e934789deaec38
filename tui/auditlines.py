"""The audit in words: an entry a line, for the verb and for the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from backends.api.actions import sentence
from backends.audit import Audit
from backends.audit_verify import verify

NOTHING = "nothing has been tried: the audit is empty"
SHOWN = 1000
"""Entries that the screen shows, the last ones."""


def moment_of(entry: dict[str, Any]) -> datetime:
    """When an entry was written; one whose time is no time is shown rather than left out."""
    try:
        return datetime.fromisoformat(str(entry.get("time"))).astimezone()
    except (ValueError, OverflowError):
        return datetime.now().astimezone()


def line_of(entry: dict[str, Any]) -> str:
    """An entry in one line, as text from outside."""
    told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in entry.items()}
    stamp = moment_of(entry).strftime("%Y-%m-%d %H:%M:%S")
    words = [stamp, *(f"{told.get(key, ''):<{width}}" for key, width in (("outcome", 7), ("context", 8)))]
    verb, title, target, text = (told.get(key, "") for key in ("verb", "title", "target", "text"))
    words += [sentence(verb, title, target), text]
    who = f"{told.get('user', '')}, {told.get('origin', '')}"
    why = f", “{told['reason']}”" if told.get("reason") else ""
    return "  ".join(words) + f"  [{who}{why}]"


def last_lines(folder: Path) -> list[str]:
    """What is damaged, then the last entries, newest last. Blocks."""
    try:
        return [*_damage(folder), *_last(folder)]
    except OSError as error:
        return [f"{error.filename or folder}: {error.strerror}"]


def _damage(folder: Path) -> Iterator[str]:
    _, wrong = verify(folder)
    if wrong:
        places = "1 damaged place" if len(wrong) == 1 else f"{len(wrong)} damaged places"
        yield f"{places}, of which `midwatch audit verify` tells; the first: {wrong[0]}"
        yield ""


def _last(folder: Path) -> Iterator[str]:
    entries = list(Audit(folder).entries())
    left = len(entries) - SHOWN
    if left > 0:
        yield f"{left} before these, which `midwatch audit` prints"
    yield from map(line_of, entries[-SHOWN:])
    if not entries:
        yield NOTHING

"""The audit in words: an entry a line, for the verb and for the screen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from backends.api.actions import sentence
from backends.changes.audit_chain import AuditFiles
from backends.changes.audit_verify import verify
from backends.clean import clean

NOTHING = "nothing has been tried: the audit is empty"
SHOWN = 1000
"""Entries that the screen shows, the last ones."""
LINE_MOST = 400
"""Characters of one of them there; `midwatch audit` prints all."""
_STAMPED = re.compile(r"\d+-\d\d-\d\d \d\d:\d\d:\d\d  ")
CHECKING = "whether it is whole is being looked at …"


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


def is_entry(line: str) -> bool:
    """Whether a line of the screen is an entry, and none that tells something of them."""
    return _STAMPED.match(line) is not None


def last_lines(folder: Path, held: Sequence[str]) -> list[str]:
    """The last entries, newest last, then those that are `held`, as JSON, since no audit has taken them: clean
    and of bounded length, for the screen. Blocks."""
    waiting = [line_of(json.loads(line)) for line in held]
    try:
        lines = list(_last(folder)) or ([] if waiting else [NOTHING])
    except OSError as error:
        lines = [_said(folder, error)]
    if waiting:
        lines += [f"{len(waiting)} held, in no audit yet:", *waiting]
    return [clean(line if len(line) <= LINE_MOST else f"{line[:LINE_MOST]}…") for line in lines]


def damage_lines(folder: Path) -> list[str]:
    """What is damaged, as it stands below the entries; nothing where all is whole. Blocks, for some seconds where
    there are a hundred thousand of them."""
    try:
        _, wrong = verify(folder)
    except OSError as error:
        return ["", f"whether it is whole is not known: {_said(folder, error)}"]
    places = "1 damaged place" if len(wrong) == 1 else f"{len(wrong)} damaged places"
    told = f"{places}, of which `midwatch audit verify` tells; the first: {wrong[0]}" if wrong else ""
    return ["", clean(told)] if told else []


def _last(folder: Path) -> Iterator[str]:
    entries = AuditFiles(folder).last_entries(SHOWN)
    first = entries[0].get("n") if entries else None
    if len(entries) == SHOWN and isinstance(first, int) and first > 1:
        yield f"{first - 1} before these, which `midwatch audit` prints"
    yield from map(line_of, entries)


def _said(folder: Path, error: OSError) -> str:
    return f"{error.filename or folder}: {error.strerror}"

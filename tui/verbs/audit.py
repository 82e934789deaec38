"""`audit`, `audit verify`: what was tried, by whom, on what, how it ended; and whether that record is whole."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from backends.changes.audit import Audit
from backends.changes.audit_verify import BLIND, verify
from backends.state import audit_folder
from tui.audit_lines import NOTHING, line_of, moment_of
from tui.verbs.printing import complain, say, to_json
from tui.verbs.words import WrongUse, moment


def audit(options: argparse.Namespace) -> int:
    """Print the lines, oldest first, of the context that is named, else of all; `verify`, which is always of all:
    0 when whole, 1 when damaged."""
    folder = audit_folder(os.environ)
    try:
        return _verify(folder, options) if options.what == "verify" else _list(folder, options)
    except WrongUse as error:
        complain(f"midwatch: {error}")
        return 2
    except OSError as error:
        complain(f"midwatch: {error.filename or folder}: {error.strerror}")
        return 3


def _verify(folder: Path, options: argparse.Namespace) -> int:
    count, wrong = verify(folder)
    if options.output in ("json", "jsonl"):
        say(to_json({"kind": "audit verify", "lines": count, "damage": wrong}))
        return 1 if wrong else 0
    say(*wrong, f"{folder}: {_verdict(count, wrong)}")
    say(*BLIND.splitlines())
    return 1 if wrong else 0


def _verdict(count: int, wrong: list[str]) -> str:
    if wrong:
        return f"{_counted(count, 'line')}, {_counted(len(wrong), 'damaged place')}"
    return (
        f"{_counted(count, 'line')}, whole"
        if count
        else "no lines: nothing was ever written, or all of it was removed"
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _list(folder: Path, options: argparse.Namespace) -> int:
    since = None if options.since is None else moment(options.since)
    wanted = options.context
    entries = [
        entry
        for entry in Audit(folder).entries()
        if (since is None or moment_of(entry) >= since) and wanted in (None, entry.get("context"))
    ]
    if options.output == "json":
        say(to_json({"kind": "audit", "items": entries}))
    elif options.output == "jsonl":
        say(*map(to_json, entries))
    elif not entries:
        where = f"nothing has been tried in {wanted}" if wanted else NOTHING
        say(where + (f" since {options.since}" if since else ""))
    else:
        say(*map(line_of, entries))
    return 0

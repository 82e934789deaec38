"""`signal ID|[HOST:]PID|NAME SIG`: one signal to one process, through the door."""

from __future__ import annotations

import argparse
import os
from signal import Signals

from backends.api.actions import Action
from backends.api.errors import NotFound
from backends.api.processes import Process
from backends.config.context import Context
from backends.nearest import nearest
from backends.processes.signal_offer import named, short
from backends.watch import Watch
from tui.verbs.changing import act, actions_on, rows_of
from tui.verbs.words import WrongUse


async def signal(context: Context, options: argparse.Namespace) -> int:
    async def find(opened: Watch, timeout: float) -> list[Action]:
        title = signal_named(options.signal)
        rows = await rows_of(opened, "processes", timeout)
        row = _only(options.target, rows)
        offered = {action.title: action for action in await actions_on(opened, row) if action.verb == "signal"}
        if title not in offered:
            raise WrongUse(f"{title} means nothing to {row.name}, expected one of {', '.join(offered)}")
        return [offered[title]]

    return await act(context, options, find)


def signal_named(word: str) -> str:
    """`SIGTERM` for `TERM`, `sigterm` or 15. Raises `WrongUse`."""
    number = named(word)
    if number is None:
        near = nearest(word.upper().removeprefix("SIG"), map(short, Signals))
        raise WrongUse(f"{word!r} is no signal, expected TERM, HUP, INT, USR1, … or KILL{near}")
    return number.name


def fits(row: Process, word: str) -> bool:
    """Whether a process is what a word means: its id, its pid, with or without its host, or its exact name."""
    if row.key == word:
        return True
    host, colon, pid = word.rpartition(":")
    if pid.isdecimal():
        return row.pid == int(pid) and (not colon or row.host == host)
    program = row.command.split(" ", 1)[0].rpartition("/")[2]
    # Two of the same name are ambiguous, but nobody means by a name the midwatch that is asked.
    return word in (row.name, program) and row.pid != os.getpid()


def _only(word: str, rows: list[Process]) -> Process:
    found = [row for row in rows if fits(row, word)]
    if not found:
        is_name = not word.rpartition(":")[2].isdecimal()
        near = nearest(word, (row.name for row in rows)) if is_name else ""
        raise NotFound(f"no such process: {word}{near}")
    if len(found) > 1:
        lines = [f"  {row.key}  {row.user or '?'}  {row.command}" for row in found]
        raise WrongUse("\n".join([f"{word} fits {len(found)} processes, expected the id of one:", *lines]))
    return found[0]

"""`events --watch`: what changes from now on, each once, until ctrl-c."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable

from backends.api.events import Occurrence
from backends.api.readings import Reading, State
from backends.config.context import Context
from backends.watch import Watch
from tui.kinds.events import EVENTS, told
from tui.verbs.printing import complain, say, to_json


async def events(context: Context, options: argparse.Namespace) -> int:
    """Follow every source of the context; 2 without `--watch`, since nothing is recorded yet."""
    if not options.watch:
        complain("midwatch: events needs --watch: what was before now is not recorded")
        return 2
    opened = Watch(context, timeout=options.timeout)
    output = options.output or "text"

    def print_one(row: Occurrence) -> None:
        say(to_json(EVENTS.json(row)) if output in ("json", "jsonl") else text(row))

    for item in opened.broken:
        complain(f"{item.source}: {item.error}")
    opened.timeline.on_settled(print_one)
    opened.open()
    for key, feed in opened.feeds().items():
        if feed.pace.always:
            feed.watch(_first_trouble(key.source))
    try:
        await asyncio.Event().wait()
    finally:
        await opened.close()
    return 0


def text(row: Occurrence) -> str:
    stamp = row.time.astimezone().strftime("%H:%M:%S")
    return f"{stamp}  {row.kind.value:<7}  {row.target:<24}  {told(row)}  [{', '.join(row.witnesses)}]"


def _first_trouble(source: str) -> Callable[[Reading[object], Reading[object]], None]:
    """A source that was not there from the start is no event, and must be told all the same."""
    said = False

    def heard(new: Reading[object], before: Reading[object]) -> None:
        nonlocal said
        if new.state is State.UNREACHABLE and new.at is None and not said:
            said = True
            complain(f"{source}: {new.error}")

    return heard

"""Where one is in what the log sources hold, in words: how far in a file, how far from a time, and what of all
lines is shown."""

from __future__ import annotations

from collections.abc import Sequence

from backends.api.logs import LogRecord, moment_of
from tui.commands import key_of
from tui.screens.logs.history import LoadedHistory
from widgets.logs.feeder import Feeder
from widgets.logs.lines import LogLines
from widgets.logs.locate import Located
from widgets.logs.match_count import MANY
from widgets.logs.view import LogView
from widgets.quantities import age, count, size

FAR = 60.0
"""Seconds by which the nearest line may miss a time without a word."""


def position(history: LoadedHistory, live: Sequence[Feeder], on: Located | None) -> str:
    """How far in a file the line under the cursor is; of several files, that it is not the newest. `live`: the
    lines in memory."""
    stream = history.alone
    if stream is None or on is None or on.block.first is None:
        return f"not the newest, {key_of('last')}: end"
    block, edge = on.block, stream.buffer.edge(back=False)
    at = on.block.first + len(block.data) * on.line // block.count
    newest = [feeder.tail.block_of(feeder.tail.span.end - 1) for feeder in live]
    # What was read to its end says how long it is: memory may hold lines of one that had its name before.
    more = () if stream.ended[False] else (found[1] for found in newest if found is not None)
    ends = [edge, *more]
    known = [found for found in ends if found is not None and found.origin == block.origin]
    end = max(found.stop for found in known)
    return f"{100 * at / end:.1f} % of {size(end)}, {key_of('last')}: end"


def share(history: LoadedHistory | None, *, older: bool) -> str:
    """What of all that there is the rows are of; empty where they are all of it. `older`: there may be lines
    before those in memory."""
    if history is not None:
        return "a part of what there is, as shown"
    return "the lines in memory, not all that there are" if older else ""


def none_passes(history: LoadedHistory | None, lines: LogLines, *, older: bool) -> str:
    """What was looked at where no line passes the filter."""
    if history is None:
        kept = f"none of {count(lines.total)} lines"
        if lines.since is not None or not older:
            return f"{kept} passes"
        return f"{kept} in memory passes; {key_of('first')} looks from the beginning on"
    if history.stuck(back=False):
        whole = history.stuck(back=True)
        return f"none of the lines passes, {'of all that can be read' if whole else 'up to the end'}"
    settled = history.settled
    until = "" if settled is None else f" up to {moment_of(settled[1]).astimezone():%H:%M:%S}"
    return f"none of the lines read{until} passes; {key_of('page 1')} reads on"


def no_match(history: LoadedHistory | None, lines: LogLines, *, older: bool) -> str:
    """What was looked at where no line matches the search, and which key looks further."""
    on, back = f"{key_of('next_match 1')} looks on", f"{key_of('next_match -1')} looks further back"
    if history is None:
        return "no match" if lines.since is not None or not older else f"no match in memory: {back}"
    ends = {on: history.at_end(back=False), back: history.at_end(back=True)}
    further = ", ".join(key for key, at_end in ends.items() if not at_end)
    return f"no match in what is read: {further}" if further else "no match"


def match_of(counted: LogView.Counted) -> str:
    """Which of the matches in memory the one under the cursor is."""
    if counted.total > MANY:
        return f"one of more than {count(MANY)} matches in memory"
    return f"match {count(counted.number)} of {count(counted.total)} in memory"


def missed(record: LogRecord | None, arrived: LogView.Arrived, *, dropped: bool) -> str:
    """That the nearest line is not of the time that was asked for; empty where it is near enough. `dropped`:
    older ones are no longer kept."""
    by = arrived.missed.total_seconds()
    if record is None or abs(by) < FAR:
        return ""
    asked = f"{arrived.asked.astimezone():%H:%M:%S}"
    if by > 0:
        return f"no line at {asked}: the nearest one is {age(by)} older"
    if dropped:
        return f"lines of {asked} are no longer kept: the oldest one is {age(-by)} younger"
    return f"no line is as old as {asked}: the nearest one is {age(-by)} younger"

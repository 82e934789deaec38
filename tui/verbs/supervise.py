"""`start|stop|restart UNIT`: a supervisor's own verbs, through the door, followed until it says so."""

from __future__ import annotations

import argparse

from backends.api.actions import Action
from backends.api.units import Unit
from backends.config.context import Context
from backends.nearest import nearest
from backends.watch import Watch
from tui.verbs.changing import act, actions_on, rows_of
from tui.verbs.words import WrongUse

LISTS = "; midwatch units lists them"


async def supervise(context: Context, options: argparse.Namespace) -> int:
    """`GROUP:*` means all of a group, one by one: the next only when the last one is up."""

    async def find(opened: Watch, timeout: float) -> list[Action]:
        rows = await rows_of(opened, "units", timeout)
        return [await _action(opened, row, options.verb) for row in _meant(options.unit, rows)]

    return await act(context, options, find)


async def _action(opened: Watch, row: Unit, verb: str) -> Action:
    offered = [action for action in await actions_on(opened, row) if action.verb == verb]
    if not offered:
        raise WrongUse(f"{row.source} can't {verb} {row.name}")
    return offered[0]


def _meant(word: str, rows: list[Unit]) -> list[Unit]:
    """A unit by its key, its name with or without its source or its group; all of a group by `GROUP:*`, with or
    without its source."""
    if word.endswith(":*"):
        return _group(word, rows)
    names = (
        lambda row: (row.key, row.name, f"{row.source}:{row.name}"),
        lambda row: (row.name.partition(":")[2],),
    )
    found = next((fits for name in names if (fits := [row for row in rows if word in name(row)])), [])
    if not found:
        near = nearest(word, (name for row in rows for name in (row.name, row.name.partition(":")[2]) if name))
        raise WrongUse(f"no such unit: {word}{near or LISTS}")
    if len(found) > 1:
        lines = [f"  {row.key}  {row.native}" for row in found]
        raise WrongUse("\n".join([f"{word} fits {len(found)} units, expected one of:", *lines]))
    return found


def _group(word: str, rows: list[Unit]) -> list[Unit]:
    begins = word[:-1]
    found = [row for row in rows if row.name.startswith(begins) or f"{row.source}:{row.name}".startswith(begins)]
    if not found:
        groups = [row.name.partition(":")[0] for row in rows if ":" in row.name]
        raise WrongUse(f"no such group: {begins[:-1]}{nearest(begins[:-1], groups) or LISTS}")
    sources = sorted({row.source for row in found})
    if len(sources) > 1:
        lines = [f"  {source}:{word}" for source in sources]
        raise WrongUse("\n".join([f"{word} fits groups of {len(sources)} sources, expected one of:", *lines]))
    return sorted(found, key=lambda row: row.name)

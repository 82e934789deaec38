"""`run attach ID`: a run's whole history and what comes, to its end. `run abort ID`: end it, through the door."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import closing

from backends.api.actions import Action
from backends.api.capabilities import Runs
from backends.api.errors import BackendError, NotFound
from backends.api.readings import FeedKey
from backends.api.runs import Run, RunState, span
from backends.config.context import Context
from backends.nearest import nearest
from backends.viewer import Viewer
from backends.watch import Watch
from tui.kinds.runs import run_json
from tui.verbs.changing import act, actions_on, failed, rows_of
from tui.verbs.printing import complain, say, to_json
from tui.verbs.words import WrongUse

EXIT = {RunState.DONE: 0, RunState.FAILED: 1, RunState.ABORTED: 1, RunState.INTERRUPTED: 3}


async def run(context: Context, options: argparse.Namespace) -> int:
    if options.what == "abort":
        return await _abort(context, options)
    return await attach(context, options, options.id)


async def attach(context: Context, options: argparse.Namespace, name: str) -> int:
    """Print what it has printed and goes on printing; as JSON its row instead, at each change with `jsonl`.

    0 where it is done, 1 where it failed or was aborted, 3 where it was interrupted; 2 where there is none.
    """
    opened = Watch(context, timeout=options.timeout)
    row: Run | None = None
    try:
        row = _named(name, await rows_of(opened, "runs", options.timeout))
        if options.output not in ("json", "jsonl"):
            await _print_output(opened, row)
        row = await _to_its_end(opened, row, changes=options.output == "jsonl")
        if options.output == "json":
            say(to_json({"kind": "runs", "context": context.name, "items": [run_json(row)]}))
        complain(f"{row.key}: {_how(row)}")
        return EXIT[row.state]
    except (WrongUse, BackendError) as error:
        return failed(error)
    except asyncio.CancelledError:
        if row is not None and row.state is RunState.RUNNING:
            complain(f"{row.key} goes on; midwatch run attach {row.key}")
        raise
    finally:
        await opened.close()


async def _print_output(opened: Watch, row: Run) -> None:
    runs = opened.able(row.source, Runs)
    assert runs is not None
    async for batch in runs.output(row.key):
        for block in batch.blocks:
            say(*(line.decode("utf-8", "replace") for line in block.lines()))


async def _to_its_end(opened: Watch, row: Run, *, changes: bool) -> Run:
    """Its last row; each one that differs is printed on the way where that is wanted."""
    feed = opened.feeds("runs")[FeedKey(row.source, "runs")]
    told: Run | None = None
    with closing(Viewer()) as viewer:
        viewer.look([feed])
        while True:
            row = feed.reading.rows.get(row.key, row)
            if changes and row != told:
                told = row
                say(to_json(run_json(row)))
            if row.state is not RunState.RUNNING:
                return row
            await viewer.change()


def _how(row: Run) -> str:
    spent = "" if row.ended is None else f" after {span((row.ended - row.started).total_seconds())}"
    return f"{row.state.value}{spent}" + (f": {row.message}" if row.message else "")


async def _abort(context: Context, options: argparse.Namespace) -> int:
    async def find(opened: Watch, timeout: float) -> list[Action]:
        row = _named(options.id, await rows_of(opened, "runs", timeout))
        offered = [action for action in await actions_on(opened, row) if action.verb == "abort"]
        if not offered:
            raise NotFound(f"{row.key} does not run: {_how(row)}")
        return [offered[0]]

    return await act(context, options, find)


def _named(word: str, rows: list[Run]) -> Run:
    for row in rows:
        if word == row.key:
            return row
    near = nearest(word, (row.key for row in rows))
    raise WrongUse(f"no run {word!r}{near or '; midwatch runs lists them'}")

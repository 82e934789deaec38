"""Runs a verb: its module is imported when it is asked for, and no more than that.

`tui.cli` says which one (`by`): a module of this package, as a function of the module's own name, which gets the
options, and if it is async the context before them.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import os
import sys

from backends.config import ConfigError
from backends.threads import leave_threads_behind
from tui.log import start_log
from tui.verbs.opening import open_context
from tui.verbs.output import complain


def run_verb(options: argparse.Namespace) -> int:
    """Run the verb of a parsed command line; returns the exit code."""
    start_log(os.environ)
    # A stream that a pipe reads must carry each line as it comes, and bytes that no locale can refuse.
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        return _verb(options)
    except ConfigError as error:
        complain(str(error))
        return 2


def _verb(options: argparse.Namespace) -> int:
    run = getattr(importlib.import_module(f"tui.verbs.{options.by}"), options.by)
    if not inspect.iscoroutinefunction(run):
        done: int = run(options)
        return done

    async def go() -> int:
        leave_threads_behind()
        status: int = await run(await open_context(options), options)
        return status

    return asyncio.run(go())

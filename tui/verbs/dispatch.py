"""Runs a verb: its module is imported when it is asked for, and no more than that.

`tui.arguments` says which one (`by`): a module of this package, as a function of the module's own name, which
gets the options, and if it is async the context before them.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import inspect
import sys


def run_verb(options: argparse.Namespace) -> int:
    """Run the verb of a parsed command line; returns the exit code."""
    # What is imported stays: looking through it for garbage, now or at the end, finds none.
    gc.disable()
    try:
        return _run(options)
    finally:
        gc.freeze()
        gc.enable()


def _run(options: argparse.Namespace) -> int:
    # A stream that a pipe reads must carry each line as it comes, and bytes that no locale can refuse.
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    run = getattr(importlib.import_module(f"tui.verbs.{options.by}"), options.by)
    if inspect.iscoroutinefunction(run):
        from tui.verbs.opening import run_in_context

        return run_in_context(run, options)
    done: int = run(options)
    return done

"""Which module runs a verb: each is imported when it is asked for, and no more than that."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
from collections.abc import Awaitable, Callable

from backends.config import ConfigError
from backends.context import Context
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
    if options.verb == "config":
        from tui.verbs.configuration import config_verb

        return config_verb(options)
    if options.verb == "audit":
        from tui.verbs.audit import audit

        return audit(options)
    run = _async_verb(options.verb)

    async def go() -> int:
        leave_threads_behind()
        return await run(await open_context(options), options)

    return asyncio.run(go())


MODULES = {
    **dict.fromkeys(("start", "stop", "restart"), "supervise"),
    **{name: name for name in ("logs", "events", "query", "watch", "doctor", "signal", "deploy", "run")},
}
"""Which module of this package has a verb, as a function of the module's own name; all others are listings."""


def _async_verb(name: str) -> Callable[[Context, argparse.Namespace], Awaitable[int]]:
    module = MODULES.get(name, "listing")
    found: Callable[[Context, argparse.Namespace], Awaitable[int]] = getattr(
        importlib.import_module(f"tui.verbs.{module}"), module
    )
    return found

"""The verbs: midwatch without the screen. Each imports no more than it needs, and never textual."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from backends.config import Config, ConfigError, choose_context, load_config, read_only_wanted
from backends.context import Context
from backends.discovery import discover
from tui.log import start_log


def run_verb(options: argparse.Namespace) -> int:
    """Run the verb of a parsed command line; returns the exit code."""
    start_log(os.environ)
    # A stream that a pipe reads must carry each line as it comes, and bytes that no locale can refuse.
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    try:
        return _verb(options)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _verb(options: argparse.Namespace) -> int:
    if options.verb == "config":
        from tui.verbs.configuration import config_verb

        return config_verb(options)
    run = _async_verb(options.verb)

    async def go() -> int:
        return await run(await open_context(options), options)

    return asyncio.run(go())


def _async_verb(name: str) -> Callable[[Context, argparse.Namespace], Awaitable[int]]:
    if name == "logs":
        from tui.verbs.logs import logs

        return logs
    if name == "events":
        from tui.verbs.events import events

        return events
    if name == "query":
        from tui.verbs.query import query

        return query
    if name == "watch":
        from tui.verbs.watch import watch

        return watch
    if name == "deploy":
        from tui.verbs.deploy import deploy

        return deploy
    if name == "run":
        from tui.verbs.run import run

        return run
    if name == "signal":
        from tui.verbs.signal import signal

        return signal
    if name == "doctor":
        from tui.verbs.doctor import doctor

        return doctor
    from tui.verbs.listing import listing

    return listing


async def open_context(options: argparse.Namespace) -> Context:
    """The context that the flags, the environment and the file name; what is found where there is no file."""
    config = load(options)
    context = choose_context(config, options.context, os.environ)
    if context is not None:
        return context
    return await discover(os.environ, read_only=read_only_wanted(options.read_only, os.environ))


def load(options: argparse.Namespace) -> Config:
    return load_config(options.config, os.environ, read_only=options.read_only)

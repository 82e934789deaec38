"""The configuration and the context that a command line means, and verbs that are run in one."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
from collections.abc import Awaitable, Callable

from backends.config.configuration import Config, ConfigError, choose_context
from backends.config.context import Context
from backends.config.context_words import DEFAULT
from backends.config.file import load_config, read_only_wanted
from backends.threads import leave_threads_behind
from tui.own_log import start_log
from tui.verbs.printing import complain

Verb = Callable[[Context, argparse.Namespace], Awaitable[int]]


def run_in_context(verb: Verb, options: argparse.Namespace) -> int:
    """Run an async verb in the context that is meant; returns the exit code."""

    async def go() -> int:
        gc.enable()
        leave_threads_behind()
        return await verb(await open_context(options), options)

    try:
        return asyncio.run(go())
    except ConfigError as error:
        complain(str(error))
        return 2


async def open_context(options: argparse.Namespace) -> Context:
    """The context that the flags, the environment and the file name; what is found where there is no file."""
    config = load(options)
    context = choose_context(config, options.context, os.environ)
    if context is not None:
        return context
    if options.verb == "logs" and options.sources and all(map(_is_path, options.sources)):
        # What is named by its path is read without looking around for sources.
        return Context(DEFAULT, read_only=read_only_wanted(options.read_only, os.environ))
    from backends.config.discovery import discover

    return await discover(os.environ, read_only=read_only_wanted(options.read_only, os.environ))


def _is_path(name: str) -> bool:
    """Whether it can be no source's name (`files/main`)."""
    return name == "-" or name.startswith(("/", "./", "../"))


def load(options: argparse.Namespace) -> Config:
    """Raises `ConfigError`. From here on something may go wrong that only the log is told."""
    start_log(os.environ)
    return load_config(options.config, os.environ, read_only=options.read_only)

"""The configuration and the context that a command line means."""

from __future__ import annotations

import argparse
import os

from backends.config import Config, choose_context
from backends.config_file import load_config, read_only_wanted
from backends.context import Context


async def open_context(options: argparse.Namespace) -> Context:
    """The context that the flags, the environment and the file name; what is found where there is no file."""
    config = load(options)
    context = choose_context(config, options.context, os.environ)
    if context is not None:
        return context
    if options.verb == "logs" and options.sources and all(map(_is_path, options.sources)):
        # What is named by its path is read without looking around for sources.
        return Context("default", read_only=read_only_wanted(options.read_only, os.environ))
    from backends.discovery import discover

    return await discover(os.environ, read_only=read_only_wanted(options.read_only, os.environ))


def _is_path(name: str) -> bool:
    """Whether it can be no source's name (`files/main`)."""
    return name == "-" or name.startswith(("/", "./", "../"))


def load(options: argparse.Namespace) -> Config:
    return load_config(options.config, os.environ, read_only=options.read_only)

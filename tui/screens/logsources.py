"""The log sources of an open context: found by the name that is typed, and their lines in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from backends.api import registry
from backends.api.capabilities import Logs, ability
from backends.context import SourceConfig
from backends.watch import Watch
from widgets.logfeeder import Feeder


def sources_of(watching: Watch | None) -> list[str]:
    return [] if watching is None else [key.source for key in watching.feeds("logs")]


def called(name: str, sources: Sequence[str]) -> list[str]:
    """Those that are called so, with their kind or without it."""
    return [source for source in sources if name in (source, source.partition("/")[2])]


def hint_for(name: str, sources: Sequence[str]) -> str:
    """What to type instead of a name that is no source's."""
    near = get_close_matches(name, sources, 1, 0.2)
    return f"nearest is {near[0]}" if near else "this context has none; a path has a slash"


def feeders_of(watching: Watch, sources: Iterable[str]) -> list[Feeder]:
    feeders = []
    for source in sources:
        backend, tail = watching.backend(source), watching.tail(source)
        able = None if backend is None else ability(backend, Logs)
        if able is not None and tail is not None:
            feeders.append(Feeder(source, tail, able))
    return feeders


async def files_at(path: str) -> SourceConfig:
    """A source of the files that a path or a glob leads to."""
    settings = (await asyncio.to_thread(registry.load, "files")).Settings(paths=(path,))
    return SourceConfig("files", path, settings)

"""The log sources of an open context, and their lines in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from backends.api import registry
from backends.api.capabilities import Logs
from backends.config.context import SourceConfig
from backends.nearest import nearest
from backends.watch import Watch
from widgets.logs.feeder import Feeder


def sources_of(watching: Watch | None) -> list[str]:
    return [] if watching is None else [key.source for key in watching.feeds("logs")]


def feeders_of(watching: Watch, sources: Iterable[str]) -> list[Feeder]:
    feeders = []
    for source in sources:
        able, tail = watching.able(source, Logs), watching.tail(source)
        if able is not None and tail is not None:
            feeders.append(Feeder(source, tail, able))
    return feeders


def not_one(name: str, found: Sequence[str], sources: Sequence[str]) -> str:
    """What to say of a name that means none of the sources, or several of them."""
    if found:
        return f"{name} may be any of {', '.join(found)}"
    names = [*sources, *(source.partition("/")[2] for source in sources)]
    return f"no log source {name}{nearest(name, names) or '; a path has a slash'}"


async def files_at(path: str) -> SourceConfig:
    """A source of the files that a path or a glob leads to."""
    settings = (await asyncio.to_thread(registry.load, "files")).Settings(paths=(path,))
    return SourceConfig("files", path, settings)

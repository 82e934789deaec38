"""What can be seen with no configuration at all: each system is asked where its own tools would look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec import Struct

from backends.api.backend import Found
from backends.api.registry import MODULES, load
from backends.context import Context, SourceConfig

SECONDS = 1.0


class Place(Struct, frozen=True):
    """One place where discovery looked, and which kind of backend looked there."""

    kind: str
    found: Found


async def look_around(env: Mapping[str, str], timeout: float = SECONDS) -> tuple[Place, ...]:
    """Ask every kind of backend at once; one that takes too long has found nothing."""

    async def ask(kind: str) -> tuple[Place, ...]:
        try:
            async with asyncio.timeout(timeout):
                backend = await asyncio.to_thread(load, kind)
                return tuple(Place(kind, found) for found in await backend.discover(env, timeout))
        except TimeoutError:
            return (Place(kind, Found(kind, None, f"no answer within {timeout:g} s")),)

    return tuple(place for places in await asyncio.gather(*map(ask, MODULES)) for place in places)


async def discover(env: Mapping[str, str], *, read_only: bool = False) -> Context:
    """The context `default` of whatever is there, and this host."""
    places = await look_around(env)
    sources = []
    tried = []
    for place in places:
        if place.found.settings is None:
            tried.append(f"{place.found.tried}: {place.found.reason}")
        else:
            sources.append(SourceConfig(place.kind, "main", place.found.settings, place.found.tried))
    sources.append(SourceConfig("local", "host", load("local").Settings(), "this host"))
    return Context("default", tuple(sources), read_only=read_only, tried=tuple(tried))

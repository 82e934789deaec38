"""What can be seen with no configuration at all: each system is asked where its own tools would look."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from msgspec import Struct

from backends.api.backend import Found
from backends.api.errors import BackendError
from backends.api.registry import MODULES, load
from backends.config.context import Context, SourceConfig, this_host
from backends.config.context_words import DEFAULT

SECONDS = 1.0

log = logging.getLogger("midwatch.discovery")


class Place(Struct, frozen=True):
    """One place where discovery looked, and which kind of backend looked there."""

    kind: str
    found: Found


async def look_around(env: Mapping[str, str], timeout: float = SECONDS) -> tuple[Place, ...]:
    """Ask every kind of backend at once; one that takes too long, or fails, has found nothing."""
    asked = {asyncio.create_task(_ask(kind, env, timeout)): kind for kind in MODULES}
    # A backend that can't be cancelled must not hold the others up.
    done, late = await asyncio.wait(asked, timeout=timeout)
    for task in late:
        task.cancel()
    places: list[Place] = []
    for task, kind in asked.items():
        nothing = (Place(kind, Found(kind, None, f"no answer within {timeout:g} s")),)
        places += task.result() if task in done else nothing
    return tuple(places)


async def _ask(kind: str, env: Mapping[str, str], timeout: float) -> tuple[Place, ...]:
    try:
        backend = await asyncio.to_thread(load, kind)
        return tuple(Place(kind, found) for found in await backend.discover(env, timeout))
    except BackendError as error:
        return (Place(kind, Found(kind, None, str(error))),)
    except Exception as error:
        log.exception("looking around for %s", kind)
        return (Place(kind, Found(kind, None, f"bug in its discovery: {type(error).__name__}: {error}")),)


async def discover(env: Mapping[str, str], *, read_only: bool = False) -> Context:
    """The context `default` of whatever is there, and this host; takes at most `SECONDS`."""
    places = await look_around(env)
    sources: list[SourceConfig] = []
    tried = []
    for place in places:
        found = place.found
        if found.settings is None:
            tried.append(f"{found.tried}: {found.reason}")
            continue
        # The contract names what is found KIND/main; a second of one kind must not hide the first.
        alike = sum(source.kind == place.kind for source in sources)
        name = "main" if not alike else f"main{alike + 1}"
        sources.append(SourceConfig(place.kind, name, found.settings, found.tried))
    sources.append(this_host("this host"))
    return Context(DEFAULT, tuple(sources), read_only=read_only, tried=tuple(tried))

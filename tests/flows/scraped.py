"""A fake metrics server with a feed that always runs beside its charts, as a real one has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from backends.api.capabilities import Scraper
from backends.api.errors import BackendError
from backends.api.metrics import ScrapeTargets
from backends.api.readings import Seen
from backends.api.settings import Settings
from backends.config.context import Context, SourceConfig
from tests.flows.metered import Metered, MeteredSettings, checked

QUEUES: dict[str, asyncio.Queue[Any]] = {}


def orders() -> asyncio.Queue[Any]:
    """What its targets say next: a Seen, or an error to raise. A queue belongs to one loop, so to one test."""
    return QUEUES.setdefault("main", asyncio.Queue())


class Scraped(Metered, Scraper):
    kind: ClassVar[str] = "scraped"
    Settings: ClassVar[type[Settings]] = MeteredSettings

    async def targets(self, last: ScrapeTargets | None) -> AsyncGenerator[Seen[ScrapeTargets], None]:
        while True:
            order = await orders().get()
            if isinstance(order, BackendError):
                raise order
            yield order


def scraped_context(*pages: Any) -> Context:
    sources = (SourceConfig("scraped", "main", MeteredSettings()),)
    return Context("lab", sources, colour="green", pages=checked(*pages))

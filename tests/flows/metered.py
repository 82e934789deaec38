"""A fake that answers queries as a test tells it; its other abilities are those of `tests.flows.fake`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from backends.api.backend import Backend
from backends.api.capabilities import Metrics
from backends.api.errors import Unreachable
from backends.api.metrics import Series
from backends.api.settings import Settings
from backends.config.context import Context, SourceConfig
from backends.config.context_settings import PageSettings
from backends.config.typed import typed

Value = Callable[[float], float | None]
"""A value for a moment (unix seconds), None for a gap."""


class MeteredSettings(Settings, frozen=True):
    pass


@dataclass
class Store:
    """What the server has: by query, each series' labels as text ("code=200") and how it runs; or an error."""

    answers: dict[str, Mapping[str, Value] | Exception] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    lost: set[str] = field(default_factory=set)
    """Sources that can't be asked for names."""
    asked_names: list[str] = field(default_factory=list)
    asked: list[tuple[str, float, float, float]] = field(default_factory=list)
    cancelled: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Cleared: nothing is answered until it is set."""

    def __post_init__(self) -> None:
        self.open.set()


STORE = Store()


def fresh_store() -> Store:
    global STORE
    STORE = Store()
    return STORE


class Metered(Backend, Metrics):
    kind: ClassVar[str] = "metered"
    Settings: ClassVar[type[Settings]] = MeteredSettings

    async def query(self, expression: str) -> tuple[Series, ...]:
        return ()

    async def query_range(
        self, expression: str, start: float, end: float, step: float, *, patience: float | None = None
    ) -> tuple[Series, ...]:
        store = STORE
        store.asked.append((expression, start, end, step))
        try:
            await store.open.wait()
        except asyncio.CancelledError:
            store.cancelled += 1
            raise
        answer = store.answers.get(expression, {})
        if isinstance(answer, Exception):
            raise answer
        return tuple(_series(text, value, start, end, step) for text, value in answer.items())

    async def names(self) -> tuple[str, ...]:
        STORE.asked_names.append(self.source)
        if self.source in STORE.lost:
            raise Unreachable("connection refused", where=self.source)
        return STORE.names

    async def label_names(self) -> tuple[str, ...]:
        return STORE.labels


def _series(text: str, value: Value, start: float, end: float, step: float) -> Series:
    moments = [start + number * step for number in range(round((end - start) / step) + 1)]
    points = [(moment, found) for moment in moments if (found := value(moment)) is not None]
    return Series(dict(pair.split("=", 1) for pair in text.split()), tuple(points))


def panel(title: str, query: str, **more: object) -> dict[str, object]:
    return {"title": title, "query": query, **more}


def metered_context(*pages: Mapping[str, object], name: str = "lab") -> Context:
    sources = (SourceConfig("metered", "main", MeteredSettings()),)
    return Context(name, sources, colour="green", pages=checked(*pages))


def checked(*pages: Mapping[str, object]) -> tuple[PageSettings, ...]:
    return tuple(typed(page, PageSettings) for page in pages)

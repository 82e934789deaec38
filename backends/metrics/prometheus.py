"""Prometheus: what it scrapes, what alarms it, and what it knows.

Read from its HTTP API (prometheus.io/docs, "HTTP API"). What must be cancellable goes over httpx; names for
completion come through prometheus-api-client.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, ClassVar

import msgspec

from backends.api.backend import Backend, Check, Found
from backends.api.capabilities import Alerting, Metrics, Scraper
from backends.api.errors import BackendError, Misconfigured, NotFound
from backends.api.models import Alert, Alerts, Row, Seen, Series, Target, Targets
from backends.api.settings import Settings
from backends.metrics.prometheus_access import DEFAULT, PrometheusSettings, parameters
from backends.metrics.prometheus_answers import is_matrix, series
from backends.metrics.prometheus_names import Names
from backends.metrics.prometheus_wire import Wire, load_client, off_loop

SELECTOR = re.compile(r"\s*[a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{.*\})?\s*", re.DOTALL)
"""What may be a series' own values, and not something computed."""


class Prometheus(Backend, Metrics):
    kind: ClassVar[str] = "prometheus"
    Settings: ClassVar[type[Settings]] = PrometheusSettings

    def __init__(self, name: str, settings: Any, *, timeout: float = 5.0) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._access = settings.access()
        self._wire = Wire(self._access, timeout)
        self._names = Names(self._access, timeout)

    @classmethod
    def preload(cls) -> None:
        load_client()

    @property
    def where(self) -> str:
        return str(self._access.base)

    async def query(self, expression: str) -> tuple[Series, ...]:
        """The time of a series' own value is its sample's, up to five minutes old; that of something computed
        is when the server computed it."""
        data = await self._query("query", query=expression)
        if await off_loop(lambda: is_matrix(data), len(data)):
            raise Misconfigured(
                "the query is a range of values, expected one value of each series",
                hint="put it into rate(…) or last_over_time(…), or ask for a range",
            )
        found = await self._series(data)
        if not found or not SELECTOR.fullmatch(expression):
            return found
        return await self._dated(expression, found)

    async def query_range(self, expression: str, start: float, end: float, step: float) -> tuple[Series, ...]:
        data = await self._query("query_range", query=expression, start=start, end=end, step=step)
        return await self._series(data)

    async def names(self) -> tuple[str, ...]:
        return await self._names.metrics(await self._wire.papers())

    async def label_names(self) -> tuple[str, ...]:
        return await self._names.labels(await self._wire.papers())

    async def _query(self, path: str, **parameters: str | float) -> bytes:
        # The server gives up a little before we do, and then says why.
        words = {name: value if isinstance(value, str) else f"{value:.3f}" for name, value in parameters.items()}
        return await self._wire.get(path, {**words, "timeout": f"{self.timeout * 0.9:.3f}"})

    async def _series(self, data: bytes) -> tuple[Series, ...]:
        return await off_loop(lambda: series(data, self.where), len(data))

    async def _dated(self, expression: str, found: tuple[Series, ...]) -> tuple[Series, ...]:
        """The same values at their samples' times: the server dates every value with the query's."""
        at = next((one.points[0][0] for one in found if one.points), time.time())
        data = await self._query("query", query=f"timestamp({expression})", time=at)
        times = {_identity(one): one.points[0][1] for one in await self._series(data) if one.points}
        return tuple(
            Series(one.labels, tuple((times.get(_identity(one), at), value) for at, value in one.points))
            for one in found
        )

    async def close(self) -> None:
        await self._wire.close()


def _identity(found: Series) -> frozenset[tuple[str, str]]:
    return frozenset(item for item in found.labels.items() if item[0] != "__name__")

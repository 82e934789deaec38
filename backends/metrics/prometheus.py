"""Prometheus: what it scrapes, what alarms it, and what it knows.

Read from its HTTP API (prometheus.io/docs, "HTTP API"). What must be cancellable goes over httpx; names for
completion come through prometheus-api-client.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import msgspec

from backends.api.alerts import Alert, Alerts
from backends.api.backend import TIMEOUT, Backend, Check, Found
from backends.api.capabilities import Alerting, Metrics, Scraper
from backends.api.errors import BackendError, Denied, Silent, TimedOut, Unreachable
from backends.api.metrics import ScrapeTarget, ScrapeTargets, Series
from backends.api.nouns import Row
from backends.api.readings import Seen
from backends.api.settings import Settings
from backends.metrics.prometheus_access import DEFAULT, PrometheusSettings
from backends.metrics.prometheus_answers import series
from backends.metrics.prometheus_feeds import Feeds
from backends.metrics.prometheus_names import Names
from backends.metrics.prometheus_rows import command_for, raw_alert, raw_target
from backends.metrics.prometheus_wire import Wire, load_client, off_loop
from backends.no_json import NO_JSON

_LABELS = r"""\{(?:[^"'`{}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\}"""
SELECTOR = re.compile(rf"\s*(?:[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:{_LABELS})?|{_LABELS})\s*", re.DOTALL)
"""What is series' own values, and nothing computed."""
LOOKBACK = "5m"
"""How old a sample may be that is still a present value, where the server was not told otherwise."""
SKEW = 5.0
"""Seconds by which two clocks may differ before it is told."""
THERE = (Silent, TimedOut, Denied)
"""How something that may well be Prometheus keeps discovery from knowing."""


class Prometheus(Backend, Scraper, Alerting, Metrics):
    kind: ClassVar[str] = "prometheus"
    Settings: ClassVar[type[Settings]] = PrometheusSettings
    example: ClassVar[str] = """\
# [context.lab.prometheus.main]
# url = "http://127.0.0.1:9090"
"""

    def __init__(self, name: str, settings: Any, *, timeout: float = TIMEOUT) -> None:
        super().__init__(name, settings, timeout=timeout)
        self._access = settings.access()
        self._wire = Wire(self._access, timeout)
        self._feeds = Feeds(self._wire, self.source)
        self._names = Names(self._access, timeout)

    @classmethod
    def preload(cls) -> None:
        load_client()

    @property
    def where(self) -> str:
        return str(self._access.base)

    @classmethod
    async def discover(cls, env: Mapping[str, str], timeout: float) -> tuple[Found, ...]:
        if url := env.get("PROMETHEUS_URL", "").strip():
            return (Found("$PROMETHEUS_URL", PrometheusSettings(url=url)),)
        tried = f"{DEFAULT}, Prometheus's default"
        try:
            async with asyncio.timeout(timeout / 2):
                _, writer = await asyncio.open_connection("127.0.0.1", 9090)
        except (OSError, TimeoutError):
            return (Found(tried, None, "nothing listens there, and PROMETHEUS_URL is not set"),)
        writer.close()
        # Other programs use that port too.
        backend = cls("main", PrometheusSettings(), timeout=timeout / 2)
        try:
            await backend._wire.get("status/buildinfo")
        except BackendError as error:
            if type(error) is not Unreachable and not isinstance(error, THERE):
                return (Found(tried, None, f"something else listens there: {error.reason}"),)
        finally:
            await backend.close()
        return (Found(tried, PrometheusSettings()),)

    def targets(self, last: ScrapeTargets | None) -> AsyncGenerator[Seen[ScrapeTargets], None]:
        return self._feeds.targets(last)

    def alerts(self, last: Alerts | None) -> AsyncGenerator[Seen[Alerts], None]:
        return self._feeds.alerts(last)

    async def query(self, expression: str) -> tuple[Series, ...]:
        """The time of a series' own value is its sample's, up to five minutes old, or NaN where the server does
        not tell it; that of something computed is when the server computed it."""
        ends = time.monotonic() + self.timeout
        found = await self._query("query", instant=True, query=expression)
        if not found or not SELECTOR.fullmatch(expression):
            return found
        times: Mapping[_Identity, float] = {}
        # What was found is told without its times, too.
        with suppress(BackendError):
            times = await self._times(expression, found, ends - time.monotonic())
        return tuple(
            Series(one.labels, tuple((times.get(_identity(one), math.nan), value) for _, value in one.points))
            for one in found
        )

    async def query_range(
        self, expression: str, start: float, end: float, step: float, *, patience: float | None = None
    ) -> tuple[Series, ...]:
        span: dict[str, float] = {"start": start, "end": end, "step": step}
        return await self._query("query_range", instant=False, patience=patience, query=expression, **span)

    async def names(self) -> tuple[str, ...]:
        return await self._names.metrics(await self._wire.credentials())

    async def label_names(self) -> tuple[str, ...]:
        return await self._names.labels(await self._wire.credentials())

    async def _query(
        self, path: str, *, instant: bool, patience: float | None = None, **parameters: str | float
    ) -> tuple[Series, ...]:
        limit = patience or self.timeout
        words = {name: value if isinstance(value, str) else f"{value:.3f}" for name, value in parameters.items()}
        # The server gives up a little before we do, and then says why.
        data = await self._wire.get(path, {**words, "timeout": f"{limit * 0.9:.3f}"}, timeout=limit)
        return await off_loop(lambda: series(data, self.where, instant=instant), len(data))

    async def _times(
        self, expression: str, found: tuple[Series, ...], patience: float
    ) -> Mapping[_Identity, float]:
        """When the samples of a selector's values were taken: the server dates every value with the query's time.

        `timestamp(…)` drops the metrics' names, and is refused where two series differ in nothing else; then the
        samples themselves are asked for, which is more to send.
        """
        if patience <= 0:
            return {}
        at = next((one.points[0][0] for one in found if one.points), time.time())
        if len({_nameless(one) for one in found}) == len(found):
            dated = await self._query(
                "query", instant=True, patience=patience, query=f"timestamp({expression})", time=at
            )
            times = {_nameless(one): one.points[0][1] for one in dated if one.points}
            return {_identity(one): times[_nameless(one)] for one in found if _nameless(one) in times}
        samples = await self._query(
            "query", instant=False, patience=patience, query=f"{expression.strip()}[{LOOKBACK}]", time=at
        )
        return {_identity(one): one.points[-1][0] for one in samples if one.points}

    async def check(self) -> tuple[Check, ...]:
        try:
            # In less time than we have: why there is no answer is an answer too.
            build = msgspec.json.decode(await self._wire.get("status/buildinfo", timeout=self.timeout * 0.8))
            began, asked = time.monotonic(), time.time()
            now = await self._query("query", instant=True, query="time()")
            took = time.monotonic() - began
        except BackendError as error:
            return (Check(error.where or self.where, False, error.reason, hint=error.hint),)
        except NO_JSON:
            return (Check(self.where, False, "its answers are not Prometheus's"),)
        said, hints = [f"Prometheus {build.get('version', '')}".rstrip()], []
        runtime = await self._feeds.runtime()
        if runtime is not None and runtime.reload_config_success is False:
            said.append("its last reload failed: it runs on its old configuration")
            hints.append("its log names the line; promtool check config FILE too")
        skew = next((value - asked - took / 2 for one in now for _, value in one.points), 0.0)
        if abs(skew) > SKEW:
            said.append(f"its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} ours")
            hints.append("ranges end too early or too late by as much; look at both clocks")
        return (Check(self.where, True, ", ".join(said), took * 1000, hint="; ".join(hints)),)

    def ask(self, row: Row) -> tuple[str, ...] | None:
        return command_for(row, self._access)

    async def raw(self, row: Row) -> str:
        if isinstance(row, ScrapeTarget):
            return raw_target(row, await self._wire.get("targets", {"state": "active"}), self.where)
        if isinstance(row, Alert):
            return raw_alert(row, await self._wire.get("rules", {"type": "alert"}), self.where)
        return await super().raw(row)

    async def close(self) -> None:
        await self._wire.close()


_Identity = frozenset[tuple[str, str]]


def _identity(found: Series) -> _Identity:
    return frozenset(found.labels.items())


def _nameless(found: Series) -> _Identity:
    return frozenset(item for item in found.labels.items() if item[0] != "__name__")
